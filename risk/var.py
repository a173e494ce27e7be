"""Value at risk: parametric and filtered historical, absolute and relative (R1; SEC 18f-4)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from risk.horizon_law import HORIZON_LAWS, ProfitLaw, overlapping_sums
from universe.arrays import BoolArray, FloatArray, IntArray

CLOSED_ROWS = 10
"""Leading rows without a return that a market may have and still count as listed throughout: a
market that is closed for longer (14 days) loses its budget."""

MAX_SCALE = 2.0
"""A past session tells of the portfolio if at least 1 / MAX_SCALE of its volatility was listed."""


@dataclass(frozen=True, slots=True)
class VarModel:
    """Everything the value at risk of any set of exposures needs on one day.

    A figure that an input makes not a number is infinite, so that the gate fails closed; only too
    short a history makes the historical one NaN, which the parametric one then stands in for.

    Attributes
    ----------
    cov_daily : float array of shape (n_markets, n_markets)
        Covariance of daily returns.
    sigma_daily : float array of shape (n_markets,)
        Volatility forecast of daily returns, 0 where unknown.
    standardised : float array of shape (n_sessions, n_markets)
        Past returns over the volatility forecast before them, oldest first.
    confidence : float
    min_sessions : int
        Below this many rows the historical figure is NaN.
    tail : float
        Degrees of freedom of the parametric law: Student's t of unit variance, 0 for the normal.
    horizon_law : str
        "overlapping": historical VaR of several sessions is a quantile of sums of successive ones,
        of which three years hold 38 without overlap; "bootstrap": of the law of that many
        independent draws from the single ones, see ``risk.horizon_law``.
    tails : dict
        What ``risk.expected_shortfall`` found for an exposure and a horizon.
    listed : int array of shape (n_markets,)
        Derived: row of a market's first return, 0 where it has them from the start.

    Notes
    -----
    Figures of an exposure are kept: the stages of a day ask for those of the same book in turn.
    """

    cov_daily: FloatArray
    sigma_daily: FloatArray
    standardised: FloatArray
    confidence: float = 0.99
    min_sessions: int = 250
    tail: float = 0.0
    horizon_law: str = "overlapping"
    listed: IntArray = field(init=False, repr=False)
    _whole: tuple[FloatArray, BoolArray] = field(init=False, repr=False, compare=False)
    tails: dict[tuple[bytes, int], Any] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )
    _figures: dict[tuple[bytes, int], tuple[float, float]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )
    _profits: dict[bytes, tuple[FloatArray, FloatArray, BoolArray]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        if self.horizon_law not in HORIZON_LAWS:
            raise ValueError(
                f"horizon_law is {self.horizon_law!r}; allowed are {', '.join(HORIZON_LAWS)}"
            )
        rows = self.standardised
        listed = np.zeros(rows.shape[1], dtype=np.int64)
        late = np.flatnonzero(~rows[: CLOSED_ROWS + 1].any(axis=0))
        if len(rows) and len(late):
            returned = rows[:, late] != 0
            listed[late] = np.where(returned.any(axis=0), returned.argmax(axis=0), len(rows))
        object.__setattr__(self, "listed", listed)
        whole = np.ones(len(rows)), np.ones(len(rows), dtype=bool)
        object.__setattr__(self, "_whole", whole)

    def parametric(self, exposure: FloatArray, horizon: int) -> float:
        """q·sqrt(h)·sqrt(eᵀ Σ e), as a positive fraction of NAV; q is the quantile of the law.

        Parameters
        ----------
        exposure : float array of shape (n_markets,)
            Signed exposure over NAV.
        horizon : int
            Sessions.
        """
        if not exposure.any():
            return 0.0
        variance = float(exposure.dot(self.cov_daily).dot(exposure))
        if not math.isfinite(variance):  # minus infinity too
            return float("inf")
        return quantile(self.confidence, self.tail) * math.sqrt(horizon * max(variance, 0.0))

    def historical(self, exposure: FloatArray, horizon: int) -> float:
        """Filtered historical simulation: the loss quantile of today's portfolio.

        Past standardised returns times today's volatilities give the profit of each past session;
        overlapping sums of ``horizon`` of them are the scenarios. The quantile is the worse
        neighbouring order statistic. NaN below ``min_sessions`` rows, never below 0.

        Notes
        -----
        Before a market was listed its rows are zeros, which would thin out the tail of a portfolio
        that holds it. Such a session counts what the markets listed by then made, times the
        volatility of the whole portfolio over theirs (both from ``cov_daily``; at least 1, at most
        ``MAX_SCALE``). Where that ratio is above ``MAX_SCALE`` the session stays among the
        scenarios, so a loss in it is not forgotten, but not in the number of them that the rank of
        the quantile is taken from. A profit is never scaled down and the rank never raised, so a
        one-day figure is never below that of the zeros.
        """
        rows = self.standardised
        if len(rows) < max(self.min_sessions, horizon + 1):
            return float("nan")
        if not exposure.any():
            return 0.0
        profit, _, telling = self.past_profit(exposure)
        if not math.isfinite(np.add.reduce(profit)):
            return float("inf")
        if self.horizon_law == "bootstrap" and horizon > 1:
            return ProfitLaw(profit[telling | (profit < 0)], horizon).var(self.confidence)
        profit = overlapping_sums(profit, horizon)
        rank = self.rank(np.count_nonzero(telling), horizon)
        return max(-float(np.partition(profit, rank)[rank]), 0.0)

    def rank(self, telling: int, horizon: int) -> int:
        """Place of the loss quantile among the scenarios, worst first, from 0."""
        return max(math.floor((1.0 - self.confidence) * (telling - horizon + 1)) - 1, 0)

    def past_profit(self, exposure: FloatArray) -> tuple[FloatArray, FloatArray, BoolArray]:
        """What today's portfolio would have made in every past session.

        Returns
        -------
        profit : float array of shape (n_sessions,)
            Fractions of NAV, at today's volatilities.
        scale : float array of shape (n_sessions,)
            Factor in it for markets that were not listed yet, 1 where all were.
        telling : bool array of shape (n_sessions,)
            Whether enough of the portfolio was listed.
        """
        key = exposure.tobytes()
        if key not in self._profits:
            self._profits[key] = self._past_profit(exposure)
        return self._profits[key]

    def _past_profit(self, exposure: FloatArray) -> tuple[FloatArray, FloatArray, BoolArray]:
        profit = self.standardised.dot(exposure * self.sigma_daily)
        if not self.listed[exposure != 0].any():
            return profit, *self._whole
        scale, telling = self._before_listing(exposure)
        return profit * scale, scale, telling

    def _before_listing(self, exposure: FloatArray) -> tuple[FloatArray, BoolArray]:
        """Factor of every past session's profit, and whether it tells of the portfolio."""
        firsts = sorted(set(self.listed[exposure != 0].tolist()))
        starts = np.array(firsts)
        part = np.where(self.listed <= starts[:, None], exposure, 0.0)
        variance = np.maximum(np.sum(part @ self.cov_daily * part, axis=1), 0.0)
        whole = variance[-1]
        least = np.maximum(variance, whole / (2.0 * MAX_SCALE) ** 2)
        ratio = np.sqrt(np.divide(whole, least, out=np.ones_like(least), where=whole != 0))
        factor = np.minimum(np.maximum(ratio, 1.0), MAX_SCALE)
        scale, telling = np.ones(len(self.standardised)), np.zeros(len(self.standardised), bool)
        for row, value, told in zip(firsts, factor.tolist(), ratio <= MAX_SCALE, strict=True):
            scale[row:], telling[row:] = value, told
        return scale, telling

    def both(self, exposure: FloatArray, horizon: int) -> tuple[float, float]:
        """Parametric and historical VaR, kept: gate, limits and record ask for the same."""
        key = exposure.tobytes(), horizon
        if key not in self._figures:
            self._figures[key] = (
                self.parametric(exposure, horizon),
                self.historical(exposure, horizon),
            )
        return self._figures[key]

    def binding(self, exposure: FloatArray, horizon: int) -> float:
        """The larger of both; the parametric one alone while history is too short."""
        return float(np.fmax(*self.both(exposure, horizon)))

    def expected_shortfall(self, exposure: FloatArray, horizon: int) -> float:
        """Mean loss beyond the parametric VaR under the same law (McNeil et al. 2015, 2.2)."""
        return self.parametric(exposure, horizon) * tail_ratio(self.confidence, self.tail)


@cache
def quantile(confidence: float, tail: float) -> float:
    """Quantile of the unit-variance law: normal, or Student's t with ``tail`` degrees of freedom.

    Raises
    ------
    ValueError
        If ``tail`` is neither 0 nor above 2, where the variance is finite.
    """
    if tail == 0:
        return float(norm.ppf(confidence))
    if tail <= 2:
        raise ValueError(f"tail is {tail:g}; it must be 0 (normal) or above 2")
    return float(student.ppf(confidence, tail) * np.sqrt((tail - 2.0) / tail))


@cache
def tail_ratio(confidence: float, tail: float) -> float:
    """Expected shortfall over VaR under the law of ``quantile``."""
    q = quantile(confidence, tail)
    beyond = 1.0 - confidence
    if tail == 0:
        return float(norm.pdf(q)) / beyond / q
    x = q * np.sqrt(tail / (tail - 2.0))
    density = float(student.pdf(x, tail))
    return float(density / beyond * (tail + x * x) / (tail - 1.0) / x)
