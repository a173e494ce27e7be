"""The nightly replay: the engine decides again from a record."""

import dataclasses
import gzip
import itertools

import pytest
from click.testing import CliRunner

from algorithm.decision_text import RecordError
from research.cli import main
from research.engine.engine import EmbeddedEngine, run_backtest
from research.engine.redecide import first_difference, read_lines, redecide
from research.lean.record import LIVE_STORE_FOLDER, SPARE_FOLDER, bring_live_record
from risk.limits import Status
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


def test_orders_that_a_broker_has_refused_make_no_difference():
    """They are in the record's line as sent, and on their way no more at the next decision."""
    data, lines, count = bent(made_up_dataset(160, seed=4)), [], itertools.count()
    engine = EmbeddedEngine(data, settings(**RICH), lines.append)
    submit = engine.ledger.submit

    def refusing(orders, *rest):
        submit([order for order in orders if next(count) % 3], *rest)

    engine.ledger.submit = refusing
    engine.run()
    header, decisions = read_lines(lines)
    assert any(line.pending for line in decisions.values())
    assert redecide(header, decisions, data).mismatches == []


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


def test_what_is_quiet_may_be_read_on_one_side_alone(recorded):
    """Live a watch between decisions has read it already; what is near its limit may not."""
    _, header, decisions = recorded
    line = decisions[max(decisions)]
    limits = next(stage for stage in line.stages if stage.readings)

    def without(status):
        last = dataclasses.replace(limits.readings[-1], status=status)
        readings = (*limits.readings[:-1], last)
        both = [
            tuple(dataclasses.replace(limits, readings=read) if one is limits else one
                  for one in line.stages)
            for read in (readings, readings[:-1])
        ]  # fmt: skip
        return first_difference(
            *(dataclasses.replace(line, stages=stages) for stages in both), header.codes
        )

    assert without(Status.OK) is without(Status.UNKNOWN) is None
    assert "is not read now" in without(Status.WARN).detail


def test_a_live_record_is_brought_from_its_store_spare_included(recorded, tmp_path):
    data, lines = recorded[0], []
    run_backtest(data, settings(**RICH), record=lines.append)
    parts = ["\n".join(part) + "\n" for part in (lines[:90], lines[90:])]
    for number, text in enumerate(parts, start=1):
        for folder in (LIVE_STORE_FOLDER, f"trend-carry/{SPARE_FOLDER}"):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / f"2016-0{number}.gz").write_bytes(gzip.compress(text.encode()))
    last = tmp_path / LIVE_STORE_FOLDER / "2016-02.gz"
    last.write_bytes(last.read_bytes()[:50])  # the process has ended amid it
    path = bring_live_record(tmp_path, tmp_path / "run")
    brought = path.read_text(encoding="utf-8").splitlines()
    assert len(brought) == len(lines)
    assert brought[1:] == lines[1:]
    with pytest.raises(RecordError, match="no live record"):
        bring_live_record(tmp_path / "run", tmp_path / "other")
    found = CliRunner().invoke(
        main, ["replay", "--run", str(tmp_path / "other"), "--store", str(tmp_path / "run")]
    )
    assert found.exit_code == 2
    assert "no live record" in found.output


def test_the_command_without_a_record(tmp_path):
    done = CliRunner().invoke(main, ["replay", "--run", str(tmp_path)])
    assert done.exit_code == 2
    assert "decisions.jsonl is missing" in done.output
