"""A bar fills and marks exactly if the gate would let it pass when the session is observed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import FAR_AWAY, MONDAY, one_market, session, walk, weekdays
from universe.fills import SessionGate, bar_passes

MAR, JUN = 202003, 202006


def two(count=60, seed=3):
    """March held, June five points above, after ordinary sessions; and the next day."""
    markets = one_market((MAR, FAR_AWAY), (JUN, FAR_AWAY + 90))
    closes = walk(seed, count)
    days = weekdays(MONDAY, count + 10)
    for day, close in zip(days, closes, strict=False):
        markets.observe(session(day, {MAR: close, JUN: close + 5}))
    return markets, float(closes[-1]), days[count:]


@given(st.integers(0, 100), st.floats(-0.9, 12.0), st.booleans())
def test_of_the_held_contract_it_is_what_observe_decides(seed, jump, confirmed):
    markets, price, days = two(seed=seed)
    if confirmed:
        markets.observe(session(days[0], {MAR: price * (1 + jump), JUN: price * (1 + jump) + 5}))
        days = days[1:]
    close = price * (1 + jump * 1.001)
    passes = bar_passes(markets, 0, MAR, close, close)
    seen = markets.observe(session(days[0], {MAR: close, JUN: close + 5}))
    assert passes == bool(seen.seen[0])


def test_asking_changes_nothing():
    markets, price, _ = two()
    before = {name: np.copy(getattr(markets, name)) for name in ("price", "suspect", "unit")}
    assert not bar_passes(markets, 0, MAR, price * 2, price * 2)
    for name, value in before.items():
        np.testing.assert_array_equal(getattr(markets, name), value)


def test_another_contract_may_move_with_the_held_one_only():
    markets, price, days = two()
    jump = 0.4 * price
    assert not bar_passes(markets, 0, JUN, price + 5 + jump, price + 5 + jump, price)
    assert not bar_passes(markets, 0, JUN, price + 5 + jump, price + 5 + jump, price + jump)
    markets.observe(session(days[0], {MAR: price + jump, JUN: price + 5 + jump}))
    assert bar_passes(markets, 0, JUN, price + 6 + jump, price + 6 + jump, price + 1 + jump)
    assert not bar_passes(markets, 0, JUN, price + 6 + jump, price + 6 + jump)


@pytest.mark.parametrize(
    ("factor", "fine"), [(0.49, False), (0.51, True), (1.9, True), (99.0, False)]
)
def test_a_contract_seen_for_the_first_time_is_within_half_and_double(factor, fine):
    markets, price, _ = two()
    assert bar_passes(markets, 0, 202009, factor * price, factor * price) is fine


@pytest.mark.parametrize("opened", [0.0, -1.0, 1.5])
def test_a_bad_open_spoils_a_good_close(opened):
    markets, price, _ = two()
    assert bar_passes(markets, 0, MAR, price * 1.001, price)
    assert not bar_passes(markets, 0, MAR, opened * price, price)


def test_the_gate_of_a_session_knows_its_closes():
    markets, price, _ = two()
    gate = SessionGate(markets, [{MAR: price, JUN: (price + 5) * 100}])
    assert gate.passes(0, MAR, price * 0.999)
    assert not gate.passes(0, JUN, price + 5)
    assert 0 < gate.usual[0] < markets.limits[0]
