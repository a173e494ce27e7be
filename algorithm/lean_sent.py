"""Orders that are sent whole, live: in the ObjectStore before they are, and taken up at a start."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any

from algorithm.context import TradingContext
from algorithm.lean_fills import FillBook
from algorithm.lean_store import InTurns
from algorithm.state import Owner, sent_keys
from algorithm.state_document import StateError
from execution.orders import Order
from execution.sent_orders import SentOrders, sent_of
from universe.counts import count_text
from universe.legs import ContractKey

if TYPE_CHECKING:
    from AlgorithmImports import QCAlgorithm


class SentStore:
    """What was sent, with the fills that no record has yet; what goes wrong is said.

    Parameters
    ----------
    algorithm : QCAlgorithm
    context : TradingContext
    owner : Owner
    fills : FillBook, optional
        None where another document keeps them.
    """

    def __init__(
        self,
        algorithm: QCAlgorithm,
        context: TradingContext,
        owner: Owner,
        fills: FillBook | None,
    ) -> None:
        self._algorithm, self._context, self._fills = algorithm, context, fills
        self._owner = {"name": owner.name, "account": owner.account, "currency": owner.currency}
        keys = sent_keys(owner.name)
        self._key, self._place = keys[0], InTurns(algorithm, keys)
        self._foreign, self._lock = False, Lock()
        self._names: dict[int, str] = {}  # by order id: who cancels an order may change its tag
        self.sent = SentOrders()

    # --- the document ----------------------------------------------------------------------------
    def save(self) -> None:
        """Write what is on its way."""
        if self._foreign:
            return
        with self._lock:  # fills come in a thread of their own
            kept = self._fills.kept() if self._fills is not None else None
            body = {"owner": self._owner, "sent": self.sent.to_state(), "fills": kept}
            reason = self._place.write(body)
        if reason:
            self._algorithm.error(
                f"{self._key}: {reason}; a restart would not know of these orders"
            )

    def restore(self) -> None:
        """Remember what was sent before a restart."""
        try:
            body = self._place.read(frozenset({"owner", "sent", "fills"}))
            if body is None:
                return
            if body["owner"] != self._owner:
                self._foreign = True
                self._algorithm.error(f"{self._key} belongs to {body['owner']}; it is left alone")
                return
            self.sent = SentOrders.from_state(body["sent"])
            if self._fills is not None and body["fills"] is not None:
                self._fills.restore(body["fills"])
        except (StateError, KeyError, TypeError, ValueError) as error:
            self._algorithm.error(
                f"{self._key}: {error}; orders of before the start are not taken up, the next "
                "decision orders what is missing"
            )

    # --- a decision ------------------------------------------------------------------------------
    def begin(self, day: int, groups: Sequence[Sequence[Order]]) -> list[str]:
        """Note the orders of a decision, each with its legs, and write them; their ids."""
        context, still_open = self._context, {}
        rests = context.open_rests()
        for order_id, name in self._names.items():
            if order_id in rests:
                key, rest = rests[order_id]
                still_open[name, key] = round(rest)
        self._names = {i: name for i, name in self._names.items() if i in rests}
        self.sent.keep(still_open, context.holdings)
        names = [self.sent.note(day, legs, context.holdings) for legs in groups]
        self.save()
        return names

    def placed(self, name: str, tickets: Sequence[Any]) -> None:
        """Remember which orders of LEAN's an order has become."""
        for ticket in tickets:
            self._names[ticket.order_id] = name

    # --- a start ---------------------------------------------------------------------------------
    def take_up(self) -> None:
        """Count what is open of known orders as on its way; it may be asked again."""
        context, taken = self._context, 0
        for ticket in self._algorithm.transactions.get_open_order_tickets():
            if ticket.order_id not in context.tickets and ticket.symbol in context.keys:
                taken += self._adopt(ticket, context.keys[ticket.symbol])
        if taken:
            self._algorithm.log(f"{count_text(taken, 'order')} of before the start: taken up")

    def _adopt(self, ticket: Any, key: ContractKey) -> bool:
        name = sent_of(str(ticket.tag))
        held = round(float(self._algorithm.portfolio[ticket.symbol].quantity))
        rest, leg = self.sent.rest(name, key, held), self.sent.leg(name, key)
        if rest is None or leg is None or rest * ticket.quantity <= 0:
            return False
        self._context.adopt(ticket, rest, leg.reason, leg.other)
        self._names[ticket.order_id] = name
        return True
