"""Interactive Brokers' rules for backtests, without work on orders that cannot fill yet."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from AlgorithmImports import AccountType, InteractiveBrokersBrokerageModel, Order, Security

from universe.fills import bar_passes

if TYPE_CHECKING:
    from algorithm.context import TradingContext


class NextBarBrokerageModel(InteractiveBrokersBrokerageModel):
    """Lets LEAN look at an order once its contract has had a bar since it was sent, and a good one.

    At every time step LEAN computes the margin of each open order, and then its fill model finds
    that there is no new bar. It spares market-on-open orders that, but takes none for futures; not
    to look saves a seventh of a backtest's time. A bar that the quality gate holds back fills no
    order: it waits for the contract's next one (U4).
    """

    def __init__(self, context: TradingContext) -> None:
        super().__init__(AccountType.MARGIN)
        self._context = context

    def can_execute_order(self, security: Security, order: Order) -> bool:
        """Whether a trusted bar has come since the order was sent.

        LEAN asks at every step, and each submission asks for all orders.
        """
        context = self._context
        if context.sending:
            return False
        before = context.sent_after.get(order.id)
        if before is None:
            return True
        last: Any = security.get_last_data()
        if last is None:
            return True
        if last.end_time <= before or not self._is_with_other_leg(order, last):
            return False
        if self._is_trusted(security, last):
            return True
        context.sent_after[order.id] = last.end_time
        return False

    def _is_with_other_leg(self, order: Order, bar: Any) -> bool:
        """Whether the other leg of a spread has a bar of the same session."""
        leg = self._context.other_leg.get(order.id)
        if leg is None:
            return True
        beside: Any = self._context.securities[leg].get_last_data()
        return beside is not None and bool(beside.end_time == bar.end_time)

    def _is_trusted(self, security: Security, bar: Any) -> bool:
        context = self._context
        key = context.keys.get(security.symbol)
        if key is None or not hasattr(bar, "open"):
            return True
        markets, key = context.strategy.markets, context.strategy.lines.key(key)
        held = context.securities.get((key[0], int(markets.held[key[0]])))
        other: Any = held.get_last_data() if held is not None else None
        held_close = math.nan
        if other is not None and other.end_time.date() == bar.end_time.date():
            held_close = float(other.close)
        return bar_passes(markets, *key, float(bar.open), float(bar.close), held_close)
