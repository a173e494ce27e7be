"""From the scaled fractional target to whole contracts (P6, P8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from alpha.snapshot import Snapshot
from portfolio.caps import Binding
from portfolio.contracts import band_edge, buffered, resting
from portfolio.risk_caps import RiskCaps
from portfolio.target import Target
from portfolio.tracking import ContractTracker
from universe.arrays import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Trades:
    """Whole contracts, and what made them others than the fractional target says.

    Attributes
    ----------
    contracts : int array of shape (n_assets,)
    contrary : bool array of shape (n_assets,)
        Contracts against their fractional position, as hedges.
    bindings : tuple of Binding
        Caps on risk that whole contracts were brought within.
    """

    contracts: IntArray
    contrary: BoolArray
    bindings: tuple[Binding, ...] = ()


class BufferedTrading:
    """Whole contracts, traded only to the edge of a no-trade band.

    Parameters
    ----------
    n_assets : int
    buffer : float
        Half-width of the band over the average position (001).
    cooldown : int
        Sessions after a trade without another small one (000).
    tracker : ContractTracker, optional
        Chooses contracts together; without it every market is rounded by itself.
    caps : RiskCaps, optional
        On the risk of the whole contracts.

    Attributes
    ----------
    model_contracts : int array of shape (n_assets,)
        What this stage holds, before protections: what the band is laid around.
    since_trade : int array of shape (n_assets,)
        Sessions since ``model_contracts`` changed.

    Notes
    -----
    The band shrinks with the exposure scale, as the positions do. What is tracked is the fractional
    target traded to the edge of the band, so that a fund whose positions are many contracts trades
    as it would market by market. Caps on shares of variance are the fractional target's: a position
    may be above one by the half of the band, or by what one contract brings.
    """

    STATE = ("model_contracts", "since_trade")
    DEPENDS = ("contract_sizes",)
    BOUNDS: ClassVar = {"model_contracts": (-1e7, 1e7)}

    def __init__(
        self,
        n_assets: int,
        buffer: float,
        cooldown: int,
        tracker: ContractTracker | None = None,
        caps: RiskCaps | None = None,
    ) -> None:
        self._buffer, self._cooldown = buffer, cooldown
        self._tracker, self._caps = tracker, caps
        self.model_contracts: IntArray = np.zeros(n_assets, dtype=np.int64)
        self.since_trade: IntArray = np.full(n_assets, 10**6, dtype=np.int64)

    def solve(self, target: Target, scale: float, snapshot: Snapshot) -> Trades:
        """Whole contracts for the target at ``scale`` of its size; changes nothing.

        Assets that cannot trade today keep theirs, those that may not be held have none.
        """
        optimal = target.optimal * scale
        width = self._buffer * np.minimum(target.average * scale, target.limit)
        free = snapshot.tradable & target.priced & (target.value > 0) & (snapshot.sigma > 0)
        kept = np.where(snapshot.must_exit, 0, self.model_contracts)
        free = free & ~snapshot.must_exit
        chosen = None
        if self._tracker is not None:
            chosen = self._together(self._tracker, optimal, width, free, kept, target, snapshot)
        if chosen is None:
            chosen = self._apart(optimal, width, free, kept, target.limit)
        contrary = (chosen * np.sign(optimal) < 0) & free
        # what is left of a position that is no longer wanted, because to close it costs more
        contrary &= (np.abs(optimal) >= 0.5) | (np.abs(chosen) > np.abs(kept))
        if self._caps is None:
            return Trades(chosen, contrary)
        capped = self._caps.on_contracts(chosen, target.value / target.nav, free, snapshot)
        return Trades(capped.contracts, contrary & (capped.contracts != 0), capped.bindings)

    def _apart(
        self,
        optimal: FloatArray,
        width: FloatArray,
        free: BoolArray,
        kept: IntArray,
        limit: FloatArray,
    ) -> IntArray:
        """Every market rounded by itself."""
        wanted = buffered(
            optimal,
            self.model_contracts,
            width,
            sessions_since_trade=self.since_trade,
            cooldown=self._cooldown,
        )
        most = np.floor(limit + 1e-9)
        wanted = np.minimum(np.maximum(wanted, -most), most).astype(np.int64)
        return np.where(free, wanted, kept)

    def _together(
        self,
        tracker: ContractTracker,
        optimal: FloatArray,
        width: FloatArray,
        free: BoolArray,
        kept: IntArray,
        target: Target,
        snapshot: Snapshot,
    ) -> IntArray | None:
        """Contracts that track the edge of the band together; None where they need not."""
        edge = band_edge(optimal, self.model_contracts, width)
        limit = target.limit
        edge = np.where(free, np.minimum(np.maximum(edge, -limit), limit), kept)
        rests = resting(edge, self.model_contracts, width, self.since_trade, self._cooldown)
        rests &= np.abs(self.model_contracts) <= limit
        return tracker.choose(edge, kept, free & ~rests, target, snapshot)

    def commit(self, contracts: IntArray) -> None:
        """Take over what was solved for, once a session."""
        self.since_trade = np.where(contracts != self.model_contracts, 0, self.since_trade + 1)
        self.model_contracts = contracts
