"""Variable leverage of equities as an exposure scale (002, P5): never above 1 here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alpha.scale import ExposureScale, Scale, Told
from alpha.snapshot import Snapshot
from risk.leverage_fit import missing_libraries
from risk.variable_leverage import LeveragePlan, VariableLeverage
from universe.arrays import TRADING_DAYS, from_epoch_day
from universe.instruments import Instrument
from universe.setting import Table, setting

MAX_AGE = 10
"""Calendar days without a session of the market, after which its leverage is not believed."""


@dataclass(frozen=True)
class LeverageSettings(Table):
    """From expected return and variance to exposure."""

    leverage: bool = setting(
        False, "exposure follows the optimal leverage of a market, ARMA mean over GARCH variance"
    )
    leverage_of: str = setting("ES", "market whose leverage it is, if it is traded")
    leverage_ar: int = setting(1, "autoregressive terms of the monthly mean", low=0, high=4)
    leverage_ma: int = setting(1, "moving-average terms of the monthly mean", low=0, high=4)
    leverage_least: int = setting(
        60, "whole months before the first fit", unit="months", low=24, high=600
    )
    leverage_window: int = setting(
        2520,
        "sessions that a variance is fitted on, at most",
        unit="sessions",
        low=500,
        high=20_000,
    )
    leverage_fraction: float = setting(
        1.0, "share of the leverage with the greatest growth (fractional Kelly)", low=0.05, high=1.0
    )
    leverage_alpha: float = setting(
        0.05, "weight of the newest value in the smoothing of leverage", low=0.001, high=1.0
    )
    leverage_cap: float = setting(3.0, "largest leverage (002)", low=1.0, high=20.0)
    leverage_full: float = setting(
        2.0, "leverage from which on exposure is whole", low=1.0, high=20.0
    )

    @property
    def leverage_plan(self) -> LeveragePlan:
        """How leverage is made."""
        return LeveragePlan(
            self.leverage_ar,
            self.leverage_ma,
            self.leverage_least,
            self.leverage_window,
            self.leverage_fraction,
            self.leverage_alpha,
            self.leverage_cap,
        )


class LeverageScale(ExposureScale):
    """Exposure at the share that a market's leverage is of ``leverage_full``.

    Parameters
    ----------
    settings : LeverageSettings
    instruments : sequence of Instrument

    Attributes
    ----------
    model : VariableLeverage
    seen : int
        Epoch day of the market's last session, 0 before it.
    """

    NAME = "leverage"
    MEANING = "exposure follows the optimal leverage of equities"
    SETTINGS = LeverageSettings
    STATE = ("seen",)
    DEPENDS = VariableLeverage.DEPENDS

    def __init__(self, settings: LeverageSettings, instruments: Sequence[Instrument]) -> None:
        self._settings = settings
        codes = [instrument.code for instrument in instruments]
        self._market = codes.index(settings.leverage_of) if settings.leverage_of in codes else None
        self._without = missing_libraries() if settings.leverage else ""
        self.model = VariableLeverage(settings.leverage_plan)
        self.seen = 0
        self._told = Told()

    def components(self) -> dict[str, Any]:
        """What it knows of the market's sessions, and when the last one was."""
        return {self.NAME: self, f"{self.NAME}.model": self.model}

    def observe(self, snapshot: Snapshot) -> None:
        """Take a session; a new month fits on those before it."""
        market = self._market
        if not self._settings.leverage or market is None or self._without:
            return
        if snapshot.seen[market]:
            ret = max(float(snapshot.ret[market]), -0.999)
            self._told.add(*self.model.take(snapshot.month, ret))
            self.seen = snapshot.day

    def scale(self, snapshot: Snapshot, nav: float) -> Scale:
        """The share that leverage leaves."""
        if not self._settings.leverage:
            return Scale(self.NAME, 1.0)
        missing = self._reason(snapshot.day)
        text = f"exposure does not follow leverage: {missing}" if missing else ""
        notes = self._told.taken(text)
        if missing:
            return Scale(self.NAME, 1.0, notes=notes)
        model = self.model
        full = min(self._settings.leverage_full, self._settings.leverage_cap)
        value = min(model.leverage / full, 1.0)
        figures = {
            "expected_month": model.mean,
            "annual_volatility": math.sqrt(TRADING_DAYS * model.variance),
            "optimal": model.optimal,
            "leverage": model.leverage,
        }
        reason = ""
        if value < 1.0:
            of = self._settings.leverage_of
            reason = f"leverage of {of} {model.leverage:.2f} of {full:g}, exposure at {value:.0%}"
        return Scale(self.NAME, value, reason, figures, notes)

    def _reason(self, day: int) -> str:
        """Why there is no leverage today, "" where there is."""
        of = self._settings.leverage_of
        if self._without:
            return f"{self._without} not installed"
        if self._market is None:
            return f"{of} is not traded"
        if math.isnan(self.model.leverage):
            return f"the first fit takes {self._settings.leverage_least} months of {of}"
        if day - self.seen > MAX_AGE:
            return f"{of} stopped on {from_epoch_day(self.seen)}"
        return ""
