"""The project as a whole: what QuantConnect's cloud and LEAN's CLI take, and who imports whom."""

import ast
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import tasks
from algorithm.settings import Settings
from research.commands import COMMANDS
from research.commands.settings import markdown
from research.lean.project_config import SHIPPED, default_config

ROOT = Path(__file__).resolve().parents[1]

CORE = ("universe", "alpha", "portfolio", "risk", "execution", "algorithm")
PACKAGES = (*CORE, "research")
# threadpoolctl comes with sklearn, clarabel with cvxpy
CLOUD_LIBRARIES = {"numpy", "pandas", "scipy", "sklearn", "threadpoolctl", "clarabel", "lightgbm"}
CLOUD_LIBRARIES |= {"arch", "statsmodels"}
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
        hidden = re.compile(r"(^|/)(\.(?!ci/|github/)|__pycache__|out/|lean-data/)")
        walked = (path.relative_to(ROOT) for path in ROOT.rglob("*"))
        files = [path for path in walked if not hidden.search(path.as_posix())]
    return sorted(path for path in files if (ROOT / path).is_file())


FILES = project_files()
CORE_MODULES = [path for path in FILES if path.parts[0] in CORE and path.suffix == ".py"]


def may_import_lean(path: Path) -> bool:
    return path.name.startswith("lean_") or path.as_posix() == "main.py"


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


def test_tasks_import_nothing_that_has_to_be_installed():
    waiting, seen = [Path("tasks.py")], set()
    while waiting:
        path = waiting.pop()
        seen.add(path)
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                module = Path(*(node.module or "").split("."))
                for found in (module.with_suffix(".py"), module / "__init__.py"):
                    if (ROOT / found).is_file() and found not in seen:
                        waiting.append(found)
        assert imported(path) <= set(sys.stdlib_module_names) | set(PACKAGES)
    assert seen > {Path("tasks.py")}


def test_main_is_one_class_and_imports_the_algorithm():
    tree = ast.parse((ROOT / "main.py").read_text(encoding="utf-8"))
    classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    assert len(classes) == 1, "LEAN starts every algorithm class of main.py"
    assert imported(Path("main.py")) <= {"AlgorithmImports", "algorithm", "__future__", "time"}


def test_research_does_not_need_lean():
    needing = [
        str(path)
        for path in FILES
        if path.parts[0] == "research" and path.suffix == ".py"
        if imported(path) & {"AlgorithmImports", "clr", "main"}
    ]
    assert needing == []


def test_config_as_it_comes():
    """The file itself is the user's; no test reads it."""
    config = default_config()
    assert tuple(config["parameters"]) == SHIPPED
    assert len(SHIPPED) <= 10  # LEAN's ParameterCountAnalysis warns of more
    assert Settings.parse(config["parameters"]) == Settings()
    assert all(isinstance(value, str) for value in config["parameters"].values())


def test_config_passes_the_launchers_command_line():
    from research.lean.runner import parameter_text

    assert parameter_text(Settings().as_strings()).startswith("start:1990-01-01,")


def named_packages(name: str) -> list[str]:
    """Lines of a requirements/<name>.in and of those that it includes."""
    lines: list[str] = []
    for line in (ROOT / "requirements" / f"{name}.in").read_text(encoding="utf-8").splitlines():
        if line.startswith("-r "):
            lines += named_packages(line.removeprefix("-r ").removesuffix(".in"))
        elif line and not line.startswith("#"):
            lines.append(line)
    return lines


def locked_packages(name: str) -> dict[str, list[str]]:
    """Hashes of a requirements/<name>.txt by package with version and marker."""
    out: dict[str, list[str]] = {}
    for line in (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            word = line.strip().removesuffix(" \\")
            if word.startswith("--hash=sha256:"):
                out[list(out)[-1]].append(word)
            else:
                out[word] = []
    return out


@pytest.mark.parametrize("name", ["research", "dev"])
def test_requirements_are_locked_with_hashes(name):
    wanted, locked = named_packages(name), locked_packages(name)
    pin = re.compile(r"[a-z0-9-]+==[0-9a-z.]+( ; sys_platform == \"win32\")?")
    assert [line for line in (*wanted, *locked) if not pin.fullmatch(line)] == []
    assert sorted(wanted) == sorted(set(wanted))
    assert set(wanted) <= set(locked), "written anew? the file's head says how"
    assert all(hashes for hashes in locked.values())
    packages = [line.partition("==")[0] for line in locked]
    assert packages == sorted(set(packages))
    if name == "dev":
        assert set(locked) >= set(locked_packages("research"))


def test_core_requirements_are_those_of_the_cloud():
    pins = {"numpy==1.26.4", "pandas==2.3.3", "scipy==1.13.1", "scikit-learn==1.6.1"}
    assert pins <= set(named_packages("core"))


def test_licence():
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert len(text) > 10_000


def test_notice_is_that_of_the_project():
    text = (ROOT / "NOTICE").read_text(encoding="utf-8")
    assert text.startswith("trend-carry\nCopyright ")
    assert "Apache License" in text
    assert "BokehJS" in text  # pages carry it


def test_ci_is_executable():
    if os.name != "nt":
        assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_texts_for_people_are_there_and_of_one_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "version"
    ]
    assert f"\n## {version}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {version}\n" in citation
    assert "\nlicense: Apache-2.0\n" in citation
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in ("CONTRIBUTING.md", "CHANGELOG.md", "NOTICE"):
        assert f"]({name})" in readme
        assert (ROOT / name).is_file()


def test_what_the_readme_imports_is_there():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    lines = [line for line in block.splitlines() if line.startswith("from ")]
    assert len(lines) == 3
    exec(compile("\n".join(lines), "README.md", "exec"), {})


def test_every_task_in_the_readme_exists():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    known = {*COMMANDS, *tasks.TASKS, *tasks.OTHERS}
    named = set(re.findall(r"(?m)^(?:make|python tasks\.py) (\w+)", text))
    named |= set(re.findall(r"`make (\w+)", text))
    assert named <= known
    assert named >= {"backtest", "test", "export", "lean", "parity", "cloud", "rules", "bench"}
    for line in re.findall(r"(?m)^make (.*)$", text):
        task, *words = shlex.split(line, comments=True)
        tasks._variables(task, [word.replace("\n", " ") for word in words])


def test_every_link_between_documents_leads_somewhere():
    broken = []
    for path in FILES:
        if path.suffix != ".md":
            continue
        text = (ROOT / path).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
            if "://" not in target and not (ROOT / path.parent / target).exists():
                broken.append(f"{path}: {target}")
    assert broken == []


MEASURED = {
    "docs/attribution.md": "python -m research backtest",
    "docs/benchmarks.md": "make bench",
    "docs/choices.md": "figures: now",
    "docs/execution.md": "roll_orders",
    "docs/parity.md": "make parity",
    "docs/risk.md": "make backtest",
    "docs/signals.md": "make rules",
    "docs/studies.md": "python -m research regime",
    "README.md": "figures: run",
}
"""Documents with measured figures, and what they must name: the command that measures anew."""


def test_measured_figures_name_their_command():
    for name, command in MEASURED.items():
        assert command in (ROOT / name).read_text(encoding="utf-8"), name
    figure = re.compile(r"^\|.*\| *[-−]?\d[\d,.]*( %| s| MB)?( \||$)", re.MULTILINE)
    facts = {"docs/instruments.md", "docs/markets.md", "docs/settings.md"}
    for path in FILES:
        if path.suffix == ".md" and path.parts[0] == "docs" and path.as_posix() not in facts:
            text = (ROOT / path).read_text(encoding="utf-8")
            assert path.as_posix() in MEASURED or not figure.search(text), path


def test_paths_that_documents_name_exist():
    """Modules in backquotes; the guide's own files are those it tells to write."""
    named = re.compile(
        r"`((?:algorithm|alpha|portfolio|risk|execution|universe|research)/[^`\s]*)`"
    )
    missing = []
    for path in FILES:
        if path.suffix == ".md" and path.name not in ("CHANGELOG.md", "extend.md"):
            text = (ROOT / path).read_text(encoding="utf-8")
            missing += [
                f"{path}: {name}" for name in named.findall(text) if not (ROOT / name).exists()
            ]
    assert missing == []


def test_the_reference_of_settings_is_up_to_date():
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert text == markdown(Settings.table()), (
        "python -m research settings --format markdown > docs/settings.md"
    )
    assert all(f"| `{row['name']}` |" in text for row in Settings.table())


def test_the_readme_leads_to_every_document():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    documents = [p.as_posix() for p in FILES if p.parts[0] == "docs" and p.suffix == ".md"]
    assert [name for name in documents if f"]({name})" not in text] == []
