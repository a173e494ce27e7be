"""The monthly screen of markets."""

import numpy as np

from tests.helpers import instrument
from universe.screen import Screen
from universe.settings import UniverseSettings


def test_wider_spreads_are_judged_and_fees_stay():
    """Four rolls of two trades and five trades a year: 13 half spreads of 0.5 and fees of 0.1."""
    market = instrument("AA", half_spread=0.5, fee=5.0, multiplier=50.0)
    trades = UniverseSettings().cost_trades + 2.0 * len(market.hold_months)
    sigma = np.array([trades / 0.05])  # a Sharpe ratio of 0.05 a price unit of a trade
    alive = np.ones(1, dtype=bool)
    for wider, cost in ((1.0, 0.05 * 0.6), (4.0, 0.05 * 2.1)):
        settings = UniverseSettings(cost_limit=cost * 0.99, cost_limit_out=cost * 0.995)
        screen = Screen.of(["AA"], [market], settings, np.array([2.0]))
        [(_, _, text)] = screen.judge(202001, alive, np.full(1, 9.0), sigma, 1e6, wider)
        assert f"cost {cost:.3f} of its annual volatility" in text
        settings = UniverseSettings(cost_limit=cost * 1.01, cost_limit_out=cost * 1.02)
        screen = Screen.of(["AA"], [market], settings, np.array([2.0]))
        assert not screen.judge(202001, alive, np.full(1, 9.0), sigma, 1e6, np.array([wider]))
        assert not screen.excluded.any()


def test_a_spread_of_two_contracts_costs_twice():
    market = instrument("AA", half_spread=0.5, fee=5.0, multiplier=50.0)
    limit = 0.6 * (UniverseSettings().cost_trades + 2.0 * len(market.hold_months)) / 100.0
    settings = UniverseSettings(cost_limit=1.01 * limit, cost_limit_out=1.01 * limit)
    screen = Screen.of(["AA", "AA spread"], [market], settings, np.array([2.0]))
    alive, annual = np.ones(2, dtype=bool), np.full(2, 100.0)
    screen.judge(202001, alive, np.full(2, 9.0), annual, 1e6)
    assert screen.excluded.tolist() == [False, True]
