"""Rolls as calendar spreads."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.fills import ROLL, SPREAD
from execution.orders import Order, Withdrawal, plan_orders
from execution.rolls import as_spreads, pressing_spreads
from universe.session import Contract

MAR, JUN, SEP, DEC = 202003, 202006, 202009, 202012
MONTHS = (MAR, JUN, SEP, DEC)
MONDAY = 18_330
CONTRACTS = [{month: Contract(month, MONDAY + 90, MONDAY + 80) for month in MONTHS}] * 3


def rolled(holdings, targets, listed=(0, 1, 2)):
    orders = plan_orders(targets, holdings, {})
    return as_spreads(orders, listed, MONDAY, CONTRACTS)


def test_a_plain_roll_is_one_spread():
    assert rolled({(0, MAR): 7}, {0: {JUN: 7}}) == [
        Order(0, MAR, -7, SPREAD, 1),
        Order(0, JUN, 7, SPREAD, 1),
    ]


@pytest.mark.parametrize(
    ("target", "rest"),
    [(10, Order(0, JUN, 3, "rebalance")), (4, Order(0, MAR, -3, "rebalance"))],
)
def test_a_change_of_the_target_is_netted_with_the_roll(target, rest):
    """More is bought in the new contract, less is sold in the old one, once and outright."""
    size = min(target, 7)
    assert rolled({(0, MAR): 7}, {0: {JUN: target}}) == [
        Order(0, MAR, -size, SPREAD, 1),
        Order(0, JUN, size, SPREAD, 1),
        rest,
    ]


def test_a_reversal_has_no_spread_in_it():
    assert rolled({(0, MAR): 7}, {0: {JUN: -2}}) == [
        Order(0, MAR, -7, ROLL),
        Order(0, JUN, -2, ROLL),
    ]


def test_spreads_have_the_shortest_span():
    """Of three legs that move on: long 7 of March against a spread of 2 that moves a year on."""
    got = rolled({(0, MAR): 7, (0, SEP): -9}, {0: {JUN: 7, DEC: -9}})
    pairs = Counter((order.combo, order.month, order.quantity) for order in got)
    assert pairs == {
        (1, MAR, -7): 1,
        (1, JUN, 7): 1,
        (2, SEP, 9): 1,
        (2, DEC, -9): 1,
    }


def test_markets_without_a_listed_spread_keep_their_legs():
    orders = plan_orders({0: {JUN: 7}, 1: {JUN: 3}}, {(0, MAR): 7, (1, MAR): 3}, {})
    got = as_spreads(orders, {1}, MONDAY, CONTRACTS)
    assert [order.combo for order in got] == [0, 0, 1, 1]
    assert as_spreads(orders, (), MONDAY, CONTRACTS) == orders


def test_the_last_order_in_an_expiring_contract_waits_for_no_other():
    contracts = [{**CONTRACTS[0], MAR: Contract(MAR, MONDAY + 5, MONDAY + 1)}]
    orders = plan_orders({0: {JUN: 7}}, {(0, MAR): 7}, {})
    assert as_spreads(orders, {0}, MONDAY, contracts) == orders
    assert pressing_spreads({(0, MAR), (0, JUN)}, MONDAY, contracts) == [
        Withdrawal(0, MAR, 1),
        Withdrawal(0, MAR, -1),
    ]
    assert pressing_spreads({(0, MAR), (0, JUN)}, MONDAY, CONTRACTS) == []


positions = st.dictionaries(st.sampled_from(MONTHS), st.integers(-9, 9), max_size=4)


@given(st.dictionaries(st.integers(0, 2), st.tuples(positions, positions), max_size=3))
def test_nothing_is_traded_that_was_not_planned(markets):
    targets = {market: target for market, (target, _) in markets.items()}
    holdings = {(m, month): n for m, (_, held) in markets.items() for month, n in held.items()}
    planned = plan_orders(targets, holdings, {})
    got = as_spreads(planned, {0, 2}, MONDAY, CONTRACTS)
    by_contract: Counter[tuple[int, int]] = Counter()
    combos: dict[int, list[Order]] = {}
    for order in got:
        assert order.quantity
        by_contract[(order.market, order.month)] += order.quantity
        if order.combo:
            combos.setdefault(order.combo, []).append(order)
    assert by_contract == {(o.market, o.month): o.quantity for o in planned}
    for near, far in combos.values():
        assert (near.market, near.quantity) == (far.market, -far.quantity)
        assert near.month < far.month
    # no contract is traded both ways
    assert sum(abs(o.quantity) for o in got) == sum(abs(o.quantity) for o in planned)
