import numpy as np
import pandas as pd
import pytest
from helpers import MONDAY, one_market, session, weekdays

from alpha.carry import Carry
from alpha.forecasts import CARRY, SLEEVES, TREND, Forecasts
from alpha.trend import Ewmac, Tsmom
from universe.arrays import from_epoch_day

MAR, JUN = 202003, 202006
FIRST, SECOND = 90_000, 90_090  # expiries


def run(trend_rule, closes, gap):
    """Forecasts of one market whose farther contract is ``gap`` above the held one."""
    markets = one_market((MAR, FIRST), (JUN, SECOND))
    rules = Forecasts(
        trend_rule,
        Tsmom(1, (0.2, 0.3, 0.5), 21, 0.25, 2.0),
        Ewmac(1, (16, 32, 64), 2.0),
        Carry(1, (5, 20), 30.0, 100, 2.0),
    )
    flips = []
    for day, close in zip(weekdays(MONDAY, len(closes)), closes, strict=True):
        quotes = {MAR: float(close)} if gap is None else {MAR: float(close), JUN: close + gap}
        seen = markets.observe(session(day, quotes))
        date = from_epoch_day(day)
        flips += rules.update(int(day), date.year * 100 + date.month, seen, markets)
    return rules, markets, flips


def trending(count=300, drift=0.003):
    rng = np.random.default_rng(1)
    return 100 * np.cumprod(1 + drift + 0.008 * rng.standard_normal(count))


def test_one_forecast_per_sleeve():
    rules, markets, _ = run("tsmom", trending(), 1.0)
    assert set(rules.current(markets)) == set(SLEEVES) == {TREND, CARRY}


@pytest.mark.parametrize(("gap", "sign"), [(1.5, -1), (-1.5, 1), (0.0, 0)])
def test_contango_is_sold_and_backwardation_bought(gap, sign):
    rules, markets, _ = run("tsmom", trending(60), gap)
    assert np.sign(rules.current(markets)[CARRY][0]) == sign


def test_carry_is_annual_gain_over_annual_volatility():
    closes = trending(200)
    rules, markets, _ = run("tsmom", closes, 0.25)
    daily = pd.Series(closes).pct_change()
    std = daily.ewm(span=32, min_periods=32).std()
    sigma = 0.7 * std + 0.3 * std.expanding().mean()
    per_year = -0.25 / ((SECOND - FIRST) / 365.25)
    sharpe = (per_year / (sigma * closes * np.sqrt(252))).dropna()
    expected = np.mean([3 * sharpe.ewm(span=span).mean().iloc[-1] for span in (5, 20)])
    assert rules.current(markets)[CARRY][0] == pytest.approx(expected, rel=1e-9)


def test_a_market_without_a_second_contract_has_a_trend_and_no_carry():
    rules, markets, _ = run("tsmom", trending(), None)
    assert rules.current(markets)[TREND][0] > 0
    assert np.isnan(rules.current(markets)[CARRY][0])


def test_both_is_the_mean_of_the_two_rules():
    values = {}
    for rule in ("tsmom", "ewmac", "both"):
        rules, markets, _ = run(rule, trending(drift=0.001), 1.0)
        values[rule] = float(rules.current(markets)[TREND][0])
    assert values["tsmom"] != values["ewmac"]
    assert values["both"] == pytest.approx((values["tsmom"] + values["ewmac"]) / 2)


def test_flips_name_the_market():
    closes = np.concatenate([trending(275), np.full(25, 30.0) + np.arange(25) * 0.01])
    _, _, flips = run("tsmom", closes, None)
    assert flips == [0]
