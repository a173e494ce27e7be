"""Faults planted in the synthetic market, of the kinds that real data have (U4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from research.synthetic.paths import FIRST, LAST, stream
from universe.arrays import BoolArray, FloatArray, IntArray, to_epoch_day

_MISSING_SHARE = 1 / 3
_OUTLIER_FACTOR = 1.35
_NEGATIVE_CLOSE, _NEGATIVE_LOW = -12.4, -15.1


@dataclass(frozen=True, slots=True)
class Defect:
    """A planted fault of the data.

    Attributes
    ----------
    code : str
    kind : str
        "late listing", "gap", "stale", "outlier", "negative price" or "missing carry".
    first, last : date
        Days it affects.
    detail : str
    """

    code: str
    kind: str
    first: date
    last: date
    detail: str


DEFECTS = (
    Defect("NK225M", "late listing", FIRST, date(2006, 7, 2), "listed on 2006-07-03"),
    Defect("HG", "gap", date(2005, 10, 3), date(2005, 10, 21), "no session for three weeks"),
    Defect("LE", "stale", date(2013, 4, 8), date(2013, 4, 17), "the same closes repeated"),
    Defect("KC", "outlier", date(2011, 5, 17), date(2011, 5, 17), "closes 35 % too high"),
    Defect(
        "CL", "negative price", date(2020, 4, 20), date(2020, 4, 20), "the front settles below zero"
    ),
    Defect("6M", "missing carry", FIRST, LAST, "on a third of the days only the front is quoted"),
)


def is_without_session(code: str, day: IntArray) -> BoolArray:
    """Days on which a market is not listed yet or its source has a gap."""
    closed = np.zeros(len(day), dtype=np.bool_)
    for kind in ("late listing", "gap"):
        closed |= _affected(code, kind, day)
    return closed


def has_carry_quotes(seed: int, code: str, grid: IntArray) -> BoolArray:
    """Days on which other contracts than the front one are quoted."""
    missing = _affected(code, "missing carry", grid)
    if missing.any():
        missing &= stream(seed, f"carry {code}").random(len(grid)) < _MISSING_SHARE
    return np.asarray(~missing)


def spoil(code: str, day: IntArray, contract: IntArray, bars: dict[str, FloatArray]) -> None:
    """Plant the outlier, the stale stretch and the negative settlement, in place."""
    outlier = _affected(code, "outlier", day)
    for name in ("close", "high"):
        bars[name][outlier] = np.round(bars[name][outlier] * _OUTLIER_FACTOR, 4)
    below = np.flatnonzero(_affected(code, "negative price", day))[:1]  # the nearest contract
    bars["close"][below], bars["low"][below] = _NEGATIVE_CLOSE, _NEGATIVE_LOW
    stale = np.flatnonzero(_affected(code, "stale", day))
    for which in np.unique(contract[stale]):
        rows = stale[contract[stale] == which]
        for values in bars.values():
            values[rows] = bars["close"][rows[0]]


def _affected(code: str, kind: str, day: IntArray) -> BoolArray:
    affected = np.zeros(len(day), dtype=np.bool_)
    for defect in DEFECTS:
        if defect.code == code and defect.kind == kind:
            affected |= (day >= to_epoch_day(defect.first)) & (day <= to_epoch_day(defect.last))
    return affected
