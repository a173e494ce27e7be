"""All parents at work, minute by minute: what to send, to withdraw, and what is done (E1).

It knows no broker and no clock: a home tells it the minute and what each contract showed in the
one before, sends what it asks for, and tells it what the broker says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from execution.blotter import Blotter, Event
from execution.fills import ROLL
from execution.leg_guard import LegGuard
from execution.worker import Plan, Quote, Wish, Worker
from universe.arrays import IntArray
from universe.legs import ContractKey


@dataclass(frozen=True, slots=True)
class Seen:
    """What a contract showed in the last full minute: its quote at the end, contracts traded."""

    quote: Quote | None
    volume: float = 0.0


NOTHING = Seen(None)

ENDING = 2
"""Minutes before the last one of a session from which no leg stands alone: to withdraw a limit, to
cross in its place."""


@dataclass(slots=True)
class Job:
    """A parent's worker in its session.

    Attributes
    ----------
    worker : Worker
    minutes : int array of shape (minutes,)
        Of the session, since 1970 UTC, ascending; one more than the plan's curve has, because a
        child needs a quote of the minute before.
    algorithm : str
    reason : str
        Of the order, "roll" for one.
    traded : float
        Contracts that the market has traded in the session.
    resting : str
        Child that is a limit and may be open.
    stepped : int
        Last minute in which it was asked.
    asked : int
        Minutes of its session in which it was.
    stopped : bool
        No more is sent: its roll was undone.
    mids : dict of str to float
        Mid at which each child was sent, NaN without a quote.
    """

    worker: Worker
    minutes: IntArray
    algorithm: str
    reason: str
    traded: float = 0.0
    resting: str = ""
    stepped: int = 0
    asked: int = 0
    stopped: bool = False
    mids: dict[str, float] = field(default_factory=dict)

    @property
    def key(self) -> ContractKey:
        """Market index and contract month."""
        whole = self.worker.blotter.parents[self.worker.parent]
        return whole.market, whole.month

    @property
    def filled(self) -> int:
        """Signed contracts."""
        return self.worker.blotter.parents[self.worker.parent].filled

    @property
    def quantity(self) -> int:
        """Signed contracts asked for."""
        return self.worker.blotter.parents[self.worker.parent].quantity


@dataclass(slots=True)
class Moves:
    """What a minute asks for: children to send and to withdraw, parents that are done with."""

    send: list[tuple[Job, Wish]] = field(default_factory=list)
    withdraw: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)


class Desk:
    """Parents at work in their sessions.

    Parameters
    ----------
    leg_minutes : int
        See ``execution.leg_guard.LegGuard``.

    Attributes
    ----------
    blotter : Blotter
    guard : LegGuard
    jobs : dict of parent id to Job
    paused : str
        Why nothing is sent in any market for now, "" if it is.
    """

    def __init__(self, leg_minutes: int = 0) -> None:
        self.blotter, self.guard = Blotter(), LegGuard(leg_minutes)
        self.jobs: dict[str, Job] = {}
        self.paused = ""

    @property
    def contracts(self) -> set[ContractKey]:
        """Contracts with work to do."""
        return {job.key for job in self.jobs.values()}

    def take(
        self,
        day: int,
        key: ContractKey,
        quantity: int,
        plan: Plan,
        minutes: IntArray,
        *,
        base: int = 0,
        algorithm: str = "",
        reason: str = "",
    ) -> str:
        """A new parent.

        Parameters
        ----------
        day : int
            Epoch day of the decision.
        key : (int, int)
            Market index and contract month.
        quantity : int
            Signed.
        plan : Plan
        minutes : int array
            Of its session, one more than the plan's curve.
        base : int
            Position at the broker.
        algorithm, reason : str

        Returns
        -------
        str
            Its id.

        Raises
        ------
        ValueError
            For a session of another length than the plan, or a quantity that is none.
        """
        if len(minutes) != len(plan.curve) + 1:
            raise ValueError(
                f"a plan of {len(plan.curve)} minutes for a session of {len(minutes)}; the session "
                "must have one more"
            )
        parent = self.blotter.add(day, *key, quantity, base)
        self.jobs[parent] = Job(Worker(self.blotter, parent, plan), minutes, algorithm, reason)
        parents = self.blotter.parents
        rolling = {name: parents[name] for name, job in self.jobs.items() if job.reason == ROLL}
        self.guard.take(rolling, parents)
        return parent

    def step(self, now: int, seen: Mapping[ContractKey, Seen], *, patient: bool = False) -> Moves:
        """What a minute asks for.

        Parameters
        ----------
        now : int
            Minute since 1970 UTC that begins.
        seen : mapping of contract to Seen
            Of the minute before; a contract without an entry has shown nothing.
        patient : bool
            Whether contracts without an entry may still show something: they are left for later.

        Notes
        -----
        A minute that was had already, or lies before the last one, asks for nothing: the clock may
        jump, the curve says where to be. Limits of the minute before are withdrawn; what they leave
        is sent anew once the broker has confirmed it.

        A leg of a roll that has stood alone for as long as it may waits for the other, which is
        sent at the market whatever its curve, its share of volume and its limits say. Where the
        other has no quote or is frozen out, what stands alone is taken back, and the roll is left
        for the next decision; what an expiry forces is never taken back.
        """
        moves = Moves()
        told = self._evened(now, seen, patient)
        for parent in sorted(self.jobs):
            job = self.jobs[parent]
            if now <= job.stepped or (patient and job.key not in seen):
                continue
            self._step(job, now, seen.get(job.key, NOTHING), moves, told.get(parent))
            if now > job.minutes[-1] or self._is_done(parent, job):
                moves.done.append(parent)
        return moves

    def _is_done(self, parent: str, job: Job) -> bool:
        if job.stopped:
            children = self.blotter.parents[parent].children.values()
            if any(child.is_open for child in children):
                return False
        elif job.filled != job.quantity:
            return False
        return not self.guard.is_open(parent, self.blotter.parents)

    def _evened(
        self, now: int, seen: Mapping[ContractKey, Seen], patient: bool
    ) -> dict[str, tuple[str, int]]:
        """What the guard tells parents: to "wait", or to "complete" or "undo" contracts."""
        out: dict[str, tuple[str, int]] = {}
        if not self.guard.legs:
            return out
        ending = {name for name, job in self.jobs.items() if now >= job.minutes[-1] - ENDING}
        for gap in self.guard.overdue(now, self.blotter.parents, ending):
            ahead, behind = self.jobs.get(gap.ahead), self.jobs.get(gap.behind)
            if ahead is None or behind is None:
                continue
            if patient and not {ahead.key, behind.key} <= seen.keys():
                continue
            forced = ahead.worker.plan.forced
            if not forced:
                out[gap.ahead] = ("wait", 0)
            quoted = behind.worker.plan.forced or self._is_quoted(behind, now, seen)
            if quoted and not behind.stopped:
                out[gap.behind] = ("complete", gap.contracts)
            elif not forced and self._is_quoted(ahead, now, seen):
                ahead.stopped = behind.stopped = True
                out[gap.ahead] = ("undo", gap.contracts)
        return out

    def _is_quoted(self, job: Job, now: int, seen: Mapping[ContractKey, Seen]) -> bool:
        at = int(np.searchsorted(job.minutes, now))
        follows = 0 < at < len(job.minutes) and job.minutes[at - 1] == now - 1
        quote = seen.get(job.key, NOTHING).quote
        return follows and quote is not None and not quote.fault()

    def _step(
        self, job: Job, now: int, seen: Seen, moves: Moves, told: tuple[str, int] | None
    ) -> None:
        job.stepped = now
        at = int(np.searchsorted(job.minutes, now))
        follows = at > 0 and job.minutes[at - 1] == now - 1
        if follows:
            job.traded += seen.volume
        ended = at == len(job.minutes)
        if at == 0 or (not ended and job.minutes[at] != now):
            return
        resting = job.resting
        if (not ended or job.worker.plan.forced) and not self.paused:
            job.asked += not ended
            quote = seen.quote if follows else None
            wish = self._wish(job, at - 1, quote, told)
            if wish is not None:
                job.mids[wish.child] = quote.mid if quote is not None else float("nan")
                job.resting = wish.child if wish.limit is not None else ""
                moves.send.append((job, wish))
        if resting and not self.paused:
            job.resting = job.resting if job.resting != resting else ""
            if self.child_is_open(resting):
                moves.withdraw.append(resting)

    def _wish(
        self, job: Job, minute: int, quote: Quote | None, told: tuple[str, int] | None
    ) -> Wish | None:
        if told is None:
            return None if job.stopped else job.worker.step(minute, quote, job.traded)
        action, contracts = told
        parent = self.blotter.parents[job.worker.parent]
        wish = None
        if not any(child.is_open for child in parent.children.values()):
            if action == "complete":
                wish = job.worker.complete(contracts)
            elif action == "undo":
                wish = job.worker.undo(contracts)
        if wish is None:
            job.worker.wait("one leg alone")
        return wish

    def child_is_open(self, child: str) -> bool:
        """Whether more of a child may fill."""
        parent = self.blotter.parents.get(child.rpartition(".")[0])
        return parent is not None and child in parent.children and parent.children[child].is_open

    def finish(self, parent: str) -> str:
        """End a parent's work; a sentence on what is left undone and why, "" if nothing is."""
        job = self.jobs.pop(parent)
        if self.blotter.parents[parent].committed == job.quantity:
            return ""
        waits, silent = dict(job.worker.waits), len(job.minutes) - 1 - job.asked
        if silent > 0:
            waits["no data"] = silent
        reasons = [f"{reason} in {count} minutes" for reason, count in sorted(waits.items())]
        return "; ".join([f"{job.filled} of {job.quantity} done", *reasons])

    def open_children(self) -> list[str]:
        """Children of which more may fill."""
        return [
            name
            for parent in self.blotter.parents.values()
            for name, child in parent.children.items()
            if child.is_open
        ]

    def halt(self, reason: str, spared: Iterable[str] = ()) -> None:
        """Send nothing more, but for parents whose reason is spared and what expiries force."""
        for job in self.jobs.values():
            if job.reason not in spared:
                self.blotter.freeze(job.key[0], reason)

    def apply(self, event: Event) -> list[str]:
        """Take what the broker says; sentences on markets that it freezes."""
        before = dict(self.blotter.frozen)
        self.blotter.apply(event)
        return [
            reason
            for market, reason in sorted(self.blotter.frozen.items())
            if before.get(market) != reason
        ]

    def clear(self) -> None:
        """Before a decision: no work is left, and what can no longer change is forgotten."""
        self.jobs.clear()
        self.guard.legs.clear()
        self.blotter.frozen.clear()
        self.blotter.unknown.clear()
        self.blotter.parents = {
            name: parent
            for name, parent in self.blotter.parents.items()
            if any(child.is_open for child in parent.children.values())
        }
