"""LEAN alpha models of the sleeves: forecasts in, insights out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from AlgorithmImports import AlphaModel, Insight, InsightDirection, QCAlgorithm, Slice

from alpha.rules.rule import Style
from alpha.snapshot import Snapshot
from universe.arrays import DAYS_IN_YEAR, FloatArray

if TYPE_CHECKING:
    from algorithm.context import TradingContext

LIFETIME = timedelta(days=30)
"""Insights are renewed long before."""

RENEWAL = 20
"""Days after which an unchanged insight is emitted again."""


class SleeveAlphaModel(AlphaModel):
    """Emits an insight of a market when its forecast or contract changes.

    ``Insight.weight`` carries the forecast (mean 1, cap 2), None when it ends; ``source_model``
    names the sleeve. ``confidence`` is the forecast's share of the cap. ``magnitude`` is what the
    contract gains over the insight's life at an unchanged curve, where that is what the sleeve bets
    on: of carry sleeves that go with a market's own carry. Trend and comparisons have none.
    """

    STYLE: Style

    def __init__(self, context: TradingContext) -> None:
        super().__init__()
        self.name = str(self.STYLE)
        self._context = context
        styles = context.strategy.forecasts.styles
        self._sleeves = [sleeve for sleeve, style in styles.items() if style == self.STYLE]
        self._emitted: dict[tuple[str, int], tuple[Any, float, int]] = {}

    def update(self, algorithm: QCAlgorithm, data: Slice) -> list[Insight]:
        """Insights of the model's sleeves, none while no decision is due."""
        context = self._context
        if not context.due:
            return []
        decision = context.through("forecast")
        return [
            insight
            for sleeve in self._sleeves
            for insight in self._of(sleeve, decision.forecasts[sleeve], decision.snapshot)
        ]

    def _of(self, sleeve: str, forecasts: FloatArray, snapshot: Snapshot) -> Iterator[Insight]:
        context, day = self._context, self._context.strategy.day
        gain = self._gain(sleeve, snapshot)
        for market, forecast in enumerate(forecasts.tolist()):
            key = (sleeve, market)
            symbol = context.held_symbol(market)
            last = self._emitted.get(key)
            if symbol is None or (last is None and forecast != forecast):
                continue
            if last and last[:2] == (symbol, forecast) and day - last[2] < RENEWAL:
                continue
            if forecast == forecast:
                self._emitted[key] = (symbol, forecast, day)
            else:
                del self._emitted[key]
            yield self._insight(symbol, forecast, sleeve, float(gain[market]))

    def _gain(self, sleeve: str, snapshot: Snapshot) -> FloatArray:
        """Return of every market over an insight's life at an unchanged curve, NaN where no bet."""
        forecasts, n = self._context.strategy.forecasts, snapshot.n_markets
        own = forecasts.styles[sleeve] == Style.CARRY and not (
            forecasts.on_spreads(sleeve) or forecasts.is_neutral(sleeve)
        )
        price = snapshot.price[:n] if own else np.zeros(n)
        years = LIFETIME.days / DAYS_IN_YEAR
        return np.where(price > 0, snapshot.basis / np.where(price > 0, price, 1.0) * years, np.nan)

    def _insight(self, symbol: Any, forecast: float, sleeve: str, gain: float) -> Insight:
        if forecast != forecast:
            flat = InsightDirection.FLAT
            return Insight.price(symbol, LIFETIME, flat, None, None, sleeve, None)
        direction = InsightDirection.FLAT
        if forecast:
            direction = InsightDirection.UP if forecast > 0 else InsightDirection.DOWN
        magnitude = gain if gain * forecast > 0 else None
        confidence = abs(forecast) / self._context.strategy.forecasts.cap
        return Insight.price(symbol, LIFETIME, direction, magnitude, confidence, sleeve, forecast)


class TrendAlphaModel(SleeveAlphaModel):
    """Trend sleeve (A1, A2)."""

    STYLE = Style.TREND


class CarryAlphaModel(SleeveAlphaModel):
    """Carry sleeves: one per carry rule (A3 to A6).

    An insight of the calendar sleeve is of the market's spread; it carries the symbol of the
    market's held contract.
    """

    STYLE = Style.CARRY


class OtherAlphaModel(SleeveAlphaModel):
    """Sleeves that are neither trend nor carry."""

    STYLE = Style.OTHER
