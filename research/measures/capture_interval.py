"""How far a run's capture ratio could be from the one it had, by resampling its sessions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from arch.bootstrap import StationaryBootstrap

from research.measures.attribution import LEAST_CARRY, Attribution
from research.pages.text import percent
from universe.arrays import FloatArray
from universe.counts import count_text

BLOCK = 63
"""Mean length in sessions of the blocks of days drawn together: a quarter."""

MOST_UNDEFINED = 0.01
"""Share of resamples without positive carry above which the ratio has no interval."""


@dataclass(frozen=True, slots=True)
class CaptureInterval:
    """Interval of the capture ratio under resampling of the run's sessions.

    Attributes
    ----------
    low, high : float
        NaN where ``note`` says why.
    coverage : float
    undefined : float
        Share of resamples whose carry is not positive; they are left out.
    note : str
    """

    low: float
    high: float
    coverage: float
    undefined: float
    note: str


def capture_interval(
    attribution: Attribution, coverage: float = 0.90, samples: int = 1000, seed: int = 3
) -> CaptureInterval:
    """Percentile interval of the capture ratio of all markets together.

    Parameters
    ----------
    attribution : Attribution
    coverage : float
        In (0, 1).
    samples : int
    seed : int

    Raises
    ------
    ValueError
        If there is no such coverage.

    Notes
    -----
    Stationary bootstrap of Politis and Romano, The Stationary Bootstrap, JASA 89 (1994), in blocks
    of a quarter on average. Carry and spot of a day are drawn together.
    """
    if not 0.0 < coverage < 1.0:
        raise ValueError(f"coverage {coverage} of the capture interval: must be in (0, 1)")
    nan = float("nan")
    daily = np.column_stack([attribution.carry.sum(axis=1), attribution.spot.sum(axis=1)])
    if len(daily) < 2 * BLOCK:
        note = f"{count_text(len(daily), 'session')} are fewer than two blocks of {BLOCK}"
        return CaptureInterval(nan, nan, coverage, nan, note)

    def sums(rows: FloatArray) -> FloatArray:
        return np.asarray(rows.sum(axis=0))

    drawn = np.asarray(StationaryBootstrap(BLOCK, daily, seed=seed).apply(sums, samples))
    sound = drawn[drawn[:, 0] > LEAST_CARRY]
    undefined = 1.0 - len(sound) / samples
    if undefined > MOST_UNDEFINED:
        note = f"carry is not positive in {percent(undefined)} of the resamples"
        return CaptureInterval(nan, nan, coverage, undefined, note)
    tails = [0.5 - coverage / 2, 0.5 + coverage / 2]
    low, high = np.quantile(1.0 + sound[:, 1] / sound[:, 0], tails).tolist()
    return CaptureInterval(low, high, coverage, undefined, "")
