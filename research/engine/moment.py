"""Sessions as the engine meets them, from the bars themselves or from a tape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from algorithm.observer import Observer
from alpha.snapshot import Snapshot, Snapshots
from research.engine.feed import Bars
from research.engine.ledger import BarGate, OpenOf
from universe.arrays import FloatArray, IntArray
from universe.fills import SessionGate
from universe.session import Quotes


class Moment(Protocol):
    """What fills, marks and decides in a session.

    Attributes
    ----------
    day : int
        Epoch day.
    fx : float array of shape (n_markets,)
        Trusted rates.
    quotes : Quotes
    gate : BarGate
        Of the session.
    rolling : sequence of int
        Markets whose position pays for an estimated roll.
    """

    @property
    def day(self) -> int: ...  # noqa: D102
    @property
    def fx(self) -> FloatArray: ...  # noqa: D102
    @property
    def quotes(self) -> Quotes: ...  # noqa: D102
    @property
    def gate(self) -> BarGate: ...  # noqa: D102
    @property
    def rolling(self) -> Sequence[int]: ...  # noqa: D102
    @property
    def open_of(self) -> OpenOf: ...  # noqa: D102

    def observe(self) -> Snapshot:
        """What is known after the close; once, after the fills."""
        ...


class _Before:
    """What was believed of all markets before one of several sessions."""

    def __init__(self, snapshots: Snapshots, row: int) -> None:
        before = snapshots.before
        self.held: IntArray = before.held[row]
        self.limits: FloatArray = before.limits[row]
        self.price: FloatArray = before.price[row]
        self.positive_price: FloatArray = before.positive_price[row]
        self.suspect: FloatArray = before.suspect[row]
        self.unit: FloatArray = before.unit[row]
        self._closes = snapshots.remembered[row]

    def last_close(self, market: int, month: int) -> float:
        return self._closes[market].get(month, np.nan)


class Observed:
    """One of several sessions that have been observed.

    Parameters
    ----------
    bars : Bars
        Of the session.
    snapshots : Snapshots
        Of all of them.
    row : int
        Number of the session.
    """

    def __init__(self, bars: Bars, snapshots: Snapshots, row: int) -> None:
        self._snapshots, self._row = snapshots, row
        self.day, self.quotes = bars.session.day, bars.session.quotes
        self.open_of, self.rolling = bars.open_of, bars.rolling
        self.fx: FloatArray = snapshots.fx[row]
        self.gate: BarGate = SessionGate(_Before(snapshots, row), bars.session.quotes)

    def observe(self) -> Snapshot:
        """What is known after the session."""
        return self._snapshots.at(self._row)


def observed(observer: Observer, run: Sequence[Bars]) -> Iterator[Moment]:
    """Have sessions observed at once, and meet one after the other."""
    snapshots = observer.walk([bars.session for bars in run])
    for row, bars in enumerate(run):
        yield Observed(bars, snapshots, row)
