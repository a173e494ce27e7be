"""The law of a profit over several sessions, from that of single ones (R1)."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from universe.arrays import FloatArray


class HorizonLaw(StrEnum):
    """How historical VaR of several sessions follows from single ones."""

    OVERLAPPING = "overlapping"  # sums of successive sessions
    BOOTSTRAP = "bootstrap"  # the law of that many independent draws


HORIZON_LAWS = tuple(str(law) for law in HorizonLaw)

STEPS = 1 << 14
"""Steps of the grid between the least and the largest sum."""


def overlapping_sums(profit: FloatArray, horizon: int) -> FloatArray:
    """Sums of ``horizon`` successive rows, of shape (n - horizon + 1,) or with columns."""
    if horizon == 1:
        return profit
    total = np.cumsum(profit, axis=0)
    sums: FloatArray = total[horizon - 1 :].copy()
    sums[1:] -= total[:-horizon]
    return sums


class ProfitLaw:
    """Law of the sum of ``horizon`` independent draws from past profits.

    What a bootstrap would estimate from samples, computed without them: the profits are put on a
    grid, each shared between its two neighbours so that its mean stays, and their law is raised to
    the horizon's convolution power.

    Parameters
    ----------
    profit : float array of shape (n_sessions,)
        At least one row, all finite.
    horizon : int
        Sessions, at least 1.

    Attributes
    ----------
    step : float
        Of the grid; 0 when all profits are equal.
    """

    def __init__(self, profit: FloatArray, horizon: int) -> None:
        self.profit, self.horizon = profit, horizon
        self._least = float(profit.min())
        span = float(profit.max()) - self._least
        self.step = span * horizon / STEPS
        self._width = STEPS // horizon + 2  # grid points of one draw
        if self.step <= 0:
            return
        place = (profit - self._least) / self.step
        left = np.minimum(place.astype(np.int64), self._width - 2)
        share = place - left
        single = np.bincount(left, 1.0 - share, self._width)
        single += np.bincount(left + 1, share, self._width)
        size = next_fast_len(self._width * horizon, real=True)
        self._transform = rfft(single / len(profit), size)
        self._size = size

    def _cumulative(self, draws: int) -> FloatArray:
        """P(sum of ``draws`` <= draws * least + k * step) by k."""
        law = np.maximum(irfft(self._transform**draws, self._size), 0.0)
        return np.cumsum(law[: (self._width - 1) * draws + 1])

    def var(self, confidence: float) -> float:
        """The loss that is exceeded with probability 1 - ``confidence``, at least 0."""
        return max(-self._quantile(confidence), 0.0)

    def _quantile(self, confidence: float) -> float:
        """Linear between the grid points around it."""
        if self.step <= 0:
            return self._least * self.horizon
        cumulative = self._cumulative(self.horizon)
        level = 1.0 - confidence
        k = int(np.searchsorted(cumulative, level))
        below = float(cumulative[k - 1]) if k else 0.0
        rise = float(cumulative[k]) - below
        return self._least * self.horizon + self.step * (k - 1 + (level - below) / rise)

    def tail_weights(self, confidence: float) -> tuple[FloatArray, FloatArray]:
        """How much each past session counts in the VaR, and in the mean loss beyond it.

        Returns
        -------
        at, beyond : float arrays of shape (n_sessions,)
            Expected number of draws of the session, given that the sum is at the quantile, and
            given that it is no larger. Both sum to the horizon; a market's part of the sum is the
            product with its profits (Euler).
        """
        sessions, horizon = len(self.profit), self.horizon
        if self.step <= 0:
            even = np.full(sessions, horizon / sessions)
            return even, even
        place = self._quantile(confidence) - self._least * horizon
        rest = (place - (self.profit - self._least)) / self.step  # for the other draws
        cumulative = self._cumulative(horizon - 1) if horizon > 1 else np.ones(1)
        grid = np.arange(len(cumulative))
        beyond = np.interp(rest, grid, cumulative, left=0.0, right=1.0)
        half = max(STEPS // (100 * horizon), 1)  # density over 2 % of the range of a single draw
        upper = np.interp(rest + half, grid, cumulative, left=0.0, right=1.0)
        lower = np.interp(rest - half, grid, cumulative, left=0.0, right=1.0)
        return _normalised(upper - lower, horizon), _normalised(beyond, horizon)


def _normalised(weights: FloatArray, total: int) -> FloatArray:
    return np.asarray(weights * (total / weights.sum()))
