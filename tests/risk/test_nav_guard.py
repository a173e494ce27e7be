"""One absurd answer of the broker neither sells the book nor raises the governor's peak."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.governor import DrawdownGovernor
from risk.nav_guard import COLLAPSE, JUMP, LEAST, MOST_GROSS, SURGE, UNEXPLAINED, NavGuard


@given(st.floats(2e3, 1e12), st.floats(-JUMP + 1e-9, JUMP - 1e-9))
def test_an_ordinary_session_is_believed(last, change):
    assert NavGuard().doubt(last * (1 + change), last) == ""


@pytest.mark.parametrize("absurd", [1.0, 7e5, 1.3e6])
def test_a_jump_waits_for_a_second_evening(absurd):
    guard = NavGuard()
    assert guard.doubt(absurd, 1e6)
    assert guard.doubt(1.01e6, 1e6) == ""  # it was an error


@pytest.mark.parametrize("nothing", [0.0, -1.0, -5e5, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("last", [0.0, 1e6])
def test_no_value_is_never_believed_however_often_it_comes(nothing, last):
    guard = NavGuard()
    for _ in range(5):
        assert "must be positive" in guard.doubt(nothing, last)


@pytest.mark.parametrize("after", [6e5, 1.9e6])
def test_a_deposit_and_a_withdrawal_are_believed_on_the_second(after):
    guard = NavGuard()
    assert guard.doubt(after, 1e6)
    assert guard.doubt(after * 1.02, 1e6) == ""


@pytest.mark.parametrize("after", [1e-9, 1.0, 1e6 * (COLLAPSE - 0.01)])
def test_a_collapse_waits_for_a_person(after):
    guard = NavGuard()
    for _ in range(5):
        assert "confirm it" in guard.doubt(after, 1e6)
    guard.confirmed = after
    assert guard.doubt(after * 1.01, 1e6) == ""
    assert guard.doubt(after * 1.01, after) == ""


@pytest.mark.parametrize("times", [SURGE + 0.01, 20.0, 1e9])
@pytest.mark.parametrize("explained", [math.nan, 0.0, 9e5])
def test_a_rise_that_nothing_explains_waits_for_a_person(times, explained):
    guard = NavGuard()
    for _ in range(5):
        assert "confirm it" in guard.doubt(times * 1e6, 1e6, explained=explained)
    guard.confirm(times * 1e6)
    assert guard.doubt(times * 1e6, 1e6, explained=explained) == ""


def test_two_different_jumps_confirm_nothing():
    guard = NavGuard()
    assert guard.doubt(1.9e6, 1e6)
    assert guard.doubt(6e5, 1e6)
    assert guard.doubt(6.1e5, 1e6) == ""


@pytest.mark.parametrize("last", [0.0, math.nan])
def test_the_first_value_of_all_must_fit_the_positions(last):
    assert NavGuard().doubt(3e3, last) == ""
    assert "cannot belong to it" in NavGuard().doubt(3e3, last, 3.01e3 * MOST_GROSS)
    assert NavGuard().doubt(3e3, last, 2.99e3 * MOST_GROSS) == ""


@pytest.mark.parametrize("tiny", [1e-9, 1.0, 0.99 * LEAST])
@pytest.mark.parametrize("last", [0.0, 1.0, 1e6])
def test_a_value_that_no_futures_account_has_waits_for_a_person(tiny, last):
    guard = NavGuard()
    for _ in range(3):
        assert "confirm it if it is right" in guard.doubt(tiny, last)
    guard.confirm(tiny)
    assert guard.doubt(tiny, last) == ""


@given(st.floats(1e4, 1e12), st.floats(-0.99, 3.0), st.floats(-0.99, 0.99))
def test_a_value_that_positions_explain_is_believed_at_once(last, profit, missing):
    """A book that lost half in a day has lost it: the governor must see it the same evening."""
    nav = last * (1 + profit + missing * UNEXPLAINED)
    if nav >= LEAST:
        assert NavGuard().doubt(nav, last, explained=last * profit) == ""


@pytest.mark.parametrize("nothing", [0.0, -1.0, math.nan])
def test_positions_explain_no_value_that_is_none(nothing):
    assert NavGuard().doubt(nothing, 1e6, explained=-1e6)


@pytest.mark.parametrize("explained", [math.nan, 0.0, 1e5, -1e5])
def test_positions_that_did_not_lose_it_explain_no_collapse(explained):
    assert "collapsed" in NavGuard().doubt(3e5, 1e6, explained=explained)


class TestConfirmed:
    @pytest.mark.parametrize(("text", "nav"), [("3e5", 3e5), ("300,000", 3e5), (300_000, 3e5)])
    def test_takes_a_number_as_people_write_it(self, text, nav):
        assert NavGuard().confirm(text) == nav

    @pytest.mark.parametrize("text", ["", "yes", None, "nan", "-1", 0, "inf", True])
    def test_refuses_what_is_none(self, text):
        guard = NavGuard()
        with pytest.raises(ValueError, match="must be a number above 0"):
            guard.confirm(text)
        assert math.isnan(guard.confirmed)

    def test_positions_too_large_for_a_confirmed_value_are_believed_every_evening(self):
        guard = NavGuard()
        guard.confirm(1e5)
        for nav in (1e5, 1.1e5, 1.3e5, 1.6e5):
            assert guard.doubt(nav, nav, 200 * nav) == ""

    def test_does_not_vouch_for_a_collapse_long_after(self):
        guard = NavGuard()
        guard.confirm(3e5)
        last = 1e6
        for nav in (3e5, 3.5e5, 4.2e5, 5e5, 6e5, 7e5, 8e5):
            assert guard.doubt(nav, last) == ""
            last = nav
        assert "collapsed" in guard.doubt(3e5, last)

    def test_is_forgotten_once_a_value_is_believed_without_it(self):
        guard = NavGuard()
        guard.confirm(3e5)
        assert guard.doubt(1e6, 1e6) == ""
        assert "collapsed" in guard.doubt(3e5, 1e6)


def test_the_governor_knows_the_last_value():
    governor = DrawdownGovernor(((0.1, 0.5),), 0.1, 0.1, 3)
    assert governor.nav == 0
    for nav in (100.0, 120.0, 90.0, math.nan):
        governor.update(nav)
    assert governor.nav == pytest.approx(90.0)
