"""Settings of execution and of the cost model."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from universe.setting import Table, setting


class FeeSource(StrEnum):
    """Whose fees a LEAN run charges."""

    BROKER = "broker"
    MASTER = "master"


class RollOrders(StrEnum):
    """How a position is taken from one contract to the next."""

    LEGS = "legs"
    SPREAD = "spread"


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
    cost_stress: float = setting(1.0, "multiplies slippage", low=0.0, high=20.0)
    roll_orders: RollOrders = setting(
        RollOrders.LEGS,
        "a roll is two outright orders, or one calendar spread where the exchange lists it",
    )
    roll_sessions: int = setting(
        1, "sessions in which a position leaves a contract, in equal parts", low=1, high=60
    )
    participation: float = setting(
        1.0,
        "most that a market trades in a session, of its average daily volume",
        low=1e-6,
        high=1000.0,
    )
    spread_width: float = setting(
        1.0,
        "bid-ask spread of a calendar spread over that of one of its legs",
        low=0.0,
        high=2.0,
    )
