"""Reading files that a user gives: bounded, and with a sentence for everything that is wrong."""

from __future__ import annotations

import csv
import lzma
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from research.data.errors import DataError

MAX_FILE: Final = 2**29
"""Bytes of a file that are read at most: 512 MiB, far above any daily data."""

MAX_MEMBER: Final = 2**26
"""Bytes of one unpacked member of a zip, 64 MiB: a contract's daily bars of a century are 3."""

MAX_UNPACKED: Final = 2**30
"""Bytes that a zip unpacks to at most."""

_SHOWN = 80
_MIB = 2**20


def is_there(path: Path, what: str) -> bool:
    """Whether a file that may be missing is there.

    Raises
    ------
    DataError
        If something else stands in its place: a folder, a link to nothing.
    """
    if path.is_file():
        return True
    if path.is_dir():
        raise DataError(f"{path}: is a folder; expected {what}")
    if path.exists() or path.is_symlink():
        raise DataError(f"{path}: is no file that can be read; expected {what}")
    return False


def read_bytes(path: Path, what: str) -> bytes:
    """Content of a file.

    Parameters
    ----------
    path : Path
    what : str
        What it should be, for the error.

    Raises
    ------
    DataError
        If it is missing, no regular file, not readable, or larger than ``MAX_FILE``.
    """
    if not is_there(path, what):
        raise DataError(f"{path}: file is missing; expected {what}")
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise DataError(f"{path}: is no file that can be read; expected {what}")
            if status.st_size > MAX_FILE:
                raise DataError(
                    f"{path}: holds {status.st_size / _MIB:,.0f} MiB; expected {what} of at most"
                    f" {MAX_FILE // _MIB} MiB"
                )
            return file.read()
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"{path}: cannot be read ({reason}); expected {what}") from None


def read_text(path: Path, what: str) -> str:
    """Text of a UTF-8 file; raises like :func:`read_bytes`, and if it is no such text."""
    try:
        return read_bytes(path, what).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: cannot be read ({error}); expected {what}") from None


def read_rows(path: Path, text: str) -> list[list[str]]:
    """Rows of fields of a CSV's ``text``.

    Raises
    ------
    DataError
        If it is none, as where a field never ends.
    """
    try:
        return list(csv.reader(text.splitlines()))
    except csv.Error as error:
        raise DataError(f"{path}: not a readable CSV ({error})") from None


def read_zip(path: Path, what: str) -> Iterator[tuple[str, str]]:
    """Name and text of every entry of a zip, in order of their names.

    Raises
    ------
    DataError
        If the file is missing or corrupt, or would unpack to more than ``MAX_MEMBER`` bytes in one
        entry or ``MAX_UNPACKED`` in all.
    """
    if not is_there(path, what):
        raise DataError(f"{path}: file is missing; expected {what}")
    try:
        with zipfile.ZipFile(path) as archive:
            members = sorted(archive.infolist(), key=lambda member: member.filename)
            _check_sizes(path, members, what)
            for member in members:
                yield member.filename, archive.read(member).decode("utf-8")
    except DataError:
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        struct.error,
        OSError,
        EOFError,
        MemoryError,
        RuntimeError,
        ValueError,
    ) as error:
        raise DataError(f"{path}: corrupt zip ({error}); expected {what}") from None


def _check_sizes(path: Path, members: list[zipfile.ZipInfo], what: str) -> None:
    for member in members:
        if member.file_size > MAX_MEMBER:
            raise DataError(
                f"{path}: {member.filename} unpacks to {member.file_size / _MIB:,.0f} MiB; expected"
                f" {what} of at most {MAX_MEMBER // _MIB} MiB an entry"
            )
    total = sum(member.file_size for member in members)
    if total > MAX_UNPACKED:
        raise DataError(
            f"{path}: unpacks to {total / _MIB:,.0f} MiB; expected {what} of at most"
            f" {MAX_UNPACKED // _MIB} MiB"
        )


def shown(text: str) -> str:
    """A piece of a file as an error may show it: quoted, without control characters, cut."""
    cut = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
    return repr(cut)
