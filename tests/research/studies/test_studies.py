"""Ablation, peers and walk-forward: what they ask for and what they make of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from algorithm.settings import Settings, SettingsError
from research.data.dataset import Dataset
from research.data.errors import DataError
from research.measures.performance import sharpe
from research.pages.study_page import Section, line_table, write_study
from research.studies.ablation import ARMS, BASE, OFF, ablation_requests
from research.studies.comparison import compare_rows
from research.studies.peers import PEERS, named_files, peer_requests, read_peer, run_peer
from research.studies.splits import walk_forward
from research.studies.study_row import StudyError, StudyRequest, StudyRow, make_row, run_one
from research.studies.trials import TrialRegister
from research.studies.walkforward import (
    AS_SET,
    CHOSEN,
    combinatorial_paths,
    grid_requests,
    lock_windows,
    locked_document,
    walk,
)
from tests.helpers import made_up_dataset, made_up_instruments
from universe.arrays import sessions_a_year

QUICK = {
    "start": "2015-06-01",
    "end": "2016-08-31",
    "var_min_sessions": "60",
    "var_test": "absolute",
}


def row(name: str, seed: int, drift: float = 0.0, days: int = 800) -> StudyRow:
    rng = np.random.default_rng(seed)
    returns = rng.standard_normal(days) * 0.01 + drift
    day = np.arange(12_000, 12_001 + days)
    return make_row(StudyRequest(name, {"n": name}), "data", day, returns, np.full(days, 1e-5))


class TestAblation:
    def test_arms_switch_what_they_say(self) -> None:
        chosen = Settings.parse({"vol_target": "0.12", "governor": "0.1 0.5"})
        settings = {one.name: one.settings for one in ablation_requests(chosen)}
        assert settings["everything"] == chosen.as_strings()
        assert settings["+ governor"]["governor"] == "0.1 0.5"
        assert settings["+ gate"]["governor"] == OFF["governor"]
        assert settings["+ gate"]["var_limit"] == chosen.as_strings()["var_limit"]
        assert settings[BASE]["var_limit"] == "1"
        scopes = [settings[name]["optimiser"] for name in (BASE, "+ gate", "+ optimiser")]
        assert scopes == ["off", "off", "whole"]
        assert (settings["trend"]["trend_budget"], settings["carry"]["trend_budget"]) == ("1", "0")
        assert {one["vol_target"] for one in settings.values()} == {"0.12"}
        assert len(settings) == len(ARMS)

    def test_what_is_off_never_acts(self) -> None:
        from research.engine.engine import run_backtest

        wild = made_up_dataset(closed=0.0)
        values = {**QUICK, **OFF, "vol_target": "0.5"}
        result = run_backtest(wild, Settings.parse(values))
        assert np.all(result.governor_scale == 1.0)
        assert np.all(result.gate_scale == 1.0)


@pytest.fixture(scope="module")
def market() -> Dataset:
    made = made_up_instruments()
    codes = ("ES", "ZN")
    named = [replace(one, code=code) for one, code in zip(made, codes, strict=False)]
    return made_up_dataset(420, markets=[*named, *made[2:]])


class TestPeers:
    @pytest.mark.parametrize(("name", "book", "changes"), PEERS)
    def test_every_peer_runs(self, market: Dataset, name: str, book: str, changes) -> None:
        values = {**Settings.parse({**QUICK, **changes}).as_strings()}
        values["var_reference"] = "ES 0.6 ZN 0.4"
        done = run_peer(StudyRequest(name, values, book), market)
        assert len(done.returns) == len(done.day) > 250
        assert np.all(np.isfinite(done.returns))
        assert done.cost.sum() >= 0

    def test_sixty_forty_is_held_by_hand(self, market: Dataset) -> None:
        """Its return is 0.6 and 0.4 of the two markets', but for whole contracts and costs."""
        values = Settings.parse(
            {**QUICK, "cash": "1e12", "cost_stress": "0", "impact": "0"}
        ).as_strings()
        done = run_peer(StudyRequest("60/40", values, "sixty_forty"), market)
        assert 0.3 < np.std(done.returns) / np.std(by_hand(market, done)) < 3.0
        assert np.corrcoef(done.returns, by_hand(market, done))[0, 1] > 0.97

    def test_sixty_forty_needs_its_markets(self) -> None:
        values = Settings.parse(QUICK).as_strings()
        with pytest.raises(StudyError, match="60/40 needs ES, ZN; ES, ZN is not there"):
            run_peer(StudyRequest("60/40", values, "sixty_forty"), made_up_dataset(120))

    def test_equal_risk_reaches_its_volatility(self, market: Dataset) -> None:
        values = Settings.parse({**QUICK, "cash": "1e10", "vol_target": "0.1"}).as_strings()
        done = run_peer(StudyRequest("long", values, "long_only"), market)
        assert done.figures["annual_vol"] == pytest.approx(0.1, rel=0.35)

    def test_ours_is_first_and_settings_reach_all(self) -> None:
        requests = peer_requests(Settings.parse({"cash": "1000000"}))
        assert [one.book for one in requests][:2] == ["strategy", "strategy"]
        assert {one.settings["cash"] for one in requests} == {"1000000"}

    @pytest.mark.parametrize(
        ("head", "lines"),
        [
            ("date,return", ["2020-01-02,0", "2020-01-03,0.01", "2020-01-06,-0.02"]),
            ("date,NAV", ["2020-01-02,100", "2020-01-03,101", "2020-01-06,98.98"]),
        ],
    )
    def test_a_file_of_returns_or_values(self, tmp_path: Path, head: str, lines) -> None:
        (tmp_path / "a.csv").write_text("\n".join([head, *lines, ""]))
        peer = read_peer("other", tmp_path / "a.csv", "data")
        np.testing.assert_allclose(peer.returns, [0.01, -0.02])
        assert np.isnan(peer.cost).all()
        assert np.isnan(peer.figures["cost"])

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "header is 'missing'"),
            ("date,price\n2020-01-02,1\n", "header is 'date,price'"),
            ("date,nav\n2020-01-02,x\n", "line 2: no date and number"),
            ("date,nav\n2020-01-02,1\n2020-01-02,1\n", "line 3: dates must rise"),
            ("date,nav\n2020-01-02,1\n2020-01-03,-1\n", "line 3: dates must rise"),
            ("date,ret\n2020-01-02,nan\n", "line 2: dates must rise"),
            ("date,nav\n2020-01-02,1\n", "1 row; at least 3"),
        ],
    )
    def test_a_file_that_is_none(self, tmp_path: Path, text: str, message: str) -> None:
        (tmp_path / "a.csv").write_text(text)
        with pytest.raises(DataError, match=message):
            read_peer("other", tmp_path / "a.csv", "data")

    def test_named_files(self) -> None:
        assert named_files(["a=b.csv", "c d = e=f.csv"]) == {
            "a": Path("b.csv"),
            "c d": Path("e=f.csv"),
        }
        for bad in (["a"], ["=b"], ["a="], ["a=b", "a=c"]):
            with pytest.raises(DataError, match="must be NAME=FILE"):
                named_files(bad)


def by_hand(market: Dataset, done: StudyRow) -> np.ndarray:
    """0.6 and 0.4 of the daily returns of what is closest to expiry, next session's first."""
    total = np.zeros(len(done.day))
    for code, share in (("ES", 0.6), ("ZN", 0.4)):
        history = market.markets[code]
        series: dict[int, dict[int, float]] = {}
        for day, contract, close in zip(
            history.day.tolist(), history.contract.tolist(), history.close.tolist(), strict=True
        ):
            series.setdefault(day, {})[contract] = close
        last: dict[int, float] = {}
        changes: dict[int, float] = {}
        for day, quotes in sorted(series.items()):
            moves = [quotes[c] / last[c] - 1 for c in quotes if c in last]
            changes[day] = float(np.mean(moves)) if moves else 0.0
            last = quotes
        total += share * np.array([changes.get(day, 0.0) for day in done.day.tolist()])
    return total


class TestWalkForward:
    def test_grid(self) -> None:
        requests = grid_requests(
            Settings(), {"trend_budget": ["0.4", "0.6"], "buffer": ["0", "0.2"]}
        )
        assert [one.name for one in requests] == [
            AS_SET,
            "trend_budget=0.4 buffer=0",
            "trend_budget=0.4 buffer=0.2",
            "trend_budget=0.6 buffer=0",
            "trend_budget=0.6 buffer=0.2",
        ]
        with pytest.raises(SettingsError, match="1 configuration;"):
            grid_requests(Settings(), {"buffer": ["0.1"]})
        with pytest.raises(SettingsError, match="unknown setting"):
            grid_requests(Settings(), {"bufer": ["0.1", "0.2"]})

    def test_choice_sees_training_only(self) -> None:
        rows = [row(AS_SET, 0), *(row(str(k), k) for k in range(1, 5))]
        chosen, as_set, locks = walk(rows, 252, 126)
        changed = [
            replace(one, returns=np.where(np.arange(800) < 630, one.returns, 0.05 * k))
            for k, one in enumerate(rows)
        ]
        again = walk(changed, 252, 126)[2]
        assert [lock.chosen for lock in locks[:4]] == [lock.chosen for lock in again[:4]]
        assert (chosen.name, as_set.name) == (CHOSEN, AS_SET)
        np.testing.assert_array_equal(as_set.returns, rows[0].returns[252:])
        for lock in locks:
            window = lock.window
            inside = slice(window.train_first, window.train_end)
            ratios = [sharpe(one.returns[inside], 260.0) for one in rows[1:]]
            assert lock.chosen == int(np.argmax(ratios))
            tested = slice(window.test_first - 252, window.test_end - 252)
            expected = rows[1 + lock.chosen].returns[window.test_first : window.test_end]
            np.testing.assert_array_equal(chosen.returns[tested], expected)

    def test_flat_configurations_are_not_chosen(self) -> None:
        returns = np.column_stack([np.zeros(400), np.random.default_rng(0).normal(-1, 1, 400)])
        locks = lock_windows(returns, walk_forward(400, 200, 100, horizon=0), 252.0)
        assert [lock.chosen for lock in locks] == [1, 1]

    def test_locked_settings_are_written_with_the_data(self) -> None:
        rows = [row(AS_SET, 0), row("a", 1), row("b", 2)]
        locks = walk(rows, 400, 200)[2]
        document = locked_document(rows, locks)
        assert document["data"] == "data"
        assert [w["test"][0] for w in document["windows"]] == [
            "2003-12-15",
            "2004-07-02",
        ]  # 12,401 and 12,601
        assert document["windows"][0]["settings"]["n"] in "ab"
        json.dumps(document, allow_nan=False)

    def test_combinatorial_paths_of_a_sure_thing(self) -> None:
        rows = np.column_stack([row("a", 1).returns, row("b", 2).returns + 0.02])
        found = combinatorial_paths(rows, 252.0, 6, 2)
        assert len(found) == 5
        np.testing.assert_allclose(found, sharpe(rows[:, 1], 252.0))


class TestResult:
    def test_rows_document_and_page(self, tmp_path: Path) -> None:
        rows = [row("base", 1), row("better", 1, 0.0005), row("o<ther", 3, days=700)]
        register = TrialRegister(tmp_path)
        register.record(one.trial("test") for one in rows)
        comparison = compare_rows(
            "ablation", rows, "base", data_name="made up", synthetic=True, register=register
        )
        section = Section("More", "text", ("a", "b"), (("1", "2"),))
        page = write_study(comparison, tmp_path / "o", "Title", "Text", [section], {"x": 1})
        result = json.loads((tmp_path / "o" / "result.json").read_text())
        names = {"name", "net_sharpe", "delta", "low", "high", "max_drawdown", "cost"}
        assert all(names <= set(one) for one in result["rows"])
        assert [one["trials"] for one in result["rows"]] == [3, 3, 3]
        assert result["sessions"] == 700
        assert result["x"] == 1
        better = result["rows"][1]
        assert better["low"] > 0
        assert better["net_sharpe"] == pytest.approx(
            sharpe(rows[1].returns[:700], sessions_a_year(rows[1].day[:700]))
        )
        text = page.read_text()
        assert "Synthetic market" in text
        assert "o&lt;ther" in text
        assert "3 trials" in text
        assert "<td>1</td><td>2</td>" in text
        assert better["annual_vol"] == pytest.approx(
            np.std(rows[1].returns[:700], ddof=1) * np.sqrt(sessions_a_year(rows[1].day[:700]))
        )
        lines = line_table(comparison).rows
        assert [line[0] for line in lines] == ["base", "better", "o<ther"]
        assert lines[0][2] == "–"
        assert f"{lines[1][2]}</td>\n<td>{lines[1][3]}</td>" in text
        assert {len(line) for line in lines} == {len(line_table(comparison).head)}

    def test_the_same_rows_give_the_same_file(self, tmp_path: Path) -> None:
        register = TrialRegister(tmp_path)
        texts = []
        for name in ("a", "b"):
            rows = [row("base", 1), row("other", 2)]
            register.record(one.trial("test") for one in rows)
            comparison = compare_rows(
                "peers", rows, "base", data_name="d", synthetic=False, register=register
            )
            write_study(comparison, tmp_path / name, "t", "t")
            texts.append((tmp_path / name / "result.json").read_bytes())
        assert texts[0] == texts[1]

    def test_leverage_is_no_ability(self, tmp_path: Path) -> None:
        base = row("base", 1, 0.001)
        rows = [base, replace(base, name="double", returns=2 * base.returns)]
        comparison = compare_rows(
            "peers", rows, "base", data_name="d", synthetic=False, register=TrialRegister(tmp_path)
        )
        assert comparison.superior is None


def test_unknown_settings_fail_before_the_engine(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="unknown setting"):
        run_one(StudyRequest("x", {"none": "1"}), made_up_dataset(50))
