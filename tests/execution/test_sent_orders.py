"""Orders noted before they are sent: what is open of them after a restart, by the positions."""

import json

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from execution.orders import Order, plan_orders, unfilled_of
from execution.sent_orders import SentOrders, sent_of, sent_tag

KEY = (0, 202106)


def noted(quantity=10, base=3):
    sent = SentOrders()
    name = sent.note(20_000, [Order(*KEY, quantity, "rebalance")], {KEY: base})
    return sent, name


@pytest.mark.parametrize(
    ("held", "rest"), [(3, 10), (7, 6), (12, 1), (13, None), (2, None), (14, None)]
)
def test_the_position_tells_what_is_open(held, rest):
    sent, name = noted()
    assert sent.rest(name, KEY, held) == rest
    other, name = noted(-10, -3)
    assert other.rest(name, KEY, -held) == (None if rest is None else -rest)


def test_two_orders_in_a_contract_cannot_be_told_apart():
    sent, name = noted()
    sent.note(20_001, [Order(*KEY, 2, "rebalance")], {KEY: 5})
    assert sent.rest(name, KEY, 5) is None
    assert sent.rest("20000.9", KEY, 5) is None


def test_what_is_done_is_forgotten_and_the_rest_counts_from_now_on():
    sent, name = noted()
    sent.keep({(name, KEY): 4}, {KEY: 9})
    assert sent.rest(name, KEY, 9) == 4
    assert sent.rest(name, KEY, 11) == 2
    assert sent.filled({KEY: 9, (1, 202109): -2}) == {KEY: 13, (1, 202109): -2}
    sent.keep({}, {KEY: 13})
    assert sent.orders == {}


def test_the_legs_of_a_spread_know_each_other():
    sent = SentOrders()
    legs = [Order(0, 202106, -5, "roll spread", 1), Order(0, 202109, 5, "roll spread", 1)]
    name = sent.note(20_000, legs, {KEY: 5})
    again = SentOrders.from_state(json.loads(json.dumps(sent.to_state())))
    assert again.orders == sent.orders
    assert again.count == 1
    assert [again.leg(name, (0, m)).other for m in (202106, 202109)] == [202109, 202106]
    assert again.note(20_000, legs, {}) == "20000.2"
    assert sent_of(sent_tag(name, "roll: trend +1.00")) == name
    assert sent_of("roll: trend +1.00") == ""


@limits(max_examples=100, deadline=None)
@given(st.data())
def test_a_kill_at_any_order_ends_where_no_kill_does(data):
    """Orders are sent one by one, some fill in part; what is missing is ordered net of the rest."""
    contracts = [(0, 202106), (0, 202109), (1, 202106)]
    number = st.integers(-20, 20)
    targets: dict[int, dict[int, int]] = {}
    for market, month in contracts:
        targets.setdefault(market, {})[month] = data.draw(number)
    held = {key: data.draw(number) for key in contracts}
    orders = plan_orders(targets, held, {})
    sent, broker = SentOrders(), {}
    for order in orders:
        broker[sent.note(1, [order], held)] = order
    alive = data.draw(st.integers(0, len(orders)))
    rests = []
    for at, (name, order) in enumerate(broker.items()):
        key = order.market, order.month
        if at >= alive:  # noted, never sent
            continue
        done = data.draw(st.integers(0, abs(order.quantity))) * (1 if order.quantity > 0 else -1)
        held[key] += done
        rest = SentOrders.from_state(sent.to_state()).rest(name, key, held[key])
        assert rest == (order.quantity - done or None)
        if rest:
            rests.append((key, rest))
    for order in plan_orders(targets, held, unfilled_of(rests)):
        held[order.market, order.month] += order.quantity
    for key, rest in rests:
        held[key] += rest
    assert held == {(market, month): targets[market][month] for market, month in contracts}
