"""Whole contracts of a day, chosen together where single contracts are coarse for the fund (P8)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from alpha.snapshot import Snapshot
from portfolio.contracts import DIGITS
from portfolio.covariance import covariance
from portfolio.target import Target
from portfolio.whole_contracts import contract_bounds, whole_contracts
from universe.arrays import TRADING_DAYS, BoolArray, FloatArray, IntArray, known
from universe.cost_stress import CostStress

COARSE = 0.01
"""Tracking error over the volatility target that rounding market by market is left to."""


@dataclass(frozen=True, slots=True)
class ContractTracker:
    """Chooses whole contracts together.

    Attributes
    ----------
    trade_cost : float array of shape (n_assets,)
        Half spread and fee of a contract, in price units.
    multiplier : float array of shape (n_assets,)
    yearly_trades : float
        How often a year a trade is paid for: it is expected to last the inverse of that.
    aversion : float
        λ of mean less λ times variance, which weighs cost against tracking error.
    vol_target : float
        Annual, over NAV.
    either_side : bool
        Whether a contract may stand against its fractional position, where it hedges others.
    half_spread : float array of shape (n_assets,), optional
        The part of ``trade_cost`` that grows with ``stress``.
    stress : CostStress
    """

    trade_cost: FloatArray
    multiplier: FloatArray
    yearly_trades: float
    aversion: float
    vol_target: float
    either_side: bool
    half_spread: FloatArray | None = None
    stress: CostStress = field(default_factory=CostStress)

    def choose(
        self,
        ideal: FloatArray,
        held: IntArray,
        free: BoolArray,
        target: Target,
        snapshot: Snapshot,
    ) -> IntArray | None:
        """Whole contracts that track ``ideal`` at least cost; None where rounding does as well.

        Parameters
        ----------
        ideal : float array of shape (n_assets,)
            Fractional contracts.
        held : int array of shape (n_assets,)
        free : bool array of shape (n_assets,)
            What cannot trade stays as held.
        target : Target
            Of it are the value of a contract, the limits on either side, and NAV.
        snapshot : Snapshot

        Notes
        -----
        Rounding is off by a third of a contract's risk in the mean of squares, independently in
        each market; where all of that is below ``COARSE`` there is nothing to gain. All numbers are
        of money, so that the last bits of NAV decide nothing; a market that is neither wanted nor
        held is not used to hedge, and one that is not wanted only closes.
        """
        used = np.flatnonzero((ideal != 0) | (held != 0))
        annual = known(snapshot.sigma[used]) * np.sqrt(TRADING_DAYS)
        value = np.where(target.value[used] > 0, target.value[used], 0.0)
        risk = value * annual
        if float(np.sqrt(risk @ risk / 12.0)) <= COARSE * self.vol_target * target.nav:
            return None
        gram = covariance(snapshot.correlation[used[:, None], used], risk)
        point = snapshot.contract_value(self.multiplier)[used]
        paid = self._trade_cost(snapshot)[used] * point * self.yearly_trades
        cost = paid * float(f"{target.nav:.6g}") / self.aversion
        limits = target.limit[used], target.contrary_limit[used]
        low, high = self._bounds(ideal[used], held[used], free[used], *limits)
        fractions = np.round(ideal[used], DIGITS)
        out = held.copy()
        out[used] = whole_contracts(fractions, held[used], gram, low, high, known(cost)).contracts
        return out

    def _trade_cost(self, snapshot: Snapshot) -> FloatArray:
        if self.half_spread is None:
            return self.trade_cost
        stress = self.stress.of(snapshot.sigma, snapshot.current_sigma)
        return np.asarray(self.trade_cost + (stress - 1.0) * self.half_spread)

    def _bounds(
        self,
        ideal: FloatArray,
        held: IntArray,
        free: BoolArray,
        limit: FloatArray,
        contrary_limit: FloatArray,
    ) -> tuple[IntArray, IntArray]:
        """Fewest and most contracts of each asset used."""
        low, high = contract_bounds(
            ideal,
            held,
            limit,
            free,
            contrary_cap=contrary_limit,
            either_side=self.either_side,
        )
        closing = free & (ideal == 0)
        low = np.where(closing, np.minimum(held, 0), low)
        return low, np.where(closing, np.maximum(held, 0), high)
