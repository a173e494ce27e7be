"""Drawdown governor: a falling map from drawdown to gross exposure (R3; 000)."""

from __future__ import annotations

import numpy as np

from universe.arrays import FloatArray, IntArray

ROUNDING = 1e-9
"""Tolerance, so that a NAV of 90 after 100 is a drawdown of 10 %."""


class DrawdownGovernor:
    """Scales gross exposure with the drawdown from the highest NAV.

    Parameters
    ----------
    points : sequence of (drawdown, share)
        Drawdown rising, share not rising: from each drawdown on the share applies; it is 1 before
        the first.
    restore : float
        Largest rise of the share in a session; it falls at once.
    step : float
        The share handed out is rounded down to a multiple of this, so that small moves of NAV do
        not trade.
    window : int
        Sessions of the rolling maximum ("trailing drawdown", "rolling max"; 000); 0 is all of them.
    """

    STATE = ("peak", "share", "drawdown", "past", "count")

    def __init__(
        self,
        points: tuple[tuple[float, float], ...],
        restore: float,
        step: float,
        window: int = 0,
    ) -> None:
        self._drawdowns = np.array([0.0] + [point[0] for point in points])
        self._shares = np.array([1.0] + [point[1] for point in points])
        self._restore, self._step = restore, step
        self.peak = 0.0
        self.share = 1.0
        self.drawdown = 0.0
        self.past: FloatArray = np.zeros(window)  # NAV of the last sessions
        self.count = 0

    def map(self, drawdown: float) -> float:
        """Share of gross exposure at ``drawdown``, not rising in it."""
        passed = int(np.searchsorted(self._drawdowns, drawdown + ROUNDING, side="right"))
        return float(self._shares[passed - 1]) if drawdown > 0 else 1.0

    def update(self, nav: float) -> float:
        """Take the day's NAV and return the share of gross exposure allowed, in [0, 1].

        A NAV that is not a positive number changes nothing.
        """
        if not np.isfinite(nav) or nav <= 0:
            return self.scale
        if len(self.past):
            self.past[self.count % len(self.past)] = nav
            self.count += 1
            self.peak = float(self.past.max())
        else:
            self.peak = max(self.peak, nav)
        self.drawdown = 1.0 - nav / self.peak
        allowed = self.map(self.drawdown)
        self.share = min(allowed, self.share + self._restore)
        return self.scale

    @property
    def nav(self) -> float:
        """The last NAV taken, 0 before the first."""
        return self.peak * (1.0 - self.drawdown)

    @property
    def scale(self) -> float:
        """The share in whole steps, 1 without a cut."""
        if self.share >= 1.0 - ROUNDING:
            return 1.0
        return min(float(np.floor(self.share / self._step + ROUNDING) * self._step), 1.0)


def govern(contracts: IntArray, scale: float) -> IntArray:
    """Whole contracts at ``scale`` of their size, rounded toward zero."""
    return np.trunc(contracts * scale + np.sign(contracts) * ROUNDING).astype(np.int64)
