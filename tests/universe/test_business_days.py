from datetime import date, timedelta

import pytest

from universe.arrays import to_epoch_day
from universe.business_days import is_business_day


def count(year: int) -> int:
    first = date(year, 1, 1)
    days = (first + timedelta(days=k) for k in range(366))
    return sum(is_business_day(to_epoch_day(day)) for day in days if day.year == year)


TRADING_DAYS = {2010: 252, 2011: 252, 2013: 252, 2014: 252, 2015: 252, 2016: 252, 2017: 251} | {
    2019: 252,
    2020: 253,
    2021: 252,
    2022: 251,
    2023: 250,
    2024: 252,
}
"""As the exchange published them."""


@pytest.mark.parametrize(("year", "days"), TRADING_DAYS.items())
def test_a_year_has_the_published_number_of_trading_days(year: int, days: int) -> None:
    assert count(year) == days


@pytest.mark.parametrize(
    "day",
    [
        date(2022, 6, 20),  # Juneteenth, observed
        date(2021, 7, 5),
        date(2020, 7, 3),
        date(2019, 4, 19),
        date(2019, 11, 28),
        date(2022, 12, 26),
        date(2023, 1, 2),
        date(2024, 6, 1),  # a Saturday
        date(2024, 6, 2),
    ],
)
def test_closed(day: date) -> None:
    assert not is_business_day(to_epoch_day(day))


@pytest.mark.parametrize(
    "day",
    [
        date(2021, 12, 31),  # a New Year on a Saturday is not moved to the year before
        date(2021, 6, 18),
        date(2022, 10, 10),  # Columbus Day: exchanges are open
        date(2022, 11, 11),
    ],
)
def test_open(day: date) -> None:
    assert is_business_day(to_epoch_day(day))
