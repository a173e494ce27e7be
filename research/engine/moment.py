"""A session as the engine meets it, from the bars themselves or from a tape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from algorithm.observer import Observer
from alpha.snapshot import Snapshot
from research.engine.feed import Bars
from research.engine.ledger import BarGate, OpenOf
from universe.arrays import FloatArray
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


class Observed:
    """A session that the observer takes.

    Parameters
    ----------
    observer : Observer
    bars : Bars
    """

    def __init__(self, observer: Observer, bars: Bars) -> None:
        self._observer, self._session = observer, bars.session
        self.day, self.quotes = bars.session.day, bars.session.quotes
        self.open_of, self.rolling = bars.open_of, bars.rolling
        self.fx = observer.take_rates(bars.session)
        self.gate: BarGate = SessionGate(observer.markets, bars.session.quotes)

    def observe(self) -> Snapshot:
        """Take the session."""
        return self._observer.observe(self._session)
