"""The monthly screen of markets."""

import re

import numpy as np
import pytest

from algorithm.settings import Settings
from execution.costs import slippage, spread_slippage
from execution.planner import Planner
from tests.helpers import instrument
from universe.arrays import TRADING_DAYS, FloatArray
from universe.cost_screen import YearlyImpact
from universe.instruments import Instrument
from universe.screen import Screen

BOTH_LEGS = np.array([2.0])


def screen_of(
    market: Instrument,
    rules: Settings,
    names: tuple[str, ...] = ("AA",),
    trades_per_roll: FloatArray = BOTH_LEGS,
    impacts_per_roll: FloatArray = BOTH_LEGS,
) -> Screen:
    impact = YearlyImpact.create(
        [market],
        len(names),
        impacts_per_roll,
        alpha=rules.impact,
        trades=rules.cost_trades,
        roll_sessions=rules.roll_sessions,
        trade_part=rules.buffer,
    )
    return Screen.of(list(names), [market], rules, trades_per_roll, impact)


def settings(limit: float, leave: float | None = None, **changes: object) -> Settings:
    out = limit if leave is None else leave
    return Settings(**{"cost_limit": limit, "cost_limit_out": out, "impact": 0.0} | changes)  # type: ignore[arg-type]


def said_cost(screen: Screen, average: float, sigma: float, **now: object) -> float:
    """Yearly cost over annual volatility that the screen of a market names, which must be dear."""
    there = np.ones(1, dtype=bool)
    told = screen.judge(202001, there, np.array([average]), np.array([sigma]), 1e6, **now)  # type: ignore[arg-type]
    found = re.search(r"cost ([\d.]+) of its annual volatility", told[0][2])
    assert found is not None
    return float(found[1])


def test_wider_spreads_are_judged_and_fees_stay():
    """Four rolls of two trades and five trades a year: 13 half spreads of 0.5 and fees of 0.1."""
    market = instrument("AA", half_spread=0.5, fee=5.0, multiplier=50.0)
    trades = Settings().cost_trades + 2.0 * len(market.hold_months)
    sigma = np.array([trades / 0.05])  # a Sharpe ratio of 0.05 a price unit of a trade
    alive = np.ones(1, dtype=bool)
    for wider, cost in ((1.0, 0.05 * 0.6), (4.0, 0.05 * 2.1)):
        limits = settings(cost * 0.99, cost * 0.995)
        screen = screen_of(market, limits)
        [(_, _, text)] = screen.judge(202001, alive, np.full(1, 9.0), sigma, 1e6, wider=wider)
        assert f"cost {cost:.3f} of its annual volatility" in text
        screen = screen_of(market, settings(cost * 1.01, cost * 1.02))
        stress = np.array([wider])
        assert not screen.judge(202001, alive, np.full(1, 9.0), sigma, 1e6, stress=stress)
        assert not screen.excluded.any()


def test_a_spread_of_two_contracts_costs_twice():
    market = instrument("AA", half_spread=0.5, fee=5.0, multiplier=50.0)
    limit = 0.6 * (Settings().cost_trades + 2.0 * len(market.hold_months)) / 100.0
    screen = screen_of(market, settings(1.01 * limit), ("AA", "AA spread"))
    alive, annual = np.ones(2, dtype=bool), np.full(2, 100.0)
    screen.judge(202001, alive, np.full(2, 9.0), annual, 1e6)
    assert screen.excluded.tolist() == [False, True]


@pytest.mark.parametrize("roll_orders", ["legs", "spread"])
@pytest.mark.parametrize("volumes", [1.0, 4.0])
def test_it_judges_what_orders_pay(roll_orders, volumes):
    """The orders of a year one by one: rolls in two sessions each, trades of a fifth."""
    market = instrument(
        "AA", half_spread=0.5, fee=5.0, multiplier=50.0, adv_contracts=500.0, spread_listed=True
    )
    rules = settings(0.0, roll_orders=roll_orders, roll_sessions=2, impact=0.1, buffer=0.2)
    average, sigma, stress = 40.0, 300.0, 1.5
    daily = sigma / np.sqrt(TRADING_DAYS) / np.sqrt(volumes)  # as volumes that grow are counted
    orders = [8.0] * 25, [20.0] * 2 * 2 * len(market.hold_months)
    rolled = slippage if roll_orders == "legs" else spread_slippage
    paid = sum(q * slippage(market, q, daily, impact=0.1, stress=stress) for q in orders[0])
    paid += sum(q * rolled(market, q, daily, impact=0.1, stress=stress) for q in orders[1])
    fees = market.fee / market.multiplier * sum(map(sum, orders))

    planner = Planner([market], rules)
    rolls = planner.trades_per_roll(), planner.impacts_per_roll()
    screen = screen_of(market, rules, ("AA",), *rolls)
    cost = said_cost(screen, average, sigma, stress=stress, volumes=volumes)
    assert cost == pytest.approx((paid + fees) / average / sigma, abs=5.1e-4)


def test_a_larger_fund_finds_a_thin_market_too_dear():
    market = instrument("AA", half_spread=0.001, fee=0.0, adv_contracts=100.0)
    rules = settings(0.06, 0.075, impact=0.1)
    alive, sigma = np.ones(1, dtype=bool), np.array([20.0])
    out = {}
    for average in (1.0, 10.0, 100.0):
        screen = screen_of(market, rules)
        screen.judge(202001, alive, np.array([average]), sigma, 1e6)
        out[average] = bool(screen.excluded[0])
    assert out == {1.0: False, 10.0: False, 100.0: True}
