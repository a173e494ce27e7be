"""The impact coefficient that a run's fills speak for (E3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t as student

from research.tca.fills import is_outright
from universe.arrays import FloatArray

COVERAGE = 0.90
LEAST_DAYS = 20
"""Sessions with fills below which nothing but the prior is told."""

EXACT = 1e-6
"""Median residual, in daily sigmas, below which the fills are those of the formula itself."""


@dataclass(frozen=True, slots=True)
class ImpactFit:
    """The coefficient of the square-root law, in daily sigmas at full volume.

    Attributes
    ----------
    prior : float
        What the run's settings say.
    estimate : float
        Least squares, NaN where it cannot be told.
    value, low, high : float
        Shrunk towards the prior, with the ends of its interval.
    weight : float
        Of the estimate against the prior, 0 to 1.
    fills, days : int
        That it rests on.
    exact : bool
        The fills follow the formula to the last digit: they were made by it and say nothing of a
        market.
    """

    prior: float
    estimate: float
    value: float
    low: float
    high: float
    weight: float
    fills: int
    days: int
    exact: bool


def fit_impact(
    table: pd.DataFrame,
    prior: float,
    stress: float | pd.Series = 1.0,
    coverage: float = COVERAGE,
) -> ImpactFit:
    """Fit the coefficient to what outright fills paid over the open.

    Parameters
    ----------
    table : DataFrame
        See ``research.tca.fills.fill_table``.
    prior : float
        Its standard deviation is taken to be as large as itself (at least 0.05).
    stress : float, or Series of the table's rows
        What half spread and impact are multiplied by.
    coverage : float
        Of the interval.

    Notes
    -----
    In daily sigmas, paid - half spread = alpha sqrt(|q| / volume) + noise. The noise of one session
    is common to many fills, so that the variance is clustered by session (Liang and Zeger 1986),
    with the correction for few clusters; a normal prior and the estimate are weighted by precision.
    """
    scale = max(abs(prior), 0.05)
    x, y, day = _regression(table, stress)
    sessions = len(np.unique(day))
    nothing = (prior, float("nan"), prior, prior - 1.645 * scale, prior + 1.645 * scale, 0.0)
    if sessions < LEAST_DAYS or not float(x @ x) > 0:
        return ImpactFit(*nothing, len(x), sessions, False)
    square = float(x @ x)
    estimate = float(x @ y) / square
    rest = y - estimate * x
    exact = bool(np.median(np.abs(rest)) < EXACT)
    _, cluster = np.unique(day, return_inverse=True)
    scores = np.bincount(cluster, weights=x * rest)
    variance = float(scores @ scores) / square**2 * sessions / (sessions - 1)
    weight = scale**2 / (scale**2 + variance)
    value = weight * estimate + (1.0 - weight) * prior
    half = float(student.ppf(0.5 + coverage / 2, sessions - 1)) * float(np.sqrt(weight * variance))
    return ImpactFit(
        prior, estimate, value, value - half, value + half, weight, len(x), sessions, exact
    )


def _regression(
    table: pd.DataFrame, stress: float | pd.Series
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Regressor, paid beyond the spread in sigmas, and sessions of the rows that have all of it."""
    rows = table[is_outright(table)]
    side = np.sign(rows["quantity"])
    points = side * (rows["price"] - rows["arrival"]) - stress * rows["half_spread"]
    frame = pd.DataFrame(
        {
            "x": stress * np.sqrt(rows["quantity"].abs() / rows["volume"]),
            "y": points / rows["sigma"].where(rows["sigma"] > 0),
            "day": rows["day"],
        }
    ).dropna()
    x, y, day = (frame[name].to_numpy(dtype=np.float64) for name in ("x", "y", "day"))
    return x, y, day
