"""The broker's account in live trading: its value, and what is found in it at a start.

A person confirms a value that is doubted by the command ``{"confirm_nav": 12345678}`` to the
running algorithm, or by the setting ``confirmed_nav`` at a restart.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from AlgorithmImports import SecurityType

from algorithm.context import TradingContext
from risk.nav_guard import NavGuard
from risk.switch_stage import Disagreement
from universe.arrays import IntArray
from universe.counts import count_text
from universe.legs import ContractKey

if TYPE_CHECKING:
    from AlgorithmImports import QCAlgorithm


class LiveAccount:
    """What only live trading has to ask of the account."""

    def __init__(self, algorithm: QCAlgorithm, context: TradingContext) -> None:
        self._algorithm, self._context = algorithm, context
        self._guard = NavGuard()
        confirmed = context.strategy.settings.confirmed_nav
        if confirmed:
            self._guard.confirm(confirmed)
        self._asked = self._reconciled = self._asked_before = False
        self._before: dict[ContractKey, tuple[int, float]] = {}  # contracts and close, last evening
        self._explained = 0.0  # profit of positions since the last NAV believed

    def settle_found_positions(self) -> None:
        """Count the profit of positions found, up to the last close, as in the cash already.

        The broker settles futures daily. LEAN reads their average price of entry and would book
        all that is open since once more. Amid a session its own price has profit in it that is in
        no cash yet. It keeps the account's value until a price or the cash changes: a decision that
        follows at once would have the old one.
        """
        for holding in self._algorithm.portfolio.values():
            if holding.invested and hasattr(holding, "settled_profit"):  # futures have it
                close = self._last_close(holding.symbol)
                prices = () if math.isnan(close) else (close,)
                holding.settled_profit = holding.total_close_profit(False, *prices)
        self._algorithm.portfolio.invalidate_total_portfolio_value()

    def _last_close(self, symbol: Any) -> float:
        """Close of the session that waits to be observed or was observed last, NaN for none."""
        context = self._context
        key = context.keys.get(symbol)
        if key is None:
            return math.nan
        market, month = context.strategy.lines.key(key)
        waiting = context.quotes[market] if context.quotes else {}
        return waiting.get(month, context.strategy.markets.last_close(market, month))

    def cancel_found_orders(self) -> bool:
        """Whether orders of before the start were open that are not known; they are cancelled.

        How much of them has been filled is not known to LEAN. It is asked once; what was noted
        before it was sent is taken up.
        """
        if self._asked:
            return False
        self._asked = True
        if self._context.sent is not None:
            self._context.sent.take_up()
        found = [
            ticket
            for ticket in self._algorithm.transactions.get_open_order_tickets()
            if ticket.symbol in self._context.keys and ticket.order_id not in self._context.tickets
        ]
        for ticket in found:
            ticket.cancel("open before the start")
            self._algorithm.log(f"order {ticket.order_id} in {ticket.symbol.value}: cancelled")
        if found:
            self._algorithm.log(
                "orders of before the start were open: the next evening orders what is missing"
            )
        return bool(found)

    def adopt_open_orders(self) -> None:
        """Before the first decision, count what is still open as on its way."""
        if not self._reconciled:
            for ticket in self._algorithm.transactions.get_open_order_tickets():
                self._context.tickets[ticket.order_id] = ticket

    def value(self) -> float:
        """Account value at the session's closes; LEAN's is at the bid and ask of the evening."""
        portfolio, context = self._algorithm.portfolio, self._context
        value = float(portfolio.total_portfolio_value)
        for key in context.holdings:
            close = context.strategy.markets.last_close(*context.strategy.lines.key(key))
            if close == close:
                holding = portfolio[context.symbols[key]]
                value += float(holding.total_close_profit(True, close))
                value -= float(holding.unrealized_profit)
        return value

    def believed(self, nav: float) -> float:
        """``nav``, or NaN while it is not to be decided on; to be asked once an evening.

        Nothing is then ordered but what an expiry forces.
        """
        last = self._context.strategy.last_nav
        self._explained += self._profit()
        doubt = self._guard.doubt(nav, last, self._gross(), self._explained)
        if not doubt:
            self._explained = 0.0
            return nav
        self._algorithm.error(f"NAV is {nav:,.0f} after {last:,.0f}: {doubt}; positions are held")
        return math.nan

    def confirm(self, command: object) -> bool:
        """Take the command by which a person confirms a NAV, for ``on_command``.

        Parameters
        ----------
        command : object
            With ``confirm_nav`` among its attributes.

        Returns
        -------
        bool
            Whether it was one, and understood; it counts from the next evening on.
        """
        try:
            nav = self._guard.confirm(command.confirm_nav)  # type: ignore[attr-defined]
        except Exception as error:  # LEAN hands over whatever was sent
            self._algorithm.error(f"command not understood: {error}")
            return False
        self._algorithm.log(f"NAV of {nav:,.0f} is confirmed: values near it are decided on")
        return True

    def _profit(self) -> float:
        """What the positions of the evening before made since, at closes, in account currency.

        NaN on the first evening and without a rate; a contract without a close keeps its last one.
        """
        strategy, closes = self._context.strategy, {}
        lines = strategy.lines
        total = 0.0 if self._asked_before else math.nan
        for key, (held, before) in self._before.items():
            market, _ = lines.key(key)
            close = strategy.markets.last_close(*lines.key(key))
            closes[key] = close = before if math.isnan(close) else close
            points = lines.instruments[key[0]].multiplier * float(strategy.observer.fx[market])
            total += held * (close - before) * points
        self._before, self._asked_before = {}, True
        for key, held in self._context.holdings.items():
            close = strategy.markets.last_close(*lines.key(key))
            self._before[key] = held, closes.get(key, close) if math.isnan(close) else close
        return total

    def _gross(self) -> float:
        """Sum of the absolute notionals held, in account currency."""
        portfolio, context = self._algorithm.portfolio, self._context
        return sum(
            abs(float(portfolio[context.symbols[key]].holdings_value)) for key in context.holdings
        )

    def reconcile(self, restored: bool, day: int) -> None:
        """At the first decision, say how the broker's positions differ, and go on from them.

        What neither the positions of the last decision nor its orders, filled in part, explain
        freezes the kill switch, if a person could re-arm it and the settings do not only say it.

        Parameters
        ----------
        restored : bool
            Whether the strategy remembers its last targets.
        day : int
            Epoch day.
        """
        if self._reconciled:
            return
        self._reconciled = True
        context, strategy = self._context, self._context.strategy
        listed = sum(
            contract.expiry >= strategy.day
            for known in strategy.markets.contracts
            for contract in known.values()
        )
        context.log(f"{count_text(listed, 'contract')} subscribed: a market-data line each")
        held = context.held_assets()
        if not restored:
            strategy.trading.model_contracts = held.copy()
        for holding in self._algorithm.portfolio.values():
            if not holding.invested or holding.symbol in context.keys:
                continue
            if getattr(holding, "type", None) != SecurityType.FOREX:  # that is cash
                context.log(f"position of {holding.quantity:g} {holding.symbol.value} is not ours")
        expected = strategy.last_contracts
        for asset in np.flatnonzero(held != expected).tolist():
            name = strategy.names[asset]
            context.log(f"{name}: broker holds {held[asset]}, last target was {expected[asset]}")
        if restored:
            self._compare(held, day)

    def _compare(self, held: IntArray, day: int) -> None:
        strategy = self._context.strategy
        settings, switch = strategy.settings, strategy.switch
        if settings.broker_disagreement == Disagreement.SAY or not switch.takes_commands:
            return
        ends = [strategy.last_held, strategy.last_contracts]
        if self._context.sent is not None:  # of a decision that the state does not know, too
            noted = self._context.sent.sent.filled(self._context.holdings)
            ends.append(strategy.held_assets(noted))
        explained = np.clip(held, np.min(ends, axis=0), np.max(ends, axis=0))
        names = strategy.names
        switch.compare(
            day,
            dict(zip(names, explained.tolist(), strict=True)),
            dict(zip(names, held.tolist(), strict=True)),
        )
