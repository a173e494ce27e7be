"""The record of a run in LEAN's ObjectStore: a compressed part a year, live one a month."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from algorithm.decision import Decision
from algorithm.decision_line import Header, header_of, line_of, session_of
from algorithm.decision_text import (
    DECISION,
    day_of,
    decision_text,
    end_text,
    header_text,
    session_text,
)
from algorithm.desk_data import BACKTEST, LIVE, DeskData
from algorithm.lean_store import write
from alpha.snapshot import Snapshot
from execution.fills import Fill
from universe.arrays import from_epoch_day

if TYPE_CHECKING:
    from AlgorithmImports import QCAlgorithm

    from algorithm.context import TradingContext

RECORD_KEY = "trend-carry/decisions"
LIVE_RECORD_KEY = "trend-carry/decisions-live"
"""Folders in the ObjectStore; a part is called after its year or month."""

SPARE_KEY = "trend-carry/decisions-spare"
"""Where a live part is written first, so that one of both is whole whenever the process ends."""

DESK_FOLDER = "trend-carry"
"""Of the data of the risk desk's page, which every decision brings up to date."""

_A_DECISION = f'{{"line":"{DECISION}"'
_LEVEL = 4
"""Of compression: half of the size of 1, a third of the time of 9."""


class RunRecord:
    """Writes the lines of a run; what goes wrong with the store is said and stops nothing.

    Parameters
    ----------
    algorithm : QCAlgorithm
    context : TradingContext
    """

    def __init__(self, algorithm: QCAlgorithm, context: TradingContext) -> None:
        self._algorithm, self._context = algorithm, context
        self._live = bool(algorithm.live_mode)
        self.header: Header = header_of(context.strategy, "LEAN", data_name="LEAN")
        self._folder = LIVE_RECORD_KEY if self._live else RECORD_KEY
        self._desk = DeskData(header_text(self.header), LIVE if self._live else BACKTEST)
        self._part = ""
        self._lines: list[str] = []
        self._at: dict[int, int] = {}  # line of each day
        if not self._live:
            self._forget_earlier()

    def _forget_earlier(self) -> None:
        store = self._algorithm.object_store
        for key in [key for key in store.keys if str(key).startswith(f"{RECORD_KEY}/")]:
            store.delete(key)

    # --- what happens ----------------------------------------------------------------------------
    def observed(self, snapshot: Snapshot) -> None:
        """Take a session of the warm-up."""
        text = session_text(session_of(snapshot))
        self._desk.observed(text)
        self._write(snapshot.day, text)

    def decided(self, decision: Decision, fills: Sequence[Fill]) -> None:
        """Take a session's decision, and all fills since the one before."""
        context = self._context
        line = line_of(
            decision,
            context.strategy.lines,
            context.marks.priced(context.closes),
            fills,
            context.settled,
            context.broker,
        )
        text = decision_text(line, self.header)
        self._write(decision.day, text)
        if self._live:
            self._save()
        for name, document in self._desk.decided(text).items():
            self._put(f"{DESK_FOLDER}/{name}", document)

    def finish(self) -> None:
        """Write what is left, and that the run came to its end."""
        if not self._live:
            self._lines.append(end_text({}))
        self._save()

    # --- the store -------------------------------------------------------------------------------
    def _write(self, day: int, text: str) -> None:
        date = from_epoch_day(day)
        part = f"{date:%Y-%m}" if self._live else f"{date:%Y}"
        if part != self._part:
            first = not self._part
            if not first:
                self._save()
            self._part = part
            self._lines = self._earlier() if self._live else []
            self._at = {day_of(line): at for at, line in enumerate(self._lines)}
            if first:
                self._lines.append(header_text(self.header))
        if day not in self._at:
            self._at[day] = len(self._lines)
            self._lines.append(text)
        elif text.startswith(_A_DECISION):  # taken again, the process having ended amid the first
            self._lines[self._at[day]] = text

    @property
    def _key(self) -> str:
        return f"{self._folder}/{self._part}.gz"

    @property
    def _spare(self) -> str:
        return f"{SPARE_KEY}/{self._part}.gz"

    def _earlier(self) -> list[str]:
        """Lines that a run before this one has left in the part, or in its spare."""
        store, damaged = self._algorithm.object_store, False
        for key in (self._key, self._spare):
            if not store.contains_key(key):
                continue
            try:
                text = gzip.decompress(bytes(store.read_bytes(key))).decode("utf-8")
            except (OSError, ValueError, EOFError, zlib.error) as error:
                self._algorithm.error(f"{key}: {error}")
                damaged = True
                continue
            return text.splitlines()
        if damaged:
            self._algorithm.error(f"{self._key}: this month's record begins anew")
        return []

    def _save(self) -> None:
        if not self._part:
            return
        text = "\n".join(self._lines) + "\n"
        content = gzip.compress(text.encode("utf-8"), _LEVEL, mtime=0)
        if self._live:
            self._put(self._spare, content)
        self._put(self._key, content)

    def _put(self, key: str, content: Any) -> None:
        reason = write(self._algorithm, key, content)
        if reason:
            self._algorithm.error(f"{key}: {reason}; the record of the run has a gap")
