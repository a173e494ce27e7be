"""Where each market's carry of a day comes from: its class's own formula or the futures basis (A3).

Mode "basis" takes the slope of the futures pair for every market (001, 003). Mode "class" takes the
formula of the asset class (000, B) and falls back to the basis, with a reason, wherever one of its
inputs is missing: never to zero, and never to nothing while the pair is quoted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from alpha.carry import annualised_carry
from alpha.class_carry import (
    SeasonalAdjuster,
    bond_carry,
    equity_carry,
    fx_carry,
    volatility_carry,
)
from universe.arrays import BoolArray, FloatArray, IntArray
from universe.curves import TENORS, MacroState, YieldCurve
from universe.instruments import AssetClass, Instrument

MODES = ("basis", "class")

SHORT_TENORS = ("3m", "overnight")
"""Financing tenors by preference; rates that are compared are always of one tenor."""

FX_CURRENCIES = {
    "6A": ("aud", "usd"),
    "6B": ("gbp", "usd"),
    "6C": ("cad", "usd"),
    "6E": ("eur", "usd"),
    "6J": ("jpy", "usd"),
    "6N": ("nzd", "usd"),
    "6S": ("chf", "usd"),
    "6M": ("mxn", "usd"),
    "6L": ("brl", "usd"),
    "NOK": ("nok", "usd"),
    "SEK": ("sek", "usd"),
    "DX": ("usd", "dollar index basket"),
}
"""Currency bought and currency of the quote."""

BASKETS = {
    "dollar index basket": {
        "eur": 0.576,
        "jpy": 0.136,
        "gbp": 0.119,
        "cad": 0.091,
        "sek": 0.042,
        "chf": 0.036,
    }
}
"""Fixed weights of the dollar index (ICE); being geometric, its carry is their mean exactly."""

BOND_CURVES = {"FBTP": "eur.it", "FOAT": "eur.fr"}
"""Curves of issuers whose yields are not those of the market's currency."""

EQUITY_FINANCING = {"NKD": "jpy"}
"""An index quoted in another currency than its shares is financed in theirs."""

VOLATILITY_INDEX = {"VX": "vix", "FVS": "v2x"}

SHORTEST_BOND_TENOR = 1.0
"""Years: a curve of money-market rates alone knows no bond's yield."""

SAME_MONTH_DAYS = (355, 376)
"""Days between contracts of the same month in neighbouring years."""

NEVER = -(10**6)
"""Epoch day of what has not happened."""

_SEASONAL = (AssetClass.AGRICULTURE, AssetClass.ENERGY)
_COMMODITIES = (*_SEASONAL, AssetClass.METAL)


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


class Cause(IntEnum):
    """Why a market's carry is not what its class's formula would give."""

    NONE = 0
    ALWAYS_BASIS = 1
    DIVIDEND_YIELD = 2
    FINANCING = 3
    CURVE = 4
    FLAT_CURVE = 5  # the formula is used, without roll-down
    BASE_RATE = 6
    QUOTE_RATE = 7
    VOLATILITY_POINTS = 8
    PRICE = 9
    PAIR = 10
    SILENT = 11


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


class _Found(NamedTuple):
    raw: float = math.nan
    source: Source = Source.NONE
    cause: Cause = Cause.NONE
    what: str = ""  # subject and verb of the reason


class _Day:
    """Macro series of one day, each curve built once."""

    def __init__(self, day: int, macro: MacroState) -> None:
        self.day, self.macro = day, macro
        self._curves: dict[str, YieldCurve | None] = {}

    def value(self, name: str) -> float:
        return self.macro.value(name, self.day)

    def stale(self, names: str) -> str:
        return f"{names} missing or older than {self.macro.max_age_days} days"

    def curve(self, name: str) -> YieldCurve | None:
        if name not in self._curves:
            self._curves[name] = self.macro.curve(name, self.day)
        return self._curves[name]

    def short_rate(self, currency: str, tenor: str) -> tuple[float, list[str]]:
        """Rate of a currency or basket, and the names of the series it lacks."""
        weights = BASKETS.get(currency, {currency: 1.0})
        rates = {f"{name}.{tenor}": self.value(f"{name}.{tenor}") for name in weights}
        missing = [name for name, rate in rates.items() if math.isnan(rate)]
        rate = sum(w * r for w, r in zip(weights.values(), rates.values(), strict=True))
        return rate, missing

    def financing(self, currency: str) -> float:
        """Short rate of the first tenor that is fresh, NaN without one."""
        rates = (self.value(f"{currency}.{tenor}") for tenor in SHORT_TENORS)
        return next((rate for rate in rates if not math.isnan(rate)), math.nan)

    def no_financing(self, currency: str) -> _Found:
        names = " and ".join(f"{currency}.{tenor}" for tenor in SHORT_TENORS)
        return _Found(cause=Cause.FINANCING, what=self.stale(f"{names} are"))


def _equity(instrument: Instrument, price: float, day: _Day) -> _Found:
    own = f"{instrument.code.lower()}.dividend_yield"
    paid = day.value(own)
    if math.isnan(paid) and instrument.full_size:
        paid = day.value(f"{instrument.full_size.lower()}.dividend_yield")
    if math.isnan(paid):
        return _Found(cause=Cause.DIVIDEND_YIELD, what=day.stale(f"{own} is"))
    currency = EQUITY_FINANCING.get(instrument.code, instrument.currency.lower())
    financing = day.financing(currency)
    if math.isnan(financing):
        return day.no_financing(currency)
    return _Found(equity_carry(paid, financing) * price, Source.DIVIDEND_YIELD)


def _bond(instrument: Instrument, price: float, day: _Day) -> _Found:
    currency = instrument.currency.lower()
    name = BOND_CURVES.get(instrument.code, currency)
    curve = day.curve(name)
    if curve is None or curve.tenors_years[-1] < SHORTEST_BOND_TENOR:
        what = day.stale(f"every yield {name}.1y to {name}.30y is")
        return _Found(cause=Cause.CURVE, what=what)
    financing = day.financing(currency)
    if math.isnan(financing):
        return day.no_financing(currency)
    raw = bond_carry(curve, financing, instrument.duration) * price
    if len(curve.tenors_years) == 1:
        what = f"curve {name} has one tenor, {curve.tenors_years[0]:g} years"
        return _Found(raw, Source.YIELD_CURVE, Cause.FLAT_CURVE, what)
    return _Found(raw, Source.YIELD_CURVE)


def _fx(instrument: Instrument, price: float, day: _Day) -> _Found:
    base, quote = FX_CURRENCIES[instrument.code]
    lacking = []
    for tenor in SHORT_TENORS:
        base_rate, no_base = day.short_rate(base, tenor)
        quote_rate, no_quote = day.short_rate(quote, tenor)
        if not no_base and not no_quote:
            return _Found(fx_carry(base_rate, quote_rate) * price, Source.SHORT_RATES)
        lacking.append((no_base, no_quote))
    no_base, no_quote = lacking[0]
    names = ", ".join(no_base + no_quote)
    cause = Cause.BASE_RATE if no_base else Cause.QUOTE_RATE
    what = day.stale(f"{names} {'are' if len(no_base + no_quote) > 1 else 'is'}")
    return _Found(cause=cause, what=f"{what}, and not all overnight rates are there")


def _volatility(instrument: Instrument, price: float, day: _Day) -> _Found:
    """Points a year as they are: a volatility future is quoted in the points of its index."""
    index = VOLATILITY_INDEX[instrument.code]
    spot, first, second, first_days, second_days = (
        day.value(f"{index}.{name}") for name in ("spot", "m1", "m2", "m1.days", "m2.days")
    )
    raw = math.nan
    if math.isfinite(first_days + second_days):
        raw = volatility_carry(first, second, int(first_days), int(second_days))
    if math.isnan(raw) and math.isfinite(first_days):
        raw = volatility_carry(spot, first, 0, int(first_days))
    if math.isnan(raw):
        names = f"{index}.m1 and {index}.m2 or {index}.spot with their days to expiry are"
        return _Found(cause=Cause.VOLATILITY_POINTS, what=day.stale(names))
    return _Found(raw, Source.VOLATILITY_POINTS)


def series_needed(instruments: Sequence[Instrument]) -> list[str]:
    """Names of the macro series that the formulas of mode "class" would read, sorted."""
    names: set[str] = set()
    for instrument in instruments:
        rule = _rule(instrument)
        if rule is _equity:
            currency = EQUITY_FINANCING.get(instrument.code, instrument.currency.lower())
            owners = [code for code in (instrument.code, instrument.full_size) if code]
            names |= {f"{code.lower()}.dividend_yield" for code in owners}
            names |= {f"{currency}.{tenor}" for tenor in SHORT_TENORS}
        elif rule is _bond:
            currency = instrument.currency.lower()
            issuer = BOND_CURVES.get(instrument.code, currency)
            names |= {f"{issuer}.{tenor}" for tenor in TENORS}
            names |= {f"{currency}.{tenor}" for tenor in SHORT_TENORS}
        elif rule is _fx:
            for side in FX_CURRENCIES[instrument.code]:
                for currency in BASKETS.get(side, {side: 1.0}):
                    names |= {f"{currency}.{tenor}" for tenor in SHORT_TENORS}
        elif rule is _volatility:
            index = VOLATILITY_INDEX[instrument.code]
            parts = ("spot", "m1", "m2", "m1.days", "m2.days")
            names |= {f"{index}.{part}" for part in parts}
    return sorted(names)


_Rule = Callable[[Instrument, float, _Day], _Found]


def _rule(instrument: Instrument) -> _Rule | str | None:
    """A market's formula on macro series, why it has none, or None for a commodity."""
    if instrument.asset_class in _COMMODITIES:
        return None
    if instrument.asset_class == AssetClass.BOND:
        if instrument.sector == "stir":
            return "a quote of 100 minus the rate has no bond's yield"
        return _bond if instrument.duration > 0 else "the market has no duration"
    if instrument.asset_class == AssetClass.FX:
        return _fx if instrument.code in FX_CURRENCIES else "its two currencies are not known"
    if instrument.asset_class == AssetClass.VOLATILITY:
        return _volatility if instrument.code in VOLATILITY_INDEX else "its index is not known"
    return _equity


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

    def __init__(
        self, instruments: Sequence[Instrument], mode: str = "class", max_age: int = 100
    ) -> None:
        if mode not in MODES:
            raise ValueError(f"carry mode is {mode!r}; it must be one of {', '.join(MODES)}")
        n = len(instruments)
        self.instruments, self.mode, self.max_age = list(instruments), mode, max_age
        by_class = mode == "class"
        rules = [_rule(i) if by_class else None for i in instruments]
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
        *,
        same_month: FloatArray | None = None,
    ) -> RawCarry:
        """Take a session; to be called once for each, in order.

        Parameters
        ----------
        day : int
            Epoch day.
        near_price, far_price : float arrays of shape (n_markets,)
            The session's carry pair in order of expiry, NaN without a pair.
        near_expiry, far_expiry : int arrays of shape (n_markets,)
            Last trade dates as epoch days.
        price : float array of shape (n_markets,)
            Of the held contract, NaN before its first.
        near_month : int array of shape (n_markets,)
            yyyymm of the pair's near contract, 0 where unknown.
        macro : MacroState, optional
        same_month : float array of shape (n_markets,), optional
            :func:`alpha.class_carry.same_month_carry`, NaN where there is none; preferred to the
            seasonal adjustment.

        Notes
        -----
        Rates become price units times the held price. At a price of zero or below a rate means
        nothing: the pair's slope, which is in price units already, is used unadjusted.
        """
        basis = annualised_carry(near_price, far_price, near_expiry, far_expiry)
        raw = basis.copy()
        source = np.where(np.isfinite(basis), int(Source.BASIS), int(Source.NONE))
        cause = np.zeros_like(self.cause)
        what: dict[int, str] = {}
        if self.mode == "class":
            days = far_expiry - near_expiry
            self._commodities(basis, days, price, near_month, same_month, raw, source)
            today = _Day(day, macro or MacroState())
            for market, rule in self._rules:
                found = self._apply(market, rule, float(price[market]), today)
                cause[market], what[market] = found.cause, found.what
                if math.isfinite(found.raw):
                    raw[market], source[market] = found.raw, found.source
        quoted = np.isfinite(near_price) & np.isfinite(far_price)
        self._judge_pairs(day, raw, price, quoted, cause)
        reasons = []
        for market in np.flatnonzero(cause != self.cause).tolist():
            now = Cause(int(cause[market]))
            text = self._sentence(now, what.get(market, ""), int(source[market]))
            reasons.append((market, f"{self.instruments[market].code}: {text}"))
        self.cause = cause
        return RawCarry(raw, source, reasons)

    def _commodities(
        self,
        basis: FloatArray,
        days: IntArray,
        price: FloatArray,
        near_month: IntArray,
        same_month: FloatArray | None,
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
        if same_month is not None:
            better = self._seasonal & np.isfinite(same_month)
            raw[better] = same_month[better]
            source[better] = Source.SAME_MONTH

    def _apply(self, market: int, rule: _Rule | str, price: float, day: _Day) -> _Found:
        if isinstance(rule, str):
            return _Found(cause=Cause.ALWAYS_BASIS, what=rule)
        if math.isnan(price):  # not trading yet: no news
            return _Found(cause=Cause(int(self.cause[market])))
        if price <= 0:
            return _Found(cause=Cause.PRICE, what=f"the held contract's price is {price:g}")
        return rule(self.instruments[market], price, day)

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
        return f"{what}: the basis of the futures pair is used instead"
