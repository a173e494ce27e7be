"""What was known of all markets and spreads after each of several sessions, as arrays.

The gate, the rolls and the volatility that limits the next move go from session to session; what
follows from them does not, and is computed for all sessions at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from universe.arrays import FloatArray
from universe.market_state import MarketState, SpreadState
from universe.markets import Markets
from universe.spreads import CalendarSpreads

FIGURES = ("sigma", "current_sigma")


class _Recorded:
    """Figures of a state that were kept with its arrays."""

    _arrays: Mapping[str, Any]

    def sigma(self) -> FloatArray:
        """Daily volatility of returns."""
        sigma: FloatArray = self._arrays["sigma"]
        return sigma

    def current_sigma(self) -> FloatArray:
        """Daily volatility without the long-run part."""
        sigma: FloatArray = self._arrays["current_sigma"]
        return sigma


class MarketDays(_Recorded, MarketState):
    """State of all markets after, or before, every session; arrays are (n_sessions, n_markets).

    Parameters
    ----------
    markets : Markets
        Whose state it was.
    arrays : mapping of str to array
        Of the names in ``RECORDED``.
    """

    ARRAYS = (
        "held",
        "price",
        "positive_price",
        "adjusted",
        "last_seen",
        "equal_closes",
        "suspect",
        "unit",
        "must_exit",
        "held_expiry",
        "lost",
        "limits",
    )
    RECORDED = (*ARRAYS, *FIGURES)

    unit: FloatArray
    limits: FloatArray

    def __init__(self, markets: Markets, arrays: Mapping[str, Any]) -> None:
        self.instruments = markets.instruments
        self.gap_days, self.stale_sessions = markets.gap_days, markets.stale_sessions
        for name in self.ARRAYS:
            setattr(self, name, arrays[name])
        self._markets, self._arrays = markets, arrays

    def at(self, row: int) -> MarketDays:
        """The state of one of the sessions; arrays are (n_markets,)."""
        return MarketDays(self._markets, {name: rows[row] for name, rows in self._arrays.items()})


class SpreadDays(_Recorded, SpreadState):
    """State of all calendar spreads after, or before, every session, as for markets.

    Parameters
    ----------
    spreads : CalendarSpreads
    arrays : mapping of str to array
        Of the names in ``RECORDED``.
    """

    ARRAYS = ("near", "far", "price", "near_price", "last_seen", "suspect", "near_last")
    RECORDED = (*ARRAYS, *FIGURES)

    def __init__(self, spreads: CalendarSpreads, arrays: Mapping[str, Any]) -> None:
        self.gap_days = spreads.gap_days
        for name in self.ARRAYS:
            setattr(self, name, arrays[name])
        self._spreads, self._arrays = spreads, arrays

    def at(self, row: int) -> SpreadDays:
        """The state of one of the sessions; arrays are (n_markets,)."""
        return SpreadDays(self._spreads, {name: rows[row] for name, rows in self._arrays.items()})
