"""Ratios and shape of daily returns beyond mean and volatility."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from research.engine.result import RunResult
from research.measures.performance import (
    annual_return,
    elapsed_years,
    max_drawdown,
    monthly_returns,
    returns_of,
)
from universe.arrays import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Month:
    """Net return of one calendar month."""

    year: int
    month: int
    ret: float

    @property
    def label(self) -> str:
        """As in 2008-10."""
        return f"{self.year}-{self.month:02d}"


@dataclass(frozen=True, slots=True)
class Histogram:
    """Daily returns by bins of equal width, with a normal law of their mean and deviation.

    Attributes
    ----------
    edges : float array of shape (n_bins + 1,)
        The first and the last bin hold all that lies beyond them.
    count, normal : arrays of shape (n_bins,)
        Sessions, and those that the normal law expects.
    """

    edges: FloatArray
    count: IntArray
    normal: FloatArray


def sortino(returns: FloatArray, year: float) -> float:
    """Mean of daily excess returns times ``year`` over the annual downside deviation about zero.

    The deviation counts all days, gains as zero (Sortino and van der Meer, Downside Risk, 1991);
    NaN below two returns or without a loss.
    """
    if len(returns) < 2:
        return float("nan")
    downside = float(np.sqrt(np.mean(np.minimum(returns, 0.0) ** 2)))
    if not downside > 1e-12:
        return float("nan")
    return float(np.mean(returns) / downside * np.sqrt(year))


def calmar(result: RunResult) -> float:
    """Compound net return a year over the deepest drawdown; NaN where there is none."""
    fall = max_drawdown(result)
    if fall is None or not fall.depth > 0:
        return float("nan")
    return annual_return(returns_of(result), elapsed_years(result.day)) / fall.depth


def excess_kurtosis(returns: FloatArray) -> float:
    """Fourth standardised moment with 1 / n, less the 3 of a normal law; NaN if flat."""
    if len(returns) < 4:
        return float("nan")
    centred = returns - returns.mean()
    variance = float(np.mean(centred**2))
    return float(np.mean(centred**4) / variance**2 - 3.0) if variance > 1e-24 else float("nan")


def expected_shortfall(returns: FloatArray, confidence: float) -> float:
    """Mean loss of the worst 1 - confidence of the days, a positive fraction of NAV.

    Of the empirical distribution: the day at the edge counts with the part of it that belongs to
    the tail (Acerbi and Tasche, On the Coherence of Expected Shortfall, 2002). NaN without a day.

    Raises
    ------
    ValueError
        If the confidence is not in (0, 1).
    """
    if not 0.0 < confidence < 1.0:
        raise ValueError(
            f"confidence of the expected shortfall is {confidence}; it must be in (0, 1)"
        )
    if not len(returns):
        return float("nan")
    losses = np.sort(-returns)[::-1]
    size = (1.0 - confidence) * len(losses)
    whole = int(size)
    edge = (size - whole) * losses[whole] if whole < len(losses) else 0.0
    return float((losses[:whole].sum() + edge) / size)


def extreme_months(result: RunResult) -> tuple[Month, Month] | None:
    """Best and worst calendar month, whole or not; None without a return."""
    table = monthly_returns(result)
    months = [
        Month(int(year), column + 1, float(value))
        for year, row in zip(table.years, table.months, strict=True)
        for column, value in enumerate(row)
        if np.isfinite(value)
    ]
    if not months:
        return None
    return max(months, key=lambda m: m.ret), min(months, key=lambda m: m.ret)


def histogram(returns: FloatArray, bins: int = 60, reach: float = 5.0) -> Histogram:
    """Daily returns within ``reach`` standard deviations of zero, in ``bins`` bins."""
    spread = float(np.std(returns)) if len(returns) else 0.0
    end = reach * spread if spread > 1e-12 else 0.01
    edges = np.linspace(-end, end, bins + 1)
    count = np.histogram(np.clip(returns, -end, end), edges)[0].astype(np.int64)
    if not spread > 1e-12:
        return Histogram(edges, count, np.zeros(bins))
    open_ends = np.concatenate([[-np.inf], edges[1:-1], [np.inf]])
    law = np.asarray(norm.cdf(open_ends, float(np.mean(returns)), spread))
    normal: FloatArray = np.asarray(np.diff(law) * len(returns), dtype=np.float64)
    return Histogram(edges, count, normal)
