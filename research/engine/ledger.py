"""Positions and cash of the embedded engine, valued as LEAN values futures.

Cash by currency; futures profit is booked in the quote currency every session; the account is
marked net of the fees of closing all positions, as LEAN's ``TotalPortfolioValue`` is. Orders fill,
and positions are marked, in bars that pass the quality gate only: the account value is the trusted
one (U4).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from execution.costs import Conditions, CostModel, fee
from execution.fills import EXPIRY, ROLL, ROLLS, SPREAD, Fill, beyond_expectation
from execution.orders import ContractKey, Order, Unfilled, Withdrawal, unfilled_of
from execution.schedules import Algorithm
from execution.settings import PastCosts
from portfolio.cash import Settlement
from universe.arrays import FloatArray
from universe.instruments import Instrument
from universe.session import Quotes

NAN = float("nan")

OpenOf = Callable[[int, int], float | None]

Queued = tuple[Order, Conditions, float, int]
"""An order with the conditions and the close at its decision, and the number of its spread or 0."""


class BarGate(Protocol):
    """The quality gate of one session, see ``universe.fills.SessionGate``."""

    usual: list[float]

    def passes(self, market: int, month: int, opened: float) -> bool:
        """Whether the session's bar of a contract is one to fill and to mark by."""


@dataclass(slots=True)
class DayBook:
    """What a session did to the account, per market in account currency.

    ``overnight`` is the part of ``pnl`` that the positions held into the session made by its close,
    as if none had been traded; ``moves`` has the price change from fill to close, in points, of
    every contract filled.
    """

    pnl: FloatArray
    overnight: FloatArray
    cost: FloatArray
    roll_cost: FloatArray
    fills: list[Fill]
    moves: dict[ContractKey, float] = field(default_factory=dict)


class Ledger:
    """Fills orders at the next bar's open and keeps the account.

    Parameters
    ----------
    instruments : list of Instrument
    cash : float
        Starting capital in USD.
    impact, stress, width, past
        Of the cost model.
    levy : mapping of str to float, optional
        Likewise.
    spreads : collection of int
        Markets that roll as calendar spreads.
    """

    def __init__(
        self,
        instruments: list[Instrument],
        cash: float,
        *,
        impact: float,
        stress: float,
        width: float = 1.0,
        levy: Mapping[str, float] | None = None,
        past: str = PastCosts.TODAY,
        spreads: Collection[int] = (),
    ) -> None:
        self._instruments, self._spreads = instruments, spreads
        self._costs = CostModel(impact, stress, width, levy or {}, past)
        self.balance: dict[str, float] = {"USD": cash}
        self.holdings: dict[ContractKey, int] = {}
        self.mark: dict[ContractKey, float] = {}
        self.last_closing_fees = 0.0  # of all positions, in USD, as of the last valuation
        self._queue: list[Queued] = []
        self._groups = 0  # spreads submitted so far
        self._eve = 0  # the session before
        self._conditions = [Conditions(NAN)] * len(instruments)

    def submit(
        self,
        orders: list[Order],
        sigma_price: FloatArray,
        closes: Quotes | None = None,
        stress: FloatArray | None = None,
    ) -> None:
        """Queue orders, each for its contract's next bar.

        Parameters
        ----------
        orders : list of Order
        sigma_price : float array of shape (n_markets,)
            Daily volatility in price units at the decision, for the slippage.
        closes : Quotes, optional
            Of the session that was decided on.
        stress : float array of shape (n_markets,), optional
            Multiple of the usual slippage, see ``universe.cost_stress``.
        """
        known = [1.0] * len(sigma_price) if stress is None else stress.tolist()
        pairs = zip(sigma_price.tolist(), known, strict=True)
        self._conditions = [Conditions(sigma, factor) for sigma, factor in pairs]
        self._queue += [
            (
                order,
                self._conditions[order.market],
                NAN if closes is None else closes[order.market].get(order.month, NAN),
                self._groups + order.combo if order.combo else 0,
            )
            for order in orders
        ]
        self._groups += max((order.combo for order in orders), default=0)

    def withdraw(self, withdrawals: Iterable[Withdrawal]) -> None:
        """Take open orders back, spreads with both legs; none of them has filled in part."""
        gone = {(one.market, one.month, one.side) for one in withdrawals}
        kept, split = [], set()
        for queued in self._queue:
            order, *_, group = queued
            if (order.market, order.month, 1 if order.quantity > 0 else -1) not in gone:
                kept.append(queued)
            elif group:
                split.add(group)
        self._queue = [queued for queued in kept if queued[3] not in split]

    def pending(self) -> dict[ContractKey, Unfilled]:
        """Contracts on their way by (market index, contract month)."""
        return unfilled_of(
            ((order.market, order.month), order.quantity) for order, *_ in self._queue
        )

    def pending_spreads(self) -> frozenset[ContractKey]:
        """Contracts with an open order that is a leg of a spread."""
        return frozenset((order.market, order.month) for order, *_, group in self._queue if group)

    def trade_session(
        self,
        day: int,
        open_of: OpenOf,
        closes: Quotes,
        fx: FloatArray,
        expiry: list[dict[int, int]],
        gate: BarGate,
        rolling: Sequence[int] = (),
    ) -> DayBook:
        """Mark the positions held into the session and fill what is pending.

        Parameters
        ----------
        day : int
            Epoch day.
        open_of : callable
            Open of (market index, contract month), None without a bar in the session.
        closes : Quotes
        fx : float array of shape (n_markets,)
        expiry : list of dict of contract month to epoch day
            A position still held after it is closed at the last trusted price and pays for it.
        gate : BarGate
            Orders wait for a bar that passes, and a mark stays until one does.
        rolling : sequence of int
            Markets without contracts of their own that would have rolled: they pay for it.

        Returns
        -------
        DayBook
        """
        n = len(self._instruments)
        book = DayBook(np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n), [])
        mark, usual = self.mark, gate.usual
        for key, quantity in list(self.holdings.items()):
            market, month = key
            if expiry[market][month] < day:
                self._close(key, day, fx, book, EXPIRY)
                del self.holdings[key], mark[key]
                continue
            close = closes[market].get(month)
            if close is None or close == mark[key]:
                continue
            move = close - mark[key]
            if abs(move) <= usual[market] or gate.passes(market, month, close):
                self._book(market, quantity * move, fx, book.pnl)
                mark[key] = close
        book.overnight[:] = book.pnl
        for key in [key for key in self.holdings if key[0] in rolling] if rolling else ():
            reason = SPREAD if key[0] in self._spreads else ROLL
            self._close(key, day, fx, book, reason)
            self._close(key, day, fx, book, reason, sign=-1)
        waiting = []
        held_up = self._held_up(day, open_of, gate)
        for queued in self._queue:
            order, conditions, decided, group = queued
            market, month = order.market, order.month
            price = open_of(market, month)
            if expiry[market][month] < day:
                continue
            if price is not None and group not in held_up and gate.passes(market, month, price):
                close = closes[market][month]
                self._fill(order, conditions, day, price, close, fx, book, decided)
            else:
                waiting.append(queued)
        self._queue, self._eve = waiting, day
        return book

    def _held_up(self, day: int, open_of: OpenOf, gate: BarGate) -> set[int]:
        """Spreads that wait, because one of their legs has no bar to fill in."""
        out: set[int] = set()
        for order, *_, group in self._queue if self._groups else ():
            if group and group not in out:
                price = open_of(order.market, order.month)
                if price is None or not gate.passes(order.market, order.month, price):
                    out.add(group)
        return out

    def _close(
        self, key: ContractKey, day: int, fx: FloatArray, book: DayBook, reason: str, sign: int = 1
    ) -> None:
        """Pay for closing a position at its mark (``sign`` -1: for opening it anew)."""
        market, month = key
        order = Order(market, month, -sign * self.holdings[key], reason)
        self._pay(order, self._conditions[market], day, self.mark[key], fx, book)

    def _fill(
        self,
        order: Order,
        conditions: Conditions,
        day: int,
        price: float,
        close: float,
        fx: FloatArray,
        book: DayBook,
        decided: float,
    ) -> None:
        """Fill an order whole at its session's open."""
        market, month, quantity = order.market, order.month, order.quantity
        key = (market, month)
        self._book(market, quantity * (close - price), fx, book.pnl)
        book.moves[key] = close - price
        self._pay(order, conditions, day, price, fx, book, decided, Algorithm.OPEN)
        total = self.holdings.get(key, 0) + quantity
        self.mark[key] = close
        if total:
            self.holdings[key] = total
        else:
            self.holdings.pop(key, None)
            self.mark.pop(key, None)

    def _pay(
        self,
        order: Order,
        conditions: Conditions,
        day: int,
        price: float,
        fx: FloatArray,
        book: DayBook,
        decided: float = NAN,
        algorithm: str = "",
    ) -> None:
        """Slippage and fee of a fill, and its record."""
        market, quantity = order.market, order.quantity
        instrument, (sigma, stress) = self._instruments[market], conditions
        eve = self._eve or day
        concession = self._costs.concession(
            instrument, quantity, sigma, price, order.reason, day=eve, stress=stress
        )
        filled = price + concession if quantity > 0 else price - concession
        slip = abs(quantity) * concession * instrument.multiplier
        self._add(instrument.currency, -slip)
        charged = fee(instrument, quantity)
        self._add(instrument.fee_currency, -charged)
        fee_rate = fx[market] if instrument.fee_currency == instrument.currency else 1.0
        slip, charged = slip * float(fx[market]), charged * float(fee_rate)
        book.cost[market] += slip + charged
        if order.reason in ROLLS:
            book.roll_cost[market] += slip + charged
        outright = 0.0
        if order.reason == SPREAD:
            alone = self._costs.concession(
                instrument, quantity, sigma, price, ROLL, day=eve, stress=stress
            )
            outright = abs(quantity) * alone * instrument.multiplier * float(fx[market])
        book.fills.append(
            Fill(
                day,
                instrument.code,
                order.month,
                quantity,
                filled,
                slip,
                charged,
                order.reason,
                outright,
                decided,
                beyond_expectation(quantity, filled, decided, concession, sigma),
                algorithm,
            )
        )

    def _book(self, market: int, points: float, fx: FloatArray, into: FloatArray) -> None:
        instrument = self._instruments[market]
        amount = points * instrument.multiplier
        self._add(instrument.currency, amount)
        into[market] += amount * float(fx[market])

    def _add(self, currency: str, amount: float) -> None:
        self.balance[currency] = self.balance.get(currency, 0.0) + amount

    def settle(self, settled: Settlement) -> None:
        """Book a session's interest and changes of currency."""
        self.balance = dict(settled.balances)

    def closing_fees(self, fx: FloatArray) -> float:
        """Fees of closing all positions, in USD."""
        total = 0.0
        for (market, _), quantity in self.holdings.items():
            instrument = self._instruments[market]
            rate = fx[market] if instrument.fee_currency == instrument.currency else 1.0
            total += fee(instrument, quantity) * float(rate)
        return total

    def nav(self, rates: dict[str, float], fx: FloatArray) -> float:
        """Account value in USD, net of the fees of closing.

        Parameters
        ----------
        rates : dict of currency to USD rate
        fx : float array of shape (n_markets,)
        """
        cash = sum(amount * rates[currency] for currency, amount in self.balance.items() if amount)
        self.last_closing_fees = self.closing_fees(fx)
        return cash - self.last_closing_fees
