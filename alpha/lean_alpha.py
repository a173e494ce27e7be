"""LEAN alpha models of the two sleeves: forecasts in, insights out."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from AlgorithmImports import AlphaModel, Insight, InsightDirection, QCAlgorithm, Slice

from alpha.forecasts import CARRY, TREND

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

    def __init__(self, context: TradingContext, sleeve: str) -> None:
        super().__init__()
        self.name = sleeve
        self._context, self._sleeve = context, sleeve
        self._emitted: dict[int, tuple[Any, float, int]] = {}

    def update(self, algorithm: QCAlgorithm, data: Slice) -> list[Insight]:
        """Insights of this sleeve, none while no decision is due."""
        context = self._context
        if not context.due:
            return []
        insights = []
        day = context.strategy.day
        for market, forecast in enumerate(context.strategy.forecast()[self._sleeve].tolist()):
            symbol = context.held_symbol(market)
            last = self._emitted.get(market)
            if symbol is None or (last is None and forecast != forecast):
                continue
            if last and last[:2] == (symbol, forecast) and day - last[2] < RENEWAL:
                continue
            if forecast == forecast:
                self._emitted[market] = (symbol, forecast, day)
            else:
                del self._emitted[market]
            insights.append(_insight(symbol, forecast, self._sleeve))
        return insights


def _insight(symbol: Any, forecast: float, sleeve: str) -> Insight:
    direction = InsightDirection.FLAT
    if forecast != 0 and forecast == forecast:
        direction = InsightDirection.UP if forecast > 0 else InsightDirection.DOWN
    weight = forecast if forecast == forecast else None
    return Insight.price(symbol, LIFETIME, direction, None, None, sleeve, weight)


class TrendAlphaModel(SleeveAlphaModel):
    """Trend sleeve (A1, A2)."""

    def __init__(self, context: TradingContext) -> None:
        super().__init__(context, TREND)


class CarryAlphaModel(SleeveAlphaModel):
    """Carry sleeve (A3, A4)."""

    def __init__(self, context: TradingContext) -> None:
        super().__init__(context, CARRY)
