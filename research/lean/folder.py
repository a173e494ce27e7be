"""Writing a LEAN data folder in one piece, and telling our own exports from other folders."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from research.data.errors import DataError
from research.lean.format import MARKER_FILE

FORMAT = "lean-export"
"""Marks a folder as ours in its ``export.json``; only such a folder is ever replaced."""

_ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the same data give the same bytes
_ZIP_MODE = 0o644 << 16


@dataclass
class FolderWriter:
    """Writes files below a folder and knows which one it is at when the disk objects."""

    root: Path
    current: Path
    files: int = 0
    _made: set[Path] = field(default_factory=set)

    def write(self, relative: str, content: bytes) -> None:
        """Write a file at a path below the root."""
        path = self.current = self.root / relative
        if path.parent not in self._made:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._made.add(path.parent)
        with open(path, "wb", buffering=0) as file:  # a buffer doubles the cost of small files
            if file.write(content) != len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.files += 1

    def write_zip(self, relative: str, entries: Iterable[tuple[str, str]]) -> None:
        """Write a zip of (name, text) entries."""
        self.current = self.root / relative
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in entries:
                info = zipfile.ZipInfo(name, _ZIP_TIME)
                info.external_attr = _ZIP_MODE
                archive.writestr(info, text, zipfile.ZIP_DEFLATED)
        self.write(relative, buffer.getvalue())

    def copy(self, source: Path, relative: str) -> None:
        """Copy a file as it is."""
        self.current = source
        self.write(relative, source.read_bytes())


def read_marker(folder: Path) -> dict[str, Any] | None:
    """The export record of a folder, None if it is not one of our exports."""
    try:
        marker = json.loads((folder / MARKER_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return marker if isinstance(marker, dict) and marker.get("format") == FORMAT else None


def check_target(target: Path) -> None:
    """Refuse a target that holds anything but an earlier export.

    Raises
    ------
    DataError
    """
    if target.exists() and not target.is_dir():
        raise DataError(f"{target}: is a file; expected a folder to export to")
    try:
        occupied = target.is_dir() and any(target.iterdir())
    except OSError as error:
        raise DataError(f"{target}: cannot be read ({error.strerror})") from None
    if occupied and read_marker(target) is None:
        raise DataError(
            f"{target}: is not empty and not an earlier export (no {MARKER_FILE} of ours);"
            " choose a new folder"
        )


@contextmanager
def replacing(target: Path) -> Iterator[FolderWriter]:
    """A writer on a new folder that takes the target's place when the block ends well.

    Raises
    ------
    DataError
        If a file cannot be written, naming it and the reason; the target is as it was then.
    """
    fresh = target.with_name(f".{target.name}.{os.getpid()}.partial")
    stale = target.with_name(f".{target.name}.{os.getpid()}.old")
    writer = FolderWriter(fresh, fresh)
    try:
        fresh.mkdir(parents=True)
        yield writer
        writer.current = target
        if target.exists():
            target.rename(stale)
        try:
            fresh.rename(target)
        except OSError:
            if stale.exists():
                stale.rename(target)
            raise
    except OSError as error:
        shown = writer.current
        if fresh in shown.parents:
            shown = target / shown.relative_to(fresh)
        raise DataError(f"export stopped at {shown}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(stale, ignore_errors=True)
