"""Keeps the two legs of a roll together: neither stands alone for longer than is said (E2)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from execution.blotter import Parent


@dataclass(slots=True)
class Legs:
    """Two parents of one market, one bought and one sold.

    Attributes
    ----------
    first, second : str
        Parents.
    since : int
        Minute in which one was first seen ahead of the other, 0 while neither is.
    """

    first: str
    second: str
    since: int = 0


@dataclass(frozen=True, slots=True)
class Gap:
    """Contracts of one leg that have no counterpart yet; above 0."""

    ahead: str
    behind: str
    contracts: int


class LegGuard:
    """Which legs stand alone for too long.

    Parameters
    ----------
    minutes : int
        For which one may; 0 is no guard.

    Attributes
    ----------
    legs : list of Legs

    Notes
    -----
    What counts is what the smaller leg asks for: the rest of the larger one is a change of the
    target. Of a market whose roll has more than two parents nothing is guarded.
    """

    def __init__(self, minutes: int = 0) -> None:
        self.minutes = minutes
        self.legs: list[Legs] = []

    def take(self, rolling: Mapping[str, Parent], parents: Mapping[str, Parent]) -> None:
        """Find the legs anew.

        Parameters
        ----------
        rolling : mapping of id to Parent
            Parents that are part of a roll.
        parents : mapping of id to Parent
            All of them.
        """
        markets: dict[int, list[str]] = {}
        for name, parent in rolling.items():
            markets.setdefault(parent.market, []).append(name)
        known = {(one.first, one.second): one for one in self.legs}
        self.legs = []
        for names in markets.values():
            if len(names) == 2 and parents[names[0]].sign != parents[names[1]].sign:
                first, second = sorted(names)
                self.legs.append(known.get((first, second), Legs(first, second)))

    def overdue(
        self, now: int, parents: Mapping[str, Parent], ending: Collection[str] = ()
    ) -> list[Gap]:
        """Gaps that have lasted as long as is allowed, as of a minute.

        Parameters
        ----------
        now : int
        parents : mapping of id to Parent
        ending : collection of str
            Parents whose session is about to end: no gap of theirs may last.
        """
        out = []
        for legs in self.legs if self.minutes else ():
            gap = _gap(legs, parents)
            if gap is None:
                legs.since = 0
                continue
            legs.since = legs.since or now
            ends = legs.first in ending or legs.second in ending
            if ends or now - legs.since >= self.minutes:
                out.append(gap)
        return out

    def is_open(self, parent: str, parents: Mapping[str, Parent]) -> bool:
        """Whether a parent is a leg of which one stands alone."""
        mine = [legs for legs in self.legs if parent in (legs.first, legs.second)]
        return bool(self.minutes) and any(_gap(legs, parents) is not None for legs in mine)

    def to_state(self) -> list[list[Any]]:
        """As plain values for JSON."""
        return [[one.first, one.second, one.since] for one in self.legs]

    @classmethod
    def from_state(cls, state: list[list[Any]]) -> LegGuard:
        """What ``to_state`` wrote; how long a leg may stand alone is for the home to say."""
        out = cls()
        out.legs = [Legs(*one) for one in state]
        return out


def _gap(legs: Legs, parents: Mapping[str, Parent]) -> Gap | None:
    first, second = parents.get(legs.first), parents.get(legs.second)
    if first is None or second is None:
        return None
    size = min(abs(first.quantity), abs(second.quantity))
    lead = min(abs(first.filled), size) - min(abs(second.filled), size)
    if not lead:
        return None
    ahead, behind = (legs.first, legs.second) if lead > 0 else (legs.second, legs.first)
    return Gap(ahead, behind, abs(lead))
