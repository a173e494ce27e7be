"""What the exposure scales and the risk stages did: how often, and how much they left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from research.engine.result import RunResult
from universe.arrays import FloatArray

GOVERNOR, GATE = "governor", "VaR gate"
"""Names of the two that every run records, in the form of those recorded by name."""


@dataclass(frozen=True, slots=True)
class ActivityRow:
    """One scale or stage; ``least`` and ``mean`` are of the exposure it left, 1 being all.

    ``share`` is the share of sessions in which it left less.
    """

    name: str
    kind: str
    sessions: int
    share: float
    mean: float
    least: float


def brakes(result: RunResult) -> dict[str, tuple[str, FloatArray]]:
    """Kind and exposure left by session, by name, in the order of the chain.

    Those of the record; of a run that has none by name the governor and the gate.
    """
    scales = result.scales or {GOVERNOR: result.governor_scale}
    stages = result.stages or {GATE: result.gate_scale}
    return {
        **{name: ("exposure scale", values) for name, values in scales.items()},
        **{name: ("risk stage", values) for name, values in stages.items()},
    }


def activity_table(result: RunResult) -> list[ActivityRow]:
    """One row per exposure scale and risk stage."""
    rows = []
    for name, (kind, values) in brakes(result).items():
        left = np.where(np.isfinite(values), values, 1.0)
        below = int(np.count_nonzero(left < 1 - 1e-9))
        rows.append(
            ActivityRow(
                name,
                kind,
                below,
                below / max(len(left), 1),
                float(left.mean()),
                float(left.min()),
            )
        )
    return rows
