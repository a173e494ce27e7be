"""Crossovers of exponential averages (001; Carver 2023, strategy 9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from alpha.columns import Columns, Rows, combined
from alpha.rules.rule import TREND, Inputs, Notes, Rule, Style, View, Views
from alpha.scaling import CARVER_UNIT, combine, multiplier_table
from alpha.speeds import SpeedCosts
from universe.arrays import BoolArray, FloatArray, IntArray
from universe.ewm import Ema
from universe.setting import Table, setting, spans_of

EWMAC_SCALARS = {64: 1.91, 32: 2.79, 16: 4.1, 8: 5.95, 4: 8.53, 2: 12.1}
"""Forecast scalars by fast span (001; Carver 2023, table 29)."""


@dataclass(frozen=True)
class EwmacSettings(Table):
    """Which crossovers are averaged."""

    ewmac_spans: str = setting("16 32 64", "fast spans; the slow span is four times as long")

    def validate(self) -> None:
        """Refuse a span without a scalar."""
        _ = self.ewmac_fast

    @property
    def ewmac_fast(self) -> tuple[int, ...]:
        """Fast spans."""
        return spans_of("ewmac_spans", self.ewmac_spans, tuple(sorted(EWMAC_SCALARS)))


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

    STATE = ()  # that of its averages
    DEPENDS = ("ewmac_spans",)

    def __init__(self, n_markets: int, fast_spans: tuple[int, ...], cap: float) -> None:
        self.fast_spans, self.cap = fast_spans, cap
        self._spans = tuple(sorted({s for f in fast_spans for s in (f, 4 * f)}))
        self.ema = Ema(n_markets, self._spans)
        self._fast = [self._spans.index(f) for f in fast_spans]
        self._slow = [self._spans.index(4 * f) for f in fast_spans]
        self._scalar = np.array([[EWMAC_SCALARS[f] / CARVER_UNIT] for f in fast_spans])
        self._minimum = np.array([[4 * f] for f in fast_spans])
        self._multiplier = multiplier_table(len(fast_spans))

    def update(self, adjusted: FloatArray, seen: BoolArray) -> None:
        """Take a session's back-adjusted prices (additive, forward anchored)."""
        self.ema.update(adjusted, seen)

    def walk(self, adjusted: FloatArray, seen: BoolArray, sigma_price: FloatArray) -> FloatArray:
        """Take sessions of shape (n_sessions, n_markets).

        Returns
        -------
        float array of shape (n_sessions, n_spans, n_markets)
            What ``by_span`` is after each of them.
        """
        average, count = self.ema.walk(adjusted, seen)
        return self._capped(self._scaled(average, count, sigma_price))

    def by_span(self, sigma_price: FloatArray) -> FloatArray:
        """Scaled and capped forecasts of shape (n_spans, n_markets), NaN where not ready.

        Parameters
        ----------
        sigma_price : float array of shape (n_markets,)
            Daily volatility in price units.
        """
        return self._capped(self.scaled(sigma_price))

    def crossover(self) -> FloatArray:
        """Fast minus slow average in price units, (n_spans, n_markets)."""
        return self._crossover(self.ema.value)

    def scaled(self, sigma_price: FloatArray) -> FloatArray:
        """Scaled forecasts before the cap, of shape (n_spans, n_markets)."""
        return self._scaled(self.ema.value, self.ema.count, sigma_price)

    def _crossover(self, average: FloatArray) -> FloatArray:
        return np.asarray(average[..., self._fast, :] - average[..., self._slow, :])

    def _scaled(self, average: FloatArray, count: IntArray, sigma_price: FloatArray) -> FloatArray:
        risk = sigma_price[..., None, :]
        usable = (count[..., None, :] >= self._minimum) & (risk > 0)
        raw = self._crossover(average) / np.where(usable, risk, 1.0) * self._scalar
        return np.where(usable, raw, np.nan)

    def _capped(self, scaled: FloatArray) -> FloatArray:
        return np.asarray(np.clip(scaled, -self.cap, self.cap))

    def forecast(self, sigma_price: FloatArray) -> FloatArray:
        """Combined forecasts of shape (n_markets,)."""
        return self.combined(self.by_span(sigma_price))

    def combined(self, by_span: FloatArray) -> FloatArray:
        """Forecasts of the spans that are there, combined, of shape (..., n_markets)."""
        return combine(by_span, self._multiplier, self.cap)


class EwmacRule(Rule):
    """Crossovers in the chain."""

    NAME, SLEEVE, STYLE = "ewmac", TREND, Style.TREND
    MEANING = "crossovers of exponential averages over volatility, the mean of several speeds"
    SETTINGS = EwmacSettings

    def __init__(self, inputs: Inputs) -> None:
        super().__init__(inputs)
        settings = inputs.settings
        self.ewmac = Ewmac(len(inputs.instruments), settings.ewmac_fast, settings.forecast_cap)
        self.speeds = SpeedCosts(self.NAME, settings.ewmac_fast, inputs)

    def walk(self, views: Views) -> tuple[FloatArray, Notes]:
        """Take sessions' adjusted prices."""
        markets = views.markets
        by_span = self.ewmac.walk(markets.adjusted, views.seen.seen, markets.sigma_price())
        by_span, notes = self.speeds.walk(by_span, views)
        return self.ewmac.combined(by_span), notes

    def signal(self, view: View) -> FloatArray:
        """Combined forecasts of the speeds that are worth their cost."""
        return self.ewmac.combined(self.speeds.of(self.ewmac.by_span(view.markets.sigma_price())))

    def explain(self, view: View) -> dict[str, FloatArray]:
        """Every speed raw, scaled and capped."""
        sigma = view.markets.sigma_price()
        out: dict[str, FloatArray] = {}
        raw, scaled = self.ewmac.crossover(), self.ewmac.scaled(sigma)
        for k, (fast, capped) in enumerate(
            zip(self.ewmac.fast_spans, self.ewmac.by_span(sigma), strict=True)
        ):
            out |= {f"{fast} raw": raw[k], f"{fast} scaled": scaled[k], f"{fast} capped": capped}
        return out | {"combined": self.signal(view)}

    def components(self) -> dict[str, Any]:
        """State of the averages."""
        own = {"ewmac": self.ewmac, "ewmac.ema": self.ewmac.ema}
        return own | self.speeds.components("ewmac")

    @classmethod
    def columns(cls, columns: Columns) -> dict[str, FloatArray]:
        """Every speed that has a scalar, and the combination."""
        settings = columns.settings
        by_span = ewmac_columns(columns)
        out = {f"ewmac {span}": one for span, one in by_span.items()}
        chosen = [by_span[span] for span in settings.ewmac_fast]
        return out | {"ewmac": combined(chosen, settings.forecast_cap)}


def ewmac_columns(columns: Columns) -> dict[int, FloatArray]:
    """Scaled and capped crossovers by fast span, of all spans with a scalar."""
    panel, cap, sigma_price = columns.panel, columns.settings.forecast_cap, columns.sigma_price
    rows = Rows(panel.seen)
    own = rows.take(panel.adjusted)
    spans = sorted({s for fast in EWMAC_SCALARS for s in (fast, 4 * fast)})
    mean = {span: _lean_ema(own, span) for span in spans}
    sessions = np.cumsum(panel.seen, axis=0)
    risk = np.where(sigma_price > 0, sigma_price, np.nan)
    out = {}
    for fast in sorted(EWMAC_SCALARS):
        crossover = rows.put(mean[fast] - mean[4 * fast])
        raw = crossover / risk * (EWMAC_SCALARS[fast] / CARVER_UNIT)
        out[fast] = np.where(sessions >= 4 * fast, np.clip(raw, -cap, cap), np.nan)
    return out


def _lean_ema(own: pd.DataFrame, span: int) -> pd.DataFrame:
    """The mean of the first ``span`` rows, from there on the exponential average of them and on."""
    seeded = own.iloc[span - 1 :].copy()
    seeded.iloc[:1] = own.iloc[:span].mean().to_numpy()
    return seeded.ewm(span=span, adjust=False).mean().reindex(own.index)
