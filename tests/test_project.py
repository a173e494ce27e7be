"""The project as a whole: what QuantConnect's cloud and LEAN's CLI take, and who imports whom."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from algorithm.settings import Settings
from research.lean.project_config import CONFIG, default_config

ROOT = Path(__file__).resolve().parents[1]

CORE = ("universe", "alpha", "portfolio", "risk", "execution", "algorithm")
PACKAGES = (*CORE, "research")
# threadpoolctl comes with sklearn, clarabel with cvxpy
CLOUD_LIBRARIES = {"numpy", "pandas", "scipy", "sklearn", "threadpoolctl", "clarabel"}
LARGEST_FILE = 32_000  # the cloud's free tier takes 32 KB
NOT_UPLOADED = {"report", "backtests", "live", "storage", "optimizations", "bin", "obj"}


def project_files() -> list[Path]:
    """Files that are or would be committed, relative to the root."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
            text=True,
        ).stdout.split("\0")
        files = [Path(name) for name in listed if name]
    except (OSError, subprocess.CalledProcessError):  # an unpacked archive
        hidden = re.compile(r"(^|/)(\.(?!ci/)|__pycache__|out/|lean-data/)")
        walked = (path.relative_to(ROOT) for path in ROOT.rglob("*"))
        files = [path for path in walked if not hidden.search(path.as_posix())]
    return sorted(path for path in files if (ROOT / path).is_file())


FILES = project_files()
CORE_MODULES = [path for path in FILES if path.parts[0] in CORE and path.suffix == ".py"]


def may_import_lean(path: Path) -> bool:
    return path.name.startswith("lean_") or path.as_posix() in (
        "main.py",
        "algorithm/trend_carry.py",
    )


def imported(path: Path) -> set[str]:
    """Top-level names a module imports at run time, wherever in it."""
    names: set[str] = set()
    waiting: list[ast.AST] = [ast.parse((ROOT / path).read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports do not work for main.py in LEAN"
            names.add((node.module or "").partition(".")[0])
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting.extend(node.orelse)
        else:
            waiting.extend(ast.iter_child_nodes(node))
    return names


def test_files_are_found():
    assert Path("main.py") in FILES
    assert len(CORE_MODULES) > 20


@pytest.mark.parametrize("suffix", [".py", ".html", ".ipynb", ".css"])
def test_uploaded_files_are_small(suffix):
    sizes = {str(path): (ROOT / path).stat().st_size for path in FILES if path.suffix == suffix}
    assert {name: size for name, size in sizes.items() if size >= LARGEST_FILE} == {}


def test_no_folder_has_a_name_that_lean_skips():
    assert [str(path) for path in FILES if NOT_UPLOADED & set(path.parts[:-1])] == []


def test_no_requirements_in_the_root():
    assert not (ROOT / "requirements.txt").exists(), "LEAN's CLI would install it into its image"


def test_no_top_level_name_hides_a_module():
    tops = {path.parts[0].removesuffix(".py") for path in FILES if path.suffix == ".py"}
    assert tops & set(sys.stdlib_module_names) == set()
    assert tops >= {"main", *PACKAGES}


@pytest.mark.parametrize("path", CORE_MODULES, ids=str)
def test_core_imports(path):
    allowed = CLOUD_LIBRARIES | set(sys.stdlib_module_names)
    allowed |= set(CORE) if path.parts[0] == "algorithm" else set(CORE) - {"algorithm"}
    if may_import_lean(path):
        allowed |= {"AlgorithmImports", "QuantConnect"}
    assert imported(path) - allowed == set()


def test_main_is_one_class_and_imports_the_algorithm():
    tree = ast.parse((ROOT / "main.py").read_text(encoding="utf-8"))
    classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    assert len(classes) == 1, "LEAN starts every algorithm class of main.py"
    assert imported(Path("main.py")) <= {"AlgorithmImports", "algorithm", "__future__"}


def test_research_does_not_need_lean():
    needing = [
        str(path)
        for path in FILES
        if path.parts[0] == "research" and path.suffix == ".py"
        if imported(path) & {"AlgorithmImports", "clr", "main"}
    ]
    assert needing == []


def test_config_equals_the_settings_table():
    config = json.loads(CONFIG.read_text(encoding="utf-8"))
    assert config == default_config(), "'make config' writes it anew"
    assert list(config["parameters"]) == [row["name"] for row in Settings.table()]
    assert Settings.parse(config["parameters"]) == Settings()
    assert all(isinstance(value, str) for value in config["parameters"].values())


def test_config_passes_the_launchers_command_line():
    from research.lean.runner import parameter_text

    assert parameter_text(Settings().as_strings()).startswith("start:1990-01-01,")


def test_requirements_are_pinned():
    lines = [
        line
        for path in sorted((ROOT / "requirements").glob("*.txt"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith(("#", "-r ", "-c "))
    ]
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[0-9a-z.]+", line)] == []
    names = [line.partition("==")[0] for line in lines]
    assert sorted(names) == sorted(set(names))


def test_core_requirements_are_those_of_the_cloud():
    text = (ROOT / "requirements" / "core.txt").read_text(encoding="utf-8")
    for pin in ("numpy==1.26.4", "pandas==2.3.3", "scipy==1.13.1", "scikit-learn==1.6.1"):
        assert pin in text.split()


def test_licence():
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert len(text) > 10_000


def test_ci_is_executable():
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


class TestMake:
    """Targets as make would run them (``-n``), in a copy of the parts that make looks at."""

    @staticmethod
    def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            key: value
            for key, value in os.environ.items()
            if key not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "LEAN_LAUNCHER")
        }
        return subprocess.run(
            ["make", *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    @pytest.fixture
    def copy(self, tmp_path):
        folder = tmp_path / "with blank"
        (folder / "requirements").mkdir(parents=True)
        for name in ("Makefile", *(str(p) for p in FILES if p.parts[0] == "requirements")):
            (folder / name).write_bytes((ROOT / name).read_bytes())
        return folder

    def test_help_is_the_default_and_names_every_target(self, copy):
        text = self.make(copy).stdout
        for target in (
            "backtest",
            "rules",
            "test",
            "lint",
            "types",
            "export",
            "lean",
            "parity",
            "bench",
        ):
            assert re.search(rf"^  {target} ", text, re.MULTILINE)

    def test_missing_python(self, copy):
        done = self.make(copy, "backtest", "PYTHON=python-that-is-not")
        assert done.returncode != 0
        assert "error: python-that-is-not is missing or not Python 3.11" in done.stderr
        assert not (copy / ".venv").exists()

    def test_lean_without_launcher(self, copy):
        (copy / ".venv" / "bin").mkdir(parents=True)
        python = copy / ".venv" / "bin" / "python"
        python.symlink_to(sys.executable)
        for stamp in ("ready-research", "ready-dev"):
            (copy / ".venv" / stamp).touch()
        for target in ("lean", "parity"):
            done = self.make(copy, target)
            assert done.returncode != 0
            assert "error: LEAN_LAUNCHER is not set" in done.stderr

    def test_variables_reach_the_command_line(self, copy):
        fake = copy / ".venv" / "bin" / "python"
        fake.parent.mkdir(parents=True)
        fake.write_text('#!/bin/sh\nfor a in "$@"; do echo "<$a>"; done\n')
        fake.chmod(0o755)
        (copy / ".venv" / "ready-research").touch()
        done = self.make(
            copy,
            "-j4",
            "backtest",
            "DATA=my data",
            "START=2010-01-04",
            "MARKETS=ES ZN",
            "SET=vol_target=0.12 ewmac_spans=16 32",
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.split("\n") == [
            "<-m>",
            "<research>",
            "<backtest>",
            "<--data>",
            "<my data>",
            "<--start>",
            "<2010-01-04>",
            "<--markets>",
            "<ES ZN>",
            "<--set>",
            "<vol_target=0.12 ewmac_spans=16 32>",
            "",
        ]

    def test_changed_requirements_set_up_again(self, copy):
        fake = copy / ".venv" / "bin" / "python"
        fake.parent.mkdir(parents=True)
        fake.write_text('#!/bin/sh\necho "ran $*"\n')
        fake.chmod(0o755)
        (copy / ".venv" / "ready-research").touch()
        os.utime(copy / ".venv" / "ready-research", (1, 1))
        assert "pip install" in self.make(copy, "settings").stdout
        assert "pip install" not in self.make(copy, "settings").stdout
