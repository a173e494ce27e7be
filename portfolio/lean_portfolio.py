"""LEAN portfolio construction: insights of all sleeves in, whole-contract targets out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from AlgorithmImports import (
    Insight,
    PortfolioConstructionModel,
    PortfolioTarget,
    QCAlgorithm,
)

if TYPE_CHECKING:
    from algorithm.context import TradingContext


class SleevePortfolioConstructionModel(PortfolioConstructionModel):
    """Overlays the sleeves' insights to the vol target.

    LEAN's base model keeps only the newest insight of a symbol, which would lose a sleeve, so
    this one gathers them by ``source_model`` itself.
    """

    def __init__(self, context: TradingContext) -> None:
        super().__init__()
        self._context = context

    def create_targets(
        self, algorithm: QCAlgorithm, insights: list[Insight]
    ) -> list[PortfolioTarget]:
        """Whole contracts where something is to be done; 0 for contracts rolled out of."""
        context = self._context
        if not context.due:
            return []
        if not context.forecasts:
            n = len(context.strategy.instruments)
            context.forecasts = {name: np.full(n, np.nan) for name in context.strategy.sleeves}
        for insight in insights:
            key = context.keys.get(insight.symbol)
            sleeve = context.forecasts.get(insight.source_model)
            if key is not None and sleeve is not None:
                sleeve[key[0]] = np.nan if insight.weight is None else insight.weight
        decision = context.through("forecast")
        decision.forecasts = {name: one.copy() for name, one in context.forecasts.items()}
        decision = context.through("target")
        strategy = context.strategy
        trades = strategy.trading.solve(decision.target, 1.0, decision.snapshot)
        context.proposed = trades.contracts
        context.emitted.clear()
        return context.portfolio_targets(context.proposed, PortfolioTarget)
