"""Which contract months positions are in, before and after a session's rolls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from universe.arrays import IntArray
from universe.session import Contract

ContractKey = tuple[int, int]
"""(market index, contract month)."""


@dataclass(frozen=True, slots=True)
class Legs:
    """Contract months of every market; arrays are (n_markets,), 0 is none.

    Attributes
    ----------
    held, near, far : int arrays
        From the next session on: the contract held outright and the legs of the calendar spread.
    lost : int array
        Left without a price, and may still be held.
    held_before, near_before, far_before : int arrays
        As chosen before the session: what a position is in.
    spreads : bool
        Whether calendar spreads are assets of their own.
    """

    held: IntArray
    near: IntArray
    far: IntArray
    lost: IntArray
    held_before: IntArray
    near_before: IntArray
    far_before: IntArray
    spreads: bool

    def of(self, market: int) -> tuple[int, ...]:
        """Months of the market's spread, near leg first; none without a spread."""
        if not self.spreads or not self.near[market]:
            return ()
        return int(self.near[market]), int(self.far[market])

    def target_contracts(self, contracts: IntArray) -> dict[int, dict[int, int]]:
        """Contracts by contract month of every market with a contract to hold.

        The held contract and the legs of a spread are named with 0 where nothing is wanted.

        Parameters
        ----------
        contracts : int array of shape (n_assets,)
        """
        n, held = len(self.held), self.held.tolist()
        wanted = {i: {held[i]: q} for i, q in enumerate(contracts[:n].tolist()) if held[i]}
        if self.spreads:
            near, far = self.near.tolist(), self.far.tolist()
            for i, q in enumerate(contracts[n:].tolist()):
                if near[i] and i in wanted:
                    legs = wanted[i]
                    legs[near[i]] = legs.get(near[i], 0) + q
                    legs[far[i]] = legs.get(far[i], 0) - q
        return wanted

    def held_assets(self, holdings: Mapping[ContractKey, int]) -> IntArray:
        """Contracts held of every asset: net ones outright, and pairs of spread legs.

        Parameters
        ----------
        holdings : mapping of (market index, contract month) to contracts
        """
        n = len(self.held)
        held = np.zeros(2 * n if self.spreads else n, dtype=np.int64)
        for (market, month), quantity in holdings.items():
            held[market] += quantity
            if self.spreads and month == self.far_before[market]:
                held[n + market] -= quantity
        if self.spreads:
            held[n:] += np.where(self.far_before == self.held_before, held[:n], 0)
        return held

    def stuck_contracts(self) -> dict[ContractKey, int]:
        """Contracts that were rolled out of without a price, with their successors."""
        held = self.held.tolist()
        return {(i, month): held[i] for i, month in enumerate(self.lost.tolist()) if month}


class Expiries:
    """Expiry of the contract that every asset is in, looked up when it has changed.

    Parameters
    ----------
    contracts : sequence of mapping of contract month to Contract
        Those known of every market; they may become more.
    n_assets : int
        The markets, or twice as many with their spreads.
    """

    NONE = np.iinfo(np.int64).max // 2
    """Epoch day that stands for no expiry."""

    def __init__(self, contracts: Sequence[Mapping[int, Contract]], n_assets: int) -> None:
        self._contracts = contracts
        self._months: IntArray = np.zeros(n_assets, dtype=np.int64)
        self._days: IntArray = np.full(n_assets, self.NONE)

    def of(self, months: IntArray) -> IntArray:
        """Epoch days of shape (n_assets,), ``NONE`` for 0 and for a contract that is not known.

        Parameters
        ----------
        months : int array of shape (n_assets,)
        """
        for asset in np.flatnonzero(months != self._months).tolist():
            month = int(months[asset])
            contract = self._contracts[asset % len(self._contracts)].get(month)
            self._days[asset] = self.NONE if contract is None else contract.expiry
            self._months[asset] = 0 if contract is None else month
        return self._days
