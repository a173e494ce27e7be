"""Backtest of the value at risk on each business day's gain or loss (R6; 18f-4(c)(1)(iv)).

One-day VaR is tested by day; VaR of a longer horizon on windows that do not overlap, or by a block
bootstrap where they do: sums that share days are neither independent nor many.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from risk.coverage import (
    CoverageTest,
    conditional_coverage,
    independence,
    kupiec,
    traffic_light,
)
from universe.arrays import BoolArray, FloatArray

ALTERNATIVE_WINDOW = 250
"""Sessions of the fund's own results that the simple alternatives look back on."""

DECAY = 0.94
"""Of the exponentially weighted variance (RiskMetrics Technical Document, 1996)."""


@dataclass(frozen=True, slots=True)
class Backtest:
    """One-day VaR against what happened.

    Attributes
    ----------
    sessions, exceptions : int
    expected : float
        Exceptions that the confidence allows.
    probability : float
        P(X <= exceptions), see ``coverage.traffic_light``.
    zone : str
    proportion, independence, joint : CoverageTest
        Kupiec's test and Christoffersen's two.
    loss : float
        Mean quantile loss, fraction of NAV; NaN without sessions.
    """

    sessions: int
    exceptions: int
    expected: float
    probability: float
    zone: str
    proportion: CoverageTest
    independence: CoverageTest
    joint: CoverageTest
    loss: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Mean quantile losses on the same sessions; lower is better.

    ``difference`` is ours less the alternative's; ``t_value`` is of its mean, by Newey and West.
    """

    name: str
    sessions: int
    ours: float
    alternative: float
    difference: float
    t_value: float


@dataclass(frozen=True, slots=True)
class HorizonBacktest:
    """VaR of several sessions against sums of results.

    Attributes
    ----------
    windows, exceptions : int
        Without overlap, from the first session on.
    proportion : CoverageTest
        Kupiec's test on them.
    overlapping : float
        Share of exceptions among all windows, NaN without one.
    low, high : float
        Ends of the block bootstrap's interval of that share.
    """

    windows: int
    exceptions: int
    proportion: CoverageTest
    overlapping: float
    low: float
    high: float


def tested(var: FloatArray) -> BoolArray:
    """Sessions with a VaR above zero: without a position overnight nothing is forecast."""
    return np.asarray(np.isfinite(var) & (var > 0))


def exceptions(result: FloatArray, var: FloatArray) -> BoolArray:
    """Sessions whose loss exceeds the VaR held into them.

    Parameters
    ----------
    result : float array of shape (n_sessions,)
        Gain or loss over the NAV at the start of the session.
    var : float array of shape (n_sessions,)
        One-day VaR of the positions held into the session, positive fraction of that NAV.

    Raises
    ------
    ValueError
        If the lengths differ.
    """
    if result.shape != var.shape:
        raise ValueError(f"result has shape {result.shape}; it must be that of var, {var.shape}")
    return np.asarray(tested(var) & (-result > np.where(np.isfinite(var), var, np.inf)))


def backtest(result: FloatArray, var: FloatArray, confidence: float) -> Backtest:
    """All figures of a one-day backtest.

    Parameters
    ----------
    result, var : float arrays of shape (n_sessions,)
        As for ``exceptions``; sessions without a VaR are left out.
    confidence : float
    """
    use = tested(var) & np.isfinite(result)
    hit = exceptions(result, var)[use]
    sessions, count = len(hit), int(hit.sum())
    probability, zone = traffic_light(count, sessions, confidence)
    loss = quantile_loss(result[use], var[use], confidence)
    return Backtest(
        sessions,
        count,
        sessions * (1.0 - confidence),
        probability,
        zone,
        kupiec(count, sessions, confidence),
        independence(hit),
        conditional_coverage(hit, confidence),
        float(loss.mean()) if sessions else float("nan"),
    )


def quantile_loss(result: FloatArray, var: FloatArray, confidence: float) -> FloatArray:
    """Loss function whose expectation the right quantile alone makes least, by session.

    (alpha - 1[result < -VaR]) (result + VaR), alpha = 1 - ``confidence`` (Koenker and Bassett,
    Regression quantiles, Econometrica 46, 1978).
    """
    beyond = (result < -var).astype(np.float64)
    return np.asarray((1.0 - confidence - beyond) * (result + var))


def plain_historical(
    result: FloatArray, confidence: float, window: int = ALTERNATIVE_WINDOW
) -> FloatArray:
    """Loss quantile of the fund's own last ``window`` results, for the session after them.

    The worse neighbouring order statistic; NaN in the first ``window`` sessions.
    """
    out = np.full(len(result), np.nan)
    if len(result) <= window:
        return out
    rank = max(int(np.floor((1.0 - confidence) * window)) - 1, 0)
    past = np.lib.stride_tricks.sliding_window_view(result, window)[:-1]
    out[window:] = np.maximum(-np.partition(past, rank, axis=1)[:, rank], 0.0)
    return out


def exponential_normal(
    result: FloatArray, confidence: float, window: int = ALTERNATIVE_WINDOW
) -> FloatArray:
    """Normal quantile times the exponentially weighted volatility of the fund's own results.

    For the session after them; NaN in the first ``window`` sessions.
    """
    out = np.full(len(result), np.nan)
    if len(result) <= window:
        return out
    variance = float(np.mean(result[:window] ** 2))
    for session in range(window, len(result)):
        out[session] = np.sqrt(variance)
        variance = DECAY * variance + (1.0 - DECAY) * float(result[session]) ** 2
    return out * float(norm.ppf(confidence))


def compare(result: FloatArray, var: FloatArray, confidence: float) -> list[Comparison]:
    """Quantile loss of the model against two that know only the fund's own results.

    Parameters
    ----------
    result, var : float arrays of shape (n_sessions,)
    confidence : float

    Returns
    -------
    list of Comparison
        One an alternative; figures are NaN where no session has both.
    """
    alternatives = {
        "historical, 250 days": plain_historical(result, confidence),
        "exponential, normal": exponential_normal(result, confidence),
    }
    out = []
    for name, other in alternatives.items():
        use = tested(var) & np.isfinite(other) & np.isfinite(result)
        ours = quantile_loss(result[use], var[use], confidence)
        theirs = quantile_loss(result[use], other[use], confidence)
        nothing = float("nan")
        out.append(
            Comparison(
                name,
                int(use.sum()),
                float(ours.mean()) if use.any() else nothing,
                float(theirs.mean()) if use.any() else nothing,
                float((ours - theirs).mean()) if use.any() else nothing,
                _t_value(ours - theirs),
            )
        )
    return out


def horizon_backtest(
    result: FloatArray,
    var: FloatArray,
    confidence: float,
    horizon: int,
    *,
    samples: int = 2000,
    coverage: float = 0.95,
    seed: int = 1,
) -> HorizonBacktest:
    """Backtest VaR of ``horizon`` sessions.

    Parameters
    ----------
    result : float array of shape (n_sessions,)
        By session, over NAV at its start.
    var : float array of shape (n_sessions,)
        VaR over ``horizon`` sessions of the positions held into the session.
    confidence : float
    horizon : int
        Sessions.
    samples : int
        Of the bootstrap, in blocks of twice the horizon, within which windows overlap.
    coverage : float
        Of the interval.
    seed : int

    Raises
    ------
    ValueError
        If lengths differ or the horizon is not positive.
    """
    if horizon < 1:
        raise ValueError(f"horizon is {horizon}; it must be at least 1 session")
    if len(result) < horizon:
        return HorizonBacktest(0, 0, kupiec(0, 0, confidence), *[float("nan")] * 3)
    total = np.cumsum(np.concatenate([[0.0], result]))
    sums = total[horizon:] - total[:-horizon]
    held = var[: len(sums)]
    hit, use = exceptions(sums, held), tested(held)
    apart = np.flatnonzero(use[::horizon]) * horizon
    count = int(hit[apart].sum())
    low, high = _share_interval(hit[use], 2 * horizon, samples, coverage, seed)
    return HorizonBacktest(
        len(apart),
        count,
        kupiec(count, len(apart), confidence),
        float(hit[use].mean()) if use.any() else float("nan"),
        low,
        high,
    )


def _share_interval(
    hit: BoolArray, block: int, samples: int, coverage: float, seed: int
) -> tuple[float, float]:
    """Interval of the share of exceptions by the circular block bootstrap."""
    n = len(hit)
    if n < 2 * block:
        return float("nan"), float("nan")
    total = np.concatenate([[0], np.cumsum(np.concatenate([hit, hit[:block]]))])
    length = np.full(-(-n // block), block)
    length[-1] += n - length.sum()  # the last block is cut off where the sample is full
    start = np.random.default_rng(seed).integers(0, n, (samples, len(length)))
    shares = (total[start + length] - total[start]).sum(axis=1) / n
    low, high = np.quantile(shares, [0.5 - coverage / 2.0, 0.5 + coverage / 2.0])
    return float(low), float(high)


def _t_value(values: FloatArray) -> float:
    """Mean over its standard error with Bartlett weights (Newey and West, Econometrica 1987)."""
    n = len(values)
    if n < 2:
        return float("nan")
    centred = values - values.mean()
    variance = float(centred @ centred)
    lags = min(int(4.0 * (n / 100.0) ** (2.0 / 9.0)), n - 1)
    for lag in range(1, lags + 1):
        weight = 2.0 * (1.0 - lag / (lags + 1.0))
        variance += weight * float(centred[lag:] @ centred[:-lag])
    return float(values.mean() * n / np.sqrt(variance)) if variance > 0 else float("nan")
