"""Carry pair of every market for the contract months that it has been quoted in."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from universe.arrays import BoolArray, IntArray
from universe.session import NO_CONTRACT


class CarryPair(NamedTuple):
    """A held contract and the one that its carry is measured against.

    Attributes
    ----------
    months : frozenset of int
        Contract months the market is quoted in.
    held, other : int
        ``other`` is ``NO_CONTRACT`` where carry has none.
    until : int
        Last epoch day on which all of the months may be quoted and the held one need not be left.
    held_expiry, other_expiry : int
    """

    months: frozenset[int]
    held: int
    other: int
    until: int
    held_expiry: int
    other_expiry: int


class CarryPairs:
    """What ``Markets`` need not look up again while a market holds the same contract.

    Attributes
    ----------
    months : list of frozenset of int
        Contract months the pair is of, empty where it is unknown.
    held, other, until : lists of int
        As in ``CarryPair``.
    front : list of int
        The data's own front contract that is known not to end later than the held one.
    alone, held_first : bool arrays of shape (n_markets,)
        There is no other contract; the held contract is the nearer one.
    near_expiry, far_expiry, near_month : int arrays of shape (n_markets,)
    """

    def __init__(self, n_markets: int) -> None:
        self.months: list[frozenset[int]] = [frozenset()] * n_markets
        self.held = [NO_CONTRACT] * n_markets
        self.other = [NO_CONTRACT] * n_markets
        self.until = [0] * n_markets
        self.front = [NO_CONTRACT] * n_markets
        self.alone: BoolArray = np.zeros(n_markets, dtype=bool)
        self.held_first: BoolArray = np.zeros(n_markets, dtype=bool)
        self.near_expiry: IntArray = np.zeros(n_markets, dtype=np.int64)
        self.far_expiry: IntArray = np.zeros(n_markets, dtype=np.int64)
        self.near_month: IntArray = np.zeros(n_markets, dtype=np.int64)
        self._known: list[dict[frozenset[int], CarryPair]] = [{} for _ in range(n_markets)]

    def forget(self, market: int) -> None:
        """Have the market's pairs looked up anew."""
        self.months[market] = frozenset()
        self.front[market] = NO_CONTRACT
        self._known[market].clear()

    def recall(self, market: int, months: frozenset[int]) -> bool:
        """Take up the pair of these months; False if none is known."""
        pair = self._known[market].get(months)
        if pair is not None:
            self._set(market, pair)
        return pair is not None

    def remember(self, market: int, pair: CarryPair) -> None:
        """Keep a pair, and take it up."""
        self._known[market][pair.months] = pair
        self._set(market, pair)

    def _set(self, market: int, pair: CarryPair) -> None:
        self.months[market], self.until[market] = pair.months, pair.until
        self.held[market], self.other[market] = pair.held, pair.other
        first = pair.held_expiry < pair.other_expiry
        self.alone[market], self.held_first[market] = pair.other == NO_CONTRACT, first
        expiries = sorted((pair.held_expiry, pair.other_expiry))
        self.near_expiry[market], self.far_expiry[market] = expiries
        self.near_month[market] = pair.held if first else pair.other
