"""A run in parts: sub-periods with intervals, crises, time under water, rolling Sharpe ratio."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from research.engine.result import RunResult
from research.measures.bootstrap import BLOCK, interval, resample_counts, sharpe_ratios
from research.measures.performance import (
    annual_return,
    annual_vol,
    calendar,
    drawdown_series,
    drawdowns,
    growth,
    returns_of,
    rolling_std,
    sharpe,
)
from research.measures.tables import over_nav
from universe.arrays import BoolArray, FloatArray, to_epoch_day, years_between

PERIOD_YEARS = 5
COVERAGE = 0.90
ROLLING_YEAR = 252


@dataclass(frozen=True, slots=True)
class Crisis:
    """A fall of the S&P 500 from its closing high to its closing low."""

    name: str
    high: date
    low: date


CRISES = (
    Crisis("2008", date(2007, 10, 9), date(2009, 3, 9)),
    Crisis("2011", date(2011, 4, 29), date(2011, 10, 3)),
    Crisis("2020", date(2020, 2, 19), date(2020, 3, 23)),
    Crisis("2022", date(2022, 1, 3), date(2022, 10, 12)),
)


@dataclass(frozen=True, slots=True)
class PeriodRow:
    """Net return of a part of the run; ``low`` and ``high`` are the ends of the Sharpe interval.

    ``ret`` is compound and annual, NaN below a quarter of a year; ``drawdown`` is within the part.
    """

    label: str
    sessions: int
    ret: float
    vol: float
    sharpe: float
    low: float
    high: float
    drawdown: float


@dataclass(frozen=True, slots=True)
class CrisisRow:
    """The run in a crisis, from its first close to its last.

    Attributes
    ----------
    crisis : Crisis
    last : int
        Epoch day of the last session that counts: the low, or the end of the run before it.
    ret, drawdown : float
        Net, over the window.
    benchmark : float
        Return of the benchmark, NaN without one.
    best, worst : tuple of str and float
        Asset class and its net contribution over NAV.
    """

    crisis: Crisis
    last: int
    ret: float
    drawdown: float
    benchmark: float
    best: tuple[str, float]
    worst: tuple[str, float]


@dataclass(frozen=True, slots=True)
class UnderWater:
    """Time below the highest close so far; spells in calendar days, ``present`` 0 at a high."""

    share: float
    longest: int
    present: int


def sharpe_interval(
    returns: FloatArray, year: float, coverage: float = COVERAGE, samples: int = 1000
) -> tuple[float, float]:
    """Ends of the interval of an annual Sharpe ratio by stationary bootstrap.

    NaN where there are fewer sessions than two blocks of a quarter.
    """
    if len(returns) < 2 * BLOCK:
        return float("nan"), float("nan")
    counts = resample_counts(len(returns), samples)
    drawn = sharpe_ratios(counts, returns[:, None], np.ones((len(returns), 1), dtype=bool), year)
    low, high = interval(drawn, coverage)
    return float(low[0]), float(high[0])


def sub_periods(result: RunResult, years: int = PERIOD_YEARS) -> list[PeriodRow]:
    """One row per calendar period of ``years`` years, and the whole run at last."""
    returns = returns_of(result)
    year = calendar(result.day[1:])[0]
    first_year = year // years * years
    rows = []
    for first in np.unique(first_year):
        inside = first_year == first
        begin, end = int(year[inside][0]), int(year[inside][-1])
        label = str(begin) if begin == end else f"{begin}-{end}"
        rows.append(_period(label, result, inside))
    return [*rows, _period("whole run", result, np.ones(len(returns), dtype=bool))]


def _period(label: str, result: RunResult, inside: BoolArray) -> PeriodRow:
    returns, year = returns_of(result)[inside], result.sessions_a_year
    excess = returns_of(result, excess=True)[inside]
    where = np.flatnonzero(inside)
    span = (
        years_between(int(result.day[where[0]]), int(result.day[where[-1] + 1]))
        if len(where)
        else 0.0
    )
    low, high = sharpe_interval(excess, year)
    return PeriodRow(
        label,
        len(returns),
        annual_return(returns, span),
        annual_vol(returns, year),
        sharpe(excess, year),
        low,
        high,
        float(drawdown_series(growth(returns)).max()),
    )


def crisis_table(result: RunResult) -> list[CrisisRow]:
    """One row per crisis that the run was in from its high on."""
    rows = []
    for crisis in CRISES:
        high, low = to_epoch_day(crisis.high), to_epoch_day(crisis.low)
        first = int(np.searchsorted(result.day, high, side="right")) - 1
        last = int(np.searchsorted(result.day, low, side="right")) - 1
        if first < 0 or last <= first:
            continue
        returns = returns_of(result)[first:last]
        share = over_nav(result, result.pnl - result.cost)[first + 1 : last + 1].sum(axis=0)
        column = np.array(result.classes)
        classes = {name: float(share[column == name].sum()) for name in sorted(set(result.classes))}
        best, worst = max(classes, key=classes.__getitem__), min(classes, key=classes.__getitem__)
        market = result.benchmark
        rows.append(
            CrisisRow(
                crisis,
                int(result.day[last]),
                float(growth(returns)[-1] - 1.0),
                float(drawdown_series(growth(returns)).max()),
                float("nan")
                if market is None
                else float(np.prod(1.0 + market.returns[first + 1 : last + 1]) - 1.0),
                (best, classes[best]),
                (worst, classes[worst]),
            )
        )
    return rows


def under_water(result: RunResult) -> UnderWater:
    """Share of closes below the highest so far, and the longest and the present spell."""
    falls = drawdowns(result.nav, result.day, count=len(result.day))
    end = int(result.day[-1])
    spells = [(fall.recovered if fall.recovered is not None else end) - fall.peak for fall in falls]
    present = [end - fall.peak for fall in falls if fall.recovered is None]
    below = drawdown_series(result.nav) > 0
    return UnderWater(float(np.mean(below)), max(spells, default=0), max(present, default=0))


def rolling_sharpe(result: RunResult, window: int = ROLLING_YEAR) -> FloatArray:
    """Annual Sharpe ratio of the last ``window`` net returns by session, of shape (n_days,)."""
    returns = returns_of(result, excess=True)
    out = np.full(len(result.day), np.nan)
    if len(returns) < window:
        return out
    total = np.cumsum(np.concatenate([[0.0], returns]))
    mean = (total[window:] - total[:-window]) / window
    deviation = rolling_std(returns, window)[window - 1 :]
    alive = deviation > 1e-12
    ratio = np.where(alive, mean / np.where(alive, deviation, 1.0), np.nan)
    out[window:] = ratio * np.sqrt(result.sessions_a_year)
    return out
