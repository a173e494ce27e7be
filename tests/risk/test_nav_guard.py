"""One absurd answer of the broker neither sells the book nor raises the governor's peak."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.governor import DrawdownGovernor
from risk.nav_guard import JUMP, NavGuard


@given(st.floats(1e3, 1e12), st.floats(-JUMP + 1e-9, JUMP - 1e-9))
def test_an_ordinary_session_is_believed(last, change):
    assert NavGuard().trusts(last * (1 + change), last)


@pytest.mark.parametrize("absurd", [0.0, -1.0, 1.0, 7e5, 1.3e6, math.nan, math.inf])
def test_a_jump_waits_for_a_second_evening(absurd):
    guard = NavGuard()
    assert not guard.trusts(absurd, 1e6)
    assert guard.trusts(1.01e6, 1e6)  # it was an error


@pytest.mark.parametrize("after", [3e5, 4e6, -5.0, 0.0])
def test_a_deposit_a_withdrawal_and_ruin_are_believed_on_the_second(after):
    guard = NavGuard()
    assert not guard.trusts(after, 1e6)
    assert guard.trusts(after * 1.02, 1e6)


def test_two_different_jumps_confirm_nothing():
    guard = NavGuard()
    assert not guard.trusts(2e6, 1e6)
    assert not guard.trusts(5e5, 1e6)
    assert guard.trusts(5.1e5, 1e6)


@pytest.mark.parametrize("last", [0.0, math.nan])
def test_the_first_value_of_all_is_believed(last):
    assert NavGuard().trusts(3.0, last)


def test_the_governor_knows_the_last_value():
    governor = DrawdownGovernor(((0.1, 0.5),), 0.1, 0.1, 3)
    assert governor.nav == 0
    for nav in (100.0, 120.0, 90.0, math.nan):
        governor.update(nav)
    assert governor.nav == pytest.approx(90.0)
