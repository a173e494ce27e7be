"""Correlation and volatility of markets with unequal histories, always positive semi-definite (P1).

All estimators work on standardised returns (return over the volatility forecast before it), so a
quiet and a wild year count alike, and a market that is closed or not yet listed adds a zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from sklearn.covariance import ledoit_wolf

from universe.arrays import BoolArray, FloatArray, IntArray, known

MIN_SESSIONS = 60
"""Sessions before the first Ledoit-Wolf estimate."""

CLIP = 5.0
"""Standardised returns are clipped here in correlations (not in VaR), so one day cannot rule."""

PRIOR_SESSIONS = 63
"""A market's correlations have half their weight after as many sessions of history."""


class ReturnWindow:
    """The last ``length`` rows of standardised returns, contiguous and in order of time.

    Parameters
    ----------
    n_markets, length : int
    """

    STATE = ("store", "count")
    DEPENDS = ("corr_window",)

    def __init__(self, n_markets: int, length: int) -> None:
        self.length = length
        self.store: FloatArray = np.zeros((2 * length, n_markets))
        self.count = 0

    def push(self, row: FloatArray) -> None:
        """Append one session of shape (n_markets,)."""
        slot = self.count % self.length
        self.store[slot] = row
        self.store[slot + self.length] = row
        self.count += 1

    def walk(self, rows: FloatArray, last: int) -> list[FloatArray]:
        """Append sessions of shape (n_sessions, n_markets).

        Returns
        -------
        list of float array
            What ``rows(last)`` is after each of them.
        """
        past = self.rows()
        every, number = np.concatenate([past, rows]), len(past)
        for row in rows:
            self.push(row)
        ends = range(number + 1, len(every) + 1)
        return [every[max(end - min(last, self.length), 0) : end] for end in ends]

    def rows(self, last: int | None = None) -> FloatArray:
        """View of the newest rows, oldest first, at most ``last`` of them."""
        filled = min(self.count, self.length)
        wanted = filled if last is None else min(last, filled)
        end = (self.count - 1) % self.length + 1 + (self.length if self.count > self.length else 0)
        return self.store[end - wanted : end]


class Correlation:
    """Correlation matrix, updated a session at a time.

    Parameters
    ----------
    classes : sequence of str
        Asset class of each market, for the block-diagonal fallback.
    method : str
        "ewma", "ledoit_wolf" or "block_diagonal".
    span, window, every : int
        EWMA span; Ledoit-Wolf window and sessions between its estimates.

    Notes
    -----
    EWMA: S = decay·S + z zᵀ, scaled to unit diagonal. Ledoit-Wolf: scikit-learn's estimator on the
    window, scaled likewise. Block-diagonal: the EWMA matrix with zeros between classes, which is
    also what the others fall back on before there are twice as many sessions as markets seen. Each
    market's off-diagonal row and column is shrunk by sqrt(n / (n + 63)) for its n sessions, so a
    young market starts uncorrelated. Every step keeps the matrix positive semi-definite: sums of
    outer products, congruences, Schur products and a non-negative diagonal.
    """

    STATE = ("moment", "sessions", "updates", "estimate", "estimated_at")
    DEPENDS = ("corr_span", "corr_window")
    BOUNDS: ClassVar = {"estimate": (-1.001, 1.001)}

    def __init__(
        self,
        classes: list[str],
        method: str = "ewma",
        *,
        span: int = 250,
        window: int = 252,
        every: int = 5,
    ) -> None:
        n = len(classes)
        self.method, self._window, self._every = method, window, every
        self._decay = 1.0 - 2.0 / (span + 1.0)
        names = np.array(classes)
        self._same_class = (names[:, None] == names[None, :]).astype(np.float64)
        self.moment: FloatArray = np.zeros((n, n))
        self.sessions: IntArray = np.zeros(n, dtype=np.int64)
        self.updates = 0
        self.estimate: FloatArray = np.eye(n)
        self.estimated_at = -1

    def update(self, z: FloatArray, seen: BoolArray) -> None:
        """Add standardised returns of shape (n_markets,), zero where not ``seen``."""
        self._add(z[None], seen[None])

    def matrix(self, returns: ReturnWindow) -> FloatArray:
        """Current correlation matrix of shape (n_markets, n_markets), unit diagonal."""
        window = returns.rows(self._window)
        current: FloatArray = self._matrices(self.moment[None], self.sessions[None], [window])[0]
        return current

    def walk(self, z: FloatArray, seen: BoolArray, returns: ReturnWindow) -> FloatArray:
        """Add sessions of shape (n_sessions, n_markets), to ``returns`` too.

        Returns
        -------
        float array of shape (n_sessions, n_markets, n_markets)
            What ``matrix`` is after each of them.
        """
        windows = returns.walk(z, self._window)
        return self._matrices(*self._add(z, seen), windows)

    def _add(self, z: FloatArray, seen: BoolArray) -> tuple[FloatArray, IntArray]:
        """Moments and numbers of sessions after each session."""
        clipped = np.minimum(np.maximum(z, -CLIP), CLIP)
        moments = clipped[:, :, None] * clipped[:, None, :]
        for before, now in zip((self.moment, *moments[:-1]), moments, strict=True):
            now += self._decay * before
        sessions = self.sessions + np.cumsum(seen, axis=0)
        self.moment, self.sessions = moments[-1].copy(), sessions[-1].copy()
        self.updates += len(z)
        return moments, sessions

    def _matrices(
        self, moments: FloatArray, sessions: IntArray, windows: Sequence[FloatArray]
    ) -> FloatArray:
        """Matrices after the last sessions, of which these are the moments and windows."""
        known = np.count_nonzero(sessions, axis=1)
        updates = self.updates - np.arange(len(moments))[::-1]
        core = _scaled(moments)
        young = updates <= 2 * known
        core[young | (self.method == "block_diagonal")] *= self._same_class
        if self.method == "ledoit_wolf":
            for row in np.flatnonzero(updates > np.maximum(2 * known, MIN_SESSIONS)).tolist():
                core[row] = self._estimated(int(updates[row]), windows[row])
        share = np.sqrt(sessions / (sessions + PRIOR_SESSIONS))
        core *= share[:, :, None] * share[:, None, :]
        core.reshape(len(core), -1)[:, :: core.shape[-1] + 1] = 1.0
        return core

    def _estimated(self, updates: int, window: FloatArray) -> FloatArray:
        """The Ledoit-Wolf estimate, made anew when it is due."""
        if self.estimated_at < 0 or updates - self.estimated_at >= self._every:
            rows = np.clip(window, -CLIP, CLIP)
            self.estimate = _scaled(ledoit_wolf(rows, assume_centered=True)[0][None])[0]
            self.estimated_at = updates
        return self.estimate


def _scaled(moment: FloatArray) -> FloatArray:
    """Congruence to unit diagonal; a market without variance gets an identity row."""
    scale = np.sqrt(np.diagonal(moment, axis1=1, axis2=2))
    inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 1e-12)
    return np.asarray(moment * (inverse[:, :, None] * inverse[:, None, :]))


def covariance(correlation: FloatArray, sigma: FloatArray) -> FloatArray:
    """Covariance from a correlation matrix and volatilities; NaN volatility counts as zero."""
    vol = known(sigma)
    out = np.multiply.outer(vol, vol)
    out *= correlation
    return out


def portfolio_vol(weights: FloatArray, cov: FloatArray) -> float:
    """sqrt(wᵀ Σ w) in the unit of ``cov``."""
    return math.sqrt(max(float(weights.dot(cov).dot(weights)), 0.0))


def diversification_ratio(weights: FloatArray, cov: FloatArray) -> float:
    """Weighted average volatility over portfolio volatility; NaN for an empty portfolio."""
    vol = portfolio_vol(weights, cov)
    average = float(np.abs(weights) @ np.sqrt(np.diagonal(cov)))
    return average / vol if vol > 0 else float("nan")


def risk_contributions(weights: FloatArray, cov: FloatArray) -> FloatArray:
    """Contributions to portfolio volatility; they add up to it (Euler)."""
    vol = portfolio_vol(weights, cov)
    if vol == 0:
        return np.zeros_like(weights)
    return np.asarray(weights * (cov @ weights) / vol)
