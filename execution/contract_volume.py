"""Average daily volume of every contract, from its own bars (E2)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from universe.legs import ContractKey

SESSIONS = 5
"""In which the contract traded, over which volumes are averaged: a week, as volume moves from one
contract to the next within a few."""

VolumeOf = Callable[[int, int], float]
"""Average daily volume of (market index, contract month), NaN where it is not known."""


def unknown(market: int, month: int) -> float:
    """Of data without volumes."""
    return float("nan")


class ContractVolumes:
    """Volumes as bars bring them."""

    def __init__(self) -> None:
        self._last: dict[ContractKey, deque[float]] = {}

    def take(self, key: ContractKey, volume: float) -> None:
        """A session's bar; one without volume says nothing."""
        if volume > 0:
            self._last.setdefault(key, deque(maxlen=SESSIONS)).append(volume)

    def of(self, market: int, month: int) -> float:
        """See ``VolumeOf``."""
        last = self._last.get((market, month))
        return sum(last) / len(last) if last else float("nan")
