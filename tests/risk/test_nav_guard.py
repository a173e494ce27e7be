"""One absurd answer of the broker neither sells the book nor raises the governor's peak."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.governor import DrawdownGovernor
from risk.nav_guard import COLLAPSE, JUMP, MOST_GROSS, NavGuard


@given(st.floats(1e3, 1e12), st.floats(-JUMP + 1e-9, JUMP - 1e-9))
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


@pytest.mark.parametrize("after", [6e5, 4e6])
def test_a_deposit_and_a_withdrawal_are_believed_on_the_second(after):
    guard = NavGuard()
    assert guard.doubt(after, 1e6)
    assert guard.doubt(after * 1.02, 1e6) == ""


@pytest.mark.parametrize("after", [1e-9, 1.0, 1e6 * (COLLAPSE - 0.01)])
def test_a_collapse_waits_for_a_person(after):
    guard = NavGuard()
    for _ in range(5):
        assert "collapsed" in guard.doubt(after, 1e6)
    guard.confirmed = after
    assert guard.doubt(after * 1.01, 1e6) == ""
    assert guard.doubt(after * 1.01, after) == ""


def test_two_different_jumps_confirm_nothing():
    guard = NavGuard()
    assert guard.doubt(2e6, 1e6)
    assert guard.doubt(6e5, 1e6)
    assert guard.doubt(6.1e5, 1e6) == ""


@pytest.mark.parametrize("last", [0.0, math.nan])
def test_the_first_value_of_all_must_fit_the_positions(last):
    assert NavGuard().doubt(3.0, last) == ""
    assert "cannot belong to it" in NavGuard().doubt(3.0, last, 3.01 * MOST_GROSS)
    assert NavGuard().doubt(3.0, last, 2.99 * MOST_GROSS) == ""


def test_the_governor_knows_the_last_value():
    governor = DrawdownGovernor(((0.1, 0.5),), 0.1, 0.1, 3)
    assert governor.nav == 0
    for nav in (100.0, 120.0, 90.0, math.nan):
        governor.update(nav)
    assert governor.nav == pytest.approx(90.0)
