"""Exponentially weighted statistics that grow by one observation at a time, for many markets.

Each class equals its pandas counterpart on the observations of a market so far, which the tests
compare; a market without an observation keeps its state, so a closed day changes nothing. ``walk``
takes several sessions, ``update`` one, with the same result to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from universe.arrays import BoolArray, FloatArray, IntArray

Item = TypeVar("Item", bound=np.generic)


def decayed(state: FloatArray, decay: FloatArray, added: FloatArray | BoolArray) -> FloatArray:
    """x(t) = decay(t) x(t - 1) + added(t) over the first axis, from the state before it.

    Parameters
    ----------
    state : float array
    decay : float array with a leading axis of sessions
    added : float array that broadcasts to ``decay``
    """
    out = np.empty_like(decay)
    for before, share, new, now in zip((state, *out[:-1]), decay, added, out, strict=True):
        np.multiply(before, share, out=now)
        now += new
    return out


def last_rows(known: BoolArray) -> IntArray:
    """The last session so far, over the first axis, in which something was known; -1 for none."""
    if len(known) == 1:
        return np.where(known, 0, -1)
    rows = np.arange(len(known)).reshape(-1, *[1] * (known.ndim - 1))
    last: IntArray = np.maximum.accumulate(np.where(known, rows, -1), axis=0)
    return last


def in_rows(values: NDArray[Item], rows: IntArray, before: NDArray[Item]) -> NDArray[Item]:
    """Values of the sessions that ``last_rows`` names, and what was there before the first."""
    if len(rows) == 1:  # of a day by itself, which live trading consists of
        return np.where(rows >= 0, values, before)
    found = np.take_along_axis(values, np.maximum(rows, 0), axis=0)
    return np.where(rows >= 0, found, before)


class EwmMean:
    """``Series.ewm(span, min_periods=span).mean()`` per market.

    Parameters
    ----------
    n_markets : int
    spans : sequence of int
        One row of state per span.
    """

    STATE = ("weight", "total", "count")
    BOUNDS: ClassVar = {"weight": (0.0, 1e6)}

    def __init__(self, n_markets: int, spans: tuple[int, ...]) -> None:
        self.spans = spans
        self._decay = np.array([[1.0 - 2.0 / (span + 1.0)] for span in spans])
        self._minimum = np.array([[span] for span in spans])
        self.weight: FloatArray = np.zeros((len(spans), n_markets))
        self.total: FloatArray = np.zeros((len(spans), n_markets))
        self.count: IntArray = np.zeros(n_markets, dtype=np.int64)

    def update(self, value: FloatArray, seen: BoolArray) -> None:
        """Add ``value`` (n_markets,) where ``seen``."""
        self.walk(value[None], seen[None])

    def walk(self, value: FloatArray, seen: BoolArray) -> FloatArray:
        """Add sessions of shape (n_sessions, n_markets).

        Returns
        -------
        float array of shape (n_sessions, n_spans, n_markets)
            Means after each of them.
        """
        decay = np.where(seen[:, None], self._decay, 1.0)
        weight = decayed(self.weight, decay, seen[:, None])
        total = decayed(self.total, decay, np.where(seen, value, 0.0)[:, None])
        count = self.count + np.cumsum(seen, axis=0)
        self.weight, self.total, self.count = weight[-1].copy(), total[-1].copy(), count[-1].copy()
        return self._mean(weight, total, count)

    def mean(self) -> FloatArray:
        """Current means of shape (n_spans, n_markets), NaN before ``span`` observations."""
        return self._mean(self.weight, self.total, self.count)

    def _mean(self, weight: FloatArray, total: FloatArray, count: IntArray) -> FloatArray:
        ready = count[..., None, :] >= self._minimum
        return np.where(ready, total / np.maximum(weight, 1e-300), np.nan)


class Ema:
    """Exponential moving average seeded with the simple one of its first ``span`` values.

    LEAN's ``ExponentialMovingAverage``, of which 001's EMAC filters are made; before ``span``
    values it is the mean of those there are.
    """

    STATE = ("value", "count")

    def __init__(self, n_markets: int, spans: tuple[int, ...]) -> None:
        self.spans = spans
        self._span = np.array([[span] for span in spans])
        self._alpha = 2.0 / (self._span + 1.0)
        self.value: FloatArray = np.full((len(spans), n_markets), np.nan)
        self.count: IntArray = np.zeros(n_markets, dtype=np.int64)

    def update(self, value: FloatArray, seen: BoolArray) -> None:
        """Add ``value`` (n_markets,) where ``seen``."""
        self.walk(value[None], seen[None])

    def walk(self, value: FloatArray, seen: BoolArray) -> tuple[FloatArray, IntArray]:
        """Add sessions of shape (n_sessions, n_markets).

        Returns
        -------
        tuple of float and int arrays
            Averages (n_sessions, n_spans, n_markets), and numbers of values (n_sessions, n_markets)
            after each of them.
        """
        count = self.count + np.cumsum(seen, axis=0)
        number = count[:, None]
        share = np.where(number <= self._span, 1.0 / np.maximum(number, 1), self._alpha)
        share = np.where(seen[:, None], share, 0.0)
        average = np.empty_like(share)
        now = np.where(self.count > 0, self.value, 0.0)
        for row, weight, new in zip(average, share, np.where(seen, value, 0.0), strict=True):
            now = np.add(now, weight * (new - now), out=row)
        average = np.where(number > 0, average, np.nan)
        self.value, self.count = average[-1].copy(), count[-1].copy()
        return average, count


class EwmStd:
    """``Series.ewm(span, min_periods=span).std()`` per market, and the mean of its last values.

    Parameters
    ----------
    n_markets, span : int
    window : int
        Observations of the standard deviation in the long-run mean (001's blend).
    """

    STATE = ("moments", "count", "ring", "ring_sum", "ring_count")
    DEPENDS = ("vol_span", "vol_long_sessions")
    BOUNDS: ClassVar = {
        "ring": (0.0, 1e9),
        "ring_sum": (-1e-9, 1e12),
    }  # a sum that is kept up rounds

    def __init__(self, n_markets: int, span: int, window: int) -> None:
        self.span, self.window = span, window
        decay = 1.0 - 2.0 / (span + 1.0)
        self._decays = np.array([[decay], [decay], [decay], [decay * decay]])
        self.moments: FloatArray = np.zeros((4, n_markets))  # sums of w, w x, w x², w²
        self.count: IntArray = np.zeros(n_markets, dtype=np.int64)
        self.ring: FloatArray = np.zeros((window, n_markets))
        self.ring_sum: FloatArray = np.zeros(n_markets)
        self.ring_count: IntArray = np.zeros(n_markets, dtype=np.int64)
        self._std: FloatArray = np.full(n_markets, np.nan)

    def update(self, value: FloatArray, seen: BoolArray) -> None:
        """Add ``value`` (n_markets,) where ``seen``."""
        x = np.where(seen, value, 0.0)
        self.moments *= np.where(seen, self._decays, 1.0)
        self.moments += (seen, x, x * x, seen)
        self.count += seen
        self.refresh()
        index = np.flatnonzero(seen & (self.count >= self.span))
        slot = self.ring_count[index] % self.window
        fresh = self._std[index]
        self.ring_sum[index] += fresh - self.ring[slot, index]
        self.ring[slot, index] = fresh
        self.ring_count[index] += 1

    def refresh(self) -> None:
        """Recompute what is derived from the state."""
        weight, first, second, squares = self.moments
        ready = self.count >= self.span
        safe = np.where(ready, weight, 1.0)
        mean = first / safe
        variance = np.maximum(second / safe - mean * mean, 0.0)
        unbiased = safe * safe / np.where(ready, safe * safe - squares, 1.0)
        self._std = np.where(ready, np.sqrt(variance * unbiased), np.nan)

    def std(self) -> FloatArray:
        """Unbiased standard deviation, NaN before ``span`` observations."""
        return self._std

    def long_run(self) -> FloatArray:
        """Mean of the last ``window`` standard deviations, NaN before the first."""
        filled = np.minimum(self.ring_count, self.window)
        return np.where(filled > 0, self.ring_sum / np.maximum(filled, 1), np.nan)


class Ring:
    """The last ``length`` rows per market, each market at its own pace."""

    STATE = ("rows", "count")

    def __init__(self, n_markets: int, length: int) -> None:
        self.length = length
        self.rows: FloatArray = np.full((length, n_markets), np.nan)
        self.count: IntArray = np.zeros(n_markets, dtype=np.int64)
        self._markets = np.arange(n_markets)

    def push(self, value: FloatArray, seen: BoolArray) -> None:
        """Append ``value`` (n_markets,) where ``seen``."""
        self.walk(value[None], seen[None], ())

    def walk(self, value: FloatArray, seen: BoolArray, lags: Sequence[int]) -> list[FloatArray]:
        """Append sessions of shape (n_sessions, n_markets).

        Returns
        -------
        list of float array of shape (n_sessions, n_markets)
            What ``lag`` is after each of them, for all of ``lags``.
        """
        count = self.count + np.cumsum(seen, axis=0)
        row, market = np.nonzero(seen)
        added = np.empty_like(value)  # by number among the new ones
        added[count[row, market] - 1 - self.count[market], market] = value[row, market]
        out = []
        for lag in lags:
            position = count - 1 - self._checked(lag)
            old = self.rows[position % self.length, self._markets]
            new = added[np.maximum(position - self.count, 0), self._markets]
            found = np.where(position < self.count, old, new)
            out.append(np.where(position >= 0, found, np.nan))
        kept = count[row, market] > count[-1, market] - self.length
        row, market = row[kept], market[kept]
        self.rows[(count[row, market] - 1) % self.length, market] = value[row, market]
        self.count = count[-1].copy()
        return out

    def lag(self, sessions: int) -> FloatArray:
        """Values ``sessions`` observations before the newest, NaN where there is none."""
        position = self.count - 1 - self._checked(sessions)
        value = self.rows[position % self.length, self._markets]
        return np.where(position >= 0, value, np.nan)

    def _checked(self, lag: int) -> int:
        if lag >= self.length:
            raise ValueError(f"lag is {lag}; it must be below the ring's {self.length}")
        return lag
