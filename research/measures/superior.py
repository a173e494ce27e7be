"""Whether the best of many beats a benchmark: Hansen's test of superior predictive ability.

Hansen, A Test for Superior Predictive Ability, Journal of Business and Economic Statistics 23(4),
2005. Differences are studentised as there, which ``arch.bootstrap.SPA`` does not do: it compares
raw means, so that the most volatile model decides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from research.measures.bootstrap import BLOCK, resample_counts
from universe.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class SuperiorAbility:
    """p-values of the hypothesis that no model is better than the benchmark.

    Attributes
    ----------
    lower, consistent, upper : float
        By how models worse than the benchmark are centred; ``consistent`` is the one to read.
    statistic : float
        Largest studentised mean difference, at least 0.
    best : int
        The model that has it.
    samples : int
        Of the stationary bootstrap with blocks of ``bootstrap.BLOCK`` sessions on average.
    """

    lower: float
    consistent: float
    upper: float
    statistic: float
    best: int
    samples: int


def superior_ability(
    benchmark: FloatArray, models: FloatArray, samples: int = 2000, seed: int = 3
) -> SuperiorAbility:
    """Test models against a benchmark by their mean return.

    Parameters
    ----------
    benchmark : float array of shape (n_days,)
    models : float array of shape (n_days, n_models)
        Returns on the same sessions; a model that never differs from the benchmark is left out.
    samples, seed : int

    Raises
    ------
    ValueError
        If no model differs from the benchmark, or there are fewer sessions than two blocks.
    """
    difference = models - benchmark[:, None]
    days = len(difference)
    if days < 2 * BLOCK:
        raise ValueError(f"{days} sessions; the test needs at least {2 * BLOCK}")
    deviation = np.sqrt(long_run_variance(difference))
    differs = np.flatnonzero(deviation > 1e-12)
    if not len(differs):
        raise ValueError("no model differs from the benchmark; there is nothing to test")
    studentised = difference[:, differs] / deviation[differs]
    mean = studentised.mean(axis=0)
    root = np.sqrt(days)
    statistic = max(float(root * mean.max()), 0.0)
    drawn = resample_counts(days, samples, seed) @ studentised / days
    relevant = root * mean >= -np.sqrt(2.0 * np.log(np.log(days)))
    p_values = []
    for centre in (np.maximum(mean, 0.0), np.where(relevant, mean, 0.0), mean):
        largest = np.maximum(root * (drawn - centre).max(axis=1), 0.0)
        p_values.append(float(np.mean(largest >= statistic)))  # 1 where none is better
    best = int(differs[np.argmax(mean)])
    lower, consistent, upper = p_values
    return SuperiorAbility(lower, consistent, upper, statistic, best, samples)


def long_run_variance(series: FloatArray) -> FloatArray:
    """Variance of sqrt(n) times the mean under the stationary bootstrap, by column.

    Politis and Romano, The Stationary Bootstrap, JASA 89, 1994, lemma 1: autocovariances weighted
    by ``(1 - i/n)(1 - p)^i + (i/n)(1 - p)^(n - i)`` with p one over the mean block.

    Parameters
    ----------
    series : float array of shape (n, n_series)

    Returns
    -------
    float array of shape (n_series,)
    """
    n = len(series)
    centred = series - series.mean(axis=0)
    spectrum = np.abs(np.fft.rfft(centred, 2 * n, axis=0)) ** 2
    covariance = np.fft.irfft(spectrum, axis=0)[:n] / n
    lag = np.arange(n)
    stay = 1.0 - 1.0 / BLOCK
    weight = (1.0 - lag / n) * stay**lag + lag / n * stay ** (n - lag)
    weight[0] = 0.5
    return np.asarray(np.maximum(2.0 * weight @ covariance, 0.0))
