"""Settings that several rules share; each rule has its own beside it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from universe.setting import Table, setting, spans_of


class CarrySource(StrEnum):
    """What raw carry is computed from."""

    BASIS = "basis"
    CLASS = "class"


class MultiplierSource(StrEnum):
    """Where the diversification multiplier of a sleeve's rules comes from."""

    TABLE = "table"
    ESTIMATED = "estimated"


@dataclass(frozen=True)
class AlphaSettings(Table):
    """Which rules make the sleeves, and the carry that the carry rules share."""

    trend_rules: str = setting(
        "tsmom ewmac breakout", "rules of the trend sleeve, parted by blanks"
    )
    carry_rules: str = setting(
        "smoothed", "carry rules, each a sleeve; they share the carry budget equally"
    )
    other_rules: str = setting(
        "",
        "rules that are neither trend nor carry, each in its own sleeve; they share "
        "other_budget equally",
    )
    carry_source: CarrySource = setting(
        CarrySource.BASIS,
        "raw carry: the futures basis, or the formula of the asset class where its inputs are "
        "known (000)",
    )
    carry_spans: str = setting("5 20 60 120", "smoothing spans of carry (001)")
    carry_scalar: float = setting(
        30.0, "forecast scalar of carry on Carver's scale of 10 (001)", low=1.0, high=200.0
    )
    carry_max_age: int = setting(
        100, "calendar days a carry quote stays valid", unit="days", low=1, high=366
    )
    forecast_multiplier: MultiplierSource = setting(
        MultiplierSource.TABLE,
        "diversification multiplier of several rules in a sleeve: 001's table, or estimated",
    )
    multiplier_span: int = setting(
        1000, "span of the estimated multiplier", unit="sessions", low=250, high=5000
    )
    forecast_step: float = setting(
        0.05, "forecasts are rounded to multiples of this", low=0.0001, high=0.5
    )
    forecast_cap: float = setting(2.0, "cap of every forecast (mean 1)", low=1.0, high=10.0)

    def validate(self) -> None:
        """Refuse smoothing spans that are none."""
        _ = self.carry_smoothing

    @property
    def carry_smoothing(self) -> tuple[int, ...]:
        """Smoothing spans of carry."""
        return spans_of("carry_spans", self.carry_spans)
