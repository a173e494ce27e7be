"""What a worker wants in a minute, and why it waits."""

from datetime import date, time

import numpy as np
import pytest

from execution.blotter import Blotter, Event
from execution.schedules import twap_curve
from execution.session_minutes import session_minutes, window
from execution.worker import Plan, Quote, Worker

DAY = date(2013, 12, 18)


def worker(quantity=10, minutes=10, **changes):
    blotter = Blotter()
    parent = blotter.add(1, 0, 202003, quantity)
    return Worker(blotter, parent, Plan(twap_curve(minutes), 0.25, **changes))


def test_a_child_that_did_not_fill_is_made_up_for():
    at_work = worker()
    first = at_work.step(0, Quote(99.75, 100.0), 0.0)
    assert (first.quantity, first.limit) == (1, None)
    at_work.blotter.apply(Event("cancelled", first.child))
    assert at_work.step(1, Quote(99.75, 100.0), 0.0).quantity == 2
    assert at_work.step(2, Quote(99.75, 100.0), 0.0).quantity == 1


@pytest.mark.parametrize(
    ("quote", "reason"),
    [
        (None, "no quotes"),
        (Quote(np.nan, np.nan), "no quotes"),
        (Quote(np.nan, 100.0), "one side quoted alone"),
        (Quote(100.25, 100.0), "crossed quotes"),
        (Quote(100.0, 100.0), "locked quotes"),
    ],
)
def test_a_quote_that_is_none_waits_with_its_reason(quote, reason):
    at_work = worker()
    assert at_work.step(0, quote, 0.0) is None
    assert at_work.waits == {reason: 1}
    assert at_work.step(1, Quote(-0.5, -0.25), 0.0).quantity == 2  # prices may be negative


def test_nothing_trades_outside_the_collar():
    at_work = worker(collar_ticks=4)
    at_work.step(0, Quote(99.75, 100.0), 0.0)
    assert at_work.step(1, Quote(100.75, 101.0), 0.0).quantity == 1
    assert at_work.step(2, Quote(101.0, 101.25), 0.0) is None
    assert at_work.waits == {"outside the collar": 1}
    assert at_work.step(3, Quote(99.0, 99.25), 0.0).quantity == 2
    wide = worker(collar_ticks=4, collar_sigma=0.5, sigma=10.0)
    wide.step(0, Quote(99.75, 100.0), 0.0)
    assert wide.step(1, Quote(104.0, 104.25), 0.0) is not None


@pytest.mark.parametrize(("quantity", "limits"), [(10, [99.5, 99.75]), (-10, [100.25, 100.0])])
def test_limits_are_at_the_touch_then_at_the_mid_on_the_tick_then_cross(quantity, limits):
    at_work = worker(quantity, passive=0.8)
    quote = Quote(99.5, 100.25)
    got = [at_work.step(minute, quote, 0.0).limit for minute in (0, 4, 8)]
    assert got == [*limits, None]


def test_a_frozen_market_waits():
    at_work = worker()
    at_work.blotter.freeze(0, "halted")
    assert at_work.step(0, Quote(99.75, 100.0), 0.0) is None
    assert at_work.waits == {"halted": 1}


class TestSessionMinutes:
    """In UTC."""

    def test_summer_and_winter_on_both_sides(self):
        """New York and Berlin change their clocks on different weekends: 2021-03-14 and 03-28."""
        for day, new_york, berlin in (
            (date(2021, 3, 12), 14 * 60 + 30, 8 * 60),
            (date(2021, 3, 15), 13 * 60 + 30, 8 * 60),
            (date(2021, 3, 29), 13 * 60 + 30, 7 * 60),
        ):
            start = (day - date(1970, 1, 1)).days * 1440
            us = session_minutes("09:30-16:00 America/New_York", day)
            eu = session_minutes("09:00-17:30 Europe/Berlin", day)
            assert (us[0] - start, len(us)) == (new_york, 390)
            assert (eu[0] - start, len(eu)) == (berlin, 510)

    def test_a_clock_set_back_in_an_evening_session_gives_an_hour_more(self):
        plain = session_minutes("18:00-17:00 America/New_York", date(2021, 11, 5))
        assert len(plain) == 23 * 60
        assert len(session_minutes("18:00-17:00 America/New_York", date(2021, 11, 7))) == 24 * 60

    def test_breaks_and_half_days(self):
        session = "09:00-15:00 Asia/Hong_Kong"
        lunch = [(time(12), time(13))]
        assert len(session_minutes(session, DAY, breaks=lunch)) == 300
        assert len(session_minutes(session, DAY, breaks=lunch, early_close=time(12, 30))) == 180
        assert len(session_minutes(session, DAY, early_close=time(9))) == 0

    def test_the_windows_of_004(self):
        minutes = session_minutes("01:10-22:00 Europe/Berlin", DAY)
        signal = window(minutes, "09:05-09:15 Europe/Berlin", DAY)
        leverage = window(minutes, "17:20-17:30 Europe/Berlin", DAY)
        assert (len(signal), len(leverage)) == (10, 10)
        assert leverage[0] - signal[0] == 495
