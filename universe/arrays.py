"""Array aliases and calendar arithmetic shared by the core.

A session date is an *epoch day*: the integer number of days since 1970-01-01, which numpy, LEAN and
JSON all carry without loss.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import overload

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

TRADING_DAYS = 252
"""Sessions in a year, for every annualisation unless a name says otherwise."""

DAYS_IN_YEAR = 365.25
"""Calendar days in a year, leap years included: what lies between two dates is annualised by it."""

_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


def to_epoch_day(day: date) -> int:
    """Days from 1970-01-01 to ``day``."""
    return day.toordinal() - _EPOCH_ORDINAL


def from_epoch_day(epoch_day: int) -> date:
    """The calendar date of an epoch day."""
    return date(1970, 1, 1) + timedelta(days=int(epoch_day))


@overload
def years_between(first_day: int, last_day: int) -> float: ...
@overload
def years_between(first_day: IntArray, last_day: IntArray) -> FloatArray: ...
def years_between(first_day: int | IntArray, last_day: int | IntArray) -> float | FloatArray:
    """Years from one epoch day to another, of ``DAYS_IN_YEAR`` days, negative where it is earlier.

    Parameters
    ----------
    first_day, last_day : int or int arrays of one shape
    """
    return (last_day - first_day) / DAYS_IN_YEAR


def known(values: FloatArray) -> FloatArray:
    """``values`` with 0 where they are not finite."""
    return np.where(np.isfinite(values), values, 0.0)
