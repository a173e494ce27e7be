"""The stages of a day, and a decision on its way through them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from algorithm.decision import Decision


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the chain.

    Attributes
    ----------
    name : str
    package : str
        Where it belongs, and which LEAN model carries it.
    run : callable
        Adds the stage's part to the decision.
    """

    name: str
    package: str
    run: Callable[[Decision], None]


def chain_of(*stages: Stage) -> tuple[Stage, ...]:
    """A chain of stages in their order.

    Raises
    ------
    ValueError
        If two have the same name, by which LEAN's models say how far they go.
    """
    names = [stage.name for stage in stages]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"two stages of the chain are named {twice!r}; names must differ")
    return stages


class Walk:
    """A decision on its way through the chain.

    Parameters
    ----------
    chain : tuple of Stage
    decision : Decision
    """

    def __init__(self, chain: tuple[Stage, ...], decision: Decision) -> None:
        self._chain, self._next = chain, 0
        self.decision = decision

    def through(self, name: str) -> Decision:
        """Run all stages up to the one of that name that have not run yet.

        Raises
        ------
        ValueError
            If there is no such stage.
        """
        names = [stage.name for stage in self._chain]
        if name not in names:
            raise ValueError(f"stage {name!r} is unknown; the chain has {', '.join(names)}")
        last = names.index(name) + 1
        for stage in self._chain[self._next : last]:
            stage.run(self.decision)
        self._next = max(self._next, last)
        return self.decision

    def finish(self) -> Decision:
        """Run what is left of the chain."""
        return self.through(self._chain[-1].name)
