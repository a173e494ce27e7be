"""Forecasts of all sleeves for all assets, a session at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from alpha.breakout import Breakout
from alpha.carry import Carry, annualised_carry
from alpha.carry_sources import NEVER, CarrySources, RawCarry
from alpha.cross_section import cohort_in_buckets, cross_section_forecast, neutral_in_buckets
from alpha.multiplier import ForecastMultiplier
from alpha.trend import DIVERSIFICATION_MULTIPLIER, Ewmac, Tsmom, combine
from universe.arrays import TRADING_DAYS, BoolArray, FloatArray, IntArray
from universe.curves import MacroState
from universe.markets import Markets, Observation
from universe.spreads import CalendarSpreads, SpreadObservation

TREND, CARRY = "trend", "carry"
CROSS_SECTION, RELATIVE_VALUE = "cross section", "relative value"
DIRECTIONAL, CALENDAR = "directional", "calendar"
SLEEVE_OF_RULE = {
    "smoothed": CARRY,
    "cross_section": CROSS_SECTION,
    "relative_value": RELATIVE_VALUE,
    "directional": DIRECTIONAL,
    "calendar": CALENDAR,
}
"""Sleeve of every carry rule; LEAN's insights carry its name in ``source_model``."""

NEUTRAL = (RELATIVE_VALUE,)
"""Sleeves whose forecasts add up to zero in every class."""


@dataclass(slots=True)
class TrendRules:
    """The trend rules that are in use; ``None`` is not used.

    Attributes
    ----------
    tsmom : Tsmom, optional
        000's skip-month momentum.
    ewmac : Ewmac, optional
        001's crossovers.
    breakout : Breakout, optional
    multiplier : ForecastMultiplier, optional
        Estimates the diversification multiplier of several rules; without it 001's table is used.
    """

    tsmom: Tsmom | None = None
    ewmac: Ewmac | None = None
    breakout: Breakout | None = None
    multiplier: ForecastMultiplier | None = None
    _table: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        self._table = np.array([0.0, *(DIVERSIFICATION_MULTIPLIER[n] for n in (1, 2, 3))])

    def by_rule(self, markets: Markets) -> dict[str, FloatArray]:
        """Forecasts of shape (n_markets,) by rule."""
        out = {}
        if self.tsmom:
            out["tsmom"] = self.tsmom.forecast()
        if self.ewmac:
            out["ewmac"] = self.ewmac.forecast(markets.sigma_price())
        if self.breakout:
            out["breakout"] = self.breakout.forecast()
        return out

    def forecast(self, markets: Markets, cap: float) -> FloatArray:
        """Mean of the rules a market has, times the multiplier, capped."""
        rules = list(self.by_rule(markets).values())
        if len(rules) == 1:
            return rules[0]
        multiplier = self.multiplier.multiplier_by_number() if self.multiplier else self._table
        return combine(np.array(rules), multiplier, cap)


@dataclass(slots=True)
class CarryRules:
    """How carry becomes forecasts.

    Attributes
    ----------
    rules : tuple of str
        Out of ``SLEEVE_OF_RULE``; each is a sleeve of its own.
    method, fraction : str, float
        Of the cross-section (A5).
    relative_fraction : float
        Part of a class that relative value holds long, and short (003: half, or the quartiles).
    minimum : float
        Ex-ante Sharpe ratio below which the directional programme holds nothing.
    """

    rules: tuple[str, ...]
    method: str
    fraction: float
    relative_fraction: float
    minimum: float


class Forecasts:
    """The trend and carry rules that the settings select.

    Parameters
    ----------
    trend : TrendRules
    carry_rules : CarryRules
    carry : Carry
    sources : CarrySources
    spread_carry : Carry, optional
        Of the calendar spreads; needed by the calendar programme.
    class_index : int array of shape (n_markets,)
    cap : float

    Attributes
    ----------
    basis, basis_day : float and int arrays of shape (n_markets,)
        Annualised carry of the futures pair in price units, whatever the carry of the forecasts is
        computed from: the last one known, NaN before, and its epoch day.
    last_source : int array of shape (n_markets,)
        ``Source`` of the last session's raw carry.

    Notes
    -----
    The programmes share one measure, the ex-ante Sharpe ratio: annual carry over annual volatility,
    smoothed (003). Cross section: z-scores, ranks or cohorts of it inside a class (000, B).
    Relative value: long the upper and short the lower part of a class, at equal risk, so that the
    class has none (003, RV Neutralizing Sector Risk). Directional: its sign, at equal risk
    (003, Hypothetical Global Carry Strategy). Calendar: the spread's own ratio beyond 1, the carry
    that is left after a year's risk, capped (003, Calendar Spreads).
    """

    STATE = ("basis", "basis_day", "last_source")

    def __init__(
        self,
        trend: TrendRules,
        carry_rules: CarryRules,
        carry: Carry,
        sources: CarrySources,
        spread_carry: Carry | None,
        class_index: IntArray,
        cap: float,
    ) -> None:
        self.trend, self.carry_rules, self.carry = trend, carry_rules, carry
        self.sources, self.spread_carry = sources, spread_carry
        self.cap = cap
        self._class = class_index
        self.sleeves = (TREND, *(SLEEVE_OF_RULE[rule] for rule in carry_rules.rules))
        self.last_source: IntArray = np.zeros(len(class_index), dtype=np.int64)
        self.basis: FloatArray = np.full(len(class_index), np.nan)
        self.basis_day: IntArray = np.full(len(class_index), NEVER, dtype=np.int64)

    def update(
        self,
        day: int,
        month: int,
        seen: Observation,
        markets: Markets,
        macro: MacroState | None = None,
        spread: tuple[SpreadObservation, CalendarSpreads] | None = None,
    ) -> list[tuple[int, str, str]]:
        """Take one session; returns notes (market index, kind, sentence).

        Parameters
        ----------
        day : int
            Epoch day.
        month : int
            yyyymm of the session.
        seen : Observation
        markets : Markets
            After it observed the session.
        macro : MacroState, optional
        spread : (SpreadObservation, CalendarSpreads), optional
        """
        notes = self._update_trend(month, seen, markets)
        found = self._raw_carry(day, seen, markets, macro)
        self.last_source = found.source
        self._keep_basis(day, seen)
        notes += [(market, "carry", text) for market, text in found.reasons]
        annual = markets.sigma_price() * np.sqrt(TRADING_DAYS)
        self.carry.update(found.raw, annual, day, seen.seen)
        if self.spread_carry is not None and spread is not None:
            observed, spreads = spread
            risk = spreads.sigma() * spreads.near_price * np.sqrt(TRADING_DAYS)
            self.spread_carry.update(observed.carry, risk, day, observed.seen)
        return notes

    def _raw_carry(
        self, day: int, seen: Observation, markets: Markets, macro: MacroState | None
    ) -> RawCarry:
        return self.sources.raw(
            day,
            seen.near_price,
            seen.far_price,
            seen.near_expiry,
            seen.far_expiry,
            markets.price,
            seen.near_month,
            macro,
        )

    def _keep_basis(self, day: int, seen: Observation) -> None:
        pair = seen.near_price, seen.far_price, seen.near_expiry, seen.far_expiry
        basis = annualised_carry(*pair)
        quoted = seen.seen & np.isfinite(basis)
        self.basis[quoted] = basis[quoted]
        self.basis_day[quoted] = day

    def _update_trend(
        self, month: int, seen: Observation, markets: Markets
    ) -> list[tuple[int, str, str]]:
        trend, notes = self.trend, []
        if trend.tsmom:
            before = trend.tsmom.held.copy()
            flipped = trend.tsmom.update(seen.ret, markets.sigma(), month, seen.seen)
            for market in np.flatnonzero(flipped).tolist():
                code = markets.instruments[market].code
                text = (
                    f"{code} trend flipped from {before[market]:+.2f} to "
                    f"{trend.tsmom.held[market]:+.2f} between its monthly recomputations"
                )
                notes.append((market, "flip", text))
        if trend.ewmac:
            trend.ewmac.update(markets.adjusted, seen.seen)
        if trend.breakout:
            trend.breakout.update(markets.adjusted, seen.seen)
        if trend.multiplier:
            rules = np.array(list(trend.by_rule(markets).values()))
            trend.multiplier.update(np.where(seen.seen, rules, np.nan))
        return notes

    def current(self, markets: Markets, member: BoolArray) -> dict[str, FloatArray]:
        """Forecasts by sleeve, mean near 1, cap 2, NaN where there is none.

        Parameters
        ----------
        markets : Markets
        member : bool array of shape (n_markets,)
            Markets that a cross-section is taken over.

        Returns
        -------
        dict of str to float array of shape (n_markets,)
            The calendar sleeve's is of the markets' spreads.
        """
        out = {TREND: self.trend.forecast(markets, self.cap)}
        sharpe = np.where(member, self.carry.sharpe(), np.nan)
        for rule in self.carry_rules.rules:
            out[SLEEVE_OF_RULE[rule]] = self._programme(rule, sharpe)
        return out

    def _programme(self, rule: str, sharpe: FloatArray) -> FloatArray:
        how = self.carry_rules
        if rule == "smoothed":
            return self.carry.forecast()
        if rule == "cross_section":
            return cross_section_forecast(sharpe, self._class, how.method, how.fraction, self.cap)
        if rule == "relative_value":
            return cohort_in_buckets(sharpe, self._class, how.relative_fraction)
        if rule == "directional":
            return np.where(np.abs(sharpe) < how.minimum, 0.0, np.sign(sharpe))
        spread = self.spread_carry.sharpe() if self.spread_carry else np.full_like(sharpe, np.nan)
        net = np.sign(spread) * np.maximum(np.abs(spread) - 1.0, 0.0)
        return np.asarray(np.clip(net, -self.cap, self.cap))

    def neutral(self, forecast: FloatArray, member: BoolArray) -> FloatArray:
        """A neutral sleeve's forecasts over the markets that are traded after all."""
        return neutral_in_buckets(np.where(member, forecast, np.nan), self._class)

    def components(self) -> dict[str, Any]:
        """Objects with state, by a stable name."""
        trend = self.trend
        out: dict[str, Any] = {"forecasts": self}
        if trend.tsmom:
            out |= {"tsmom": trend.tsmom, "tsmom.ring": trend.tsmom.ring}
        if trend.ewmac:
            out["ewmac.ema"] = trend.ewmac.ema
        if trend.breakout:
            out["breakout"] = trend.breakout
        if trend.multiplier:
            out["multiplier"] = trend.multiplier
        out |= {"carry": self.carry, "carry.mean": self.carry.mean}
        out |= {"carry.sources": self.sources, "carry.season": self.sources.seasonal}
        if self.spread_carry:
            out |= {"spread.carry": self.spread_carry, "spread.carry.mean": self.spread_carry.mean}
        return out
