"""From the scaled fractional target to whole contracts (P6)."""

from __future__ import annotations

import numpy as np

from alpha.snapshot import Snapshot
from portfolio.contracts import buffered
from portfolio.target import Target
from universe.arrays import IntArray


class BufferedTrading:
    """Whole contracts, traded only to the edge of a no-trade band.

    Parameters
    ----------
    n_assets : int
    buffer : float
        Half-width of the band over the average position (001).
    cooldown : int
        Sessions after a trade without another small one (000).

    Attributes
    ----------
    model_contracts : int array of shape (n_assets,)
        What this stage holds, before protections: what the band is laid around.
    since_trade : int array of shape (n_assets,)
        Sessions since ``model_contracts`` changed.

    Notes
    -----
    The band shrinks with the exposure scale, as the positions do.
    """

    STATE = ("model_contracts", "since_trade")
    DEPENDS = ()

    def __init__(self, n_assets: int, buffer: float, cooldown: int) -> None:
        self._buffer, self._cooldown = buffer, cooldown
        self.model_contracts: IntArray = np.zeros(n_assets, dtype=np.int64)
        self.since_trade: IntArray = np.full(n_assets, 10**6, dtype=np.int64)

    def solve(self, target: Target, scale: float, snapshot: Snapshot) -> IntArray:
        """Whole contracts for the target at ``scale`` of its size; changes nothing.

        Assets that cannot trade today keep theirs, those that may not be held have none.
        """
        wanted = buffered(
            target.optimal * scale,
            self.model_contracts,
            self._buffer * np.minimum(target.average * scale, target.limit),
            sessions_since_trade=self.since_trade,
            cooldown=self._cooldown,
        )
        limit = np.floor(target.limit + 1e-9)
        wanted = np.minimum(np.maximum(wanted, -limit), limit).astype(np.int64)
        free = snapshot.tradable & target.priced & (target.value > 0) & (snapshot.sigma > 0)
        wanted = np.where(free, wanted, self.model_contracts)
        return np.where(snapshot.must_exit, 0, wanted)

    def commit(self, contracts: IntArray) -> None:
        """Take over what was solved for, once a session."""
        self.since_trade = np.where(contracts != self.model_contracts, 0, self.since_trade + 1)
        self.model_contracts = contracts
