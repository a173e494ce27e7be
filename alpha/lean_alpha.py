"""LEAN alpha models of the two sleeves: forecasts in, insights out."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
from AlgorithmImports import AlphaModel, Insight, InsightDirection, QCAlgorithm, Slice

from alpha.forecasts import CARRY, TREND

if TYPE_CHECKING:
    from algorithm.context import TradingContext

LIFETIME = timedelta(days=5)
"""Insights are renewed at every decision; this outlives a weekend with a holiday."""


class SleeveAlphaModel(AlphaModel):
    """Emits one insight per market and sleeve when the decision clock says so.

    ``Insight.weight`` carries the forecast (mean 1, cap 2), ``source_model`` names the sleeve.
    """

    def __init__(self, context: TradingContext, sleeve: str) -> None:
        super().__init__()
        self.name = sleeve
        self._context, self._sleeve = context, sleeve

    def update(self, algorithm: QCAlgorithm, data: Slice) -> list[Insight]:
        """Insights of this sleeve, none while no decision is due."""
        context = self._context
        if not context.due:
            return []
        insights = []
        forecasts = context.strategy.forecast()[self._sleeve]
        for market in np.flatnonzero(np.isfinite(forecasts)).tolist():
            symbol = context.held_symbol(market)
            if symbol is None:
                continue
            forecast = float(forecasts[market])
            if forecast > 0:
                direction = InsightDirection.UP
            else:
                direction = InsightDirection.DOWN if forecast < 0 else InsightDirection.FLAT
            insights.append(
                Insight.price(symbol, LIFETIME, direction, None, None, self._sleeve, forecast)
            )
        return insights


class TrendAlphaModel(SleeveAlphaModel):
    """Trend sleeve (A1, A2)."""

    def __init__(self, context: TradingContext) -> None:
        super().__init__(context, TREND)


class CarryAlphaModel(SleeveAlphaModel):
    """Carry sleeve (A3, A4)."""

    def __init__(self, context: TradingContext) -> None:
        super().__init__(context, CARRY)
