"""How much of what is wanted is ordered in one session: rolls in parts, nothing beyond a volume."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from execution.contract_volume import VolumeOf, unknown
from universe.arrays import FloatArray, IntArray
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
        Markets with a contract that the position leaves; a roll that waits is none yet.
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
    max_roll_adv : float
        Most that it rolls, as a share of the smaller of both contracts' own volumes; 0 is no limit.
    roll_wait : int
        Sessions for which a roll waits while the contract held has the better carry for its side.

    Attributes
    ----------
    since : int array of shape (n_markets,)
        Epoch day of the decision that began the roll under way, 0 for none.
    left : int array of shape (n_markets,)
        Epoch day of the decision from which on it leaves its contract, 0 while it waits.
    carry : float array of shape (n_markets,)
        Annual carry per contract, in price, of the contract that the position is in: as of now, or
        of before the roll under way.

    Notes
    -----
    The window begins with the session in which the next contract is chosen, or with that in which
    a roll has waited long enough, and counts days from
    Monday to Friday. A contract that may
    not be held beyond the next session is left whole, whatever window and volume say. A target
    that comes nearer takes the contracts that are still to be rolled first, so that nothing is
    rolled and then closed. Markets whose calendar spread is traded besides move at once: their
    months are legs of two positions.

    A roll waits only where both carries are known, where the contract held trades at least as much
    as the next one (if volumes are known), and while the window behind it has room before the last
    day.
    """

    STATE = ("since", "left", "carry")
    DEPENDS = ("roll_sessions", "roll_wait", "contract_sizes")

    def __init__(
        self,
        instruments: Sequence[Instrument],
        roll_sessions: int,
        max_trade_adv: float,
        max_roll_adv: float = 0.0,
        roll_wait: int = 0,
    ) -> None:
        self._sessions, self._roll_share, self._wait = roll_sessions, max_roll_adv, roll_wait
        self._adv = [market.adv_contracts for market in instruments]
        self._share = [max_trade_adv * volume for volume in self._adv]
        self._most: list[int] = []  # in the session that is staged
        self._volume_of: VolumeOf = unknown
        self.since: IntArray = np.zeros(len(instruments), dtype=np.int64)
        self.left: IntArray = np.zeros(len(instruments), dtype=np.int64)
        self.carry: FloatArray = np.full(len(instruments), np.nan)

    def stage(
        self,
        targets: Targets,
        holdings: Mapping[ContractKey, int],
        stuck: Mapping[ContractKey, int],
        day: int,
        contracts: Sequence[Mapping[int, Contract]],
        growth: float = 1.0,
        volume_of: VolumeOf = unknown,
        carry: FloatArray | None = None,
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
            Volumes over today's, where they grow with the fund.
        volume_of : callable
            Of contracts; where it is not known the market's stands in.
        carry : float array of shape (n_markets,), optional
            Of the contract that positions are in from the next session on, see ``carry``.
        """
        self._volume_of = volume_of
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
        left, self.left = self.left, np.zeros_like(self.left)
        for market in rolling:
            self.since[market] = since[market] or day
        waiting = self._waiting(rolling, leaving, targets, urgent, contracts, left, carry)
        for market in rolling - waiting:
            self.left[market] = left[market] or day
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
                leave = self._roll_most(market, (m, month), growth)
                leave = 0 if market in waiting else min(leave, most)
                kept[m] = self._kept(q, market, room, contracts[market][m], urgent, leave)
                room -= kept[m]
            if total != target or any(kept.values()):
                staged[market] = {month: total - sum(kept.values()), **kept}
        return Staged(staged, rolling - waiting)

    def _kept(
        self, quantity: int, market: int, room: int, month: Contract, urgent: int, most: int
    ) -> int:
        """Contracts that stay in a month for another session, ``room`` at most.

        ``most`` is what may leave it at most.
        """
        if month.last_holding <= urgent:
            return 0
        size, side = abs(quantity), 1 if quantity > 0 else -1
        gone = _weekdays(int(self.left[market]), urgent) - 1 if most else 0
        sessions = min(max(self._sessions - gone, 1), max(_weekdays(urgent, month.last_holding), 1))
        leave = min(-(-size // sessions), most)
        return side * min(size - leave, max(side * room, 0))

    def _roll_most(self, market: int, months: tuple[int, int], growth: float) -> int:
        """Contracts that may be rolled in a session by the volumes of both months."""
        if not self._roll_share:
            return self._most[market]
        found = (self._volume_of(market, month) for month in months)
        volume = min(self._adv[market] if one != one else one for one in found)
        return max(int(growth * self._roll_share * volume), 1)

    def _waiting(
        self,
        rolling: Collection[int],
        leaving: Mapping[int, Mapping[int, int]],
        targets: Targets,
        urgent: int,
        contracts: Sequence[Mapping[int, Contract]],
        left: IntArray,
        carry: FloatArray | None,
    ) -> frozenset[int]:
        """Markets whose roll waits; those that have begun to leave wait no more."""
        if not self._wait or carry is None:
            return frozenset()
        quiet = np.ones(len(self.carry), dtype=bool)
        quiet[list(rolling)] = False
        self.carry = np.where(quiet, carry, self.carry)
        out = set()
        for market in rolling:
            months, wanted = leaving[market], targets[market]
            if len(months) != 1 or len(wanted) != 1 or left[market]:
                continue
            ((old, held),), (new,) = months.items(), wanted
            gone = _weekdays(int(self.since[market]), urgent) - 1
            ahead = _weekdays(urgent, contracts[market][old].last_holding)
            gain = (self.carry[market] - carry[market]) * held
            thin = self._volume_of(market, old) < self._volume_of(market, new)
            if gain > 0 and gone < self._wait and ahead > self._sessions and not thin:
                out.add(market)
        return frozenset(out)


def _weekdays(first: int, last: int) -> int:
    """Days from Monday to Friday from ``first`` to before ``last``."""
    return int(np.busday_count(np.datetime64(first, "D"), np.datetime64(last, "D")))
