"""What decisions send whole, as a document keeps it: a restart amid the sending knows it (E1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any

from execution.orders import Order
from universe.legs import ContractKey

SENT = "order "
"""How the tag of an order that is sent whole begins live; its id follows."""


def sent_tag(name: str, why: str) -> str:
    """The tag of an order: its id, and why it is sent."""
    return f"{SENT}{name} {why}"


def sent_of(tag: str) -> str:
    """Id of the order that a tag names, "" if it names none."""
    return tag[len(SENT) :].split(" ", 1)[0] if tag.startswith(SENT) else ""


@dataclass(frozen=True, slots=True)
class Leg:
    """An order in one contract as of when it was noted; ``other`` is the month of its other leg.

    ``base`` is the position that the broker held then, ``quantity`` what was open of the order.
    """

    market: int
    month: int
    quantity: int
    base: int
    reason: str
    other: int = 0

    @property
    def key(self) -> ContractKey:
        """Market index and contract month."""
        return self.market, self.month


class SentOrders:
    """Orders on their way by id, noted before they are sent.

    Attributes
    ----------
    count : int
        Orders noted so far, the last part of an id.
    orders : dict of id to tuple of Leg
    """

    def __init__(self) -> None:
        self.count = 0
        self.orders: dict[str, tuple[Leg, ...]] = {}

    def keep(
        self,
        still_open: Mapping[tuple[str, ContractKey], int],
        holdings: Mapping[ContractKey, int],
    ) -> None:
        """Before a decision sends more: forget what is done, and count the rest from now on.

        Parameters
        ----------
        still_open : mapping of (id, contract) to contracts
            What is open of orders on their way, signed.
        holdings : mapping of contract to contracts
        """
        kept = {}
        for name, legs in self.orders.items():
            rests = [
                replace(leg, quantity=still_open[name, leg.key], base=holdings.get(leg.key, 0))
                for leg in legs
                if (name, leg.key) in still_open
            ]
            if rests:
                kept[name] = tuple(rests)
        self.orders = kept

    def note(self, day: int, legs: Sequence[Order], holdings: Mapping[ContractKey, int]) -> str:
        """Take an order, or the legs of one, before it is sent; its id."""
        self.count += 1
        name = f"{day}.{self.count}"
        both = [leg.month for leg in legs]
        self.orders[name] = tuple(
            Leg(
                leg.market,
                leg.month,
                leg.quantity,
                holdings.get((leg.market, leg.month), 0),
                leg.reason,
                next((month for month in both if month != leg.month), 0),
            )
            for leg in legs
        )
        return name

    def leg(self, name: str, key: ContractKey) -> Leg | None:
        """An order in a contract, None if it is not known."""
        return next((leg for leg in self.orders.get(name, ()) if leg.key == key), None)

    def rest(self, name: str, key: ContractKey, held: int) -> int | None:
        """What is open of an order that the broker still has, by the position there.

        None where the position does not tell: it moved otherwise, or another order in the contract
        was on its way.
        """
        leg = self.leg(name, key)
        if leg is None or sum(one.key == key for legs in self.orders.values() for one in legs) > 1:
            return None
        rest = leg.quantity - (held - leg.base)
        side = 1 if leg.quantity > 0 else -1
        return rest if 0 < side * rest <= abs(leg.quantity) else None

    def filled(self, holdings: Mapping[ContractKey, int]) -> dict[ContractKey, int]:
        """Positions once all that is noted has filled."""
        out = dict(holdings)
        for key in {leg.key for legs in self.orders.values() for leg in legs}:
            mine = [leg for legs in self.orders.values() for leg in legs if leg.key == key]
            out[key] = mine[0].base + sum(leg.quantity for leg in mine)
        return out

    def to_state(self) -> dict[str, Any]:
        """Everything, as plain values for JSON."""
        orders = {name: [list(astuple(leg)) for leg in legs] for name, legs in self.orders.items()}
        return {"count": self.count, "orders": orders}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> SentOrders:
        """What ``to_state`` wrote."""
        out = cls()
        out.count = int(state["count"])
        out.orders = {
            name: tuple(Leg(*values) for values in legs) for name, legs in state["orders"].items()
        }
        return out
