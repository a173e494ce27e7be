"""Macro series in memory: what was known when (U6)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

import numpy as np

from universe.arrays import FloatArray, IntArray, from_epoch_day

BILL_DAYS: Final = 91


@dataclass(frozen=True, slots=True)
class MacroSeries:
    """Values of one series in the order in which they became known.

    Attributes
    ----------
    name : str
        As in ``universe.macro_format``.
    day : int array of shape (n,)
        Epoch days from whose close on the values may be used, strictly ascending.
    value : float array of shape (n,)
        In the unit of ``series_info``, finite.
    """

    name: str
    day: IntArray
    value: FloatArray

    def __post_init__(self) -> None:
        if self.day.shape != self.value.shape or self.day.ndim != 1:
            raise ValueError(f"{self.name}: day and value must be columns of equal length")
        if np.any(np.diff(self.day) <= 0):
            raise ValueError(f"{self.name}: days must ascend strictly")
        if not np.all(np.isfinite(self.value)):
            raise ValueError(f"{self.name}: a value is NaN or infinite; drop the row instead")

    def until(self, last_day: int) -> MacroSeries:
        """The same series with nothing that became known after ``last_day``."""
        rows = int(np.searchsorted(self.day, last_day, side="right"))
        return MacroSeries(self.name, self.day[:rows], self.value[:rows])

    def since(self, first_day: int) -> MacroSeries:
        """The same series with nothing that became known before ``first_day``."""
        rows = int(np.searchsorted(self.day, first_day))
        return MacroSeries(self.name, self.day[rows:], self.value[rows:])


@dataclass(frozen=True, slots=True)
class MacroTable:
    """Several series as they were known on a list of days.

    Attributes
    ----------
    names : tuple of str
        Columns.
    value, age : float arrays of shape (n_days, n_names)
        Last known value, and calendar days since it became known; NaN before the first.
    """

    names: tuple[str, ...]
    value: FloatArray
    age: FloatArray


def as_of(series: Mapping[str, MacroSeries], days: IntArray) -> MacroTable:
    """Last known values at the close of each day.

    Parameters
    ----------
    series : mapping of str to MacroSeries
    days : int array of shape (n_days,)
        Epoch days in any order.

    Returns
    -------
    MacroTable
        Columns in the order of ``series``.
    """
    value = np.full((len(days), len(series)), np.nan)
    age = value.copy()
    for column, one in enumerate(series.values()):
        position = np.searchsorted(one.day, days, side="right") - 1
        rows = position >= 0
        value[rows, column] = one.value[position[rows]]
        age[rows, column] = days[rows] - one.day[position[rows]]
    return MacroTable(tuple(series), value, age)


def fingerprint(series: Mapping[str, MacroSeries]) -> str:
    """SHA-256 over all names, days and values."""
    digest = hashlib.sha256()
    for name in sorted(series):
        digest.update(f"{name}:{len(series[name].day)}:".encode())
        digest.update(np.ascontiguousarray(series[name].day, dtype="<i8").tobytes())
        digest.update(np.ascontiguousarray(series[name].value, dtype="<f8").tobytes())
    return digest.hexdigest()


def bond_equivalent_yield(discount: FloatArray, days: int = BILL_DAYS) -> FloatArray:
    """Investment yield of a Treasury bill of half a year or less from its discount rate.

    ``365 d / (360 - days d)``: the price of 100 is ``100 (1 - d days / 360)`` and the gain is taken
    over that price and a year of 365 days (31 CFR part 356, appendix B).

    Parameters
    ----------
    discount : float array
        Bank discount rate, fraction a year.
    days : int
        To maturity; 91 for the bill of FRED's DTB3.
    """
    return np.asarray(365.0 * discount / (360.0 - days * discount), dtype=np.float64)


def known_day(observed: IntArray, lag: int) -> IntArray:
    """Day known of values that describe the days ``observed``.

    ``lag`` business days of the Federal Reserve later: a rate is published neither on a weekend nor
    on a holiday. A price (``lag`` 0) is known on its own day.
    """
    if lag == 0 or not len(observed):
        return observed
    first = from_epoch_day(int(observed.min())).year
    last = from_epoch_day(int(observed.max())).year + 1
    closed = [day for year in range(first, last + 1) for day in federal_reserve_holidays(year)]
    later = np.busday_offset(
        observed.astype("datetime64[D]"),
        lag,
        roll="backward",
        holidays=np.array(closed, dtype="datetime64[D]"),
    )
    return np.asarray(later.astype(np.int64))


def month_end_after(observed: IntArray, count: int) -> IntArray:
    """Last day of the month that is ``count`` after the one of each of the days ``observed``."""
    months = observed.astype("datetime64[D]").astype("datetime64[M]")
    return np.asarray((months + count + 1).astype("datetime64[D]").astype(np.int64) - 1)


@lru_cache(maxsize=512)
def federal_reserve_holidays(year: int) -> frozenset[date]:
    """Weekdays of a year on which the Federal Reserve publishes nothing.

    Unlike other federal offices it is open on the Friday before a holiday that falls on a Saturday
    (its holiday schedule, which says so in a footnote).
    """
    fixed = [(1, 1), (7, 4), (12, 25)]
    days = {_nth(year, 9, 0, 1), _nth(year, 11, 3, 4)}  # Labor Day, Thanksgiving
    if year >= 1971:  # the Uniform Monday Holiday Act
        days |= {_nth(year, 2, 0, 3), _nth(year, 6, 0, 1) - timedelta(7), _nth(year, 10, 0, 2)}
    else:
        fixed += [(2, 22), (5, 30), (10, 12)]
    if 1971 <= year <= 1977:
        days.add(_nth(year, 10, 0, 4))  # Veterans Day
    else:
        fixed.append((11, 11))
    if year >= 1986:
        days.add(_nth(year, 1, 0, 3))  # Martin Luther King
    if year >= 2022:
        fixed.append((6, 19))
    for month, day in fixed:
        holiday = date(year, month, day)
        days.add(holiday + timedelta(1) if holiday.weekday() == 6 else holiday)
    return frozenset(day for day in days if day.weekday() < 5)


def _nth(year: int, month: int, weekday: int, n: int) -> date:
    first = date(year, month, 1)
    return first + timedelta((weekday - first.weekday()) % 7 + 7 * (n - 1))
