"""Carry pair of every market for the contract months it was last quoted in."""

from __future__ import annotations

import numpy as np

from universe.arrays import BoolArray, IntArray
from universe.session import NO_CONTRACT


class CarryPairs:
    """What ``Markets`` need not look up again while a market's quoted months stay the same.

    Attributes
    ----------
    months : list of frozenset of int
        Contract months the pair is of, empty where it is unknown.
    held, other : list of int
        The pair's contracts, ``other`` being ``NO_CONTRACT`` where carry has none.
    until : int array of shape (n_markets,)
        Last epoch day on which all of the months may be quoted.
    held_first : bool array of shape (n_markets,)
        The held contract is the nearer one.
    near_expiry, far_expiry : int arrays of shape (n_markets,)
    """

    def __init__(self, n_markets: int) -> None:
        self.months: list[frozenset[int]] = [frozenset()] * n_markets
        self.held = [NO_CONTRACT] * n_markets
        self.other = [NO_CONTRACT] * n_markets
        self.until: IntArray = np.zeros(n_markets, dtype=np.int64)
        self.held_first: BoolArray = np.zeros(n_markets, dtype=bool)
        self.near_expiry: IntArray = np.zeros(n_markets, dtype=np.int64)
        self.far_expiry: IntArray = np.zeros(n_markets, dtype=np.int64)

    def forget(self, market: int) -> None:
        """Have the market's pair looked up anew."""
        self.months[market] = frozenset()

    def remember(
        self,
        market: int,
        months: frozenset[int],
        held: int,
        other: int,
        until: int,
        expiry: tuple[int, int],
    ) -> None:
        """Keep the pair of ``held`` and ``other``, valid to the day ``until``."""
        self.months[market] = months
        self.held[market], self.other[market] = held, other
        self.until[market] = until
        self.held_first[market] = expiry[0] < expiry[1]
        self.near_expiry[market], self.far_expiry[market] = sorted(expiry)
