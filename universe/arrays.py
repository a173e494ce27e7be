"""Array aliases and calendar arithmetic shared by the core.

A session date is an *epoch day*: the integer number of days since 1970-01-01, which numpy, LEAN and
JSON all carry without loss.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

TRADING_DAYS = 252
"""Sessions in a year, for every annualisation unless a name says otherwise."""

_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


def to_epoch_day(day: date) -> int:
    """Days from 1970-01-01 to ``day``."""
    return day.toordinal() - _EPOCH_ORDINAL


def from_epoch_day(epoch_day: int) -> date:
    """The calendar date of an epoch day."""
    return date(1970, 1, 1) + timedelta(days=int(epoch_day))


def known(values: FloatArray) -> FloatArray:
    """``values`` with 0 where they are not finite."""
    return np.where(np.isfinite(values), values, 0.0)
