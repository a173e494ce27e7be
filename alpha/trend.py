"""Trend forecasts: skip-month time-series momentum (000) and the EWMAC family (001)."""

from __future__ import annotations

import numpy as np

from universe.arrays import BoolArray, FloatArray, IntArray
from universe.ewm import Ema, Ring

EWMAC_SCALARS = {64: 1.91, 32: 2.79, 16: 4.1, 8: 5.95, 4: 8.53, 2: 12.1}
"""Forecast scalars by fast span (001; Carver 2023, table 29)."""

DIVERSIFICATION_MULTIPLIER = {
    1: 1.0,
    2: 1.02,
    3: 1.03,
    4: 1.23,
    5: 1.25,
    6: 1.27,
    7: 1.29,
    8: 1.32,
    9: 1.34,
}
"""Forecast diversification multiplier by number of rules (001; Carver 2023, table 52)."""

CARVER_UNIT = 10.0
"""Mean absolute forecast on Carver's scale; ours is 1."""

MONTHS = {"3m": 63, "6m": 126, "12m": 252}
"""Momentum horizons in sessions."""

NORMAL_MEAN_ABS = float(np.sqrt(2.0 / np.pi))
"""Mean absolute value of a standard normal variable."""


class Tsmom:
    """Multi-horizon momentum that skips the last month, recomputed monthly with a daily flip check.

    Parameters
    ----------
    n_markets : int
    weights : tuple of three floats
        w3, w6 and w12.
    skip : int
        Sessions left out at the end.
    flip_threshold : float
        Daily flip check: a fresh forecast of the opposite sign and at least this size replaces the
        month's.
    cap : float

    Notes
    -----
    M = w3·r3m + w6·r6m + w12·r12m, each return running to ``skip`` sessions ago; the forecast is
    sign(M)·min(|M| / (σ_M·E|N|), cap) with σ_M the standard deviation of M for a random walk with
    the market's daily volatility, so that its mean absolute value is 1 without a trend (000, A).
    Returns are sums of daily returns on the held contract.
    """

    STATE = ("level", "held", "month", "flips")

    def __init__(
        self,
        n_markets: int,
        weights: tuple[float, float, float],
        skip: int,
        flip_threshold: float,
        cap: float,
    ) -> None:
        total = sum(weights)
        self._weights = [weight / total for weight in weights]
        self.skip, self.flip_threshold, self.cap = skip, flip_threshold, cap
        horizons = list(MONTHS.values())
        exposure = np.zeros(max(horizons))
        for weight, horizon in zip(self._weights, horizons, strict=True):
            exposure[skip:horizon] += weight
        self._scale = float(np.sqrt(np.sum(exposure**2))) * NORMAL_MEAN_ABS
        self.ring = Ring(n_markets, max(horizons) + 1)
        self.level: FloatArray = np.zeros(n_markets)  # cumulated daily returns
        self.held: FloatArray = np.full(n_markets, np.nan)  # the month's forecast
        self.month: IntArray = np.zeros(n_markets, dtype=np.int64)
        self.flips: IntArray = np.zeros(n_markets, dtype=np.int64)

    def update(self, ret: FloatArray, sigma: FloatArray, month: int, seen: BoolArray) -> BoolArray:
        """Take a session's returns and refresh the forecasts that are due.

        Parameters
        ----------
        ret : float array of shape (n_markets,)
            Daily return on the held contract.
        sigma : float array of shape (n_markets,)
            Daily volatility, NaN where unknown.
        month : int
            yyyymm of the session.
        seen : bool array of shape (n_markets,)

        Returns
        -------
        bool array
            Markets whose sign was flipped by the daily check.
        """
        self.level[seen] += ret[seen]
        self.ring.push(self.level, seen)
        fresh = self.fresh(sigma)
        due = seen & (self.month != month)
        against = seen & (fresh * self.held < 0) & (np.abs(fresh) >= self.flip_threshold)
        flipped = np.asarray(against & ~due)
        change = due | flipped
        self.held[change] = fresh[change]
        self.month[due & np.isfinite(fresh)] = month
        self.flips[flipped] += 1
        return flipped

    def fresh(self, sigma: FloatArray) -> FloatArray:
        """The forecast computed from today's prices, due or not."""
        recent = self.ring.lag(self.skip)
        momentum = np.zeros_like(recent)
        for weight, horizon in zip(self._weights, MONTHS.values(), strict=True):
            momentum += weight * (recent - self.ring.lag(horizon))
        usable = np.isfinite(momentum) & (sigma > 0)
        raw = momentum / np.where(usable, sigma * self._scale, 1.0)
        return np.where(usable, np.clip(raw, -self.cap, self.cap), np.nan)

    def forecast(self) -> FloatArray:
        """Current forecasts of shape (n_markets,), NaN without a year of history."""
        return self.held.copy()


class Ewmac:
    """Exponentially weighted moving average crossovers with 001's scalars, mean 1 and cap 2.

    Parameters
    ----------
    n_markets : int
    fast_spans : tuple of int
        Out of 2, 4, ... 64; the slow span is four times as long.
    cap : float

    Notes
    -----
    Per span: (EMA(n) - EMA(4n)) / (daily σ in price) x scalar, capped; their mean x the
    diversification multiplier, capped (001). A span counts after 4n sessions.
    """

    def __init__(self, n_markets: int, fast_spans: tuple[int, ...], cap: float) -> None:
        self.fast_spans, self.cap = fast_spans, cap
        self._spans = tuple(sorted({s for f in fast_spans for s in (f, 4 * f)}))
        self.ema = Ema(n_markets, self._spans)
        self._fast = [self._spans.index(f) for f in fast_spans]
        self._slow = [self._spans.index(4 * f) for f in fast_spans]
        self._scalar = np.array([[EWMAC_SCALARS[f] / CARVER_UNIT] for f in fast_spans])
        self._minimum = np.array([[4 * f] for f in fast_spans])
        self._multiplier = np.array(
            [0.0] + [DIVERSIFICATION_MULTIPLIER[n + 1] for n in range(len(fast_spans))]
        )

    def update(self, adjusted: FloatArray, seen: BoolArray) -> None:
        """Take a session's back-adjusted prices (additive, forward anchored)."""
        self.ema.update(adjusted, seen)

    def by_span(self, sigma_price: FloatArray) -> FloatArray:
        """Scaled and capped forecasts of shape (n_spans, n_markets), NaN where not ready.

        Parameters
        ----------
        sigma_price : float array of shape (n_markets,)
            Daily volatility in price units.
        """
        crossover = self.ema.value[self._fast] - self.ema.value[self._slow]
        usable = (self.ema.count >= self._minimum) & (sigma_price > 0)
        raw = crossover / np.where(usable, sigma_price, 1.0) * self._scalar
        return np.where(usable, np.clip(raw, -self.cap, self.cap), np.nan)

    def forecast(self, sigma_price: FloatArray) -> FloatArray:
        """Combined forecasts of shape (n_markets,)."""
        return combine(self.by_span(sigma_price), self._multiplier, self.cap)


def combine(forecasts: FloatArray, multiplier: FloatArray, cap: float) -> FloatArray:
    """Mean over the available rules x multiplier by their number, capped.

    Parameters
    ----------
    forecasts : float array of shape (n_rules, n_markets)
        NaN where a rule has none.
    multiplier : float array of shape (n_rules + 1,)
        By number of available rules.
    cap : float
    """
    have = np.isfinite(forecasts)
    number = have.sum(axis=0)
    total = np.where(have, forecasts, 0.0).sum(axis=0)
    mean = total / np.maximum(number, 1) * multiplier[number]
    return np.where(number > 0, np.clip(mean, -cap, cap), np.nan)
