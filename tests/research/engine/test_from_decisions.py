"""The result that is worked out from a run's record is the engine's own."""

import dataclasses
import json

import numpy as np
import pytest

from algorithm.decision_text import Reader, RecordError, decision_text
from research.engine.engine import run_backtest
from research.engine.from_decisions import RECORD_FILE, read_run, result_from
from research.measures.benchmark import Benchmark
from research.measures.summary import summary
from tests.helpers import bent, made_up_dataset, settings

EVERY_RULE = {
    "trend_rules": "tsmom ewmac breakout",
    "carry_rules": "smoothed cross_section relative_value calendar directional",
    "forecast_multiplier": "estimated",
}
RISKY = {"var_limit": 0.04, "governor": "0.005 0.8 0.01 0.5"}
EXACT = ("nav", "day", "contracts", "targets", "active", "carry_source")


@pytest.fixture(
    scope="module",
    params=[({}, False), (RISKY, False), (EVERY_RULE, True)],
    ids=["plain", "with scales and gate", "every rule and spreads"],
)
def both(request):
    """The engine's result, the lines it wrote and the result of the lines."""
    changes, with_curves = request.param
    data = made_up_dataset(360, seed=4)
    lines: list[str] = []
    own = run_backtest(
        bent(data) if with_curves else data, settings(**changes), record=lines.append
    )
    return own, lines, result_from(lines)


def same(one, other, name):
    if one is None:
        assert other is None, name
        return
    one, other = np.asarray(one), np.asarray(other)
    assert one.shape == other.shape, name
    size = np.nanmax(np.abs(one)) if one.size and np.isfinite(one).any() else 0.0
    np.testing.assert_allclose(other, one, rtol=1e-9, atol=1e-9 * float(size), err_msg=name)


def test_every_table_agrees_to_a_billionth(both):
    own, _, read = both
    for field in dataclasses.fields(own):
        mine, theirs = getattr(own, field.name), getattr(read, field.name)
        if isinstance(mine, np.ndarray) or mine is None:
            same(mine, theirs, field.name)
        elif isinstance(mine, Benchmark):
            assert mine.name == theirs.name
            same(mine.returns, theirs.returns, field.name)
        elif isinstance(mine, dict) and field.name not in ("settings", "timings"):
            assert list(mine) == list(theirs), field.name
            for name in mine:
                same(mine[name], theirs[name], f"{field.name} {name}")
        else:
            assert mine == theirs, field.name
    for name in EXACT:
        np.testing.assert_array_equal(getattr(own, name), getattr(read, name))


def test_there_is_something_to_agree_on(both):
    own, _, _ = both
    assert own.fills
    assert own.roll_cost.any()
    assert own.sleeve_pnl["trend"].any()
    assert own.history_seen.shape[0] >= len(own.day)


def test_the_summary_is_the_same(both):
    own, _, read = both
    assert dict(summary(own)) == dict(summary(read))


def test_net_profit_is_the_change_of_nav_but_for_exchange_rates(both):
    """Independent of the ledger: NAV is the account's, profit is worked out from the lines."""
    _, _, read = both
    gained = np.diff(read.nav + read.closing_fees)
    booked = (read.pnl - read.cost).sum(axis=1)[1:]
    euro = np.abs(read.pnl[:, read.markets.index("EQ2")]).sum()
    assert np.abs(gained - booked).max() < 0.02 * euro


def test_lines_are_json_of_one_kind_each(both):
    _, lines, _ = both
    kinds = [json.loads(line)["line"] for line in lines]
    assert kinds[0] == "header"
    assert kinds[-1] == "end"
    assert set(kinds[1:-1]) <= {"session", "decision"}
    assert sum(map(len, lines)) / len(lines) < 8_000


def test_fills_of_older_records_are_read(both):
    """Eight, nine and eleven values, by a record's age and by what the fill was."""
    lines = both[1]
    values = next(v for v in map(json.loads, lines) if v.get("fills"))
    first = [values["day"], values["fills"][0][1], 202003, -2, 100.5, 12.0, 5.0]
    values["fills"] = [
        [*first, "expiry"],
        [*first, "roll spread", 20.0],
        [*first, "rebalance", 0.0, 101.0, None],
        [*first, "rebalance", 0.0, None, None, "pov", 27_000_000],
    ]
    reader = Reader()
    reader.read(lines[0])
    fills = reader.read(json.dumps(values)).fills
    told = [(fill.outright, fill.algorithm, fill.minute) for fill in fills]
    assert told == [(0.0, "", 0), (20.0, "", 0), (0.0, "", 0), (0.0, "pov", 27_000_000)]
    assert [fill.decided for fill in fills] == pytest.approx(
        [np.nan, np.nan, 101.0, np.nan], nan_ok=True
    )
    again = reader.read(decision_text(reader.read(json.dumps(values)), reader.header))
    assert repr(again.fills) == repr(fills)


def test_a_run_is_read_from_its_folder(both, tmp_path):
    own, lines, _ = both
    (tmp_path / RECORD_FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")
    np.testing.assert_array_equal(read_run(tmp_path).nav, own.nav)


def test_warm_up_sessions_are_in_the_history():
    data = made_up_dataset(300, seed=2)
    lines: list[str] = []
    own = run_backtest(data, settings(start="2015-06-01"), record=lines.append)
    assert len(own.history_ret) == 300
    assert len(own.day) < 200
    read = result_from(lines)
    same(own.history_ret, read.history_ret, "history_ret")


class TestUnreadable:
    def test_a_missing_record(self, tmp_path):
        with pytest.raises(RecordError, match=r"decisions\.jsonl is missing"):
            read_run(tmp_path)

    def test_nothing_decided(self, both):
        with pytest.raises(RecordError, match="no decision"):
            result_from(both[1][:1])

    def test_another_schema(self, both):
        other = json.dumps(json.loads(both[1][0]) | {"schema": 99})
        with pytest.raises(RecordError, match="schema 99; this code reads schema 2"):
            result_from([other])

    def test_a_line_that_was_cut(self, both):
        lines = both[1]
        with pytest.raises(RecordError, match="line 3 of the record cannot be read"):
            result_from([*lines[:2], lines[2][:50]])

    def test_a_clock_that_steps_back(self, both):
        lines = both[1]
        for again in (lines[5], lines[4]):
            with pytest.raises(RecordError, match=r"the one before of \S+; days must rise"):
                result_from([*lines[:6], again])

    def test_a_decision_before_the_header(self, both):
        with pytest.raises(RecordError, match="comes before any header"):
            Reader().read(both[1][5])

    def test_an_unknown_kind(self, both):
        with pytest.raises(RecordError, match="is a 'note'; known are"):
            result_from([both[1][0], '{"line":"note"}'])

    def test_another_run_behind_it(self, both):
        other = json.loads(both[1][0])
        other["sleeves"] = ["trend"]
        with pytest.raises(RecordError, match="begins a record of"):
            result_from([both[1][0], json.dumps(other)])

    @pytest.mark.parametrize(
        ("name", "value", "sentence"),
        [
            ("forecasts", 7, "line 3 of the record cannot be read: AttributeError"),
            ("limit", [1.0], "the lines of the record do not fit each other: ValueError"),
            ("ret", [0.1, 0.2], "the lines of the record do not fit each other"),
            ("day", 5, "line 3 of the record is of 1970-01-06, the one before of 201"),
        ],
    )
    def test_a_line_that_is_json_and_none_of_ours(self, both, name, value, sentence):
        header, *_, before, last, _ = both[1]
        bent = json.dumps(json.loads(last) | {name: value})
        with pytest.raises(RecordError, match=sentence):
            result_from([header, before, bent])

    def test_a_file_that_is_no_text(self, tmp_path):
        (tmp_path / RECORD_FILE).write_bytes(b"\xff\xfe")
        with pytest.raises(RecordError, match=r"decisions\.jsonl is no text in UTF-8"):
            read_run(tmp_path)
