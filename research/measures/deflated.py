"""Sharpe ratios that know how many others were tried (Bailey and Lopez de Prado, 2014).

All ratios here are per period, as in the source: an annual one over the root of the sessions a
year.

References
----------
Bailey and Lopez de Prado, The Sharpe Ratio Efficient Frontier, Journal of Risk 15(2), 2012.
Bailey and Lopez de Prado, The Deflated Sharpe Ratio, Journal of Portfolio Management 40(5), 2014.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from universe.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class Moments:
    """What the law of an estimated Sharpe ratio depends on.

    Attributes
    ----------
    sharpe : float
        Mean over sample standard deviation, per period; NaN where the series is flat.
    skew : float
    kurtosis : float
        Not in excess: 3 for a normal law.
    periods : int
        Number of returns.
    """

    sharpe: float
    skew: float
    kurtosis: float
    periods: int


@dataclass(frozen=True, slots=True)
class DeflatedSharpe:
    """A Sharpe ratio against the best that as many trials without skill are expected to show.

    Attributes
    ----------
    probability : float
        That the true ratio is above ``benchmark``; NaN where the series is flat.
    benchmark : float
        Expected maximum of the trials' ratios if none had skill, per period.
    trials : int
        At least 1.
    moments : Moments
    """

    probability: float
    benchmark: float
    trials: int
    moments: Moments


def moments(returns: FloatArray) -> Moments:
    """Sharpe ratio, skew and kurtosis of a series of returns, per period."""
    count = len(returns)
    deviation = float(np.std(returns, ddof=1)) if count > 2 else 0.0
    if not deviation > 1e-12:
        return Moments(math.nan, math.nan, math.nan, count)
    centred = returns - returns.mean()
    spread = float(np.sqrt(np.mean(centred**2)))
    return Moments(
        float(returns.mean()) / deviation,
        float(np.mean(centred**3)) / spread**3,
        float(np.mean(centred**4)) / spread**4,
        count,
    )


def probabilistic_sharpe(of: Moments, benchmark: float = 0.0) -> float:
    """Probability that the true Sharpe ratio is above ``benchmark``, both per period.

    ``Phi((SR - SR*) sqrt(T - 1) / sqrt(1 - skew SR + (kurtosis - 1) / 4 SR^2))``, equation (9) of
    the second source.
    """
    variance = 1.0 - of.skew * of.sharpe + (of.kurtosis - 1.0) / 4.0 * of.sharpe**2
    if not variance > 0 or of.periods < 2:
        return math.nan
    return float(norm.cdf((of.sharpe - benchmark) * math.sqrt((of.periods - 1) / variance)))


def expected_maximum(trials: int, variance: float) -> float:
    """Expected largest Sharpe ratio of ``trials`` independent ones around zero.

    Parameters
    ----------
    trials : int
    variance : float
        Of the trials' ratios, per period.

    Raises
    ------
    ValueError
        For less than one trial or a negative variance.
    """
    if trials < 1 or not variance >= 0:
        raise ValueError(
            f"{trials} trials of variance {variance}; at least 1 and a variance from 0 are needed"
        )
    if trials == 1:
        return 0.0
    first, second = norm.ppf(1.0 - 1.0 / trials), norm.ppf(1.0 - 1.0 / (trials * math.e))
    quantile = (1.0 - np.euler_gamma) * first + np.euler_gamma * second
    return float(math.sqrt(variance) * quantile)


def deflated_sharpe(of: Moments, trials: int, variance: float) -> DeflatedSharpe:
    """The probability that skill is behind a ratio that was chosen among ``trials``.

    Parameters
    ----------
    of : Moments
        Of the chosen series.
    trials : int
        All configurations ever tried on the data, the chosen one among them.
    variance : float
        Of the trials' Sharpe ratios, per period.

    Raises
    ------
    ValueError
        As ``expected_maximum``.
    """
    benchmark = expected_maximum(trials, variance)
    return DeflatedSharpe(probabilistic_sharpe(of, benchmark), benchmark, trials, of)
