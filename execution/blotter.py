"""Parent and child orders with what has become of them: never twice, never the wrong way (E1).

What is kept of a child is a set of facts: sent, acknowledged, its fills by their id, and how it
ended with how much filled. Facts are only ever added and none depends on another, so that the same
events in any order, twice or late end in the same state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

CHILD = "child "
"""How the tag of a child's order begins; its id follows."""


@dataclass(frozen=True, slots=True)
class Event:
    """What a broker says of a child.

    Attributes
    ----------
    kind : str
        "ack", "fill", "cancelled" or "rejected".
    child : str
    fill : str
        Id of a fill.
    quantity : int
        Of a fill, or filled in all when the order ended; at least 0.
    reason : str
    """

    kind: str
    child: str
    fill: str = ""
    quantity: int = 0
    reason: str = ""


@dataclass(slots=True)
class Child:
    """A part of a parent that was sent; quantities are at least 0.

    ``back`` is one that takes back what the parent has filled.
    """

    quantity: int
    acked: bool = False
    fills: dict[str, int] = field(default_factory=dict)
    ended: int | None = None  # contracts filled in all, once no more can come
    back: bool = False

    @property
    def filled(self) -> int:
        """Contracts known to be filled."""
        return sum(self.fills.values())

    @property
    def committed(self) -> int:
        """Contracts that are filled or may still fill."""
        return self.quantity if self.ended is None else max(self.ended, self.filled)

    @property
    def sums(self) -> tuple[int, int]:
        """Contracts that the parent has of it, and those that it may have at most."""
        return (-self.filled, -self.filled) if self.back else (self.filled, self.committed)

    @property
    def is_open(self) -> bool:
        """Whether more of it may fill."""
        return self.ended is None and self.filled < self.quantity


@dataclass(slots=True)
class Parent:
    """What a decision asks for in one contract; ``quantity`` is signed.

    ``base`` is the position that the broker held when it was taken, ``found`` what it had moved by
    a restart beyond the fills heard of, with the parent's sign.
    """

    market: int
    month: int
    quantity: int
    base: int = 0
    found: int = 0
    children: dict[str, Child] = field(default_factory=dict)
    _sums: tuple[int, int] = (0, 0)

    @property
    def sign(self) -> int:
        """1 of a buy, -1 of a sell."""
        return 1 if self.quantity > 0 else -1

    @property
    def filled(self) -> int:
        """Signed contracts known to be filled."""
        return self.sign * (self._sums[0] + self.found)

    @property
    def committed(self) -> int:
        """Signed contracts that are filled or may still fill."""
        return self.sign * (self._sums[1] + self.found)

    def count(self, before: tuple[int, int], after: tuple[int, int]) -> None:
        """Keep the sums over all children, of which one has changed."""
        filled, committed = self._sums
        self._sums = filled + after[0] - before[0], committed + after[1] - before[1]


class Blotter:
    """All parents at work.

    Attributes
    ----------
    parents : dict of id to Parent
    frozen : dict of market index to str
        Markets in which no child is sent, with the reason.
    unknown : list of Event
        Of children that are not known; they change nothing.
    """

    KINDS = ("ack", "fill", "cancelled", "rejected")

    def __init__(self) -> None:
        self.parents: dict[str, Parent] = {}
        self.frozen: dict[int, str] = {}
        self.unknown: list[Event] = []

    def add(self, day: int, market: int, month: int, quantity: int, base: int = 0) -> str:
        """Take a parent; the same one twice is taken once.

        Parameters
        ----------
        day, market, month, quantity : int
        base : int
            Position at the broker.

        Returns
        -------
        str
            Its id: day, market, contract.

        Raises
        ------
        ValueError
            For no contracts, a fraction, or another quantity under an id that is known.
        """
        if quantity != int(quantity) or not quantity:
            raise ValueError(f"a parent of {quantity} contracts; whole ones but 0 are allowed")
        name = f"{day}.{market}.{month}"
        known = self.parents.get(name)
        if known is None:
            self.parents[name] = Parent(market, month, int(quantity), base)
        elif known.quantity != quantity:
            raise ValueError(
                f"parent {name} has {known.quantity} contracts already, not {quantity}"
            )
        return name

    def send(self, parent: str, quantity: int, *, forced: bool = False) -> tuple[str, int]:
        """Note a child before it is sent, cut to what the parent has left.

        Parameters
        ----------
        parent : str
        quantity : int
            Signed; against the parent's side it is nothing.
        forced : bool
            By an expiry: a frozen market does not hold it back.

        Returns
        -------
        (str, int)
            Id of the child and its signed contracts; ("", 0) where nothing may be sent.
        """
        whole = self.parents[parent]
        if whole.market in self.frozen and not forced:
            return "", 0
        size = min(whole.sign * quantity, abs(whole.quantity) - abs(whole.committed))
        if size <= 0:
            return "", 0
        name = f"{parent}.{len(whole.children)}"
        whole.children[name] = Child(size)
        whole.count((0, 0), (0, size))
        return name, whole.sign * size

    def undo(self, parent: str, quantity: int) -> tuple[str, int]:
        """Note a child that takes back what a parent has filled.

        Parameters
        ----------
        parent : str
        quantity : int
            At least 0; cut to what is filled and not being taken back yet.

        Returns
        -------
        (str, int)
            As of ``send``; the contracts have the other sign than the parent's.
        """
        whole = self.parents[parent]
        leaving = sum(c.committed - c.filled for c in whole.children.values() if c.back)
        size = min(quantity, abs(whole.filled) - leaving)
        if whole.market in self.frozen or size <= 0:
            return "", 0
        name = f"{parent}.{len(whole.children)}"
        whole.children[name] = Child(size, back=True)
        return name, -whole.sign * size

    def apply(self, event: Event) -> None:
        """Take what the broker says, in any order and as often as it likes.

        Raises
        ------
        ValueError
            For a kind that is not known.
        """
        if event.kind not in self.KINDS:
            raise ValueError(f"event {event.kind!r}; known are {', '.join(self.KINDS)}")
        parent = self.parents.get(event.child.rpartition(".")[0])
        child = parent.children.get(event.child) if parent is not None else None
        if parent is None or child is None:
            if event not in self.unknown:
                self.unknown.append(event)
            return
        child.acked, before = True, child.sums
        if event.kind == "fill":
            child.fills[event.fill] = max(event.quantity, child.fills.get(event.fill, 0))
            if child.filled > child.quantity:
                self.freeze(parent.market, f"{event.child} filled more than it asked for")
        elif event.kind in ("cancelled", "rejected"):
            child.ended = max(event.quantity, child.ended or 0)
        parent.count(before, child.sums)
        if event.kind == "rejected":
            self.freeze(parent.market, f"{event.child} was rejected: {event.reason}")

    def freeze(self, market: int, reason: str) -> None:
        """Send nothing more in a market; of several reasons the least in the alphabet stands."""
        self.frozen[market] = min(reason, self.frozen.get(market, reason))

    def compare(
        self, held: Mapping[tuple[int, int], int], known: Mapping[tuple[int, int], int]
    ) -> None:
        """Freeze the markets in which the broker holds something else than is known here.

        Parameters
        ----------
        held, known : mapping of (market index, contract month) to contracts
        """
        for key in sorted(held.keys() | known.keys()):
            if held.get(key, 0) != known.get(key, 0):
                self.freeze(
                    key[0],
                    f"the broker holds {held.get(key, 0)} of {key[1]}, not {known.get(key, 0)}",
                )

    def settle(
        self, open_at_broker: Iterable[str], held: Mapping[tuple[int, int], int] | None = None
    ) -> None:
        """After a restart: what has become of children that nothing more will be heard of.

        Parameters
        ----------
        open_at_broker : iterable of str
            Children that the broker still has.
        held : mapping of (market index, contract month) to contracts, optional
            Positions there. What a parent has moved since its ``base`` beyond the fills heard of
            was filled unheard; what its children cannot explain freezes the market.
            Without it, a child that neither side has heard of was never sent.
        """
        there = set(open_at_broker)
        for parent in self.parents.values():
            gone = [child for name, child in parent.children.items() if name not in there]
            if held is not None:
                self._find(parent, held.get((parent.market, parent.month), 0))
            for child in gone:
                if held is not None or (child.ended is None and not child.acked):
                    before, child.ended = child.sums, child.filled
                    parent.count(before, child.sums)

    def _find(self, parent: Parent, position: int) -> None:
        moved = parent.sign * (position - parent.base - parent.filled)
        rests = [(child.back, child.committed - child.filled) for child in parent.children.values()]
        room = sum(rest for back, rest in rests if not back)
        least = -sum(rest for back, rest in rests if back)
        if not least <= moved <= room:
            known = parent.base + parent.filled
            reason = f"the broker holds {position} of {parent.month}, not {known}"
            self.freeze(parent.market, reason)
        parent.found += min(max(moved, least), room)

    # --- the state document ----------------------------------------------------------------------
    def to_state(self) -> dict[str, Any]:
        """Everything, as plain values for JSON."""
        return {
            "parents": {
                name: {
                    "market": parent.market,
                    "month": parent.month,
                    "quantity": parent.quantity,
                    "base": parent.base,
                    "found": parent.found,
                    "children": {
                        child: [one.quantity, one.acked, one.fills, one.ended, one.back]
                        for child, one in sorted(parent.children.items())
                    },
                }
                for name, parent in sorted(self.parents.items())
            },
            "frozen": {str(market): reason for market, reason in sorted(self.frozen.items())},
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Blotter:
        """What ``to_state`` wrote."""
        out = cls()
        for name, values in state["parents"].items():
            children = {
                child: Child(quantity, acked, dict(fills), ended, *back)
                for child, (quantity, acked, fills, ended, *back) in values["children"].items()
            }
            sums = [child.sums for child in children.values()]
            total = sum(filled for filled, _ in sums), sum(committed for _, committed in sums)
            out.parents[name] = Parent(
                values["market"],
                values["month"],
                values["quantity"],
                values["base"],
                values["found"],
                children,
                total,
            )
        out.frozen = {int(market): reason for market, reason in state["frozen"].items()}
        return out


def child_of(tag: str) -> str:
    """Id of the child that an order's tag names, "" if it names none."""
    return tag[len(CHILD) :].split(" ", 1)[0] if tag.startswith(CHILD) else ""


def child_tag(child: str, algorithm: str) -> str:
    """The tag of a child's order: its id, and what its parent is worked by."""
    return f"{CHILD}{child} {algorithm}"


def algorithm_of(tag: str) -> str:
    """What the child that an order's tag names was worked by, "" if it names none."""
    return tag[len(CHILD) :].partition(" ")[2] if tag.startswith(CHILD) else ""
