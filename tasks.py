"""The project's tasks with Python alone: ``python tasks.py TASK [NAME=VALUE ...]``.

It sets up ``.venv`` on the first call and re-uses it later. make calls this file. What a task
takes is what its line says: nothing is read from a variable of the environment that was not given
on the command line, and a name that does not exist is refused.
"""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from research.commands import CALLER, COMMANDS, VARIABLES
from universe.nearest import did_you_mean

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
WANTED = (3, 11)
WHEELS = ROOT.parent / "shared" / "wheels"

SETUP = {
    "PYTHON": "interpreter to set up .venv with (Python 3.11)",
    "WHEELS": "folder of wheels to use in place of the package index (../shared/wheels if there)",
}
STYLE = (("ruff", "check", "."), ("ruff", "format", "--check", "-q", "."))
TYPES = (("mypy",),)
PARALLEL = ("-n", "2", "--dist", "loadfile")  # what a file's tests share is made once
ALL_TESTS = (("pytest", *PARALLEL, "-p", "no:benchmark", "-rs", "--timeout", "900"),)
TESTS = tuple((*test, "-m", "not slow") for test in ALL_TESTS)
BENCH_COLUMNS = "--benchmark-columns=min,median,max"
BENCH = (("pytest", "benchmarks", "-o", "python_files=bench_*.py", BENCH_COLUMNS),)
TEST_DATA = "FUTURES_DATA LEAN_DATA MACRO_DATA LEAN_LAUNCHER LEAN_PYTHONPATH PYTHONNET_PYDLL"
BENCH_DATA = f"{TEST_DATA} LEAN_FOLDER BENCH_START BENCH_END BENCH_RUNS"


class Task(NamedTuple):
    """Modules to be run one after another, with what the tools read from the environment."""

    summary: str
    steps: tuple[tuple[str, ...], ...]
    environment: str = ""


TASKS = {
    "test": Task(
        "style, types and the tests that are not slow; skips last", STYLE + TYPES + TESTS, TEST_DATA
    ),
    "test-all": Task("style, types and all tests", STYLE + TYPES + ALL_TESTS, TEST_DATA),
    "lint": Task("style only", STYLE),
    "types": Task("types only", TYPES),
    "bench": Task("measure the speed of the engine", BENCH, BENCH_DATA),
}
OTHERS = {"clean": "remove .venv, out and caches", "help": "this list"}

GET_PYTHON = """\
How to get it:
  Windows         winget install Python.Python.3.11
  macOS           brew install python@3.11
  Debian, Ubuntu  apt install python3.11 python3.11-venv, where the release has it
  anywhere        uv python install 3.11, or pyenv install 3.11
Then name it if it is not found by itself: PYTHON=/path/to/python3.11"""


class TaskError(Exception):
    """A call that cannot be carried out, in a sentence."""


def main(words: list[str]) -> int:
    """Run the task that the words of the command line name; returns the exit code."""
    try:
        name, *rest = words or ["help"]
        _check_name(name)
        given = _variables(name, rest)
        if name == "help":
            print(help_text(), flush=True)
            return 0
        if name == "clean":
            return clean()
        if name in TASKS:
            return _run_tools(TASKS[name], given)
        python = set_up("research", given)
        options = [
            f"--{key.lower().replace('_', '-')}={given[key]}" for key in _options(name, given)
        ]
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        environment = _environment(COMMANDS[name].environment, given)
        environment.update({"PYTHONPATH": path, CALLER: _caller()})
        return _run([str(python), "-m", "research", name, *options], environment)
    except TaskError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def help_text() -> str:
    """The tasks and the variables that they take."""
    rows = {**{name: entry.summary for name, entry in COMMANDS.items()}}
    rows.update({name: task.summary for name, task in TASKS.items()}, **OTHERS)
    order = ["backtest", "test", *(name for name in rows if name not in ("backtest", "test"))]
    variables = {**VARIABLES, **SETUP}
    width = max(map(len, [*rows, *variables]))
    lines = [f"usage: {_caller()} TASK [NAME=VALUE ...]", "", "Tasks:"]
    lines += [f"  {name:<{width}} {rows[name]}" for name in order]
    lines += ["", "Variables:"]
    lines += [f"  {name:<{width}} {text}" for name, text in variables.items()]
    return "\n".join(lines)


def clean() -> int:
    """Remove what tasks have made, and nothing else."""
    caches = (".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".benchmarks")
    folders = [ROOT / name for name in (".venv", "out", *caches)]
    for top in sorted(path for path in ROOT.iterdir() if path.is_dir() and path.name[0] != "."):
        if top.name != "out":
            folders += sorted(top.rglob("__pycache__"))
    for folder in [*folders, ROOT / "__pycache__"]:
        if folder.is_symlink():
            folder.unlink()
        elif folder.is_dir():
            shutil.rmtree(folder)
    return 0


# --- the command line ----------------------------------------------------------------------------
def _caller() -> str:
    return "make" if "MAKELEVEL" in os.environ else "python tasks.py"


def _check_name(name: str) -> None:
    known = [*COMMANDS, *TASKS, *OTHERS]
    if name not in known:
        hint = did_you_mean(name, known) or f"; '{_caller()} help' lists them"
        raise TaskError(f"no task {name!r}{hint}")


def _taken(name: str) -> list[str]:
    """Variables that a task takes, those of the set-up last."""
    if name in COMMANDS:
        own = f"{COMMANDS[name].variables} {COMMANDS[name].environment}".split()
    else:
        own = TASKS[name].environment.split() if name in TASKS else []
    return [*own, *SETUP]


def _variables(name: str, words: list[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    taken = _taken(name)
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise TaskError(f"{word!r} is not NAME=VALUE; {name} takes {', '.join(taken)}")
        if key not in taken:
            everything = {*VARIABLES, *SETUP, *taken}
            if key in everything:
                raise TaskError(f"{name} takes no {key}; it takes {', '.join(taken)}")
            hint = did_you_mean(key, taken) or f"; {name} takes {', '.join(taken)}"
            raise TaskError(f"unknown variable {key!r}{hint}")
        if key in given:
            raise TaskError(f"{key} is given twice")
        if not value.strip():
            raise TaskError(f"{key} is empty; give it a value or leave it out")
        given[key] = value
    return given


def _options(name: str, given: dict[str, str]) -> list[str]:
    return [key for key in COMMANDS[name].variables.split() if key in given]


def _environment(names: str, given: dict[str, str]) -> dict[str, str]:
    return {**os.environ, **{name: given[name] for name in names.split() if name in given}}


def _run(command: list[str], environment: dict[str, str], folder: Path | None = None) -> int:
    return subprocess.run(command, env=environment, cwd=folder, check=False).returncode


def _run_tools(task: Task, given: dict[str, str]) -> int:
    python = set_up("dev", given)
    environment = _environment(task.environment, given)
    for tool, *arguments in task.steps:
        print(f"{tool} {' '.join(arguments)}".strip(), flush=True)
        code = _run([str(python), "-m", tool, *arguments], environment, ROOT)
        if code:
            return code
    return 0


# --- the set-up ----------------------------------------------------------------------------------
def set_up(kind: str, given: dict[str, str]) -> Path:
    """The interpreter of ``.venv``, with the packages of ``requirements/KIND.txt``.

    Parameters
    ----------
    kind : str
        "research", or "dev", which holds all of it and the tools.
    given : dict of str to str
        PYTHON and WHEELS where they were given.

    Raises
    ------
    TaskError
        If there is no Python 3.11, or the packages cannot be installed.
    """
    python = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if any(_is_ready(one, python) for one in (kind, "dev")):
        return python
    if not _is_wanted([str(python)]) or not _answers([str(python)], "import pip"):
        _make_venv(_find_python(given.get("PYTHON")))
    lock = ROOT / "requirements" / f"{kind}.txt"
    command = [str(python), "-m", "pip", "install", "--disable-pip-version-check"]
    command += ["--require-hashes", "-r", str(lock), *_wheels(given.get("WHEELS"))]
    packages = sum("==" in line for line in lock.read_text(encoding="utf-8").splitlines())
    print(f"setting up .venv: {packages} packages (once, about a minute)", flush=True)
    _install(command, packages)
    _stamp(kind).write_text(_digest(kind), encoding="utf-8")
    return python


def _stamp(kind: str) -> Path:
    return VENV / f"ready-{kind}"


def _digest(kind: str) -> str:
    content = (ROOT / "requirements" / f"{kind}.txt").read_bytes().replace(b"\r\n", b"\n")
    return hashlib.sha256(content).hexdigest()


def _is_ready(kind: str, python: Path) -> bool:
    """Whether the packages are those of the file; an interpreter that is gone is no set-up."""
    stamp = _stamp(kind)
    return (
        python.exists()
        and stamp.is_file()
        and stamp.read_text(encoding="utf-8").strip() == _digest(kind)
    )


def _answers(command: list[str], code: str) -> bool:
    """Whether an interpreter runs a piece of code without an error."""
    try:
        done = subprocess.run([*command, "-c", code], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


def _is_wanted(command: list[str]) -> bool:
    return _answers(command, f"import sys; sys.exit(sys.version_info[:2] != {WANTED})")


def _find_python(named: str | None) -> list[str]:
    if named is not None:
        if not _is_wanted([named]):
            raise TaskError(
                f"PYTHON is {named!r}, which is missing or not Python 3.11\n{GET_PYTHON}"
            )
        return [named]
    this = getattr(sys, "_base_executable", None) or sys.executable
    for command in ([this], ["python3.11"], ["py", "-3.11"]):
        if _is_wanted(command):
            return command
    raise TaskError(f"Python 3.11 is needed and was not found\n{GET_PYTHON}")


def _make_venv(python: list[str]) -> None:
    if VENV.is_symlink():
        VENV.unlink()
    shutil.rmtree(VENV, ignore_errors=True)
    done = subprocess.run(
        [*python, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        raise TaskError(
            f"{' '.join(python)} cannot make virtual environments; install its venv module (on"
            f" Debian the package python3.11-venv)\n{(done.stderr or done.stdout).strip()}"
        )


def _wheels(named: str | None) -> list[str]:
    folder = Path(named) if named else WHEELS
    if glob.glob(str(folder / "*.whl")):
        return ["--no-index", "--find-links", str(folder)]
    if named:
        raise TaskError(f"WHEELS is {named!r}, a folder without wheels")
    return []


def _install(command: list[str], packages: int) -> None:
    """Run pip with a line of progress; what it printed is shown only if it fails."""
    said: list[str] = []
    count = 0
    live = sys.stdout.isatty()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            said.append(line)
            count += line.startswith("Collecting ")
            state = "installing" if line.startswith("Installing") else f"{count} of {packages}"
            if live:
                print(f"\r  {state:<20}", end="", flush=True)
    if live:
        print("\r" + " " * 22, end="\r", flush=True)
    if pip.returncode:
        raise TaskError("the packages could not be installed\n" + "".join(said[-15:]).rstrip())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
