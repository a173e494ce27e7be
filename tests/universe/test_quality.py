import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from universe.quality import (
    SENTINELS,
    confirms,
    is_far,
    is_price,
    open_passes,
    unit_factor,
)

PRICES = st.floats(0.01, 1e5)


@pytest.mark.parametrize(
    ("close", "before", "limit", "far"),
    [
        (119.0, 100.0, 20.0, False),
        (121.0, 100.0, 20.0, True),
        (2.9, 1.0, 4.0, False),  # within the limit, under three times
        (3.1, 1.0, 4.0, True),  # the ratio counts too
        (0.3, 1.0, 4.0, False),  # less than a quarter of the limit: near zero
        (15.0, 150.0, 300.0, True),  # a tenth
        (-99.0, 20.0, 1000.0, False),
        (-99.0, 20.0, 400.0, True),
        (10.0, -37.0, 60.0, False),  # no ratio from a price below zero
        (5.0, float("nan"), 1.0, False),
        (5.0, 1.0, float("nan"), False),
    ],
)
def test_far_is_beyond_the_limit_or_a_third_or_three_times(close, before, limit, far):
    assert bool(is_far(close, before, limit)) is far
    found = is_far(np.array([close]), np.array([before]), np.array([limit]))
    assert found.tolist() == [far]


@given(PRICES, PRICES, st.floats(0.01, 1e4))
def test_one_rule_for_numbers_and_arrays(close, before, limit):
    array = is_far(np.array([close]), np.array([before]), np.array([limit]))
    assert bool(is_far(close, before, limit)) == bool(array[0])


def test_a_second_price_confirms_only_if_it_has_moved():
    assert confirms(131.0, 130.0, 100.0, 20.0)
    assert not confirms(130.0, 130.0, 100.0, 20.0)
    assert not confirms(131.0, float("nan"), 100.0, 20.0)
    assert not confirms(157.0, 130.0, 100.0, 20.0)
    assert not confirms(-98.5, -99.0, 100.0, 20.0)
    assert confirms(-36.0, -37.63, 18.0, 20.0), "CL in April 2020"


@given(PRICES, st.sampled_from([1e-6, 0.1, 10.0, 100.0, 1e6]), st.floats(0.9, 1.1))
def test_a_change_of_unit_is_named_by_its_power_of_ten(price, factor, move):
    assert unit_factor(price * factor * move, price) == pytest.approx(factor)


@given(PRICES, st.floats(0.34, 2.99))
def test_a_move_below_three_times_is_no_change_of_unit(price, ratio):
    assert unit_factor(price * ratio, price) is None


def test_a_split_has_its_own_factor():
    assert unit_factor(25.0, 100.0) == 0.25
    assert unit_factor(-5.0, 100.0) is None


@pytest.mark.parametrize("none", [0.0, -5.0, 0.001, *sorted(SENTINELS)])
def test_no_market_begins_with_a_sign_for_none(none):
    assert not is_price(none, 0.01)


@pytest.mark.parametrize("price", [0.01, 9999.0, 99998.5, 0.005])
def test_prices_are_prices(price):
    assert is_price(price, 0.01)


@pytest.mark.parametrize(
    ("opened", "close", "before", "fine"),
    [
        (100.0, 101.0, 99.0, True),
        (0.0, 101.0, 99.0, False),
        (-1.0, 101.0, 99.0, False),
        (-3.0, -2.0, -1.0, True),
        (150.0, 101.0, 99.0, False),
        (150.0, 148.0, 99.0, True),  # a session that opened where it closed
        (100.0, 148.0, 99.0, True),  # and one that opened where the last one ended
        (float("nan"), 101.0, 99.0, False),
        (150.0, 101.0, float("nan"), False),
        (5000.0, 5000.0, float("nan"), True),  # data with one price a session
    ],
)
def test_an_open_is_near_its_close_or_the_one_before(opened, close, before, fine):
    assert bool(open_passes(opened, close, before, 20.0)) is fine
