"""From target contracts to the orders of a session: pace, what is sure, spreads, what is forced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from execution.contract_volume import VolumeOf
from execution.orders import (
    Order,
    Unfilled,
    Withdrawal,
    forced_only,
    plan_orders,
    plan_withdrawals,
)
from execution.pace import Pace, Targets
from execution.rolls import as_spreads, pressing_spreads
from execution.settings import ExecutionSettings
from universe.arrays import BoolArray, FloatArray
from universe.instruments import Instrument
from universe.legs import ContractKey
from universe.session import Contract


class Positions(Protocol):
    """What is held and on its way, as an account has it."""

    @property
    def holdings(self) -> Mapping[ContractKey, int]:
        """Contracts."""

    @property
    def pending(self) -> Mapping[ContractKey, Unfilled]:
        """Unfilled contracts."""

    @property
    def spreads(self) -> frozenset[ContractKey]:
        """Contracts with an open order that is a leg of a spread."""

    @property
    def volume_of(self) -> VolumeOf:
        """Of contracts."""


class Planner:
    """Orders toward target contracts, and what is withdrawn for them.

    Parameters
    ----------
    instruments : sequence of Instrument
        The contracts that are ordered, of every line (``portfolio.contract_sizes``); "markets" are
        lines here.
    settings : ExecutionSettings

    Attributes
    ----------
    pace : Pace
    spread_rolls : set of int
        Markets that roll as calendar spreads; one whose broker refuses them is taken out.
    """

    def __init__(self, instruments: Sequence[Instrument], settings: ExecutionSettings) -> None:
        self._instruments = instruments
        self._width = settings.spread_width
        self.pace = Pace(
            instruments,
            settings.roll_sessions,
            settings.max_trade_adv,
            settings.max_roll_adv,
            settings.roll_wait,
        )
        self.spread_rolls = {
            i
            for i, market in enumerate(instruments)
            if settings.spread_rolls and market.spread_listed
        }

    def plan(
        self,
        targets: Targets,
        positions: Positions,
        stuck: Mapping[ContractKey, int],
        day: int,
        contracts: Sequence[Mapping[int, Contract]],
        free: BoolArray,
        *,
        blind: bool,
        growth: float = 1.0,
        carry: FloatArray | None = None,
    ) -> tuple[list[Order], list[Withdrawal]]:
        """What is sent and what is withdrawn; it may be asked again on the same day.

        Parameters
        ----------
        targets : Targets
            By market and contract month.
        positions : Positions
        stuck : mapping of (market index, contract month) to contract month
            See ``execution.orders.plan_orders``.
        day : int
            Epoch day of the decision.
        contracts : sequence of mapping of contract month to Contract
            By market.
        free : bool array of shape (n_markets,)
            Markets that may be traded; in others nothing is ordered but what an expiry forces.
        blind : bool
            The account is unknown: nothing but what an expiry forces is ordered or withdrawn.
        growth : float
            Volumes over today's.
        carry : float array of shape (n_markets,), optional
            See ``Pace.stage``.
        """
        staged = self.pace.stage(
            targets,
            positions.holdings,
            stuck,
            day,
            contracts,
            growth,
            positions.volume_of,
            carry,
        )
        beside = positions.holdings, positions.pending, stuck
        orders = as_spreads(
            plan_orders(staged.targets, *beside, rolling=staged.rolling),
            self.spread_rolls,
            day,
            contracts,
        )
        withdrawals = plan_withdrawals(staged.targets, *beside)
        late = pressing_spreads(positions.spreads, day, contracts)
        withdrawals += [one for one in late if one not in withdrawals]
        if blind:
            return forced_only(orders, day, contracts), forced_only(withdrawals, day, contracts)
        if not free.all():
            forced = forced_only(orders, day, contracts)
            orders = [order for order in orders if order in forced or free[order.market]]
        return orders, withdrawals

    def trades_per_roll(self) -> FloatArray:
        """What a roll costs over an outright trade, (n_markets,): 2 where it is two of them."""
        out = np.full(len(self._instruments), 2.0)
        for i in self.spread_rolls:
            market = self._instruments[i]
            fee = market.fee / market.multiplier
            outright = market.half_spread + fee
            out[i] = (self._width * market.half_spread + 2.0 * fee) / outright if outright else 2.0
        return out

    def impacts_per_roll(self) -> FloatArray:
        """Likewise of the impact alone, (n_markets,): a spread pays that of one leg."""
        out = np.full(len(self._instruments), 2.0)
        out[list(self.spread_rolls)] = 1.0
        return out
