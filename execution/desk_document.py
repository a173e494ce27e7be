"""The desk as plain values for the state document, and back.

What does not change while parents are worked is apart from what changes every minute.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np

from execution.blotter import Blotter
from execution.desk import Desk, Job
from execution.leg_guard import LegGuard
from execution.worker import Plan, Worker
from universe.arrays import FloatArray, IntArray


def plans_of(desk: Desk) -> dict[str, Any]:
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
            "impact": job.worker.plan.impact,
            "algorithm": job.algorithm,
            "reason": job.reason,
        }
        for parent, job in sorted(desk.jobs.items())
    }


def work_of(desk: Desk) -> dict[str, Any]:
    """What changes, as plain values for JSON."""
    return {
        "blotter": desk.blotter.to_state(),
        "legs": desk.guard.to_state(),
        "jobs": {
            parent: [
                job.traded,
                job.resting,
                job.stepped,
                job.asked,
                _known(job.worker.arrival),
                job.stopped,
            ]
            for parent, job in sorted(desk.jobs.items())
        },
    }


def desk_of(plans: Mapping[str, Any], state: Mapping[str, Any]) -> Desk:
    """The desk of both; a parent whose plan is not there is worked no more."""
    out = Desk()
    out.blotter = Blotter.from_state(state["blotter"])
    out.guard = LegGuard.from_state(state.get("legs", []))
    for parent, values in state["jobs"].items():
        traded, resting, stepped, asked, arrival, *stopped = values
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
            one.get("impact", 0.0),
        )
        worker = Worker(out.blotter, parent, plan)
        if arrival is not None:
            worker.arrival = arrival
        minutes = _array(one["minutes"], np.int64)
        work = traded, resting, stepped, asked, *stopped
        out.jobs[parent] = Job(worker, minutes, one["algorithm"], one["reason"], *work)
    return out


def _text(values: FloatArray | IntArray) -> str:
    return base64.b64encode(values.tobytes()).decode("ascii")


def _array(text: str, kind: Any) -> Any:
    return np.frombuffer(base64.b64decode(text), dtype=kind).copy()


def _known(value: float) -> float | None:
    return value if value == value else None
