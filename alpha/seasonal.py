"""What is usual for a commodity's season, taken out of its carry (A3; 000, B)."""

from __future__ import annotations

import numpy as np

from universe.arrays import BoolArray, FloatArray, IntArray

MONTHS_IN_YEAR = 12

FEWEST_SESSIONS = 5
"""Observations of a contract below which it does not count as a year of its calendar month."""


class SeasonalAdjuster:
    """Takes out of carry what is usual for the calendar month of the near contract.

    Parameters
    ----------
    n_markets : int
    shrinkage_years : float
        Years of a calendar month at which half of its deviation is believed. The default keeps most
        of a strong season (gas, hogs) and adds little noise where there is hardly one (crude).

    Notes
    -----
    Adjusted = ratio - n/(n + k)·(mean of the near contract's calendar month - mean of all months),
    with n the earlier years of that month and k ``shrinkage_years``. A year of a month is the mean
    ratio while one contract was the near one, and counts once that is past: today's contract never
    explains itself away, and a month without an earlier year is left as it is. A market whose near
    contract always has the same month has no seasonal variation and is left as it is too.
    """

    STATE = ("sums", "years", "contract", "pending", "sessions")
    DEPENDS = ("carry_source",)

    def __init__(self, n_markets: int, shrinkage_years: float = 5.0) -> None:
        if not shrinkage_years >= 0:
            raise ValueError(f"shrinkage_years is {shrinkage_years}; it must be 0 or more")
        self.shrinkage_years = shrinkage_years
        shape = (MONTHS_IN_YEAR, n_markets)
        self.sums: FloatArray = np.zeros(shape)  # of the contracts' mean ratios
        self.years: IntArray = np.zeros(shape, dtype=np.int64)
        self.contract: IntArray = np.zeros(n_markets, dtype=np.int64)  # present near one, yyyymm
        self.pending: FloatArray = np.zeros(n_markets)  # sum of its ratios
        self.sessions: IntArray = np.zeros(n_markets, dtype=np.int64)

    def update(self, ratio: FloatArray, near_month: IntArray, seen: BoolArray) -> FloatArray:
        """Adjust a session's carry by the sessions before it, then learn from it.

        Parameters
        ----------
        ratio : float array of shape (n_markets,)
            Annual carry over price.
        near_month : int array of shape (n_markets,)
            yyyymm of the near contract of the pair; anything else is no month.
        seen : bool array of shape (n_markets,)

        Returns
        -------
        float array of shape (n_markets,)
            Adjusted ratio, equal to ``ratio`` where nothing is known of the month.
        """
        usable = seen & np.isfinite(ratio) & _is_month(near_month)
        self._close(usable & (near_month > self.contract), near_month)
        adjusted = ratio - np.where(usable, self.deviation(near_month), 0.0)
        present = usable & (near_month == self.contract)
        self.pending[present] += ratio[present]
        self.sessions[present] += 1
        return np.asarray(adjusted)

    def deviation(self, near_month: IntArray) -> FloatArray:
        """What is usual for the month above the mean over the months, shrunk, 0 where unknown."""
        known = self.years > 0
        mean = self.sums / np.maximum(self.years, 1)
        overall = mean.sum(axis=0, where=known) / np.maximum(known.sum(axis=0), 1)
        row, column = (near_month - 1) % 100 % MONTHS_IN_YEAR, np.arange(len(near_month))
        years = self.years[row, column]
        trusted = _is_month(near_month) & (years > 0)
        weight = years / np.where(trusted, years + self.shrinkage_years, 1.0)
        return np.where(trusted, weight * (mean[row, column] - overall), 0.0)

    def _close(self, turned: BoolArray, near_month: IntArray) -> None:
        """Book the contract that is no longer the near one as a year of its month."""
        full = np.flatnonzero(turned & (self.sessions >= FEWEST_SESSIONS))
        row = self.contract[full] % 100 - 1
        self.sums[row, full] += self.pending[full] / self.sessions[full]
        self.years[row, full] += 1
        self.contract[turned] = near_month[turned]
        self.pending[turned] = 0.0
        self.sessions[turned] = 0


def _is_month(month: IntArray) -> BoolArray:
    """Whether ``month`` is a yyyymm."""
    return np.asarray((month > 0) & (month % 100 >= 1) & (month % 100 <= MONTHS_IN_YEAR))
