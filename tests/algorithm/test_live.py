"""What live trading asks of LEAN's account and store, on stand-ins for them."""

import copy
from datetime import UTC, datetime
from types import SimpleNamespace

import AlgorithmImports as Lean
import numpy as np
import pytest

from algorithm.context import TradingContext
from algorithm.lean_live import LiveAccount
from algorithm.lean_state import StateStore
from algorithm.settings import Settings
from algorithm.state import PREVIOUS_STATE_KEY, STATE_KEY, Owner, load_state, save_state
from algorithm.strategy import Strategy
from research.engine.engine import EmbeddedEngine
from tests.helpers import MONDAY, instrument, session, settings
from universe.session import Contract

MAR = 201503
OWNER = Owner("trend-carry", "project 7", "USD")


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

    def get_file_path(self, key):
        return key

    def read(self, key):
        return self[key]

    def save(self, key, text):
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer:
            self[key] = text
        return self.answer


class Portfolio(dict):
    """A million in cash, and futures; the value is kept until LEAN is told that it is another."""

    value: float | None = None

    @property
    def total_portfolio_value(self):
        if self.value is None:
            futures = [one for one in self.values() if hasattr(one, "settled_profit")]
            self.value = 1e6 + sum(f.unrealized_profit - f.settled_profit for f in futures)
        return self.value

    def invalidate_total_portfolio_value(self):
        self.value = None


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
        project_id=7,
        account_currency="USD",
        start_date=datetime(2015, 1, 9, tzinfo=UTC),
        live_mode=True,
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
    assert desk.algorithm.portfolio.total_portfolio_value == 1e6 - 31.0
    desk.account.settle_found_positions()
    assert future.settled_profit == -30.0
    assert vars(share) == {"invested": True}
    assert desk.algorithm.portfolio.total_portfolio_value == 1e6 - 1.0


@pytest.mark.parametrize("observed", [False, True])
def test_what_is_settled_is_up_to_the_last_close_and_not_to_leans_price(desk, observed):
    """Amid a session that price, 90 here and not 95, has profit that is in no cash yet."""
    future = Holding("AA MAR", 3)
    desk.algorithm.portfolio["AA MAR"] = future
    desk.context.begin(MONDAY)
    if observed:
        desk.strategy.observe(session(MONDAY, {MAR: 95.0}))
    else:
        desk.context.quotes[0][MAR] = 95.0
    desk.account.settle_found_positions()
    assert future.settled_profit == -15.0


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
    assert desk.account.value() == 1e6 - 31.0  # no close is known: LEAN's own
    desk.strategy.markets.last_quotes = [[[MAR, 96.0]]]
    assert desk.account.value() == pytest.approx(1e6 - 31.0 + 3 * 6.0)


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
    desk.account.reconcile(restored=False, day=MONDAY)
    assert desk.strategy.trading.model_contracts.tolist() == [4]
    assert "position of 10 SPY is not ours" in desk.said
    assert any("broker holds 4, last target was 0" in line for line in desk.said)
    said = len(desk.said)
    desk.account.reconcile(restored=False, day=MONDAY)
    assert len(desk.said) == said


def test_the_document_before_the_last_is_kept_and_an_equal_one_not_written(desk):
    desk.state.save()
    first = desk.algorithm.object_store[STATE_KEY]
    desk.state.save()
    assert PREVIOUS_STATE_KEY not in desk.algorithm.object_store
    desk.strategy.last_nav = 1e6
    desk.state.save()
    assert desk.algorithm.object_store[PREVIOUS_STATE_KEY] == first
    assert desk.algorithm.object_store[STATE_KEY] == save_state(desk.strategy, owner=OWNER)


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


def _successor(desk, **changes):
    """A store of the same algorithm, with a strategy that knows nothing."""
    strategy = Strategy(settings(**changes), [instrument("AA")])
    return StateStore(desk.algorithm, strategy), strategy


def _known(desk):
    """The desk's strategy once it has seen a session, so that its state is of a day."""
    desk.strategy.observe(session(MONDAY, {MAR: 100.0}))
    desk.strategy.last_nav = 1e6


def test_a_damaged_document_neither_is_used_nor_replaces_the_good_one(desk):
    _known(desk)
    good = save_state(desk.strategy, owner=OWNER)
    desk.algorithm.object_store.update({STATE_KEY: "{", PREVIOUS_STATE_KEY: good})
    state, other = _successor(desk)
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


@pytest.mark.parametrize(
    "change",
    [{"project_id": 8}, {"account_currency": "EUR"}],
)
def test_anothers_document_is_neither_taken_up_nor_overwritten(desk, change):
    """The store is shared by all projects: a fund of 300 m beside one of 50 m."""
    _known(desk)
    desk.strategy.last_nav = 3e8
    desk.state.save()
    theirs = dict(desk.algorithm.object_store)
    vars(desk.algorithm).update(change)
    state, other = _successor(desk)
    state.restore()
    assert not state.restored
    assert other.last_nav == 0
    assert any("no state is written: give this deployment a name" in line for line in desk.said)
    other.last_nav = 5e7
    state.save()
    assert desk.algorithm.object_store == theirs


@pytest.mark.parametrize(
    ("config", "changes", "account"),
    [
        ({"live-mode-brokerage": "InteractiveBrokersBrokerage", "ib-account": "U1"}, {}, "U1"),
        ({"live-mode-brokerage": "InteractiveBrokersBrokerage"}, {}, "project 7"),
        ({"live-mode-brokerage": "PaperBrokerage", "ib-account": "U1"}, {}, "project 7"),
        ({"ib-account": "U1"}, {"order_account": "U2"}, "U2"),
        ({"ib-account": "U1"}, {"order_account": "U2", "account": "U3"}, "U3"),
    ],
)
def test_whose_the_state_is(desk, monkeypatch, config, changes, account):
    """Two accounts of one project: told apart where anything names them, and else it is said."""
    monkeypatch.setattr(Lean.Config, "get", config.get)
    state, _ = _successor(desk, **changes)
    assert state.owner.account == account
    desk.said.clear()
    state.restore()
    told = [line for line in desk.said if "by the setting account" in line]
    assert len(told) == account.startswith("project")


def test_deployments_of_other_names_do_not_meet(desk):
    _known(desk)
    desk.state.save()
    state, other = _successor(desk, deployment="paper")
    state.restore()
    assert not state.restored
    other.last_nav = 5e7
    state.save()
    assert set(desk.algorithm.object_store) == {STATE_KEY, "paper/state.json"}


def test_the_broker_account_of_the_settings_tells_two_projects_runs_apart(desk):
    _known(desk)
    first, _ = _successor(desk, account="U1")
    first.save()
    second, _ = _successor(desk, account="U2")
    second.restore()
    assert any("belongs to account 'U1'; this is 'U2'" in line for line in desk.said)


def test_a_document_of_a_day_to_come_gives_way_to_the_one_before(desk):
    _known(desk)
    good = save_state(desk.strategy, owner=OWNER)
    desk.strategy.observe(session(MONDAY + 5, {MAR: 100.0}))
    late = save_state(desk.strategy, owner=OWNER)
    desk.algorithm.object_store.update({STATE_KEY: late, PREVIOUS_STATE_KEY: good})
    state, other = _successor(desk)
    state.restore()
    assert any("after today, 2015-01-09" in line for line in desk.said)
    assert (state.restored, other.day) == (True, MONDAY)


def test_a_document_under_another_span_leaves_the_markets_to_the_warm_up(desk):
    _known(desk)
    desk.strategy.scale_named("governor").update(1e6)
    desk.strategy.scale_named("governor").update(0.83e6)
    desk.state.save()
    state, other = _successor(desk, vol_span=20)
    state.restore()
    assert not state.restored
    assert other.scale_named("governor").allowed == pytest.approx(0.6)
    assert any("vol: written with vol_span '32', now '20'" in line for line in desk.said)
    assert any("the account's part restored as of 2015-01-05" in line for line in desk.said)
    assert "starting from the history of the warm-up" in desk.said[-1]


def test_a_document_of_years_ago_gives_the_account_alone(desk):
    _known(desk)
    desk.state.save()
    desk.algorithm.start_date = datetime(2020, 1, 9, tzinfo=UTC)
    state, other = _successor(desk)
    state.restore()
    assert (state.restored, other.day, other.last_nav) == (False, 0, 1e6)
    assert any("days old; state_max_age is 90" in line for line in desk.said)


@pytest.mark.parametrize(
    ("given", "understood"), [("6e5", True), (600_000, True), ("all of it", False), (None, False)]
)
def test_a_person_confirms_a_value_by_a_command(desk, given, understood):
    desk.strategy.last_nav = 2e6
    assert np.isnan(desk.account.believed(6e5))
    assert desk.account.confirm(SimpleNamespace(confirm_nav=given)) is understood
    assert (desk.account.believed(6.1e5) == 6.1e5) is understood


def test_a_command_of_another_kind_is_refused(desk):
    assert not desk.account.confirm(SimpleNamespace(buy="AA"))
    assert "command not understood" in desk.said[-1]


def test_a_person_confirms_a_value_by_a_setting_at_a_restart(desk):
    strategy = Strategy(settings(confirmed_nav=6e5), [instrument("AA")])
    strategy.last_nav = 2e6
    account = LiveAccount(desk.algorithm, TradingContext(strategy, desk.said.append))
    assert account.believed(6.1e5) == 6.1e5


class TestValueThatPositionsExplain:
    """Three contracts of 50 a point: 4,000 points are 600,000."""

    @pytest.fixture
    def evenings(self, desk):
        desk.algorithm.portfolio["AA MAR"] = Holding("AA MAR", 3)
        desk.context.holdings = {(0, MAR): 3}
        desk.strategy.observer.fx = np.ones(1)

        def evening(nav, close):
            desk.strategy.markets.last_quotes = [[[MAR, close]] if close else []]
            value = desk.account.believed(nav)
            if value == value:
                desk.strategy.last_nav = value
            return value

        assert evening(1e6, 6000.0) == 1e6
        return evening

    def test_a_real_loss_is_believed_the_same_evening(self, evenings):
        assert evenings(4e5, 2000.0) == 4e5

    def test_a_loss_that_positions_did_not_make_is_not(self, evenings):
        assert np.isnan(evenings(4e5, 5990.0))

    def test_what_was_made_on_evenings_in_doubt_counts_once_it_is_told(self, evenings):
        assert np.isnan(evenings(1.0, 4000.0))
        assert np.isnan(evenings(float("nan"), 3000.0))
        assert evenings(4e5, 2000.0) == 4e5

    def test_a_market_without_a_bar_made_nothing_yet(self, evenings):
        assert evenings(1e6, None) == 1e6
        assert evenings(4e5, 2000.0) == 4e5

    def test_no_profit_makes_a_negative_value_one(self, evenings):
        assert np.isnan(evenings(-5e5, -4000.0))


@pytest.fixture(scope="module")
def on_the_way(made_up):
    """A strategy that holds contracts, what it holds, and the bars of the next evenings."""
    engine = EmbeddedEngine(made_up, Settings(start="2015-06-01", end="2016-06-30", vol_span=10))
    bars = iter(engine.feed)
    while engine.strategy.day < 16_800 or not engine.ledger.holdings:
        engine.step(next(bars))
    return engine.strategy, dict(engine.ledger.holdings), [next(bars) for _ in range(5)]


@pytest.mark.parametrize("value", [0.0, -1.0, 1e-9, 1.0, float("nan"), -5e5, 0.3])
@pytest.mark.parametrize("known", [True, False], ids=["later", "first evening"])
def test_no_absurd_value_ever_sends_an_order(on_the_way, value, known):
    """From the broker's answer to the orders, evening after evening; 0.3 is of the last NAV."""
    so_far, holdings, evenings = on_the_way
    strategy = copy.deepcopy(so_far)
    if not known:
        strategy.last_nav = 0.0
    elif value == 0.3:
        value = 0.3 * strategy.last_nav
    context = TradingContext(strategy, lambda _: None)
    context.holdings = dict(holdings)
    context.symbols = {key: key for key in context.holdings}
    holding = SimpleNamespace(holdings_value=1e7)
    algorithm = SimpleNamespace(portfolio=dict.fromkeys(context.holdings, holding))
    algorithm.error = algorithm.log = lambda _: None
    account = LiveAccount(algorithm, context)
    before = strategy.scale_named("governor").peak, strategy.last_nav
    for bars in evenings:
        with context.deciding(account.believed(value)) as walk:
            decision = walk.finish()
        assert decision.is_blind
        due = strategy.markets.must_exit
        assert all(due[order.market] for order in decision.orders)
        assert (strategy.scale_named("governor").peak, strategy.last_nav) == before
        strategy.observe(bars.session)
