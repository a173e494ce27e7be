"""Rules over a whole history at once: what their column twins share.

Computed in columns by pandas, apart from the classes that grow by a session at a time: each checks
the other, to 1e-10.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from alpha.carry import OUTLYING
from alpha.panel import MarketPanel
from alpha.scaling import CARVER_UNIT, multiplier_table
from universe.arrays import TRADING_DAYS, BoolArray, FloatArray, IntArray, years_between


class Rows:
    """Takes each market's own rows together, closed days removed, and puts results back."""

    def __init__(self, kept: BoolArray) -> None:
        self._last = np.cumsum(kept, axis=0) - 1
        self._order = np.argsort(~kept, axis=0, kind="stable")
        self._filled = np.arange(len(kept))[:, None] < kept.sum(axis=0)
        used = int(kept.sum(axis=0).max(initial=0))
        self._order, self._filled = self._order[:used], self._filled[:used]

    def take(self, values: FloatArray) -> pd.DataFrame:
        """The kept rows of every column from the top, NaN below."""
        own = np.take_along_axis(values, self._order, axis=0)
        return pd.DataFrame(np.where(self._filled, own, np.nan))

    def put(self, own: pd.DataFrame | FloatArray) -> FloatArray:
        """Back on all days: a day without its row has the row before, NaN ahead of the first."""
        values = np.asarray(own, dtype=np.float64)
        if not len(values):
            return np.full(self._last.shape, np.nan)
        back = np.take_along_axis(values, np.maximum(self._last, 0), axis=0)
        return np.where(self._last >= 0, back, np.nan)


class Columns:
    """A panel with what rules ask of it, each computed once.

    Parameters
    ----------
    panel : MarketPanel
    settings : Settings
    """

    def __init__(self, panel: MarketPanel, settings: Any) -> None:
        self.panel, self.settings = panel, settings

    @cached_property
    def sigma(self) -> FloatArray:
        """Daily volatility of returns."""
        return volatility_columns(self.panel, self.settings)

    @cached_property
    def sigma_price(self) -> FloatArray:
        """Daily volatility in price units."""
        return np.asarray(self.sigma * self.panel.positive_price)

    @cached_property
    def carry(self) -> tuple[dict[int, FloatArray], FloatArray]:
        """Scaled and capped carry by smoothing span, and the ex-ante Sharpe ratio."""
        age = self.settings.carry_max_age
        return carry_columns(self.panel, self.settings, self.sigma_price, age)

    @cached_property
    def compared(self) -> FloatArray:
        """Ex-ante Sharpe ratio of carry of the markets that count."""
        return np.where(self.panel.alive, self.carry[1], np.nan)


def volatility_columns(panel: MarketPanel, settings: Any) -> FloatArray:
    """Daily volatility of returns, (n_days, n_markets): current blended with long-run (001)."""
    rows = Rows(panel.seen & (np.cumsum(panel.seen, axis=0) > panel.unreturned))
    span, window, weight = settings.vol_span, settings.vol_long_sessions, settings.vol_long_weight
    std = rows.take(panel.ret).ewm(span=span, min_periods=span).std()
    long_run = std.rolling(window, min_periods=1).mean()
    return rows.put((1.0 - weight) * std + weight * long_run)


def carry_columns(
    panel: MarketPanel,
    settings: Any,
    sigma_price: FloatArray,
    max_age: int,
    outlying: float = OUTLYING,
) -> tuple[dict[int, FloatArray], FloatArray]:
    """Scaled and capped carry by smoothing span, and the ex-ante Sharpe ratio.

    The latter is smoothed annual carry over annual volatility, the mean over the spans.
    """
    raw = panel.raw_carry
    if raw is None:
        years = years_between(panel.near_expiry, panel.far_expiry)
        raw = (panel.near_price - panel.far_price) / np.where(years > 0, years, np.nan)
    quoted = panel.seen & np.isfinite(raw)
    last = np.maximum.accumulate(np.where(quoted, np.arange(len(raw))[:, None], -1), axis=0)
    known = np.take_along_axis(raw, np.maximum(last, 0), axis=0)
    age = panel.day[:, None] - panel.day[np.maximum(last, 0)]
    valid = (last >= 0) & (age <= max_age)
    annual = sigma_price * np.sqrt(TRADING_DAYS)
    usable = panel.seen & valid & (annual > 0)
    scalar = settings.carry_scalar / CARVER_UNIT
    ratio = np.clip(known / np.where(usable, annual, np.nan), -outlying, outlying)
    rows = Rows(usable)
    own = rows.take(ratio)
    smooth = {
        span: np.where(valid, rows.put(own.ewm(span=span, min_periods=span).mean()), np.nan)
        for span in settings.carry_smoothing
    }
    cap = settings.forecast_cap
    forecasts = {span: np.clip(mean * scalar, -cap, cap) for span, mean in smooth.items()}
    return forecasts, mean_of(list(smooth.values()))[0]


def mean_of(parts: Sequence[FloatArray]) -> tuple[FloatArray, IntArray]:
    """Mean over the parts that are there, NaN where none is, and their number."""
    stack = np.stack(parts)
    number = np.isfinite(stack).sum(axis=0)
    total = np.nansum(stack, axis=0)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan), number


def combined(parts: Sequence[FloatArray], cap: float, *, scaled: bool = True) -> FloatArray:
    """Mean of the parts, times the multiplier by their number where ``scaled``, capped."""
    mean, number = mean_of(parts)
    factor = multiplier_table(len(parts))[number] if scaled else 1.0
    return np.asarray(np.clip(mean * factor, -cap, cap))
