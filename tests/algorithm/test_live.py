"""What live trading asks of LEAN's account and store, on stand-ins for them."""

from types import SimpleNamespace

import numpy as np
import pytest

from algorithm.context import TradingContext
from algorithm.lean_live import LiveAccount
from algorithm.lean_state import StateStore
from algorithm.state import PREVIOUS_STATE_KEY, STATE_KEY, load_state, save_state
from algorithm.strategy import Strategy
from tests.helpers import MONDAY, instrument, session, settings
from universe.session import Contract

MAR = 201503


class Named(str):
    """A symbol, equal to its name."""

    @property
    def value(self):
        return str(self)


class Holding:
    """A long futures position: entry 100, marked at the evening's bid of 90."""

    def __init__(self, symbol, quantity):
        self.symbol, self.quantity = Named(symbol), quantity
        self.invested, self.settled_profit = True, 0.0
        self.unrealized_profit = self.total_close_profit(True)

    @property
    def holdings_value(self):
        return self.quantity * 90.0 * 50.0

    def total_close_profit(self, fees, price=90.0):
        return self.quantity * (price - 100.0) - (1.0 if fees else 0.0)


class Ticket(SimpleNamespace):
    cancelled = False

    def cancel(self, tag):
        self.cancelled = True


class Store(dict):
    """An object store that may refuse, or be full."""

    answer: object = True

    def contains_key(self, key):
        return key in self

    def read(self, key):
        return self[key]

    def save(self, key, text):
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer:
            self[key] = text
        return self.answer


class Portfolio(dict):
    total_portfolio_value = 1e6


@pytest.fixture
def desk():
    """The account of a strategy with one market, and all that was said."""
    said = []
    strategy = Strategy(settings(), [instrument("AA")])
    context = TradingContext(strategy, said.append)
    context.list_contract(0, Contract(MAR, 16_500, 16_490), "AA MAR", None)
    tickets = []
    algorithm = SimpleNamespace(
        portfolio=Portfolio(),
        object_store=Store(),
        transactions=SimpleNamespace(get_open_order_tickets=lambda: tickets),
        log=said.append,
        error=said.append,
    )
    return SimpleNamespace(
        algorithm=algorithm,
        context=context,
        strategy=strategy,
        tickets=tickets,
        said=said,
        account=LiveAccount(algorithm, context),
        state=StateStore(algorithm, strategy),
    )


def test_profit_of_positions_found_is_settled_and_other_assets_are_left_alone(desk):
    future = Holding("AA MAR", 3)
    share = SimpleNamespace(invested=True)
    desk.algorithm.portfolio.update({"AA MAR": future, "SPY": share})
    desk.account.settle_found_positions()
    assert future.settled_profit == -30.0
    assert vars(share) == {"invested": True}


def test_our_orders_of_before_the_start_are_cancelled_once_and_only_ours(desk):
    ours = Ticket(order_id=7, symbol=Named("AA MAR"))
    other = Ticket(order_id=8, symbol=Named("SPY"))
    desk.tickets += [ours, other]
    assert desk.account.cancel_found_orders()
    assert (ours.cancelled, other.cancelled) == (True, False)
    assert "order 7 in AA MAR: cancelled" in desk.said
    assert not desk.account.cancel_found_orders()  # the next evening decides
    desk.account.adopt_open_orders()
    assert set(desk.context.tickets) == {7, 8}


def test_without_open_orders_the_first_evening_decides(desk):
    assert not desk.account.cancel_found_orders()


def test_the_account_is_valued_at_the_closes(desk):
    desk.algorithm.portfolio["AA MAR"] = Holding("AA MAR", 3)
    desk.context.holdings = {(0, MAR): 3}
    assert desk.account.value() == 1e6  # no close is known: LEAN's own
    desk.strategy.markets.last_quotes = [[[MAR, 96.0]]]
    assert desk.account.value() == pytest.approx(1e6 + 3 * 6.0)


def test_a_nav_that_jumps_is_named_and_waits(desk):
    desk.strategy.last_nav = 1e6
    assert np.isnan(desk.account.believed(6e5))
    assert "NAV is 600,000 after 1,000,000: it has jumped; the next evening" in desk.said[-1]
    assert desk.account.believed(6.1e5) == 6.1e5


@pytest.mark.parametrize("value", [0.0, -1.0, 1e-9, float("nan")])
def test_a_first_evening_without_a_value_holds_what_is_found(desk, value):
    """It was believed, and all positions were closed."""
    desk.algorithm.portfolio["AA MAR"] = Holding("AA MAR", 3)
    desk.context.holdings = {(0, MAR): 3}
    for _ in range(3):
        assert np.isnan(desk.account.believed(value))
    assert "positions are held" in desk.said[-1]


def test_the_first_decision_names_what_differs_and_adopts_it_without_a_memory(desk):
    desk.algorithm.portfolio["SPY"] = Holding("SPY", 10)
    desk.context.holdings = {(0, MAR): 4}
    desk.strategy.markets.held[:] = MAR
    desk.strategy.observe(session(MONDAY, {}))
    desk.account.reconcile(restored=False)
    assert desk.strategy.trading.model_contracts.tolist() == [4]
    assert "position of 10 SPY is not ours" in desk.said
    assert any("broker holds 4, last target was 0" in line for line in desk.said)
    said = len(desk.said)
    desk.account.reconcile(restored=False)
    assert len(desk.said) == said


def test_the_document_before_the_last_is_kept_and_an_equal_one_not_written(desk):
    desk.state.save()
    first = desk.algorithm.object_store[STATE_KEY]
    desk.state.save()
    assert PREVIOUS_STATE_KEY not in desk.algorithm.object_store
    desk.strategy.last_nav = 1e6
    desk.state.save()
    assert desk.algorithm.object_store[PREVIOUS_STATE_KEY] == first
    assert desk.algorithm.object_store[STATE_KEY] == save_state(desk.strategy)


@pytest.mark.parametrize("answer", [False, OSError("disk full")])
def test_a_document_that_cannot_be_written_is_said_and_stops_nothing(desk, answer):
    desk.state.save()
    desk.algorithm.object_store.answer = answer
    desk.strategy.last_nav = 1e6
    desk.state.save()
    assert STATE_KEY in desk.said[-1]
    assert ("disk full" if isinstance(answer, Exception) else "refused") in desk.said[-1]
    desk.algorithm.object_store.answer = True
    desk.state.save()
    load_state(desk.strategy, desk.algorithm.object_store[STATE_KEY])


def test_a_damaged_document_neither_is_used_nor_replaces_the_good_one(desk):
    desk.strategy.last_nav = 1e6
    good = save_state(desk.strategy)
    desk.algorithm.object_store.update({STATE_KEY: "{", PREVIOUS_STATE_KEY: good})
    other = Strategy(settings(), [instrument("AA")])
    state = StateStore(desk.algorithm, other)
    state.restore()
    assert state.restored
    assert other.last_nav == 1e6
    other.last_nav = 2e6
    state.save()
    assert desk.algorithm.object_store[PREVIOUS_STATE_KEY] == good


def test_without_a_document_the_warm_up_is_the_start(desk):
    desk.state.restore()
    assert not desk.state.restored
    assert "starting from the history of the warm-up" in desk.said[-1]
