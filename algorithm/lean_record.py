"""The record of a run in LEAN's ObjectStore: a compressed part a year, live one a month."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from algorithm.decision import Decision
from algorithm.decision_line import Header, header_of, line_of, session_of
from algorithm.decision_text import decision_text, end_text, header_text, session_text
from algorithm.desk_data import BACKTEST, LIVE, DeskData
from alpha.snapshot import Snapshot
from execution.fills import Fill
from universe.arrays import from_epoch_day

if TYPE_CHECKING:
    from AlgorithmImports import QCAlgorithm

    from algorithm.context import TradingContext

RECORD_KEY = "trend-carry/decisions"
LIVE_RECORD_KEY = "trend-carry/decisions-live"
"""Folders in the ObjectStore; a part is called after its year or month."""

DESK_KEY = "trend-carry/desk.jsonl"
"""Data of the risk desk's page, overwritten after every decision."""

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
        self._put(DESK_KEY, self._desk.decided(text))

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
            if first:
                self._lines.append(header_text(self.header))
        self._lines.append(text)

    @property
    def _key(self) -> str:
        return f"{self._folder}/{self._part}.gz"

    def _earlier(self) -> list[str]:
        """Lines that a run before this one has left in the part."""
        store = self._algorithm.object_store
        if not store.contains_key(self._key):
            return []
        try:
            text = gzip.decompress(bytes(store.read_bytes(self._key))).decode("utf-8")
        except (OSError, ValueError, EOFError) as error:
            self._algorithm.error(f"{self._key}: {error}; this month's record begins anew")
            return []
        return text.splitlines()

    def _save(self) -> None:
        if not self._part:
            return
        text = "\n".join(self._lines) + "\n"
        self._put(self._key, gzip.compress(text.encode("utf-8"), _LEVEL, mtime=0))

    def _put(self, key: str, content: Any) -> None:
        store = self._algorithm.object_store
        try:
            save = store.save if isinstance(content, str) else store.save_bytes
            reason = "" if save(key, content) else "the store refused it"
        except Exception as error:  # a full store must not stop what trades
            reason = str(error)
        if reason:
            self._algorithm.error(f"{key}: {reason}; the record of the run has a gap")
