import numpy as np
import pandas as pd
import pytest

from algorithm.settings import Settings
from alpha.forecasts import Forecasts
from tests.helpers import CARRY, MONDAY, TREND, one_market, session, weekdays
from universe.arrays import from_epoch_day
from universe.assets import Assets
from universe.curves import MacroState

MAR, JUN = 202003, 202006
FIRST, SECOND = 90_000, 90_090  # expiries


def run(trend_rules, closes, gap, **changes):
    """Forecasts of one market whose farther contract is ``gap`` above the held one."""
    markets = one_market((MAR, FIRST), (JUN, SECOND))
    chosen = Settings(trend_rules=trend_rules, carry_spans="5 20", **changes)
    rules = Forecasts(chosen, markets.instruments, np.zeros(1, dtype=np.int64))
    assets, flips = Assets(markets, None), []
    for day, close in zip(weekdays(MONDAY, len(closes)), closes, strict=True):
        quotes = {MAR: float(close)} if gap is None else {MAR: float(close), JUN: close + gap}
        seen = assets.walk([session(day, quotes)])
        date = from_epoch_day(day)
        month = np.array([date.year * 100 + date.month])
        notes = rules.walk(np.array([day]), month, seen, [MacroState()]).notes[0]
        flips += [note for note in notes if note[1] == "flip"]
    return rules, flips


def current(rules):
    return rules.current(np.full(1, True))


def trending(count=300, drift=0.003):
    rng = np.random.default_rng(1)
    return 100 * np.cumprod(1 + drift + 0.008 * rng.standard_normal(count))


def test_one_forecast_per_sleeve():
    rules, _ = run("tsmom", trending(), 1.0)
    assert set(current(rules)) == set(rules.sleeves) == {TREND, CARRY}


@pytest.mark.parametrize(("gap", "sign"), [(1.5, -1), (-1.5, 1), (0.0, 0)])
def test_contango_is_sold_and_backwardation_bought(gap, sign):
    rules, _ = run("tsmom", trending(60), gap)
    assert np.sign(current(rules)[CARRY][0]) == sign


def test_carry_is_annual_gain_over_annual_volatility():
    closes = trending(200)
    rules, _ = run("tsmom", closes, 0.25)
    daily = pd.Series(closes).pct_change()
    std = daily.ewm(span=32, min_periods=32).std()
    sigma = 0.7 * std + 0.3 * std.expanding().mean()
    per_year = -0.25 / ((SECOND - FIRST) / 365.25)
    sharpe = (per_year / (sigma * closes * np.sqrt(252))).dropna()
    expected = np.mean([3 * sharpe.ewm(span=span).mean().iloc[-1] for span in (5, 20)])
    assert current(rules)[CARRY][0] == pytest.approx(expected, rel=1e-9)


def test_a_market_without_a_second_contract_has_a_trend_and_no_carry():
    rules, _ = run("tsmom", trending(), None)
    assert current(rules)[TREND][0] > 0
    assert np.isnan(current(rules)[CARRY][0])


@pytest.mark.parametrize("number", [2, 3])
def test_several_rules_count_equally_times_the_table_of_001(number):
    names = ("tsmom", "ewmac", "breakout")[:number]
    values = {}
    for rule in (*names, " ".join(names)):
        rules, _ = run(rule, trending(drift=0.0004), 1.0)
        values[rule] = float(current(rules)[TREND][0])
    alone = [values[name] for name in names]
    assert len(set(alone)) == number
    expected = np.mean(alone) * {2: 1.02, 3: 1.03}[number]
    assert values[" ".join(names)] == pytest.approx(expected)


def test_an_estimated_multiplier_replaces_the_table():
    closes = trending(700, drift=0.0004)
    table, _ = run("tsmom ewmac", closes, 1.0)
    found, _ = run("tsmom ewmac", closes, 1.0, forecast_multiplier="estimated")
    ratio = current(found)[TREND][0] / current(table)[TREND][0]
    assert ratio * 1.02 == pytest.approx(found.multipliers[TREND].value())
    assert found.multipliers[TREND].value() > 1.0


def test_flips_name_the_market():
    up = trending(275)
    closes = np.concatenate([up, 0.5 * up[-1] + np.arange(25) * 0.01])
    _, flips = run("tsmom", closes, None)
    assert [market for market, _, _ in flips] == [0]
    assert "trend flipped from +" in flips[0][2]
