"""Probability of backtest overfitting by combinatorially symmetric cross-validation (CSCV).

Bailey, Borwein, Lopez de Prado and Zhu, The Probability of Backtest Overfitting, Journal of
Computational Finance 20(4), 2017.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import rankdata

from universe.arrays import FloatArray

BLOCKS = 16
"""Blocks of the paper: 12,870 ways to halve them."""

MOST_BLOCKS = 20
"""More would be over 700,000 ways."""


@dataclass(frozen=True, slots=True)
class Overfitting:
    """How often the best in one half of history was below the median in the other.

    Attributes
    ----------
    probability : float
        Share of halvings whose ``logit`` is not positive.
    loss : float
        Share of halvings in which the chosen one had a negative Sharpe ratio out of sample.
    blocks, sessions : int
        Blocks of equal length and their length; the oldest sessions left over are not used.
    logit : float array of shape (n_halvings,)
        Log odds of the chosen one's relative rank out of sample.
    """

    probability: float
    loss: float
    blocks: int
    sessions: int
    logit: FloatArray


def backtest_overfitting(returns: FloatArray, blocks: int = BLOCKS) -> Overfitting:
    """CSCV by Sharpe ratio over all halvings of history into ``blocks`` / 2 blocks each.

    Parameters
    ----------
    returns : float array of shape (n_days, n_trials)
        Net returns of every configuration on the same sessions, finite.
    blocks : int
        Even, from 2 to 20.

    Raises
    ------
    ValueError
        For fewer than two trials, an odd or unusual number of blocks, blocks of less than two
        sessions, or a return that is not finite.
    """
    days, trials = returns.shape
    if trials < 2:
        raise ValueError(f"{trials} trial; overfitting is a choice among at least 2")
    if blocks % 2 or not 2 <= blocks <= MOST_BLOCKS:
        raise ValueError(f"blocks is {blocks}; it must be even, from 2 to {MOST_BLOCKS}")
    length = days // blocks
    if length < 2:
        raise ValueError(f"{days} sessions make no {blocks} blocks of at least 2")
    if not np.all(np.isfinite(returns)):
        raise ValueError("a return is not finite; every trial needs one on every session")
    used = returns[days - length * blocks :].reshape(blocks, length, trials)
    half = np.zeros((math.comb(blocks, blocks // 2), blocks))
    for row, chosen in enumerate(combinations(range(blocks), blocks // 2)):
        half[row, list(chosen)] = 1.0
    inside = _sharpe(used, half)
    outside = _sharpe(used, 1.0 - half)
    best = np.argmax(inside, axis=1)
    rows = np.arange(len(best))
    rank = rankdata(outside, axis=1)[rows, best] / (trials + 1.0)
    logit = np.log(rank / (1.0 - rank))
    return Overfitting(
        float(np.mean(logit <= 0.0)),
        float(np.mean(outside[rows, best] < 0.0)),
        blocks,
        length,
        logit,
    )


def _sharpe(used: FloatArray, chosen: FloatArray) -> FloatArray:
    """Sharpe ratio of every trial over the chosen blocks, (n_halvings, n_trials); 0 where flat."""
    count = chosen.sum(axis=1)[:, None] * used.shape[1]
    mean = chosen @ used.sum(axis=1) / count
    square = chosen @ (used * used).sum(axis=1) / count
    variance = np.maximum(square - mean * mean, 0.0)
    flat = variance <= 1e-24
    return np.where(flat, 0.0, mean / np.sqrt(np.where(flat, 1.0, variance)))
