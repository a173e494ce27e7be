"""How long the signals of a run last: what orders may wait for (E3)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from algorithm.decision_line import DecisionLine
from universe.arrays import FloatArray

LONGEST = 252
"""Sessions beyond which a signal is not followed."""


def half_lives(decisions: Sequence[DecisionLine]) -> dict[str, float]:
    """Sessions after which half of a sleeve's forecast is left; NaN where it is not by ``LONGEST``.

    Parameters
    ----------
    decisions : sequence of DecisionLine
        In order.
    """
    names = dict.fromkeys(name for line in decisions for name in line.forecasts)
    return {
        name: half_life(
            np.array([line.forecasts[name] for line in decisions if name in line.forecasts])
        )
        for name in names
    }


def half_life(forecast: FloatArray) -> float:
    """The lag at which the autocorrelation of forecasts falls to a half, NaN if it does not.

    Parameters
    ----------
    forecast : float array of shape (n_sessions, n_markets)
        NaN where there is none. Its mean is taken to be 0: a market that is long for years has a
        signal that lasts.
    """
    before = 1.0
    for lag in range(1, min(LONGEST, len(forecast) - 1) + 1):
        first, later = forecast[:-lag], forecast[lag:]
        both = np.isfinite(first) & np.isfinite(later)
        first, later = np.where(both, first, 0.0), np.where(both, later, 0.0)
        scale = float(np.sqrt((first * first).sum() * (later * later).sum()))
        if not scale > 0:
            break
        now = float((first * later).sum()) / scale
        if now <= 0.5:
            return lag - (0.5 - now) / (before - now) if before > now else float(lag)
        before = now
    return float("nan")
