"""Settings of execution and of the cost model."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from zoneinfo import ZoneInfoNotFoundError

from execution.schedules import Algorithm
from execution.session_minutes import session_minutes
from universe.instruments import AssetClass, Instrument
from universe.setting import SettingsError, Table, number, setting


class FeeSource(StrEnum):
    """Whose fees a LEAN run charges."""

    BROKER = "broker"
    MASTER = "master"


class RollOrders(StrEnum):
    """How a position is taken from one contract to the next."""

    LEGS = "legs"
    SPREAD = "spread"


class ExecutionResolution(StrEnum):
    """When the orders of a decision go out."""

    DAILY = "daily"
    MINUTE = "minute"


class PastCosts(StrEnum):
    """How spreads of the past follow from today's."""

    TODAY = "today"
    CENTURY = "century"


@dataclass(frozen=True)
class ExecutionSettings(Table):
    """What a trade costs."""

    fee_model: FeeSource = setting(
        FeeSource.BROKER,
        "in LEAN: its Interactive Brokers model, or the master's fees (same amounts, slower)",
    )
    impact: float = setting(
        0.1, "alpha of the square-root impact, in daily sigmas at full volume", low=0.0, high=5.0
    )
    past_costs: PastCosts = setting(
        PastCosts.TODAY,
        "half spreads of the past: today's, or twice until 2002, 3 times until 1992, 6 until 1979",
    )
    passive_fills: float = setting(
        0.0,
        "share of what is traded by the day that is taken to fill at a limit, without half spread",
        low=0.0,
        high=1.0,
    )
    cost_stress: float = setting(1.0, "multiplies slippage", low=0.0, high=20.0)
    cost_vol_power: float = setting(
        0.0,
        "slippage grows with this power of a market's current over its long-run volatility, where "
        "that is above 1; 0 is off",
        low=0.0,
        high=3.0,
    )
    roll_orders: RollOrders = setting(
        RollOrders.LEGS,
        "a roll is two outright orders, or one calendar spread where the exchange lists it",
    )
    roll_sessions: int = setting(
        1, "sessions in which a position leaves a contract, in equal parts", low=1, high=60
    )
    max_trade_adv: float = setting(
        1.0,
        "most that a market trades in a session, of its average daily volume",
        low=1e-6,
        high=1000.0,
    )
    max_roll_adv: float = setting(
        0.0,
        "most that a roll trades in a session, of the smaller of both contracts' own volumes (mean "
        "of five sessions; the market's where the data have none); 0 is no such limit",
        low=0.0,
        high=1000.0,
    )
    roll_wait: int = setting(
        0,
        "sessions for which a roll waits while the contract held has the better carry for its side "
        "than the next one, and trades as much",
        low=0,
        high=60,
    )
    spread_width: float = setting(
        1.0,
        "bid-ask spread of a calendar spread over that of one of its legs",
        low=0.0,
        high=2.0,
    )

    @property
    def spread_rolls(self) -> bool:
        """Whether rolls are calendar spreads where these are listed."""
        return self.roll_orders == RollOrders.SPREAD


@dataclass(frozen=True)
class MinuteSettings(Table):
    """How LEAN works orders by the minute; research trades by the day."""

    execution_resolution: ExecutionResolution = setting(
        ExecutionResolution.DAILY,
        "in LEAN: orders for the next open, or children worked through the next session",
    )
    execution_algorithm: str = setting(
        "open",
        "by the minute: open, twap, vwap, pov, shortfall or horizon; pairs of a class and another "
        "may follow ('twap bond vwap')",
    )
    execution_by_size: str = setting(
        "",
        "pairs of an algorithm and the share of a day's volume from which it is used instead"
        " ('vwap 0.01 pov 0.05')",
    )
    execution_windows: str = setting(
        "",
        "parts of the session that are traded in, pairs of hours and zone"
        " ('0905-0915 Europe/Berlin'); empty is all of it",
    )
    participation: float = setting(
        0.05, "largest share of the traded volume (pov)", low=1e-4, high=0.5
    )
    passive_share: float = setting(
        0.0,
        "share of the session in which children are limits before they cross",
        low=0.0,
        high=1.0,
    )
    collar_ticks: float = setting(
        0.0,
        "farthest mid from that at arrival at which children are sent, the larger of this and "
        "collar_sigma; both 0 is no collar",
        unit="ticks",
        low=0.0,
        high=1e5,
    )
    collar_sigma: float = setting(
        0.0, "the same in daily sigmas", unit="daily sigmas", low=0.0, high=100.0
    )
    shortfall_aversion: float = setting(
        1e-6, "of shortfall, per USD; 0 is twap", unit="1/USD", low=0.0, high=1.0
    )
    signal_half_lives: str = setting(
        "",
        "of horizon: pairs of a sleeve and the sessions after which half of its forecast is left "
        "('trend 60 carry 90', as tca measures them); a sleeve without does not decay",
    )
    signal_edge: float = setting(
        0.5,
        "of horizon: what a signal promises over its life",
        unit="daily sigmas",
        low=0.0,
        high=20.0,
    )
    leg_minutes: int = setting(
        10,
        "minutes for which one leg of a roll by two orders may be ahead of the other; then it is "
        "evened out at the market; 0 is no limit",
        unit="minutes",
        low=0,
        high=1440,
    )
    profile_days: int = setting(
        30,
        "calendar days of minute history from which vwap learns its profile",
        unit="days",
        low=1,
        high=365,
    )
    outside_regular_hours: bool = setting(
        False, "Interactive Brokers may fill limit orders outside regular trading hours"
    )
    order_account: str = setting(
        "", "Interactive Brokers' account of the orders, where a login has several"
    )

    def validate(self) -> None:
        """Refuse algorithms, classes and windows that are none."""
        self.algorithms_by_class()
        self.algorithms_by_size()
        self.trading_windows()
        self.half_lives()

    def algorithm_of(self, instrument: Instrument, quantity: int) -> Algorithm:
        """The algorithm of a parent: that of its size, else of its class, else of all."""
        share = abs(quantity) / instrument.adv_contracts
        sizes = [name for name, least in self.algorithms_by_size() if share >= least]
        default, classes = self.algorithms_by_class()
        return sizes[-1] if sizes else classes.get(instrument.asset_class, default)

    def algorithms_by_class(self) -> tuple[Algorithm, dict[AssetClass, Algorithm]]:
        """``execution_algorithm``: that of all, and others by class."""
        default, *pairs = self.execution_algorithm.split() or [""]
        if len(pairs) % 2:
            raise SettingsError(
                f"execution_algorithm is {self.execution_algorithm!r}; it must be an algorithm, "
                "then pairs of a class and an algorithm"
            )
        classes = {}
        for name, algorithm in zip(pairs[::2], pairs[1::2], strict=True):
            if name not in list(AssetClass):
                raise SettingsError(
                    f"execution_algorithm names the class {name!r}; there are "
                    + ", ".join(AssetClass)
                )
            classes[AssetClass(name)] = _algorithm("execution_algorithm", algorithm)
        return _algorithm("execution_algorithm", default), classes

    def algorithms_by_size(self) -> list[tuple[Algorithm, float]]:
        """``execution_by_size``, by ascending share of a day's volume."""
        words = self.execution_by_size.split()
        if len(words) % 2:
            raise SettingsError(
                f"execution_by_size is {self.execution_by_size!r}; it must be pairs of an "
                "algorithm and a share"
            )
        pairs = [
            (_algorithm("execution_by_size", name), number("execution_by_size", share))
            for name, share in zip(words[::2], words[1::2], strict=True)
        ]
        for _, share in pairs:
            if not share > 0:
                raise SettingsError(
                    f"execution_by_size has the share {share:g}; it must be above 0"
                )
        return sorted(pairs, key=lambda pair: pair[1])

    def half_lives(self) -> dict[str, float]:
        """``signal_half_lives``, sessions by sleeve."""
        words = self.signal_half_lives.split()
        if len(words) % 2:
            raise SettingsError(
                f"signal_half_lives is {self.signal_half_lives!r}; it must be pairs of a sleeve "
                "and sessions"
            )
        out = {
            name: number("signal_half_lives", text)
            for name, text in zip(words[::2], words[1::2], strict=True)
        }
        for name, sessions in out.items():
            if not sessions >= 1.0:  # what is gone within a session is no reason to wait or hurry
                raise SettingsError(
                    f"signal_half_lives has {sessions:g} sessions for {name}; 1 and more is allowed"
                )
        return out

    def trading_windows(self) -> tuple[str, ...]:
        """``execution_windows``, each "hours zone"."""
        words = self.execution_windows.split()
        out = tuple(" ".join(pair) for pair in zip(words[::2], words[1::2], strict=False))
        try:
            if len(words) % 2:
                raise ValueError("hours and zone come in pairs")
            for text in out:
                session_minutes(text, date(2000, 1, 3))
        except (ValueError, ZoneInfoNotFoundError) as error:
            raise SettingsError(
                f"execution_windows is {self.execution_windows!r} ({error}); it must be pairs of "
                "hours and zone like '0905-0915 Europe/Berlin'"
            ) from None
        return out


def _algorithm(setting_name: str, text: str) -> Algorithm:
    if text not in list(Algorithm):
        raise SettingsError(
            f"{setting_name} names the algorithm {text!r}; there are " + ", ".join(Algorithm)
        )
    return Algorithm(text)
