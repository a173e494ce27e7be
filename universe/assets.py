"""All that can hold a position: every market outright and, where traded, its calendar spread."""

from __future__ import annotations

from typing import Any

import numpy as np

from universe.arrays import BoolArray, FloatArray, IntArray, known
from universe.markets import Markets, Observation
from universe.session import Session
from universe.spreads import CalendarSpreads, SpreadObservation


class Assets:
    """Joins the arrays of markets and of calendar spreads.

    Asset i is market i held outright, asset n + i its near-minus-far spread.

    Parameters
    ----------
    markets : Markets
    spreads : CalendarSpreads, optional
        Without them there are as many assets as markets.
    """

    def __init__(self, markets: Markets, spreads: CalendarSpreads | None) -> None:
        self.markets, self.spreads = markets, spreads
        self.n_markets = len(markets.instruments)
        self.n = self.n_markets * (2 if spreads else 1)

    def spread_part(self) -> slice:
        """Where the spreads are in an array over assets."""
        return slice(self.n_markets, self.n)

    def spread_components(self) -> dict[str, Any]:
        """Objects with state beside the markets', by a stable name."""
        if self.spreads is None:
            return {}
        return {"spreads": self.spreads, "spreads.vol": self.spreads.vol}

    def per_asset(self, by_market: FloatArray) -> FloatArray:
        """An array over markets, repeated for their spreads."""
        return by_market if self.spreads is None else np.concatenate([by_market, by_market])

    def observe(
        self, session: Session
    ) -> tuple[Observation, SpreadObservation | None, BoolArray, FloatArray]:
        """Take a session: what markets and spreads saw, and (seen, return) of all assets."""
        seen = self.markets.observe(session)
        if self.spreads is None:
            return seen, None, seen.seen, seen.ret
        spread = self.spreads.observe(session)
        seen.notes += spread.notes
        both = np.concatenate([seen.seen, spread.seen])
        return seen, spread, both, np.concatenate([seen.ret, spread.ret])

    def sigma(self) -> FloatArray:
        """Daily volatility of returns, NaN while too young."""
        if self.spreads is None:
            return self.markets.sigma()
        return np.concatenate([self.markets.sigma(), self.spreads.sigma()])

    def current_sigma(self) -> FloatArray:
        """Daily volatility without the long-run part."""
        if self.spreads is None:
            return self.markets.vol.std()
        return np.concatenate([self.markets.vol.std(), self.spreads.vol.std()])

    def price(self) -> FloatArray:
        """Last positive price that exposure is measured in; a spread's is its near leg's."""
        if self.spreads is None:
            return self.markets.positive_price
        return np.concatenate([self.markets.positive_price, self.spreads.near_price])

    def last_seen(self) -> IntArray:
        """Epoch day of the last trusted bar."""
        if self.spreads is None:
            return self.markets.last_seen.copy()
        return np.concatenate([self.markets.last_seen, self.spreads.last_seen])

    def alive(self, day: int) -> BoolArray:
        """Assets that count for risk budgets."""
        alive = self.markets.alive(day)
        if self.spreads is None:
            return alive
        return np.concatenate([alive, alive & self.spreads.alive(day)])

    def tradable(self, seen: BoolArray) -> BoolArray:
        """Assets with a trustworthy price in this session."""
        tradable = self.markets.tradable(seen[: self.n_markets])
        if self.spreads is None:
            return tradable
        return np.concatenate([tradable, tradable & seen[self.n_markets :]])

    def must_exit(self, day: int) -> BoolArray:
        """Assets that may not be held beyond the next session."""
        outright = np.asarray(self.markets.must_exit | (self.markets.held_expiry < day))
        if self.spreads is None:
            return outright
        return np.concatenate([outright, self.spreads.must_exit(day)])

    def months(self) -> tuple[IntArray, IntArray, IntArray]:
        """Contract months held outright, and of the spreads' near and far legs; 0 is none."""
        held = self.markets.held.copy()
        if self.spreads is None:
            none = np.zeros_like(held)
            return held, none, none
        return held, self.spreads.near.copy(), self.spreads.far.copy()

    def doubt(self) -> FloatArray:
        """Close that the quality gate holds back minus the last trusted one, 0 without any."""
        outright = known(self.markets.suspect - self.markets.price)
        if self.spreads is None:
            return outright
        return np.concatenate([outright, known(self.spreads.suspect - self.spreads.price)])
