"""Exponentially weighted statistics that grow by one observation at a time, for many markets.

Each class equals its pandas counterpart on the observations of a market so far, which the tests
compare; a market without an observation keeps its state, so a closed day changes nothing.
"""

from __future__ import annotations

import numpy as np

from universe.arrays import BoolArray, FloatArray, IntArray


class EwmMean:
    """``Series.ewm(span, min_periods=span).mean()`` per market.

    Parameters
    ----------
    n_markets : int
    spans : sequence of int
        One row of state per span.
    """

    STATE = ("weight", "total", "count")

    def __init__(self, n_markets: int, spans: tuple[int, ...]) -> None:
        self.spans = spans
        self._decay = np.array([[1.0 - 2.0 / (span + 1.0)] for span in spans])
        self._minimum = np.array([[span] for span in spans])
        self.weight: FloatArray = np.zeros((len(spans), n_markets))
        self.total: FloatArray = np.zeros((len(spans), n_markets))
        self.count: IntArray = np.zeros(n_markets, dtype=np.int64)

    def update(self, value: FloatArray, seen: BoolArray) -> None:
        """Add ``value`` (n_markets,) where ``seen``."""
        decay = np.where(seen, self._decay, 1.0)
        self.weight = self.weight * decay + seen
        self.total = self.total * decay + np.where(seen, value, 0.0)
        self.count += seen

    def mean(self) -> FloatArray:
        """Current means of shape (n_spans, n_markets), NaN before ``span`` observations."""
        ready = self.count >= self._minimum
        return np.where(ready, self.total / np.maximum(self.weight, 1e-300), np.nan)


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
        self.count += seen
        before = np.where(self.count > 1, self.value, 0.0)
        share = np.where(self.count <= self._span, 1.0 / np.maximum(self.count, 1), self._alpha)
        moved = before + share * (np.where(seen, value, 0.0) - before)
        self.value = np.where(seen, moved, self.value)


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
        index = np.flatnonzero(seen)
        self.rows[self.count[index] % self.length, index] = value[index]
        self.count[index] += 1

    def lag(self, sessions: int) -> FloatArray:
        """Values ``sessions`` observations before the newest, NaN where there is none."""
        if sessions >= self.length:
            raise ValueError(f"lag is {sessions}; it must be below the ring's {self.length}")
        position = self.count - 1 - sessions
        value = self.rows[position % self.length, self._markets]
        return np.where(position >= 0, value, np.nan)
