"""What follows from the state of markets and spreads, after one session or after each of several.

The arrays of a state are (n_markets,) after the last session, and (n_sessions, n_markets) in the
records that are kept of a run of sessions; a day is a number there, here a column of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from universe.arrays import BoolArray, FloatArray, IntArray
from universe.instruments import Instrument
from universe.rolls import next_weekday
from universe.session import NO_CONTRACT


@dataclass(frozen=True, slots=True)
class Roll:
    """A change of the held contract after the close of ``day``, with both closes of that day."""

    day: int
    market: str
    old: int
    new: int
    old_close: float
    new_close: float
    reason: str


@dataclass(slots=True)
class Observation:
    """What a session added, per market; with a leading axis of sessions, what each of several did.

    Attributes
    ----------
    seen : bool array of shape (n_markets,)
        The held contract has a bar that passed the quality gate.
    ret : float array of shape (n_markets,)
        Return of the held contract since the market's last bar, 0 where not seen.
    low : float array of shape (n_markets,)
        Its lowest price of the session over its close, 1 where not known.
    near_price, far_price : float arrays of shape (n_markets,)
        The carry pair in order of expiry, NaN without a pair.
    near_expiry, far_expiry : int arrays of shape (n_markets,)
    near_month : int array of shape (n_markets,)
        Contract month of the pair's nearer one, yyyymm.
    rolls : list of Roll
    notes : list of (market index, kind, sentence)
        What the quality gate did.
    """

    seen: BoolArray
    ret: FloatArray
    low: FloatArray
    near_price: FloatArray
    far_price: FloatArray
    near_expiry: IntArray
    far_expiry: IntArray
    near_month: IntArray
    rolls: list[Roll] = field(default_factory=list)
    notes: list[tuple[int, str, str]] = field(default_factory=list)

    @classmethod
    def none(cls, *shape: int) -> Observation:
        """Nothing was seen."""
        return cls(
            np.zeros(shape, dtype=bool),
            np.zeros(shape),
            np.ones(shape),
            np.full(shape, np.nan),
            np.full(shape, np.nan),
            np.zeros(shape, dtype=np.int64),
            np.zeros(shape, dtype=np.int64),
            np.zeros(shape, dtype=np.int64),
        )

    def at(self, row: int) -> Observation:
        """What one of the sessions added, as views; rolls and notes are its own."""
        return Observation(
            self.seen[row],
            self.ret[row],
            self.low[row],
            self.near_price[row],
            self.far_price[row],
            self.near_expiry[row],
            self.far_expiry[row],
            self.near_month[row],
        )


class MarketState(ABC):
    """State of all markets: held contracts, continuous series, doubts."""

    instruments: Sequence[Instrument]
    gap_days: int
    stale_sessions: int
    held: IntArray
    price: FloatArray
    positive_price: FloatArray
    adjusted: FloatArray
    last_seen: IntArray
    equal_closes: IntArray
    suspect: FloatArray
    must_exit: BoolArray
    held_expiry: IntArray
    lost: IntArray

    @abstractmethod
    def sigma(self) -> FloatArray:
        """Daily volatility of returns: current and long-run blended (001), NaN while too young."""

    @abstractmethod
    def current_sigma(self) -> FloatArray:
        """Daily volatility without the long-run part."""

    def sigma_price(self) -> FloatArray:
        """Daily volatility in price units."""
        return np.asarray(self.sigma() * self.positive_price)

    def alive(self, day: int | IntArray) -> BoolArray:
        """Markets that count for risk budgets: priced within ``gap_days``, with a volatility.

        A market closed today stays alive, so a holiday moves nobody's weight.
        """
        fresh = day - self.last_seen <= self.gap_days
        return np.asarray(fresh & (self.sigma() > 0) & (self.held != NO_CONTRACT))

    def tradable(self, seen: BoolArray) -> BoolArray:
        """Markets with a trustworthy price in the session."""
        fine = ~np.isfinite(self.suspect) & (self.price > 0)
        return np.asarray(seen & fine & (self.equal_closes < self.stale_sessions))


class SpreadState(ABC):
    """State of all calendar spreads."""

    gap_days: int
    near: IntArray
    far: IntArray
    price: FloatArray
    near_price: FloatArray
    last_seen: IntArray
    suspect: FloatArray
    near_last: IntArray

    @abstractmethod
    def sigma(self) -> FloatArray:
        """Daily volatility of returns: current and long-run blended (001), NaN while too young."""

    @abstractmethod
    def current_sigma(self) -> FloatArray:
        """Daily volatility without the long-run part."""

    def alive(self, day: int | IntArray) -> BoolArray:
        """Markets whose spread counts for risk budgets."""
        fresh = day - self.last_seen <= self.gap_days
        return np.asarray(fresh & (self.sigma() > 0) & (self.near != NO_CONTRACT))

    def must_exit(self, day: int | IntArray) -> BoolArray:
        """Spreads whose near leg may not be held beyond the next session."""
        return np.asarray((self.near_last <= next_weekday(day)) | (self.near == NO_CONTRACT))


class Record:
    """Arrays of an object before a run of sessions and after each of them.

    Parameters
    ----------
    source : object
        Before the first of the sessions.
    names : sequence of str
        Its arrays over markets, or methods that return one.
    n_sessions : int

    Attributes
    ----------
    before, after : mapping of str to array of shape (n_sessions, n_markets)
    """

    def __init__(self, source: Any, names: Sequence[str], n_sessions: int) -> None:
        self._source, self._rows = source, dict[str, Any]()
        for name in names:
            now = self._now(name)
            self._rows[name] = np.empty((n_sessions + 1, *now.shape), now.dtype)
        self.take(-1)
        self.before: Mapping[str, Any] = {name: rows[:-1] for name, rows in self._rows.items()}
        self.after: Mapping[str, Any] = {name: rows[1:] for name, rows in self._rows.items()}

    def take(self, session: int) -> None:
        """Write down the state after a session, by its number from 0."""
        for name, rows in self._rows.items():
            rows[session + 1] = self._now(name)

    def _now(self, name: str) -> Any:
        value = getattr(self._source, name)
        return value() if callable(value) else value
