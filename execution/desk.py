"""All parents at work, minute by minute: what to send, to withdraw, and what is done (E1).

It knows no broker and no clock: a home tells it the minute and what each contract showed in the
one before, sends what it asks for, and tells it what the broker says.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from execution.blotter import Blotter, Event
from execution.worker import Plan, Quote, Wish, Worker
from universe.arrays import FloatArray, IntArray
from universe.legs import ContractKey


@dataclass(frozen=True, slots=True)
class Seen:
    """What a contract showed in the last full minute: its quote at the end, contracts traded."""

    quote: Quote | None
    volume: float = 0.0


NOTHING = Seen(None)


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

    Attributes
    ----------
    blotter : Blotter
    jobs : dict of parent id to Job
    paused : str
        Why nothing is sent in any market for now, "" if it is.
    """

    def __init__(self) -> None:
        self.blotter = Blotter()
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
        """
        moves = Moves()
        for parent in sorted(self.jobs):
            job = self.jobs[parent]
            if now <= job.stepped or (patient and job.key not in seen):
                continue
            self._step(job, now, seen.get(job.key, NOTHING), moves)
            if now > job.minutes[-1] or job.filled == job.quantity:
                moves.done.append(parent)
        return moves

    def _step(self, job: Job, now: int, seen: Seen, moves: Moves) -> None:
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
            wish = job.worker.step(at - 1, quote, job.traded)
            if wish is not None:
                job.mids[wish.child] = quote.mid if quote is not None else float("nan")
                job.resting = wish.child if wish.limit is not None else ""
                moves.send.append((job, wish))
        if resting:
            job.resting = job.resting if job.resting != resting else ""
            if self.child_is_open(resting):
                moves.withdraw.append(resting)

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
        self.blotter.frozen.clear()
        self.blotter.unknown.clear()
        self.blotter.parents = {
            name: parent
            for name, parent in self.blotter.parents.items()
            if any(child.is_open for child in parent.children.values())
        }

    # --- the state document ----------------------------------------------------------------------
    def plans_state(self) -> dict[str, Any]:
        """What does not change while a parent is worked, as plain values for JSON."""
        return {
            parent: {
                "minutes": _text(job.minutes),
                "curve": _text(job.worker.plan.curve),
                "tick": job.worker.plan.tick,
                "cap": job.worker.plan.cap,
                "passive": job.worker.plan.passive,
                "collar": [job.worker.plan.collar_ticks, job.worker.plan.collar_sigma],
                "sigma": job.worker.plan.sigma,
                "forced": job.worker.plan.forced,
                "algorithm": job.algorithm,
                "reason": job.reason,
            }
            for parent, job in sorted(self.jobs.items())
        }

    def to_state(self) -> dict[str, Any]:
        """What changes, as plain values for JSON."""
        return {
            "blotter": self.blotter.to_state(),
            "jobs": {
                parent: [
                    job.traded,
                    job.resting,
                    job.stepped,
                    job.asked,
                    _known(job.worker.arrival),
                ]
                for parent, job in sorted(self.jobs.items())
            },
        }

    @classmethod
    def from_state(cls, plans: Mapping[str, Any], state: Mapping[str, Any]) -> Desk:
        """What both have written; a parent whose plan is not there is worked no more."""
        out = cls()
        out.blotter = Blotter.from_state(state["blotter"])
        for parent, (traded, resting, stepped, asked, arrival) in state["jobs"].items():
            if parent not in plans or parent not in out.blotter.parents:
                continue
            one = plans[parent]
            plan = Plan(
                _array(one["curve"], np.float64),
                one["tick"],
                one["cap"],
                one["passive"],
                one["collar"][0],
                one["collar"][1],
                one["sigma"],
                one["forced"],
            )
            worker = Worker(out.blotter, parent, plan)
            if arrival is not None:
                worker.arrival = arrival
            minutes = _array(one["minutes"], np.int64)
            out.jobs[parent] = Job(
                worker, minutes, one["algorithm"], one["reason"], traded, resting, stepped, asked
            )
        return out


def _text(values: FloatArray | IntArray) -> str:
    return base64.b64encode(values.tobytes()).decode("ascii")


def _array(text: str, kind: Any) -> Any:
    return np.frombuffer(base64.b64decode(text), dtype=kind).copy()


def _known(value: float) -> float | None:
    return value if value == value else None
