"""Orders toward targets: exact where nothing is on its way, never past the target where it is."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.orders import Order, Withdrawal, forced_only, plan_orders, plan_withdrawals
from universe.session import Contract

MAR, JUN, SEP = 202003, 202006, 202009
months = st.sampled_from([MAR, JUN, SEP])
markets = st.integers(0, 4)
keys = st.tuples(markets, months)
amounts = st.integers(-50, 50)
positions = st.dictionaries(keys, amounts.filter(bool), max_size=8)
targets = st.dictionaries(markets, st.dictionaries(months, amounts, max_size=2), max_size=5)
rests = st.lists(amounts.filter(bool), max_size=3).map(tuple)
open_orders = st.dictionaries(keys, rests, max_size=8)
share = st.floats(0, 1)


def after(holdings, pending, orders):
    total = Counter(holdings)
    total.update(pending)
    for order in orders:
        total[(order.market, order.month)] += order.quantity
    return total


@given(targets, positions)
def test_holdings_and_orders_add_up_to_the_targets(wanted, holdings):
    total = after(holdings, {}, plan_orders(wanted, holdings, {}))
    for market, contracts in wanted.items():
        for month in (MAR, JUN, SEP):
            assert total[(market, month)] == contracts.get(month, 0)


@given(targets, positions, positions)
def test_orders_on_their_way_toward_the_targets_are_counted(wanted, holdings, pending):
    total = after(holdings, pending, plan_orders(wanted, holdings, pending))
    withdrawn = {(w.market, w.month) for w in plan_withdrawals(wanted, holdings, pending)}
    for market, contracts in wanted.items():
        for month in (MAR, JUN, SEP):
            if (market, month) not in withdrawn:
                assert total[(market, month)] == contracts.get(month, 0)


@given(targets, positions, open_orders)
def test_markets_that_are_not_named_are_left_alone(wanted, holdings, pending):
    orders = plan_orders(wanted, holdings, pending)
    orders += plan_withdrawals(wanted, holdings, pending)
    assert {order.market for order in orders} <= set(wanted)


@given(targets, positions, open_orders)
def test_planning_again_with_the_orders_on_their_way_gives_none(wanted, holdings, pending):
    on_the_way = dict(pending)
    for order in plan_orders(wanted, holdings, pending):
        key = (order.market, order.month)
        on_the_way[key] = (*on_the_way.get(key, ()), order.quantity)
    assert plan_orders(wanted, holdings, on_the_way) == []
    again = plan_withdrawals(wanted, holdings, on_the_way)
    assert again == plan_withdrawals(wanted, holdings, pending)


@given(targets, positions, open_orders)
def test_one_order_per_contract_sorted_and_never_empty(wanted, holdings, pending):
    orders = plan_orders(wanted, holdings, pending)
    contracts = [(order.market, order.month) for order in orders]
    assert contracts == sorted(set(contracts))
    assert all(order.quantity for order in orders)


# --- whatever fills ------------------------------------------------------------------------------
def outcomes(position, pending, orders):
    """Lowest and highest position over all subsets and parts of what may fill."""
    parts = [*pending, *orders]
    return (
        position + sum(part for part in parts if part < 0),
        position + sum(part for part in parts if part > 0),
    )


def planned(target, position, pending):
    """What is ordered and what is withdrawn, of one contract."""
    key = (0, MAR)
    orders = plan_orders({0: {MAR: target}}, {key: position}, {key: pending})
    sides = [w.side for w in plan_withdrawals({0: {MAR: target}}, {key: position}, {key: pending})]
    return [order.quantity for order in orders], sides


@given(amounts, amounts, rests)
def test_no_outcome_passes_the_target_once_what_turned_is_withdrawn(target, position, pending):
    orders, sides = planned(target, position, pending)
    kept = [rest for rest in pending if (1 if rest > 0 else -1) not in sides]
    low, high = outcomes(position, kept, orders)
    assert min(position, target) <= low <= high <= max(position, target)


@given(amounts, amounts, rests)
def test_a_withdrawal_that_comes_too_late_is_not_made_worse(target, position, pending):
    """New orders never take a position past its target, nor past where the open ones alone do."""
    orders, _ = planned(target, position, pending)
    low, high = outcomes(position, pending, orders)
    alone_low, alone_high = outcomes(position, pending, [])
    assert min(target, alone_low) <= low <= high <= max(target, alone_high)


@given(
    amounts,
    st.lists(st.tuples(amounts, share, share, st.booleans()), min_size=1, max_size=6),
    amounts,
)
def test_an_account_over_many_evenings_stays_between_where_it_was_and_its_targets(
    position, evenings, last
):
    """Each evening: a target, what part fills before and after a withdrawal, and if it succeeds."""
    pending: tuple[int, ...] = ()
    low = high = position
    for target, early, late, succeeds in evenings:
        orders, sides = planned(target, position, pending)
        low, high = min(low, target), max(high, target)
        rests_left = []
        for rest in pending:
            filled = int(rest * early)
            position += filled
            withdrawn = succeeds and (1 if rest > 0 else -1) in sides
            if not withdrawn and rest != filled:
                rests_left.append(rest - filled)
        for rest in orders:
            filled = int(rest * late)
            position += filled
            rests_left += [rest - filled] if rest != filled else []
        pending = tuple(rests_left)
        assert low <= position <= high
    for _ in range(2):  # everything fills or is withdrawn: an overshoot, then its correction
        orders, sides = planned(last, position, pending)
        position += sum(rest for rest in pending if (1 if rest > 0 else -1) not in sides)
        position, pending = position + sum(orders), ()
    assert position == last


@pytest.mark.parametrize(("turned", "ordered"), [(-10, -10), (0, 0), (5, 0), (10, 0), (15, 5)])
def test_ten_bought_on_their_way_while_the_target_turns(turned, ordered):
    orders, sides = planned(turned, 0, (10,))
    assert sum(orders) == ordered
    assert sides == ([1] if turned < 10 else [])


def test_a_withdrawal_that_is_not_answered_yet_counts_as_open_on_both_sides():
    """The net of +10 and -10 is nothing, and yet each may fill."""
    assert planned(-10, 0, (10, -10)) == ([], [1])
    assert planned(10, 0, (10, -10)) == ([], [-1])


# --- by example ----------------------------------------------------------------------------------
def test_a_change_of_contract_is_a_roll_on_both_legs():
    found = plan_orders({0: {JUN: 7}}, {(0, MAR): 7}, {})
    assert found == [Order(0, MAR, -7, "roll"), Order(0, JUN, 7, "roll")]


def test_a_change_of_size_is_a_rebalance():
    assert plan_orders({0: {MAR: 9}}, {(0, MAR): 7}, {}) == [Order(0, MAR, 2, "rebalance")]
    assert plan_orders({3: {MAR: -9}}, {}, {}) == [Order(3, MAR, -9, "rebalance")]


def test_leaving_an_old_contract_without_a_new_position_closes_it():
    assert plan_orders({0: {JUN: 0}}, {(0, MAR): 7}, {}) == [Order(0, MAR, -7, "roll")]


def test_without_a_contract_to_hold_everything_is_closed():
    found = plan_orders({0: {}}, {(0, MAR): 7, (1, MAR): 3}, {})
    assert [(o.market, o.month, o.quantity) for o in found] == [(0, MAR, -7)]


def test_half_done_rolls_are_finished():
    found = plan_orders({0: {JUN: 7}}, {(0, MAR): 3, (0, JUN): 4}, {(0, MAR): -1})
    assert [(o.month, o.quantity, o.reason) for o in found] == [(MAR, -2, "roll"), (JUN, 3, "roll")]


def test_an_order_on_its_way_in_an_old_contract_is_withdrawn():
    targets, pending = {0: {JUN: 5}}, {(0, MAR): 5}
    found = plan_orders(targets, {}, pending)
    assert [(o.month, o.quantity) for o in found] == [(JUN, 5)]
    assert plan_withdrawals(targets, {}, pending) == [Withdrawal(0, MAR, 1)]


def test_nothing_to_do():
    assert plan_orders({}, {(0, MAR): 7}, {}) == []
    assert plan_orders({0: {MAR: 7}}, {(0, MAR): 7}, {}) == []


@pytest.mark.parametrize("plan", [plan_orders, plan_withdrawals])
def test_only_what_an_expiry_forces_is_left_without_a_nav(plan):
    contracts = [{MAR: Contract(MAR, 101, 101)}, {MAR: Contract(MAR, 140, 139)}]
    pending = {(0, MAR): (3, -9), (1, MAR): (3, -9)}
    found = plan({0: {}, 1: {}}, {(0, MAR): 2, (1, MAR): 2}, pending)
    left = forced_only(found, 100, contracts)
    assert {one.market for one in left} == {one.market for one in found if one.market == 0}
