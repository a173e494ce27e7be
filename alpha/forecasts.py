"""The rules that the settings select, and the sleeves they make, a session at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from alpha.carry import annualised_carry, make_carry
from alpha.carry_sources import NEVER, CarrySources
from alpha.multiplier import ForecastMultiplier
from alpha.rules import rules_of
from alpha.rules.comparison import neutral_in_buckets
from alpha.rules.rule import Inputs, Note, Rule, Style, View
from alpha.scaling import combine, multiplier_table
from alpha.settings import MultiplierSource
from universe.arrays import TRADING_DAYS, BoolArray, FloatArray, IntArray
from universe.curves import MacroState
from universe.instruments import Instrument
from universe.markets import Markets, Observation
from universe.setting import SettingsError, names_of
from universe.spreads import CalendarSpreads, SpreadObservation

TREND = "trend"
"""Name of the trend sleeve."""


def selected_rules(settings: Any) -> tuple[type[Rule], ...]:
    """Rules named by the settings, trend first, in the order of the settings.

    Raises
    ------
    SettingsError
        If a rule is unknown, of another style than its setting, or if none is named.
    """
    out: list[type[Rule]] = []
    for style in Style:
        known = rules_of(style)
        name = f"{style}_rules"
        out += [known[rule] for rule in names_of(name, getattr(settings, name), tuple(known))]
    if not out:
        raise SettingsError("trend_rules, carry_rules and other_rules name no rule; one is needed")
    for style in (Style.TREND, Style.CARRY):
        if not any(style == rule.STYLE for rule in out):
            raise SettingsError(
                f"{style}_rules is ''; it must name at least one of {', '.join(rules_of(style))}"
            )
    return tuple(out)


class Forecasts:
    """The rules in use, the carry they share, and the sleeves they make.

    Parameters
    ----------
    settings : Settings
    instruments : sequence of Instrument
        Fixes the order of all arrays.
    class_index : int array of shape (n_markets,)
        Number of each market's asset class.

    Attributes
    ----------
    rules : list of Rule
    sleeves : tuple of str
        Trend first; LEAN's insights carry these names in ``source_model``.
    styles : dict of str to Style
        Of each sleeve.
    basis, basis_day : float and int arrays of shape (n_markets,)
        Annualised carry of the futures pair in price units, whatever the carry of the forecasts is
        computed from: the last one known, NaN before, and its epoch day.
    last_source : int array of shape (n_markets,)
        ``Source`` of the last session's raw carry.

    Notes
    -----
    The carry programmes share one measure, the ex-ante Sharpe ratio: annual carry over annual
    volatility, smoothed (003). Rules of one sleeve are averaged and scaled by the diversification
    multiplier.
    """

    STATE = ("basis", "basis_day", "last_source")
    DEPENDS = ("carry_source",)

    def __init__(
        self, settings: Any, instruments: Sequence[Instrument], class_index: IntArray
    ) -> None:
        n = len(instruments)
        self.cap: float = settings.forecast_cap
        self._class = class_index
        inputs = Inputs(settings, instruments, class_index)
        self.rules = [rule(inputs) for rule in selected_rules(settings)]
        self.styles = {rule.SLEEVE: rule.STYLE for rule in self.rules}
        self.sleeves = tuple(self.styles)
        self._members = {
            sleeve: [rule for rule in self.rules if sleeve == rule.SLEEVE]
            for sleeve in self.sleeves
        }
        self.carry = make_carry(settings, n, settings.carry_max_age)
        self.sources = CarrySources(instruments, settings.carry_source, settings.carry_max_age)
        estimated = settings.forecast_multiplier == MultiplierSource.ESTIMATED
        self.multipliers = {
            sleeve: ForecastMultiplier(len(rules), settings.multiplier_span)
            for sleeve, rules in self._members.items()
            if estimated and len(rules) > 1 and not any(rule.COMPARES for rule in rules)
        }
        self._tables = {name: multiplier_table(len(them)) for name, them in self._members.items()}
        self.last_source: IntArray = np.zeros(n, dtype=np.int64)
        self.basis: FloatArray = np.full(n, np.nan)
        self.basis_day: IntArray = np.full(n, NEVER, dtype=np.int64)
        self.view: View | None = None

    def on_spreads(self, sleeve: str) -> bool:
        """Whether the forecasts of a sleeve are of the markets' calendar spreads."""
        return self._members[sleeve][0].ON_SPREADS

    def full(self, sleeve: str) -> float:
        """Mean absolute forecast at which a sleeve has its whole share of risk, 0 if always."""
        return self._members[sleeve][0].FULL

    def is_neutral(self, sleeve: str) -> bool:
        """Whether the forecasts of a sleeve add up to zero in every class."""
        return self._members[sleeve][0].NEUTRAL

    def update(
        self,
        day: int,
        month: int,
        seen: Observation,
        markets: Markets,
        macro: MacroState | None = None,
        spread: tuple[SpreadObservation, CalendarSpreads] | None = None,
    ) -> list[Note]:
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
        macro = macro or MacroState()
        found = self.sources.raw(
            day,
            seen.near_price,
            seen.far_price,
            seen.near_expiry,
            seen.far_expiry,
            markets.price,
            seen.near_month,
            macro,
        )
        self.last_source = found.source
        self._keep_basis(day, seen)
        annual = markets.sigma_price() * np.sqrt(TRADING_DAYS)
        self.carry.update(found.raw, annual, day, seen.seen)
        observed, spreads = spread or (None, None)
        view = View(day, month, seen, markets, self.carry, macro, spreads, observed)
        self.view = view
        notes = [note for rule in self.rules for note in rule.update(view)]
        notes += [(market, "carry", text) for market, text in found.reasons]
        for sleeve, multiplier in self.multipliers.items():
            rules = np.array([rule.signal(view) for rule in self._members[sleeve]])
            multiplier.update(np.where(seen.seen, rules, np.nan))
        return notes

    def _keep_basis(self, day: int, seen: Observation) -> None:
        pair = seen.near_price, seen.far_price, seen.near_expiry, seen.far_expiry
        basis = annualised_carry(*pair)
        quoted = seen.seen & np.isfinite(basis)
        self.basis[quoted] = basis[quoted]
        self.basis_day[quoted] = day

    def signals(self) -> dict[str, FloatArray]:
        """What every rule knows from market data alone, by rule, (n_markets,) each.

        Raises
        ------
        ValueError
            Before the first session.
        """
        if self.view is None:
            raise ValueError("no session has been observed; signals come after the first")
        return {rule.NAME: rule.signal(self.view) for rule in self.rules}

    def explain(self) -> dict[str, dict[str, FloatArray]]:
        """Intermediates of every rule by name, (n_markets,) each; {} before the first session."""
        if self.view is None:
            return {}
        return {rule.NAME: rule.explain(self.view) for rule in self.rules}

    def factors(self) -> dict[str, FloatArray]:
        """Diversification multiplier of every sleeve by its number of available rules."""
        return {
            sleeve: self.multipliers[sleeve].multiplier_by_number()
            if sleeve in self.multipliers
            else table
            for sleeve, table in self._tables.items()
        }

    def combine(
        self,
        signals: Mapping[str, FloatArray],
        factors: Mapping[str, FloatArray],
        member: BoolArray,
    ) -> dict[str, FloatArray]:
        """Forecasts by sleeve, mean near 1, capped, NaN where there is none.

        Parameters
        ----------
        signals, factors : mapping of str to float array
            As ``signals`` and ``factors`` gave them.
        member : bool array of shape (n_markets,)
            Markets that are compared with each other.

        Returns
        -------
        dict of str to float array of shape (n_markets,)
            The calendar sleeve's is of the markets' spreads.
        """
        out = {}
        for sleeve, rules in self._members.items():
            parts = [rule.compare(signals[rule.NAME], member) for rule in rules]
            out[sleeve] = (
                parts[0] if len(parts) == 1 else combine(np.array(parts), factors[sleeve], self.cap)
            )
        return out

    def current(self, markets: Markets, member: BoolArray) -> dict[str, FloatArray]:
        """Forecasts by sleeve after the last session, see ``combine``."""
        return self.combine(self.signals(), self.factors(), member)

    def neutral(self, forecast: FloatArray, member: BoolArray) -> FloatArray:
        """A neutral sleeve's forecasts over the markets that are traded after all."""
        return neutral_in_buckets(np.where(member, forecast, np.nan), self._class)

    def components(self) -> dict[str, Any]:
        """Objects with state, by a stable name."""
        out: dict[str, Any] = {"forecasts": self}
        for rule in self.rules:
            out |= rule.components()
        for sleeve, multiplier in self.multipliers.items():
            out[f"multiplier.{sleeve}"] = multiplier
        out |= {"carry": self.carry, "carry.mean": self.carry.mean}
        return out | {"carry.sources": self.sources, "carry.season": self.sources.seasonal}
