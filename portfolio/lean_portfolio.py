"""LEAN portfolio construction: insights of both sleeves in, whole-contract targets out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from AlgorithmImports import (
    Insight,
    PortfolioConstructionModel,
    PortfolioTarget,
    QCAlgorithm,
)

from alpha.forecasts import SLEEVES

if TYPE_CHECKING:
    from algorithm.context import TradingContext


class SleevePortfolioConstructionModel(PortfolioConstructionModel):
    """Overlays the sleeves' insights to the vol target (stage 4).

    LEAN's base model keeps only the newest insight of a symbol, which would lose a sleeve, so
    this one gathers them by ``source_model`` itself.
    """

    def __init__(self, context: TradingContext) -> None:
        super().__init__()
        self._context = context

    def create_targets(
        self, algorithm: QCAlgorithm, insights: list[Insight]
    ) -> list[PortfolioTarget]:
        """Whole contracts of every market; 0 for contracts that have been rolled out of."""
        context = self._context
        if not context.due:
            return []
        n = len(context.strategy.instruments)
        forecasts = {name: np.full(n, np.nan) for name in SLEEVES}
        for insight in insights:
            key = context.keys.get(insight.symbol)
            if key is not None and insight.source_model in forecasts:
                forecasts[insight.source_model][key[0]] = insight.weight
        context.forecasts = forecasts
        context.plan = context.strategy.construct(forecasts, context.nav)
        wanted = context.strategy.target_contracts(context.plan.contracts)
        targets = []
        for key in context.holdings:
            if key[0] in wanted and wanted[key[0]][0] != key[1]:
                targets.append(PortfolioTarget(context.symbols[key], 0))
        for market, (month, quantity) in wanted.items():
            symbol = context.symbols.get((market, month))
            if symbol is not None:
                targets.append(PortfolioTarget(symbol, quantity))
        return targets
