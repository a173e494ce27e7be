"""The nightly replay: the engine decides again from a record."""

import dataclasses

import pytest
from click.testing import CliRunner

from research.cli import main
from research.engine.engine import run_backtest
from research.engine.redecide import read_lines, redecide
from tests.helpers import bent, made_up_dataset, settings

RICH = {
    "trend_rules": "tsmom ewmac breakout",
    "carry_rules": "smoothed cross_section calendar",
    "var_limit": 0.04,
    "governor": "0.005 0.8 0.01 0.5",
}


@pytest.fixture(scope="module")
def recorded():
    data, lines = bent(made_up_dataset(200, seed=4)), []
    run_backtest(data, settings(**RICH), record=lines.append)
    return data, *read_lines(lines)


def test_the_same_data_give_the_same_decisions(recorded):
    data, header, decisions = recorded
    done = redecide(header, decisions, data)
    assert done.mismatches == []
    assert done.sessions == len(decisions) > 50


def changed(line, name):
    value = getattr(line, name)
    if name == "forecasts":
        return {sleeve: forecast + 0.1 for sleeve, forecast in value.items()}
    if name == "orders":
        return (*value, (line.targets[0][0], line.targets[0][1], 1, "rebalance"))
    return value * 1.01 if name in ("sigma", "scale") else value + 1


def test_the_first_stage_that_differs_is_named(recorded):
    """Of five sessions with another record each; and those that only one side has."""
    data, header, decisions = recorded
    days = sorted(decisions)
    cases = {
        days[-6]: (("sigma", "orders"), "observe"),
        days[-5]: (("forecasts", "contracts"), "forecast"),
        days[-4]: (("scale",), "scale"),
        days[-3]: (("contracts", "orders"), "trade"),
        days[-2]: (("orders",), "execute"),
    }
    told = dict(decisions)
    for day, (names, _) in cases.items():
        line = decisions[day]
        told[day] = dataclasses.replace(line, **{name: changed(line, name) for name in names})
    told[days[-1] + 1] = told.pop(days[-1])
    found = redecide(header, told, data).mismatches
    stages = {day: stage for day, (_, stage) in cases.items()}
    assert {one.day: one.stage for one in found} == {
        **stages,
        days[-1]: "session",
        days[-1] + 1: "session",
    }
    assert all("recorded" in str(one) for one in found if one.stage != "session")


def test_the_command_without_a_record(tmp_path):
    done = CliRunner().invoke(main, ["replay", "--run", str(tmp_path)])
    assert done.exit_code == 2
    assert "decisions.jsonl is missing" in done.output
