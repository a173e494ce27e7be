"""Performance and VaR figures of a run: pure numbers, no drawing (O1, R6).

Returns are simple and daily and annualised with the sessions a year of the run's own calendar
(``RunResult.sessions_a_year``). Sharpe ratios are of excess returns: those without the interest
that cash has earned at the bill rate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from research.engine.result import RunResult
from risk.coverage import traffic_light
from risk.var_backtest import exceptions, tested
from universe.arrays import BoolArray, FloatArray, IntArray, years_between

ROLLING_SESSIONS = 63
"""Window of the realised volatility shown against the target."""

VOL_BAND = 0.10
"""Half width of the band around the volatility target, as share of it (9-11 % at 10 %)."""


@dataclass(frozen=True, slots=True)
class Drawdown:
    """One fall of NAV from a peak: ``depth`` is a positive fraction, days are epoch days."""

    depth: float
    peak: int
    trough: int
    recovered: int | None


@dataclass(frozen=True, slots=True)
class MonthlyReturns:
    """Net returns by calendar month; ``months`` is (n_years, 12), NaN where there is no session."""

    years: IntArray
    months: FloatArray
    year: FloatArray


@dataclass(frozen=True, slots=True)
class WorstDay:
    """A day of loss, and the markets that lost most on it.

    ``drivers`` are (market, gross profit over the NAV before), the largest loss first.
    """

    day: int
    ret: float
    var_one_day: float
    drivers: list[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class VarException:
    """A loss beyond the VaR of the positions held overnight; both are fractions of NAV."""

    day: int
    loss: float
    var: float


@dataclass(frozen=True, slots=True)
class VarPeriod:
    """Exceptions of a period against what the confidence allows.

    ``probability`` is P(X <= exceptions) for X ~ Binomial(sessions, 1 - confidence).
    """

    label: str
    sessions: int
    exceptions: int
    expected: float
    probability: float
    zone: str


# --- returns -------------------------------------------------------------------------------------
def returns_of(result: RunResult, *, gross: bool = False, excess: bool = False) -> FloatArray:
    """Daily returns of shape (n_days - 1,), net or before slippage and fees.

    ``excess`` ones are without the interest credited on cash; total and excess returns are the same
    in a run that credits none.

    As ``RunResult.returns``, but 0 from the day on which NAV is no longer positive: there is
    nothing left to earn a return on.
    """
    nav = result.nav
    solvent = np.minimum.accumulate(nav[:-1]) > 0
    base = np.where(solvent, nav[:-1], 1.0)
    change = np.diff(nav) + (result.cost.sum(axis=1)[1:] if gross else 0.0)
    if excess and result.interest is not None:
        change = change - result.interest[1:]
    return np.where(solvent, change / base, 0.0)


def growth(returns: FloatArray) -> FloatArray:
    """Value of 1 invested before the first return, of shape (n_returns + 1,)."""
    return np.concatenate([[1.0], np.cumprod(1.0 + returns)])


def elapsed_years(day: IntArray) -> float:
    """Calendar years from the first session to the last."""
    return years_between(int(day[0]), int(day[-1])) if len(day) else 0.0


def annual_return(returns: FloatArray, years: float) -> float:
    """Compound return per year, (prod(1 + r)) ** (1 / years) - 1.

    NaN for less than a quarter of a year, where it would say nothing; -1 after ruin.
    """
    final = float(growth(returns)[-1])
    if years < 0.25:
        return float("nan")
    return float(final ** (1.0 / years) - 1.0) if final > 0 else -1.0


def annual_vol(returns: FloatArray, year: float) -> float:
    """Sample standard deviation of daily returns times sqrt(year); NaN below two returns.

    Parameters
    ----------
    returns : float array of shape (n_returns,)
    year : float
        Sessions a year of their calendar.
    """
    if len(returns) < 2:
        return float("nan")
    return float(np.std(returns, ddof=1) * np.sqrt(year))


def sharpe(returns: FloatArray, year: float) -> float:
    """Mean of daily excess returns times ``year`` over annual volatility; NaN if flat."""
    vol = annual_vol(returns, year)
    if not vol > 1e-12:
        return float("nan")
    return float(np.mean(returns) * year / vol)


def skew(returns: FloatArray) -> float:
    """Third central moment over the cubed standard deviation, both with 1 / n; NaN if flat."""
    if len(returns) < 3:
        return float("nan")
    centred = returns - returns.mean()
    spread = float(np.sqrt(np.mean(centred**2)))
    return float(np.mean(centred**3) / spread**3) if spread > 1e-12 else float("nan")


def hit_rate(returns: FloatArray) -> float:
    """Share of positive returns among those that are not zero; NaN if all are."""
    moved = returns[returns != 0]
    return float(np.mean(moved > 0)) if len(moved) else float("nan")


def rolling_std(values: FloatArray, window: int) -> FloatArray:
    """Sample standard deviation of the last ``window`` rows; NaN in the first ``window`` - 1.

    By running sums of the centred values, so that days x markets needs no more memory than itself.
    """
    out = np.full(values.shape, np.nan)
    if len(values) < window or window < 2:
        return out
    centred = values - values.mean(axis=0)
    zero = np.zeros_like(centred[:1])
    first = np.cumsum(np.concatenate([zero, centred]), axis=0)
    second = np.cumsum(np.concatenate([zero, centred**2]), axis=0)
    total = first[window:] - first[:-window]
    square = second[window:] - second[:-window]
    out[window - 1 :] = np.sqrt(np.maximum(square - total**2 / window, 0.0) / (window - 1))
    return out


def rolling_vol(result: RunResult, window: int = ROLLING_SESSIONS) -> FloatArray:
    """Annual volatility of the last ``window`` net returns by session, of shape (n_days,)."""
    vol = rolling_std(returns_of(result), window) * np.sqrt(result.sessions_a_year)
    return np.asarray(np.concatenate([[np.nan], vol])[: len(result.nav)])


def calendar(day: IntArray) -> tuple[IntArray, IntArray]:
    """Year and month (1 to 12) of epoch days."""
    month = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return month // 12 + 1970, month % 12 + 1


def monthly_returns(result: RunResult) -> MonthlyReturns:
    """Net returns compounded by calendar month and by year.

    The first month starts at the first session's NAV, so it may be a part of a month.
    """
    returns = returns_of(result)
    year, month = calendar(result.day[1:])
    years = np.unique(year)
    months = np.full((len(years), 12), np.nan)
    whole = np.full(len(years), np.nan)
    for row, label in enumerate(years):
        inside = year == label
        whole[row] = np.prod(1.0 + returns[inside]) - 1.0
        for column in np.unique(month[inside]):
            chosen = inside & (month == column)
            months[row, column - 1] = np.prod(1.0 + returns[chosen]) - 1.0
    return MonthlyReturns(years, months, whole)


def worst_days(result: RunResult, count: int = 10, drivers: int = 3) -> list[WorstDay]:
    """The ``count`` lowest negative net returns, worst first, with the markets that lost most."""
    returns = returns_of(result)
    out = []
    for index in np.argsort(returns, kind="stable")[:count]:
        if not returns[index] < 0:
            break
        share = result.pnl[index + 1] / result.nav[index]
        losers = [i for i in np.argsort(share, kind="stable")[:drivers] if share[i] < 0]
        out.append(
            WorstDay(
                int(result.day[index + 1]),
                float(returns[index]),
                float(result.var_one_day[index]),
                [(result.markets[i], float(share[i])) for i in losers],
            )
        )
    return out


# --- drawdown ------------------------------------------------------------------------------------
def drawdown_series(nav: FloatArray) -> FloatArray:
    """1 - NAV / highest NAV so far, a positive fraction (above 1 once NAV is negative)."""
    peak = np.maximum.accumulate(nav)
    return np.where(peak > 0, 1.0 - nav / np.where(peak > 0, peak, 1.0), 1.0)


def drawdowns(nav: FloatArray, day: IntArray, count: int = 5) -> list[Drawdown]:
    """The ``count`` deepest falls from a peak to its recovery, deepest first."""
    depth = drawdown_series(nav)
    under = np.concatenate([[False], depth > 0, [False]])
    starts = np.flatnonzero(~under[:-1] & under[1:])
    ends = np.flatnonzero(under[:-1] & ~under[1:])
    falls = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        trough = start + int(np.argmax(depth[start:end]))
        recovered = int(day[end]) if end < len(day) else None
        falls.append(
            Drawdown(float(depth[trough]), int(day[start - 1]), int(day[trough]), recovered)
        )
    return sorted(falls, key=lambda fall: (-fall.depth, fall.peak))[:count]


def max_drawdown(result: RunResult) -> Drawdown | None:
    """Deepest fall of NAV with its dates; None if NAV never fell."""
    falls = drawdowns(result.nav, result.day, 1)
    return falls[0] if falls else None


# --- value-at-risk backtest ----------------------------------------------------------------------
def binding_var(result: RunResult) -> FloatArray:
    """The larger of parametric and historical VaR by session; NaN where there is neither."""
    return np.asarray(np.fmax(result.var_parametric, result.var_historical))


def var_confidence(result: RunResult) -> float:
    """Confidence of the run's VaR, 0.99 where the settings do not say."""
    try:
        return float(result.settings["var_confidence"])
    except (KeyError, ValueError):
        return 0.99


def var_tested(result: RunResult) -> BoolArray:
    """Pairs of sessions (t, t + 1) that test the VaR, of shape (n_days - 1,).

    Those with a one-day VaR above zero at t: without a position overnight nothing is forecast.
    """
    return tested(result.var_one_day[:-1])


def var_exceptions(result: RunResult) -> list[VarException]:
    """Sessions t + 1 whose net loss over the NAV of t exceeds the one-day VaR held into them."""
    loss, var = -returns_of(result), result.var_one_day[:-1]
    hit = exceptions(-loss, var)
    return [
        VarException(int(result.day[i + 1]), float(loss[i]), float(var[i]))
        for i in np.flatnonzero(hit)
    ]


def var_periods(result: RunResult, years: int = 10) -> list[VarPeriod]:
    """Exceptions per calendar period of ``years`` years (1: year, 10: decade), the run at last."""
    confidence = var_confidence(result)
    tested = var_tested(result)
    period = calendar(result.day[1:])[0] // years * years
    bad = np.array([e.day for e in var_exceptions(result)], dtype=np.int64)
    hit = np.isin(result.day[1:], bad)
    out = []
    for first in np.unique(period):
        label = str(first) if years == 1 else f"{first}-{first + years - 1}"
        inside = period == first
        out.append(_var_period(label, tested & inside, hit & inside, confidence))
    return [*out, _var_period("whole run", tested, hit, confidence)]


def _var_period(label: str, tested: BoolArray, hit: BoolArray, confidence: float) -> VarPeriod:
    sessions, exceptions = int(tested.sum()), int(hit.sum())
    probability, zone = traffic_light(exceptions, sessions, confidence)
    expected = sessions * (1.0 - confidence)
    return VarPeriod(label, sessions, exceptions, expected, probability, zone)
