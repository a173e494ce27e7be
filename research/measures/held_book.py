"""What a run held, as risk and compliance look at it: facts of markets, exposures, past returns."""

from __future__ import annotations

import numpy as np

from algorithm.decision_line import MarketFacts
from portfolio.contracts import ten_year_equivalent
from research.engine.result import RunResult
from research.measures.tables import contract_values
from risk.var import VarModel
from universe.arrays import FloatArray, known

WORST = -0.95
"""Least return that an index of past returns takes: a price below zero would end it."""

MODEL_SESSIONS = 756
"""Sessions of the correlations of ``model_of``: three years."""

LEAST_SESSIONS = 60
"""Returns below which a market has no correlation, and its risk stands alone."""

_ALL = slice(None)


def market_facts(result: RunResult) -> list[MarketFacts]:
    """Facts of every market; of a run that kept none its code and class."""
    return result.facts or [
        MarketFacts(code, name, "USD", 1.0, 0.0, "USD")
        for code, name in zip(result.markets, result.classes, strict=True)
    ]


def unit_values(result: RunResult, rows: int | slice = _ALL) -> FloatArray:
    """Notional of one contract, (days, markets), account currency; 0 where unknown."""
    value = contract_values(result) if result.unit_value is None else result.unit_value
    return known(value[rows])


def held_exposure(result: RunResult, rows: int | slice = _ALL) -> FloatArray:
    """Signed exposure over NAV of the positions held, (days, markets); 0 where nothing is."""
    worth, nav = result.contracts[rows] * unit_values(result, rows), result.nav[rows]
    return np.asarray(worth / np.where(nav > 0, nav, np.inf)[..., None])


def ten_year_factor(result: RunResult) -> FloatArray:
    """What a unit of exposure counts as, (markets,): rates in ten-year equivalents."""
    duration = np.array([facts.duration for facts in market_facts(result)])
    return np.asarray(1.0 / ten_year_equivalent(duration))


def past_returns(result: RunResult, row: int) -> FloatArray:
    """Returns of all sessions up to a row of the run, warm-up included, (sessions, markets)."""
    if result.history_ret is None:
        return np.zeros((0, len(result.markets)))
    return np.asarray(result.history_ret[: len(result.history_ret) - len(result.day) + row + 1])


def return_index(result: RunResult) -> FloatArray:
    """What a unit put into every market at first has become, (sessions, markets)."""
    returns = past_returns(result, len(result.day) - 1)
    return np.asarray(np.cumprod(1.0 + np.maximum(returns, WORST), axis=0))


def model_of(result: RunResult, row: int) -> VarModel:
    """A covariance of one day from the record alone, for stress tests.

    Volatilities are those of the run's forecasts on the day, correlations of the last
    ``MODEL_SESSIONS`` sessions, equally weighted; the run's own are exponentially weighted.
    """
    n = len(result.markets)
    sigma = np.zeros(n) if result.sigma is None else known(result.sigma[row])
    past = past_returns(result, row)[-MODEL_SESSIONS:]
    young = (past != 0).sum(axis=0) < LEAST_SESSIONS
    centred = past - past.mean(axis=0) if len(past) else past
    size = np.sqrt((centred**2).sum(axis=0))
    usable = (size > 0) & ~young
    unit = np.where(usable, centred / np.where(size > 0, size, 1.0), 0.0)
    correlation = unit.T @ unit
    np.fill_diagonal(correlation, 1.0)
    return VarModel(correlation * np.outer(sigma, sigma), sigma, np.zeros((0, n)), tail=6.0)
