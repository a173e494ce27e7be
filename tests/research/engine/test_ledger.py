import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.orders import Order, Withdrawal, net_of, plan_orders, plan_withdrawals
from research.engine.ledger import Ledger
from tests.helpers import instrument

ES = instrument("ES", multiplier=50.0, half_spread=0.125, fee=2.0, adv_contracts=10_000.0)
FDAX = instrument(
    "FDAX",
    multiplier=25.0,
    half_spread=0.5,
    fee=1.5,
    currency="EUR",
    fee_currency="EUR",
    adv_contracts=10_000.0,
)
NK = instrument("NK", multiplier=5.0, half_spread=5.0, fee=3.0, currency="JPY", adv_contracts=1e4)
MAR, JUN = 202003, 202006
EXPIRY = [{MAR: 100, JUN: 190}] * 3


def ledger(*instruments, cash=1e6, impact=0.0, stress=1.0):
    return Ledger(list(instruments or (ES,)), cash, impact=impact, stress=stress)


class Gate:
    """Lets every bar pass except those of the given (market, month)."""

    def __init__(self, *doubted, usual=0.0):
        self.doubted, self.usual = set(doubted), [usual] * 3

    def passes(self, market, month, opened):
        return (market, month) not in self.doubted


def trade(book, day, closes, *, opens=None, fx=None, gate=None, rolling=()):
    rates = np.ones(len(closes)) if fx is None else np.array(fx, dtype=float)
    table = opens or closes

    def open_of(market, month):
        return table[market].get(month)

    return book.trade_session(day, open_of, closes, rates, EXPIRY, gate or Gate(), rolling)


def nav(book, *fx, instruments=(ES,)):
    rates = np.array(fx or [1.0])
    named = {i.currency: float(rate) for i, rate in zip(instruments, rates, strict=True)}
    return book.nav({"USD": 1.0} | named, rates)


class TestHandMadeDay:
    def test_in_dollars(self):
        """Bought 10 at an open of 3000 with a half spread of 0.125; closes at 3004, then 2999."""
        account = ledger()
        account.submit([Order(0, MAR, 10, "rebalance")], np.array([30.0]))
        assert nav(account) == 1e6
        book = trade(account, 1, [{MAR: 3004.0}], opens=[{MAR: 3000.0}])
        assert book.pnl.tolist() == [10 * 50 * 4.0]
        assert book.cost.tolist() == [10 * 50 * 0.125 + 10 * 2.0]
        assert book.roll_cost.tolist() == [0.0]
        (fill,) = book.fills
        assert (fill.market, fill.month, fill.quantity, fill.price) == ("ES", MAR, 10, 3000.125)
        assert (fill.slippage, fill.fee, fill.reason) == (62.5, 20.0, "rebalance")
        assert nav(account) == 1e6 + 2000 - 62.5 - 20 - 20  # the last 20: fees of closing
        book = trade(account, 2, [{MAR: 2999.0}])
        assert book.pnl.tolist() == [10 * 50 * -5.0]
        assert nav(account) == 1e6 - 500 - 62.5 - 20 - 20

    def test_impact_uses_the_volatility_at_the_decision(self):
        """100 of 10,000 contracts: 0.1 x 30 points x 0.1 = 0.3 on top of the spread."""
        account = ledger(impact=0.1)
        account.submit([Order(0, MAR, -100, "rebalance")], np.array([30.0]))
        (fill,) = trade(account, 1, [{MAR: 3000.0}]).fills
        assert fill.price == pytest.approx(3000 - 0.425)
        assert fill.slippage == pytest.approx(100 * 50 * 0.425)

    def test_stress_multiplies_the_slippage_not_the_fee(self):
        account = ledger(stress=4.0)
        account.submit([Order(0, MAR, 1, "rebalance")], np.array([30.0]))
        (fill,) = trade(account, 1, [{MAR: 3000.0}]).fills
        assert (fill.slippage, fill.fee) == (25.0, 2.0)

    def test_stress_of_a_market_is_that_of_the_decision(self):
        account = ledger(stress=2.0)
        at = np.array([30.0])
        account.submit([Order(0, MAR, 1, "rebalance")], at, None, np.array([3.0]))
        assert trade(account, 1, [{MAR: 3000.0}]).fills[0].slippage == pytest.approx(50 * 6 * 0.125)
        account.submit([Order(0, MAR, 1, "rebalance")], at)
        assert trade(account, 2, [{MAR: 3000.0}]).fills[0].slippage == pytest.approx(50 * 2 * 0.125)

    def test_a_levy_is_paid_with_the_slippage(self):
        """1.5 bp of 3000 is 0.45 a contract and point, half of it on a leg of a roll (004)."""
        for reason, levy in (("rebalance", 0.45), ("roll", 0.225)):
            account = Ledger([ES], 1e6, impact=0.0, stress=1.0, levy={"ES": 0.00015})
            account.submit([Order(0, MAR, 1, reason)], np.array([30.0]))
            (fill,) = trade(account, 1, [{MAR: 3000.0}]).fills
            assert fill.slippage == pytest.approx(50 * (0.125 + levy))

    def test_in_euros(self):
        """Profit and fees are euros; the cash balance is revalued at each day's rate."""
        account = ledger(FDAX)
        account.submit([Order(0, MAR, 2, "rebalance")], np.array([100.0]))
        book = trade(account, 1, [{MAR: 12_010.0}], opens=[{MAR: 12_000.0}], fx=[1.2])
        assert book.pnl[0] == pytest.approx(2 * 25 * 10 * 1.2)
        assert book.cost[0] == pytest.approx((2 * 25 * 0.5 + 3.0) * 1.2)
        assert account.balance == {"USD": 1e6, "EUR": 500 - 25 - 3}
        assert nav(account, 1.2, instruments=[FDAX]) == pytest.approx(1e6 + (472 - 3) * 1.2)
        assert nav(account, 1.3, instruments=[FDAX]) == pytest.approx(1e6 + (472 - 3) * 1.3)

    def test_a_dollar_fee_on_a_yen_contract(self):
        account = ledger(NK)
        account.submit([Order(0, MAR, 4, "rebalance")], np.array([100.0]))
        book = trade(account, 1, [{MAR: 30_100.0}], opens=[{MAR: 30_000.0}], fx=[0.01])
        assert book.cost[0] == pytest.approx(4 * 5 * 5 * 0.01 + 12.0)
        assert account.balance == {"USD": 1e6 - 12.0, "JPY": 4 * 5 * 100 - 4 * 5 * 5}
        assert nav(account, 0.01, instruments=[NK]) == pytest.approx(1e6 - 12 + 19.0 - 12)

    def test_reversing_a_position(self):
        account = ledger()
        for day, quantity in ((1, 3), (2, -5)):
            account.submit([Order(0, MAR, quantity, "rebalance")], np.array([0.0]))
            trade(account, day, [{MAR: 3000.0}])
        assert account.holdings == {(0, MAR): -2}
        book = trade(account, 3, [{MAR: 2990.0}])
        assert book.pnl.tolist() == [1000.0]

    def test_a_closed_position_leaves_nothing_behind(self):
        account = ledger()
        for day, quantity in ((1, 3), (2, -3)):
            account.submit([Order(0, MAR, quantity, "rebalance")], np.array([0.0]))
            trade(account, day, [{MAR: 3000.0}])
        assert account.holdings == {}
        assert account.mark == {}
        assert account.pending() == {}
        assert nav(account) == 1e6 - 2 * 3 * (50 * 0.125 + 2)

    def test_rolls_are_costed_apart(self):
        account = ledger()
        account.submit([Order(0, MAR, 10, "rebalance")], np.array([0.0]))
        trade(account, 1, [{MAR: 3000.0, JUN: 2990.0}])
        account.submit([Order(0, MAR, -10, "roll"), Order(0, JUN, 10, "roll")], np.array([0.0]))
        book = trade(account, 2, [{MAR: 3000.0, JUN: 2990.0}])
        assert book.roll_cost.tolist() == book.cost.tolist() == [2 * 10 * (50 * 0.125 + 2.0)]
        assert account.holdings == {(0, JUN): 10}


class TestWithdrawals:
    def test_an_order_that_is_withdrawn_does_not_fill(self):
        account = ledger()
        account.submit([Order(0, MAR, 10, "rebalance")], np.zeros(1))
        trade(account, 1, [{JUN: 2990.0}])
        targets = {0: {MAR: -10}}
        gone = plan_withdrawals(targets, account.holdings, account.pending())
        orders = plan_orders(targets, account.holdings, account.pending())
        assert orders == [Order(0, MAR, -10, "rebalance")]
        account.withdraw(gone)
        account.submit(orders, np.zeros(1))
        book = trade(account, 2, BOTH)
        assert account.holdings == {(0, MAR): -10}
        assert [fill.quantity for fill in book.fills] == [-10]

    def test_only_the_side_that_is_named_is_taken_back(self):
        account = ledger()
        orders = [Order(0, MAR, 10, ""), Order(0, MAR, -4, ""), Order(0, JUN, 3, "")]
        account.submit(orders, np.zeros(1))
        assert account.pending() == {(0, MAR): (10, -4), (0, JUN): 3}
        account.withdraw([Withdrawal(0, MAR, 1)])
        assert account.pending() == {(0, MAR): -4, (0, JUN): 3}

    @given(st.lists(st.tuples(st.integers(-9, 9), st.booleans()), min_size=1, max_size=8))
    def test_a_position_stays_between_where_it_was_and_its_targets(self, evenings):
        account, low, high = ledger(), 0, 0
        for day, (target, quoted) in enumerate([*evenings, (5, True), (5, True)], 1):
            trade(account, day, BOTH if quoted else [{JUN: 2990.0}])
            held = account.holdings.get((0, MAR), 0)
            assert low <= held <= high
            low, high = min(held, target), max(held, target)
            targets = {0: {MAR: target}}
            gone = plan_withdrawals(targets, account.holdings, account.pending())
            orders = plan_orders(targets, account.holdings, account.pending())
            account.withdraw(gone)
            account.submit(orders, np.zeros(1))
            assert low <= held + net_of(account.pending().get((0, MAR), 0)) <= high
        trade(account, day + 1, BOTH)
        assert account.holdings == {(0, MAR): 5}


BOTH = [{MAR: 3000.0, JUN: 2990.0}]


class TestFailedRollLeg:
    """One leg of a roll is filled, the other refused: the next plan orders what is missing."""

    def rolled(self, quantity, accepted):
        """Account after a roll from March to June of which only some orders were accepted."""
        account = ledger()
        account.submit([Order(0, MAR, quantity, "rebalance")], np.zeros(1))
        trade(account, 1, BOTH)
        orders = plan_orders({0: {JUN: quantity}}, account.holdings, account.pending())
        assert [(o.month, o.quantity) for o in orders] == [(MAR, -quantity), (JUN, quantity)]
        account.submit([o for o in orders if accepted(o)], np.zeros(1))
        trade(account, 2, BOTH)
        return account

    @pytest.mark.parametrize("quantity", [7, -7])
    @pytest.mark.parametrize("refused", [MAR, JUN])
    def test_only_the_refused_leg_is_ordered_again(self, quantity, refused):
        account = self.rolled(quantity, lambda order: order.month != refused)
        orders = plan_orders({0: {JUN: quantity}}, account.holdings, account.pending())
        missing = -quantity if refused == MAR else quantity
        assert [(o.month, o.quantity) for o in orders] == [(refused, missing)]
        account.submit(orders, np.zeros(1))
        trade(account, 3, BOTH)
        assert account.holdings == {(0, JUN): quantity}
        assert plan_orders({0: {JUN: quantity}}, account.holdings, account.pending()) == []

    def test_a_leg_that_still_waits_is_not_ordered_again(self):
        account = self.rolled(5, lambda order: order.month == JUN)
        account.submit([Order(0, MAR, -5, "roll")], np.zeros(1))
        trade(account, 3, [{JUN: 2990.0}])  # March has no bar
        assert account.pending() == {(0, MAR): -5}
        assert plan_orders({0: {JUN: 5}}, account.holdings, account.pending()) == []

    @given(st.integers(0, 10**6), st.integers(-9, 9).filter(bool))
    def test_no_leg_ever_overshoots_whatever_is_refused(self, seed, quantity):
        rng = np.random.default_rng(seed)
        account = self.rolled(quantity, lambda order: rng.random() < 0.5)
        for day in range(3, 12):
            for (_, month), held in account.holdings.items():
                assert month in (MAR, JUN)
                assert 0 < held * np.sign(quantity) <= abs(quantity)
            orders = plan_orders({0: {JUN: quantity}}, account.holdings, account.pending())
            parts = [(o, int(rng.integers(0, abs(o.quantity) + 1))) for o in orders if day < 10]
            filled = [
                Order(0, o.month, n * int(np.sign(o.quantity)), o.reason) for o, n in parts if n
            ]
            account.submit(filled if day < 10 else orders, np.zeros(1))
            quotes = {m: p for m, p in BOTH[0].items() if day >= 10 or rng.random() < 0.7}
            trade(account, day, [quotes])
        assert account.holdings == {(0, JUN): quantity}


class TestWaiting:
    def test_an_order_waits_for_the_next_bar_of_its_contract(self):
        account = ledger()
        account.submit([Order(0, MAR, 10, "rebalance")], np.array([0.0]))
        assert trade(account, 1, [{}]).fills == []
        assert trade(account, 2, [{JUN: 2990.0}]).fills == []
        (fill,) = trade(account, 3, [{MAR: 3000.0}]).fills
        assert fill.epoch_day == 3
        assert trade(account, 4, [{MAR: 3000.0}]).fills == []

    def test_orders_stay_apart_and_what_is_on_its_way_adds_up(self):
        account = ledger(impact=0.1)
        for quantity, sigma in ((100, 30.0), (-25, 60.0)):
            account.submit([Order(0, MAR, quantity, "rebalance")], np.array([sigma]))
        assert account.pending() == {(0, MAR): (100, -25)}
        fills = trade(account, 1, [{MAR: 3000.0}]).fills
        assert [fill.quantity for fill in fills] == [100, -25]
        assert [fill.price for fill in fills] == pytest.approx([3000.425, 2999.575])
        assert account.holdings == {(0, MAR): 75}
        assert account.pending() == {}

    def test_only_the_contract_with_a_bar_is_filled(self):
        account = ledger()
        account.submit([Order(0, MAR, 1, "roll"), Order(0, JUN, 2, "roll")], np.array([0.0]))
        (fill,) = trade(account, 1, [{JUN: 3000.0}]).fills
        assert fill.month == JUN
        assert account.pending() == {(0, MAR): 1}

    def test_an_order_of_an_expired_contract_is_dropped(self):
        account = ledger()
        account.submit([Order(0, MAR, 10, "rebalance")], np.array([0.0]))
        assert trade(account, 101, [{}]).fills == []
        assert account.pending() == {}

    def test_an_order_is_not_filled_on_a_bar_after_the_expiry(self):
        account = ledger()
        account.submit([Order(0, MAR, 10, "rebalance")], np.array([0.0]))
        assert trade(account, 101, [{MAR: 3000.0}]).fills == []
        assert account.holdings == {}

    def test_a_position_without_a_bar_keeps_its_mark(self):
        account = ledger()
        account.submit([Order(0, MAR, 1, "rebalance")], np.array([0.0]))
        trade(account, 1, [{MAR: 3000.0}])
        before = nav(account)
        assert trade(account, 2, [{}]).pnl.tolist() == [0.0]
        assert nav(account) == before
        assert trade(account, 3, [{MAR: 3010.0}]).pnl.tolist() == [500.0]


class TestExpiry:
    def test_a_position_still_held_is_closed_at_the_last_price_and_pays_like_any_other(self):
        """7 at a concession of 0.125 + 0.1 x 30 x sqrt(7 / 10,000) points and 2 dollars each."""
        account = ledger(impact=0.1)
        account.submit([Order(0, MAR, -7, "rebalance")], np.array([30.0]))
        trade(account, 99, [{MAR: 3000.0}])
        trade(account, 100, [{MAR: 2990.0}])
        balance = account.balance["USD"]
        account.submit([], np.array([30.0]))
        book = trade(account, 101, [{}])
        (fill,) = book.fills
        concession = 0.125 + 3.0 * np.sqrt(7e-4)
        assert (fill.quantity, fill.reason) == (7, "expiry")
        assert fill.price == pytest.approx(2990.0 + concession)
        assert (fill.slippage, fill.fee) == (pytest.approx(7 * 50 * concession), 14.0)
        assert book.cost.tolist() == [pytest.approx(7 * 50 * concession + 14.0)]
        assert book.pnl.tolist() == [0.0]
        assert account.holdings == account.mark == {}
        assert account.balance["USD"] == pytest.approx(balance - book.cost[0])

    def test_bars_after_the_expiry_do_not_count(self):
        account = ledger()
        account.submit([Order(0, MAR, 1, "rebalance")], np.array([0.0]))
        trade(account, 100, [{MAR: 3000.0}])
        book = trade(account, 101, [{MAR: 9999.0}])
        assert book.pnl.tolist() == [0.0]
        assert account.holdings == {}


class TestDoubtedBars:
    BAD = Gate((0, MAR))

    def test_an_order_waits_for_a_bar_that_passes(self):
        account = ledger()
        account.submit([Order(0, MAR, 10, "rebalance")], np.array([0.0]))
        assert trade(account, 1, [{MAR: 300_000.0}], gate=self.BAD).fills == []
        assert account.pending() == {(0, MAR): 10}
        assert nav(account) == 1e6
        (fill,) = trade(account, 2, [{MAR: 3001.0}], opens=[{MAR: 3000.0}]).fills
        assert fill.price == 3000.125

    def test_a_mark_waits_too_and_the_next_one_spans_both_sessions(self):
        account = ledger()
        account.submit([Order(0, MAR, 10, "rebalance")], np.array([0.0]))
        trade(account, 1, [{MAR: 3000.0}])
        before = nav(account)
        assert trade(account, 2, [{MAR: 30.0}], gate=self.BAD).pnl.tolist() == [0.0]
        assert nav(account) == before
        assert trade(account, 3, [{MAR: 3002.0}]).pnl.tolist() == [1000.0]

    def test_the_other_leg_of_a_roll_goes_on(self):
        account = ledger()
        account.submit([Order(0, MAR, 10, "rebalance")], np.array([0.0]))
        trade(account, 1, [{MAR: 3000.0, JUN: 3010.0}])
        account.submit([Order(0, MAR, -10, "roll"), Order(0, JUN, 10, "roll")], np.array([0.0]))
        book = trade(account, 2, [{MAR: 3e5, JUN: 3011.0}], gate=self.BAD)
        assert [fill.month for fill in book.fills] == [JUN]
        assert account.pending() == {(0, MAR): -10}

    def test_one_that_expires_in_doubt_is_closed_at_the_last_trusted_price(self):
        account = ledger()
        account.submit([Order(0, MAR, 1, "rebalance")], np.array([0.0]))
        trade(account, 99, [{MAR: 3000.0}])
        trade(account, 100, [{MAR: 3e5}], gate=self.BAD)
        (fill,) = trade(account, 101, [{}]).fills
        assert fill.price == 3000.0 - 0.125

    def test_a_usual_move_is_not_asked_about(self):
        account = ledger()
        account.submit([Order(0, MAR, 1, "rebalance")], np.array([0.0]))
        trade(account, 1, [{MAR: 3000.0}])
        book = trade(account, 2, [{MAR: 3010.0}], gate=Gate((0, MAR), usual=10.0))
        assert book.pnl.tolist() == [500.0]


class TestEstimatedRolls:
    def test_a_market_without_contracts_pays_both_sides_and_keeps_its_position(self):
        account = ledger()
        account.submit([Order(0, MAR, -7, "rebalance")], np.array([0.0]))
        trade(account, 1, [{MAR: 3000.0}])
        before, balance = nav(account), account.balance["USD"]
        book = trade(account, 2, [{MAR: 3000.0}], rolling=[0])
        cost = 2 * 7 * (50 * 0.125 + 2.0)
        assert book.roll_cost.tolist() == book.cost.tolist() == [cost]
        assert [(f.quantity, f.price, f.reason) for f in book.fills] == [
            (7, 3000.125, "roll"),
            (-7, 2999.875, "roll"),
        ]
        assert account.holdings == {(0, MAR): -7}
        assert (nav(account), account.balance["USD"]) == (before - cost, balance - cost)

    def test_a_flat_market_pays_nothing(self):
        account = ledger()
        assert trade(account, 1, [{MAR: 3000.0}], rolling=[0]).cost.tolist() == [0.0]


class TestNavIdentity:
    @given(st.integers(0, 10**6))
    def test_nav_changes_by_profit_less_cost_plus_fx_less_closing_fees(self, seed):
        rng = np.random.default_rng(seed)
        account = ledger(ES, FDAX, NK, impact=0.2, stress=1.5)
        fx = np.array([1.0, 1.2, 0.009])
        price = np.array([3000.0, 12_000.0, 30_000.0])
        before = nav(account, *fx, instruments=(ES, FDAX, NK))
        for day in range(80, 110):  # the contract of March ends in between
            balances = dict(account.balance)
            fees = account.closing_fees(fx)
            last = fx
            fx = fx * (1 + 0.01 * rng.standard_normal(3) * [0, 1, 1])
            price = price * (1 + 0.01 * rng.standard_normal(3))
            closes = [
                {m: p + k for k, m in enumerate((MAR, JUN)) if rng.random() < 0.8} for p in price
            ]
            opens = [{m: p - rng.normal(0, 2) for m, p in quotes.items()} for quotes in closes]
            book = trade(account, day, closes, opens=opens, fx=fx)
            now = nav(account, *fx, instruments=(ES, FDAX, NK))
            revalued = sum(
                balances.get(i.currency, 0.0) * (fx[k] - last[k])
                for k, i in enumerate((ES, FDAX, NK))
                if i.currency != "USD"
            )
            expected = (
                book.pnl.sum() - book.cost.sum() + revalued - (account.closing_fees(fx) - fees)
            )
            assert now - before == pytest.approx(expected, abs=1e-6)
            before = now
            account.submit(
                [
                    Order(int(rng.integers(3)), m, int(rng.integers(1, 9)) * s, "rebalance")
                    for m, s in ((MAR, 1), (JUN, -1))
                ],
                rng.uniform(0, 50, 3),
            )

    @given(st.integers(0, 10**6))
    def test_holdings_are_the_sum_of_the_fills(self, seed):
        rng = np.random.default_rng(seed)
        account, total = ledger(ES, FDAX), {}
        for day in range(90, 105):
            quotes = [{m: 100.0 for m in (MAR, JUN) if rng.random() < 0.7} for _ in range(2)]
            for fill in trade(account, day, quotes).fills:
                key = (["ES", "FDAX"].index(fill.market), fill.month)
                total[key] = total.get(key, 0) + fill.quantity
            assert account.holdings == {key: n for key, n in total.items() if n}
            assert (0, MAR) not in account.holdings or day <= 100
            market, month = int(rng.integers(2)), (MAR, JUN)[int(rng.integers(2))]
            order = Order(market, month, int(rng.integers(-5, 6)), "rebalance")
            account.submit([order], np.zeros(2))


class TestCalendarSpreads:
    """Two legs that fill together or not at all."""

    LEGS = (Order(0, MAR, -10, "roll spread", 1), Order(0, JUN, 10, "roll spread", 1))

    def test_each_leg_pays_half_of_what_it_pays_outright(self):
        account = ledger()
        account.submit(list(self.LEGS), np.array([0.0]))
        book = trade(account, 1, [{MAR: 3000.0, JUN: 2990.0}])
        assert book.roll_cost.tolist() == book.cost.tolist() == [10 * (50 * 0.125 + 2 * 2.0)]
        assert [fill.outright for fill in book.fills] == [10 * 50 * 0.125] * 2
        assert [fill.price for fill in book.fills] == [2999.9375, 2990.0625]
        assert account.holdings == {(0, MAR): -10, (0, JUN): 10}

    @pytest.mark.parametrize("gate", [Gate(), Gate((0, MAR))])
    def test_both_wait_for_a_session_in_which_both_may_fill(self, gate):
        account = ledger()
        account.submit(list(self.LEGS), np.array([0.0]))
        quotes = {JUN: 2990.0} if not gate.doubted else {JUN: 2990.0, MAR: 3000.0}
        assert trade(account, 1, [quotes], gate=gate).fills == []
        assert account.pending_spreads() == {(0, MAR), (0, JUN)}
        book = trade(account, 2, [{MAR: 3000.0, JUN: 2990.0}])
        assert [fill.quantity for fill in book.fills] == [-10, 10]
        assert account.pending_spreads() == frozenset()

    def test_spreads_of_two_evenings_do_not_wait_for_each_other(self):
        account = ledger(ES, ES)
        account.submit(
            [Order(1, MAR, -1, "roll spread", 1), Order(1, JUN, 1, "roll spread", 1)], np.zeros(2)
        )
        account.submit(list(self.LEGS), np.zeros(2))
        book = trade(account, 1, [{MAR: 3000.0, JUN: 2990.0}, {MAR: 3000.0}])
        assert [fill.quantity for fill in book.fills] == [-10, 10]

    def test_one_leg_withdrawn_takes_the_other_with_it(self):
        account = ledger()
        account.submit([*self.LEGS, Order(0, JUN, 3, "rebalance")], np.array([0.0]))
        account.withdraw([Withdrawal(0, MAR, -1)])
        assert account.pending() == {(0, JUN): 3}
