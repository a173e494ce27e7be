"""Speeds of rules that are too dear for a market: left out, the rest combined anew."""

from types import SimpleNamespace

import numpy as np
import pytest

from alpha.rules.ewmac import EwmacRule
from alpha.rules.rule import Inputs
from alpha.scaling import combine, multiplier_table
from alpha.speeds import SpeedCosts
from tests.helpers import instrument, settings

DAILY = 1.0
"""Daily volatility in price units."""
ANNUAL = DAILY * np.sqrt(252)


def market(code, trade_cost):
    """A market whose trade costs that much, in price units, and that rolls four times a year."""
    return instrument(code, half_spread=trade_cost, fee=0.0)


def speeds(*costs, **changes):
    markets = [market(f"M{k}", cost) for k, cost in enumerate(costs)]
    chosen = settings(**{"cost_limit": 0.06, "cost_limit_out": 0.075, **changes})
    inputs = Inputs(chosen, markets, np.zeros(len(costs), dtype=np.int64))
    return SpeedCosts("rule", ("fast", "slow"), inputs)


def day(month=202001, sigma=DAILY, n=1):
    known = np.full((1, n), sigma)
    markets = SimpleNamespace(sigma_price=lambda: known)
    return SimpleNamespace(month=np.array([month]), markets=markets)


def take(costs, forecast, views):
    """Notes on a session."""
    return costs.walk(forecast[None], views)[1].get(0, [])


def feed(costs, sessions, first=0, n=1):
    """Forecasts whose fast one moves by 0.2 a session and whose slow one by 0.02."""
    notes = []
    for t in range(first, first + sessions):
        side = (-1.0) ** t
        forecast = np.array([[1 + 0.1 * side] * n, [1 + 0.01 * side] * n])
        notes += take(costs, forecast, day(202001 + t // 21, n=n))
    return notes


def test_a_speed_is_judged_by_its_own_turnover():
    """Trades a year: 50.4 and 5.04, besides eight legs of rolls."""
    trade = 0.06 * ANNUAL / 25.0
    costs = speeds(trade)
    assert feed(costs, 20) == []
    assert costs.screen.cheap.all()  # 13 trades at first, as the market's own screen has it
    notes = feed(costs, 180, first=20)
    assert costs.screen.cheap[:, 0].tolist() == [False, True]
    [(where, kind, text)] = notes
    assert (where, kind) == (0, "universe")
    expected = trade * (50.4 + 8.0) / ANNUAL
    assert text.startswith(f"M0 rule fast is too dear: it would cost {expected:.3f} of annual")


def test_a_market_that_is_too_dear_for_any_speed_has_no_forecast():
    costs = speeds(0.0, 0.1 * ANNUAL / 10.0)
    feed(costs, 5, n=2)
    found = costs.of(np.ones((2, 2)))
    assert np.isfinite(found[:, 0]).all()
    assert np.isnan(found[:, 1]).all()


def test_between_the_limits_a_speed_stays_what_it_was():
    trade = 0.07 * ANNUAL / 58.4
    costs = speeds(trade, cost_limit=0.06, cost_limit_out=0.075)
    feed(costs, 200)
    assert costs.screen.cheap.all()
    strict = speeds(trade, cost_limit=0.06, cost_limit_out=0.065)
    feed(strict, 200)
    assert strict.screen.cheap[:, 0].tolist() == [False, True]


def test_switched_off_nothing_is_left_out():
    costs = speeds(1e3, cost_by_speed=False)
    feed(costs, 30)
    assert np.isfinite(costs.of(np.ones((2, 1)))).all()
    assert costs.components("rule") == {}


def test_without_a_volatility_nothing_is_judged():
    costs = speeds(0.0)
    take(costs, np.ones((2, 1)), day(sigma=np.nan))
    assert not costs.judged.any()
    assert np.isnan(costs.of(np.ones((2, 1)))).all()


def test_the_mean_and_its_multiplier_are_of_the_speeds_that_are_left():
    markets = [market("AA", 0.0)]
    rule = EwmacRule(Inputs(settings(), markets, np.zeros(1, dtype=np.int64)))
    rng = np.random.default_rng(1)
    view = day()
    view.seen = SimpleNamespace(seen=np.array([[True]]))
    price = 100.0
    for _ in range(300):
        price += rng.standard_normal()
        view.markets.adjusted = np.array([[price]])
        rule.walk(view)
    by_span = rule.ewmac.by_span(np.array([DAILY]))
    view.markets.sigma_price = lambda: np.array([DAILY])
    assert np.isfinite(by_span).all()
    every = combine(by_span, multiplier_table(3), 2.0)
    assert rule.signal(view) == pytest.approx(every)
    rule.speeds.screen.cheap[0] = False
    assert rule.signal(view) == pytest.approx(combine(by_span[1:], multiplier_table(2), 2.0))
