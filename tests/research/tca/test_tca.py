"""Transaction costs: benchmarks against the data, the impact fit against simulated fills."""

import json
from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from execution.fills import SPREAD
from research.cli import main
from research.engine.engine import run_backtest
from research.engine.redecide import read_lines
from research.tca.costs import costs_of, other_prices
from research.tca.fills import BENCHMARKS, COLUMNS, NO_HOUR, Prices, fill_table, paid
from research.tca.half_life import half_life
from research.tca.impact import LEAST_DAYS, fit_impact
from research.tca.page import document, page
from research.tca.summary import by_size, group_rows, outliers
from tests.helpers import made_up_dataset, settings


@pytest.fixture(scope="module")
def recorded():
    data, lines = made_up_dataset(200, seed=4), []
    chosen = settings(trend_rules="tsmom", impact=0.3, cost_vol_power=1.0)
    result = run_backtest(data, chosen, record=lines.append)
    return data, result, *read_lines(lines)


def simulated(alpha, noise, seed, days=200, each=5, half_spread=0.01, sigma=1.0):
    """Fills that paid half a spread and the square-root law, with a common and an own noise."""
    rng = np.random.default_rng(seed)
    rows = []
    for day in range(days):
        common = noise * rng.standard_normal()
        for _ in range(each):
            quantity = int(rng.integers(1, 3000)) * int(rng.choice([-1, 1]))
            points = half_spread + sigma * (
                alpha * np.sqrt(abs(quantity) / 1e4) + common + noise * rng.standard_normal()
            )
            price = 100.0 + np.sign(quantity) * points
            rows.append(
                (day, "AA", "equity", 202003, quantity, "rebalance", price, 50.0,
                 abs(quantity) * price * 50.0, sigma, 1e4, half_spread,
                 abs(quantity) * 50.0 * half_spread, 0.0, "open", NO_HOUR,
                 100.0, 100.0, 100.0, 100.0)
            )  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


def test_the_open_is_where_the_model_starts(recorded):
    """Paid over the data's own opens, looked up a bar at a time, is the model's slippage."""
    data, result, header, decisions = recorded
    table = fill_table(header, decisions, Prices(data))
    assert len(table) == sum(fill.reason != "expiry" for fill in result.fills)
    np.testing.assert_allclose(paid(table, "arrival"), table["expected"], rtol=1e-6)
    row = table.iloc[len(table) // 2]
    history = data.markets[row["market"]]
    at = (history.day == row["day"]) & (history.contract_month[history.contract] == row["month"])
    assert row["arrival"] == history.open[at][0]
    assert row["close"] == history.close[at][0]
    before = np.unique(history.day[history.day < row["day"]])[-1]
    at = (history.day == before) & (history.contract_month[history.contract] == row["month"])
    assert row["decision"] == history.close[at][0]


def test_fills_are_grouped_by_algorithm_and_by_the_hour_of_new_york(recorded):
    """Minutes in UTC of days in winter and in summer; a record that says nothing, by its day."""
    data, _, header, decisions = recorded
    told = [("twap", "2021-01-12T14:31"), ("pov", "2021-07-12T13:59"), ("pov", "2021-07-12T18:05")]
    days = [day for day, line in sorted(decisions.items()) if line.fills][:5]
    lines = {day: replace(decisions[day], fills=decisions[day].fills[:1]) for day in days}
    for day, (algorithm, at) in zip(days, told, strict=False):
        minute = int(datetime.fromisoformat(f"{at}+00:00").timestamp()) // 60
        fill = replace(lines[day].fills[0], algorithm=algorithm, minute=minute)
        lines[day] = replace(lines[day], fills=(fill,))
    old = replace(lines[days[3]].fills[0], algorithm="", reason="rebalance")
    lines[days[3]] = replace(lines[days[3]], fills=(old,))
    groups = costs_of(header, lines, Prices(data)).groups
    named = {title: {row.name: row.fills for row in rows} for title, rows in groups.items()}
    assert named["By algorithm"] == {"twap": 1, "pov": 2, "open": 2}
    assert list(named["By hour in New York"].items()) == [
        ("09:00", 2), ("14:00", 1), (NO_HOUR, 2),
    ]  # fmt: skip
    minutes = replace(header, settings=header.settings | {"execution_resolution": "minute"})
    table = fill_table(minutes, lines)
    assert list(table["algorithm"]) == ["twap", "pov", "pov", "unknown", "open"]


def test_a_roll_has_a_benchmark_of_all_its_fills_or_of_none(recorded):
    _, _, header, decisions = recorded
    table = fill_table(header, decisions)  # the next contract's close before is not in the record
    rolls = table[table["reason"] == "roll"]
    assert len(rolls)
    assert rolls["decision"].isna().any()
    for _, legs in rolls.groupby(["day", "market"]):
        assert legs["decision"].isna().nunique() == 1
    assert table["arrival"].isna().all()


def test_the_simulation_is_told_as_such(recorded):
    data, _, header, decisions = recorded
    costs = costs_of(header, decisions, Prices(data))
    fit = costs.fits["all"]
    assert fit.exact
    assert fit.value == pytest.approx(0.3, rel=1e-3)
    assert any("formula itself" in getattr(block, "text", "") for block in page(costs))
    told = json.loads(json.dumps(document(costs), allow_nan=False))
    assert told["groups"]["All"][0]["over"]["vwap"] is None
    assert [row["name"] for row in told["groups"]["By algorithm"]] == ["open"]
    assert told["impact"]["all"]["value"] == pytest.approx(0.3, rel=1e-3)


def test_prices_of_another_run_are_noticed(recorded):
    data, _, header, decisions = recorded
    assert other_prices(header, decisions, Prices(data)) == 0.0
    assert other_prices(header, decisions, Prices(made_up_dataset(200, seed=5))) > 0.9


@pytest.mark.parametrize("alpha", [0.0, 0.15])
def test_the_interval_holds_the_coefficient_as_often_as_it_says(alpha):
    """Noise that all fills of a session share; 300 samples, 90 % within four standard errors."""
    held = [
        fit.low <= alpha <= fit.high
        for fit in (fit_impact(simulated(alpha, 0.05, seed, 40), prior=10.0) for seed in range(300))
    ]
    assert np.mean(held) == pytest.approx(0.9, abs=4 * np.sqrt(0.09 / 300))


def test_few_fills_leave_the_prior_and_many_leave_the_estimate():
    few = fit_impact(simulated(0.4, 0.5, 1, days=LEAST_DAYS - 1), prior=0.1)
    assert few.value == 0.1
    assert np.isnan(few.estimate)
    assert few.weight == 0.0
    some = fit_impact(simulated(0.4, 1.0, 1, days=60), prior=0.1)
    assert 0.0 < some.weight < 1.0
    assert min(0.1, some.estimate) <= some.value <= max(0.1, some.estimate)
    many = fit_impact(simulated(0.4, 0.02, 1, days=400), prior=0.1)
    assert many.weight > 0.99
    assert many.value == pytest.approx(0.4, abs=0.02)


def test_legs_of_spreads_say_nothing_of_outright_impact():
    table = simulated(0.2, 0.01, 3)
    wrong = table.assign(price=table["price"] + 50.0, reason=SPREAD)
    both = pd.concat([table, wrong], ignore_index=True)
    assert fit_impact(both, 0.1) == fit_impact(table, 0.1)


@limits(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6))
def test_groups_add_up(seed, parts):
    """What a table paid is what its groups paid, weighted by what they traded."""
    table = simulated(0.2, 0.3, seed, days=25)
    part = np.random.default_rng(seed).integers(0, parts, len(table))
    table = table.assign(part=[f"p{k}" for k in part])
    whole, groups = group_rows(table)[0], group_rows(table, "part")
    assert sum(row.fills for row in groups) == whole.fills
    for benchmark in BENCHMARKS:
        money = sum(row.over[benchmark] * row.notional for row in groups)
        assert money == pytest.approx(whole.over[benchmark] * whole.notional, rel=1e-9)
        assert whole.over[benchmark] == pytest.approx(
            1e4 * np.nansum(paid(table, benchmark)) / table["notional"].sum(), rel=1e-9
        )
    assert set(by_size(table)) <= {"to 0.1 %", "to 1 %", "to 5 %", "to 25 %", "above 25 %"}


def test_a_fill_far_from_the_others_is_told():
    table = simulated(0.0, 0.02, 5, days=60)
    table.loc[77, "price"] += 3.0 * np.sign(table.loc[77, "quantity"])
    found = outliers(table)
    assert [(one.day, one.quantity) for one in found] == [
        (table.loc[77, "day"], table.loc[77, "quantity"])
    ]
    assert found[0].deviations > 6
    assert outliers(table.iloc[70:80]) == []  # no history to be an outlier of


def test_the_command_on_a_run(recorded, tmp_path):
    _, _, header, decisions = recorded
    assert costs_of(header, decisions).table["arrival"].isna().all()
    done = CliRunner().invoke(main, ["tca", "--run", str(tmp_path)])
    assert done.exit_code == 2
    assert "decisions.jsonl is missing" in done.output


def test_the_half_life_of_a_signal_that_fades_by_a_tenth():
    """0.9^6.58 is a half; of 40 markets over 1,000 sessions."""
    rng = np.random.default_rng(3)
    forecast = np.zeros((1_000, 40))
    for day in range(1, 1_000):
        forecast[day] = 0.9 * forecast[day - 1] + rng.standard_normal(40)
    forecast[:200, :5] = np.nan
    assert half_life(forecast) == pytest.approx(np.log(0.5) / np.log(0.9), rel=0.05)
    assert np.isnan(half_life(np.ones((300, 2))))
    assert np.isnan(half_life(np.full((10, 2), np.nan)))
