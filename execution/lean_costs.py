"""The cost model as LEAN slippage and fee models (E3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from AlgorithmImports import CashAmount, FeeModel, Order, OrderFee, OrderFeeParameters, Security

from execution.costs import fee, slippage

if TYPE_CHECKING:
    from algorithm.context import TradingContext


class CostSlippageModel:
    """Half spread plus square-root impact, from the volatility known when the order was sent."""

    def __init__(self, context: TradingContext) -> None:
        self._context = context

    def get_slippage_approximation(self, asset: Security, order: Order) -> float:
        """Price concession per contract, in quoted price."""
        context = self._context
        key = context.keys.get(asset.symbol)
        if key is None:
            return 0.0
        strategy = context.strategy
        sigma = context.order_sigma.get(order.id)
        if sigma is None:
            sigma = float(strategy.markets.sigma_price()[key[0]])
        return slippage(
            strategy.instruments[key[0]],
            float(order.quantity),
            sigma,
            impact=strategy.settings.impact,
            stress=strategy.settings.cost_stress,
        )


class CostFeeModel(FeeModel):
    """Fee per contract of one market, from the instrument master."""

    def __init__(self, context: TradingContext, market: int) -> None:
        super().__init__()
        self._instrument = context.strategy.instruments[market]

    def get_order_fee(self, parameters: OrderFeeParameters) -> OrderFee:
        """Exchange, clearing and broker fee of an order."""
        amount = fee(self._instrument, float(parameters.order.quantity))
        return OrderFee(CashAmount(amount, self._instrument.fee_currency))
