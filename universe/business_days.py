"""Business days of the account's country: those of the exchanges of the United States.

A run's sessions are the union of its markets', some of which are open on American holidays. What a
rule states in trading days (18f-4's horizon of value at risk) is counted in these.
"""

from __future__ import annotations

from datetime import date
from functools import cache

from pandas import Timestamp
from pandas.tseries.holiday import (
    AbstractHolidayCalendar,
    GoodFriday,
    Holiday,
    USLaborDay,
    USMartinLutherKingJr,
    USMemorialDay,
    USPresidentsDay,
    USThanksgivingDay,
    nearest_workday,
    sunday_to_monday,
)

from universe.arrays import to_epoch_day

FIRST, LAST = date(1960, 1, 1), date(2100, 12, 31)
"""Between which holidays are known; before and after only weekends are none."""


class ExchangeHolidays(AbstractHolidayCalendar):
    """Regular holidays of the New York Stock Exchange (its rule 7.2), without single closings."""

    rules = [  # noqa: RUF012 - pandas reads a list of this name
        Holiday("New Year", month=1, day=1, observance=sunday_to_monday),
        USMartinLutherKingJr,  # from 1986 on; the exchange closed first in 1998
        USPresidentsDay,
        GoodFriday,
        USMemorialDay,
        Holiday(
            "Juneteenth",
            month=6,
            day=19,
            start_date=Timestamp(2022, 1, 1),
            observance=nearest_workday,
        ),
        Holiday("Independence Day", month=7, day=4, observance=nearest_workday),
        USLaborDay,
        USThanksgivingDay,
        Holiday("Christmas", month=12, day=25, observance=nearest_workday),
    ]


@cache
def _holidays() -> frozenset[int]:
    days = ExchangeHolidays().holidays(Timestamp(FIRST), Timestamp(LAST))
    return frozenset(to_epoch_day(day.date()) for day in days)


def is_business_day(day: int) -> bool:
    """Whether an epoch day is a weekday and no holiday."""
    return (day + 3) % 7 < 5 and day not in _holidays()  # day 0 was a Thursday
