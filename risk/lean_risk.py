"""LEAN risk models on whole contracts: the drawdown governor, then the VaR gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from AlgorithmImports import PortfolioTarget, QCAlgorithm, RiskManagementModel

from universe.arrays import IntArray

if TYPE_CHECKING:
    from algorithm.context import TradingContext


def _changed(context: TradingContext, before: IntArray, after: IntArray) -> list[PortfolioTarget]:
    """Overrides of the markets whose contracts the stage has cut."""
    n = len(context.strategy.instruments)
    changed = set((before != after).nonzero()[0] % n)
    return context.portfolio_targets(after, PortfolioTarget, changed) if changed else []


class DrawdownGovernorRiskModel(RiskManagementModel):
    """Scales all targets with the drawdown of the account (stage 5a, R3)."""

    def __init__(self, context: TradingContext) -> None:
        super().__init__()
        self._context = context

    def manage_risk(
        self, algorithm: QCAlgorithm, targets: list[PortfolioTarget]
    ) -> list[PortfolioTarget]:
        """Overrides for the targets that the governor cuts."""
        context = self._context
        if not context.due or context.plan is None:
            return []
        context.governed = context.strategy.govern(context.plan.contracts)
        return _changed(context, context.plan.contracts, context.governed)


class VarGateRiskModel(RiskManagementModel):
    """Lets no set of targets above the value-at-risk limit pass (stage 5c, R2); set it last."""

    def __init__(self, context: TradingContext) -> None:
        super().__init__()
        self._context = context

    def manage_risk(
        self, algorithm: QCAlgorithm, targets: list[PortfolioTarget]
    ) -> list[PortfolioTarget]:
        """Overrides for the targets that the gate cuts."""
        context = self._context
        if not context.due or context.plan is None or context.governed is None:
            return []
        gated = context.strategy.gate_targets(
            context.governed, context.held_assets(), context.plan.unit_exposure
        )
        context.gated = gated
        for step in gated.steps:
            context.log(f"VaR gate: {step}")
        return _changed(context, context.governed, gated.contracts)
