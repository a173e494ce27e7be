"""What the strategy is told about one session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from universe.arrays import FloatArray, IntArray

NO_CONTRACT = 0
"""Contract month of "none"."""


@dataclass(frozen=True, slots=True)
class Contract:
    """One listed contract of a market.

    Attributes
    ----------
    month : int
        Contract month, yyyymm.
    expiry : int
        Last trade date, epoch day.
    last_holding : int
        Last session on which a position may be held, epoch day: before first notice and before the
        last trade date.
    """

    month: int
    expiry: int
    last_holding: int


class Quotes(Protocol):
    """Closes of a session by market index: a list of mappings, or what makes them when asked."""

    def __getitem__(self, market: int, /) -> Mapping[int, float]:
        """Close by contract month, only of contracts with a bar in the session."""


@dataclass(slots=True)
class Session:
    """Bars of one session date, per market in the strategy's order.

    Attributes
    ----------
    day : int
        Session date, epoch day.
    quotes : list of dict of int to float
        Close by contract month, only of contracts with a bar in this session.
    mapped : list of int
        The data's own front contract (LEAN: ``Future.mapped``), ``NO_CONTRACT`` if unknown.
    open_interest : list of dict of int to float
        By contract month, empty where unknown.
    fx : float array of shape (n_markets,)
        Account-currency value of one unit of the quote currency.
    macro : mapping of series name to (epoch day known, value)
        What became known of macro series since the session before.
    fx_day : int array of shape (n_markets,), optional
        Epoch day on which each rate became known; without it all are of this session.
    lows : mapping of (market index, contract month) to float
        Lowest price of the session, where it is known and below the close.
    """

    day: int
    quotes: list[dict[int, float]]
    mapped: list[int]
    open_interest: list[dict[int, float]]
    fx: FloatArray
    macro: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    fx_day: IntArray | None = None
    lows: Mapping[tuple[int, int], float] = field(default_factory=dict)
