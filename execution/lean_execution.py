"""LEAN execution model: market orders for the next session, rolls included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from AlgorithmImports import (
    ExecutionModel,
    Leg,
    OrderEvent,
    OrderStatus,
    PortfolioTarget,
    QCAlgorithm,
)

from execution.costs import Conditions
from execution.fills import ROLL, SPREAD
from execution.orders import Order
from execution.sent_orders import sent_tag

if TYPE_CHECKING:
    from algorithm.context import TradingContext

_DEAD = (OrderStatus.CANCELED, OrderStatus.INVALID)
_ENDED = (*_DEAD, OrderStatus.FILLED)


class NextSessionExecutionModel(ExecutionModel):
    """Sends what is missing to the targets; the orders fill in each contract's next session.

    By the minute outright orders become parents that ``execution.lean_minutes`` works through it.

    A roll as a calendar spread is one combo order; a market whose broker refuses it rolls leg by
    leg from then on, until the next start.

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
        decision = context.through("protect")
        legs, lines = decision.snapshot.legs, context.strategy.lines
        wanted: dict[int, dict[int, int]] = {}
        for target in targets:
            key = context.keys.get(target.symbol)
            if key is None:
                continue
            market, month = key
            months = wanted.setdefault(market, {})
            of = lines.market[market]
            kept = (legs.held[of], *legs.of(of))
            if target.quantity or month in kept:  # others are closed as part of a roll
                months[month] = round(target.quantity)
        decision.handed = wanted
        context.through("execute")
        sigma = context.strategy.order_sigma(decision)
        stress = context.strategy.order_stress(decision)
        with context.sending_orders():
            for ticket in context.turned_against(decision.withdrawals):
                ticket.cancel("the target has turned against it")
            sent: list[Order] = []
            whole = decision.orders
            if context.minutes is not None:  # spreads are sent whole
                whole = [order for order in whole if order.combo]
                outright = [order for order in decision.orders if not order.combo]
                sent += context.minutes.take(decision, outright)
            pairs = groupby(enumerate(whole), key=lambda pair: pair[1].combo or -1 - pair[0])
            groups = [[order for _, order in group] for _, group in pairs]
            names = [""] * len(groups)
            if context.sent is not None:
                names = context.sent.begin(decision.day, groups)
            for orders, name in zip(groups, names, strict=True):
                line = orders[0].market
                conditions = Conditions(float(sigma[line]), float(stress[line]))
                sent += self._send(algorithm, orders, conditions, name)
            decision.orders = sent

    def _send(
        self, algorithm: QCAlgorithm, orders: Sequence[Order], conditions: Conditions, name: str
    ) -> Sequence[Order]:
        """What of an order, or of a spread's legs, is on its way; ``name`` is its id, if any."""
        context = self._context
        for order in orders:
            if (order.market, order.month) not in context.symbols:
                context.log(f"{order.month} of market {order.market} is not subscribed: no order")
                return ()
        try:
            tickets = self._tickets(algorithm, orders, name)
        except Exception as error:  # one refused contract must not stop the others
            symbol = context.symbols[(orders[0].market, orders[0].month)]
            context.log(f"order of {orders[0].quantity} {symbol.value}: {error}")
            return ()
        if len(tickets) < len(orders):  # LEAN refuses a spread in whole, with one ticket
            context.spread_refused(orders[0].market, str(tickets[0].submit_request.response))
            legs = [replace(order, reason=ROLL, combo=0) for order in orders]
            return [sent for leg in legs for sent in self._send(algorithm, [leg], conditions, name)]
        if name:
            context.sent.placed(name, tickets)
        for order, ticket in zip(orders, tickets, strict=True):
            context.order_placed(order, ticket, conditions, orders)
        return orders

    def _tickets(self, algorithm: QCAlgorithm, orders: Sequence[Order], name: str) -> Sequence[Any]:
        context, first = self._context, orders[0]
        tag = context.tag(first)
        if name:
            tag = sent_tag(name, tag)
        if len(orders) == 1:
            symbol = context.symbols[(first.market, first.month)]
            return [algorithm.market_order(symbol, first.quantity, True, tag)]
        size = abs(first.quantity)
        legs = [
            Leg.create(context.symbols[(order.market, order.month)], order.quantity // size)
            for order in orders
        ]
        return list(algorithm.combo_market_order(legs, size, True, tag))

    def on_order_event(self, algorithm: QCAlgorithm, order_event: OrderEvent) -> None:
        """Say it when an order dies; the next decision orders what is still missing."""
        context = self._context
        if context.minutes is not None and context.minutes.on_order_event(order_event):
            return
        if order_event.status not in _DEAD:
            return
        context.log(
            f"order {order_event.order_id} in {order_event.symbol.value} "
            f"{order_event.status}: {order_event.message}"
        )
        key = context.keys.get(order_event.symbol)
        refused = order_event.status == OrderStatus.INVALID
        if refused and key is not None and context.reasons.get(order_event.order_id) == SPREAD:
            context.spread_refused(key[0], str(order_event.message))
            other = context.other_ticket(order_event.order_id, key)
            if other is not None and other.status not in _ENDED:
                other.cancel("the other leg was refused")
