"""How the parts of a return move together, and how much of its risk each of them is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from research.engine.result import RunResult
from research.measures.performance import annual_vol, calendar
from research.measures.tables import class_contributions, over_nav
from universe.arrays import FloatArray

WEEK = 5
"""Sessions added up before parts are correlated: markets close at different hours."""

LAST_YEAR = 252


@dataclass(frozen=True, slots=True)
class RiskShare:
    """A part of the return: annual volatility by itself, and its share of the whole's variance.

    ``share`` is the covariance of the part with the whole over the variance of the whole; the
    shares of all parts add up to 1. ``last_year`` is the same of the last 252 sessions.
    """

    name: str
    vol: float
    share: float
    last_year: float


@dataclass(frozen=True, slots=True)
class Correlations:
    """Correlation of parts, (n_parts, n_parts), NaN where a part never moved."""

    names: list[str]
    matrix: FloatArray


def risk_shares(parts: Mapping[str, FloatArray], year: float) -> list[RiskShare]:
    """Realised risk by part of a daily return; the whole is the sum of the parts.

    Parameters
    ----------
    parts : mapping of str to float array of shape (n_days,)
    year : float
        Sessions a year of their calendar.
    """
    if not parts:
        return []
    table = np.column_stack(list(parts.values()))
    whole, recent = _shares(table), _shares(table[-LAST_YEAR:])
    return [
        RiskShare(name, annual_vol(table[:, i], year), float(whole[i]), float(recent[i]))
        for i, name in enumerate(parts)
    ]


def _shares(table: FloatArray) -> FloatArray:
    total = table.sum(axis=1)
    if len(total) < 2 or not np.std(total) > 1e-12:
        return np.full(table.shape[1], np.nan)
    centred = table - table.mean(axis=0)
    joint = centred.T @ (total - total.mean())
    return np.asarray(joint / np.sum((total - total.mean()) ** 2))


def market_risk_shares(result: RunResult) -> FloatArray:
    """Share of each market in the variance of the markets' gross return, (n_markets,)."""
    return _shares(over_nav(result, result.pnl)[1:])


def class_risk(result: RunResult) -> list[RiskShare]:
    """Realised risk by asset class, of gross profit over NAV."""
    return risk_shares(_class_parts(result), result.sessions_a_year)


def sleeve_risk(result: RunResult) -> list[RiskShare]:
    """Realised risk by sleeve, of gross profit over NAV."""
    return risk_shares(_sleeve_parts(result), result.sessions_a_year)


def class_correlations(result: RunResult) -> Correlations:
    """Correlation of the asset classes' gross profit over NAV, by weeks of sessions."""
    return correlations(_class_parts(result))


def sleeve_correlations(result: RunResult) -> Correlations:
    """Correlation of the sleeves' gross profit over NAV, by weeks of sessions."""
    return correlations(_sleeve_parts(result))


def correlations(parts: Mapping[str, FloatArray], block: int = WEEK) -> Correlations:
    """Correlation of sums of ``block`` days; days at the end that fill no block are left out."""
    names = list(parts)
    table = np.column_stack([*parts.values()]) if parts else np.zeros((0, 0))
    count = len(table) // block
    sums = table[: count * block].reshape(count, block, table.shape[1]).sum(axis=1)
    out = np.full((len(names), len(names)), np.nan)
    if count > 2:
        moved = np.std(sums, axis=0) > 1e-12
        if moved.any():
            found = np.atleast_2d(np.corrcoef(sums[:, moved], rowvar=False))
            out[np.ix_(moved, moved)] = found
    return Correlations(names, out)


def _class_parts(result: RunResult) -> dict[str, FloatArray]:
    parts = class_contributions(result, net=False).parts
    return {name: parts[name][1:] for name in sorted(set(result.classes))}


def _sleeve_parts(result: RunResult) -> dict[str, FloatArray]:
    return {
        name: over_nav(result, money)[1:].sum(axis=1) for name, money in result.sleeve_pnl.items()
    }


def yearly_class_risk(result: RunResult) -> dict[str, dict[int, float]]:
    """Share of each asset class in the realised variance of every calendar year."""
    parts = _class_parts(result)
    year = calendar(result.day[1:])[0]
    table = np.column_stack(list(parts.values()))
    out: dict[str, dict[int, float]] = {name: {} for name in parts}
    for label in np.unique(year):
        shares = np.nan_to_num(_shares(table[year == label]))
        for name, share in zip(parts, shares.tolist(), strict=True):
            out[name][int(label)] = share
    return out


def rolling_correlation(a: FloatArray, b: FloatArray, window: int = LAST_YEAR) -> FloatArray:
    """Correlation of the last ``window`` values, NaN before; both of shape (n,)."""
    out = np.full(len(a), np.nan)
    if len(a) < window:
        return out

    def mean(values: FloatArray) -> FloatArray:
        total = np.cumsum(np.concatenate([[0.0], values]))
        return np.asarray((total[window:] - total[:-window]) / window)

    a, b = a - a.mean(), b - b.mean()
    covariance = mean(a * b) - mean(a) * mean(b)
    spread = np.sqrt(
        np.maximum(mean(a * a) - mean(a) ** 2, 0) * np.maximum(mean(b * b) - mean(b) ** 2, 0)
    )
    alive = spread > 1e-16
    out[window - 1 :] = np.where(alive, covariance / np.where(alive, spread, 1.0), np.nan)
    return out


def beta(returns: FloatArray, market: FloatArray) -> float:
    """Slope of ``returns`` on ``market``; NaN if the market never moved."""
    if len(market) < 3 or not np.std(market) > 1e-12:
        return float("nan")
    return float(np.cov(returns, market)[0, 1] / np.var(market, ddof=1))


def correlation(a: FloatArray, b: FloatArray) -> float:
    """Correlation of two series, NaN if one of them never moved."""
    if len(a) < 3 or not (np.std(a) > 1e-12 and np.std(b) > 1e-12):
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def weekly(values: FloatArray, block: int = WEEK) -> FloatArray:
    """Sums of ``block`` sessions; what fills no block at the end is left out."""
    count = len(values) // block
    return np.asarray(values[: count * block].reshape(count, block).sum(axis=1))
