"""The desk in LEAN, on stand-ins for LEAN's types: data, orders and restarts."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from types import SimpleNamespace

import AlgorithmImports as Lean
import numpy as np
import pytest

from algorithm.lean_fills import FillBook
from algorithm.lean_orders import OrderStore, next_decision, set_order_properties
from algorithm.settings import Settings
from algorithm.state import Owner
from execution.blotter import child_of
from execution.costs import Conditions
from execution.fills import Fill
from execution.lean_minutes import MinuteDesk
from execution.lean_sessions import daily_closes, session_of
from execution.orders import Order
from tests.helpers import instrument
from tests.stand_ins.engine import Store
from universe.arrays import to_epoch_day

DAY = to_epoch_day(date(2021, 3, 11))  # a Thursday
EVENING = datetime.fromisoformat("2021-03-11T23:05")  # naive, as LEAN's times are
KEYS = [(0, 202106), (1, 202106)]


def hours(*segments):
    made = [
        SimpleNamespace(state=state, start=timedelta(hours=a), end=timedelta(hours=b))
        for state, a, b in segments
    ]
    return SimpleNamespace(
        time_zone=SimpleNamespace(id="America/New_York"),
        get_market_hours=lambda day: SimpleNamespace(segments=made if day.weekday() < 5 else []),
    )


class Service:
    """LEAN's data manager."""

    def __init__(self):
        self.asked, self.live = [], []

    def add(self, kind, symbol, *terms):
        return (kind.__name__, symbol)

    def add_subscription(self, request):
        self.asked.append(request.config)
        self.live.append(request.config)

    def remove_subscription(self, config):
        self.live.remove(config)


class Ticket:
    def __init__(self, order_id, symbol, quantity, limit, tag):
        self.order_id, self.symbol, self.quantity = order_id, symbol, quantity
        self.limit, self.tag = limit, tag
        self.quantity_filled, self.cancelled = 0.0, False

    def cancel(self, reason=""):
        """LEAN puts a reason in place of the tag."""
        self.cancelled, self.tag = True, reason or self.tag


class Algorithm:
    live_mode = True

    def __init__(self):
        self.utc_time = EVENING
        self.service, self.tickets, self.lines = Service(), [], []
        self.subscription_manager = SimpleNamespace(subscription_data_config_service=self.service)
        self.transactions = SimpleNamespace(get_open_order_tickets=lambda: self.still_open)
        self.portfolio = {}
        self.still_open = []
        self.object_store = Store()
        self.refuse = False

    def market_order(self, symbol, quantity, asynchronous, tag, limit=None):
        if self.refuse:
            raise ValueError("no such order is taken")
        self.tickets.append(Ticket(len(self.tickets) + 1, symbol, quantity, limit, tag))
        return self.tickets[-1]

    def limit_order(self, symbol, quantity, limit, asynchronous, tag):
        return self.market_order(symbol, quantity, asynchronous, tag, limit)

    error = None


def made(**changes):
    """Algorithm, context and desk of two markets, the first of which has parents."""
    algorithm = Algorithm()
    instruments = [instrument("AA"), instrument("BB")]
    lines = SimpleNamespace(
        codes=("AA", "BB"),
        instruments=instruments,
        market=np.arange(2),
        per_line=lambda values: values,
        key=lambda key: key,
    )
    strategy = SimpleNamespace(
        day=0,
        lines=lines,
        settings=Settings(execution_resolution="minute", **changes),
        snapshot=SimpleNamespace(sigma_price=np.array([2.0, 2.0]), fx=np.ones(2)),
        markets=SimpleNamespace(
            contracts=[{202106: SimpleNamespace(last_holding=DAY + 90)} for _ in range(2)],
            last_close=lambda market, month: 99.0,
        ),
        order_sigma=lambda decision: np.array([2.0, 2.0]),
        order_stress=lambda decision: np.array([1.0, 3.0]),
    )
    security = SimpleNamespace(
        symbol_properties=SimpleNamespace(minimum_price_variation=0.25),
        exchange=SimpleNamespace(hours=hours(("PRE_MARKET", 0, 9.5), ("MARKET", 9.5, 16))),
    )
    context = SimpleNamespace(
        strategy=strategy,
        symbols={key: f"{key[0]} {key[1]}" for key in KEYS},
        keys={f"{key[0]} {key[1]}": key for key in KEYS},
        securities=dict.fromkeys(KEYS, security),
        holdings={},
        traded=set(),
        tickets={},
        reasons={},
        order_conditions={},
        children={},
        sent=None,
        log=algorithm.lines.append,
    )
    desk = MinuteDesk(algorithm, context, next_decision)
    algorithm.portfolio = {s: SimpleNamespace(quantity=0) for s in context.symbols.values()}
    return algorithm, context, desk


def take(desk, *orders):
    decision = SimpleNamespace(
        day=DAY, snapshot=SimpleNamespace(sigma_price=np.array([2.0, 2.0]), fx=np.ones(2))
    )
    return desk.take(decision, orders)


def bars(symbol="0 202106", bid=100.0, ask=100.25, volume=50.0):
    quote = Lean.QuoteBar(symbol, SimpleNamespace(close=bid), SimpleNamespace(close=ask))
    trade = Lean.TradeBar(symbol, None, timedelta(minutes=1), 100.0, volume)
    return SimpleNamespace(quote_bars={symbol: quote}, bars={symbol: trade}, all_data=[trade])


def at(algorithm, hour, minute, second=0):
    algorithm.utc_time = datetime.fromisoformat(f"2021-03-12T{hour}:{minute}:{second:02}")


def told(desk, ticket, status, quantity=0.0, number=1, message=""):
    ticket.quantity_filled += quantity
    event = SimpleNamespace(
        ticket=ticket,
        status=getattr(Lean.OrderStatus, status),
        fill_quantity=quantity,
        order_id=ticket.order_id,
        id=number,
        message=message,
    )
    desk.on_order_event(event)


def test_minutes_are_subscribed_for_contracts_with_work_and_given_back():
    algorithm, context, desk = made(execution_algorithm="open")
    assert take(desk, Order(0, 202106, 3, "rebalance"))
    assert algorithm.service.live == [("TradeBar", "0 202106"), ("QuoteBar", "0 202106")]
    at(algorithm, 14, 31)
    desk.on_data(bars())
    (ticket,) = algorithm.tickets
    assert (ticket.quantity, ticket.limit) == (3, None)
    assert ticket.tag == f"child {DAY}.0.202106.0 open"
    assert child_of(ticket.tag) == f"{DAY}.0.202106.0"
    sent = context.children[child_of(ticket.tag)]
    assert (sent.mid, sent.decided) == (100.125, 99.0)
    told(desk, ticket, "FILLED", 3.0)
    at(algorithm, 14, 32)
    desk.on_data(bars())
    assert algorithm.service.live == []
    assert algorithm.tickets == [ticket]
    assert algorithm.lines == []


def test_a_rejection_freezes_its_market_alone_and_is_said_once():
    algorithm, _, desk = made(execution_algorithm="twap")
    take(desk, Order(0, 202106, 390, "rebalance"), Order(1, 202106, -390, "rebalance"))
    both = bars()
    other = bars("1 202106")
    both.quote_bars.update(other.quote_bars)
    both.bars.update(other.bars)
    at(algorithm, 14, 31)
    desk.on_data(both)
    told(desk, algorithm.tickets[0], "INVALID", message="not permitted")
    at(algorithm, 14, 32)
    desk.on_data(both)
    assert [ticket.symbol[0] for ticket in algorithm.tickets] == ["0", "1", "1"]
    (line,) = algorithm.lines
    assert line.startswith("AA: frozen until the next decision")
    assert "not permitted" in line
    algorithm.refuse = True
    at(algorithm, 14, 33)
    desk.on_data(both)
    assert "no such order is taken" in algorithm.lines[-1]
    desk.close()
    assert algorithm.service.live == []
    assert desk.desk.blotter.frozen == {}


def test_a_limit_is_withdrawn_after_its_minute_and_at_the_end():
    algorithm, _, desk = made(execution_algorithm="twap", passive_share=1.0)
    take(desk, Order(0, 202106, 390, "rebalance"))
    at(algorithm, 14, 31)
    desk.on_data(bars())
    at(algorithm, 14, 32)
    desk.on_data(bars())
    first, second = algorithm.tickets
    assert (first.limit, first.cancelled, second.cancelled) == (100.0, True, False)
    first.tag = "somebody's reason"
    told(desk, first, "CANCELED")
    assert desk.desk.open_children() == [child_of(second.tag)]
    desk.close()
    assert second.cancelled


def test_what_is_not_known_changes_nothing():
    algorithm, _, desk = made()
    stranger = Ticket(9, "0 202106", 5, None, "child 1.0.202106.0 twap")
    told(desk, stranger, "FILLED", 5.0)
    told(desk, Ticket(10, "0 202106", 5, None, "by hand"), "FILLED", 5.0)
    assert algorithm.lines[0] == "fill of an order that is not known: 1.0.202106.0"
    assert desk.desk.blotter.parents == {}


def test_a_market_without_a_session_before_the_next_decision_is_said():
    algorithm, context, desk = made()
    context.securities[KEYS[0]].exchange.hours.get_market_hours = lambda day: SimpleNamespace(
        segments=[]
    )
    assert take(desk, Order(0, 202106, 3, "rebalance"), Order(1, 202109, 3, "rebalance")) == []
    assert algorithm.lines == [
        "AA 202106: no session before the next decision: no order",
        "202109 of market 1 is not subscribed: no order",
    ]


def test_a_killed_process_goes_on_where_the_broker_stands():
    algorithm, context, desk = made(execution_algorithm="twap", passive_share=0.5)
    store = OrderStore(algorithm, desk, Owner("fund", "U1"), FillBook(algorithm, context))
    desk.on_change = store.save
    take(desk, Order(0, 202106, 390, "rebalance"))
    for minute in (31, 32, 33):
        at(algorithm, 14, minute)
        desk.on_data(bars())
    lost, _, still = algorithm.tickets
    told(desk, lost, "FILLED", 1.0)
    # killed: the second has filled unheard, the third is open at the broker

    _, _, again = made(execution_algorithm="twap", passive_share=0.5)
    again._algorithm, again._context = algorithm, context
    del context.strategy.snapshot  # a restored strategy has none before its next decision
    OrderStore(algorithm, again, Owner("fund", "U1"), FillBook(algorithm, context)).restore()
    algorithm.still_open = [still, Ticket(77, "1 202106", 4, None, "")]
    algorithm.portfolio["0 202106"].quantity = 2
    again.resume()
    assert again.desk.jobs[f"{DAY}.0.202106"].filled == 2
    assert algorithm.still_open[1].cancelled
    assert "1 parents are taken up again, 1 of their orders are open" in algorithm.lines
    at(algorithm, 14, 36)
    again.on_data(bars())
    assert algorithm.tickets[-1].quantity == 3  # six are due: two filled, one is on its way
    assert still.cancelled
    assert len({ticket.tag for ticket in algorithm.tickets}) == 4


def filled(fills, ticket, quantity, price):
    """What LEAN tells of a fill."""
    fee = SimpleNamespace(amount=2.0 * abs(quantity), currency="USD")
    fills.filled(
        SimpleNamespace(
            symbol=ticket.symbol,
            ticket=ticket,
            order_id=ticket.order_id,
            fill_quantity=quantity,
            fill_price=price,
            order_fee=SimpleNamespace(value=fee),
        )
    )
    return fills.so_far[-1]


def test_a_fill_carries_what_it_was_worked_by_and_when_before_and_after_a_restart():
    algorithm, context, desk = made(execution_algorithm="twap")
    algorithm.time, context.order_price = EVENING, {}
    context.conditions_of = lambda order_id, line: Conditions(2.0)
    take(desk, Order(0, 202106, 780, "roll"))  # two a minute
    at(algorithm, 14, 31)
    desk.on_data(bars())
    minute = to_epoch_day(date(2021, 3, 12)) * 1440 + 14 * 60 + 31
    fills = FillBook(algorithm, context)
    (ticket,) = algorithm.tickets
    before = filled(fills, ticket, 1.0, 100.25)
    assert (before.algorithm, before.minute, before.reason) == ("twap", minute, "roll")
    store = OrderStore(algorithm, desk, Owner("fund", "U1"), fills)
    store.save(True)
    context.children.clear()
    context.reasons.clear()
    again = MinuteDesk(algorithm, context, next_decision)
    OrderStore(algorithm, again, Owner("fund", "U1"), fills).restore()
    algorithm.still_open = [ticket]
    algorithm.portfolio["0 202106"].quantity = 1
    again.resume()
    after = filled(fills, ticket, 1.0, 100.25)
    assert (after.algorithm, after.minute, after.reason) == ("twap", minute, "roll")
    assert after.decided == before.decided == 99.0
    by_hand = filled(fills, Ticket(9, "0 202106", 1, None, "mine"), 1.0, 100.25)
    assert (by_hand.algorithm, by_hand.minute, by_hand.reason) == ("", minute, "other")


def test_fills_of_before_a_restart_are_in_the_next_record_once():
    algorithm, context, desk = made()
    fills = FillBook(algorithm, context)
    fills._fills = [(Fill(DAY, "AA", 202106, 3, 100.5, 1.0, 6.0, "rebalance"), "USD")]
    OrderStore(algorithm, desk, Owner("fund", "U1"), fills).save(True)
    for decided, expected in ((0, fills.so_far), (DAY, [])):  # then the state is of a decision
        context.strategy.day = decided
        again = FillBook(algorithm, context)
        OrderStore(algorithm, made()[2], Owner("fund", "U1"), again).restore()
        assert repr(again.so_far) == repr(expected)  # a figure that is not a number equals none


def test_orders_of_another_account_are_left_alone(monkeypatch):
    algorithm, context, desk = made()
    errors = []
    monkeypatch.setattr(algorithm, "error", errors.append)
    OrderStore(algorithm, desk, Owner("fund", "U1"), FillBook(algorithm, context)).save(True)
    other = OrderStore(algorithm, desk, Owner("fund", "U2"), FillBook(algorithm, context))
    before = dict(algorithm.object_store)
    other.restore()
    other.save(True)
    assert "left alone" in errors[0]
    assert dict(algorithm.object_store) == before
    algorithm.object_store["fund/orders.json"] = "{"
    OrderStore(algorithm, desk, Owner("fund", "U1"), FillBook(algorithm, context)).restore()
    assert "the next decision orders what is missing" in errors[1]


def test_windows_part_the_session():
    _, _, desk = made(execution_windows="1000-1010 America/New_York")
    take(desk, Order(0, 202106, 3, "rebalance"))
    (job,) = desk.desk.jobs.values()
    assert len(job.minutes) == 10
    assert job.minutes[0] == to_epoch_day(date(2021, 3, 12)) * 1440 + 15 * 60


def test_sessions_are_in_utc_on_both_sides_of_a_change_of_clocks():
    security = SimpleNamespace(
        exchange=SimpleNamespace(hours=hours(("MARKET", 9.5, 12), ("MARKET", 13, 24)))
    )
    for day, first in ((date(2021, 3, 12), 14 * 60 + 30), (date(2021, 3, 15), 13 * 60 + 30)):
        minutes = session_of(security, day) - to_epoch_day(day) * 1440
        assert (minutes[0], len(minutes)) == (first, 150 + 660)
        assert minutes[150] - minutes[149] == 61
    assert len(session_of(security, date(2021, 3, 13))) == 0


def test_the_next_decision_is_on_a_weekday_whatever_the_clock_does():
    assert next_decision(DAY) == to_epoch_day(date(2021, 3, 12)) * 1440 + 23 * 60 + 5
    assert next_decision(DAY + 1) == to_epoch_day(date(2021, 3, 15)) * 1440 + 22 * 60 + 5


def test_daily_bars_are_found_beside_minutes():
    data = bars()
    data.all_data.append(Lean.TradeBar("0 202106", None, timedelta(hours=6.5), 99.0, low=97.0))
    assert list(daily_closes(data)) == [("0 202106", 99.0, 97.0)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [({}, None), ({"outside_regular_hours": True, "order_account": "U7"}, (True, "U7"))],
)
def test_the_terms_of_interactive_brokers(changes, expected):
    algorithm, context, _ = made(**changes)
    set_order_properties(algorithm, context)
    properties = getattr(algorithm, "default_order_properties", None)
    found = properties and (properties.outside_regular_trading_hours, properties.account)
    assert found == expected
