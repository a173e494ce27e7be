"""All settings under flat names: the run's own, and the tables of packages and components.

``config.json`` carries the same names as strings, because LEAN parameters are strings;
``lean backtest --parameter`` and ``lean optimize`` reach all of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, cast

from algorithm.registry import PROTECTIONS, SCALES
from algorithm.telemetry import TelemetrySettings
from alpha.forecasts import selected_rules
from alpha.rules import RULES
from alpha.settings import AlphaSettings
from execution.settings import ExecutionSettings, MinuteSettings
from portfolio.cash import CashSettings
from portfolio.settings import PortfolioSettings
from portfolio.target import sleeve_shares
from risk.settings import RiskSettings
from universe.setting import SettingsError, Table, day_of, setting
from universe.settings import UniverseSettings

__all__ = ["WARM_UP_MARGIN", "Settings", "SettingsError", "StateWriting", "joined"]

WARM_UP_MARGIN = 10
"""Days before the first session observed, in which LEAN takes up chains and macro series."""


class StateWriting(StrEnum):
    """When the state is written to the ObjectStore."""

    LIVE = "live"
    ALWAYS = "always"
    END = "end"
    NEVER = "never"


@dataclass(frozen=True)
class RunSettings(Table):
    """What a run covers and leaves behind."""

    start: str = setting("1990-01-01", "first session on which the strategy may trade", unit="date")
    end: str = setting("2022-06-30", "last session of a backtest", unit="date")
    cash: float = setting(50_000_000.0, "starting capital", unit="USD", low=1e4, high=1e12)
    markets: str = setting("all", "codes of the instrument master parted by blanks, or 'all'")
    instruments: str = setting(
        "",
        "own markets in LEAN: a table, or the key of one in the ObjectStore; research takes"
        " --instruments",
    )
    warmup_days: int = setting(
        1200,
        "calendar days of history before the start (18f-4: three years)",
        unit="days",
        low=0,
        high=20_000,
    )
    state: StateWriting = setting(StateWriting.LIVE, "when the state is written to the ObjectStore")
    deployment: str = setting(
        "trend-carry",
        "name of this deployment and its folder in the ObjectStore: letters, digits, - and _",
    )
    account: str = setting(
        "",
        "the broker's account, whose the state is; if empty order_account, Interactive Brokers' "
        "account in LEAN's own configuration, or the LEAN project",
    )
    state_max_age: int = setting(
        90,
        "days after which only the account's part of a state is taken up, the rest from the "
        "warm-up",
        unit="days",
        low=0,
        high=3650,
    )
    confirmed_nav: float = setting(
        0.0,
        "account value that a person confirms at a restart, after one that was doubted; 0 is none",
        unit="USD",
        low=0.0,
        high=1e12,
    )

    late_decision_minutes: int = setting(
        120,
        "live: a start within this long after the decision's time takes it, if it is missing;"
        " 0 never",
        unit="minutes",
        low=0,
        high=720,
    )

    def validate(self) -> None:
        """Refuse dates that are none or in the wrong order, and a name that no folder may have."""
        if self.last_day < self.first_day:
            raise SettingsError(f"end is {self.end}, before start {self.start}; it must not be")
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", self.deployment):
            raise SettingsError(
                f"deployment is {self.deployment!r}; it must be 1 to 64 letters, digits, - and _"
            )

    @property
    def first_day(self) -> date:
        """``start`` as a date."""
        return day_of("start", self.start)

    @property
    def last_day(self) -> date:
        """``end`` as a date."""
        return day_of("end", self.end)


@dataclass(frozen=True)
class ChainSettings(Table):
    """What settings of several packages must agree on; has none of its own."""

    def validate(self) -> None:
        """Refuse rules that are none, sleeves without budgets, and a stress without a norm."""
        styles = {rule.SLEEVE: rule.STYLE for rule in selected_rules(self)}
        sleeve_shares(cast(PortfolioSettings, self), styles)
        chosen = cast("Settings", self)
        if chosen.cost_vol_power and not chosen.vol_long_weight:
            raise SettingsError(
                f"cost_vol_power is {chosen.cost_vol_power:g} and vol_long_weight is 0; it needs a "
                "long-run volatility, a weight above 0 is allowed"
            )


def joined(name: str, tables: tuple[type[Table], ...]) -> type[Table]:
    """One frozen table of the settings of ``tables``, in their order.

    Raises
    ------
    ValueError
        If two tables have a setting of the same name.
    """
    own: dict[str, type[Table]] = {}
    for table in tables:
        for field in vars(table).get("__annotations__", {}):
            if field in own:
                raise ValueError(
                    f"setting {field} is in {own[field].__name__} and in {table.__name__}"
                )
            own[field] = table
    return dataclass(frozen=True)(type(name, tables[::-1], {"__module__": __name__}))


def all_tables() -> tuple[type[Table], ...]:
    """Tables of the run, of the packages and of every registered component, once each."""
    tables: list[type[Table]] = [RunSettings, TelemetrySettings, UniverseSettings, AlphaSettings]
    tables += [rule.SETTINGS for rule in RULES]
    tables += [PortfolioSettings, CashSettings, RiskSettings]
    tables += [scale.SETTINGS for scale in SCALES]
    tables += [protection.SETTINGS for protection in PROTECTIONS]
    tables += [ExecutionSettings, MinuteSettings, ChainSettings]
    return tuple(dict.fromkeys(table for table in tables if table is not Table))


if TYPE_CHECKING:
    from alpha.rules.breakout import BreakoutSettings
    from alpha.rules.calendar import CalendarSettings
    from alpha.rules.cross_section import CrossSectionSettings
    from alpha.rules.direction import DirectionSettings
    from alpha.rules.directional import DirectionalSettings
    from alpha.rules.ewmac import EwmacSettings
    from alpha.rules.relative_value import RelativeValueSettings
    from alpha.rules.tsmom import TsmomSettings
    from risk.gate import GateSettings
    from risk.governor import GovernorSettings
    from risk.leverage import LeverageSettings
    from risk.limit_stage import LimitSettings
    from risk.regime import RegimeSettings
    from risk.switch_stage import SwitchSettings

    @dataclass(frozen=True)
    class Settings(  # the same class, as far as it can be said before it runs
        RunSettings,
        TelemetrySettings,
        UniverseSettings,
        AlphaSettings,
        TsmomSettings,
        EwmacSettings,
        BreakoutSettings,
        CrossSectionSettings,
        RelativeValueSettings,
        CalendarSettings,
        DirectionalSettings,
        DirectionSettings,
        PortfolioSettings,
        CashSettings,
        RiskSettings,
        GovernorSettings,
        RegimeSettings,
        LeverageSettings,
        LimitSettings,
        GateSettings,
        SwitchSettings,
        ExecutionSettings,
        MinuteSettings,
        ChainSettings,
    ):
        """Settings of the strategy; ``Settings.parse`` reads them from strings."""

else:
    Settings = joined("Settings", all_tables())
