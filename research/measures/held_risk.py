"""VaR of the contracts held at each close against its limit: breaches and how long they last (R7).

Rule 18f-4 tests the fund's portfolio, not what the fund would like to hold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from research.engine.result import RunResult
from universe.arrays import BoolArray, FloatArray


@dataclass(frozen=True, slots=True)
class Breach:
    """Closes in a row whose held VaR is above the limit.

    Attributes
    ----------
    first, last : int
        Epoch days.
    sessions : int
    highest : float
        VaR over NAV.
    cured : bool
        Whether a close within the limit follows.
    """

    first: int
    last: int
    sessions: int
    highest: float
    cured: bool


def var_held(result: RunResult) -> FloatArray | None:
    """VaR of what is held at each close, (n_days,), None where the run does not record it."""
    values = result.var_held
    return None if values is None else np.asarray(values, dtype=np.float64)


def held_breaches(result: RunResult) -> list[Breach]:
    """Breaches of the absolute limit by what is held, in order; none where it is not recorded."""
    var = var_held(result)
    if var is None:
        return []
    above = np.nan_to_num(var) > result.var_limit * (1 + 1e-9)
    return [
        Breach(
            int(result.day[first]),
            int(result.day[last]),
            last - first + 1,
            float(np.max(var[first : last + 1])),
            last + 1 < len(var),
        )
        for first, last in _spells(above)
    ]


def _spells(mask: BoolArray) -> list[tuple[int, int]]:
    """First and last index of every run of True."""
    edges = np.diff(np.concatenate([[0], mask.astype(np.int8), [0]]))
    ends = np.flatnonzero(edges == -1) - 1
    return list(zip(np.flatnonzero(edges == 1).tolist(), ends.tolist(), strict=True))
