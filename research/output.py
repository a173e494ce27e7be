"""A command's files as one set in its folder: the old set or the new one, never a mixture.

The files of a run are written to a folder of their own below ``.sets``. What a user sees in the
output folder are links through one link, ``.sets/NAME``, and replacing that one makes all files the
new ones at once: a run that is killed at any moment leaves the set before it. Where the file system
has no links the files are replaced one by one, and a file ``INCOMPLETE`` stands beside them
meanwhile.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SETS = ".sets"
INCOMPLETE = "INCOMPLETE"
_LOCK = "lock"


class OutputError(OSError):
    """An output folder cannot be used; the sentence names it and the reason."""


@contextmanager
def claimed(folder: Path) -> Iterator[Path]:
    """Hold a folder for one run; it is made if missing and written to once as a test.

    Parameters
    ----------
    folder : Path

    Yields
    ------
    Path
        The hidden folder of sets in it.

    Raises
    ------
    OutputError
        If the folder cannot be written, or another run holds it.
    """
    sets = folder / SETS
    try:
        sets.mkdir(parents=True, exist_ok=True)
        file = (sets / _LOCK).open("a+", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written to ({error.strerror})") from error
    with file:
        try:
            _lock(file.fileno())
            file.truncate(0)
            file.write(f"process {os.getpid()} since {time.strftime('%Y-%m-%d %H:%M:%S')}\n")
            file.flush()
            os.fsync(file.fileno())
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "another one"
            raise OutputError(
                f"{folder}: a run is writing to this folder ({holder}); wait until it has ended"
                " or choose another folder"
            ) from error
        except OSError as error:
            raise OutputError(f"{folder}: cannot be written to ({error.strerror})") from error
        yield sets


@contextmanager
def output_set(folder: Path, name: str) -> Iterator[Path]:
    """Where to write the files of a run; they are in ``folder`` when the block has ended well.

    Parameters
    ----------
    folder : Path
        Other files in it stay, those of the set before go.
    name : str
        Of the set: sets of different names share a folder.

    Yields
    ------
    Path
        An empty folder. After an error it is removed, and ``folder`` is as before.

    Raises
    ------
    OutputError
        If the folder cannot be written, another run holds it, or a folder stands where a file of
        the set belongs.
    """
    with claimed(folder) as sets:
        _sweep(sets, name)
        stage = sets / f"{name}-{uuid.uuid4().hex[:8]}"
        stage.mkdir()
        try:
            yield stage
            _publish(folder, sets, name, stage)
        except BaseException:
            if _current(sets, name) != stage.name:
                shutil.rmtree(stage, ignore_errors=True)
            raise
        _sweep(sets, name)


def _publish(folder: Path, sets: Path, name: str, stage: Path) -> None:
    files = sorted(path.relative_to(stage) for path in stage.rglob("*") if path.is_file())
    for file in files:
        if (folder / file).is_dir():
            raise OutputError(f"{folder / file}: is a folder; a file of the run belongs there")
    try:
        for file in files:
            _sync(stage / file)
        if not _has_links(sets):
            _replace_one_by_one(folder, stage, files)
            return
        before = _files_before(folder, sets, name, files)
        for file in files:
            _link(folder / file, Path(*[".."] * (len(file.parts) - 1), SETS, name, file))
        _link(sets / name, Path(stage.name))
        for file in before - set(files):
            (folder / file).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written to ({error.strerror or error})") from error


def _files_before(folder: Path, sets: Path, name: str, files: list[Path]) -> set[Path]:
    """Files of the set in force; plain ones of the same names are made into such a set."""
    if _current(sets, name) is None:
        plain = [file for file in files if (folder / file).is_file()]
        adopted = sets / f"{name}-{uuid.uuid4().hex[:8]}"
        for file in plain:
            (adopted / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(folder / file, adopted / file)
        if plain:
            _link(sets / name, Path(adopted.name))
        return set(plain)
    root = sets / name
    return {path.relative_to(root) for path in root.rglob("*") if path.is_file()}


def _current(sets: Path, name: str) -> str | None:
    """Name of the folder of the set in force."""
    try:
        return os.readlink(sets / name)
    except OSError:
        return None


def _sweep(sets: Path, name: str) -> None:
    """Remove sets that are not in force: older ones, and those of runs that were killed."""
    kept = _current(sets, name)
    for path in sets.glob(f"{name}-*"):
        if path.name != kept:
            if path.is_symlink():
                path.unlink()
            else:
                shutil.rmtree(path, ignore_errors=True)


def _link(path: Path, target: Path) -> None:
    """Make ``path`` a link to ``target`` in one step, whatever file it was."""
    if path.is_symlink() and Path(os.readlink(path)) == target:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    part.symlink_to(target)
    try:
        part.replace(path)
    except OSError:
        part.unlink()
        raise


def _has_links(sets: Path) -> bool:
    probe = sets / f"probe-{uuid.uuid4().hex[:8]}"
    try:
        probe.symlink_to(_LOCK)
        probe.unlink()
    except (OSError, NotImplementedError):
        return False
    return True


def _replace_one_by_one(folder: Path, stage: Path, files: list[Path]) -> None:
    mark = folder / INCOMPLETE
    mark.write_text("A run is replacing the files beside this one, or was ended while it did.\n")
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (stage / file).replace(folder / file)
    mark.unlink()


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _lock(descriptor: int) -> None:
    """Take the lock, which the system gives back when the process ends, however it does.

    Raises
    ------
    BlockingIOError
        If another process has it.
    """
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, 1 << 20, os.SEEK_SET)  # beyond the text: a locked byte is unreadable
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(*error.args) from error
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
