"""All that can hold a position: every market outright and, where traded, its calendar spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from universe.arrays import BoolArray, FloatArray, IntArray, known
from universe.market_days import MarketDays, SpreadDays
from universe.market_state import MarketState, Observation, Record, SpreadState
from universe.markets import Markets
from universe.session import Session
from universe.spreads import CalendarSpreads, SpreadObservation

Item = TypeVar("Item", bound=np.generic)
OfMarkets = TypeVar("OfMarkets", bound=MarketState)
OfSpreads = TypeVar("OfSpreads", bound=SpreadState)


class Joined(Generic[OfMarkets, OfSpreads]):
    """Arrays over assets, joined from those of markets and of calendar spreads.

    Asset i is market i held outright, asset n + i its near-minus-far spread.

    Parameters
    ----------
    markets : MarketState
    spreads : SpreadState, optional
        Without them there are as many assets as markets.
    """

    def __init__(self, markets: OfMarkets, spreads: OfSpreads | None) -> None:
        self.markets, self.spreads = markets, spreads
        self.n_markets = len(markets.instruments)
        self.n = self.n_markets * (1 if spreads is None else 2)

    def per_asset(self, by_market: NDArray[Item]) -> NDArray[Item]:
        """An array over markets, repeated for their spreads."""
        return by_market if self.spreads is None else _join(by_market, by_market)

    def sigma(self) -> FloatArray:
        """Daily volatility of returns, NaN while too young."""
        markets, spreads = self.markets, self.spreads
        return markets.sigma() if spreads is None else _join(markets.sigma(), spreads.sigma())

    def current_sigma(self) -> FloatArray:
        """Daily volatility without the long-run part."""
        if self.spreads is None:
            return self.markets.current_sigma()
        return _join(self.markets.current_sigma(), self.spreads.current_sigma())

    def price(self) -> FloatArray:
        """Last positive price that exposure is measured in; a spread's is its near leg's."""
        if self.spreads is None:
            return self.markets.positive_price
        return _join(self.markets.positive_price, self.spreads.near_price)

    def last_seen(self) -> IntArray:
        """Epoch day of the last trusted bar."""
        if self.spreads is None:
            return self.markets.last_seen.copy()
        return _join(self.markets.last_seen, self.spreads.last_seen)

    def alive(self, day: int | IntArray) -> BoolArray:
        """Assets that count for risk budgets."""
        alive = self.markets.alive(day)
        return alive if self.spreads is None else _join(alive, alive & self.spreads.alive(day))

    def tradable(self, seen: BoolArray) -> BoolArray:
        """Assets with a trustworthy price in this session."""
        tradable = self.markets.tradable(seen[..., : self.n_markets])
        if self.spreads is None:
            return tradable
        return _join(tradable, tradable & seen[..., self.n_markets :])

    def must_exit(self, day: int | IntArray) -> BoolArray:
        """Assets that may not be held beyond the next session."""
        outright = np.asarray(self.markets.must_exit | (self.markets.held_expiry < day))
        return outright if self.spreads is None else _join(outright, self.spreads.must_exit(day))

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
        return _join(outright, known(self.spreads.suspect - self.spreads.price))


class Assets(Joined[Markets, CalendarSpreads]):
    """Markets and spreads as they are after the last session."""

    def spread_components(self) -> dict[str, Any]:
        """Objects with state beside the markets', by a stable name."""
        if self.spreads is None:
            return {}
        return {"spreads": self.spreads, "spreads.vol": self.spreads.vol}

    def walk(self, sessions: Sequence[Session]) -> AssetDays:
        """Take sessions, in order."""
        days = AssetDays(self, len(sessions))
        for session in sessions:
            days.take(session)
        return days


class AssetDays(Joined[MarketDays, SpreadDays]):
    """All assets after each of several sessions; arrays are (n_sessions, n_assets).

    Parameters
    ----------
    assets : Assets
        Before the first of the sessions.
    n_sessions : int

    Attributes
    ----------
    before : Joined
        The same before each of the sessions.
    market_seen, spread_seen : Observation, and SpreadObservation or None
        What every session added, without rolls and notes.
    observed : list of Observation
        What each of the sessions so far added, with its rolls and all notes.
    remembered : list of lists of mappings
        Closes that every market's next session is compared with, by contract month; before the
        first session and after each.
    """

    def __init__(self, assets: Assets, n_sessions: int) -> None:
        markets, spreads, n = assets.markets, assets.spreads, assets.n_markets
        self._assets = assets
        self._records = [Record(markets, MarketDays.RECORDED, n_sessions)]
        self.market_seen = Observation.none(n_sessions, n)
        self.observed: list[Observation] = []
        self.remembered: list[list[Mapping[int, float]]] = [markets.remembered()]
        own = self._records[0]
        after, before = MarketDays(markets, own.after), MarketDays(markets, own.before)
        if spreads is None:
            super().__init__(after, None)
            self.spread_seen = None
            self.before = Joined[MarketDays, SpreadDays](before, None)
            return
        pairs = Record(spreads, SpreadDays.RECORDED, n_sessions)
        self._records.append(pairs)
        self.spread_seen = SpreadObservation.none(n_sessions, n)
        super().__init__(after, SpreadDays(spreads, pairs.after))
        self.before = Joined(before, SpreadDays(spreads, pairs.before))

    def take(self, session: Session) -> None:
        """Have the next session observed, and write down the state after it."""
        number = len(self.observed)
        seen = self._assets.markets.observe(session, self.market_seen.at(number))
        if self._assets.spreads is not None and self.spread_seen is not None:
            seen.notes += self._assets.spreads.observe(session, self.spread_seen.at(number)).notes
        self.observed.append(seen)
        self.remembered.append(self._assets.markets.remembered())
        for record in self._records:
            record.take(number)

    def seen(self) -> BoolArray:
        """Where a session has a bar that passed the quality gate."""
        seen, spread = self.market_seen.seen, self.spread_seen
        return seen if spread is None else _join(seen, spread.seen)

    def ret(self) -> FloatArray:
        """Return in every session, 0 where not seen."""
        ret, spread = self.market_seen.ret, self.spread_seen
        return ret if spread is None else _join(ret, spread.ret)


def _join(outright: NDArray[Item], spreads: NDArray[Item]) -> NDArray[Item]:
    return np.concatenate([outright, spreads], axis=-1)
