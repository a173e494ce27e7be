import json
import shutil
from datetime import date

import pytest
from click.testing import CliRunner

from research.cli import main
from research.lean.checks import check_folder, expected_markets, untraded
from research.lean.export import export_lean
from research.lean.format import MARKER_FILE
from tests.research.lean_samples import dataset, fx, history, instrument, lean_folder
from universe.master import MASTER

MONTHS = [201912, 202003, 202006]
ES, FESX = MASTER["ES"], MASTER["FESX"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An exported folder with ES and FESX."""
    place = tmp_path_factory.mktemp("lean")
    lean = lean_folder(place / "lean")
    markets = [history(lean, instrument(code), MONTHS) for code in ("ES", "FESX")]
    export_lean(dataset(*markets, rates=(fx("EUR"),)), place / "out", lean)
    return place / "out"


@pytest.fixture
def folder(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "data")


def said(folder, *more):
    return [
        str(finding) for finding in check_folder(folder, expected_markets(folder, MASTER), *more)
    ]


def test_a_whole_folder_has_no_findings(folder):
    assert [one.code for one in expected_markets(folder, MASTER)] == ["ES", "FESX"]
    assert said(folder) == []
    seen = []
    check_folder(folder, [ES, FESX], progress=lambda *step: seen.append(step))
    assert seen == [(1, 2, "ES"), (2, 2, "FESX")]


@pytest.mark.parametrize("part", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_trade_zip(folder, part):
    path = folder / "future/cme/daily/es_trade.zip"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    (text,) = said(folder)
    assert text.startswith(f"ES: {path}: corrupt zip")
    assert untraded(check_folder(folder, [ES, FESX])) == {"ES"}


def test_damage_inside_a_trade_zip(folder):
    path = folder / "future/cme/daily/es_trade.zip"
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0xFF
    path.write_bytes(content)
    (text,) = said(folder)
    assert text.startswith(f"ES: {path}: corrupt zip")


def test_missing_files(folder):
    (folder / "future/cme/daily/es_trade.zip").unlink()
    shutil.rmtree(folder / "future/eurex")
    first, second = said(folder)  # the export's record still names both
    assert first == (
        f"ES: {folder}/future/cme/daily/es_trade.zip: file is missing;"
        " expected the trade bars of ES"
    )
    assert second == f"FESX: the exchange's folder {folder}/future/eurex is missing"


def test_missing_chains(folder):
    shutil.rmtree(folder / "future/cme/universes/es")
    assert said(folder) == [
        f"ES: {folder}/future/cme/universes/es has no chain files: LEAN subscribes no contract"
    ]
    assert untraded(check_folder(folder, [ES, FESX])) == {"ES"}


def test_chains_that_end_early(folder):
    chains = sorted((folder / "future/cme/universes/es").glob("*.csv"))
    for path in chains[len(chains) // 2 :]:
        path.unlink()
    (text,) = said(folder)
    assert text.endswith("LEAN trades only where both are")
    assert untraded(check_folder(folder, [ES])) == set()
    for path in chains[: len(chains) // 2]:
        path.unlink()
    (folder / "future/cme/universes/es/19990104.csv").touch()
    (text,) = said(folder)
    assert "the chains in" in text
    assert text.endswith("LEAN subscribes no contract")


@pytest.mark.parametrize("damage", ["missing", "cut", "empty"])
def test_exchange_rate(folder, damage):
    path = folder / "forex/oanda/daily/eurusd.zip"
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:100] if damage == "cut" else b"")
    (text,) = said(folder)
    assert text.startswith(f"FESX: {path}: ")
    assert text.endswith("its orders are refused")
    assert untraded(check_folder(folder, [ES, FESX])) == {"FESX"}


def test_what_only_falsifies_is_told_apart(folder):
    (folder / "future/cme/margins/ES.csv").unlink()
    (folder / "future/eurex/map_files/fesx.csv").unlink()
    first, second = said(folder)
    assert first.endswith("LEAN asks for no margin")
    assert second.endswith("rolls follow the calendar alone")
    assert untraded(check_folder(folder, [ES, FESX])) == set()


def test_dates_without_bars(folder):
    first, second = said(folder, date(2030, 1, 1), date(2031, 1, 1))
    assert first.startswith("ES: no bar between 2030-01-01 and 2031-01-01; they are from 2019")
    assert second.startswith("FESX: no bar between ")


def test_databases(folder):
    (folder / "market-hours/market-hours-database.json").write_text("{")
    (text,) = said(folder)
    assert "not LEAN's market-hours database" in text
    assert untraded(check_folder(folder, [ES])) == {""}


def test_an_empty_folder(tmp_path):
    for name in ("future", "market-hours"):
        (tmp_path / name).mkdir()
    texts = said(tmp_path)
    assert texts[-1].endswith("no daily bars of any market; LEAN would order nothing")
    assert said(tmp_path / "none") == [f"{tmp_path / 'none'}: the LEAN data folder is missing"]


class TestCommands:
    @pytest.fixture
    def engine(self, monkeypatch):
        """Parameters of the runs that the command starts, on no engine."""
        runs = []

        class RunStartedError(Exception):
            pass

        def started(_main, _data, _out, parameters, *_, **_more):
            runs.append(parameters)
            raise RunStartedError

        monkeypatch.setattr("research.lean.runner.find_launcher", lambda: None)
        monkeypatch.setattr("research.lean.runner.run_lean", started)
        return runs

    @staticmethod
    def run(command, folder, *more):
        dates = ("--start", "2019-12-02", "--end", "2020-03-31") if command == "lean" else ()
        arguments = [command, "--data", folder, *dates, *more]
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    def test_lean_leaves_out_what_it_could_not_trade_and_says_so(self, folder, engine, tmp_path):
        (folder / "forex/oanda/daily/eurusd.zip").unlink()
        done = self.run("lean", folder, "--out", tmp_path / "out")
        assert "note: FESX: " in done.stderr
        assert "note: left out: FESX" in done.stderr
        assert engine == [{"start": "2019-12-02", "end": "2020-03-31", "markets": "ES"}]

    def test_lean_refuses_what_was_asked_for_by_name(self, folder, engine, tmp_path):
        (folder / "forex/oanda/daily/eurusd.zip").unlink()
        more = ("--markets", "ES FESX", "--out", tmp_path / "out")
        done = self.run("lean", folder, *more)
        assert done.exit_code == 2
        last = done.stderr.splitlines()[-1]
        assert last == f"error: {folder}: LEAN would not trade FESX, see the notes above"
        assert engine == []

    def test_lean_refuses_a_folder_on_which_nothing_trades(self, folder, engine, tmp_path):
        shutil.rmtree(folder / "future/cme")
        shutil.rmtree(folder / "future/eurex")
        done = self.run("lean", folder, "--out", tmp_path / "out")
        assert done.exit_code == 2
        assert "LEAN would trade nothing on it" in done.stderr
        assert engine == []

    def test_only_changed_settings_become_parameters(self, folder, engine, tmp_path):
        more = ("--set", "vol_target=0.12 var_limit=0.2", "--out", tmp_path / "out")
        self.run("lean", folder, *more)
        assert engine[0] == {
            "start": "2019-12-02",
            "end": "2020-03-31",
            "markets": "ES FESX",
            "vol_target": "0.12",
        }

    def test_check(self, folder):
        done = self.run("check", folder)
        assert done.exit_code == 0, done.output
        shutil.rmtree(folder / "future/cme/universes")
        done = self.run("check", folder)
        assert done.exit_code == 2
        assert "error: LEAN data: ES: " in done.stderr
        assert done.stdout.strip().endswith("next: mend the errors above, then check again")


def test_a_folder_that_is_no_export_of_ours(folder):
    record = json.loads((folder / MARKER_FILE).read_text())
    assert set(record["markets"]) == {"ES", "FESX"}
    (folder / MARKER_FILE).unlink()
    (folder / "future/cme/daily/es_trade.zip").unlink()
    assert [one.code for one in expected_markets(folder, MASTER)] == ["FESX"]
