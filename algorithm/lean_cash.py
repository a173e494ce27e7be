"""LEAN's cash book in a backtest: interest and sweeps are booked into it.

LEAN's margin interest models act on single securities with a position, and a forex order would fill
on another day than it is decided; so the amounts are booked, at the decision and at its rates, as
the embedded engine does. Live, the broker pays its own interest and changes currencies on a
person's order: what is due is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from portfolio.cash import Settlement
from universe.fx import BASE

if TYPE_CHECKING:
    from AlgorithmImports import QCAlgorithm

    from algorithm.context import TradingContext


class LeanCash:
    """Settles the account once a session.

    Parameters
    ----------
    algorithm : QCAlgorithm
    context : TradingContext
    """

    def __init__(self, algorithm: QCAlgorithm, context: TradingContext) -> None:
        self._algorithm, self._context = algorithm, context
        self._said: set[str] = set()  # currencies whose change is due, live

    def settle(self) -> Settlement:
        """Book what the treasury says of the session observed last."""
        strategy, book = self._context.strategy, self._algorithm.portfolio.cash_book
        settled = strategy.settle_cash(self._balances())
        if self._algorithm.live_mode:
            self._say(settled)
            return Settlement()
        for currency, amount in settled.changed.items():
            book[currency].add_amount(-amount)
        book[BASE].add_amount(settled.interest + settled.proceeds)
        return settled

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

    def _say(self, settled: Settlement) -> None:
        for currency in sorted(settled.changed.keys() - self._said):
            self._algorithm.log(
                f"cash: {settled.changed[currency]:,.0f} {currency} are due to be changed into "
                f"{BASE}; no order is sent for it"
            )
        self._said = set(settled.changed)
        bills = settled.collateral
        if bills is not None and (bills.bought or bills.sold):
            verb, amount = ("bought", bills.bought) if bills.bought else ("sold", bills.sold)
            self._algorithm.log(
                f"cash: Treasury bills for {amount:,.0f} are due to be {verb}, after which "
                f"{bills.bills:,.0f} are in bills and {bills.cash:,.0f} at hand; no order is sent"
            )

    def _balances(self) -> dict[str, float]:
        """By currency; LEAN keeps the open profit of futures out of cash until it is closed."""
        portfolio, context = self._algorithm.portfolio, self._context
        instruments = context.strategy.instruments
        out = {BASE: 0.0} | {instrument.currency: 0.0 for instrument in instruments}
        for currency in out:
            out[currency] = float(portfolio.cash_book[currency].amount)
        for key, quantity in context.holdings.items():
            mark = context.marks.of(key)
            if mark is not None:
                instrument = instruments[key[0]]
                moved = mark - float(portfolio[context.symbols[key]].average_price)
                out[instrument.currency] += quantity * moved * instrument.multiplier
        return out
