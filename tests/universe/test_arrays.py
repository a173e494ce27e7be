from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from universe.arrays import (
    DAYS_IN_YEAR,
    from_epoch_day,
    known,
    sessions_a_year,
    to_epoch_day,
    years_between,
)

days = st.dates(date(1900, 3, 1), date(2099, 2, 28))


@given(days)
def test_epoch_days_are_numpys(day):
    assert to_epoch_day(day) == np.datetime64(day).astype("datetime64[D]").astype(np.int64)
    assert from_epoch_day(to_epoch_day(day)) == day


@given(st.integers(1901, 2090), st.integers(0, 2))
def test_four_calendar_years_are_four_years(year, fours):
    """From 1901 to 2099 every fourth year is a leap year."""
    first, last = (to_epoch_day(date(y, 1, 1)) for y in (year, year + 4 * fours))
    assert years_between(first, last) == 4 * fours


@given(days, days)
def test_years_of_two_dates(first, last):
    found = years_between(to_epoch_day(first), to_epoch_day(last))
    assert found == pytest.approx((last - first).days / 365.25, abs=1e-12)
    assert found == -years_between(to_epoch_day(last), to_epoch_day(first))


def test_years_of_arrays():
    first, last = np.array([0, 100, 50]), np.array([1461, 100, -1411])
    np.testing.assert_array_equal(years_between(first, last), [4.0, 0.0, -4.0])
    assert DAYS_IN_YEAR * 4 == 1461


def test_known_replaces_what_is_not_finite():
    values = np.array([1.5, np.nan, np.inf, -np.inf, -2.0])
    assert known(values).tolist() == [1.5, 0.0, 0.0, 0.0, -2.0]


def calendar(first: str, last: str, freq: str) -> np.ndarray:
    return pd.date_range(first, last, freq=freq).values.astype("datetime64[D]").astype(np.int64)


class TestSessionsAYear:
    def test_a_calendar_of_all_weekdays_and_one_of_all_days(self):
        assert sessions_a_year(calendar("2000-01-03", "2019-12-31", "B")) == 365.25 * 5 / 7
        every = sessions_a_year(calendar("2000-01-03", "2019-12-29", "D"))  # whole weeks
        assert every == pytest.approx(365.25)

    def test_an_exchange_with_nine_holidays_a_year(self):
        """Over long spans it is the count over calendar years."""
        weekdays = calendar("2000-01-03", "2019-12-31", "B")
        kept = np.delete(weekdays, np.linspace(20, len(weekdays) - 20, 180).astype(int))
        assert sessions_a_year(kept) == pytest.approx(len(kept) / 20, rel=1e-3)

    def test_weeks_and_months_say_what_years_do(self):
        for last in ("2000-01-05", "2000-01-14", "2000-03-31"):
            weekdays = calendar("2000-01-03", last, "B")
            assert sessions_a_year(weekdays) == 365.25 * 5 / 7

    def test_no_weekday(self):
        assert sessions_a_year(np.zeros(0, dtype=np.int64)) == 252
        assert sessions_a_year(np.array([2])) == 252  # a Saturday
