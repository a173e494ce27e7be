"""How good probabilities were: scores, skill over simpler ones, reliability (A8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from research.measures.bootstrap import interval, resample_counts
from universe.arrays import BoolArray, FloatArray

COVERAGE = 0.90


@dataclass(frozen=True, slots=True)
class Score:
    """A figure with the ends of its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bin:
    """Forecasts of one range: their mean, how often it came true, and how many there are."""

    forecast: float
    happened: float
    sessions: int


def brier(probability: FloatArray, bad: BoolArray) -> float:
    """Mean squared distance from what happened (Brier, Monthly Weather Review 78, 1950)."""
    return float(np.mean((probability - bad) ** 2))


def log_loss(probability: FloatArray, bad: BoolArray) -> float:
    """Mean negative log-likelihood."""
    safe = np.clip(probability, 1e-12, 1.0 - 1e-12)
    return float(-np.mean(np.where(bad, np.log(safe), np.log(1.0 - safe))))


def area_under_curve(probability: FloatArray, bad: BoolArray) -> float:
    """Probability that a bad session has the higher forecast, ties half; NaN with one class."""
    hits = int(bad.sum())
    misses = len(bad) - hits
    if not hits or not misses:
        return float("nan")
    ranks = rankdata(probability)
    return float((ranks[bad].sum() - hits * (hits + 1) / 2) / (hits * misses))


def reliability(probability: FloatArray, bad: BoolArray, bins: int = 10) -> list[Bin]:
    """Forecasts in ranges of equal width that have any."""
    place = np.minimum((probability * bins).astype(np.int64), bins - 1)
    out = []
    for number in np.unique(place):
        inside = place == number
        out.append(
            Bin(
                float(probability[inside].mean()),
                float(bad[inside].mean()),
                int(inside.sum()),
            )
        )
    return out


def scores(
    probability: FloatArray,
    bad: BoolArray,
    others: Mapping[str, FloatArray],
    *,
    samples: int = 1000,
    seed: int = 3,
) -> dict[str, Score]:
    """Figures with intervals of the stationary bootstrap in blocks of a quarter on average.

    Parameters
    ----------
    probability : float array of shape (n,)
    bad : bool array of shape (n,)
    others : mapping of str to float array of shape (n,)
        Simpler forecasts; the skill over each is ``1 - Brier / its Brier``, NaN over a faultless
        one.
    samples, seed : int

    Returns
    -------
    dict of str to Score
        ``brier``, ``log_loss``, ``auc``, and for every other forecast ``skill over <name>`` and
        ``brier of <name>``.
    """
    counts = resample_counts(len(bad), samples, seed)
    total = counts.sum(axis=1)
    loss = (probability - bad) ** 2
    out = {
        "brier": _with_interval(brier(probability, bad), counts @ loss / total),
        "log_loss": _with_interval(
            log_loss(probability, bad), counts @ _log_losses(probability, bad) / total
        ),
        "auc": _with_interval(
            area_under_curve(probability, bad),
            np.array([_drawn(area_under_curve, probability, bad, row) for row in counts]),
        ),
    }
    for name, other in others.items():
        reference = (other - bad) ** 2
        skill = 1.0 - _ratio(counts @ loss, counts @ reference)
        value = 1.0 - _ratio(loss.mean(keepdims=True), reference.mean(keepdims=True))
        out[f"skill over {name}"] = _with_interval(float(value[0]), skill)
        out[f"brier of {name}"] = _with_interval(brier(other, bad), counts @ reference / total)
    return out


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.divide(part, whole, out=np.full_like(whole, np.nan), where=whole > 0.0)


def _log_losses(probability: FloatArray, bad: BoolArray) -> FloatArray:
    safe = np.clip(probability, 1e-12, 1.0 - 1e-12)
    return np.asarray(-np.where(bad, np.log(safe), np.log(1.0 - safe)))


def _drawn(
    figure: Callable[[FloatArray, BoolArray], float],
    probability: FloatArray,
    bad: BoolArray,
    counts: FloatArray,
) -> float:
    rows = np.repeat(np.arange(len(bad)), counts.astype(np.int64))
    return figure(probability[rows], bad[rows])


def _with_interval(value: float, drawn: FloatArray) -> Score:
    low, high = interval(drawn[:, None], COVERAGE)
    return Score(value, float(low[0]), float(high[0]))
