"""LEAN execution model: market orders for the next session, rolls included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from AlgorithmImports import (
    ExecutionModel,
    OrderEvent,
    OrderStatus,
    PortfolioTarget,
    QCAlgorithm,
)

from execution.orders import Order

if TYPE_CHECKING:
    from algorithm.context import TradingContext

_DEAD = (OrderStatus.CANCELED, OrderStatus.INVALID)


class NextSessionExecutionModel(ExecutionModel):
    """Sends what is missing to the targets; the orders fill in each contract's next session.

    The decision comes after the last close, so a market order waits for the next open
    (``settings.stale_price_time_span`` is zero). What is already on its way is not sent twice, and
    cancelled where the target has turned against it; until the broker says that it is, it counts.
    """

    def __init__(self, context: TradingContext) -> None:
        super().__init__()
        self._context = context

    def execute(self, algorithm: QCAlgorithm, targets: list[PortfolioTarget]) -> None:
        """Order the difference between targets, holdings and open orders."""
        context = self._context
        if not context.due:
            return
        decision = context.through("execute")
        legs = decision.snapshot.legs
        wanted: dict[int, dict[int, int]] = {}
        for target in targets:
            key = context.keys.get(target.symbol)
            if key is None:
                continue
            market, month = key
            months = wanted.setdefault(market, {})
            kept = (legs.held[market], *legs.of(market))
            if target.quantity or month in kept:  # others are closed as part of a roll
                months[month] = round(target.quantity)
        context.strategy.plan(decision, wanted)
        sigma = decision.snapshot.sigma_price
        with context.sending_orders():
            for ticket in context.turned_against(decision.withdrawals):
                ticket.cancel("the target has turned against it")
            decision.orders = [
                order
                for order in decision.orders
                if self._send(algorithm, order, float(sigma[order.market]))
            ]

    def _send(self, algorithm: QCAlgorithm, order: Order, sigma: float) -> bool:
        """Whether the order is on its way."""
        context = self._context
        key = (order.market, order.month)
        if key not in context.symbols:
            context.log(f"{order.month} of market {order.market} is not subscribed: no order")
            return False
        symbol = context.symbols[key]
        try:
            ticket = algorithm.market_order(symbol, order.quantity, True, context.tag(order))
        except Exception as error:  # one refused contract must not stop the others
            context.log(f"order of {order.quantity} {symbol.value}: {error}")
            return False
        context.order_placed(order, ticket, sigma)
        return True

    def on_order_event(self, algorithm: QCAlgorithm, order_event: OrderEvent) -> None:
        """Say it when an order dies; the next decision orders what is still missing."""
        if order_event.status in _DEAD:
            self._context.log(
                f"order {order_event.order_id} in {order_event.symbol.value} "
                f"{order_event.status}: {order_event.message}"
            )
