"""Settings of the value-at-risk model that all of risk shares; each stage has its own beside it."""

from __future__ import annotations

from dataclasses import dataclass

from risk.horizon_law import HorizonLaw
from universe.setting import Table, setting


@dataclass(frozen=True)
class RiskSettings(Table):
    """The value-at-risk model."""

    var_confidence: float = setting(0.99, "confidence of VaR (18f-4)", low=0.9, high=0.999)
    var_tail: float = setting(
        6.0, "degrees of freedom of the parametric law (Student's t)", low=3.0, high=1000.0
    )
    var_horizon: int = setting(
        20, "horizon of VaR (18f-4), in American trading days", unit="business days", low=1, high=60
    )
    var_years: float = setting(
        3.0,
        "calendar years of history in VaR (18f-4: at least three)",
        unit="years",
        low=1.0,
        high=10.0,
    )
    var_law: HorizonLaw = setting(
        HorizonLaw.OVERLAPPING, "historical VaR over its horizon: sums of sessions, or their law"
    )
    var_min_sessions: int = setting(
        250, "business days before the historical VaR is used", low=60, high=756
    )
