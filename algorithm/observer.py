"""The first stage of the day: everything that depends on market data alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from algorithm.settings import Settings
from alpha.carry_sources import series_needed
from alpha.forecasts import Forecasts, selected_rules
from alpha.regime.features import RegimeFeatures, has_pair
from alpha.regime.series import SOURCES
from alpha.settings import AlphaSettings, CarrySource
from alpha.snapshot import Snapshot, Snapshots
from portfolio.caps import WorstDays
from portfolio.cash import BILL, Interest
from portfolio.covariance import Correlation, ReturnWindow
from risk.history import BusinessDays
from universe.arrays import BoolArray, FloatArray, IntArray, from_epoch_day
from universe.assets import AssetDays, Assets
from universe.components import together
from universe.curves import MacroState
from universe.fx import FxGate
from universe.instruments import Instrument
from universe.markets import Markets
from universe.session import Contract, Session
from universe.settings import UniverseSettings
from universe.spreads import CalendarSpreads

SCREENED = ("min_position", "forecast_step")
"""Settings of the universe and of the rules that act after the observer."""

COSTS = ("cost_limit", "cost_limit_out", "cost_trades")
"""Likewise, unless every speed of a rule is screened by itself."""

ALSO_READ = (
    "covariance",
    "corr_span",
    "corr_window",
    "corr_every",
    "var_years",
    "interest",
    "roll_orders",
)
"""Settings of portfolio, risk and execution that the observer reads."""


def data_settings(settings: Settings) -> dict[str, str]:
    """Settings that decide what the observer makes of data, by name as strings; no others do."""
    tables = [UniverseSettings, AlphaSettings, *(r.SETTINGS for r in selected_rules(settings))]
    names = {spec.name for table in tables for spec in fields(table)} - {*SCREENED}
    if not settings.cost_by_speed:
        names -= {*COSTS}
    given = settings.as_strings()
    return {name: given[name] for name in sorted(names | {*ALSO_READ})}


def series_wanted(settings: Settings, instruments: Sequence[Instrument]) -> list[str]:
    """Names of the macro series that are read under these settings, sorted."""
    names = set(series_needed(instruments)) if settings.carry_source == CarrySource.CLASS else set()
    if settings.regime and has_pair([instrument.code for instrument in instruments]):
        names |= set(SOURCES)
    if settings.interest != Interest.NONE:
        names.add(BILL)
    names |= {name for rule in selected_rules(settings) for name in rule.SERIES}
    return sorted(names)


class Observer:
    """Quality gate, rolls, continuous series, rules of single markets, volatility, correlation.

    Nothing here sees NAV: what it makes can be computed once for all runs over the same data.

    Parameters
    ----------
    settings : Settings
    instruments : sequence of Instrument
        Fixes the order of all arrays.

    Attributes
    ----------
    class_index : int array of shape (n_markets,)
        Number of each market's asset class.
    fx : float array of shape (n_markets,)
        Trusted rates after the last session.
    """

    STATE = ("fx", "day")
    DEPENDS = ()

    def __init__(self, settings: Settings, instruments: Sequence[Instrument]) -> None:
        self.settings, self.instruments = settings, list(instruments)
        self.markets = Markets.create(settings, instruments, spread_rolls=settings.spread_rolls)
        classes = [str(instrument.asset_class) for instrument in instruments]
        names = sorted(set(classes))
        self.class_index: IntArray = np.array([names.index(name) for name in classes])
        self.forecasts = Forecasts(settings, instruments, self.class_index)
        spreads = any(self.forecasts.on_spreads(sleeve) for sleeve in self.forecasts.sleeves)
        self.assets = Assets(
            self.markets, CalendarSpreads.create(settings, self.markets) if spreads else None
        )
        n = self.assets.n
        self.macro = MacroState(settings.macro_max_age)
        self.rates = FxGate(
            [instrument.currency for instrument in instruments],
            outlier_sigmas=settings.outlier_sigmas,
            max_age=settings.fx_max_age,
        )
        self.correlation = Correlation(
            classes + [f"{name} spread" for name in classes[: n - len(classes)]],
            settings.covariance,
            span=settings.corr_span,
            window=settings.corr_window,
            every=settings.corr_every,
        )
        self.returns = ReturnWindow(n, settings.corr_window)
        self.history = BusinessDays(n, settings.var_years)
        self.worst = WorstDays(n)
        self.regime = RegimeFeatures([one.code for one in instruments], self.class_index)
        self.fx: FloatArray = np.full(len(instruments), np.nan)
        self.day = 0

    def list_contract(self, market: int, contract: Contract) -> None:
        """Make a contract known before its first bar; knowing it twice is harmless."""
        self.markets.contracts[market][contract.month] = contract

    def learn_macro(self, values: Mapping[str, tuple[int, float]]) -> None:
        """Take macro series: (epoch day known, value) by name."""
        for name, (known_on, value) in values.items():
            self.macro.update(known_on, {name: value})

    def observe(self, session: Session) -> Snapshot:
        """Take a session's bars."""
        return self.walk([session]).at(0)

    def walk(self, sessions: Sequence[Session]) -> Snapshots:
        """Take the bars of one or more sessions, in order.

        Nothing that is known of one of them depends on a later one, nor on how they are parted.
        """
        days, known_macro, rates = self.assets.walk(sessions), [], _Rates(self.rates)
        for session in sessions:
            rates.take(session)
            known_macro.append(self._macro_after(session))
        day = np.array([session.day for session in sessions], dtype=np.int64)
        month = np.array([_month(one) for one in day.tolist()], dtype=np.int64)
        forecasts = self.forecasts.walk(day, month, days, known_macro)
        bills = [macro.value(BILL, on) for macro, on in zip(known_macro, day.tolist(), strict=True)]
        self.day, self.fx = int(day[-1]), rates.by_market[-1]
        z, usable = _standardised(day[:, None], days)
        falls = [self._worst_after(ret) for ret in days.ret()]
        held, near, far = days.months()
        before = days.before.months()
        spreads, fresh = days.spread_seen, day[:, None] - forecasts.basis_day
        return Snapshots(
            seen=days.seen(),
            ret=days.ret(),
            tradable=days.tradable(days.seen()) & days.per_asset(np.array(rates.fresh)),
            alive=days.alive(day[:, None]),
            must_exit=days.must_exit(day[:, None]),
            price=days.price(),
            doubt=days.doubt(),
            sigma=days.sigma(),
            current_sigma=days.current_sigma(),
            correlation=self.correlation.walk(z, usable, self.returns),
            fall=np.array([fall for fall, _ in falls]),
            rise=np.array([rise for _, rise in falls]),
            sigma_price=days.markets.sigma_price(),
            fx=np.array(rates.by_market),
            basis=np.where(fresh <= self.settings.carry_max_age, forecasts.basis, np.nan),
            carry_source=forecasts.source,
            spread_basis=np.zeros((len(day), 0)) if spreads is None else spreads.carry,
            day=day,
            month=month,
            bill=np.array(bills),
            regime=self._regime(day, days, known_macro),
            standardised=self.history.walk(day, z),
            macro=[macro.latest for macro in known_macro],
            rolls=[seen.rolls for seen in days.observed],
            notes=[
                seen.notes + of_rates + of_rules
                for seen, of_rates, of_rules in zip(
                    days.observed, rates.notes, forecasts.notes, strict=True
                )
            ],
            signals=forecasts.signals,
            factors=forecasts.factors,
            legs={
                "held": held,
                "near": near,
                "far": far,
                "lost": days.markets.lost,
                "held_before": before[0],
                "near_before": before[1],
                "far_before": before[2],
            },
            spreads=days.spreads is not None,
            before=days.before.markets,
            remembered=days.remembered,
        )

    def _regime(
        self, day: IntArray, days: AssetDays, known_macro: Sequence[MacroState]
    ) -> FloatArray:
        """Features of the regime after every session, (n_sessions, ROW)."""
        n = len(self.instruments)
        ret, sigma = days.ret()[:, :n], days.before.sigma()[:, :n]
        return np.array(
            [
                self.regime.take(on, ret[row], sigma[row], known_macro[row].latest)
                for row, on in enumerate(day.tolist())
            ]
        )

    def _macro_after(self, session: Session) -> MacroState:
        """Macro series as known after a session."""
        self.learn_macro(session.macro)
        return self.macro.copy()

    def _worst_after(self, ret: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Largest fall and rise of every asset after a session."""
        self.worst.update(ret)
        return self.worst.fall, self.worst.rise

    def refresh(self) -> None:
        """Recompute what is derived from the state, once it has been read back."""
        self.markets.refresh()
        if self.assets.spreads is not None:
            self.assets.spreads.vol.refresh()

    def components(self) -> dict[str, Any]:
        """Objects with state, by a stable name."""
        own = {
            "observer": self,
            "markets": self.markets,
            "vol": self.markets.vol,
            "macro": self.macro,
            "rates": self.rates,
            "correlation": self.correlation,
            "returns": self.returns,
            "history": self.history,
            "worst": self.worst,
            "regime.features": self.regime,
        }
        return together([own, self.assets.spread_components(), self.forecasts.components()])


class _Rates:
    """Trusted exchange rates after each of several sessions."""

    def __init__(self, gate: FxGate) -> None:
        self._gate = gate
        self.by_market: list[FloatArray] = []
        self.fresh: list[BoolArray] = []
        self.notes: list[list[tuple[int, str, str]]] = []

    def take(self, session: Session) -> None:
        """Gate the session's rates."""
        self.notes.append(self._gate.take(session.day, session.fx, session.fx_day))
        self.by_market.append(self._gate.by_market())
        self.fresh.append(self._gate.fresh())


def _month(day: int) -> int:
    """Yyyymm of an epoch day."""
    date = from_epoch_day(day)
    return date.year * 100 + date.month


def _standardised(day: IntArray, days: AssetDays) -> tuple[FloatArray, BoolArray]:
    """Returns over the volatility before them, for the days since the last one, and where known."""
    since, sigma = day - days.before.last_seen(), days.before.sigma()
    usable = days.seen() & (sigma > 0)
    sessions = np.maximum(since * 5.0 / 7.0, 1.0)
    scale = np.where(usable, sigma, 1.0) * np.where(since > 4, np.sqrt(sessions), 1.0)
    return np.where(usable, days.ret() / scale, 0.0), usable
