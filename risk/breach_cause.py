"""Why a figure is above its limit today and was not yesterday: one of a closed list (V4)."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

import numpy as np

from risk.account import RiskAccount
from risk.limit_measures import Measure


class Cause(StrEnum):
    """What raised a figure most since the last close."""

    POSITIONS = "positions"  # fills
    PRICES = "prices"  # of what was held already
    MODEL = "model"  # volatilities, correlations, the reference portfolio
    ACCOUNT = "account"  # NAV, drawdown, fills: not the positions, their prices or the model
    UNKNOWN = "unknown"  # a figure on the way is not a number
    LASTING = "lasting"  # it was above the limit at the last close already


def cause(
    measure: Measure, bucket: int, before: RiskAccount, now: RiskAccount, limit: float
) -> Cause:
    """What took a figure above its limit.

    Positions, prices and model of the last close are replaced by today's one after the other, in
    this order; the step that raises the figure most is the cause. Replaying the day gives the same.

    Parameters
    ----------
    measure : Measure
    bucket : int
        Index of the bucket.
    before, now : RiskAccount
        At the last close and now.
    limit : float

    Raises
    ------
    ValueError
        If the figure is not above the limit now.
    """
    steps = [before]
    steps.append(replace(steps[-1], contracts=now.contracts))
    steps.append(replace(steps[-1], unit_exposure=now.unit_exposure, unit_margin=now.unit_margin))
    steps.append(replace(steps[-1], model=now.model, reference=now.reference))
    steps.append(now)
    figures = np.array([measure.values(step.contracts, step)[bucket] for step in steps])
    if not figures[-1] > limit:
        raise ValueError(f"the figure is {figures[-1]:g}, not above its limit of {limit:g}")
    if figures[0] > limit:
        return Cause.LASTING
    if not np.isfinite(figures).all():
        return Cause.UNKNOWN
    causes = (Cause.POSITIONS, Cause.PRICES, Cause.MODEL, Cause.ACCOUNT)
    return causes[int(np.argmax(np.diff(figures)))]
