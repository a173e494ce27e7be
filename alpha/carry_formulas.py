"""Carry of one market from the macro series of a day, by its class's formula (A3; 000, B).

A formula takes a market and a day and gives annual carry in price units of the held contract, or
why there is none. Which series it reads, and how they are chosen, is in the tables here; the
formulas themselves are those of :mod:`alpha.class_carry`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import IntEnum
from typing import NamedTuple

from alpha.class_carry import (
    LONGEST_MATURITY,
    bond_carry,
    equity_carry,
    fx_carry,
    par_maturity,
    volatility_carry,
)
from universe.curves import TENORS, MacroState, YieldCurve
from universe.instruments import AssetClass, Instrument

SHORT_TENORS = ("3m", "overnight")
"""Financing tenors by preference; rates that are compared are always of one tenor.

They must also be of one kind: a bill against an interbank rate would make the TED spread a carry.
"""

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
    "6Z": ("zar", "usd"),
    "CZK": ("czk", "usd"),
    "SIR": ("inr", "usd"),
    "KRW": ("krw", "usd"),
    "US": ("usd", "sgd"),
    "RF": ("eur", "chf"),
    "RP": ("eur", "gbp"),
    "RY": ("eur", "jpy"),
    "DX": ("usd", "dollar index basket"),
}
"""Currency bought and currency of the quote; a small contract is its full-size one's."""

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

BOND_CURVES = {"FBTP": "eur.it", "FBTS": "eur.it", "FOAT": "eur.fr"}
"""Curves of issuers whose yields are not those of the market's currency."""

EQUITY_FINANCING = {"NKD": "jpy", "IBV": "brl", "CN": "cny", "TWN": "twd"}
"""An index quoted in another currency than its shares is financed in theirs."""

VOLATILITY_INDEX = {"VX": "vix", "FVS": "v2x"}

SHORTEST_BOND_TENOR = 1.0
"""Years: a curve of money-market rates alone knows no bond's yield."""

CURVE_END_MARGIN = 0.5
"""Years by which a curve that was too short for a bond must be longer than it to count as long
enough again: the bond's maturity moves with the yields, and the reason must not come and go."""

COMMODITIES = (AssetClass.AGRICULTURE, AssetClass.ENERGY, AssetClass.METAL)


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
    SHORT_CURVE = 12  # the formula is used, the curve flat from its last tenor on


class Market(NamedTuple):
    """A market as its formula sees it."""

    instrument: Instrument
    price: float  # of the held contract, above 0
    cause: Cause = Cause.NONE  # of the session before


class Found(NamedTuple):
    """What a formula gives."""

    raw: float = math.nan  # a year, in price units; NaN where an input is missing
    cause: Cause = Cause.NONE
    what: str = ""  # subject and verb of the reason


class MacroDay:
    """Macro series of one day, each curve built once.

    Parameters
    ----------
    day : int
        Epoch day.
    macro : MacroState
    """

    def __init__(self, day: int, macro: MacroState) -> None:
        self.day, self.macro = day, macro
        self._curves: dict[str, YieldCurve | None] = {}

    def value(self, name: str) -> float:
        """A series, NaN where it is missing or stale."""
        return self.macro.value(name, self.day)

    def of_one_day(self, *names: str) -> list[float] | None:
        """Several series, None unless they became known together."""
        return self.macro.of_one_day(names, self.day)

    def stale(self, subject: str, name: str = "") -> str:
        """That a subject (with its verb) is missing; ``name`` is the series whose age counts."""
        return f"{subject} missing or older than {self.macro.max_age(name)} days"

    def curve(self, name: str) -> YieldCurve | None:
        """Yield curve of an issuer, None without one."""
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

    def no_financing(self, currency: str) -> Found:
        """That :meth:`financing` has none."""
        names = " and ".join(f"{currency}.{tenor}" for tenor in SHORT_TENORS)
        return Found(cause=Cause.FINANCING, what=self.stale(f"{names} are"))


Formula = Callable[[Market, MacroDay], Found]


def equity(market: Market, day: MacroDay) -> Found:
    """Dividend yield of the index, of its full-size contract where a micro has none."""
    instrument = market.instrument
    own = f"{instrument.code.lower()}.dividend_yield"
    paid = day.value(own)
    if math.isnan(paid) and instrument.full_size:
        paid = day.value(f"{instrument.full_size.lower()}.dividend_yield")
    if math.isnan(paid):
        return Found(cause=Cause.DIVIDEND_YIELD, what=day.stale(f"{own} is", own))
    currency = _equity_currency(instrument)
    financing = day.financing(currency)
    if math.isnan(financing):
        return day.no_financing(currency)
    return Found(equity_carry(paid, financing) * market.price)


def bond(market: Market, day: MacroDay) -> Found:
    """Yield less financing plus roll-down, on what there is of the issuer's curve."""
    instrument = market.instrument
    currency = instrument.currency.lower()
    name = BOND_CURVES.get(instrument.code, currency)
    curve = day.curve(name)
    if curve is None or curve.tenors_years[-1] < SHORTEST_BOND_TENOR:
        what = day.stale(f"every yield {name}.1y to {name}.30y is")
        return Found(cause=Cause.CURVE, what=what)
    financing = day.financing(currency)
    if math.isnan(financing):
        return day.no_financing(currency)
    raw = bond_carry(curve, financing, instrument.duration) * market.price
    end = curve.tenors_years[-1]
    if len(curve.tenors_years) == 1:
        what = f"curve {name} has one tenor, {end:g} years"
        return Found(raw, Cause.FLAT_CURVE, what)
    maturity = par_maturity(instrument.duration, curve)
    margin = CURVE_END_MARGIN if market.cause == Cause.SHORT_CURVE else 0.0
    if maturity > end - margin and end < LONGEST_MATURITY:
        what = f"curve {name} ends at {end:g} years, before the bond's {maturity:.4g}"
        return Found(raw, Cause.SHORT_CURVE, what)
    return Found(raw)


def fx(market: Market, day: MacroDay) -> Found:
    """Difference of the two short rates: overnight where both sides have it, else three months.

    Both series must be of the same kind: a bill's rate against an interbank rate would make the
    TED spread a carry, which is why overnight rates come first.
    """
    base, quote = FX_CURRENCIES[_underlying(market.instrument)]
    lacking = []
    for tenor in reversed(SHORT_TENORS):
        base_rate, no_base = day.short_rate(base, tenor)
        quote_rate, no_quote = day.short_rate(quote, tenor)
        if not no_base and not no_quote:
            return Found(fx_carry(base_rate, quote_rate) * market.price)
        lacking.append((no_base, no_quote))
    no_base, no_quote = lacking[-1]
    names = ", ".join(no_base + no_quote)
    cause = Cause.BASE_RATE if no_base else Cause.QUOTE_RATE
    what = day.stale(f"{names} {'are' if len(no_base + no_quote) > 1 else 'is'}")
    return Found(cause=cause, what=f"{what}, and not all overnight rates are there")


def volatility(market: Market, day: MacroDay) -> Found:
    """Slope of the first two months, or of spot and the first, where both are of one day.

    In points a year as they are: a volatility future is quoted in the points of its index.
    """
    index = VOLATILITY_INDEX[_underlying(market.instrument)]
    spot, first, second, first_days, second_days = volatility_series(index)
    raw = math.nan
    months = day.of_one_day(first, second, first_days, second_days)
    if months is not None:
        raw = volatility_carry(months[0], months[1], int(months[2]), int(months[3]))
    if math.isnan(raw):
        points = day.of_one_day(spot, first, first_days)
        if points is not None:
            raw = volatility_carry(points[0], points[1], 0, int(points[2]))
    if math.isnan(raw):
        names = f"{first} and {second} or {spot} with their days to expiry are"
        return Found(cause=Cause.VOLATILITY_POINTS, what=f"{day.stale(names)}, or not of one day")
    return Found(raw)


def formula_of(instrument: Instrument) -> Formula | str | None:
    """A market's formula on macro series, why it has none, or None for a commodity."""
    if instrument.asset_class in COMMODITIES:
        return None
    if instrument.asset_class == AssetClass.BOND:
        if instrument.sector == "stir":
            return "a quote of 100 minus the rate has no bond's yield"
        return bond if instrument.duration > 0 else "the market has no duration"
    if instrument.asset_class == AssetClass.FX:
        known = _underlying(instrument) in FX_CURRENCIES
        return fx if known else "its two currencies are not known"
    if instrument.asset_class == AssetClass.VOLATILITY:
        known = _underlying(instrument) in VOLATILITY_INDEX
        return volatility if known else "its index is not known"
    if instrument.asset_class == AssetClass.CRYPTO:
        return "a coin pays nothing"
    return equity


def series_of(instrument: Instrument) -> set[str]:
    """Names of the macro series that the market's formula reads."""
    rule = formula_of(instrument)
    if rule is volatility:
        return set(volatility_series(VOLATILITY_INDEX[_underlying(instrument)]))
    names: set[str] = set()
    funded: list[str] = []
    if rule is equity:
        owners = [code for code in (instrument.code, instrument.full_size) if code]
        names = {f"{code.lower()}.dividend_yield" for code in owners}
        funded = [_equity_currency(instrument)]
    elif rule is bond:
        currency = instrument.currency.lower()
        issuer = BOND_CURVES.get(instrument.code, currency)
        names = {f"{issuer}.{tenor}" for tenor in TENORS}
        funded = [currency]
    elif rule is fx:
        sides = FX_CURRENCIES[_underlying(instrument)]
        funded = [name for side in sides for name in BASKETS.get(side, {side: 1.0})]
    return names | {f"{currency}.{tenor}" for currency in funded for tenor in SHORT_TENORS}


def volatility_series(index: str) -> list[str]:
    """Series of a volatility index: spot, first two months, calendar days to their expiries."""
    return [f"{index}.{part}" for part in ("spot", "m1", "m2", "m1.days", "m2.days")]


def _equity_currency(instrument: Instrument) -> str:
    return EQUITY_FINANCING.get(instrument.code, instrument.currency.lower())


def _underlying(instrument: Instrument) -> str:
    """Code under which the tables here know a market: the full-size contract's for a small one."""
    return instrument.full_size or instrument.code
