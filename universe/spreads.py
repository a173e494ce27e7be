"""Calendar spreads: which two contracts of a market, their price difference and its risk (A6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from universe.arrays import BoolArray, FloatArray, IntArray, years_between
from universe.ewm import EwmStd
from universe.instruments import Instrument
from universe.market_state import SpreadState
from universe.markets import Markets
from universe.quality import UNIT_RATIO
from universe.rolls import in_cycle, next_weekday, roll_window_days
from universe.session import NO_CONTRACT, Contract, Session
from universe.settings import UniverseSettings, volatility_of

REACH = 400
"""Days to the last trade date of a leg of extreme carry, at most: LEAN subscribes no contract for
which that many days are not within reach (``universe.reach``)."""

Curve = list[tuple[Contract, float]]
"""Quoted contracts and their closes, in order of expiry."""


def sorted_curve(quotes: Mapping[int, float], contracts: Mapping[int, Contract], day: int) -> Curve:
    """The known, unexpired contracts with a close in ``quotes``."""
    known = [
        (contracts[month], close)
        for month, close in quotes.items()
        if close == close and month in contracts and contracts[month].expiry >= day
    ]
    return sorted(known, key=lambda point: (point[0].expiry, point[0].month))


def contract_carry(curve: Curve, month: int) -> float:
    """Annual gain of a contract at an unchanged curve, in price units.

    (price of the quoted contract before it - its own) / years between their last trade dates: it
    becomes its nearer neighbour as time passes (003, Exhibit A). NaN without a nearer neighbour of
    another expiry.
    """
    before = None
    for contract, close in curve:
        if contract.month == month:
            if before is None or contract.expiry <= before[0].expiry:
                return float("nan")
            return (before[1] - close) / years_between(before[0].expiry, contract.expiry)
        before = (contract, close)
    return float("nan")


def spread_legs(
    instrument: Instrument, held: int, curve: Curve, day: int
) -> tuple[Contract, Contract] | None:
    """Near and far leg to hold after the close of ``day``, None where there is no such pair.

    Parameters
    ----------
    instrument : Instrument
    held : int
        Contract month of the outright position, where the legs begin.
    curve : Curve
    day : int
        Epoch day.
    """
    legs = possible_legs(instrument, held, curve, day)
    return (legs[0], legs[1]) if len(legs) > 1 else None


def extreme_legs(
    legs: Sequence[Contract], curve: Curve, interest: Mapping[int, float], floor: float, day: int
) -> tuple[Contract, Contract] | None:
    """Of the contracts that may be a leg, those of highest and lowest carry, the nearer one first.

    The legs are equally many contracts, which is equal volatility as far as the curve shifts in
    parallel (003).

    Parameters
    ----------
    legs : sequence of Contract
        As ``possible_legs`` gives them.
    curve : Curve
    interest : mapping of contract month to float
        Open interest known at the close.
    floor : float
        Least share of the curve's largest open interest.
    day : int
        Epoch day.

    Returns
    -------
    tuple of Contract, or None
        None where fewer than two are as liquid and within ``REACH`` days, or all carry the same:
        contracts whose open interest is not known count as illiquid.
    """
    least = floor * max(interest.values(), default=0.0)
    liquid = [
        (contract_carry(curve, leg.month), leg)
        for leg in legs
        if leg.expiry - day <= REACH and interest.get(leg.month, 0.0) >= max(least, 1.0)
    ]
    if len(liquid) < 2:
        return None
    high = max(liquid, key=lambda pair: pair[0])
    low = min(liquid, key=lambda pair: pair[0])
    if high[0] == low[0]:
        return None
    near, far = sorted((high[1], low[1]), key=lambda leg: leg.expiry)
    return near, far


def possible_legs(instrument: Instrument, held: int, curve: Curve, day: int) -> list[Contract]:
    """Contracts that a spread may be made of after the close of ``day``, in order of expiry.

    From the held one on, in the holding cycle, outside the roll window, of a positive price and
    with a nearer quoted neighbour that tells their carry. Parameters are those of ``spread_legs``.
    """
    window = roll_window_days(instrument)
    months = [contract.month for contract, _ in curve]
    if held not in months:
        return []
    return [
        contract
        for place, (contract, close) in enumerate(curve)
        if place >= max(months.index(held), 1)
        and contract.expiry > curve[place - 1][0].expiry
        and in_cycle(contract.month, instrument.hold_months)
        and contract.expiry - day > window
        and contract.last_holding > next_weekday(day)
        and close > 0
    ]


@dataclass(slots=True)
class SpreadObservation:
    """What a session added, per market; with a leading axis of sessions, what each of several did.

    Attributes
    ----------
    seen : bool array of shape (n_markets,)
        Both legs have a bar that passed the quality gate.
    change : float array of shape (n_markets,)
        Of near minus far since the spread's last bar, in price units; 0 where not seen.
    ret : float array of shape (n_markets,)
        ``change`` over the last positive price of the near leg.
    carry : float array of shape (n_markets,)
        Annual gain of near minus far at an unchanged curve, in price units, NaN without one.
    notes : list of (market index, kind, sentence)
    """

    seen: BoolArray
    change: FloatArray
    ret: FloatArray
    carry: FloatArray
    notes: list[tuple[int, str, str]] = field(default_factory=list)

    @classmethod
    def none(cls, *shape: int) -> SpreadObservation:
        """Nothing was seen."""
        return cls(np.zeros(shape, bool), np.zeros(shape), np.zeros(shape), np.full(shape, np.nan))

    def at(self, row: int) -> SpreadObservation:
        """What one of the sessions added, as views; notes are its own."""
        return SpreadObservation(self.seen[row], self.change[row], self.ret[row], self.carry[row])


class CalendarSpreads(SpreadState):
    """Near-minus-far spread of every market, one pair of contracts at a time.

    Parameters
    ----------
    markets : Markets
        Whose contracts and held months the legs are chosen from.
    vol_span, vol_long_sessions : int
    vol_long_weight : float
    outlier_sigmas : float
    gap_days : int
    extreme_floor : float, optional
        Legs of highest and lowest carry among the contracts that are as liquid, see
        ``extreme_legs``; where there are none, and by default, neighbours.

    Notes
    -----
    The near leg is the first contract from the held one on that has a nearer quoted neighbour, the
    far leg the next one after it: with the neighbour they are three points of the curve, the least
    that tell the carry of one leg from the other's (003, Exhibit E). The pair is kept until the
    near leg's roll window opens or the market's held contract moves past it; the return of a
    session is that of the pair held into it. A market with fewer than three quoted contracts has
    no spread.
    """

    STATE = (
        "near",
        "far",
        "price",
        "near_price",
        "last_seen",
        "sessions",
        "suspect",
        "suspect_near",
        "near_last",
    )
    DEPENDS = ()

    @classmethod
    def create(cls, settings: UniverseSettings, markets: Markets) -> Self:
        """The spreads as the settings have them."""
        return cls(markets, **volatility_of(settings), extreme_floor=settings.extreme_floor)

    def __init__(
        self,
        markets: Markets,
        *,
        vol_span: int = 32,
        vol_long_sessions: int = 756,
        vol_long_weight: float = 0.3,
        outlier_sigmas: float = 20.0,
        gap_days: int = 14,
        extreme_floor: float | None = None,
    ) -> None:
        n = len(markets.instruments)
        self._markets = markets
        self._long_weight, self._floor = vol_long_weight, extreme_floor
        self._outlier_sigmas, self.gap_days = outlier_sigmas, gap_days
        self._tick = np.array([i.tick for i in markets.instruments])
        self._interest: Mapping[int, float] = {}  # of the market being observed
        self._known: set[int] = set()  # markets that have, or are said not to have, open interest
        self.vol = EwmStd(n, vol_span, vol_long_sessions)
        self.near: IntArray = np.zeros(n, dtype=np.int64)
        self.far: IntArray = np.zeros(n, dtype=np.int64)
        self.price: FloatArray = np.full(n, np.nan)  # near minus far
        self.near_price: FloatArray = np.full(n, np.nan)  # last positive one
        self.last_seen: IntArray = np.full(n, -(10**6), dtype=np.int64)
        self.sessions: IntArray = np.zeros(n, dtype=np.int64)
        self.suspect: FloatArray = np.full(n, np.nan)
        self.suspect_near: FloatArray = np.full(n, np.nan)  # near leg's close in that session
        self.near_last: IntArray = np.full(n, 10**6, dtype=np.int64)

    def sigma(self) -> FloatArray:
        """Daily volatility of ``ret``: current and long-run blended (001), NaN while too young."""
        long_run = self._long_weight * self.vol.long_run()
        return np.asarray(long_run + (1.0 - self._long_weight) * self.vol.std())

    def current_sigma(self) -> FloatArray:
        """Daily volatility without the long-run part."""
        return self.vol.std()

    def observe(self, session: Session, out: SpreadObservation | None = None) -> SpreadObservation:
        """Take a session, after ``markets`` has; choose the pairs to hold from now on.

        What it adds is written to ``out`` where that is given.
        """
        out = SpreadObservation.none(len(self.near)) if out is None else out
        limits = self._outlier_sigmas * np.fmax(self.sigma() * self.near_price, self._tick)
        for market, quotes in enumerate(session.quotes):
            if quotes:
                contracts = self._markets.contracts[market]
                curve = self._believable(market, sorted_curve(quotes, contracts, session.day))
                self._interest = session.open_interest[market]
                self._observe_market(market, curve, session.day, float(limits[market]), out)
        self.vol.update(out.ret, out.seen & (self.sessions > 1))
        return out

    def _believable(self, market: int, curve: Curve) -> Curve:
        """The curve without closes beyond three times or a third of the market's price.

        Unless they are within the market's outlier limit: near zero ratios mean little.
        """
        price, limit = float(self._markets.price[market]), float(self._markets.limits[market])
        if not price > 0:
            return curve
        low, high = min(price / UNIT_RATIO, price - limit), max(price * UNIT_RATIO, price + limit)
        return [point for point in curve if low <= point[1] <= high]

    def _observe_market(
        self,
        market: int,
        curve: Curve,
        day: int,
        limit: float,
        out: SpreadObservation,
    ) -> None:
        by_month = {contract.month: close for contract, close in curve}
        near, far = int(self.near[market]), int(self.far[market])
        if np.isfinite(self._markets.suspect[market]):
            if near in by_month and far in by_month:
                self._suspect(market, by_month[near], by_month[far])
            return  # a market that is held back has no trustworthy curve
        if near in by_month and far in by_month:
            price = by_month[near] - by_month[far]
            change = price - self.price[market]
            if self.sessions[market] > self.vol.span and not abs(change) <= limit:
                confirmed = self._confirmed(market, by_month[near], by_month[far], limit)
                self._suspect(market, by_month[near], by_month[far])
                if not confirmed:
                    code = self._markets.instruments[market].code
                    text = f"{code} spread moved {change:g} to {price:g}: held back"
                    out.notes.append((market, "outlier", text))
                    return
            self.suspect[market] = np.nan
            out.seen[market] = True
            out.change[market] = change
            out.ret[market] = change / self.near_price[market]
            self._mark(market, by_month[near], price, day)
            self.sessions[market] += 1
        self._choose(market, curve, day)
        near, far = int(self.near[market]), int(self.far[market])
        if self._lacks_floor(market):
            self._known.add(market)
            code = self._markets.instruments[market].code
            text = f"{code}: open interest is not known, so neighbours stand for extreme legs"
            out.notes.append((market, "spread", text))
        out.carry[market] = contract_carry(curve, near) - contract_carry(curve, far)

    def _lacks_floor(self, market: int) -> bool:
        """Whether extremes are asked for and nothing has told liquid contracts so far."""
        if self._interest:
            self._known.add(market)
        wanted = self._floor is not None and market not in self._known
        return wanted and bool(self.sessions[market] > self.vol.span)

    def _suspect(self, market: int, near_close: float, far_close: float) -> None:
        self.suspect[market] = near_close - far_close
        self.suspect_near[market] = near_close

    def _confirmed(self, market: int, near_close: float, far_close: float, limit: float) -> bool:
        """Whether a second far price is near the first and both legs have moved."""
        suspect, near_before = float(self.suspect[market]), float(self.suspect_near[market])
        far_before = near_before - suspect
        return (
            abs(near_close - far_close - suspect) <= limit
            and near_close != near_before
            and far_close != far_before
        )

    def _mark(self, market: int, near_close: float, price: float, day: int) -> None:
        self.price[market] = price
        if near_close > 0:
            self.near_price[market] = near_close
        self.last_seen[market] = day

    def _choose(self, market: int, curve: Curve, day: int) -> None:
        if self._may_keep(market, day):
            return
        held = int(self._markets.held[market])
        legs = self._legs(market, held, curve, day)
        self.suspect[market] = np.nan
        if legs is None:
            self.near[market] = self.far[market] = NO_CONTRACT
            return
        close = {contract.month: close for contract, close in curve}
        near, far = legs
        self.near[market], self.far[market] = near.month, far.month
        self.near_last[market] = near.last_holding
        self._mark(market, close[near.month], close[near.month] - close[far.month], day)
        self.sessions[market] = max(self.sessions[market], 1)

    def _legs(
        self, market: int, held: int, curve: Curve, day: int
    ) -> tuple[Contract, Contract] | None:
        instrument = self._markets.instruments[market]
        if self._floor is not None:
            possible = possible_legs(instrument, held, curve, day)
            found = extreme_legs(possible, curve, self._interest, self._floor, day)
            if found is not None:
                return found
        return spread_legs(instrument, held, curve, day)

    def _may_keep(self, market: int, day: int) -> bool:
        near, held = int(self.near[market]), int(self._markets.held[market])
        contracts = self._markets.contracts[market]
        if near == NO_CONTRACT or near not in contracts or held not in contracts:
            return False
        window = roll_window_days(self._markets.instruments[market])
        return (
            contracts[near].expiry - day > window
            and contracts[near].last_holding > next_weekday(day)
            and contracts[near].expiry >= contracts[held].expiry
        )
