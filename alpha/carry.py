"""Carry forecasts from the term structure (000, B; 001), for every asset class."""

from __future__ import annotations

import numpy as np

from alpha.scaling import CARVER_UNIT, combine
from alpha.settings import AlphaSettings
from universe.arrays import BoolArray, FloatArray, IntArray, years_between
from universe.ewm import EwmMean

OUTLYING = 2.0
"""Largest ex-ante Sharpe ratio of a market held outright that counts: one bad quote among the
smoothed ones must not last for months."""

OUTLYING_SPREAD = 10.0
"""The same of a calendar spread (003's example has about 7)."""


def annualised_carry(
    near_price: FloatArray, far_price: FloatArray, near_expiry: IntArray, far_expiry: IntArray
) -> FloatArray:
    """Expected annual gain of a holder at an unchanged curve, in price units.

    Parameters
    ----------
    near_price, far_price : float arrays
        Prices of the nearer and the farther contract in one session.
    near_expiry, far_expiry : int arrays
        Last trade dates as epoch days.

    Returns
    -------
    float array
        (near - far) / years between the last trade dates, counted in days; NaN where the time is
        not positive or a price is missing. Positive in backwardation (000: minus the annualised
        slope).
    """
    years = years_between(near_expiry, far_expiry)
    usable = years > 0
    return np.where(usable, (near_price - far_price) / np.where(usable, years, 1.0), np.nan)


class Carry:
    """Smoothed carry forecasts of 001 with mean near 1 and cap 2.

    Parameters
    ----------
    n_markets : int
    spans : tuple of int
        Smoothing spans in sessions.
    scalar : float
        Forecast scalar on Carver's scale of 10.
    max_age : int
        Calendar days a carry quote stays valid between quotes.
    cap : float
    outlying : float
        Daily ratios of carry to volatility are clipped here, in Sharpe ratio units.

    Notes
    -----
    Raw carry over the annual volatility in price, smoothed per span, times the scalar, capped;
    the mean over the spans that are ready, capped. A quote that is missing is carried forward, one
    that is older than ``max_age`` makes the forecast NaN: the market is then without carry rather
    than at zero carry. 001's listing divides annual carry by *daily* risk, which pins nearly every
    forecast at the cap; here both are annual, as in Carver (2023, strategy 10).
    """

    STATE = ("raw", "quoted", "valid")
    DEPENDS = ("carry_source", "carry_spans")

    def __init__(
        self,
        n_markets: int,
        spans: tuple[int, ...],
        scalar: float,
        max_age: int,
        cap: float,
        outlying: float = OUTLYING,
    ) -> None:
        self.max_age, self.cap, self.outlying = max_age, cap, outlying
        self._scalar = scalar / CARVER_UNIT
        self._multiplier = np.ones(len(spans) + 1)  # the spans are near copies of each other
        self.mean = EwmMean(n_markets, spans)
        self.raw: FloatArray = np.full(n_markets, np.nan)  # annualised, price units
        self.quoted: IntArray = np.full(n_markets, -(10**6), dtype=np.int64)  # epoch day
        self.valid: BoolArray = np.zeros(n_markets, dtype=bool)

    def update(
        self, raw: FloatArray, sigma_price_annual: FloatArray, epoch_day: int, seen: BoolArray
    ) -> None:
        """Take a session's annualised carry.

        Parameters
        ----------
        raw : float array of shape (n_markets,)
            ``annualised_carry`` of the held and the carry contract, NaN where not quoted.
        sigma_price_annual : float array of shape (n_markets,)
            Annual volatility in price units, NaN where unknown.
        epoch_day : int
        seen : bool array of shape (n_markets,)
            Markets with a bar.
        """
        quoted = seen & np.isfinite(raw)
        self.raw[quoted] = raw[quoted]
        self.quoted[quoted] = epoch_day
        self.valid = np.isfinite(self.raw) & (epoch_day - self.quoted <= self.max_age)
        usable = seen & self.valid & (sigma_price_annual > 0)
        ratio = self.raw / np.where(usable, sigma_price_annual, 1.0)
        ratio = np.minimum(np.maximum(ratio, -self.outlying), self.outlying)
        self.mean.update(ratio, usable)

    def by_span(self) -> FloatArray:
        """Scaled and capped forecasts of shape (n_spans, n_markets)."""
        return np.asarray(np.clip(self.scaled(), -self.cap, self.cap))

    def scaled(self) -> FloatArray:
        """Scaled forecasts before the cap, of shape (n_spans, n_markets)."""
        return np.where(self.valid, self.mean.mean() * self._scalar, np.nan)

    def sharpe(self) -> FloatArray:
        """Ex-ante Sharpe ratio: smoothed annual carry over annual volatility (003).

        The mean over the spans that are ready; of shape (n_markets,), NaN without carry.
        """
        smoothed = self.mean.mean()
        ready = np.isfinite(smoothed)
        mean = np.where(ready, smoothed, 0.0).sum(axis=0) / np.maximum(ready.sum(axis=0), 1)
        return np.where(self.valid & ready.any(axis=0), mean, np.nan)

    def forecast(self) -> FloatArray:
        """Combined forecasts of shape (n_markets,), NaN for a market without carry."""
        return self.combined(self.by_span())

    def combined(self, by_span: FloatArray) -> FloatArray:
        """Forecasts of the spans that are there, combined, of shape (n_markets,)."""
        return combine(by_span, self._multiplier, self.cap)


def make_carry(
    settings: AlphaSettings, n_markets: int, max_age: int, outlying: float = OUTLYING
) -> Carry:
    """Smoothed carry with the settings' spans, scalar and cap, valid for ``max_age`` days."""
    return Carry(
        n_markets,
        settings.carry_smoothing,
        settings.carry_scalar,
        max_age,
        settings.forecast_cap,
        outlying,
    )
