"""The studies from data to page, with rows as commands promise them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from algorithm.settings import Settings
from research.data.dataset import Dataset
from research.data.errors import DataError
from research.studies import capacity, choices, sizes
from research.studies.ablation import ARMS
from research.studies.study_commands import (
    Place,
    WalkPlan,
    run_ablation,
    run_capacity,
    run_choices,
    run_peers,
    run_sizes,
    run_walkforward,
)
from research.studies.study_row import StudyError
from research.studies.trials import TrialRegister
from tests.helpers import made_up_dataset, made_up_instruments

SETTINGS = Settings.parse(
    {
        "start": "2015-04-01",
        "end": "2015-12-15",
        "var_min_sessions": "60",
        "var_reference": "ES 0.6 ZN 0.4",
    }
)
PROMISED = {"name", "net_sharpe", "delta", "low", "high", "max_drawdown", "cost"}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def market() -> Dataset:
    made = made_up_instruments()
    named = [replace(one, code=code) for one, code in zip(made, ("ES", "ZN"), strict=False)]
    return made_up_dataset(250, markets=[*named, *made[2:]])


def place(folder: Path) -> Place:
    return Place(folder / "out", folder / "out", TrialRegister(folder))


def result(where: Place) -> dict:
    return json.loads((where.out / "result.json").read_text())


def test_ablation(tmp_path: Path, market: Dataset) -> None:
    where = place(tmp_path)
    page = run_ablation(market, SETTINGS, where)
    found = result(where)
    assert [row["name"] for row in found["rows"]] == [arm.name for arm in ARMS]
    assert all(set(row) >= PROMISED for row in found["rows"])
    assert where.register.count(market.fingerprint()) >= 3
    assert (tmp_path / "trials.jsonl").is_file()
    assert "both sleeves, at their budgets" in page.read_text()


def test_sizes(tmp_path: Path, market: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "SIZES", (1e6, 5e9))
    where = place(tmp_path)
    page = run_sizes(market, SETTINGS, where)
    rows = {row["name"]: row for row in result(where)["sizes"]}
    names = ["fractional", "USD 1.0 m", "USD 1.0 m, both sizes", "USD 5,000.0 m"]
    assert list(rows) == names
    table = result(where)["table"]
    assert [row[0] for row in table["rows"]] == names
    assert all(len(row) == len(table["head"]) for row in table["rows"])
    assert rows["fractional"]["impact"] == pytest.approx(0.0, abs=1e-3)
    assert rows["USD 5,000.0 m"]["impact"] > rows["USD 1.0 m"]["impact"]
    assert rows["USD 1.0 m"]["tracking_error"] > rows["fractional"]["tracking_error"] > 0
    assert "By size of the fund" in page.read_text()


def test_capacity(tmp_path: Path, market: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trades of a large fund take days and less of a day's volume."""
    monkeypatch.setattr(capacity, "SIZES", (5e9,))
    where = place(tmp_path)
    page = run_capacity(market, SETTINGS, where)
    whole, cut = result(where)["capacity"]
    assert [whole["name"], cut["name"]] == [
        "USD 5,000.0 m, whole",
        "USD 5,000.0 m, at most 5% of a day",
    ]
    assert cut["participation"] <= 1.05 * capacity.MOST < whole["participation"]
    assert cut["impact"] < whole["impact"]
    table = result(where)["table"]
    assert all(len(row) == len(table["head"]) for row in table["rows"])
    assert "By size of the fund" in page.read_text()


def test_choices(tmp_path: Path, market: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    some = tuple(one for one in choices.CHOICES if one.name in ("as set", "band of a tenth"))
    monkeypatch.setattr(choices, "CHOICES", some)
    where = place(tmp_path)
    page = run_choices(market, SETTINGS, where)
    found = result(where)
    assert [row["name"] for row in found["rows"]] == [one.name for one in some]
    first, second = found["table"]["rows"]
    assert first[3] == first[4] == ""
    assert second[1] == "buffer=0.1"
    assert "By choice" in page.read_text()


def test_every_choice_changes_something() -> None:
    requests = choices.choice_requests(SETTINGS)
    assert len({tuple(sorted(one.settings.items())) for one in requests}) == len(requests)


def test_peers_with_a_file(tmp_path: Path, market: Dataset) -> None:
    days = np.arange("2015-01-01", "2017-01-01", dtype="datetime64[D]")
    lines = [f"{day},{100 * 1.0001**i}" for i, day in enumerate(days)]
    (tmp_path / "other.csv").write_text("date,nav\n" + "\n".join(lines))
    where = place(tmp_path)
    run_peers(market, SETTINGS, where, {"theirs": tmp_path / "other.csv"})
    rows = {row["name"]: row for row in result(where)["rows"]}
    assert rows["theirs"]["cost"] is None
    assert rows["theirs"]["max_drawdown"] == 0.0
    assert len(rows) == 6


def test_what_is_too_short_or_has_nothing_in_common_is_told_before_any_run(
    tmp_path: Path, market: Dataset
) -> None:
    where, short = place(tmp_path), replace(SETTINGS, end="2015-06-30")
    message = r"sessions from 2015-04-01 to 2015-06-30; the study needs 127$"
    for run in (run_ablation, run_peers, run_sizes):
        with pytest.raises(StudyError, match=message):
            run(market, short, where)
    with pytest.raises(StudyError, match=r"needs 627, 500 of them to train on"):
        run_walkforward(market, SETTINGS, where, WalkPlan(train=500))
    with pytest.raises(StudyError, match="groups is 2; it must be 0 or from 3 to 20"):
        WalkPlan(groups=2)
    old = tmp_path / "old.csv"
    old.write_text("date,return\n1990-01-02,0\n1990-01-03,0\n1990-01-04,0\n")
    with pytest.raises(DataError, match=r"old.csv: 0 sessions in common with the data from 2015"):
        run_peers(market, SETTINGS, where, {"old": old})
    with pytest.raises(DataError, match="'60/40' is the name of a line that is there"):
        run_peers(market, SETTINGS, where, {"60/40": old})
    assert not where.out.exists()


def test_walkforward(tmp_path: Path, market: Dataset) -> None:
    where = place(tmp_path)
    plan = WalkPlan({"trend_budget": ["0.2", "0.8"]}, train=50, test=25, groups=4)
    page = run_walkforward(market, SETTINGS, where, plan)
    found = result(where)
    assert [row["name"] for row in found["rows"]] == [
        "as set",
        "walk forward",
        "trend_budget=0.2",
        "trend_budget=0.8",
    ]
    locked = json.loads((where.out / "locked.json").read_text())
    assert locked["data"] == market.fingerprint()
    assert len(locked["windows"]) >= 3
    assert len(found["combinatorial"]["net_sharpe"]) == 3
    assert where.register.count(market.fingerprint()) == 4
    assert "What was locked" in page.read_text()
    again = (where.out / "result.json").read_bytes()
    run_walkforward(market, SETTINGS, where, plan)
    assert (where.out / "result.json").read_bytes() == again
