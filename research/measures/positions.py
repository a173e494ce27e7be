"""The book at the last close, and what the strategy wants of it for the next session."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from research.engine.result import RunResult


@dataclass(frozen=True, slots=True)
class PositionRow:
    """One market at the last close of the run.

    Attributes
    ----------
    market, asset_class : str
    months : str
        Contracts of the target with their numbers, as in 202209 × −4; empty where not recorded.
    contracts, target, trade : int
        Held after the session's fills, decided after its close, and the difference.
    weight : float
        Exposure of the target over NAV.
    risk_share : float
        Share of the ex-ante variance of all targets, NaN where not recorded.
    forecasts : dict of str to float
        By sleeve, NaN where absent.
    """

    market: str
    asset_class: str
    months: str
    contracts: int
    target: int
    trade: int
    weight: float
    risk_share: float
    forecasts: dict[str, float]


def latest_positions(result: RunResult) -> list[PositionRow]:
    """Markets with a position or a target at the last close, by class and code."""
    legs: dict[str, list[str]] = {}
    days = result.target_contracts
    for market, month, count in days[-1] if days else ():
        legs.setdefault(market, []).append(f"{month} × {count}".replace("-", "−"))
    shares = result.risk_share
    rows = []
    for i, market in enumerate(result.markets):
        held, target = int(result.contracts[-1, i]), int(result.targets[-1, i])
        if not (held or target or market in legs):
            continue
        rows.append(
            PositionRow(
                market,
                result.classes[i],
                ", ".join(legs.get(market, ())),
                held,
                target,
                target - held,
                float(result.weight[-1, i]),
                float("nan") if shares is None else float(np.asarray(shares)[-1, i]),
                {name: float(values[-1, i]) for name, values in result.forecasts.items()},
            )
        )
    return sorted(rows, key=lambda row: (row.asset_class, row.market))
