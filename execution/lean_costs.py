"""The cost model as LEAN slippage and fee models (E3), and who gives them to securities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from AlgorithmImports import (
    BrokerageModelSecurityInitializer,
    CashAmount,
    FeeModel,
    ImmediateSettlementModel,
    Order,
    OrderFee,
    OrderFeeParameters,
    QCAlgorithm,
    Security,
    SecuritySeeder,
    SecurityType,
)

from execution.blotter import child_of
from execution.costs import CostModel, fee
from universe.instruments import Instrument

if TYPE_CHECKING:
    from algorithm.context import TradingContext


class CostSlippageModel:
    """Half spread plus square-root impact, from what was known when the order was sent."""

    def __init__(self, context: TradingContext) -> None:
        self._context, settings = context, context.strategy.settings
        self._costs = CostModel.of(settings)
        self._levies = CostModel(0.0, 0.0, levy=settings.levies)

    def get_slippage_approximation(self, asset: Security, order: Order) -> float:
        """Price concession per contract, in quoted price."""
        context = self._context
        key = context.keys.get(asset.symbol)
        if key is None:
            return 0.0
        strategy = context.strategy
        if context.minutes is not None and (child := child_of(str(order.tag))):
            return self._of_child(asset, child, strategy.lines.instruments[key[0]])
        sigma, stress = context.conditions_of(order.id, key[0])
        instrument = strategy.lines.instruments[key[0]]
        levied = instrument.code in self._costs.levy
        return self._costs.concession(
            instrument,
            float(order.quantity),
            sigma,
            float(asset.open) if levied else 0.0,  # which it fills at; nothing else asks for it
            context.reasons.get(order.id, ""),
            day=strategy.day,
            stress=stress,
        )

    def _of_child(self, asset: Security, child: str, instrument: Instrument) -> float:
        """By the minute the quote that is crossed is paid: beyond it impact, and a levy."""
        sent = self._context.children.get(child)
        impact, reason = (sent.impact, sent.reason) if sent is not None else (0.0, "")
        if instrument.code not in self._levies.levy:
            return impact
        return impact + self._levies.concession(instrument, 1.0, 0.0, float(asset.price), reason)


class CostFeeModel(FeeModel):
    """Fee per contract of one line, from the instrument master."""

    def __init__(self, context: TradingContext, line: int) -> None:
        super().__init__()
        self._instrument = context.strategy.lines.instruments[line]

    def get_order_fee(self, parameters: OrderFeeParameters) -> OrderFee:
        """Exchange, clearing and broker fee of an order."""
        amount = fee(self._instrument, float(parameters.order.quantity))
        return OrderFee(CashAmount(amount, self._instrument.fee_currency))


class FuturesInitializer(BrokerageModelSecurityInitializer):
    """Our costs on every contract and, in backtests, profit booked when a position is closed.

    LEAN asks the fee model for every position whenever it values the account, 60 ms a day for 35
    markets in Python; so its own Interactive Brokers model, whose amounts the instrument master
    carries, stands in by default.

    LEAN's daily futures settlement adds profit it has already converted to the account currency
    to the cash of the quote currency, which counts the exchange rate twice for FESX, and writes a
    log line per position and day. The account value counts open profit in either case.
    """

    def __init__(self, algorithm: QCAlgorithm, context: TradingContext) -> None:
        super().__init__(algorithm.brokerage_model, SecuritySeeder.NULL)
        self._live = bool(algorithm.live_mode)
        self._context = context
        self._slippage = CostSlippageModel(context)

    def initialize(self, security: Security) -> None:
        """Set the models of a new security."""
        super().initialize(security)
        if security.type != SecurityType.FUTURE:
            return
        line = self._context.strategy.lines.index.get(security.symbol.id.symbol)
        if line is None:
            return
        security.set_slippage_model(self._slippage)
        if self._context.strategy.settings.fee_model == "master" and not self._live:
            security.set_fee_model(CostFeeModel(self._context, line))
        if not self._live:
            security.set_settlement_model(ImmediateSettlementModel())
