"""LEAN alpha models of the sleeves: forecasts in, insights out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from AlgorithmImports import AlphaModel, Insight, InsightDirection, QCAlgorithm, Slice

from alpha.forecasts import TREND
from universe.arrays import FloatArray

if TYPE_CHECKING:
    from algorithm.context import TradingContext

LIFETIME = timedelta(days=30)
"""Insights are renewed long before."""

RENEWAL = 20
"""Days after which an unchanged insight is emitted again."""


class SleeveAlphaModel(AlphaModel):
    """Emits an insight of a market when its forecast or contract changes.

    ``Insight.weight`` carries the forecast (mean 1, cap 2), None when it ends; ``source_model``
    names the sleeve.
    """

    def __init__(self, context: TradingContext, name: str, sleeves: tuple[str, ...]) -> None:
        super().__init__()
        self.name = name
        self._context, self._sleeves = context, sleeves
        self._emitted: dict[tuple[str, int], tuple[Any, float, int]] = {}

    def update(self, algorithm: QCAlgorithm, data: Slice) -> list[Insight]:
        """Insights of the model's sleeves, none while no decision is due."""
        context = self._context
        if not context.due:
            return []
        forecasts = context.through("forecast").forecasts
        return [
            insight for sleeve in self._sleeves for insight in self._of(sleeve, forecasts[sleeve])
        ]

    def _of(self, sleeve: str, forecasts: FloatArray) -> Iterator[Insight]:
        context, day = self._context, self._context.strategy.day
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
            yield _insight(symbol, forecast, sleeve)


def _insight(symbol: Any, forecast: float, sleeve: str) -> Insight:
    direction = InsightDirection.FLAT
    if forecast != 0 and forecast == forecast:
        direction = InsightDirection.UP if forecast > 0 else InsightDirection.DOWN
    weight = forecast if forecast == forecast else None
    return Insight.price(symbol, LIFETIME, direction, None, None, sleeve, weight)


class TrendAlphaModel(SleeveAlphaModel):
    """Trend sleeve (A1, A2)."""

    def __init__(self, context: TradingContext) -> None:
        super().__init__(context, TREND, (TREND,))


class CarryAlphaModel(SleeveAlphaModel):
    """Carry sleeves: one per carry rule (A3 to A6).

    An insight of the calendar sleeve is of the market's spread; it carries the symbol of the
    market's held contract.
    """

    def __init__(self, context: TradingContext) -> None:
        carry = tuple(name for name in context.strategy.sleeves if name != TREND)
        super().__init__(context, "carry", carry)
