"""Own markets and a source's names through ``open_data``; what a run leaves out is named."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from algorithm.settings import Settings
from research.commands.opening import data_request
from research.data.dataset import DataIssue
from research.data.errors import DataError
from research.data.instruments_file import stored_instruments
from research.data.issue_log import left_out
from research.engine.engine import run_backtest
from research.open_data import DataRequest, open_data
from tests.research.pysystemtrade_folder import DAYS, write_adjusted, write_multiple
from universe.instrument_table import InstrumentTableError, chosen_master
from universe.instruments import UnknownInstrumentError
from universe.master import MASTER

OWN = "code,like,source_code,multiplier\nMINE,ES,ALPHA,7\nSPARE,NQ,,2\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Prices of ALPHA, which no master knows, and of SP500."""
    rows = [(f"{d} 23:00:00", "", 20200600, 100.0 + k, 20200300, "", 20200600)
            for k, d in enumerate(DAYS)]  # fmt: skip
    for name in ("ALPHA", "SP500"):
        write_multiple(tmp_path / "data", rows, name=name)
        write_adjusted(tmp_path / "data", [(r[0], r[3]) for r in rows], name=name)
    return tmp_path / "data"


def own(tmp_path: Path, text: str = OWN) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text(text)
    return path


def test_a_file_without_an_instrument_is_named(folder: Path) -> None:
    data = open_data(DataRequest(folder))
    assert list(data.markets) == ["ES"]
    assert left_out(data.issues) == [
        "left out: ALPHA (unknown market: not in the instrument master: file not read)"
    ]


def test_an_instruments_file_gives_it_one(folder: Path, tmp_path: Path) -> None:
    data = open_data(DataRequest(folder, instruments=own(tmp_path)))
    assert list(data.markets) == ["ES", "MINE"]
    assert data.markets["MINE"].instrument.multiplier == 7.0
    where = tmp_path / "mine.csv"
    assert left_out(data.issues) == [f"left out: SPARE (no data: in {where}, but not in the data)"]
    assert str(data.issues[-1]) == f"SPARE no data: in {where}, but not in the data"


def test_it_overrides_the_master(folder: Path, tmp_path: Path) -> None:
    path = own(tmp_path, "code,half_spread\nES,0.5\n")
    data = open_data(DataRequest(folder, codes=["ES"], instruments=path))
    assert data.markets["ES"].instrument.half_spread == 0.5


def test_the_synthetic_market_knows_it_too(tmp_path: Path) -> None:
    data = open_data(DataRequest(codes=["SPARE"], instruments=own(tmp_path)))
    assert list(data.markets) == ["SPARE"]


def test_a_market_goes_by_its_sources_name(folder: Path, tmp_path: Path) -> None:
    request = DataRequest(folder, codes=["SP500", "ES", "ALPHA"], instruments=own(tmp_path))
    data = open_data(request)
    assert list(data.markets) == ["ES", "MINE"]
    assert list(data.select(["ALPHA", "SP500"]).markets) == ["MINE", "ES"]
    start, end = str(DAYS[0]), str(DAYS[-1])
    run = run_backtest(data, Settings(markets="SP500", start=start, end=end))
    assert run.markets == ["ES"]


def test_an_unknown_name_is_told_the_code(folder: Path) -> None:
    with pytest.raises(UnknownInstrumentError, match=r"did you mean ES \(E-mini S&P 500\)"):
        open_data(DataRequest(folder, codes=["sp500"]))


def test_a_market_asked_for_that_has_no_file(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="SPARE"):
        open_data(DataRequest(folder, codes=["SPARE"], instruments=own(tmp_path)))


def test_faults_name_file_and_line(folder: Path, tmp_path: Path) -> None:
    path = own(tmp_path, "code,tick\nES,x\n")
    with pytest.raises(InstrumentTableError, match=r"mine\.csv: line 2, tick 'x'"):
        open_data(DataRequest(folder, instruments=path))
    with pytest.raises(DataError, match=r"none\.csv: cannot be read \(No such file"):
        open_data(DataRequest(folder, instruments=tmp_path / "none.csv"))
    path.write_bytes(b"code\xff\xfe")
    with pytest.raises(DataError, match=r"mine\.csv: cannot be read \(it is not UTF-8\)"):
        open_data(DataRequest(folder, instruments=path))


def test_sentences_gather_markets_of_one_reason() -> None:
    issues = [
        DataIssue("A", None, "no session", "none"),
        DataIssue("B", 3, "outlier", "kept"),
        DataIssue("C", None, "no session", "none"),
        DataIssue("D", None, "no data", "why"),
    ]
    assert left_out(issues) == [
        "left out: A, C (no session: none)",
        "left out: D (no data: why)",
    ]


def test_a_run_in_lean_finds_the_file_under_a_key(tmp_path: Path) -> None:
    path = own(tmp_path)
    (key,) = stored_instruments(path)
    assert stored_instruments(path) == {key: OWN}
    assert stored_instruments(None) == {}
    assert chosen_master(key, stored_instruments(path).get, MASTER)["SPARE"].multiplier == 2.0


def test_a_table_for_lean_alone_is_told_in_research(capsys: pytest.CaptureFixture[str]) -> None:
    with click.Context(click.Command("backtest")):
        data_request(None, Settings(instruments="code,half_spread;ES,0.2"))
        assert "the setting instruments is LEAN's alone" in capsys.readouterr().err
        data_request(None, Settings(instruments="key"), instruments=Path("mine.csv"))
        assert not capsys.readouterr().err
