"""All that can hold a position: every market outright and, where traded, its calendar spread."""

from __future__ import annotations

from typing import Any

import numpy as np

from universe.arrays import BoolArray, FloatArray, IntArray
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

    def target_contracts(self, contracts: IntArray) -> dict[int, dict[int, int]]:
        """Contracts by contract month of every market with a contract to hold.

        The held contract and the legs of a spread are named with 0 where nothing is wanted.
        """
        held = self.markets.held.tolist()
        outright = contracts[: self.n_markets].tolist()
        wanted = {i: {held[i]: n} for i, n in enumerate(outright) if held[i]}
        if self.spreads is not None:
            near, far = self.spreads.near.tolist(), self.spreads.far.tolist()
            for i, n in enumerate(contracts[self.n_markets :].tolist()):
                if near[i] and i in wanted:  # legs of a spread without a position are named with 0
                    legs = wanted[i]
                    legs[near[i]] = legs.get(near[i], 0) + n
                    legs[far[i]] = legs.get(far[i], 0) - n
        return wanted

    def legs(self, market: int) -> tuple[int, ...]:
        """Contract months of the market's spread, near leg first; none without a spread."""
        if self.spreads is None or not self.spreads.near[market]:
            return ()
        return int(self.spreads.near[market]), int(self.spreads.far[market])
