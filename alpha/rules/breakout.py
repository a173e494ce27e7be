"""Breakout forecasts: where the price stands in its recent range (Carver 2023, strategy 21)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from alpha.columns import Columns, Rows, combined
from alpha.rules.rule import TREND, Inputs, Notes, Rule, Style, View, Views
from alpha.scaling import CARVER_UNIT, combine, multiplier_table
from alpha.speeds import SpeedCosts
from universe.arrays import BoolArray, FloatArray, IntArray
from universe.ewm import decayed
from universe.setting import Table, setting, spans_of

BREAKOUT_SCALARS = {10: 0.812, 20: 0.882, 40: 0.926, 80: 0.957, 160: 0.979, 320: 0.995}
"""Forecast scalars by horizon: 10 over the mean absolute smoothed forecast of a driftless Gaussian
random walk, to about 0.001. Carver (2023) prints 0.60, 0.67, 0.70, 0.73, 0.74 and 0.74, a quarter
less, which would leave the mean absolute forecast at 0.75 of our unit."""

RANGE_FACTOR = 40.0
"""Takes the edges of the range, at -0.5 and +0.5, to Carver's limits of -20 and +20."""

SMOOTHING = 4.0
"""A horizon is smoothed over this fraction of its length."""


@dataclass(frozen=True)
class BreakoutSettings(Table):
    """Which horizons are averaged."""

    breakout_horizons: str = setting(
        "40 80 160", "horizons of the breakout rule, out of 10, 20, 40, 80, 160, 320"
    )

    def validate(self) -> None:
        """Refuse a horizon without a scalar."""
        _ = self.breakout_spans

    @property
    def breakout_spans(self) -> tuple[int, ...]:
        """Horizons."""
        return spans_of("breakout_horizons", self.breakout_horizons, tuple(BREAKOUT_SCALARS))


class Breakout:
    """Position of the price in the range of its last sessions, smoothed, mean 1 and cap 2.

    Parameters
    ----------
    n_markets : int
    horizons : tuple of int
        Out of 10, 20, 40, 80, 160 and 320 sessions, each at most once.
    cap : float

    Raises
    ------
    ValueError
        If a horizon has no scalar or is named twice, if there is none, or if the cap is not
        positive.

    Notes
    -----
    Per horizon h: ((price - min) / (max - min) - 0.5) x 40 over the last h sessions including
    today's, smoothed by an exponential mean of span h / 4 (``ewm(span=h / 4).mean()``), times the
    scalar, capped; their mean x the diversification multiplier, capped. No volatility is needed:
    the range is the measure of risk. A horizon counts from its h-th session; a constant price is
    in the middle of its range.
    """

    STATE = ("window", "weight", "total")
    DEPENDS = ("breakout_horizons",)

    def __init__(self, n_markets: int, horizons: tuple[int, ...], cap: float) -> None:
        _check(horizons, cap)
        self.horizons, self.cap = horizons, cap
        self._decay = np.array([[1.0 - 2.0 / (h / SMOOTHING + 1.0)] for h in horizons])
        self._scale = np.array(
            [[BREAKOUT_SCALARS[h] * RANGE_FACTOR / CARVER_UNIT] for h in horizons]
        )
        self._multiplier = multiplier_table(len(horizons))
        self.window: FloatArray = np.full((n_markets, max(horizons)), np.nan)  # oldest first
        self._markets = np.arange(n_markets)
        self.weight: FloatArray = np.zeros((len(horizons), n_markets))
        self.total: FloatArray = np.zeros((len(horizons), n_markets))

    def update(self, adjusted: FloatArray, seen: BoolArray) -> None:
        """Take a session's back-adjusted prices (additive, forward anchored).

        Parameters
        ----------
        adjusted : float array of shape (n_markets,)
            Any sign; a price that is not finite counts as not seen.
        seen : bool array of shape (n_markets,)
            A market not seen keeps its state.
        """
        self.walk(adjusted[None], seen[None])

    def walk(self, adjusted: FloatArray, seen: BoolArray) -> FloatArray:
        """Take sessions of shape (n_sessions, n_markets).

        Returns
        -------
        float array of shape (n_sessions, n_horizons, n_markets)
            What ``by_horizon`` is after each of them.
        """
        new = seen & np.isfinite(adjusted)
        count, length = np.cumsum(new, axis=0), self.window.shape[1]
        prices = np.full((length + len(new), new.shape[1]), np.nan)  # each market's own, in order
        prices[:length] = self.window.T
        row, market = np.nonzero(new)
        prices[length - 1 + count[row, market], market] = adjusted[row, market]
        newest = length - 1 + count
        low = self._extremes(np.minimum, prices, newest)
        width = self._extremes(np.maximum, prices, newest) - low
        ready = np.isfinite(width) & new[:, None]
        moved = adjusted[:, None] - low
        position = np.where(width > 0, moved / np.where(width > 0, width, 1.0) - 0.5, 0.0)
        decay = np.where(new[:, None], self._decay, 1.0)
        weight = decayed(self.weight, decay, ready)
        total = decayed(self.total, decay, np.where(ready, position, 0.0))
        self.weight, self.total = weight[-1].copy(), total[-1].copy()
        kept = np.arange(length)[:, None] + count[-1]
        self.window = np.ascontiguousarray(prices[kept, self._markets].T)
        return self._capped(self._scaled(weight, total))

    def _extremes(self, extreme: np.ufunc, prices: FloatArray, newest: IntArray) -> FloatArray:
        """Extreme over each horizon up to the newest price, NaN while one of them is missing.

        Of (n_sessions, n_horizons, n_markets). The extreme over a span is that of two shorter ones
        that cover it, so that every horizon is made from the one before.
        """
        found, spanned, span = {}, prices, 1
        for horizon in sorted(self.horizons):
            while span < horizon:
                step = min(span, horizon - span)
                spanned = np.concatenate([spanned[:step], extreme(spanned[step:], spanned[:-step])])
                span += step
            found[horizon] = spanned[newest, self._markets]
        return np.stack([found[horizon] for horizon in self.horizons], axis=1)

    def by_horizon(self) -> FloatArray:
        """Scaled and capped forecasts of shape (n_horizons, n_markets), NaN where not ready."""
        return self._capped(self.scaled())

    def raw(self) -> FloatArray:
        """Smoothed places in the range, -0.5 to 0.5, of shape (n_horizons, n_markets)."""
        return _mean(self.weight, self.total)

    def scaled(self) -> FloatArray:
        """Scaled forecasts before the cap, of shape (n_horizons, n_markets)."""
        return self._scaled(self.weight, self.total)

    def _scaled(self, weight: FloatArray, total: FloatArray) -> FloatArray:
        return np.asarray(_mean(weight, total) * self._scale)

    def _capped(self, scaled: FloatArray) -> FloatArray:
        return np.asarray(np.clip(scaled, -self.cap, self.cap))

    def forecast(self) -> FloatArray:
        """Combined forecasts of shape (n_markets,), NaN before the shortest horizon."""
        return self.combined(self.by_horizon())

    def combined(self, by_horizon: FloatArray) -> FloatArray:
        """Forecasts of the horizons that are there, combined, of shape (..., n_markets)."""
        return combine(by_horizon, self._multiplier, self.cap)


def _mean(weight: FloatArray, total: FloatArray) -> FloatArray:
    ready = weight > 0
    return np.where(ready, total / np.where(ready, weight, 1.0), np.nan)


def _check(horizons: tuple[int, ...], cap: float) -> None:
    allowed = ", ".join(map(str, BREAKOUT_SCALARS))
    if not horizons:
        raise ValueError(f"breakout horizons are empty; name at least one of {allowed}")
    for horizon in horizons:
        if horizon not in BREAKOUT_SCALARS:
            raise ValueError(f"breakout horizon is {horizon}; it must be one of {allowed}")
    if len(set(horizons)) < len(horizons):
        raise ValueError(f"breakout horizons are {horizons}; each may be named once")
    if not cap > 0:
        raise ValueError(f"breakout cap is {cap}; it must be above 0")


class BreakoutRule(Rule):
    """Breakouts in the chain."""

    NAME, SLEEVE, STYLE = "breakout", TREND, Style.TREND
    MEANING = "place of the price in its recent range, smoothed, the mean of several horizons"
    SETTINGS = BreakoutSettings

    def __init__(self, inputs: Inputs) -> None:
        super().__init__(inputs)
        settings = inputs.settings
        n = len(inputs.instruments)
        self.breakout = Breakout(n, settings.breakout_spans, settings.forecast_cap)
        self.speeds = SpeedCosts(self.NAME, settings.breakout_spans, inputs)

    def walk(self, views: Views) -> tuple[FloatArray, Notes]:
        """Take sessions' adjusted prices."""
        by_horizon = self.breakout.walk(views.markets.adjusted, views.seen.seen)
        by_horizon, notes = self.speeds.walk(by_horizon, views)
        return self.breakout.combined(by_horizon), notes

    def signal(self, view: View) -> FloatArray:
        """Combined forecasts of the horizons that are worth their cost."""
        return self.breakout.combined(self.speeds.of(self.breakout.by_horizon()))

    def explain(self, view: View) -> dict[str, FloatArray]:
        """Every horizon raw, scaled and capped."""
        found = self.breakout
        raw, scaled, capped = found.raw(), found.scaled(), found.by_horizon()
        out: dict[str, FloatArray] = {}
        for k, horizon in enumerate(found.horizons):
            named = {"raw": raw[k], "scaled": scaled[k], "capped": capped[k]}
            out |= {f"{horizon} {name}": values for name, values in named.items()}
        return out | {"combined": self.signal(view)}

    def components(self) -> dict[str, Any]:
        """State of the ranges."""
        return {"breakout": self.breakout} | self.speeds.components("breakout")

    @classmethod
    def columns(cls, columns: Columns) -> dict[str, FloatArray]:
        """Every horizon that has a scalar, and the combination."""
        settings = columns.settings
        by_horizon = breakout_columns(columns)
        out = {f"breakout {horizon}": one for horizon, one in by_horizon.items()}
        chosen = [by_horizon[horizon] for horizon in settings.breakout_spans]
        return out | {"breakout": combined(chosen, settings.forecast_cap)}


def breakout_columns(columns: Columns) -> dict[int, FloatArray]:
    """Scaled and capped breakouts by horizon, of all horizons with a scalar."""
    rows, cap = Rows(columns.panel.seen), columns.settings.forecast_cap
    own = rows.take(columns.panel.adjusted)
    out = {}
    for horizon in sorted(BREAKOUT_SCALARS):
        window = own.rolling(horizon)
        low, high = window.min(), window.max()
        width = high - low
        position = ((own - low) / width.where(width > 0) - 0.5).mask(width == 0, 0.0)
        smooth = position.ewm(span=horizon / SMOOTHING).mean()
        raw = smooth * (BREAKOUT_SCALARS[horizon] * RANGE_FACTOR / CARVER_UNIT)
        out[horizon] = rows.put(raw.clip(-cap, cap))
    return out
