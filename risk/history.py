"""The past that value at risk looks at: business days of three calendar years (18f-4)."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np

from risk.var import CLOSED_ROWS
from universe.arrays import DAYS_IN_YEAR, FloatArray, IntArray
from universe.business_days import is_business_day
from universe.instruments import Instrument


class BusinessDays:
    """Standardised returns by business day of the account's country, of the last years.

    What markets abroad make on an American holiday counts on the next business day, so that a
    horizon in rows is one in trading days and a window in years holds as many rows as years have.

    Parameters
    ----------
    n_markets : int
    years : float
        Of ``DAYS_IN_YEAR`` days.
    """

    STATE = ("store", "days", "count", "waiting")
    DEPENDS = ("var_years",)

    def __init__(self, n_markets: int, years: float) -> None:
        self._span = years * DAYS_IN_YEAR
        self.length = ceil(self._span / 7) * 5 + 5  # all weekdays of the span
        self.store: FloatArray = np.zeros((2 * self.length, n_markets))
        self.days: IntArray = np.zeros(2 * self.length, dtype=np.int64)
        self.count = 0
        self.waiting: FloatArray = np.zeros(n_markets)

    def push(self, day: int, row: FloatArray) -> None:
        """Append one session of shape (n_markets,)."""
        if not is_business_day(day):
            self.waiting = self.waiting + row
            return
        slot = self.count % self.length
        for place in (slot, slot + self.length):
            self.store[place] = row + self.waiting
            self.days[place] = day
        self.waiting = np.zeros_like(self.waiting)
        self.count += 1

    def walk(self, days: IntArray, rows: FloatArray) -> list[FloatArray]:
        """Append sessions of shape (n_sessions, n_markets).

        Returns
        -------
        list of float array
            What ``rows`` is after each of them.
        """
        window = self._window()
        end, ends = window.stop - window.start, []
        # copies: sessions to come overwrite the oldest rows of the ring
        stored = np.empty((end + len(rows), rows.shape[1]))
        dated = np.empty(len(stored), dtype=np.int64)
        stored[:end], dated[:end] = self.store[window], self.days[window]
        for day, row in zip(days.tolist(), rows, strict=True):
            before = self.count
            self.push(day, row)
            if self.count > before:
                newest = (self.count - 1) % self.length
                stored[end], dated[end] = self.store[newest], day
                end += 1
            ends.append(end)
        return [stored[self.first(dated[:end]) : end] for end in ends]

    def rows(self) -> FloatArray:
        """View of the rows later than the years before the newest, oldest first."""
        return self.store[self._window()]

    def _window(self) -> slice:
        filled = min(self.count, self.length)
        end = (self.count - 1) % self.length + 1 + (self.length if self.count > self.length else 0)
        return slice(end - filled + self.first(self.days[end - filled : end]), end)

    def first(self, days: IntArray) -> int:
        """Position of the first of ascending business days that is in the window of the last."""
        return int(np.searchsorted(days, days[-1] - self._span, side="right")) if len(days) else 0


class Proxies:
    """Which market stands for one in the part of the window before its first return.

    The one with the longest history of the same sector, or else of the same class, in the order of
    the markets where several are equal; a calendar spread's is another spread.

    Parameters
    ----------
    instruments : sequence of Instrument
    n_assets : int
        The markets outright, and their calendar spreads behind them where these are traded.

    Attributes
    ----------
    used : dict of int to int
        Asset and the one that stands for it, of the rows filled last.
    """

    def __init__(self, instruments: Sequence[Instrument], n_assets: int) -> None:
        n = len(instruments)
        self._near: list[list[list[int]]] = []
        for asset in range(n_assets):
            own, part = instruments[asset % n], range(asset // n * n, asset // n * n + n)
            others = [other for other in part if other != asset]
            sector = [o for o in others if instruments[o % n].sector == own.sector]
            whole = [o for o in others if instruments[o % n].asset_class == own.asset_class]
            self._near.append([sector, whole])
        self.used: dict[int, int] = {}

    def filled(self, rows: FloatArray) -> FloatArray:
        """Rows with the returns of proxies before a market's first one; the same if none is late.

        Parameters
        ----------
        rows : float array of shape (n_days, n_assets)

        Notes
        -----
        A market that has returns from the start may miss its first ``CLOSED_ROWS`` days. One
        without any return has no volatility and no proxy. What neither a market nor its proxy has
        stays 0, which ``VarModel.historical`` scales up for.
        """
        self.used = {}
        late = np.flatnonzero(~rows[: CLOSED_ROWS + 1].any(axis=0))
        if not len(rows) or not len(late):
            return rows
        starts = np.zeros(rows.shape[1], dtype=np.int64)
        there = rows[:, late] != 0
        starts[late] = np.where(there.any(axis=0), there.argmax(axis=0), len(rows))
        first, out = starts.tolist(), rows
        for asset in late[starts[late] < len(rows)].tolist():
            for near in self._near[asset]:
                best = min(near, key=first.__getitem__, default=asset)
                if first[best] < first[asset]:
                    out = rows.copy() if out is rows else out
                    out[first[best] : first[asset], asset] = rows[first[best] : first[asset], best]
                    self.used[asset] = best
                    break
        return out
