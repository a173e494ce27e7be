"""Coverage tests of a value at risk: Kupiec, Christoffersen and the traffic light (R6).

The p-values are exact: under the null the exceptions are independent coin throws, and given their
number every order of them is equally likely, so the law of each statistic is a finite sum. The
chi-squared ones, which published tables use, stand beside them; with one exception in a hundred
sessions they are far off in samples of a year.

Sources: Kupiec, Techniques for verifying the accuracy of risk measurement models, Journal of
Derivatives 3 (1995); Christoffersen, Evaluating interval forecasts, International Economic Review
39 (1998); Basel Committee, Supervisory framework for the use of backtesting (1996).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, xlogy
from scipy.stats import binom, chi2

from universe.arrays import BoolArray, FloatArray, IntArray

GREEN_BELOW, YELLOW_BELOW = 0.95, 0.9999
"""Cumulative probabilities at which the Basel zones begin to be yellow, and red."""

TIE = 1e-9
"""Statistics closer than this are equal: the same likelihoods summed in another order."""

NEGLIGIBLE = 1e-18
"""Numbers of exceptions less likely than this do not count in the joint law."""


@dataclass(frozen=True, slots=True)
class CoverageTest:
    """A likelihood-ratio test.

    Attributes
    ----------
    statistic : float
        -2 log of the likelihood ratio, at least 0; NaN where there is nothing to test.
    exact, asymptotic : float
        P-values: by the finite law, and by the chi-squared one.
    """

    statistic: float
    exact: float
    asymptotic: float


@dataclass(frozen=True, slots=True)
class Transitions:
    """Pairs of successive sessions: first digit yesterday, second today, 1 an exception."""

    n00: int
    n01: int
    n10: int
    n11: int


UNTESTED = CoverageTest(float("nan"), float("nan"), float("nan"))


def transitions(hit: BoolArray) -> Transitions:
    """Count the pairs of successive sessions of ``hit``, of shape (n_sessions,)."""
    before, after = hit[:-1], hit[1:]
    n11 = int(np.sum(before & after))
    n01, n10 = int(np.sum(after)) - n11, int(np.sum(before)) - n11
    return Transitions(len(before) - n01 - n10 - n11, n01, n10, n11)


def kupiec(exceptions: int, sessions: int, confidence: float) -> CoverageTest:
    """Test that exceptions happen with probability 1 - ``confidence`` (proportion of failures).

    Parameters
    ----------
    exceptions, sessions : int
        No session leaves it untested.
    confidence : float
        Of the VaR.

    Returns
    -------
    CoverageTest
        The exact p-value is the probability of all counts that are no likelier by the ratio.

    Raises
    ------
    ValueError
        If there are more exceptions than sessions or the confidence is not within (0, 1).
    """
    rate = _rate(confidence)
    if not 0 <= exceptions <= sessions:
        raise ValueError(f"exceptions is {exceptions}; it must be between 0 and {sessions}")
    if sessions == 0:
        return UNTESTED
    counts = np.arange(sessions + 1)
    statistic = _proportion_ratio(counts, sessions, rate)
    found = float(statistic[exceptions])
    exact = float(binom.pmf(counts, sessions, rate)[statistic >= found - TIE].sum())
    return CoverageTest(found, min(exact, 1.0), float(chi2.sf(found, 1)))


def independence(hit: BoolArray) -> CoverageTest:
    """Test that an exception is as likely after one as after none (Christoffersen).

    Parameters
    ----------
    hit : bool array of shape (n_sessions,)

    Returns
    -------
    CoverageTest
        Exact given the number of exceptions. Without a pair of sessions it is untested; without an
        exception, or with nothing else, the order says nothing: statistic 0 and p-values 1.
    """
    if len(hit) < 2:
        return UNTESTED
    pairs = transitions(hit)
    found = float(_independence_ratio(*_as_arrays(pairs))[0])
    statistic, probability = _orders(int(hit.sum()), len(hit))
    exact = float(probability[statistic >= found - TIE].sum())
    return CoverageTest(found, min(exact, 1.0), float(chi2.sf(found, 1)))


def conditional_coverage(hit: BoolArray, confidence: float) -> CoverageTest:
    """Test both at once: the right share of exceptions, in no order (Christoffersen).

    Parameters
    ----------
    hit : bool array of shape (n_sessions,)
    confidence : float

    Returns
    -------
    CoverageTest
        The statistic is the sum of the two others'; below two sessions it is untested.

    Raises
    ------
    ValueError
        If the confidence is not within (0, 1).
    """
    rate = _rate(confidence)
    if len(hit) < 2:
        return UNTESTED
    sessions, exceptions = len(hit), int(hit.sum())
    counts = np.arange(sessions + 1)
    proportion = _proportion_ratio(counts, sessions, rate)
    found = float(proportion[exceptions]) + independence(hit).statistic
    likely = binom.pmf(counts, sessions, rate)
    exact = 0.0
    for count in np.flatnonzero(likely > NEGLIGIBLE).tolist():
        if proportion[count] >= found - TIE:
            exact += float(likely[count])
            continue
        statistic, probability = _orders(count, sessions)
        beyond = proportion[count] + statistic >= found - TIE
        exact += float(likely[count] * probability[beyond].sum())
    return CoverageTest(found, min(exact, 1.0), float(chi2.sf(found, 2)))


def traffic_light(exceptions: int, sessions: int, confidence: float) -> tuple[float, str]:
    """Cumulative binomial probability of the exceptions, and the Basel zone for any sample size.

    Parameters
    ----------
    exceptions, sessions : int
    confidence : float
        Of the VaR.

    Returns
    -------
    probability : float
        P(X <= exceptions) for X ~ Binomial(sessions, 1 - confidence); NaN without sessions.
    zone : str
        "green" below 95 %, "yellow" below 99.99 %, else "red"; "untested" without sessions. For
        250 sessions at 99 % that is green to 4 exceptions, yellow to 9.
    """
    if sessions == 0:
        return float("nan"), "untested"
    probability = float(binom.cdf(exceptions, sessions, 1.0 - confidence))
    if probability < GREEN_BELOW:
        return probability, "green"
    return probability, "yellow" if probability < YELLOW_BELOW else "red"


def _rate(confidence: float) -> float:
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence is {confidence:g}; it must be above 0 and below 1")
    return 1.0 - confidence


def _proportion_ratio(exceptions: IntArray, sessions: int, rate: float) -> FloatArray:
    share = exceptions / sessions
    fitted = xlogy(exceptions, share) + xlogy(sessions - exceptions, 1.0 - share)
    null = xlogy(exceptions, rate) + xlogy(sessions - exceptions, 1.0 - rate)
    return np.asarray(np.maximum(2.0 * (fitted - null), 0.0))


def _as_arrays(pairs: Transitions) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    n00, n01, n10, n11 = (
        np.array([float(n)]) for n in (pairs.n00, pairs.n01, pairs.n10, pairs.n11)
    )
    return n00, n01, n10, n11


def _independence_ratio(
    n00: FloatArray, n01: FloatArray, n10: FloatArray, n11: FloatArray
) -> FloatArray:
    def likelihood(hits: FloatArray, others: FloatArray) -> FloatArray:
        share = hits / np.maximum(hits + others, 1.0)
        return np.asarray(xlogy(hits, share) + xlogy(others, 1.0 - share))

    apart = likelihood(n01, n00) + likelihood(n11, n10)
    return np.maximum(2.0 * (apart - likelihood(n01 + n11, n00 + n10)), 0.0)


def _orders(exceptions: int, sessions: int) -> tuple[FloatArray, FloatArray]:
    """Independence statistics and probabilities of all orders of so many exceptions.

    Orders with equal numbers of runs of exceptions, and equal ends, have equal transitions:
    C(x - 1, r - 1) ways to cut x exceptions into r runs, and C(z - 1, g - 1) to cut the z other
    sessions into the g stretches around them.
    """
    rest = sessions - exceptions
    if exceptions == 0 or rest == 0:
        return np.zeros(1), np.ones(1)
    runs, first, last = np.meshgrid(
        np.arange(1, exceptions + 1), np.arange(2), np.arange(2), indexing="ij"
    )
    gaps = runs + 1 - first - last  # first, last: whether the sample begins, ends with exceptions
    possible = (gaps >= 1) & (gaps <= rest)
    runs, first, last, gaps = (a[possible] for a in (runs, first, last, gaps))
    ways = (
        _log_choose(exceptions - 1, runs - 1)
        + _log_choose(rest - 1, gaps - 1)
        - _log_choose(sessions, np.array(exceptions))
    )
    n11 = (exceptions - runs).astype(np.float64)
    n01, n10 = (runs - first).astype(np.float64), (runs - last).astype(np.float64)
    n00 = sessions - 1.0 - n11 - n01 - n10
    return _independence_ratio(n00, n01, n10, n11), np.exp(ways)


def _log_choose(n: int, k: IntArray) -> FloatArray:
    return np.asarray(gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0))
