"""Settings of the universe: data quality, rolls, and what may be traded."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from universe.setting import SettingsError, Table, setting


class SpreadLegs(StrEnum):
    """Which two contracts of a market a calendar spread is made of."""

    ADJACENT = "adjacent"
    EXTREME = "extreme"


@dataclass(frozen=True)
class UniverseSettings(Table):
    """Which prices are believed, which contract is held, which market is left out."""

    outlier_sigmas: float = setting(
        20.0, "a move beyond this many daily sigmas waits for the next bar", low=5.0, high=100.0
    )
    gap_days: int = setting(
        14, "calendar days without a bar after which a market is out", unit="days", low=4, high=60
    )
    stale_sessions: int = setting(
        15, "equal closes in a row after which a price counts as stale", low=3, high=250
    )
    min_position: float = setting(
        0.25,
        "average position below which a market is too big for the fund",
        unit="contracts",
        low=0.0,
        high=10.0,
    )
    cost_limit: float = setting(
        0.06,
        "yearly cost of an average position below which a market comes in",
        unit="of annual volatility",
        low=0.0,
        high=100.0,
    )
    cost_limit_out: float = setting(
        0.075,
        "yearly cost of an average position above which a market goes out",
        unit="of annual volatility",
        low=0.0,
        high=100.0,
    )
    cost_trades: float = setting(
        5.0,
        "average positions traded besides rolls that the yearly cost counts",
        unit="a year",
        low=0.0,
        high=100.0,
    )
    cost_by_speed: bool = setting(
        True,
        "leave out, market by market, the speeds of a rule whose own turnover makes their yearly "
        "cost exceed the cost limits (001)",
    )
    spread_legs: SpreadLegs = setting(
        SpreadLegs.ADJACENT,
        "calendar spreads of neighbours, or of highest against lowest carry of the curve (003)",
    )
    spread_liquidity: float = setting(
        0.1,
        "open interest of a leg of highest or lowest carry over the curve's largest, at least",
        low=0.0,
        high=1.0,
    )
    roll_open_interest_ratio: float = setting(
        0.0,
        "theta: roll when OI of the next contract exceeds theta x OI of the held one (000); 0 is "
        "off, open interest then acts through the data's own mapping",
        low=0.0,
        high=100.0,
    )
    follow_mapping: bool = setting(
        True, "also roll when the data's own front contract has moved on"
    )
    fx_max_age: int = setting(
        14,
        "days after which an exchange rate is too old for a new position",
        unit="days",
        low=1,
        high=366,
    )
    macro_max_age: int = setting(
        10, "days a macro series stays valid; dividend yields 100", unit="days", low=1, high=366
    )
    vol_span: int = setting(
        32, "span of the exponentially weighted volatility (001)", unit="sessions", low=5, high=260
    )
    vol_long_sessions: int = setting(
        756, "window of the long-run volatility (001: three years)", low=32, high=2520
    )
    vol_long_weight: float = setting(0.3, "weight of the long-run volatility", low=0.0, high=1.0)

    def validate(self) -> None:
        """Refuse cost limits in the wrong order."""
        if self.cost_limit > self.cost_limit_out:
            raise SettingsError(
                f"cost_limit is {self.cost_limit:g}, above cost_limit_out "
                f"{self.cost_limit_out:g}; it must not be"
            )

    @property
    def extreme_floor(self) -> float | None:
        """Liquidity floor of legs of extreme carry, None for spreads of neighbours."""
        return self.spread_liquidity if self.spread_legs == SpreadLegs.EXTREME else None


def volatility_of(settings: UniverseSettings) -> dict[str, Any]:
    """What volatility and gate of markets and of their spreads are made with, by argument."""
    return {
        "vol_span": settings.vol_span,
        "vol_long_sessions": settings.vol_long_sessions,
        "vol_long_weight": settings.vol_long_weight,
        "outlier_sigmas": settings.outlier_sigmas,
        "gap_days": settings.gap_days,
    }
