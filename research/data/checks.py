"""Doubts about imported prices, as findings only: the live quality gate decides what is traded.

Each check looks at one series and returns where it fires; none of them changes a price.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from universe.arrays import BoolArray, FloatArray, IntArray
from universe.quality import SENTINELS

OUTLIER_SIGMAS = 20.0
OUTLIER_WINDOW = 60
GAP_BUSINESS_DAYS = 10
STALE_RUN = 5
SPREAD_LIMITS = (1e-3, 1.0)
"""A spread cost outside these multiples of the median daily move is wrong by magnitudes."""

STRETCH = 200
SHORTEST_STRETCH = 60
LEAST_SHARE = 0.65
"""Of the business days of a stretch of sessions; the thinnest of 61 real markets has 0.71."""

_MAD_TO_SIGMA = 1.4826
_REVERSAL = 0.5


def reverting_outliers(change: FloatArray, tick: float) -> IntArray:
    """Positions of moves that dwarf the recent ones and are taken back by the next.

    Parameters
    ----------
    change : float array of shape (n,)
        Price changes of the held contract, NaN where unknown.
    tick : float
        Floor of the robust sigma, for markets that mostly stand still.

    Returns
    -------
    int array
        Indices ``i`` with ``|change[i]|`` above 20 robust sigmas (1.4826 times the median absolute
        change) of the 60 changes before it, of which at least half is undone at ``i + 1``.
    """
    if len(change) < OUTLIER_WINDOW + 2:
        return np.zeros(0, dtype=np.int64)
    sigma = np.maximum(robust_sigma(change), tick)
    undone = np.zeros(len(change), dtype=np.bool_)
    undone[:-1] = -np.sign(change[:-1]) * change[1:] >= _REVERSAL * np.abs(change[:-1])
    return np.flatnonzero(undone & (np.abs(change) > OUTLIER_SIGMAS * sigma))


def gaps(day: IntArray) -> IntArray:
    """Positions of sessions that come more than 10 business days after the one before."""
    if len(day) < 2:
        return np.zeros(0, dtype=np.int64)
    dates = day.astype("datetime64[D]")
    return np.flatnonzero(np.busday_count(dates[:-1], dates[1:]) > GAP_BUSINESS_DAYS) + 1


def in_equal_run(close: FloatArray, series: IntArray) -> BoolArray:
    """Which rows belong to a run of at least 5 equal closes of the same contract.

    Parameters
    ----------
    close : float array of shape (n,)
    series : int array of shape (n,)
        Rows of one contract stand together and carry the same number.
    """
    if len(close) == 0:
        return np.zeros(0, dtype=np.bool_)
    starts = np.ones(len(close), dtype=np.bool_)
    starts[1:] = (close[1:] != close[:-1]) | (series[1:] != series[:-1])
    run = np.cumsum(starts) - 1
    return np.asarray(np.bincount(run)[run] >= STALE_RUN)


def spread_multiple(spread_cost: float, change: FloatArray) -> float | None:
    """Spread cost over the median absolute daily move, if that is not believable, else None."""
    moves = np.abs(change[np.isfinite(change)])
    typical = float(np.median(moves)) if len(moves) else 0.0
    if typical <= 0 or not np.isfinite(spread_cost):
        return None
    multiple = spread_cost / typical
    low, high = SPREAD_LIMITS
    return None if low <= multiple <= high else multiple


def robust_sigma(change: FloatArray) -> FloatArray:
    """Robust daily sigma before each change: 1.4826 times the median of the 60 sizes before it.

    NaN before half as many are known.
    """
    size = pd.Series(np.abs(change))
    window = size.rolling(OUTLIER_WINDOW, min_periods=OUTLIER_WINDOW // 2).median().shift(1)
    return np.asarray(_MAD_TO_SIGMA * window.to_numpy(dtype=np.float64))


def stands_for_none(price: FloatArray, tick: float) -> BoolArray:
    """Which prices are a vendor's sign for "none": -99, 99999 and the like, or less than a tick."""
    known = np.isin(price, list(SENTINELS))
    return np.asarray(known | ((np.abs(price) < 0.5 * tick) & (price != 0)))


def sparse_stretch(day: IntArray) -> tuple[int, int, float] | None:
    """The stretch of sessions in which most business days have none, if there is one.

    Parameters
    ----------
    day : int array of shape (n_sessions,)
        Epoch days, ascending.

    Returns
    -------
    first, last : int
        Epoch days of the thinnest stretch of 200 sessions (of all, if there are fewer).
    share : float
        Of its business days with a session, below ``LEAST_SHARE``.
    """
    n = len(day)
    if n < SHORTEST_STRETCH:
        return None
    length = min(STRETCH, n - 1)
    dates = day.astype("datetime64[D]")
    expected = np.busday_count(dates[:-length], dates[length:])
    share = length / np.maximum(expected, 1)
    row = int(np.argmin(share))
    if share[row] >= LEAST_SHARE:
        return None
    return int(day[row]), int(day[row + length]), float(share[row])
