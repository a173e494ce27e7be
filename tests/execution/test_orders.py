from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from execution.orders import Order, plan_orders

MAR, JUN, SEP = 202003, 202006, 202009
months = st.sampled_from([MAR, JUN, SEP])
markets = st.integers(0, 4)
keys = st.tuples(markets, months)
amounts = st.integers(-50, 50)
positions = st.dictionaries(keys, amounts.filter(bool), max_size=8)
targets = st.dictionaries(markets, st.dictionaries(months, amounts, max_size=2), max_size=5)


def after(holdings, pending, orders):
    total = Counter(holdings)
    total.update(pending)
    for order in orders:
        total[(order.market, order.month)] += order.quantity
    return total


@given(targets, positions, positions)
def test_holdings_pending_and_orders_add_up_to_the_targets(wanted, holdings, pending):
    total = after(holdings, pending, plan_orders(wanted, holdings, pending))
    for market, contracts in wanted.items():
        for month in (MAR, JUN, SEP):
            assert total[(market, month)] == contracts.get(month, 0)


@given(targets, positions, positions)
def test_markets_that_are_not_named_are_left_alone(wanted, holdings, pending):
    orders = plan_orders(wanted, holdings, pending)
    assert {order.market for order in orders} <= set(wanted)


@given(targets, positions, positions)
def test_planning_again_with_the_orders_on_their_way_gives_none(wanted, holdings, pending):
    orders = plan_orders(wanted, holdings, pending)
    on_the_way = after({}, pending, orders)
    assert plan_orders(wanted, holdings, on_the_way) == []


@given(targets, positions, positions)
def test_one_order_per_contract_sorted_and_never_empty(wanted, holdings, pending):
    orders = plan_orders(wanted, holdings, pending)
    contracts = [(order.market, order.month) for order in orders]
    assert contracts == sorted(set(contracts))
    assert all(order.quantity for order in orders)


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


def test_an_order_on_its_way_in_an_old_contract_is_taken_back():
    found = plan_orders({0: {JUN: 5}}, {}, {(0, MAR): 5})
    assert [(o.month, o.quantity) for o in found] == [(MAR, -5), (JUN, 5)]


def test_nothing_to_do():
    assert plan_orders({}, {(0, MAR): 7}, {}) == []
    assert plan_orders({0: {MAR: 7}}, {(0, MAR): 7}, {}) == []
