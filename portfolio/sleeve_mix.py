"""Shares of risk of sleeves that follow what each has earned for its risk (P2, option)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from portfolio.settings import PortfolioSettings
from universe.arrays import FloatArray

ROOM = 1e-12


class SleeveMix:
    """Monthly shares of risk from trailing risk-adjusted results, shrunk towards equal and bounded.

    Parameters
    ----------
    n_sleeves : int
    window : int
        Sessions of results that count (five years); equal shares until half of them are there.
    shrinkage : float
        Part of equal shares in the mix, 0 to 1.
    low, high : float
        Bounds of a share.

    Notes
    -----
    Results are of sleeves scaled to unit risk, so that the mean over the standard deviation is a
    sleeve's own. Shares before shrinkage are in proportion to the positive part of that ratio; a
    month in which none is positive gives equal shares. A pair of bounds that n shares adding up to
    1 cannot meet is widened to equal shares. A change of month is what changes shares, so a result
    counts from the month after it.

    Raises
    ------
    ValueError
        If the bounds or the shrinkage are not within 0 and 1 and in order.
    """

    STATE = ("results", "count", "month", "shares")
    BOUNDS: ClassVar = {"shares": (0.0, 1.0)}

    def __init__(
        self,
        n_sleeves: int,
        window: int = 1260,
        shrinkage: float = 0.75,
        low: float = 0.35,
        high: float = 0.65,
    ) -> None:
        if not (0 <= low <= high <= 1 and 0 <= shrinkage <= 1):
            raise ValueError(
                f"mix of sleeves has shares from {low:g} to {high:g} and shrinkage {shrinkage:g}; "
                "they must be within 0 and 1, the bounds in order"
            )
        equal = 1.0 / max(n_sleeves, 1)
        self._low, self._high = min(low, equal), max(high, equal)
        self._shrinkage, self._equal = shrinkage, np.full(n_sleeves, equal)
        self.results: FloatArray = np.zeros((window, n_sleeves))
        self.count = 0
        self.month = 0
        self.shares: FloatArray = self._equal.copy()

    def update(self, result: FloatArray, month: int) -> FloatArray:
        """Shares for a session, after the results of the one before it.

        Parameters
        ----------
        result : float array of shape (n_sleeves,)
            Profit of each sleeve's position at unit risk; a session with one that is not a number
            is left out.
        month : int
            Any number that changes with the month.
        """
        if month != self.month:
            self.month = month
            self.shares = self._mixed()
        if np.all(np.isfinite(result)):
            self.results[self.count % len(self.results)] = result
            self.count += 1
        return self.shares

    def _mixed(self) -> FloatArray:
        filled = min(self.count, len(self.results))
        if 2 * filled < len(self.results):
            return self._equal.copy()
        rows = self.results[:filled]
        risk = rows.std(axis=0)
        ratio = np.where(risk > ROOM, rows.mean(axis=0) / np.maximum(risk, ROOM), 0.0)
        earned = np.maximum(ratio, 0.0)
        raw = earned / earned.sum() if earned.any() else self._equal
        return self._bounded(self._shrinkage * self._equal + (1.0 - self._shrinkage) * raw)

    def _bounded(self, shares: FloatArray) -> FloatArray:
        """Nearest shares within bounds that add up to 1: one shift for all, by halving."""
        low, high = -1.0, 1.0
        for _ in range(60):
            shift = 0.5 * (low + high)
            total = np.clip(shares + shift, self._low, self._high).sum()
            low, high = (shift, high) if total < 1.0 else (low, shift)
        return np.asarray(np.clip(shares + 0.5 * (low + high), self._low, self._high))


class DynamicShares:
    """The mix fed with what sleeves at unit risk have made, session by session.

    Parameters
    ----------
    settings : PortfolioSettings
    sleeves : sequence of str
    n_assets : int

    Attributes
    ----------
    weights : float array of shape (n_sleeves, n_assets)
        Exposure of each sleeve at unit risk, as decided last.
    """

    STATE = ("weights",)
    DEPENDS = ("trend_rules", "carry_rules", "other_rules", "mix_window")

    def __init__(self, settings: PortfolioSettings, sleeves: Sequence[str], n_assets: int) -> None:
        self._sleeves = tuple(sleeves)
        self.mix = SleeveMix(
            len(self._sleeves),
            settings.mix_window,
            settings.mix_shrinkage,
            settings.mix_low,
            settings.mix_high,
        )
        self.weights: FloatArray = np.zeros((len(self._sleeves), n_assets))

    def observe(self, returns: FloatArray, month: int) -> None:
        """Take a session's returns, (n_assets,); without a position in a sleeve they tell nothing.

        Parameters
        ----------
        returns : float array of shape (n_assets,)
        month : int
            yyyymm.
        """
        held = self.weights.any(axis=1)
        self.mix.update(np.where(held, self.weights @ returns, np.nan), month)

    @property
    def shares(self) -> dict[str, float]:
        """Of risk, by sleeve; they add up to 1."""
        return dict(zip(self._sleeves, self.mix.shares.tolist(), strict=True))

    def commit(self, weights: Mapping[str, FloatArray]) -> None:
        """Take over what was decided, once a session.

        Parameters
        ----------
        weights : mapping of sleeve to float array of shape (n_assets,)
            Exposure of each sleeve at its share of risk.
        """
        shares = self.mix.shares
        self.weights = np.array(
            [
                weights[name] / share if share > 0 else np.zeros_like(weights[name])
                for name, share in zip(self._sleeves, shares.tolist(), strict=True)
            ]
        )
