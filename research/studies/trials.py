"""The register of every configuration that was ever run, so that a Sharpe ratio can be deflated.

``trials.jsonl`` holds one JSON object a line, in the order of the runs, and is only appended to:

====================  ============================================================================
``number``            1, 2, 3 ...
``at``                time of the entry, UTC
``command, name``     what ran it and what it called it
``data``              SHA-256 of the market data (``Dataset.fingerprint``)
``configuration``     SHA-256 of everything that was chosen
``changed``           the choices that are not the default, by name
``first, last``       sessions of the first and last return, ISO
``sharpe, skew,       of the net daily returns, per period (``measures.deflated``); ``null`` where
kurtosis, periods``   the series is flat
``previous``          ``hash`` of the line before, 64 zeros on the first
``hash``              SHA-256 of the line's own JSON without this key: sorted keys, no blanks
====================  ============================================================================

An entry that was changed, removed, inserted or moved breaks the chain; entries cut from the end are
missed by ``trials.head``, which repeats number and hash of the last one. A configuration with the
same figures is entered once; other figures, as after a change of the code, are another trial.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from research.measures.deflated import DeflatedSharpe, Moments, deflated_sharpe, moments
from universe.arrays import FloatArray

FILE, HEAD = "trials.jsonl", "trials.head"
_START = "0" * 64


class TrialsError(ValueError):
    """The register cannot be read or is not as it was written; the sentence names file and line."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One configuration on one set of data, and what its returns were like.

    Attributes
    ----------
    command, name : str
    data : str
        Hash of the market data.
    configuration : str
        Hash of all choices.
    changed : mapping of str to str
        Choices that are not the default.
    first, last : str
        ISO dates.
    moments : Moments
        Of the net daily returns.
    """

    command: str
    name: str
    data: str
    configuration: str
    changed: Mapping[str, str]
    first: str
    last: str
    moments: Moments

    def fields(self) -> dict[str, Any]:
        """The entry's fields as JSON has them, without number, time and hashes."""
        of = self.moments
        return {
            "command": self.command,
            "name": self.name,
            "data": self.data,
            "configuration": self.configuration,
            "changed": dict(self.changed),
            "first": self.first,
            "last": self.last,
            "sharpe": _finite(of.sharpe),
            "skew": _finite(of.skew),
            "kurtosis": _finite(of.kurtosis),
            "periods": of.periods,
        }


class TrialRegister:
    """The register in a folder, safe for several processes at once.

    Parameters
    ----------
    folder : path
        Made when the first trial is entered.

    Raises
    ------
    TrialsError
        By every method, when the file is not the chain it was written as.
    """

    def __init__(self, folder: str | Path) -> None:
        self.path = Path(folder) / FILE
        self._head = Path(folder) / HEAD
        self._entries: list[dict[str, Any]] = []
        self._keys: set[str] = set()
        self._last = _START
        self._offset = 0

    def record(self, trials: Iterable[Trial]) -> int:
        """Enter trials; returns how many were not in it yet."""
        added = 0
        with self._locked() as file:
            self._follow(file)
            for trial in trials:
                fields = trial.fields()
                if _key(fields) in self._keys:
                    continue
                entry = {
                    "number": len(self._entries) + 1,
                    "at": datetime.now(UTC).isoformat(timespec="seconds"),
                    **fields,
                    "previous": self._last,
                }
                entry["hash"] = _digest(entry)
                line = (_canonical(entry) + "\n").encode()
                os.write(file, line)
                self._accept(entry, len(line))
                added += 1
            os.fsync(file)
            self._write_head()
        return added

    def verify(self) -> int:
        """Read the whole register anew; returns the number of its entries."""
        self._entries, self._keys, self._last, self._offset = [], set(), _START, 0
        if not self.path.exists() and not self._head.exists():
            return 0
        with self._locked() as file:
            self._follow(file)
        return len(self._entries)

    def count(self, data: str) -> int:
        """Distinct trials on the data with this hash."""
        return len(self._on(data))

    def sharpe_variance(self, data: str) -> float:
        """Variance of the trials' Sharpe ratios on this data, per period; 0 for fewer than two."""
        ratios = [entry["sharpe"] for entry in self._on(data) if entry["sharpe"] is not None]
        return float(np.var(ratios, ddof=1)) if len(ratios) > 1 else 0.0

    def deflate(self, returns: FloatArray, data: str) -> DeflatedSharpe:
        """The Sharpe ratio of net daily returns against all trials on the data."""
        trials = max(self.count(data), 1)
        return deflated_sharpe(moments(returns), trials, self.sharpe_variance(data))

    # --- parts -----------------------------------------------------------------------------------
    def _on(self, data: str) -> list[dict[str, Any]]:
        if self.path.exists() or self._head.exists():
            with self._locked() as file:
                self._follow(file)
        return [entry for entry in self._entries if entry["data"] == data]

    @contextlib.contextmanager
    def _locked(self) -> Iterator[int]:
        """The file for reading and appending, which nobody else has meanwhile."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        except OSError as error:
            raise TrialsError(f"{self.path}: {error.strerror or error}") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        finally:
            os.close(file)

    def _follow(self, file: int) -> None:
        """Take in what others have appended; a line that a crash left unfinished is dropped."""
        size = os.fstat(file).st_size
        if size < self._offset:
            raise TrialsError(f"{self.path} is shorter than it was; entries were removed from it")
        text = os.pread(file, size - self._offset, self._offset)
        whole, _, torn = text.rpartition(b"\n")
        for line in whole.split(b"\n") if whole else []:
            self._accept(self._checked(line), len(line) + 1)
        self._check_head()
        if torn:
            os.ftruncate(file, self._offset)

    def _checked(self, line: bytes) -> dict[str, Any]:
        where = f"{self.path} line {len(self._entries) + 1}"
        try:
            entry = json.loads(line)
            stored, number, previous = entry["hash"], entry["number"], entry["previous"]
        except (ValueError, KeyError, TypeError) as error:
            raise TrialsError(f"{where} is not an entry of the register") from error
        if stored != _digest({key: value for key, value in entry.items() if key != "hash"}):
            raise TrialsError(f"{where} was changed after it was written")
        if previous != self._last or number != len(self._entries) + 1:
            raise TrialsError(f"{where} does not follow the line before; entries were removed")
        return dict(entry)

    def _accept(self, entry: dict[str, Any], length: int) -> None:
        self._entries.append(entry)
        self._keys.add(_key(entry))
        self._last = entry["hash"]
        self._offset += length

    def _check_head(self) -> None:
        """The head may be behind, after a crash between the two files, and never ahead."""
        if not self._head.exists():
            return
        try:
            head = json.loads(self._head.read_text(encoding="utf-8"))
            number, stored = int(head["number"]), head["hash"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TrialsError(f"{self._head} cannot be read") from error
        there = self._entries[number - 1]["hash"] if 0 < number <= len(self._entries) else _START
        if there != stored:
            raise TrialsError(
                f"{self.path} has {len(self._entries)} entries and is not what {self._head.name} "
                f"knows of {number}; entries were removed from its end or it was replaced"
            )

    def _write_head(self) -> None:
        part = self._head.with_name(f"{HEAD}.part")
        part.write_text(_canonical({"number": len(self._entries), "hash": self._last}))
        part.replace(self._head)


def configuration_hash(choices: Mapping[str, Any]) -> str:
    """SHA-256 of a configuration: all its choices, by name."""
    return hashlib.sha256(_canonical(choices).encode()).hexdigest()


def _canonical(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _digest(entry: Mapping[str, Any]) -> str:
    return hashlib.sha256(_canonical(entry).encode()).hexdigest()


def _key(fields: Mapping[str, Any]) -> str:
    """What makes two entries the same trial: data, configuration, dates and figures."""
    names = ("data", "configuration", "first", "last", "sharpe", "skew", "kurtosis", "periods")
    return _canonical({name: fields[name] for name in names})


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
