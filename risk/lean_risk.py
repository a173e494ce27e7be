"""LEAN risk model: exposure scales on the fractional target, then the risk stages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from AlgorithmImports import PortfolioTarget, QCAlgorithm, RiskManagementModel

if TYPE_CHECKING:
    from algorithm.context import TradingContext


class ChainRiskManagementModel(RiskManagementModel):
    """Drawdown governor and other scales, whole contracts anew, then limits and the VaR gate.

    Construction has handed over the targets as if no scale acted. This model overrides those of
    the markets that end up with other contracts; set it last, so that nothing changes them after
    the gate.
    """

    def __init__(self, context: TradingContext) -> None:
        super().__init__()
        self._context = context

    def manage_risk(
        self, algorithm: QCAlgorithm, targets: list[PortfolioTarget]
    ) -> list[PortfolioTarget]:
        """Overrides for the targets that scales and risk stages change."""
        context = self._context
        if not context.due:
            return []
        decision = context.through("protect")
        for sentence in decision.sentences():
            context.log(sentence)
        before, after = context.proposed, decision.contracts
        if before is None:
            return context.portfolio_targets(after, PortfolioTarget)
        changed = set((before != after).nonzero()[0] % len(context.strategy.instruments))
        return context.portfolio_targets(after, PortfolioTarget, changed) if changed else []
