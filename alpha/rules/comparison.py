"""Cross-sectional views inside buckets: z-scores, ranks, cohorts, neutral forecasts (000, B; 003).

Every function takes the values of one day and compares the markets of one bucket, say of one asset
class, with each other. A value that is not finite is no value: the market's result is NaN and the
others are compared without it. A bucket with fewer than two values has no cross-sectional view, its
member gets 0. The order of the markets never matters.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import numpy as np

from alpha.scaling import NORMAL_MEAN_ABS
from universe.arrays import FloatArray, IntArray


class Comparison(StrEnum):
    """Ways to turn values into forecasts, see ``cross_section_forecast``."""

    ZSCORE = "zscore"
    RANK = "rank"
    COHORT = "cohort"


ROUNDING = 1e-9
"""Added to fraction x members, so that 0.29 of 100 are 29 members."""


def zscore_in_buckets(value: FloatArray, bucket: IntArray, cap: float) -> FloatArray:
    """Distance from the bucket's mean in population standard deviations, capped (000, B).

    Parameters
    ----------
    value : float array of shape (n_markets,)
    bucket : int array of shape (n_markets,)
        Any numbers; equal numbers make a bucket.
    cap : float
        In standard deviations.

    Returns
    -------
    float array of shape (n_markets,)
        Within ±cap, 0 in a bucket of equal values. A bucket sums to 0 unless the cap binds.

    Raises
    ------
    ValueError
        If the shapes differ or the cap is not positive.
    """
    _check_cap(cap)
    return np.clip(_by_bucket(value, bucket, _zscore), -cap, cap)


def cohort_in_buckets(value: FloatArray, bucket: IntArray, fraction: float) -> FloatArray:
    """+1 for the bucket's top cohort, -1 for its bottom cohort, 0 between (000, B).

    Parameters
    ----------
    value : float array of shape (n_markets,)
    bucket : int array of shape (n_markets,)
    fraction : float
        Part of the bucket's members in either cohort, above 0 and at most 0.5; rounded down, but
        at least one member and at most half of them.

    Returns
    -------
    float array of shape (n_markets,)
        A bucket sums to 0. Members with equal values share their places equally: two members tied
        for a single top place get 0.5 each.

    Raises
    ------
    ValueError
        If the shapes differ or the fraction is out of its range.
    """
    _check_fraction(fraction)
    return _by_bucket(value, bucket, lambda x: _cohort(x, fraction))


def neutral_in_buckets(forecast: FloatArray, bucket: IntArray) -> FloatArray:
    """Forecast minus the mean of its bucket: long what is above it, short what is below (003).

    Parameters
    ----------
    forecast : float array of shape (n_markets,)
    bucket : int array of shape (n_markets,)

    Returns
    -------
    float array of shape (n_markets,)
        A bucket sums to 0, so that equal risk budgets inside it leave no net risk of the sector.
        Not capped: within ±c forecasts differ from their mean by less than 2c.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    return _by_bucket(forecast, bucket, _centred)


def cross_section_forecast(
    value: FloatArray, bucket: IntArray, method: str, fraction: float, cap: float
) -> FloatArray:
    """Forecast whose mean absolute value is near 1, from a comparison inside buckets.

    Parameters
    ----------
    value : float array of shape (n_markets,)
        E.g. carry over volatility.
    bucket : int array of shape (n_markets,)
    method : str
        "zscore": z-score over sqrt(2/π), the mean absolute value of a normal variable, clipped.
        Small buckets run above 1, two members at ±1.25.
        "rank": distance of the rank from the middle rank over the mean of these distances, so that
        a bucket without ties has mean 1 whatever the values; it stays within ±2. Equal values
        share the average rank.
        "cohort": ``cohort_in_buckets`` scaled to mean 1; with narrow cohorts, whose members would
        pass the cap, to the cap.
    fraction : float
        Size of a cohort, see ``cohort_in_buckets``; without effect on the other methods.
    cap : float

    Returns
    -------
    float array of shape (n_markets,)
        Within ±cap. By rank and by cohort a bucket sums to 0.

    Raises
    ------
    ValueError
        If the shapes differ, or if method, fraction or cap is not allowed.
    """
    _check_cap(cap)
    _check_fraction(fraction)
    if method == Comparison.ZSCORE:
        return zscore_in_buckets(value, bucket, cap * NORMAL_MEAN_ABS) / NORMAL_MEAN_ABS
    if method == Comparison.RANK:
        return _by_bucket(value, bucket, lambda x: _rank(x, cap))
    if method == Comparison.COHORT:
        return _by_bucket(value, bucket, lambda x: _scaled(_cohort(x, fraction), cap))
    raise ValueError(f"method is {method!r}; it must be one of {', '.join(Comparison)}")


def _by_bucket(
    value: FloatArray, bucket: IntArray, compare: Callable[[FloatArray], FloatArray]
) -> FloatArray:
    """``compare`` applied to the finite values of each bucket that has at least two."""
    if value.shape != bucket.shape:
        raise ValueError(f"value has shape {value.shape}, bucket {bucket.shape}; both must agree")
    finite = np.isfinite(value)
    out = np.where(finite, 0.0, np.nan)
    for number in np.unique(bucket[finite]):
        member = finite & (bucket == number)
        if np.count_nonzero(member) > 1:
            out[member] = compare(value[member])
    return out


def _zscore(x: FloatArray) -> FloatArray:
    low, high = x.min(), x.max()
    if low == high:
        return np.zeros_like(x)
    unit = _centred((x - low) / (high - low))  # no rounding can hide the dispersion from 0 to 1
    return np.asarray(unit / np.sqrt(np.mean(unit * unit)))


def _centred(x: FloatArray) -> FloatArray:
    rough = x - x.mean()
    return np.asarray(rough - rough.mean())  # the rest that rounding the first mean has left


def _places(x: FloatArray) -> tuple[IntArray, IntArray]:
    """First and last place, from 1 upwards, that a value shares with its equals."""
    pair = x[:, np.newaxis]  # quadratic, which for the few members of a bucket beats sorting
    return np.sum(pair > x, axis=1) + 1, np.sum(pair >= x, axis=1)


def _rank(x: FloatArray, cap: float) -> FloatArray:
    first, last = _places(x)
    middle = (x.size + 1) / 2.0
    untied = float(np.mean(np.abs(np.arange(1, x.size + 1) - middle)))
    scale = min(1.0 / untied, cap / (x.size - middle))
    return np.asarray(((first + last) / 2.0 - middle) * scale)


def _cohort(x: FloatArray, fraction: float) -> FloatArray:
    size = max(1, int(fraction * x.size + ROUNDING))
    first, last = _places(x)
    top = np.maximum(last - np.maximum(first - 1, x.size - size), 0)
    bottom = np.maximum(np.minimum(last, size) - (first - 1), 0)
    return np.asarray((top - bottom) / (last - first + 1))


def _scaled(weight: FloatArray, cap: float) -> FloatArray:
    """Scaled to mean absolute value 1, or less where the largest would pass the cap."""
    size = np.abs(weight)
    if not size.any():
        return weight
    return np.asarray(weight * min(1.0 / size.mean(), cap / size.max()))


def _check_cap(cap: float) -> None:
    if not cap > 0:
        raise ValueError(f"cap is {cap}; it must be above 0")


def _check_fraction(fraction: float) -> None:
    if not 0 < fraction <= 0.5:
        raise ValueError(f"fraction is {fraction}; it must be above 0 and at most 0.5")
