"""LEAN's fills since the last decision, with what the cost model expected of each."""

from __future__ import annotations

from dataclasses import astuple, replace
from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from algorithm.clock import session_day
from execution.blotter import algorithm_of, child_of
from execution.costs import CostModel, fee
from execution.fills import EXPIRY, OTHER, ROLL, SPREAD, Fill, beyond_expectation
from execution.lean_sessions import minute_of
from execution.schedules import Algorithm
from universe.arrays import FloatArray, to_epoch_day
from universe.fx import BASE
from universe.legs import ContractKey

if TYPE_CHECKING:
    from AlgorithmImports import OrderEvent, QCAlgorithm

    from algorithm.context import TradingContext


class FillBook:
    """Takes order events, and hands a decision all of them since the one before.

    Parameters
    ----------
    algorithm : QCAlgorithm
    context : TradingContext
    """

    def __init__(self, algorithm: QCAlgorithm, context: TradingContext) -> None:
        self._algorithm, self._context = algorithm, context
        settings = context.strategy.settings
        self._costs = CostModel.of(settings)
        self._fills: list[tuple[Fill, str]] = []  # with the currency of the fee
        self._since = 0  # day of the decision before them

    def filled(self, event: OrderEvent) -> None:
        """Take a fill in one of our contracts."""
        context, strategy = self._context, self._context.strategy
        key = context.keys.get(event.symbol)
        if key is None:
            return
        instrument = strategy.lines.instruments[key[0]]
        quantity, order_id = round(event.fill_quantity), event.order_id
        price = float(event.fill_price)
        reason = context.reasons.get(order_id)
        if reason is None:
            delisted = "delisting" in str(event.ticket.tag).lower()
            reason = EXPIRY if delisted else OTHER
        concession = outright = 0.0
        decided = beyond = float("nan")
        charged, currency = float(event.order_fee.value.amount), event.order_fee.value.currency
        child = context.children.get(child_of(str(event.ticket.tag)))
        if child is not None:
            reason, side = child.reason, 1.0 if quantity > 0 else -1.0
            concession = max(float(np.nan_to_num(side * (price - child.mid))), 0.0)
            decided = child.decided
            beyond = beyond_expectation(quantity, price, decided, concession, child.sigma)
        elif reason == EXPIRY:
            if not self._algorithm.live_mode:
                price, concession = self._closed(key, quantity, price)
                charged, currency = fee(instrument, quantity), instrument.fee_currency
                self._algorithm.portfolio.cash_book[currency].add_amount(-charged)
        else:
            sigma, stress = context.conditions_of(order_id, key[0])
            size = float(event.ticket.quantity)
            paid = instrument, size, sigma, price
            expected = partial(self._costs.concession, *paid, day=strategy.day, stress=stress)
            concession = expected(reason)
            if reason == SPREAD:
                outright = expected(ROLL)
            decided = context.order_price.get(order_id, decided)
            beyond = beyond_expectation(quantity, price, decided, concession, sigma)
        today = to_epoch_day(self._algorithm.time.date())
        fill = Fill(
            session_day(today, today - 1),
            instrument.code,
            key[1],
            quantity,
            price,
            abs(quantity) * concession * instrument.multiplier,
            charged,
            reason,
            abs(quantity) * outright * instrument.multiplier,
            decided,
            beyond,
            *self._worked(str(event.ticket.tag), reason),
        )
        self._fills.append((fill, str(currency)))

    def _worked(self, tag: str, reason: str) -> tuple[str, int]:
        """What an order was worked by, and the minute of its fill.

        By the day a backtest fills at a session's open, which LEAN tells of at the session's end.
        """
        algorithm = algorithm_of(tag)
        if not algorithm and reason not in (EXPIRY, OTHER):
            algorithm = Algorithm.OPEN
        is_told = self._algorithm.live_mode or bool(child_of(tag))
        return algorithm, minute_of(self._algorithm.utc_time, UTC) if is_told else 0

    def _closed(self, key: ContractKey, quantity: int, price: float) -> tuple[float, float]:
        """Charge what LEAN does not for a position that it closes itself, in a backtest.

        LEAN delists at the contract's last price without a cost, whether or not the quality gate
        trusts that price. The difference goes through the cash book.

        Returns
        -------
        price, concession : float
            The last trusted price with the concession that a market order of that size makes.
        """
        context, strategy = self._context, self._context.strategy
        instrument = strategy.lines.instruments[key[0]]
        sigma, stress = context.conditions_now(key[0])
        if context.walk is not None:
            decision = context.walk.decision
            sigma = float(strategy.order_sigma(decision)[key[0]])
            stress = float(strategy.order_stress(decision)[key[0]])
        trusted = price - context.marks.off(strategy.lines.key(key))
        concession = self._costs.concession(
            instrument, quantity, sigma, trusted, EXPIRY, day=strategy.day, stress=stress
        )
        filled = trusted + concession if quantity > 0 else trusted - concession
        paid = quantity * (filled - price) * instrument.multiplier
        self._algorithm.portfolio.cash_book[instrument.currency].add_amount(-paid)
        return filled, concession

    @property
    def so_far(self) -> list[Fill]:
        """Since the last decision, costs in the currencies of quote and fee."""
        return [fill for fill, _ in self._fills]

    def taken(self, fx: FloatArray) -> list[Fill]:
        """Since the last decision, costs at its rates, as the account's value is; then none.

        LEAN delists at midnight, on Saturdays and holidays too: that counts in the next session.

        Parameters
        ----------
        fx : float array of shape (n_markets,)
        """
        strategy = self._context.strategy
        rates = {BASE: 1.0}
        for instrument, rate in zip(strategy.instruments, fx.tolist(), strict=True):
            rates[instrument.currency] = rate
        known = {name: float(np.nan_to_num(rate)) for name, rate in rates.items()}
        out = []
        for fill, fee_currency in self._fills:
            lines = strategy.lines
            rate = known[lines.instruments[lines.index[fill.market]].currency]
            out.append(
                replace(
                    fill,
                    epoch_day=strategy.day if fill.reason == EXPIRY else fill.epoch_day,
                    slippage=fill.slippage * rate,
                    fee=fill.fee * known.get(fee_currency, 0.0),
                    outright=fill.outright * rate,
                )
            )
        self._fills, self._since = [], strategy.day
        return out

    def kept(self) -> dict[str, Any]:
        """What a document keeps of them: a restart must not lose a fill from the record."""
        return {
            "since": self._since,
            "fills": [[*astuple(fill), currency] for fill, currency in self._fills],
        }

    def restore(self, kept: dict[str, Any]) -> None:
        """Take up the fills of before a restart, once the state has been.

        Those of before its last decision are in the record already.

        Raises
        ------
        KeyError, TypeError
            If it is nothing that ``kept`` made.
        """
        self._since = self._context.strategy.day
        if int(kept["since"]) == self._since:
            self._fills = [(Fill(*fields), str(currency)) for *fields, currency in kept["fills"]]
