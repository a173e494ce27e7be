"""Sharpe ratios of many books and how far they could be from what they were."""

from __future__ import annotations

import numpy as np
from arch.bootstrap import StationaryBootstrap

from universe.arrays import BoolArray, FloatArray, IntArray

BLOCK = 63
"""Mean length in sessions of the blocks that the bootstrap draws: a quarter."""


def resample_counts(n_days: int, samples: int, seed: int = 3) -> FloatArray:
    """How often each day is drawn, (samples, n_days): stationary bootstrap in blocks of a quarter.

    The same draws serve all books, so that differences between books are paired (Politis and
    Romano, The Stationary Bootstrap, JASA 89, 1994).
    """

    def count(rows: IntArray) -> IntArray:
        return np.bincount(rows, minlength=n_days)

    bootstrap = StationaryBootstrap(BLOCK, np.arange(n_days), seed=seed)
    return np.asarray(bootstrap.apply(count, samples), dtype=np.float64)


def sharpe_ratios(
    counts: FloatArray, returns: FloatArray, live: BoolArray, year: float
) -> FloatArray:
    """Annual Sharpe ratio of every series in every resample, (samples, n_series).

    Parameters
    ----------
    counts : float array of shape (samples, n_days)
    returns : float array of shape (n_days, n_series)
    live : bool array of shape (n_days, n_series)
        Days that count for the series.
    year : float
        Sessions a year of the calendar.
    """
    kept = np.where(live, returns, 0.0)
    number = counts @ live.astype(np.float64)
    some = number > 1
    safe = np.where(some, number, 2.0)
    mean = counts @ kept / safe
    variance = np.maximum(counts @ (kept * kept) / safe - mean * mean, 0.0) * safe / (safe - 1.0)
    usable = some & (variance > 1e-24)
    deviation = np.sqrt(np.where(usable, variance, 1.0))
    return np.where(usable, mean / deviation * np.sqrt(year), np.nan)


def interval(samples: FloatArray, coverage: float) -> tuple[FloatArray, FloatArray]:
    """Ends of the middle ``coverage`` of the samples, which axis 0 counts; NaN without any."""
    tails = [0.5 - coverage / 2, 0.5 + coverage / 2]
    never = np.isnan(samples).all(axis=0)
    low, high = np.nanquantile(np.where(never, 0.0, samples), tails, axis=0)
    return np.where(never, np.nan, low), np.where(never, np.nan, high)
