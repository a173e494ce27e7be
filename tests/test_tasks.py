"""tasks.py and the Makefile that calls it; nothing here sets up an environment."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tasks
from research.commands import CALLER, COMMANDS

ROOT = Path(tasks.__file__).resolve().parent
ECHO = (
    "import json, os, sys\n"
    "print(json.dumps({'argv': sys.argv[1:], 'folder': os.getcwd(),"
    " 'env': {k: os.environ.get(k) for k in ('DATA', 'LEAN_LAUNCHER', 'TREND_CARRY_CALLER')}}))\n"
)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with requirements only, in the place of the project's."""
    folder = tmp_path / "with blank"
    shutil.copytree(ROOT / "requirements", folder / "requirements")
    monkeypatch.setattr(tasks, "ROOT", folder)
    monkeypatch.setattr(tasks, "VENV", folder / ".venv")
    monkeypatch.setattr(tasks, "WHEELS", tmp_path / "no wheels")
    monkeypatch.delenv("MAKELEVEL", raising=False)
    return folder


@pytest.fixture
def calls(project, monkeypatch):
    """Commands that tasks would run; the set-up is taken as done."""
    seen = []

    def run(command, environment, folder=None):
        seen.append((command[1:], environment, folder))
        return 0

    monkeypatch.setattr(tasks, "_run", run)
    monkeypatch.setattr(tasks, "set_up", lambda kind, given: Path(f"python-{kind}"))
    return seen


class TestCommandLine:
    def test_help(self, project, capsys):
        assert tasks.main([]) == 0
        text = capsys.readouterr().out
        assert text.startswith("usage: python tasks.py TASK")
        for name in (*COMMANDS, *tasks.TASKS, *tasks.OTHERS):
            assert f"\n  {name:<11} " in text
        assert text.index("  backtest") < text.index("  test ") < text.index("  check")
        assert max(map(len, text.splitlines())) <= 100

    def test_variables_become_options(self, calls):
        words = ["DATA=my data", "SET=vol_target=0.12 ewmac_spans=16 32", "MARKETS=ES ZN"]
        assert tasks.main(["backtest", *words]) == 0
        ((command, environment, folder),) = calls
        assert command == [
            *("-m", "research", "backtest", "--data=my data", "--markets=ES ZN"),
            "--set=vol_target=0.12 ewmac_spans=16 32",
        ]
        assert environment[CALLER] == "python tasks.py"
        assert folder is None

    def test_make_is_named_where_it_called(self, calls, monkeypatch):
        monkeypatch.setenv("MAKELEVEL", "1")
        tasks.main(["check"])
        assert calls[0][1][CALLER] == "make"

    def test_variables_of_the_environment(self, calls, monkeypatch):
        for name in ("DATA", "OUT", "MARKETS", "PYTHON"):
            monkeypatch.setenv(name, "stray")
        monkeypatch.setenv("LEAN_LAUNCHER", "/lean")
        tasks.main(["lean"])
        assert calls[0][0] == ["-m", "research", "lean"]
        assert calls[0][1]["LEAN_LAUNCHER"] == "/lean"
        tasks.main(["lean", "LEAN_LAUNCHER=/other", "LEAN_PYTHONPATH=/packages"])
        assert calls[1][0] == ["-m", "research", "lean"]
        assert calls[1][1]["LEAN_LAUNCHER"] == "/other"
        assert calls[1][1]["LEAN_PYTHONPATH"] == "/packages"

    def test_tests_are_style_types_and_tests(self, calls, project):
        assert tasks.main(["test", "FUTURES_DATA=/data"]) == 0
        assert [command[1] for command, _, _ in calls] == ["ruff", "ruff", "mypy", "pytest"]
        assert all(folder == project for _, _, folder in calls)
        assert all(environment["FUTURES_DATA"] == "/data" for _, environment, _ in calls)

    def test_the_first_failure_ends_a_task(self, calls, monkeypatch):
        monkeypatch.setattr(tasks, "_run", lambda *_: 3)
        assert tasks.main(["test"]) == 3

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (["backtset"], "no task 'backtset'; did you mean 'backtest'?"),
            (["zzz"], "no task 'zzz'; 'python tasks.py help' lists them"),
            (["backtest", "DTA=x"], "unknown variable 'DTA'; did you mean 'DATA'?"),
            (["backtest", "data=x"], "unknown variable 'data'; did you mean 'DATA'?"),
            (["backtest", "Q=x"], "unknown variable 'Q'; backtest takes DATA, START, END,"),
            (["settings", "DATA=x"], "settings takes no DATA; it takes NAME, PYTHON, WHEELS"),
            (["backtest", "DATA="], "DATA is empty; give it a value or leave it out"),
            (["backtest", "DATA=x", "DATA=y"], "DATA is given twice"),
            (["backtest", "--data", "x"], "'--data' is not NAME=VALUE; backtest takes DATA,"),
            (["test", "tests/x.py"], "'tests/x.py' is not NAME=VALUE; test takes FUTURES_DATA,"),
        ],
    )
    def test_what_cannot_be_meant_is_refused(self, calls, capsys, words, sentence):
        assert tasks.main(words) == 2
        assert capsys.readouterr().err.startswith(f"error: {sentence}")
        assert calls == []


class TestSetUp:
    def test_named_python_is_missing(self, project, capsys):
        assert tasks.main(["backtest", "PYTHON=python-that-is-not"]) == 2
        error = capsys.readouterr().err
        assert "PYTHON is 'python-that-is-not', which is missing or not Python 3.11" in error
        assert "uv python install 3.11" in error
        assert not (project / ".venv").exists()

    def test_no_python_of_the_version(self, project, monkeypatch, capsys):
        monkeypatch.setattr(tasks, "WANTED", (2, 6))
        assert tasks.main(["backtest"]) == 2
        error = capsys.readouterr().err
        assert "Python 3.11 is needed and was not found" in error
        for system in ("Windows", "macOS", "Debian"):
            assert system in error

    def test_a_folder_without_wheels_is_refused(self, project, monkeypatch, capsys):
        monkeypatch.setattr(tasks, "_is_wanted", lambda _: True)
        monkeypatch.setattr(tasks, "_answers", lambda *_: True)
        assert tasks.main(["backtest", f"WHEELS={project}"]) == 2
        assert "a folder without wheels" in capsys.readouterr().err

    def test_installs_once_with_hashes_and_again_after_a_change(self, project, monkeypatch):
        python = project / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        python.parent.mkdir(parents=True)
        python.touch()
        installed = []
        monkeypatch.setattr(tasks, "_is_wanted", lambda _: True)
        monkeypatch.setattr(tasks, "_answers", lambda *_: True)
        monkeypatch.setattr(tasks, "_install", lambda command, count: installed.append(command))
        for _ in range(2):
            assert tasks.set_up("research", {}) == python
        (command,) = installed
        assert command[1:4] == ["-m", "pip", "install"]
        assert "--require-hashes" in command
        assert "--no-index" not in command
        lock = project / "requirements" / "research.txt"
        lock.write_bytes(lock.read_bytes().replace(b"\n", b"\r\n"))  # git on Windows
        tasks.set_up("research", {})
        assert len(installed) == 1
        lock.write_text(lock.read_text() + "# changed\n")
        tasks.set_up("research", {})
        assert len(installed) == 2
        tasks.set_up("dev", {})
        lock.write_text(lock.read_text() + "# changed again\n")
        tasks.set_up("research", {})
        assert len(installed) == 3, "what tests need holds what a run needs"

    def test_wheels_beside_the_project_are_used(self, project, monkeypatch, tmp_path):
        wheels = tmp_path / "no wheels"
        wheels.mkdir()
        (wheels / "one-1-py3-none-any.whl").touch()
        assert tasks._wheels(None) == ["--no-index", "--find-links", str(wheels)]

    def test_a_failed_installation_says_why(self):
        command = [sys.executable, "-c", "print('ERROR: no such package'); raise SystemExit(1)"]
        with pytest.raises(tasks.TaskError, match="ERROR: no such package"):
            tasks._install(command, 3)

    def test_an_interpreter_that_is_gone_is_no_set_up(self, project):
        stamp = project / ".venv" / "ready-research"
        stamp.parent.mkdir()
        stamp.write_text(tasks._digest("research"))
        assert not tasks._is_ready("research", project / ".venv" / "bin" / "python")

    def test_clean_leaves_what_tasks_have_not_made(self, project):
        for name in (".venv/x", "out/x", "alpha/__pycache__/x", "alpha/x", ".git/__pycache__/x"):
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            (project / name).touch()
        assert tasks.main(["clean"]) == 0
        left = sorted(p.relative_to(project).as_posix() for p in project.rglob("x"))
        assert left == [".git/__pycache__/x", "alpha/x"]


@pytest.mark.skipif(shutil.which("make") is None, reason="no make on this machine")
class TestMake:
    """What make hands on, to a tasks.py that prints it."""

    @pytest.fixture
    def folder(self, tmp_path):
        folder = tmp_path / "with blank"
        folder.mkdir()
        shutil.copyfile(ROOT / "Makefile", folder / "Makefile")
        (folder / "tasks.py").write_text(ECHO, encoding="utf-8")
        return folder

    @staticmethod
    def make(folder, *arguments, **environment):
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
        done = subprocess.run(
            ["make", *arguments],
            cwd=folder,
            env={**inherited, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_help_is_the_default(self, folder):
        (seen,) = self.make(folder)
        assert seen["argv"] == ["help"]

    def test_the_command_line_and_nothing_else_is_handed_on(self, folder):
        values = ["DATA=my data", "SET=a=0.12 b=16 32", 'MARKETS=E\'S "Z" $$HOME `x` \\']
        (seen,) = self.make(folder, "backtest", *values, OUT="stray", DATA="stray", MACRO="stray")
        expected = ["DATA=my data", 'MARKETS=E\'S "Z" $HOME `x` \\', "SET=a=0.12 b=16 32"]
        assert seen["argv"] == ["backtest", *expected]

    def test_goals_that_are_folders_and_several_goals(self, folder):
        (folder / "risk").mkdir()
        seen = self.make(folder, "-j4", "risk", "lint")
        assert [one["argv"] for one in seen] == [["risk"], ["lint"]]

    def test_a_misspelt_variable_reaches_tasks(self, folder):
        (seen,) = self.make(folder, "backtest", "DTA=x")
        assert seen["argv"] == ["backtest", "DTA=x"]
