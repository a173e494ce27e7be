"""The append-only archive: one line a day, each with the hash of the line before it (V4).

A line is ``{"hash": H, "previous": P, "record": R}`` with H = SHA-256 of P, a line feed and the
canonical text of R; the first line's P is 64 zeros and its record the archive's head. A line that
is changed, taken out or put in breaks the chain where it happened. Lines cut off at the end leave a
whole shorter chain: the hash of the last line, which a signed page carries, shows that.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from research.compliance.records import SCHEMA, DayEntry, Head, canonical, parse

START = "0" * 64


class ArchiveError(ValueError):
    """An archive that cannot be read or written on, and why."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What reading an archive to its end, or to its first fault, showed.

    Attributes
    ----------
    lines : int
        That fit.
    last_hash : str
        Of the last line that fits.
    line : int
        Number of the first one that does not, from 1; 0 if all do.
    problem : str
        What is wrong with it, empty if all fit.
    """

    lines: int
    last_hash: str
    line: int = 0
    problem: str = ""

    @property
    def ok(self) -> bool:
        """Whether every line fits."""
        return not self.problem


def link(previous: str, text: str) -> str:
    """Hash of a line: SHA-256 of the hash before it, a line feed and the record's text."""
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()


def _line(previous: str, text: str) -> tuple[str, str]:
    own = link(previous, text)
    return own, f'{{"hash":"{own}","previous":"{previous}","record":{text}}}\n'


_FORM = re.compile(r'\{"hash":"([0-9a-f]{64})","previous":"([0-9a-f]{64})","record":(\{.*\})\}\n')


def _parts(raw: bytes) -> tuple[str, str, str]:
    """Hash, hash before, and the record's text as it was written."""
    if not raw.endswith(b"\n"):
        raise ArchiveError("the line is cut off")
    form = _FORM.fullmatch(raw.decode("ascii", "replace"))
    if form is None:
        raise ArchiveError("the line is not of the archive's form")
    own, previous, text = form.groups()
    return own, previous, text


class _Chain:
    """Checks line by line; holds what the next one must fit to."""

    def __init__(self) -> None:
        self.hash, self.lines, self.day = START, 0, ""
        self.head: Head | None = None

    def take(self, raw: bytes) -> Head | DayEntry:
        own, previous, text = _parts(raw)
        if previous != self.hash:
            raise ArchiveError("the line does not follow the one before it")
        if own != link(previous, text):
            raise ArchiveError("the record is not the one that was hashed")
        try:
            record = json.loads(text)
            entry = parse(DayEntry, record) if self.lines else parse(Head, record)
        except ValueError as error:
            raise ArchiveError(str(error)) from None
        self.follow(entry, own)
        return entry

    def follow(self, entry: Head | DayEntry, own: str) -> None:
        """Go on to the line after ``entry``, whose hash is ``own``."""
        if isinstance(entry, Head):
            if entry.schema != SCHEMA:
                raise ArchiveError(f"schema is {entry.schema}; this program reads {SCHEMA}")
            self.head = entry
        else:
            if entry.day <= self.day:
                raise ArchiveError(f"day {entry.day} is not after {self.day}, the one before it")
            self.day = entry.day
        self.hash, self.lines = own, self.lines + 1


def verify(path: str | Path) -> Verification:
    """Read an archive and find the first line that does not fit.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    chain = _Chain()
    with Path(path).open("rb") as stream:
        for raw in stream:
            try:
                chain.take(raw)
            except ArchiveError as error:
                return Verification(chain.lines, chain.hash, chain.lines + 1, str(error))
    if not chain.lines:
        return Verification(0, START, 1, "the archive is empty")
    return Verification(chain.lines, chain.hash)


def head(path: str | Path) -> Head:
    """First record of an archive.

    Raises
    ------
    ArchiveError
        If the first line does not fit.
    OSError
        If the file cannot be read.
    """
    chain = _Chain()
    with Path(path).open("rb") as stream:
        raw = stream.readline()
    try:
        if raw:
            chain.take(raw)
    except ArchiveError as error:
        raise ArchiveError(f"{path}, line 1: {error}") from None
    return _head_of(chain, path)


def _head_of(chain: _Chain, path: str | Path) -> Head:
    if chain.head is None:
        raise ArchiveError(f"{path} is empty; an archive begins with its head")
    return chain.head


def read(path: str | Path) -> tuple[Head, list[DayEntry], str]:
    """All records of an archive whose chain holds, and the hash of its last line.

    Raises
    ------
    ArchiveError
        With the first line that does not fit.
    OSError
        If the file cannot be read.
    """
    chain, days = _Chain(), []
    with Path(path).open("rb") as stream:
        for raw in stream:
            try:
                entry = chain.take(raw)
            except ArchiveError as error:
                raise ArchiveError(f"{path}, line {chain.lines + 1}: {error}") from None
            if isinstance(entry, DayEntry):
                days.append(entry)
    return _head_of(chain, path), days, chain.hash


class ArchiveWriter:
    """Appends to an archive; nothing that is written is ever changed.

    Parameters
    ----------
    path : str or Path
        A new file, or an archive whose chain holds and whose head is the same.
    head : Head

    Raises
    ------
    ArchiveError
        If somebody else writes to it, its chain is broken, or it is of another run.
    """

    def __init__(self, path: str | Path, head: Head) -> None:
        self._path = Path(path)
        self._stream: IO[bytes] = self._path.open("a+b")
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._stream.close()
            raise ArchiveError(f"{path} is being written by another process") from None
        try:
            self._chain = self._resume(head)
        except ArchiveError:
            self._stream.close()
            raise

    def _resume(self, head: Head) -> _Chain:
        chain = _Chain()
        for raw in self._lines():
            try:
                chain.take(raw)
            except ArchiveError as error:
                raise ArchiveError(f"{self._path}, line {chain.lines + 1}: {error}") from None
        if chain.head is None:
            own, line = _line(START, canonical(head))
            chain.follow(head, own)
            self._stream.write(line.encode())
        elif chain.head != head:
            raise ArchiveError(f"{self._path} is the archive of another run; choose another file")
        return chain

    def _lines(self) -> Iterator[bytes]:
        self._stream.seek(0)
        yield from self._stream

    @property
    def last_day(self) -> str:
        """ISO date of the last session in it, empty without one."""
        return self._chain.day

    def append(self, entry: DayEntry) -> str:
        """Write a day and return its hash.

        Raises
        ------
        ArchiveError
            If the day is not after the last one: a clock that steps back, or a day written twice.
        RecordError
            If the record is not of the schema.
        """
        own, line = _line(self._chain.hash, canonical(entry))
        self._chain.follow(entry, own)
        self._stream.write(line.encode())
        self._stream.flush()
        return own

    def close(self) -> None:
        """Write out and let others write."""
        self._stream.close()

    def __enter__(self) -> ArchiveWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
