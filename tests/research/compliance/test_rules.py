from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.compliance.breaches import episodes
from research.compliance.liquidity import Bucket, buckets, days_to_cash, shares, value_shares
from research.compliance.nport import b10
from tests.research.compliance.test_archive import day

MONDAY = date(2020, 3, 2)


def sessions(count, start=MONDAY):
    days = [start + timedelta(days=k) for k in range(2 * count + 7)]
    return [d for d in days if d.weekday() < 5][:count]


class TestBreachClock:
    def test_five_business_days_are_no_report(self):
        """Out on Monday to Friday, back on the fifth business day after the first."""
        days = sessions(10)
        (one,) = episodes(days, [True] * 5 + [False] * 5)
        assert (one.first, one.last, one.sessions) == (days[0], days[4], 5)
        assert one.back == days[5]
        assert not one.is_reportable
        assert one.form_nrn is one.second_report is one.form_nrn_back is None

    def test_the_sixth_session_makes_them_due(self):
        days = sessions(40)
        (one,) = episodes(days, [False] + [True] * 8 + [False] * 31)
        assert one.board_report == days[6]  # the fifth business day after the first
        assert one.form_nrn == days[7]
        assert one.second_report == days[1] + timedelta(days=30)
        assert one.back == days[9]
        assert one.form_nrn_back == days[10]

    def test_a_run_that_ends_out_of_the_test(self):
        days = sessions(6)
        (one,) = episodes(days, [True] * 6)
        assert one.back is None
        assert one.board_report == days[5]
        assert one.form_nrn == date(2020, 3, 10)  # the day after the last session, a Monday
        assert one.form_nrn_back is None

    def test_an_american_holiday_is_no_business_day(self):
        """Out from the Friday before Memorial Day, when markets abroad trade: it does not count."""
        days = sessions(10, date(2020, 5, 22))
        (one,) = episodes(days, [True] * 6 + [False] * 4)
        assert one.last == date(2020, 5, 29)
        assert not one.is_reportable
        (one,) = episodes(days, [True] * 7 + [False] * 3)
        assert (one.board_report, one.form_nrn) == (date(2020, 6, 1), date(2020, 6, 2))
        assert (one.back, one.form_nrn_back) == (date(2020, 6, 2), date(2020, 6, 3))

    @given(st.lists(st.booleans(), max_size=29))
    def test_episodes_cover_exactly_the_days_out(self, out):
        days = sessions(len(out)) if out else []
        found = episodes(days, out)
        covered = {d for one in found for d in days if one.first <= d <= one.last}
        assert covered == {d for d, bad in zip(days, out, strict=True) if bad}
        assert sum(one.sessions for one in found) == sum(out)
        assert all(one.is_reportable == (one.sessions > 5) for one in found)

    def test_days_that_do_not_rise_are_refused(self):
        with pytest.raises(ValueError, match="days must rise"):
            episodes([MONDAY, MONDAY], [True, False])
        with pytest.raises(ValueError, match="out has 1 values"):
            episodes(sessions(2), [True])


class TestLiquidity:
    def test_by_hand(self):
        """At a fifth of a volume of 100: 40, 41, 100 and 101 contracts take 2, 3, 5, 6 sessions."""
        held = np.array([40, -41, 100, 101, 0, 5])
        volume = np.array([100.0, 100, 100, 100, np.nan, np.nan])
        days = days_to_cash(held, volume, participation=0.2, trade_size=1.0)
        assert days.tolist() == [3, 4, 6, 7, 0, np.inf]
        highly, moderately, illiquid = (
            Bucket.HIGHLY_LIQUID, Bucket.MODERATELY_LIQUID, Bucket.ILLIQUID,
        )  # fmt: skip
        expected = [highly, moderately, moderately, illiquid, highly, illiquid]
        assert buckets(days).tolist() == expected

    def test_shares_by_risk_and_by_value(self):
        bucket = np.array([0, 1, 3])
        assert shares(np.array([6.0, 3.0, 1.0]), bucket).tolist() == [0.6, 0.3, 0.0, 0.1]
        assert shares(np.zeros(3), bucket).tolist() == [1, 0, 0, 0]
        pledged = value_shares(np.array([0.10, 0.05, 0.01]), bucket)
        assert pledged.tolist() == pytest.approx([0.94, 0.05, 0.0, 0.01])

    @given(st.lists(st.integers(-(10**5), 10**5), min_size=3, max_size=3), st.floats(0.01, 1.0))
    def test_a_smaller_trade_is_never_slower(self, held, size):
        volume = np.array([100.0, 5000.0, 80000.0])
        whole = days_to_cash(np.array(held), volume, participation=0.2, trade_size=1.0)
        part = days_to_cash(np.array(held), volume, participation=0.2, trade_size=size)
        assert np.all(part <= whole)
        assert np.all(buckets(part) <= buckets(whole))

    def test_a_participation_of_none_is_refused(self):
        with pytest.raises(ValueError, match="participation is 0"):
            days_to_cash(np.ones(1, dtype=int), np.ones(1), participation=0.0, trade_size=1.0)


class TestNPort:
    def test_by_hand(self):
        days = [
            day("2020-03-30", var_parametric=0.10, var_historical=0.12, is_exception=True),
            day("2020-03-31", var_parametric=0.14, var_historical=None, var_relative=1.4),
            day("2020-04-01", var_parametric=None, var_relative=None, is_exception=None),
        ]
        first, second = b10(days, "60/40")
        assert (first.period, first.sessions, first.exceptions) == ("2020Q1", 2, 1)
        assert first.median_daily_var == pytest.approx(13.0)
        assert first.median_var_ratio == pytest.approx(130.0)
        assert (second.period, second.median_daily_var, second.exceptions) == ("2020Q2", None, 0)
        assert first.as_row()["reference_portfolio"] == "60/40"
