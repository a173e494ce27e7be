"""The rules that the settings select, and the sleeves they make, a session at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alpha.carry import annualised_carry, make_carry
from alpha.carry_sources import NEVER, CarrySources
from alpha.multiplier import ForecastMultiplier
from alpha.rules import rules_of
from alpha.rules.comparison import neutral_in_buckets
from alpha.rules.rule import Inputs, Note, Rule, Style, View, Views
from alpha.scaling import combine, multiplier_table
from alpha.settings import MultiplierSource
from universe.arrays import TRADING_DAYS, BoolArray, FloatArray, IntArray
from universe.assets import AssetDays
from universe.components import together
from universe.curves import MacroState
from universe.ewm import in_rows, last_rows
from universe.instruments import Instrument
from universe.market_state import Observation
from universe.setting import SettingsError, names_of


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


@dataclass(frozen=True, slots=True)
class ForecastDays:
    """What is known of forecasts from market data alone, after each of several sessions.

    Attributes
    ----------
    signals : mapping of str to float array of shape (n_sessions, n_markets)
        By rule.
    factors : mapping of str to float array of shape (n_sessions, n_rules + 1)
        Diversification multiplier of every sleeve by its number of available rules.
    basis, basis_day, source : float and int arrays of shape (n_sessions, n_markets)
        As ``Forecasts`` has them after the last one.
    notes : list of lists of (market index, kind, sentence)
        By session.
    """

    signals: Mapping[str, FloatArray]
    factors: Mapping[str, FloatArray]
    basis: FloatArray
    basis_day: IntArray
    source: IntArray
    notes: Sequence[list[Note]]


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
        self.view: View | None = None  # of the last session
        self._signals: dict[str, FloatArray] = {}

    def on_spreads(self, sleeve: str) -> bool:
        """Whether the forecasts of a sleeve are of the markets' calendar spreads."""
        return self._members[sleeve][0].ON_SPREADS

    def full(self, sleeve: str) -> float:
        """Mean absolute forecast at which a sleeve has its whole share of risk, 0 if always."""
        return self._members[sleeve][0].FULL

    def is_neutral(self, sleeve: str) -> bool:
        """Whether the forecasts of a sleeve add up to zero in every class."""
        return self._members[sleeve][0].NEUTRAL

    def walk(
        self, day: IntArray, month: IntArray, days: AssetDays, macro: Sequence[MacroState]
    ) -> ForecastDays:
        """Take sessions in order.

        Parameters
        ----------
        day, month : int arrays of shape (n_sessions,)
            Epoch days, and yyyymm.
        days : AssetDays
            That markets and spreads have observed.
        macro : sequence of MacroState
            As known after each session.
        """
        markets, seen = days.markets, days.market_seen
        pair = seen.near_price, seen.far_price, seen.near_expiry, seen.far_expiry
        found = self.sources.walk(day, *pair, markets.price, seen.near_month, macro)
        basis, basis_day = self._keep_basis(day, seen)
        annual = markets.sigma_price() * np.sqrt(TRADING_DAYS)
        carry = self.carry.walk(found.raw, annual, day, seen.seen)
        views = Views(day, month, seen, markets, carry, macro, days.spreads, days.spread_seen)
        walked = {rule.NAME: rule.walk(views) for rule in self.rules}
        signals = {name: signal for name, (signal, _) in walked.items()}
        notes: list[list[Note]] = []
        for row in range(len(day)):
            told = [note for _, of_rule in walked.values() for note in of_rule.get(row, ())]
            told += [(market, "carry", text) for market, text in found.reasons.get(row, ())]
            notes.append(told)
        self.last_source, self.view = found.source[-1].copy(), views.at(-1)
        self._signals = {name: signal[-1] for name, signal in signals.items()}
        factors = self._factors(signals, seen.seen)
        return ForecastDays(signals, factors, basis, basis_day, found.source, notes)

    def _keep_basis(self, day: IntArray, seen: Observation) -> tuple[FloatArray, IntArray]:
        pair = seen.near_price, seen.far_price, seen.near_expiry, seen.far_expiry
        basis = annualised_carry(*pair)
        last = last_rows(seen.seen & np.isfinite(basis))
        basis = in_rows(basis, last, self.basis)
        days = in_rows(np.broadcast_to(day[:, None], last.shape), last, self.basis_day)
        self.basis, self.basis_day = basis[-1].copy(), days[-1].copy()
        return basis, days

    def _factors(self, signals: Mapping[str, FloatArray], seen: BoolArray) -> dict[str, FloatArray]:
        """Multipliers of every sleeve after each session, (n_sessions, n_rules + 1)."""
        out = {}
        for sleeve, table in self._tables.items():
            rows = np.broadcast_to(table, (len(seen), len(table)))
            if sleeve in self.multipliers:
                multiplier, rows = self.multipliers[sleeve], rows.copy()
                rules = np.stack([signals[rule.NAME] for rule in self._members[sleeve]], axis=1)
                for row, forecasts in enumerate(np.where(seen[:, None], rules, np.nan)):
                    multiplier.update(forecasts)
                    rows[row] = multiplier.multiplier_by_number()
            out[sleeve] = rows
        return out

    def signals(self) -> dict[str, FloatArray]:
        """What every rule knows from market data alone, by rule, (n_markets,) each.

        Raises
        ------
        ValueError
            Before the first session.
        """
        if self.view is None:
            raise ValueError("no session has been observed; signals come after the first")
        return self._signals

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

    def current(self, member: BoolArray) -> dict[str, FloatArray]:
        """Forecasts by sleeve after the last session, see ``combine``."""
        return self.combine(self.signals(), self.factors(), member)

    def neutral(self, forecast: FloatArray, member: BoolArray) -> FloatArray:
        """A neutral sleeve's forecasts over the markets that are traded after all."""
        return neutral_in_buckets(np.where(member, forecast, np.nan), self._class)

    def components(self) -> dict[str, Any]:
        """Objects with state, by a stable name."""
        own = {
            "forecasts": self,
            "carry": self.carry,
            "carry.mean": self.carry.mean,
            "carry.sources": self.sources,
            "carry.season": self.sources.seasonal,
        }
        own |= {f"multiplier.{sleeve}": one for sleeve, one in self.multipliers.items()}
        return together([own, *(rule.components() for rule in self.rules)])
