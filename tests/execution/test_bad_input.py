"""What a market, a broker or a person does wrong to orders: each defined, and said once."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace

import AlgorithmImports as Lean
import numpy as np
import pytest

from algorithm.context import TradingContext
from algorithm.lean_fills import FillBook
from algorithm.lean_orders import OrderStore
from algorithm.settings import Settings
from algorithm.state import Owner
from algorithm.strategy import Strategy
from execution.blotter import Blotter, Event
from execution.costs import Conditions
from execution.desk import Seen
from execution.fills import SPREAD
from execution.lean_execution import NextSessionExecutionModel
from execution.lean_feeds import MinuteFeeds
from execution.lean_minutes import MinuteDesk
from execution.orders import Order
from execution.schedules import twap_curve
from execution.worker import Plan, Quote, Worker
from tests.execution import test_lean_minutes as lean
from tests.execution.test_desk import FIRST, KEY, QUOTE, at_work, fill_all
from tests.helpers import instrument, settings
from universe.master import MASTER
from universe.session import Contract
from universe.setting import SettingsError

LOCKED_UP, LOCKED_DOWN = Quote(104.0, np.nan), Quote(np.nan, 96.0)


@pytest.mark.parametrize("code", ["ZT", "ZF", "ZN", "ZB", "SR3", "FGBS", "6J"])
@pytest.mark.parametrize("quantity", [10, -10])
def test_limits_are_on_the_tick_of_quarter_and_half_ticks(code, quantity):
    """Ticks of 1/256 to 0.0000005: at the touch, then at the mid, on the own side of it."""
    tick, rng = MASTER[code].tick, np.random.default_rng(1)
    for lots in rng.integers(1, 400_000, 50).tolist():
        bid, width = lots * tick, int(rng.integers(1, 6)) * tick
        blotter = Blotter()
        parent = blotter.add(1, 0, 202003, quantity)
        worker = Worker(blotter, parent, Plan(twap_curve(10), tick, passive=1.0))
        quote = Quote(bid, bid + width)
        touch = worker.step(1, quote, 0.0).limit
        assert touch == (quote.bid if quantity > 0 else quote.ask)
        middle = worker.step(6, quote, 0.0).limit
        assert middle / tick == pytest.approx(round(middle / tick), abs=1e-6)
        inside = (quote.mid - middle) * np.sign(quantity)
        assert -1e-6 * tick <= inside < tick * (1.0 - 1e-6)


@pytest.mark.parametrize("quote", [LOCKED_UP, LOCKED_DOWN])
def test_a_market_locked_at_its_limit_waits_and_goes_on_once_it_opens(quote):
    desk, parent = at_work()
    for minute in range(1, 6):
        assert desk.step(FIRST + minute, {KEY: Seen(quote, 3.0)}).send == []
    assert desk.jobs[parent].worker.waits == {"one side quoted alone": 5}
    assert [w.quantity for _, w in desk.step(FIRST + 6, {KEY: Seen(QUOTE)}).send] == [6]
    forced, _ = at_work(forced=True)
    assert [w.quantity for _, w in forced.step(FIRST + 6, {KEY: Seen(quote)}).send] == [6]


def test_a_quote_of_one_side_is_seen_as_such_in_lean():
    algorithm, context, _ = lean.made()
    data = lean.bars()
    data.quote_bars["0 202106"].ask = None
    seen = MinuteFeeds(algorithm, context).seen(data, [(0, 202106)])[0, 202106]
    assert (seen.quote.bid, np.isnan(seen.quote.ask), seen.volume) == (100.0, True, 50.0)


def test_a_halt_costs_its_minutes_and_not_the_parent():
    desk, parent = at_work()
    fill_all(desk, desk.step(FIRST + 1, {KEY: Seen(QUOTE)}))
    for minute in range(2, 8):
        assert desk.step(FIRST + minute, {}).send == []
    after = desk.step(FIRST + 8, {KEY: Seen(QUOTE)})
    assert [wish.quantity for _, wish in after.send] == [7]
    fill_all(desk, after)
    fill_all(desk, desk.step(FIRST + 10, {KEY: Seen(QUOTE)}))
    assert desk.finish(parent) == ""
    halted, parent = at_work()
    halted.step(FIRST + 11, {})
    assert halted.finish(parent) == "0 of 10 done; no data in 10 minutes"


def test_a_minute_without_volume_gives_a_share_of_volume_nothing():
    desk, _ = at_work(cap=0.1)
    assert desk.step(FIRST + 1, {KEY: Seen(QUOTE, 0.0)}).send == []
    assert [w.quantity for _, w in desk.step(FIRST + 2, {KEY: Seen(QUOTE, 40.0)}).send] == [4]
    assert desk.step(FIRST + 3, {KEY: Seen(QUOTE, 0.0)}).send == []


@pytest.mark.parametrize("quantity", [2.5, 0, -0.1])
def test_a_fraction_of_a_contract_is_no_parent(quantity):
    with pytest.raises(ValueError, match=f"a parent of {quantity} contracts; whole ones but 0"):
        Blotter().add(1, 0, 202003, quantity)


@pytest.mark.parametrize(
    "given",
    [
        {"execution_algorithm": "twop"},
        {"execution_algorithm": "twap bond vwop"},
        {"execution_by_size": "twop 0.1"},
    ],
)
def test_an_algorithm_that_there_is_not_is_named_with_those_that_there_are(given):
    (name,) = given
    with pytest.raises(SettingsError, match=f"{name} names the algorithm 'tw|vwop'.* twap, vwap"):
        Settings.parse(given)


def test_a_contract_that_ends_inside_its_schedule_is_refused_said_and_left_alone():
    """LEAN takes no order in what is delisted: the market is frozen, the others go on."""
    algorithm, _, desk = lean.made(execution_algorithm="twap")
    lean.take(desk, Order(0, 202106, 390, "rebalance"))
    lean.at(algorithm, 14, 31)
    desk.on_data(lean.bars())
    algorithm.refuse = True  # it has ended
    for minute in (32, 33, 34):
        lean.at(algorithm, 14, minute)
        desk.on_data(lean.bars())
    assert len(algorithm.tickets) == 1
    (line,) = algorithm.lines
    assert line.startswith("AA: frozen until the next decision")
    lean.at(algorithm, 21, 11, 30)
    desk.on_data(lean.bars("1 202106"))
    assert algorithm.lines[1].startswith("AA 202106: twap, 0 of 390 done; ")


def test_a_tick_that_changes_while_lean_is_away_is_said_and_taken():
    algorithm, context, desk = lean.made(execution_algorithm="twap", passive_share=1.0)
    fills = FillBook(algorithm, context)
    store = OrderStore(algorithm, desk, Owner("fund", "U1"), fills)
    desk.on_change = store.save
    lean.take(desk, Order(0, 202106, 390, "rebalance"))
    context.securities[lean.KEYS[0]].symbol_properties.minimum_price_variation = 0.5
    again = MinuteDesk(algorithm, context, lean.next_decision)
    OrderStore(algorithm, again, Owner("fund", "U1"), fills).restore()
    again.resume()
    assert "AA 202106: tick is 0.5, was 0.25" in algorithm.lines
    lean.at(algorithm, 19, 31)
    again.on_data(lean.bars(bid=100.0, ask=101.5))
    assert algorithm.tickets[-1].limit == 100.5  # the mid is 100.75


def test_a_spread_of_which_one_leg_is_refused_leaves_no_leg_alone():
    """A broker that refuses one leg after it has taken both: the other is cancelled, once."""
    lines: list[str] = []
    market = instrument("AA", spread_listed=True)
    context = TradingContext(Strategy(settings(roll_orders="spread"), [market]), lines.append)
    legs = [Order(0, month, size, SPREAD, 1) for month, size in ((201503, -5), (201506, 5))]
    tickets = []
    for number, leg in enumerate(legs):
        symbol = Lean.Symbol.contract(
            "AA", leg.month, datetime.fromisoformat(f"2015-0{leg.month % 100}-20")
        )
        security = SimpleNamespace(get_last_data=lambda: None)
        context.list_contract(0, Contract(leg.month, 16_500, 16_490), symbol, security)
        ticket = lean.Ticket(number, symbol, leg.quantity, None, "roll")
        ticket.status = Lean.OrderStatus.SUBMITTED
        tickets.append(ticket)
    for leg, ticket in zip(legs, tickets, strict=True):
        context.order_placed(leg, ticket, Conditions(1.0), legs)
    model = NextSessionExecutionModel(context)
    for ticket in tickets:  # the answer to the withdrawal comes as such an event too
        ticket.status = Lean.OrderStatus.INVALID
        model.on_order_event(
            None,
            Lean.OrderEvent(
                ticket.order_id, ticket.symbol, ticket.status, ticket=ticket, message="refused"
            ),
        )
    assert [ticket.cancelled for ticket in tickets] == [False, True]
    assert lines.count("AA: no calendar spread, rolls by legs: refused") == 1
    assert context.strategy.planner.spread_rolls == set()


def test_events_of_a_child_out_of_order_end_the_same():
    told = [
        Event("ack", "1.0.202003.0"),
        Event("fill", "1.0.202003.0", "a", 2),
        Event("fill", "1.0.202003.0", "b", 1),
        Event("cancelled", "1.0.202003.0", quantity=3),
    ]
    ends = []
    for order in (told, told[::-1], told[2:] + told[:2] + told):
        blotter = Blotter()
        blotter.send(blotter.add(1, 0, 202003, 5), 5)
        for event in order:
            blotter.apply(event)
        ends.append(blotter.to_state())
    assert ends[0] == ends[1] == ends[2]
