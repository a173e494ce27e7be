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
"""Sessions of one market in a year: what its own daily volatility is annualised with. The calendar
of a run is the union of its markets' and longer, see ``sessions_a_year``."""

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


def sessions_a_year(day: IntArray) -> float:
    """Sessions a year of a calendar: sessions for each weekday it spans, times weekdays a year.

    Parameters
    ----------
    day : int array of shape (n_sessions,)
        Epoch days, ascending. Sessions at weekends count, so that a calendar of all days has
        ``DAYS_IN_YEAR`` of them.

    Notes
    -----
    By weekdays and not by the time from the first to the last session, which tells little of a
    calendar of a few weeks. ``TRADING_DAYS`` for a calendar without a weekday.
    """
    if not len(day):
        return float(TRADING_DAYS)
    ends = day[[0, -1]].astype("datetime64[D]") + np.array([0, 1])
    weekdays = int(np.busday_count(ends[0], ends[1]))
    return len(day) / weekdays * DAYS_IN_YEAR * 5.0 / 7.0 if weekdays else float(TRADING_DAYS)


def known(values: FloatArray) -> FloatArray:
    """``values`` with 0 where they are not finite."""
    return np.where(np.isfinite(values), values, 0.0)
