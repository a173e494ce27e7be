"""What a bad regime is: a deep fall or stress of volatility or credit in the sessions ahead (A8).

All that a label measures lies after the session it belongs to. Its thresholds are quantiles of the
same measures over the training window.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from universe.arrays import TRADING_DAYS, BoolArray, FloatArray, IntArray

STRESS = 0.05
"""Share of training sessions that count as stress of volatility, and of credit."""


class LabelKind(StrEnum):
    """Which fall counts."""

    AHEAD = "ahead"
    """The deepest one anywhere in the sessions ahead."""
    ROLLING = "rolling"
    """The one from their high that is left at their end: 000's rolling drawdown, as it will be."""


class LabelOf(StrEnum):
    """Whose fall."""

    BALANCED = "balanced"
    EQUITY = "equity"


@dataclass(frozen=True, slots=True)
class Measures:
    """What the sessions after each one held, (n,) each; NaN where they are not over yet.

    Attributes
    ----------
    fall : float array
        Positive fraction, from the session's own close on.
    vol : float array
        Annual, of the returns ahead alone.
    credit : float array
        Widest rise of the spread from a low, both among the values published ahead; NaN too where
        there are not two. Not its level: today's would all but give it away.
    """

    fall: FloatArray
    vol: FloatArray
    credit: FloatArray


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on a measure is bad; infinite where it is not used."""

    fall: float
    vol: float
    credit: float


def look_ahead(
    returns: FloatArray, credit: FloatArray, horizon: int, kind: LabelKind = LabelKind.AHEAD
) -> Measures:
    """Measures of the ``horizon`` sessions after each one.

    Parameters
    ----------
    returns : float array of shape (n,)
    credit : float array of shape (n,)
        Credit spread as known at each close, NaN where it is not.
    horizon : int
    kind : LabelKind

    Raises
    ------
    ValueError
        If the horizon is below 2 sessions.
    """
    if horizon < 2:
        raise ValueError(f"horizon is {horizon} sessions; it must be at least 2")
    n = len(returns)
    out = Measures(np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan))
    if n <= horizon:
        return out
    rows = n - horizon
    wealth, high, square = np.ones(rows), np.ones(rows), np.zeros(rows)
    fall, deepest = np.zeros(rows), np.zeros(rows)
    lowest, rise, seen = np.full(rows, np.nan), np.full(rows, -np.inf), np.zeros(rows)
    for step in range(1, horizon + 1):  # a session ahead at a time, of all rows at once
        earned, spread = returns[step : step + rows], credit[step : step + rows]
        wealth *= 1.0 + earned
        high = np.maximum(high, wealth)
        fall = 1.0 - wealth / high
        deepest = np.maximum(deepest, fall)
        square += earned * earned
        lowest = np.fmin(lowest, spread)
        rise = np.fmax(rise, spread - lowest)
        seen += np.isfinite(spread)
    out.fall[:rows] = deepest if kind == LabelKind.AHEAD else fall
    out.vol[:rows] = np.sqrt(TRADING_DAYS * square / horizon)
    out.credit[:rows] = np.where(seen > 1, rise, np.nan)
    return out


def thresholds(measures: Measures, rows: IntArray, tail: float) -> Thresholds:
    """Quantiles over the training rows.

    Parameters
    ----------
    measures : Measures
    rows : int array
        Training rows whose measures are known.
    tail : float
        Share of them whose fall is bad.
    """

    def quantile(values: FloatArray, share: float) -> float:
        finite = values[rows][np.isfinite(values[rows])]
        limit = float(np.quantile(finite, 1.0 - share)) if len(finite) else 0.0
        return limit if limit > 0 else np.inf

    return Thresholds(
        quantile(measures.fall, tail),
        quantile(measures.vol, STRESS),
        quantile(measures.credit, STRESS),
    )


def label(measures: Measures, limits: Thresholds) -> tuple[BoolArray, BoolArray]:
    """Bad sessions ahead, and where that can be known, (n,) each."""
    known = np.isfinite(measures.fall)
    with np.errstate(invalid="ignore"):
        bad = (
            (measures.fall >= limits.fall)
            | (measures.vol >= limits.vol)
            | (measures.credit >= limits.credit)
        )
    return np.asarray(bad & known), known
