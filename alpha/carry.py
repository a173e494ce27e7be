"""Carry forecasts from the term structure (000, B; 001), for every asset class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alpha.scaling import CARVER_UNIT, combine
from alpha.settings import AlphaSettings
from universe.arrays import BoolArray, FloatArray, IntArray, years_between
from universe.ewm import EwmMean, in_rows, last_rows

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


@dataclass(frozen=True, slots=True)
class SmoothedCarry:
    """Carry of all markets after a session, or with a leading axis after each of several.

    Attributes
    ----------
    raw : float array of shape (..., n_markets)
        Annual carry in price units, the last one quoted.
    valid : bool array of shape (..., n_markets)
        It is young enough.
    smoothed : float array of shape (..., n_spans, n_markets)
        Annual carry over annual volatility by smoothing span.
    spans : tuple of int
    scalar, cap : float
    """

    raw: FloatArray
    valid: BoolArray
    smoothed: FloatArray
    spans: tuple[int, ...]
    scalar: float
    cap: float

    def at(self, row: int) -> SmoothedCarry:
        """After one of the sessions."""
        own = self.raw[row], self.valid[row], self.smoothed[row]
        return SmoothedCarry(*own, self.spans, self.scalar, self.cap)

    def scaled(self) -> FloatArray:
        """Scaled forecasts before the cap, of shape (..., n_spans, n_markets)."""
        return np.where(self.valid[..., None, :], self.smoothed * self.scalar, np.nan)

    def by_span(self) -> FloatArray:
        """Scaled and capped forecasts of shape (..., n_spans, n_markets)."""
        return np.asarray(np.clip(self.scaled(), -self.cap, self.cap))

    def sharpe(self) -> FloatArray:
        """Ex-ante Sharpe ratio: smoothed annual carry over annual volatility (003).

        The mean over the spans that are ready; of shape (..., n_markets), NaN without carry.
        """
        ready = np.isfinite(self.smoothed)
        total = np.where(ready, self.smoothed, 0.0).sum(axis=-2)
        mean = total / np.maximum(ready.sum(axis=-2), 1)
        return np.where(self.valid & ready.any(axis=-2), mean, np.nan)

    def combined(self, by_span: FloatArray) -> FloatArray:
        """Forecasts of the spans that are there, combined, of shape (..., n_markets)."""
        alike = np.ones(len(self.spans) + 1)  # the spans are near copies of each other
        return combine(by_span, alike, self.cap)


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
        self.mean = EwmMean(n_markets, spans)
        self.raw: FloatArray = np.full(n_markets, np.nan)  # annualised, price units
        self.quoted: IntArray = np.full(n_markets, -(10**6), dtype=np.int64)  # epoch day
        self.valid: BoolArray = np.zeros(n_markets, dtype=bool)

    def update(
        self, raw: FloatArray, sigma_price_annual: FloatArray, epoch_day: int, seen: BoolArray
    ) -> None:
        """Take a session: one row of what ``walk`` takes."""
        self.walk(raw[None], sigma_price_annual[None], np.array([epoch_day]), seen[None])

    def walk(
        self, raw: FloatArray, sigma_price_annual: FloatArray, day: IntArray, seen: BoolArray
    ) -> SmoothedCarry:
        """Take sessions' annualised carry.

        Parameters
        ----------
        raw : float array of shape (n_sessions, n_markets)
            ``annualised_carry`` of the held and the carry contract, NaN where not quoted.
        sigma_price_annual : float array of shape (n_sessions, n_markets)
            Annual volatility in price units, NaN where unknown.
        day : int array of shape (n_sessions,)
            Epoch days.
        seen : bool array of shape (n_sessions, n_markets)
            Markets with a bar.
        """
        quoted = seen & np.isfinite(raw)
        last, days = last_rows(quoted), np.broadcast_to(day[:, None], raw.shape)
        known, when = in_rows(raw, last, self.raw), in_rows(days, last, self.quoted)
        valid = np.isfinite(known) & (days - when <= self.max_age)
        usable = seen & valid & (sigma_price_annual > 0)
        ratio = known / np.where(usable, sigma_price_annual, 1.0)
        ratio = np.minimum(np.maximum(ratio, -self.outlying), self.outlying)
        smoothed = self.mean.walk(ratio, usable)
        self.raw, self.quoted, self.valid = known[-1].copy(), when[-1].copy(), valid[-1].copy()
        return self._with(known, valid, smoothed)

    def now(self) -> SmoothedCarry:
        """As of the last session."""
        return self._with(self.raw, self.valid, self.mean.mean())

    def _with(self, raw: FloatArray, valid: BoolArray, smoothed: FloatArray) -> SmoothedCarry:
        return SmoothedCarry(raw, valid, smoothed, self.mean.spans, self._scalar, self.cap)

    def by_span(self) -> FloatArray:
        """Scaled and capped forecasts of shape (n_spans, n_markets)."""
        return self.now().by_span()

    def sharpe(self) -> FloatArray:
        """Ex-ante Sharpe ratio of shape (n_markets,), see ``SmoothedCarry.sharpe``."""
        return self.now().sharpe()

    def forecast(self) -> FloatArray:
        """Combined forecasts of shape (n_markets,), NaN for a market without carry."""
        now = self.now()
        return now.combined(now.by_span())


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
