"""QuantConnect's own command line, its code, takes the project as it is: no engine is needed."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from algorithm.settings import Settings
from research.lean.project_config import default_config
from research.lean.stage import CORE, stage_project
from research.pages.run_files import REPORT
from tests.test_project import FILES, ROOT, may_import_lean

UPLOADED = {".py", ".cs", ".ipynb", ".html", ".css"}

ASK = """
import json, sys
from pathlib import Path

import lean
from lean.components.config.project_config_manager import ProjectConfigManager
from lean.components.util.path_manager import PathManager
from lean.components.util.project_manager import ProjectManager
from lean.components.util.xml_manager import XMLManager

root = Path(sys.argv[1])
configs = ProjectConfigManager(XMLManager())
manager = ProjectManager(None, configs, None, None, None, None, None, None)
config = configs.get_project_config(root)
print(json.dumps({
    "lean": lean.__file__,
    "sources": [p.relative_to(root).as_posix() for p in manager.get_source_files(root)],
    "algorithm": manager.find_algorithm_file(root).relative_to(root).as_posix(),
    "language": config.get("algorithm-language"),
    "parameters": config.get("parameters"),
    "local_id": configs.get_local_id(root),
    "names": [PathManager.is_name_valid(None, part) for part in sys.argv[2:]],
}))
"""


@pytest.fixture(scope="module")
def lean_copy(tmp_path_factory):
    """A folder with a copy of the lean package that does not want the network.

    On import the package downloads a list of brokerages and data providers into its own folder
    unless a fresh one is there; the installed package is left alone.
    """
    spec = importlib.util.find_spec("lean")
    assert spec is not None, "the lean package is missing; it is in requirements/dev.txt"
    assert spec.origin is not None, f"lean resolves to {spec.submodule_search_locations}"
    folder = tmp_path_factory.mktemp("lean-package")
    ignored = shutil.ignore_patterns("__pycache__", "modules-*.json")
    shutil.copytree(Path(spec.origin).parent, folder / "lean", ignore=ignored)
    models = (folder / "lean" / "models" / "__init__.py").read_text(encoding="utf-8")
    name = models.partition('file_name = "')[2].partition('"')[0]
    assert name.startswith("modules-"), "the package fetches its list in another way now"
    (folder / "lean" / name).write_text('{"modules": []}', encoding="utf-8")
    return folder


def ask(lean_copy, project):
    """What the package says about a project folder."""
    sources = (p.relative_to(project) for p in project.rglob("*") if p.suffix in UPLOADED)
    parts = sorted({part for path in sources for part in path.parts[:-1]} - {"report"})
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(project), *parts],
        env={**os.environ, "PYTHONPATH": str(lean_copy), "HOME": str(lean_copy)},
        cwd=lean_copy,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def answer(lean_copy, tmp_path_factory):
    """About a copy of the repository in which a backtest has run."""
    project = tmp_path_factory.mktemp("workspace") / "trend-carry"
    for path in FILES:
        target = project / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, target)
    config = json.dumps(default_config())  # the repository's own is the user's
    (project / "config.json").write_text(config, encoding="utf-8")
    report = project / "out" / REPORT
    report.parent.mkdir(parents=True)
    report.write_text("<html></html>", encoding="utf-8")
    return ask(lean_copy, project)


@pytest.fixture(scope="module")
def staged(tmp_path_factory):
    """The project as it is staged for the cloud."""
    return stage_project(tmp_path_factory.mktemp("staged") / "trend-carry")


def test_the_copy_answers(answer, lean_copy):
    assert Path(answer["lean"]).is_relative_to(lean_copy)


def test_every_source_reaches_the_cloud_and_nothing_else(answer):
    expected = [path.as_posix() for path in FILES if path.suffix in UPLOADED]
    assert sorted(answer["sources"]) == sorted(expected)


def test_the_cloud_gets_main_and_the_core_only(lean_copy, staged):
    answer = ask(lean_copy, staged.folder)
    core = [p.as_posix() for p in FILES if p.suffix == ".py" and p.parts[0] in ("main.py", *CORE)]
    assert sorted(answer["sources"]) == sorted(staged.sizes) == sorted(core)
    assert answer["algorithm"] == "main.py"
    assert answer["language"] == "Python"
    assert answer["local_id"] > 0
    assert all(answer["names"])


def test_what_is_staged_needs_nothing_else(staged):
    """Every module but LEAN's own compiles and imports from the staged folder alone."""
    names = [
        ".".join(Path(name).with_suffix("").parts).removesuffix(".__init__")
        for name in staged.sizes
        if not may_import_lean(Path(name))
    ]
    code = f"import importlib\nfor name in {names!r}: importlib.import_module(name)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=staged.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(names) > 20


def test_algorithm_and_language(answer):
    assert answer["algorithm"] == "main.py"
    assert answer["language"] == "Python"


def test_parameters_are_the_settings(answer):
    assert Settings.parse(answer["parameters"]) == Settings()


def test_names_are_kept(answer):
    assert answer["names"]
    assert all(answer["names"])


def test_config_is_readable_enough_to_get_an_id(answer):
    assert answer["local_id"] > 0


def test_command_line_starts(lean_copy):
    done = subprocess.run(
        [sys.executable, "-c", "from lean.main import main; main()", "backtest", "--help"],
        env={**os.environ, "PYTHONPATH": str(lean_copy), "HOME": str(lean_copy)},
        cwd=lean_copy,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "--parameter" in done.stdout
