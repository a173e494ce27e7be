"""Rates, yield curves, dividend yields and volatility points, as known on a day (U6; 000, 9).

A series is a name and what it was worth when it was last published. Nothing here knows where the
values come from: importers and the LEAN custom data call :meth:`MacroState.update`.

Names: ``usd.overnight``, ``usd.3m``, ``eur.10y`` (currency and tenor, rates as fractions a year,
0.0425, negative allowed); ``es.dividend_yield`` (market code); ``vix.spot``, ``vix.m1``, ``vix.m2``
(points) with ``vix.m1.days`` and ``vix.m2.days`` (calendar days to expiry); ``credit.spread``.

Rates of one tenor are compared across currencies (:func:`alpha.class_carry.fx_carry`) and must be
of the same kind in all of them: interbank, overnight-indexed or government bills.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from universe.arrays import DAYS_IN_YEAR

TENORS: dict[str, float] = {
    "overnight": 1.0 / DAYS_IN_YEAR,
    "1m": 1.0 / 12.0,
    "3m": 0.25,
    "6m": 0.5,
    "1y": 1.0,
    "2y": 2.0,
    "3y": 3.0,
    "4y": 4.0,
    "5y": 5.0,
    "6y": 6.0,
    "7y": 7.0,
    "8y": 8.0,
    "9y": 9.0,
    "10y": 10.0,
    "15y": 15.0,
    "20y": 20.0,
    "25y": 25.0,
    "30y": 30.0,
}
"""Maturity in years of the tenors a curve is made of, ascending."""

LONGER_AGES: dict[str, int] = {"dividend_yield": 100}
"""Calendar days for which a series stays valid, by the last part of its name, where that is longer
than the general maximum.

=================  ====  ==========================================================================
``dividend_yield``  100  published once a month or quarter, some weeks late, and moves slowly: the
                         general maximum would switch its formula off between two publications
=================  ====  ==========================================================================
"""


@dataclass(frozen=True)
class YieldCurve:
    """Par yields by maturity: linear between the tenors, flat beyond the first and the last.

    Attributes
    ----------
    tenors_years : tuple of float
        Maturities in years, not negative, strictly ascending, at least one.
    yields : tuple of float
        Fractions a year, above -1.

    Raises
    ------
    ValueError
        If a tenor or yield is not such a number, or there are not as many of one as of the other.

    Notes
    -----
    A curve of one tenor is flat: it has a yield but no slope, so a bond on it has no roll-down.
    """

    tenors_years: tuple[float, ...]
    yields: tuple[float, ...]

    def __post_init__(self) -> None:
        tenors = tuple(float(tenor) for tenor in self.tenors_years)
        yields = tuple(float(value) for value in self.yields)
        if not tenors or len(tenors) != len(yields):
            raise ValueError(
                f"yield curve has {len(tenors)} tenors and {len(yields)} yields; it needs at least "
                "one tenor and as many yields"
            )
        for tenor, value in zip(tenors, yields, strict=True):
            if not (math.isfinite(tenor) and tenor >= 0):
                raise ValueError(f"yield curve: tenor is {tenor} years; it must be 0 or more")
            if not (math.isfinite(value) and value > -1):
                raise ValueError(
                    f"yield curve: yield at {tenor:g} years is {value}; it must be a number above "
                    "-1, a fraction a year"
                )
        for tenor, following in pairwise(tenors):
            if following == tenor:
                raise ValueError(f"yield curve: tenor {tenor:g} years occurs twice")
            if following < tenor:
                raise ValueError(
                    f"yield curve: tenor {following:g} years comes after {tenor:g}; tenors must "
                    "ascend"
                )
        object.__setattr__(self, "tenors_years", tenors)
        object.__setattr__(self, "yields", yields)

    def at(self, years: float) -> float:
        """Par yield for a maturity of ``years``, which must be 0 or more."""
        if not (math.isfinite(years) and years >= 0):
            raise ValueError(f"yield curve asked at {years} years; a maturity must be 0 or more")
        above = bisect_left(self.tenors_years, years)  # the first tenor that is not shorter
        if above == 0:
            return self.yields[0]
        if above == len(self.yields):
            return self.yields[-1]
        left, right = self.tenors_years[above - 1], self.tenors_years[above]
        share = (years - left) / (right - left)
        return (1.0 - share) * self.yields[above - 1] + share * self.yields[above]


class MacroState:
    """The newest value of every macro series, valid for a number of days.

    Parameters
    ----------
    max_age_days : int
        Calendar days a value stays valid, unless :data:`LONGER_AGES` gives its series more.

    Attributes
    ----------
    latest : dict of name to [epoch day, value]
        All there is to keep for a restart; JSON can hold it.

    Notes
    -----
    The day of a value is the day on which it was known, not the one it describes: a yield that is
    published in the evening after the decision belongs to the next day.
    """

    STATE = ("latest",)
    DEPENDS = ()

    def __init__(self, max_age_days: int = 10) -> None:
        if max_age_days < 0:
            raise ValueError(f"max_age_days is {max_age_days}; it must be 0 or more")
        self.max_age_days = max_age_days
        self.latest: dict[str, list[float]] = {}

    def copy(self) -> MacroState:
        """The state as it is now, whatever becomes known later."""
        out = MacroState(self.max_age_days)
        out.latest = self.latest.copy()
        return out

    def update(self, day: int, values: Mapping[str, float]) -> None:
        """Take the values known since ``day``; a later one of the same day replaces the former.

        Parameters
        ----------
        day : int
            Epoch day.
        values : mapping of name to float
            One that is not finite is no observation, and neither is one that is older than what
            is known of the series: both are left out.
        """
        for name, value in values.items():
            known = self.latest.get(name)
            if math.isfinite(value) and (known is None or day >= known[0]):
                self.latest[name] = [int(day), float(value)]

    def from_state(self, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse what is no table of names with a day and a value.

        Raises
        ------
        ValueError
            Likewise.
        """
        latest = {name: [int(day), float(value)] for name, (day, value) in values["latest"].items()}
        if not all(math.isfinite(value) for _, value in latest.values()):
            raise ValueError("a macro series has a value that is not finite")
        return {"latest": latest}

    def max_age(self, name: str) -> int:
        """Calendar days for which a value of this series stays valid."""
        return max(self.max_age_days, LONGER_AGES.get(name.rpartition(".")[2], 0))

    def value(self, name: str, day: int) -> float:
        """What was known of a series on an epoch day, NaN if nothing or nothing fresh.

        A value that became known after ``day`` is none either.
        """
        known = self.latest.get(name)
        if known is None or not 0 <= day - known[0] <= self.max_age(name):
            return math.nan
        return known[1]

    def of_one_day(self, names: Sequence[str], day: int) -> list[float] | None:
        """What was known of several series, None unless all of it became known on the same day.

        For values that mean something together only: the first two months of a term structure are
        neighbours on one day, and after the first one expires the old second is the new first.
        """
        values = [self.value(name, day) for name in names]
        if any(math.isnan(value) for value in values):
            return None
        return values if len({self.latest[name][0] for name in names}) == 1 else None

    def curve(self, currency: str, day: int) -> YieldCurve | None:
        """Yield curve of all fresh tenors of ``currency`` ("usd"), None without any.

        Tenors are those of :data:`TENORS`; a value of -1 or less is no yield and is left out.
        """
        tenors, yields = [], []
        for tenor, years in TENORS.items():
            value = self.value(f"{currency}.{tenor}", day)
            if value > -1:
                tenors.append(years)
                yields.append(value)
        return YieldCurve(tuple(tenors), tuple(yields)) if tenors else None
