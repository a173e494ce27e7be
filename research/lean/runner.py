"""Running the project on a native LEAN: the engine's launcher as a child process (O6)."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from research.engine.from_decisions import RECORD_FILE
from research.lean.record import bring_record

LAUNCHER_DLL = "QuantConnect.Lean.Launcher.dll"
LAUNCHER_VARIABLE = "LEAN_LAUNCHER"
PATH_VARIABLE = "LEAN_PYTHONPATH"

ALGORITHM_ID = "Main"
"""LEAN names its files after it; it is the class in main.py."""

_HOW = (
    f"set {LAUNCHER_VARIABLE} to {LAUNCHER_DLL} or to the folder that holds it; to get one, clone"
    " QuantConnect/Lean and run 'dotnet build QuantConnect.Lean.sln -c Release', which puts it into"
    " Launcher/bin/Release"
)
_JSON_NOISE = re.compile(
    r'(?P<string>"(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/|,(?=(?:\s|//[^\n]*|/\*.*?\*/)*[}\]])',
    re.DOTALL,
)
_ERROR_LINE = re.compile(r"ERROR:: (?P<text>.*)")
_RUN_TIME = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ")
_POLL_SECONDS = 0.2
_LOADING_SECONDS = 600
"""For LEAN to import the project and its libraries; its own 90 are too few on a busy machine."""


class LeanNotFoundError(RuntimeError):
    """No LEAN that could run; the sentence says which variable to set, to what, and how to get it.

    Also raised where dotnet or the shared library of this Python is missing.
    """


class LeanRunError(RuntimeError):
    """LEAN did not complete; the sentence holds the engine's own error and the path of the log."""


@dataclass(frozen=True, slots=True)
class Launcher:
    """A native LEAN.

    Attributes
    ----------
    dll : Path
        The launcher's assembly; its folder is the engine's working folder.
    dotnet : str
        The runtime's executable.
    python_library : Path
        Shared library of the Python that the engine embeds.
    """

    dll: Path
    dotnet: str
    python_library: Path

    @property
    def folder(self) -> Path:
        """Folder of the engine's assemblies and of its config.json."""
        return self.dll.parent


@dataclass(frozen=True, slots=True)
class LeanRun:
    """What a completed run left.

    Attributes
    ----------
    exit_code : int
        Of the process. Some builds abort while shutting down after a completed run, so that
        ``state`` decides, not this.
    statistics, runtime_statistics, state : dict of str to str
        As LEAN formats them.
    result_json, order_events, log : Path
        LEAN's result, its order events and all it printed.
    object_store : Path
        Root of the run's object store.
    seconds : float
    record : Path, optional
        ``decisions.jsonl``, None where the run left none.
    """

    exit_code: int
    statistics: dict[str, str]
    runtime_statistics: dict[str, str]
    state: dict[str, str]
    result_json: Path
    order_events: Path
    log: Path
    object_store: Path
    seconds: float
    record: Path | None = None


def find_launcher() -> Launcher:
    """The launcher that the environment variable LEAN_LAUNCHER names.

    Raises
    ------
    LeanNotFoundError
        If the variable is not set or leads nowhere, or dotnet or Python's library is missing.
    """
    named = os.environ.get(LAUNCHER_VARIABLE, "")
    if not named:
        raise LeanNotFoundError(f"no LEAN engine: {_HOW}")
    path = Path(named).expanduser()
    dll = (path / LAUNCHER_DLL if path.is_dir() else path).absolute()
    if dll.name != LAUNCHER_DLL or not dll.is_file():
        raise LeanNotFoundError(f"{LAUNCHER_VARIABLE} is {named!r}, not a LEAN launcher: {_HOW}")
    dotnet = shutil.which("dotnet")
    if dotnet is None:
        raise LeanNotFoundError(
            "dotnet is not on the PATH; LEAN needs the .NET runtime it was built for"
        )
    return Launcher(dll, dotnet, _python_library())


def run_lean(
    main_py: str | Path,
    data_folder: str | Path,
    results_folder: str | Path,
    parameters: Mapping[str, str],
    object_store: str | Path | None = None,
    timeout: float | None = None,
    progress: Callable[[str], None] | None = None,
    stored: Mapping[str, str] | None = None,
) -> LeanRun:
    """Run a backtest on the native LEAN and wait for it.

    Parameters
    ----------
    main_py : path
        File with the algorithm class ``Main``.
    data_folder : path
        LEAN data folder.
    results_folder : path
        Made if missing; LEAN's files of an earlier run in it are removed.
    parameters : mapping of str to str
        LEAN parameters; those of the engine's own configuration are not passed on.
    object_store : path, optional
        Root of the object store, kept as it is: give the same one to continue from saved state.
        Without it the run starts with an empty one in the results folder.
    timeout : float, optional
        Seconds after which the engine is stopped.
    progress : callable, optional
        Called with each line of the log.
    stored : mapping of key to text, optional
        What is put into the object store before the run, an instruments file for one.

    Returns
    -------
    LeanRun

    Raises
    ------
    LeanNotFoundError
        If there is no engine.
    LeanRunError
        If a parameter cannot be passed to LEAN, a path is missing, or the run did not complete.
    algorithm.decision_text.RecordError
        If the run's record cannot be read.
    OSError
        If the results folder cannot be written.
    """
    main, data = Path(main_py).absolute(), Path(data_folder).absolute()
    given = parameter_text(parameters)
    if not main.is_file():
        raise LeanRunError(f"{main}: the algorithm file is missing")
    if not data.is_dir():
        raise LeanRunError(f"{data}: the LEAN data folder is missing")
    launcher = find_launcher()
    results = Path(results_folder).absolute()
    results.mkdir(parents=True, exist_ok=True)
    _remove_earlier(results)
    if object_store is None:
        store = results / "object-store"
        shutil.rmtree(store, ignore_errors=True)
    else:
        store = Path(object_store).absolute()
    store.mkdir(parents=True, exist_ok=True)
    for key, text in (stored or {}).items():
        (store / key).parent.mkdir(parents=True, exist_ok=True)
        (store / key).write_text(text, encoding="utf-8")
    log = results / "engine.txt"
    with tempfile.TemporaryDirectory(prefix="lean-") as scratch:
        config = Path(scratch) / "config.json"
        config.write_text(json.dumps(run_config(launcher, store), indent=1), encoding="utf-8")
        command = [
            *(launcher.dotnet, launcher.dll.name),
            *("--config", str(config)),
            *("--algorithm-language", "Python"),
            *("--algorithm-type-name", ALGORITHM_ID),
            *("--algorithm-id", ALGORITHM_ID),
            *("--algorithm-location", str(main)),
            *("--data-folder", str(data)),
            *("--results-destination-folder", str(results)),
            *("--close-automatically", "true"),
        ]
        if given:
            command += ["--parameters", given]
        started = time.monotonic()
        exit_code = _execute(command, launcher, log, timeout, progress)
    run = _read_run(results, store, log, exit_code, time.monotonic() - started)
    return replace(run, record=bring_record(store, data, results / RECORD_FILE))


def parameter_text(parameters: Mapping[str, str]) -> str:
    """Parameters in the launcher's form, ``name:value,name:value``.

    Raises
    ------
    LeanRunError
        For a name or value with a character that the form has no way to quote.
    """
    for name, value in parameters.items():
        for text in (name, value):
            if any(mark in text for mark in ":,\n"):
                raise LeanRunError(
                    f"parameter {name!r} is {value!r}; LEAN's command line takes no colon, comma or"
                    " line break in a name or value"
                )
    return ",".join(f"{name}:{value}" for name, value in parameters.items())


def run_config(launcher: Launcher, object_store: Path) -> dict[str, Any]:
    """The engine's own configuration with this run's object store and without its parameters.

    The store's root has no command-line option, and runs that share one would read each other's
    saved state. Sample parameters of the configuration would reach the algorithm as settings.

    Raises
    ------
    LeanNotFoundError
        If the engine's config.json is missing or cannot be read.
    """
    path = launcher.folder / "config.json"
    try:
        text = path.read_text(encoding="utf-8-sig")
        config = json.loads(_JSON_NOISE.sub(lambda match: match["string"] or "", text))
    except OSError as error:
        raise LeanNotFoundError(f"{path}: {error.strerror}; LEAN's build puts it there") from None
    except ValueError as error:
        raise LeanNotFoundError(f"{path}: not a LEAN configuration ({error})") from None
    config.pop("parameters", None)
    config["environment"] = "backtesting"
    config["object-store-root"] = str(object_store)
    config.setdefault("algorithm-creation-timeout", _LOADING_SECONDS)
    return dict(config)


def engine_environment(launcher: Launcher) -> dict[str, str]:
    """Environment of the engine: its Python library, and the packages of this environment.

    LEAN_PYTHONPATH, where set, replaces this environment's packages by others.
    """
    environment = dict(os.environ)
    environment.setdefault("PYTHONNET_PYDLL", str(launcher.python_library))
    packages = os.environ.get(PATH_VARIABLE)
    if not packages:
        paths = (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))
        packages = os.pathsep.join(dict.fromkeys(paths))
    known = os.environ.get("PYTHONPATH")
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (packages, known)))
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    return environment


def _python_library() -> Path:
    named = os.environ.get("PYTHONNET_PYDLL")
    if named:
        return Path(named)
    folders: list[str | None]
    names: list[str | None]
    folders = [
        sysconfig.get_config_var("LIBDIR"),
        sysconfig.get_config_var("LIBPL"),
        sys.base_prefix,
    ]
    names = [sysconfig.get_config_var(name) for name in ("INSTSONAME", "LDLIBRARY")]
    names.append(f"python{sys.version_info[0]}{sys.version_info[1]}.dll")
    for folder in filter(None, folders):
        for name in filter(None, names):
            library = Path(folder) / name
            if library.is_file() and library.suffix != ".a":
                return library
    raise LeanNotFoundError(
        f"no shared library of this Python in {sys.base_prefix}; set PYTHONNET_PYDLL to one, or use"
        " a Python that was built with --enable-shared"
    )


def _remove_earlier(results: Path) -> None:
    """Without this a run that fails early would be judged by an older result."""
    for pattern in (f"{ALGORITHM_ID}*.json", f"{ALGORITHM_ID}-log.txt", "log.txt", "engine.txt"):
        for path in results.glob(pattern):
            path.unlink()


def _execute(
    command: list[str],
    launcher: Launcher,
    log: Path,
    timeout: float | None,
    progress: Callable[[str], None] | None,
) -> int:
    """Run the engine with all it prints going to ``log``; its exit code."""
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command,
            cwd=launcher.folder,
            env=engine_environment(launcher),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
    finished = threading.Event()
    follower = threading.Thread(target=_follow, args=(log, finished, progress), daemon=True)
    if progress is not None:
        follower.start()
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        raise LeanRunError(f"LEAN did not finish within {timeout:g} s; its log is {log}") from None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        finished.set()
        if progress is not None:
            follower.join()


def _follow(log: Path, finished: threading.Event, progress: Callable[[str], None]) -> None:
    """Hand on the lines of a growing file."""
    with log.open(encoding="utf-8", errors="replace") as file:
        rest = ""
        while True:
            last = finished.wait(_POLL_SECONDS)
            *lines, rest = (rest + file.read()).split("\n")
            for line in lines:
                progress(line)
            if last:
                return


def _read_run(results: Path, store: Path, log: Path, exit_code: int, seconds: float) -> LeanRun:
    path = results / f"{ALGORITHM_ID}.json"
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        result = {}
    state = {str(key): str(value) for key, value in (result.get("state") or {}).items()}
    error, status = state.get("RuntimeError", ""), state.get("Status", "")
    if error or status != "Completed":
        why = _sentence(error) or logged_error(log) or f"status {status or 'unknown'}"
        raise LeanRunError(f"LEAN stopped (exit code {exit_code}): {why}; its log is {log}")
    return LeanRun(
        exit_code=exit_code,
        statistics=dict(result.get("statistics") or {}),
        runtime_statistics=dict(result.get("runtimeStatistics") or {}),
        state=state,
        result_json=path,
        order_events=results / f"{ALGORITHM_ID}-order-events.json",
        log=log,
        object_store=store,
        seconds=seconds,
    )


def _sentence(error: str) -> str:
    """The engine's error without stack trace and run time, and where in the project it arose."""
    lines = [line.strip() for line in error.splitlines() if line.strip()]
    if not lines:
        return ""
    text = _RUN_TIME.sub("", lines[0])
    places = [line for line in lines if re.match(r"in \S+\.py: line \d+", line)]
    return f"{text} ({places[-1]})" if places else text


def logged_error(log: Path) -> str:
    """The last error in the log, for a run that ended before it had a result."""
    text = log.read_text(encoding="utf-8", errors="replace")
    errors = [match["text"].strip() for match in _ERROR_LINE.finditer(text)]
    if errors:
        return _sentence(errors[-1])
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    unhandled = [line for line in lines if line.startswith("Unhandled exception")]
    return (unhandled or lines or [""])[-1]
