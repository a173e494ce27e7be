"""How much of what is wanted is ordered in one session: rolls in parts, nothing beyond a volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from universe.arrays import IntArray
from universe.instruments import Instrument
from universe.legs import ContractKey
from universe.rolls import next_weekday
from universe.session import Contract

Targets = Mapping[int, Mapping[int, int]]
"""Contracts by market index and contract month."""


@dataclass(frozen=True, slots=True)
class Staged:
    """What the next session is to bring.

    Attributes
    ----------
    targets : Targets
    rolling : frozenset of int
        Markets with a contract that the position leaves.
    """

    targets: Targets
    rolling: frozenset[int]


class Pace:
    """Spreads rolls over sessions and large trades over days (E2, E3).

    Parameters
    ----------
    instruments : sequence of Instrument
    roll_sessions : int
        In which a position leaves a contract, in equal parts; 1 is all at once.
    max_trade_adv : float
        Most contracts that a market trades in a session, and rolls in a session, as a share of its
        average daily volume.

    Attributes
    ----------
    since : int array of shape (n_markets,)
        Epoch day of the decision that began the roll under way, 0 for none.

    Notes
    -----
    The window begins with the session in which the next contract is chosen, and counts days from
    Monday to Friday. A contract that may
    not be held beyond the next session is left whole, whatever window and volume say. A target
    that comes nearer takes the contracts that are still to be rolled first, so that nothing is
    rolled and then closed. Markets whose calendar spread is traded besides move at once: their
    months are legs of two positions.
    """

    STATE = ("since",)
    DEPENDS = ("roll_sessions", "contract_sizes")

    def __init__(
        self, instruments: Sequence[Instrument], roll_sessions: int, max_trade_adv: float
    ) -> None:
        self._sessions = roll_sessions
        self._share = [max_trade_adv * market.adv_contracts for market in instruments]
        self._most: list[int] = []  # in the session that is staged
        self.since: IntArray = np.zeros(len(instruments), dtype=np.int64)

    def stage(
        self,
        targets: Targets,
        holdings: Mapping[ContractKey, int],
        stuck: Mapping[ContractKey, int],
        day: int,
        contracts: Sequence[Mapping[int, Contract]],
        growth: float = 1.0,
    ) -> Staged:
        """The part of the targets that belongs to the next session.

        It may be asked again on the same day.

        Parameters
        ----------
        targets : Targets
        holdings : mapping of (market index, contract month) to contracts
        stuck : mapping of (market index, contract month) to contract month
            See ``execution.orders.plan_orders``.
        day : int
            Epoch day of the decision.
        contracts : sequence of mapping of contract month to Contract
            By market.
        growth : float
            Volumes over those of the master, where they grow with the fund.
        """
        self._most = [max(int(growth * share), 1) for share in self._share]
        held: dict[int, dict[int, int]] = {}
        for (market, month), quantity in holdings.items():
            if quantity and market in targets:
                held.setdefault(market, {})[month] = quantity
        leaving = {
            market: {m: q for m, q in months.items() if m not in targets[market]}
            for market, months in held.items()
        }
        rolling = frozenset(market for market, months in leaving.items() if months)
        urgent = next_weekday(day)
        staged = dict(targets)
        since, self.since = self.since, np.zeros_like(self.since)
        for market in rolling:
            self.since[market] = since[market] or day
        for market, wanted in targets.items():
            (month, target), mine = next(iter(wanted.items())), held.get(market, {})
            position, most = sum(mine.values()), self._most[market]
            if market not in rolling and abs(target - position) <= most:
                continue
            if len(wanted) != 1 or any((market, m) in stuck for m in mine):
                continue
            total = target
            if not any(contracts[market][m].last_holding <= urgent for m in mine):
                total = position + min(max(target - position, -most), most)
            kept, room = {}, total
            for m, q in leaving.get(market, {}).items():
                kept[m] = self._kept(q, market, room, contracts[market][m], urgent)
                room -= kept[m]
            if total != target or any(kept.values()):
                staged[market] = {month: total - sum(kept.values()), **kept}
        return Staged(staged, rolling)

    def _kept(self, quantity: int, market: int, room: int, month: Contract, urgent: int) -> int:
        """Contracts that stay in a month for another session, ``room`` at most."""
        if month.last_holding <= urgent:
            return 0
        size, side = abs(quantity), 1 if quantity > 0 else -1
        gone = _weekdays(int(self.since[market]), urgent) - 1
        sessions = min(max(self._sessions - gone, 1), max(_weekdays(urgent, month.last_holding), 1))
        leave = min(-(-size // sessions), self._most[market])
        return side * min(size - leave, max(side * room, 0))


def _weekdays(first: int, last: int) -> int:
    """Days from Monday to Friday from ``first`` to before ``last``."""
    return int(np.busday_count(np.datetime64(first, "D"), np.datetime64(last, "D")))
