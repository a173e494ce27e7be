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
from alpha.snapshot import Snapshot
from portfolio.caps import WorstDays
from portfolio.cash import BILL, Interest
from portfolio.covariance import Correlation, ReturnWindow
from risk.history import BusinessDays
from universe.arrays import BoolArray, FloatArray, IntArray, from_epoch_day
from universe.assets import Assets
from universe.curves import MacroState
from universe.fx import FxGate
from universe.instruments import Instrument
from universe.legs import Legs
from universe.markets import Markets, Observation
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
)
"""Settings of portfolio and risk that the observer reads."""


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
    snapshot : Snapshot, optional
        Of the last session.
    """

    STATE = ("fx", "day")
    DEPENDS = ()

    def __init__(self, settings: Settings, instruments: Sequence[Instrument]) -> None:
        self.settings, self.instruments = settings, list(instruments)
        volatility: dict[str, Any] = {
            "vol_span": settings.vol_span,
            "vol_long_sessions": settings.vol_long_sessions,
            "vol_long_weight": settings.vol_long_weight,
            "outlier_sigmas": settings.outlier_sigmas,
            "gap_days": settings.gap_days,
        }
        self.markets = Markets(
            instruments,
            **volatility,
            stale_sessions=settings.stale_sessions,
            theta=settings.roll_open_interest_ratio,
            follow_mapping=settings.follow_mapping,
        )
        classes = [str(instrument.asset_class) for instrument in instruments]
        names = sorted(set(classes))
        self.class_index: IntArray = np.array([names.index(name) for name in classes])
        self.forecasts = Forecasts(settings, instruments, self.class_index)
        spreads = any(self.forecasts.on_spreads(sleeve) for sleeve in self.forecasts.sleeves)
        self.assets = Assets(self.markets, self._calendar_spreads(volatility) if spreads else None)
        n = self.assets.n
        self.macro = MacroState(settings.macro_max_age)
        self.rates = FxGate(
            [instrument.currency for instrument in instruments],
            outlier_sigmas=settings.outlier_sigmas,
            max_age=settings.fx_max_age,
        )
        self._rate_notes: list[tuple[int, str, str]] = []
        self._rates_of = 0  # the session whose rates have been taken
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
        self.snapshot: Snapshot | None = None

    def _calendar_spreads(self, volatility: Mapping[str, Any]) -> CalendarSpreads:
        return CalendarSpreads(
            self.markets, **volatility, extreme_floor=self.settings.extreme_floor
        )

    def list_contract(self, market: int, contract: Contract) -> None:
        """Make a contract known before its first bar; knowing it twice is harmless."""
        self.markets.contracts[market][contract.month] = contract

    def learn_macro(self, values: Mapping[str, tuple[int, float]]) -> None:
        """Take macro series: (epoch day known, value) by name."""
        for name, (known_on, value) in values.items():
            self.macro.update(known_on, {name: value})

    def take_rates(self, session: Session) -> FloatArray:
        """Gate the session's exchange rates; those that are trusted, (n_markets,)."""
        if self._rates_of != session.day:
            self._rate_notes = self.rates.take(session.day, session.fx, session.fx_day)
            self._rates_of = session.day
            self.fx = self.rates.by_market()
        return self.fx

    def observe(self, session: Session) -> Snapshot:
        """Take a session's bars."""
        self.take_rates(session)
        assets = self.assets
        before, last_seen, sigma_before = assets.months(), assets.last_seen(), assets.sigma()
        seen, spread, priced, ret = assets.observe(session)
        self.day = session.day
        self._standardise(session.day - last_seen, sigma_before, priced, ret)
        self.worst.update(ret)
        self.learn_macro(session.macro)
        n = len(self.instruments)
        row = self.regime.take(session.day, ret[:n], sigma_before[:n], self.macro.latest)
        date = from_epoch_day(session.day)
        month = date.year * 100 + date.month
        seen.notes += self._rate_notes
        seen.notes += self.forecasts.update(
            session.day,
            month,
            seen,
            self.markets,
            self.macro,
            None if spread is None or assets.spreads is None else (spread, assets.spreads),
        )
        gain = np.zeros(0) if spread is None else spread.carry
        self.snapshot = self._snapshot(month, before, seen, priced, ret, gain, row)
        return self.snapshot

    def _standardise(
        self, days: IntArray, sigma: FloatArray, seen: BoolArray, ret: FloatArray
    ) -> None:
        sessions = np.maximum(days * 5.0 / 7.0, 1.0)
        usable = seen & (sigma > 0)
        scale = np.where(usable, sigma, 1.0) * np.where(days > 4, np.sqrt(sessions), 1.0)
        z = np.where(usable, ret / scale, 0.0)
        self.correlation.update(z, usable)
        self.returns.push(z)
        self.history.push(self.day, z)

    def _snapshot(
        self,
        month: int,
        before: tuple[IntArray, IntArray, IntArray],
        seen: Observation,
        priced: BoolArray,
        ret: FloatArray,
        gain: FloatArray,
        regime: FloatArray,
    ) -> Snapshot:
        assets, markets, forecasts, day = self.assets, self.markets, self.forecasts, self.day
        held, near, far = assets.months()
        fresh = day - forecasts.basis_day <= self.settings.carry_max_age
        return Snapshot(
            day=day,
            month=month,
            rolls=seen.rolls,
            notes=seen.notes,
            seen=priced,
            ret=ret,
            tradable=assets.tradable(priced) & self._fresh_rates(),
            alive=assets.alive(day),
            must_exit=assets.must_exit(day),
            price=assets.price().copy(),
            doubt=assets.doubt(),
            sigma=assets.sigma(),
            current_sigma=assets.current_sigma(),
            correlation=self.correlation.matrix(self.returns),
            standardised=self.history.rows(),
            fall=self.worst.fall,
            rise=self.worst.rise,
            sigma_price=markets.sigma_price(),
            fx=self.fx,
            legs=Legs(
                held, near, far, markets.lost.copy(), *before, spreads=assets.spreads is not None
            ),
            signals=forecasts.signals(),
            factors=forecasts.factors(),
            basis=np.where(fresh, forecasts.basis, np.nan),
            carry_source=forecasts.last_source,
            spread_basis=gain,
            bill=self.macro.value(BILL, day),
            macro=self.macro.latest.copy(),
            regime=regime,
        )

    def _fresh_rates(self) -> BoolArray:
        """Assets whose exchange rate is young enough for a new position."""
        fresh = self.rates.fresh()
        return fresh if self.assets.spreads is None else np.concatenate([fresh, fresh])

    def refresh(self) -> None:
        """Recompute what is derived from the state, once it has been read back."""
        self.markets.refresh()
        if self.assets.spreads is not None:
            self.assets.spreads.vol.refresh()

    def components(self) -> dict[str, Any]:
        """Objects with state, by a stable name."""
        return {
            "observer": self,
            "markets": self.markets,
            "vol": self.markets.vol,
            **self.assets.spread_components(),
            "macro": self.macro,
            "rates": self.rates,
            **self.forecasts.components(),
            "correlation": self.correlation,
            "returns": self.returns,
            "history": self.history,
            "worst": self.worst,
            "regime.features": self.regime,
        }
