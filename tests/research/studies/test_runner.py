"""Studies: the same figures wherever they run, taken up where they stopped, no result lost."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from algorithm.settings import Settings
from research.data.dataset import Dataset
from research.engine.engine import run_backtest
from research.measures.performance import max_drawdown, returns_of, sharpe
from research.studies import runner
from research.studies.runner import Workers, remaining, run_study
from research.studies.study_row import (
    StudyError,
    StudyRequest,
    StudyRow,
    make_row,
    read_row,
    row_file,
    run_one,
    write_row,
)
from research.studies.trials import TrialRegister
from tests.helpers import made_up_dataset

QUICK = {
    "start": "2015-04-01",
    "end": "2015-12-15",
    "var_min_sessions": "60",
    "var_test": "absolute",
}


def request(name: str, **changes: str) -> StudyRequest:
    return StudyRequest(name, Settings.parse({**QUICK, **changes}).as_strings())


def same(one: StudyRow, other: StudyRow) -> bool:
    arrays = all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("day", "returns", "cost")
    )
    figures = np.array_equal(
        list(one.figures.values()), list(other.figures.values()), equal_nan=True
    )
    return arrays and figures and one.settings == other.settings


def light(request: StudyRequest, dataset: Dataset) -> StudyRow:
    """Work without an engine: returns drawn from the name."""
    if request.settings["cash"] == "13":
        raise ValueError("thirteen is refused")
    rng = np.random.default_rng(sum(request.name.encode()))
    returns = rng.standard_normal(300) * 0.01
    return make_row(request, dataset.fingerprint(), np.arange(301), returns, np.full(300, 1e-5))


def deadly(request: StudyRequest, dataset: Dataset) -> StudyRow:
    """Kills its process the first time that it is run; ``trend_rules`` names the flag's folder."""
    flag = Path(request.settings["trend_rules"]) / request.name
    if request.name == "b" and not flag.exists():
        flag.write_text("")
        os._exit(1)
    return light(request, dataset)


def always_deadly(request: StudyRequest, dataset: Dataset) -> StudyRow:
    if request.name == "b":
        os._exit(1)
    return light(request, dataset)


def plain(name: str, **settings: str) -> StudyRequest:
    return StudyRequest(name, {"cash": "1", **settings})


@pytest.fixture(scope="module")
def market() -> Dataset:
    return made_up_dataset(250)


class TestOneRow:
    def test_figures_are_those_of_the_run(self, market: Dataset) -> None:
        wanted = request("both")
        row = run_one(wanted, market)
        result = run_backtest(market, Settings.parse(wanted.settings))
        np.testing.assert_array_equal(row.returns, returns_of(result))
        assert row.figures["net_sharpe"] == sharpe(returns_of(result), result.sessions_a_year)
        fall = max_drawdown(result)
        assert row.figures["max_drawdown"] == pytest.approx(fall.depth if fall else 0.0)
        spent = (result.cost.sum(axis=1)[1:] / result.nav[:-1]).sum()
        assert row.cost.sum() == pytest.approx(spent)
        assert row.data == market.fingerprint()

    def test_a_row_comes_back_from_its_file_to_the_last_digit(self, tmp_path: Path) -> None:
        dataset = made_up_dataset()
        row = light(plain("x"), dataset)
        path = row_file(tmp_path, plain("x"), row.data)
        write_row(row, path)
        back = read_row(path, "renamed")
        assert back is not None
        assert back.name == "renamed"
        assert same(row, back)

    @pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"not a zip"])
    def test_a_damaged_file_is_no_row(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "row.npz").write_bytes(content)
        assert read_row(tmp_path / "row.npz", "x") is None
        assert read_row(tmp_path / "none.npz", "x") is None

    def test_unknown_book(self, market: Dataset) -> None:
        with pytest.raises(StudyError, match="book is 'none'; it must be one of strategy"):
            run_one(replace(request("x"), book="none"), market)

    def test_file_depends_on_settings_book_and_data_but_not_the_name(self, tmp_path: Path) -> None:
        paths = {
            row_file(tmp_path, plain("a"), "d"),
            row_file(tmp_path, plain("b"), "d"),
            row_file(tmp_path, plain("a", x="1"), "d"),
            row_file(tmp_path, replace(plain("a"), book="other"), "d"),
            row_file(tmp_path, plain("a"), "e"),
        }
        assert len(paths) == 4


class TestStudy:
    def study(self, folder: Path, market: Dataset, *requests: StudyRequest, **options):
        options.setdefault("work", light)
        register = TrialRegister(folder)
        return run_study("test", requests, market, folder / "out", register=register, **options)

    def test_every_configuration_is_in_the_register(self, tmp_path: Path, market: Dataset) -> None:
        self.study(tmp_path, market, plain("a"), plain("b", x="1"))
        register = TrialRegister(tmp_path)
        assert register.count(market.fingerprint()) == 2
        self.study(tmp_path, market, plain("b", x="1"), plain("c", x="2"))
        assert register.count(market.fingerprint()) == 3

    def test_it_goes_on_from_what_is_on_disk(
        self, tmp_path: Path, market: Dataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[str] = []

        def counted(request: StudyRequest, dataset: Dataset) -> StudyRow:
            seen.append(request.name)
            return light(request, dataset)

        first = self.study(tmp_path, market, plain("a"), plain("b", x="1"), work=counted)
        file = row_file(tmp_path / "out" / "rows", plain("b", x="1"), market.fingerprint())
        file.write_bytes(b"damaged")
        again = self.study(tmp_path, market, plain("a"), plain("b", x="1"), work=counted)
        assert seen == ["a", "b", "b"]
        assert all(same(one, other) for one, other in zip(first, again, strict=True))
        monkeypatch.setattr("research.studies.study_row.code_fingerprint", lambda: "other code")
        self.study(tmp_path, market, plain("a"), work=counted)
        assert seen == ["a", "b", "b", "a"]

    def test_equal_settings_run_once_under_both_names(
        self, tmp_path: Path, market: Dataset
    ) -> None:
        rows = self.study(tmp_path, market, plain("a"), plain("b"))
        assert [row.name for row in rows] == ["a", "b"]
        assert same(*rows)
        assert len(list((tmp_path / "out" / "rows").iterdir())) == 1

    def test_a_failure_is_named_and_costs_the_others_nothing(
        self, tmp_path: Path, market: Dataset
    ) -> None:
        message = r"1 of 3 configurations failed: bad: thirteen is refused"
        with pytest.raises(StudyError, match=message):
            self.study(tmp_path, market, plain("a"), plain("bad", cash="13"), plain("c", x="1"))
        assert TrialRegister(tmp_path).verify() == 2

    def test_progress_tells_what_is_left(self, tmp_path: Path, market: Dataset) -> None:
        told: list[tuple[int, int, str]] = []
        self.study(
            tmp_path,
            market,
            plain("a"),
            plain("b", x="1"),
            progress=lambda done, total, what: told.append((done, total, what)),
        )
        assert [(done, total) for done, total, _ in told] == [(0, 2), (1, 2), (2, 2)]
        assert told[1][2] == "0 s left"

    def test_names_must_differ(self, tmp_path: Path, market: Dataset) -> None:
        with pytest.raises(StudyError, match="not all different"):
            self.study(tmp_path, market, plain("a"), plain("a", x="1"))

    def test_no_worker(self) -> None:
        with pytest.raises(StudyError, match="workers is 0"):
            Workers(0)

    def test_nobody_at_the_address(
        self, tmp_path: Path, market: Dataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(runner, "PATIENCE", "0.5s")
        with pytest.raises(StudyError, match=r"no Dask scheduler answers at tcp://127.0.0.1:9"):
            self.study(tmp_path, market, plain("a"), workers=Workers(cluster="tcp://127.0.0.1:9"))

    def test_no_address(self, tmp_path: Path, market: Dataset) -> None:
        with pytest.raises(StudyError, match=r"cluster is 'nonsense': .*like tcp://host:8786"):
            self.study(tmp_path, market, plain("a"), workers=Workers(cluster="nonsense"))

    @pytest.mark.parametrize("deaths", [1, 2])
    def test_a_worker_that_dies_before_it_works(self, deaths: int) -> None:
        lives = iter([OSError("Stream is closed")] * deaths)

        def run(function: Callable[[], str]) -> dict[str, str]:
            for error in lives:
                raise error
            return {"one": function()}

        client = SimpleNamespace(run=run)
        if deaths == 1:
            runner._check_code(client, Workers(2))
            return
        with pytest.raises(StudyError, match=r"this machine goes away again and again .Stream is"):
            runner._check_code(client, Workers(2))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Workers]:
    """A scheduler with two workers, as one elsewhere would be."""
    import dask
    from distributed import LocalCluster

    with (
        dask.config.set(runner.OWN_CLUSTER),
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"allowed_failures": 1},
            silence_logs=50,
        ) as there,
    ):
        yield Workers(cluster=there.scheduler_address)


@pytest.mark.slow
class TestSeveralProcesses:
    def test_figures_do_not_depend_on_the_workers(
        self, tmp_path: Path, market: Dataset, cluster: Workers
    ) -> None:
        requests = [request("trend", trend_budget="1"), request("both")]
        register = TrialRegister(tmp_path)
        one, two, elsewhere = (
            run_study("t", requests, market, tmp_path / name, register=register, workers=workers)
            for name, workers in (("one", Workers(1)), ("two", Workers(2)), ("three", cluster))
        )
        for first, second, third in zip(one, two, elsewhere, strict=True):
            assert same(first, second)
            assert same(first, third)
        assert register.count(market.fingerprint()) == 2

    def test_a_worker_that_dies_costs_no_result(
        self, tmp_path: Path, market: Dataset, cluster: Workers
    ) -> None:
        requests = [plain(name, x=name, trend_rules=str(tmp_path)) for name in "abcd"]
        register = TrialRegister(tmp_path)
        out = tmp_path / "out"
        rows = run_study(
            "t", requests, market, out, register=register, workers=cluster, work=deadly
        )
        assert [row.name for row in rows] == list("abcd")
        assert (tmp_path / "b").exists()
        assert all(same(row, light(one, market)) for row, one in zip(rows, requests, strict=True))

    def test_a_configuration_that_kills_every_worker_is_named(
        self, tmp_path: Path, market: Dataset, cluster: Workers
    ) -> None:
        requests = [plain(name, x=name) for name in "abc"]
        register = TrialRegister(tmp_path)
        out = tmp_path / "out"
        with pytest.raises(StudyError, match=r"1 of 3 .*: b: its worker dies$"):
            run_study(
                "t", requests, market, out, register=register, workers=cluster, work=always_deadly
            )
        assert register.verify() == 2


@pytest.mark.parametrize(
    ("seconds", "text"), [(12.2, "12 s"), (300.0, "5 min"), (7800.0, "2 h 10 min")]
)
def test_remaining_time(seconds: float, text: str) -> None:
    assert remaining(seconds) == text
