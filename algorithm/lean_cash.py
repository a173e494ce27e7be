"""LEAN's cash: in a backtest interest and sweeps are booked, live sweeps are orders.

LEAN's margin interest models act on single securities with a position, and in a backtest a forex
order would fill on another day than it is decided; so the amounts are booked there, at the decision
and at its rates, as the embedded engine does. Live, the broker pays its own interest and changes
currencies on an order: what is due is sent as a market order in the pair that LEAN takes the
currency's rate from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from AlgorithmImports import OrderStatus, SecurityType

from portfolio.cash import Settlement
from portfolio.conversion import conversion_orders
from risk.account import Remedy
from risk.kill_switch import Mode
from universe.fx import BASE

if TYPE_CHECKING:
    from AlgorithmImports import QCAlgorithm

    from algorithm.context import TradingContext
    from algorithm.decision import Decision

TAG = "sweep"


class LeanCash:
    """Settles the account once a session.

    Parameters
    ----------
    algorithm : QCAlgorithm
    context : TradingContext
    """

    def __init__(self, algorithm: QCAlgorithm, context: TradingContext) -> None:
        self._algorithm, self._context = algorithm, context
        self._due: dict[str, float] = {}  # balances to be changed, live
        self._tickets: dict[str, list[Any]] = {}  # our last orders by currency
        self._said: dict[str, str] = {}  # why a currency is left, by currency

    def settle(self) -> Settlement:
        """Book what the treasury says of the session observed last; live it becomes due."""
        strategy, book = self._context.strategy, self._algorithm.portfolio.cash_book
        settled = strategy.settle_cash(self._balances())
        if self._algorithm.live_mode:
            self._due = settled.changed
            self._say_bills(settled)
            return Settlement()
        for currency, amount in settled.changed.items():
            book[currency].add_amount(-amount)
        book[BASE].add_amount(settled.interest + settled.proceeds)
        return settled

    def send(self, decision: Decision) -> None:
        """Live: order the changes of currency that are due, unless the decision may not trade."""
        due, self._due = self._due, {}
        remedy = max((verdict.remedy for verdict in decision.verdicts), default=Remedy.SAY)
        switch = self._context.strategy.switch
        if decision.is_blind or remedy >= Remedy.FREEZE or switch.mode != Mode.ARMED:
            return
        for currency in sorted(due):
            self._change(currency, due[currency])
        self._said = {name: why for name, why in self._said.items() if name in due}

    def _change(self, currency: str, balance: float) -> None:
        algorithm = self._algorithm
        pair = self._pair(currency)
        if pair is None:
            self._say(currency, balance, f"LEAN has no pair of it with {BASE}")
            return
        if any(ticket.status == OrderStatus.INVALID for ticket in self._tickets.get(currency, ())):
            self._say(currency, balance, "the broker has refused the order")
            return
        on_its_way = any(
            ticket.symbol == pair.symbol
            for ticket in algorithm.transactions.get_open_order_tickets()
        )
        rate = float(algorithm.portfolio.cash_book[currency].conversion_rate)
        if on_its_way or not rate or not pair.exchange.exchange_open:  # another evening
            return
        name, lot = str(pair.symbol.value), float(pair.symbol_properties.lot_size)
        orders = conversion_orders(name, currency, balance, rate, lot)
        if not orders:
            self._say(currency, balance, f"too little for an order in {name}")
            return
        self._tickets[currency] = [
            algorithm.market_order(pair.symbol, quantity, True, TAG) for quantity in orders
        ]
        algorithm.log(
            f"cash: {balance:,.0f} {currency} are changed into {BASE}: "
            f"{', '.join(f'{quantity:,.0f}' for quantity in orders)} {name}"
        )

    def _pair(self, currency: str) -> Any | None:
        """The security of the pair with the account's currency, None without one."""
        conversion = self._algorithm.portfolio.cash_book[currency].currency_conversion
        pairs = list(conversion.conversion_rate_securities) if conversion is not None else []
        if len(pairs) != 1 or pairs[0].type != SecurityType.FOREX:
            return None
        return pairs[0]

    def _say(self, currency: str, balance: float, why: str) -> None:
        """Once, until the reason changes or the balance is below its threshold."""
        if self._said.get(currency) != why:
            self._said[currency] = why
            self._algorithm.log(f"cash: {balance:,.0f} {currency} stay in it: {why}")

    def margins(self) -> dict[str, float]:
        """Margin in use and left over the account's value, as LEAN or the broker reckons them."""
        portfolio = self._algorithm.portfolio
        value = float(portfolio.total_portfolio_value)
        if not value > 0:
            return {}
        return {
            "margin used": float(portfolio.total_margin_used) / value,
            "margin left": float(portfolio.margin_remaining) / value,
        }

    def _say_bills(self, settled: Settlement) -> None:
        bills = settled.collateral
        if bills is not None and (bills.bought or bills.sold):
            verb, amount = ("bought", bills.bought) if bills.bought else ("sold", bills.sold)
            self._algorithm.log(
                f"cash: Treasury bills for {amount:,.0f} are due to be {verb}, after which "
                f"{bills.bills:,.0f} are in bills and {bills.cash:,.0f} at hand; no order is sent"
            )

    def _balances(self) -> dict[str, float]:
        """By currency, in a backtest with the open profit that LEAN books when it is closed.

        Live, the broker settles futures daily, and only what is there can be changed.
        """
        portfolio, context = self._algorithm.portfolio, self._context
        lines = context.strategy.lines
        instruments = lines.instruments
        out = {BASE: 0.0} | {instrument.currency: 0.0 for instrument in instruments}
        for currency in out:
            out[currency] = float(portfolio.cash_book[currency].amount)
        if self._algorithm.live_mode:
            return out
        for key, quantity in context.holdings.items():
            mark = context.marks.of(lines.key(key))
            if mark is not None:
                instrument = instruments[key[0]]
                moved = mark - float(portfolio[context.symbols[key]].average_price)
                out[instrument.currency] += quantity * moved * instrument.multiplier
        return out
