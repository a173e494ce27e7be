"""Where each market's carry of a day comes from: its class's own formula or the futures basis (A3).

Mode "basis" takes the slope of the futures pair for every market (001, 003). Mode "class" takes the
formula of the asset class (000, B) and falls back to the basis, with a reason, wherever one of its
inputs is missing: never to zero, and never to nothing while the pair is quoted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from alpha.carry import annualised_carry
from alpha.carry_formulas import (
    Cause,
    Formula,
    Found,
    MacroDay,
    Market,
    bond,
    equity,
    formula_of,
    fx,
    series_of,
    volatility,
)
from alpha.seasonal import SeasonalAdjuster
from alpha.settings import CarrySource
from universe.arrays import BoolArray, FloatArray, IntArray
from universe.curves import MacroState
from universe.instruments import AssetClass, Instrument

SAME_MONTH_DAYS = (355, 376)
"""Days between contracts of the same month in neighbouring years."""

NEVER = -(10**6)
"""Epoch day of what has not happened."""

_SEASONAL = (AssetClass.AGRICULTURE, AssetClass.ENERGY)


class Source(IntEnum):
    """What a market's raw carry was computed from."""

    NONE = 0
    BASIS = 1
    DIVIDEND_YIELD = 2
    YIELD_CURVE = 3
    SHORT_RATES = 4
    VOLATILITY_POINTS = 5
    TERM_STRUCTURE = 6
    SEASONAL_TERM_STRUCTURE = 7
    SAME_MONTH = 8


_SOURCES: dict[Formula, Source] = {
    equity: Source.DIVIDEND_YIELD,
    bond: Source.YIELD_CURVE,
    fx: Source.SHORT_RATES,
    volatility: Source.VOLATILITY_POINTS,
}


class RawCarry(NamedTuple):
    """Result of :meth:`CarrySources.raw`.

    Attributes
    ----------
    raw : float array of shape (n_markets,)
        Annual carry in price units of the held contract, NaN where there is none.
    source : int array of shape (n_markets,)
        :class:`Source` by market.
    reasons : list of (market index, sentence)
        What changed today in why a market's formula is not used.
    """

    raw: FloatArray
    source: IntArray
    reasons: list[tuple[int, str]]


class CarryDays(NamedTuple):
    """Result of :meth:`CarrySources.walk`: arrays are (n_sessions, n_markets).

    Attributes
    ----------
    raw, source
        As in ``RawCarry``.
    reasons : dict of int to list of (market index, sentence)
        By number of the session.
    """

    raw: FloatArray
    source: IntArray
    reasons: dict[int, list[tuple[int, str]]]


def series_needed(instruments: Sequence[Instrument]) -> list[str]:
    """Names of the macro series that the formulas of mode "class" would read, sorted."""
    return sorted({name for instrument in instruments for name in series_of(instrument)})


class CarrySources:
    """Raw annual carry of all markets, day by day.

    Parameters
    ----------
    instruments : sequence of Instrument
        Fixes the order of all arrays.
    mode : str
        "basis" or "class".
    max_age : int
        Calendar days without carry after which a market is reported.

    Attributes
    ----------
    seasonal : SeasonalAdjuster
        State of its own.

    Raises
    ------
    ValueError
        If there is no such mode.

    Notes
    -----
    A reason is given once, on the day it changes; the last one's code per market is state.
    """

    STATE = ("cause", "quoted")
    DEPENDS = ("carry_source",)

    def __init__(
        self, instruments: Sequence[Instrument], mode: str = "class", max_age: int = 100
    ) -> None:
        if mode not in list(CarrySource):
            raise ValueError(f"carry mode is {mode!r}; it must be one of {', '.join(CarrySource)}")
        n = len(instruments)
        self.instruments, self.mode, self.max_age = list(instruments), mode, max_age
        by_class = mode == CarrySource.CLASS
        rules = [formula_of(i) if by_class else None for i in instruments]
        self._rules = [(k, rule) for k, rule in enumerate(rules) if rule is not None]
        classes = [i.asset_class if by_class else None for i in instruments]
        self._seasonal: BoolArray = np.array([c in _SEASONAL for c in classes], dtype=bool)
        self._metal: BoolArray = np.array([c == AssetClass.METAL for c in classes], dtype=bool)
        self.seasonal = SeasonalAdjuster(n)
        self.cause: IntArray = np.zeros(n, dtype=np.int64)
        self.quoted: IntArray = np.full(n, NEVER, dtype=np.int64)  # epoch day of the last carry

    def raw(
        self,
        day: int,
        near_price: FloatArray,
        far_price: FloatArray,
        near_expiry: IntArray,
        far_expiry: IntArray,
        price: FloatArray,
        near_month: IntArray,
        macro: MacroState | None = None,
    ) -> RawCarry:
        """Take a session: one row of what ``walk`` takes."""
        found = self.walk(
            np.array([day]),
            near_price[None],
            far_price[None],
            near_expiry[None],
            far_expiry[None],
            price[None],
            near_month[None],
            [macro or MacroState()],
        )
        return RawCarry(found.raw[0], found.source[0], found.reasons.get(0, []))

    def walk(
        self,
        day: IntArray,
        near_price: FloatArray,
        far_price: FloatArray,
        near_expiry: IntArray,
        far_expiry: IntArray,
        price: FloatArray,
        near_month: IntArray,
        macro: Sequence[MacroState],
    ) -> CarryDays:
        """Take sessions; to be called once for each, in order.

        Parameters
        ----------
        day : int array of shape (n_sessions,)
            Epoch days.
        near_price, far_price : float arrays of shape (n_sessions, n_markets)
            The session's carry pair in order of expiry, NaN without a pair.
        near_expiry, far_expiry : int arrays of shape (n_sessions, n_markets)
            Last trade dates as epoch days.
        price : float array of shape (n_sessions, n_markets)
            Of the held contract, NaN before its first.
        near_month : int array of shape (n_sessions, n_markets)
            yyyymm of the pair's near contract, 0 where unknown.
        macro : sequence of MacroState
            Of every session.

        Notes
        -----
        Rates become price units times the held price. At a price of zero or below a rate means
        nothing: the pair's slope, which is in price units already, is used unadjusted.
        """
        basis = annualised_carry(near_price, far_price, near_expiry, far_expiry)
        raw = basis.copy()
        source = np.where(np.isfinite(basis), int(Source.BASIS), int(Source.NONE))
        quoted, apart = np.isfinite(near_price) & np.isfinite(far_price), far_expiry - near_expiry
        out = CarryDays(raw, source, {})
        for row, known in enumerate(macro):
            cause, what = np.zeros_like(self.cause), dict[int, str]()
            if self.mode == CarrySource.CLASS:
                own = raw[row], source[row]
                self._commodities(basis[row], apart[row], price[row], near_month[row], *own)
                self._formulas(price[row], MacroDay(int(day[row]), known), *own, cause, what)
            self._judge_pairs(int(day[row]), raw[row], price[row], quoted[row], cause)
            for market in np.flatnonzero(cause != self.cause).tolist():
                now = Cause(int(cause[market]))
                text = self._sentence(now, what.get(market, ""), int(source[row, market]))
                told = market, f"{self.instruments[market].code}: {text}"
                out.reasons.setdefault(row, []).append(told)
            self.cause = cause
        return out

    def _formulas(
        self,
        price: FloatArray,
        today: MacroDay,
        raw: FloatArray,
        source: IntArray,
        cause: IntArray,
        what: dict[int, str],
    ) -> None:
        """Carry by the classes' own formulas, and why where there is none."""
        for market, rule in self._rules:
            found = self._apply(market, rule, float(price[market]), today)
            cause[market], what[market] = found.cause, found.what
            if math.isfinite(found.raw) and not isinstance(rule, str):
                raw[market], source[market] = found.raw, _SOURCES[rule]

    def _commodities(
        self,
        basis: FloatArray,
        days: IntArray,
        price: FloatArray,
        near_month: IntArray,
        raw: FloatArray,
        source: IntArray,
    ) -> None:
        """Term structure of all commodities at once, without the season where it has one."""
        known = np.isfinite(basis)
        source[self._metal & known] = Source.TERM_STRUCTURE
        year_apart = (days >= SAME_MONTH_DAYS[0]) & (days <= SAME_MONTH_DAYS[1])
        usable = self._seasonal & known & (price > 0) & ~year_apart
        held_price = np.where(price > 0, price, 1.0)
        ratio = basis / held_price
        adjusted = self.seasonal.update(ratio, near_month, usable)
        changed = usable & (adjusted != ratio)
        raw[changed] = (adjusted * held_price)[changed]
        source[self._seasonal & known] = Source.TERM_STRUCTURE
        source[changed] = Source.SEASONAL_TERM_STRUCTURE
        source[self._seasonal & known & year_apart] = Source.SAME_MONTH

    def _apply(self, market: int, rule: Formula | str, price: float, day: MacroDay) -> Found:
        if isinstance(rule, str):
            return Found(cause=Cause.ALWAYS_BASIS, what=rule)
        before = Cause(int(self.cause[market]))
        if math.isnan(price):  # not trading yet: no news
            return Found(cause=before)
        if price <= 0:
            return Found(cause=Cause.PRICE, what=f"the held contract's price is {price:g}")
        return rule(Market(self.instruments[market], price, before), day)

    def _judge_pairs(
        self, day: int, raw: FloatArray, price: FloatArray, quoted: BoolArray, cause: IntArray
    ) -> None:
        """Name the markets left without any carry, unless it may come back tomorrow."""
        without = np.isnan(raw)
        begun = self.quoted != NEVER
        self.quoted[~without | (np.isfinite(price) & ~begun)] = day
        silent = without & begun & (day - self.quoted > self.max_age)
        crossed = without & (quoted | (self.cause == Cause.PAIR))
        cause[crossed] = Cause.PAIR
        cause[silent] = Cause.SILENT

    def _sentence(self, now: Cause, what: str, source: int) -> str:
        if now == Cause.NONE:
            return f"carry is from the {Source(source).name.lower().replace('_', ' ')} again"
        if now == Cause.PAIR:
            return "the far contract does not end after the near one: no carry from this pair"
        if now == Cause.SILENT:
            return f"no carry for more than {self.max_age} days: without carry until it is quoted"
        if now == Cause.FLAT_CURVE:
            return f"{what}: the curve is taken as flat, without roll-down"
        if now == Cause.SHORT_CURVE:
            return f"{what}: taken as flat from there"
        if source == Source.NONE:
            return f"{what}, and no pair of futures is quoted: without carry until one is"
        return f"{what}: the basis of the futures pair is used instead"
