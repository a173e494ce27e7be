"""Targets that LEAN's models hand on, and what LEAN keeps of the earlier ones."""

import copy

import numpy as np
import pytest

from algorithm.context import TradingContext
from algorithm.strategy import Strategy
from execution.orders import plan_orders
from tests.helpers import MONDAY, instrument, session, settings
from universe.master import MASTER
from universe.session import Contract

MAR, JUN, SEP = 201503, 201506, 201509
ONE_AND_ONE = np.array([5, 1])


@pytest.fixture
def context():
    """One market held in March with a spread of March against June, all contracts subscribed."""
    strategy = Strategy(settings(carry_rules="calendar"), [instrument("AA")])
    strategy.markets.held[:] = MAR
    strategy.assets.spreads.near[:], strategy.assets.spreads.far[:] = MAR, JUN
    strategy.observe(session(MONDAY, {}))
    made = TradingContext(strategy, lambda _: None)
    for month in (MAR, JUN, SEP):
        made.list_contract(0, Contract(month, 20_000 + month, 19_999 + month), str(month), None)
    return made


def pair(symbol, quantity):
    return symbol, quantity


def final(context, *stages):
    """What LEAN executes: targets of construction, each risk model's overrides in front of them."""
    kept = dict(context.portfolio_targets(stages[0], pair))
    for contracts in stages[1:]:
        kept |= dict(context.portfolio_targets(contracts, pair, {0}))
    return {symbol: n for symbol, n in kept.items()}


def orders(context, targets):
    wanted = {int(symbol): n for symbol, n in targets.items()}
    return [
        (order.month, order.quantity)
        for order in plan_orders({0: wanted} if wanted else {}, context.holdings, {})
    ]


def test_construction_names_both_legs(context):
    context.holdings = {(0, MAR): 5}
    assert final(context, ONE_AND_ONE) == {str(MAR): 6, str(JUN): -1}


def test_a_spread_that_risk_cuts_to_nothing_sends_no_leg(context):
    context.holdings = {(0, MAR): 5}
    left = final(context, ONE_AND_ONE, np.array([5, 0]))
    assert left[str(JUN)] == 0
    assert orders(context, left) == []


def test_also_when_a_second_risk_model_cuts_it(context):
    context.holdings = {(0, MAR): 5}
    left = final(context, np.array([9, 2]), np.array([7, 1]), np.array([5, 0]))
    assert orders(context, left) == []


def test_cut_in_half_both_legs_follow(context):
    context.holdings = {(0, MAR): 12, (0, JUN): -2}
    left = final(context, np.array([10, 4]), np.array([5, 2]))
    assert orders(context, left) == [(MAR, -5)]


def test_a_leg_without_a_symbol_leaves_the_whole_spread_out(context):
    context.symbols.pop((0, JUN))
    assert final(context, ONE_AND_ONE) == {str(MAR): 5}


def test_a_contract_that_is_subscribed_late_is_asked_for(context):
    broker = {str(MAR): 1, str(SEP): -1}
    late = copy.copy(context.symbols)
    context.symbols.pop((0, SEP))
    context.read_account(lambda symbol: broker.get(symbol, 0), [])
    assert context.holdings == {(0, MAR): 1}
    contract = Contract(SEP, 20_000 + SEP, 19_999 + SEP)
    context.list_contract(0, contract, late[(0, SEP)], None)
    context.read_account(lambda symbol: broker.get(symbol, 0), [])
    assert context.holdings == {(0, MAR): 1, (0, SEP): -1}


class TestBothSizes:
    """A market that is filled with a full-size and a small contract."""

    @pytest.fixture
    def context(self):
        strategy = Strategy(settings(contract_sizes=True), [MASTER["ES"], MASTER["ZN"]])
        strategy.markets.held[:] = MAR
        strategy.observe(session(MONDAY, {}, {}))
        made = TradingContext(strategy, lambda _: None)
        for line, code in enumerate(strategy.lines.codes):
            for month in (MAR, JUN):
                contract = Contract(month, 20_000 + month, 19_999 + month)
                made.list_contract(line, contract, f"{code} {month}", None)
        return made

    def test_targets_are_of_either_contract(self, context):
        found = dict(context.portfolio_targets(np.array([37, -2]), pair))
        assert found == {f"ES {MAR}": 3, f"MES {MAR}": 7, f"ZN {MAR}": -2}

    def test_what_is_held_counts_together(self, context):
        context.holdings = {(0, MAR): 3, (2, MAR): 7, (1, MAR): -2}
        assert context.held_assets().tolist() == [37, -2]
        assert context.portfolio_targets(np.array([37, -2]), pair) == []
        assert dict(context.portfolio_targets(np.array([36, -2]), pair)) == {f"MES {MAR}": 6}

    def test_a_risk_model_overrides_both(self, context):
        context.portfolio_targets(np.array([37, -2]), pair)
        found = dict(context.portfolio_targets(np.array([20, -2]), pair, {0}))
        assert found == {f"ES {MAR}": 2, f"MES {MAR}": 0}

    def test_without_the_small_chain_the_own_contract_is_left(self, context):
        del context.symbols[2, MAR]
        assert dict(context.portfolio_targets(np.array([37, 0]), pair)) == {f"ES {MAR}": 4}

    def test_only_the_market_has_data(self, context):
        context.begin(MONDAY + 1)
        assert len(context.quotes) == 2
        assert len(context.strategy.markets.contracts) == 2
