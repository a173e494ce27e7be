"""Settings of the portfolio: budgets, covariance, volatility target, contracts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from universe.setting import Table, setting


class Estimator(StrEnum):
    """How correlations are estimated."""

    EWMA = "ewma"
    LEDOIT_WOLF = "ledoit_wolf"
    BLOCK_DIAGONAL = "block_diagonal"


@dataclass(frozen=True)
class PortfolioSettings(Table):
    """From forecasts to whole contracts."""

    max_adv: float = setting(
        0.25,
        "largest position as a share of the average daily volume",
        unit="of ADV",
        low=0.001,
        high=10.0,
    )
    max_exposure: float = setting(
        0.5,
        "largest exposure to one market; rates count in ten-year equivalents by DV01",
        unit="of NAV",
        low=0.01,
        high=20.0,
    )
    max_spread_exposure: float = setting(
        1.0,
        "largest exposure of either leg of a calendar spread; rates in ten-year equivalents",
        unit="of NAV",
        low=0.01,
        high=50.0,
    )
    trend_budget: float = setting(0.5, "risk share of the trend sleeve", low=0.0, high=1.0)
    other_budget: float = setting(
        0.0, "risk share of the sleeves that are neither trend nor carry", low=0.0, high=1.0
    )
    covariance: Estimator = setting(Estimator.EWMA, "correlation estimator")
    corr_span: int = setting(
        250, "span of the EWMA correlation", unit="sessions", low=20, high=2000
    )
    corr_window: int = setting(
        252, "window of the Ledoit-Wolf correlation", unit="sessions", low=60, high=756
    )
    corr_every: int = setting(
        5, "sessions between two Ledoit-Wolf estimates", unit="sessions", low=1, high=63
    )
    vol_target: float = setting(
        0.10, "annual volatility of the fund", unit="of NAV", low=0.01, high=0.5
    )
    bias_span: int = setting(
        250, "span of the correction of ex-ante volatility", unit="sessions", low=60, high=2000
    )
    vol_floor: float = setting(
        0.25,
        "least vol of the overlaid sleeves that is scaled up, where 1 is one sleeve's",
        low=0.01,
        high=1.0,
    )
    buffer: float = setting(
        0.10, "no-trade band as share of the average position (001)", low=0.0, high=1.0
    )
    cooldown_sessions: int = setting(
        5, "sessions after a trade without another small one", unit="sessions", low=0, high=63
    )
    scale_floor: float = setting(
        0.0, "least product of all exposure scales (governor and others)", low=0.0, high=1.0
    )
