"""Calendar spreads by carry (003, Calendar Spreads)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from alpha.carry import OUTLYING_SPREAD, SmoothedCarry, make_carry
from alpha.columns import Columns, carry_columns, volatility_columns
from alpha.rules.rule import Inputs, Notes, Rule, Style, View, Views
from universe.arrays import TRADING_DAYS, FloatArray
from universe.setting import Table, setting


@dataclass(frozen=True)
class CalendarSettings(Table):
    """How long a spread's carry is believed."""

    spread_max_age: int = setting(
        14,
        "calendar days a calendar spread's carry stays valid without a third contract",
        unit="days",
        low=1,
        high=366,
    )


class CalendarRule(Rule):
    """The carry of a spread that is left after a year's risk of it."""

    NAME, SLEEVE, STYLE = "calendar", "calendar", Style.CARRY
    MEANING = "near against far contract of a market where the spread's carry exceeds its risk"
    SETTINGS = CalendarSettings
    ON_SPREADS = True
    FULL = 1.0  # a forecast in few spreads at a time must not gear one of them to the whole budget

    def __init__(self, inputs: Inputs) -> None:
        super().__init__(inputs)
        settings = inputs.settings
        self.cap = settings.forecast_cap
        self.carry = make_carry(
            settings, len(inputs.instruments), settings.spread_max_age, OUTLYING_SPREAD
        )

    def walk(self, views: Views) -> tuple[FloatArray, Notes]:
        """Take sessions' spreads."""
        carry = self.carry.now()
        if views.spread is not None and views.spreads is not None:
            spreads = views.spreads
            risk = spreads.sigma() * spreads.near_price * np.sqrt(TRADING_DAYS)
            carry = self.carry.walk(views.spread.carry, risk, views.day, views.spread.seen)
        return np.broadcast_to(self._capped(carry), views.seen.seen.shape), {}

    def signal(self, view: View) -> FloatArray:
        """Ex-ante Sharpe ratio of the spread beyond 1, capped."""
        return self._capped(self.carry.now())

    def _capped(self, carry: SmoothedCarry) -> FloatArray:
        sharpe = carry.sharpe()
        beyond = np.sign(sharpe) * np.maximum(np.abs(sharpe) - 1.0, 0.0)
        return np.asarray(np.clip(beyond, -self.cap, self.cap))

    def explain(self, view: View) -> dict[str, FloatArray]:
        """Raw carry of the spread, its ratio to risk, and the forecast."""
        return {
            "raw": self.carry.raw,
            "ex-ante Sharpe ratio": self.carry.sharpe(),
            "capped": self.signal(view),
        }

    def components(self) -> dict[str, Any]:
        """State of the spreads' smoothed carry."""
        return {"spread.carry": self.carry, "spread.carry.mean": self.carry.mean}

    @classmethod
    def columns(cls, columns: Columns) -> dict[str, FloatArray]:
        """The forecasts of the spreads, where the panel has them."""
        spreads, settings = columns.panel.spreads, columns.settings
        if spreads is None:
            return {}
        risk = volatility_columns(spreads, settings) * spreads.positive_price
        age, cap = settings.spread_max_age, settings.forecast_cap
        sharpe = carry_columns(spreads, settings, risk, age, OUTLYING_SPREAD)[1]
        beyond = np.sign(sharpe) * np.maximum(np.abs(sharpe) - 1.0, 0.0)
        return {"calendar": np.asarray(np.clip(beyond, -cap, cap))}
