"""Fee, slippage and brokerage models of LEAN, on stand-ins."""

from datetime import datetime
from types import SimpleNamespace

import AlgorithmImports as Lean
import numpy as np
import pytest

from algorithm.context import TradingContext
from algorithm.strategy import Strategy
from execution.costs import Conditions, fee, slippage
from execution.lean_brokerage import NextBarBrokerageModel
from execution.lean_costs import CostFeeModel, CostSlippageModel, FuturesInitializer
from tests.helpers import MONDAY, instrument, session, settings
from universe.session import Contract

MAR = 201503


@pytest.fixture
def context():
    market = instrument("AA", fee=2.5, fee_currency="EUR", currency="EUR", adv_contracts=1e4)
    made = TradingContext(Strategy(settings(impact=0.2), [market]), lambda _: None)
    made.list_contract(0, Contract(MAR, 16_500, 16_490), "AA MAR", None)
    return made


def order(number=1, quantity=-40.0):
    return SimpleNamespace(id=number, quantity=quantity)


def test_slippage_is_that_of_volatility_and_stress_at_the_decision(context):
    context.order_conditions[1] = Conditions(3.0, 2.0)
    asset = SimpleNamespace(symbol="AA MAR")
    market = context.strategy.instruments[0]
    expected = slippage(market, -40.0, 3.0, impact=0.2, stress=2.0)
    assert expected > market.half_spread
    model = CostSlippageModel(context)
    assert model.get_slippage_approximation(asset, order()) == pytest.approx(expected)


def test_a_levy_is_of_the_bar_that_the_order_fills_in():
    market = instrument("FESX", fee=2.5, adv_contracts=1e4)
    chosen = settings(other_rules="direction", other_budget=0.1)
    made = TradingContext(Strategy(chosen, [market]), lambda _: None)
    made.list_contract(0, Contract(MAR, 16_500, 16_490), "FESX MAR", None)
    asset = SimpleNamespace(symbol="FESX MAR", open=4000.0)
    model = CostSlippageModel(made)
    found = model.get_slippage_approximation(asset, order())
    assert found == pytest.approx(market.half_spread + 0.6)
    made.reasons[1] = "roll"
    assert model.get_slippage_approximation(asset, order()) == pytest.approx(found - 0.3)


def test_an_order_of_someone_else_pays_half_a_spread_while_nothing_is_known(context):
    model, asset = CostSlippageModel(context), SimpleNamespace(symbol="AA MAR")
    half = context.strategy.instruments[0].half_spread
    assert model.get_slippage_approximation(asset, order(7)) == pytest.approx(half)
    assert model.get_slippage_approximation(SimpleNamespace(symbol="SPY"), order()) == 0.0


def test_fees_are_the_masters_in_their_own_currency(context):
    asked = SimpleNamespace(order=order())
    charged = CostFeeModel(context, 0).get_order_fee(asked).value
    assert (charged.amount, charged.currency) == (100.0, "EUR")
    assert charged.amount == fee(context.strategy.instruments[0], -40.0)


class Security:
    """A security that keeps the models it is given."""

    type = Lean.SecurityType.FUTURE

    def __init__(self, code="AA", kind=Lean.SecurityType.FUTURE):
        self.symbol = Lean.Symbol.create(code, kind, "cme")
        self.type, self.given = kind, {}

    def __getattr__(self, name):
        return lambda model: self.given.__setitem__(name.removeprefix("set_"), model)


@pytest.mark.parametrize("live", [False, True])
def test_who_gets_which_models(context, live):
    algorithm = SimpleNamespace(brokerage_model=None, live_mode=live)
    give = FuturesInitializer(algorithm, context).initialize
    ours, unknown, share = Security(), Security("ZZ"), Security("AA", Lean.SecurityType.EQUITY)
    for security in (ours, unknown, share):
        give(security)
    assert "slippage_model" in ours.given
    assert ("settlement_model" in ours.given) is not live  # LEAN's own counts the rate twice
    assert unknown.given == share.given == {}


def test_the_masters_fees_are_for_backtests_that_ask_for_them(context):
    asking = TradingContext(
        Strategy(settings(fee_model="master"), context.strategy.instruments), lambda _: None
    )
    for live in (False, True):
        algorithm, security = SimpleNamespace(brokerage_model=None, live_mode=live), Security()
        FuturesInitializer(algorithm, asking).initialize(security)
        assert ("fee_model" in security.given) is not live


class TestNextBar:
    """An order is looked at once its contract has had a bar."""

    @pytest.fixture
    def model(self, context):
        context.sent_after[1] = 10
        return NextBarBrokerageModel(context)

    @pytest.mark.parametrize(("last", "may"), [(9, False), (10, False), (11, True), (None, True)])
    def test_after_a_bar(self, model, last, may):
        bar = None if last is None else SimpleNamespace(end_time=last)
        security = SimpleNamespace(symbol="AA MAR", get_last_data=lambda: bar)
        assert model.can_execute_order(security, order(1)) is may

    def test_an_order_of_someone_else_is_not_held_back(self, model):
        assert model.can_execute_order(None, order(99))

    def test_nothing_fills_while_orders_are_sent(self, model, context):
        with context.sending_orders():
            assert not model.can_execute_order(None, order(99))

    def test_a_bar_that_the_gate_holds_back_fills_nothing(self, context):
        """The next one may, at its own price."""
        strategy, day = context.strategy, MONDAY
        rng = np.random.default_rng(3)
        for close in 100.0 + np.cumsum(0.2 * rng.standard_normal(60)):
            strategy.observe(session(day, {MAR: float(close)}, mapped=[MAR]))
            day += 1 if (day + 3) % 7 < 4 else 3
        bars = [
            SimpleNamespace(end_time=datetime(2015, 1, 5 + k), open=p, close=p)  # noqa: DTZ001
            for k, p in enumerate((float(close), 300.0, float(close) + 0.1))
        ]
        now = {}
        security = SimpleNamespace(symbol="AA MAR", get_last_data=lambda: now["bar"])
        context.securities[(0, MAR)] = security
        context.sent_after[1] = bars[0].end_time
        model = NextBarBrokerageModel(context)
        allowed = []
        for bar in (bars[0], bars[1], bars[1], bars[2]):
            now["bar"] = bar
            allowed.append(model.can_execute_order(security, order(1)))
        assert allowed == [False, False, False, True]
