"""The command line from end to end, in this process."""

import csv
import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from algorithm.settings import Settings, SettingsError
from research import cli
from research.cli import error_sentence, main
from research.data.errors import DataError
from research.lean import project_config
from research.lean.project_config import chosen_settings, parse_assignments, read_config
from research.open_data import DataRequest, Layout, detect_layout, open_data

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A short run on the synthetic market, and its folder."""
    out = tmp_path_factory.mktemp("cli") / "a folder" / "out"
    dates = ["--start", "2002-01-02", "--end", "2003-06-30"]
    result = run("backtest", *dates, "--markets", "ES,ZN", "--set", "vol_target=0.12", "--out", out)
    return result, out


class TestBacktest:
    def test_summary_and_last_line(self, finished):
        result, out = finished
        assert result.exit_code == 0, result.output
        assert "Sharpe ratio" in result.stdout
        assert "synthetic" in result.stdout
        last = result.stdout.strip().splitlines()[-1]
        assert last.startswith(f"report: {out / 'report' / 'index.html'}; open it in a browser")

    def test_files(self, finished):
        _, out = finished
        names = sorted(str(path.relative_to(out)) for path in out.rglob("*.*"))
        tables = ["agreement.csv", "daily.csv", "fills.csv"]
        assert names == [*tables, "report/index.html", "result.json"]
        assert "<html" in (out / "report" / "index.html").read_text(encoding="utf-8")[:2000]

    def test_record(self, finished):
        _, out = finished
        record = json.loads((out / "result.json").read_text(encoding="utf-8"))
        settings = Settings.parse(record["settings"])
        assert settings.vol_target == 0.12
        assert settings.hash() == record["settings_hash"]
        assert record["markets"] == ["ES", "ZN"]
        assert record["data"]["synthetic"] is True
        data = open_data(DataRequest(codes=["ES", "ZN"], end=settings.last_day))
        assert data.fingerprint() == record["data"]["hash"]
        assert (record["first"], record["last"]) == ("2002-01-02", "2003-06-30")

    def test_daily_and_fills_agree(self, finished):
        _, out = finished
        with (out / "daily.csv").open(encoding="utf-8") as file:
            days = list(csv.DictReader(file))
        with (out / "fills.csv").open(encoding="utf-8") as file:
            fills = list(csv.DictReader(file))
        assert days[0]["date"] == "2002-01-02"
        assert fills
        paid = sum(float(fill["slippage"]) + float(fill["fee"]) for fill in fills)
        assert paid == pytest.approx(sum(float(day["cost"]) for day in days), rel=1e-6)
        assert {fill["market"] for fill in fills} <= {"ES", "ZN"}

    def test_dates_of_the_synthetic_market_come_from_it(self):
        data = open_data(DataRequest(codes=["ES"]))
        settings = cli._fit_dates(chosen_settings((), open_end=True), data)
        assert settings.start == "2000-01-03"
        assert settings.end == "2024-12-31"

    def test_a_start_after_the_default_end_is_fine(self, tmp_path):
        done = run("backtest", "--start", "2024-06-03", "--markets", "ES", "--out", tmp_path)
        assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--set", "vol_targt=1"], "unknown setting 'vol_targt'; did you mean 'vol_target'?"),
        (["--set", "vol_target"], "--set is 'vol_target'; it must be name=value"),
        (["--set", "=3"], "--set is '=3'; it must be name=value"),
        (["--set", "vol_target=9"], "vol_target is 9.0; it must be within 0.01 and 0.5"),
        (["--set", "vol_target=x"], "vol_target is 'x'; it must be a number"),
        (["--start", "2010-01-01", "--set", "start=2011-01-01"], "start is given twice"),
        (["--start", "tomorrow"], "start is 'tomorrow'; it must be a date like"),
        (["--start", "2010-01-01", "--end", "2009-01-01"], "end is 2009-01-01, before start"),
        (["--markets", "ES QQQQ"], "unknown market 'QQQQ'"),
        (["--data", "/no/such/folder"], "/no/such/folder: the data folder is missing"),
        (["--start", "1960-01-01", "--end", "1961-01-01"], "synthetic market: start 1960-01-01"),
    ],
)
def test_bad_input(arguments, sentence, tmp_path):
    done = run("backtest", *arguments, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: {sentence}")
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.output


def test_out_is_a_file(tmp_path):
    (tmp_path / "out").write_text("mine")
    done = run("backtest", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: {tmp_path / 'out'}: ")
    assert (tmp_path / "out").read_text() == "mine"


def test_debug_shows_the_traceback(tmp_path):
    for arguments in (["--debug", "backtest"], ["backtest", "--debug"]):
        done = run(*arguments, "--set", "vol_target=9", "--out", tmp_path)
        assert isinstance(done.exception, SettingsError)


def test_a_fault_of_the_program_keeps_its_traceback(monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "chosen_settings", broken)
    assert isinstance(run("backtest").exception, ZeroDivisionError)


def test_error_sentences():
    full = OSError(errno.ENOSPC, "No space left on device", "out/daily.csv")
    assert error_sentence(full) == "out/daily.csv: No space left on device"
    assert error_sentence(BrokenPipeError(errno.EPIPE, "Broken pipe")) is None
    assert error_sentence(DataError("a\n b")) == "a b"
    assert error_sentence(ValueError("x")) is None


class TestRules:
    def test_page_table_and_numbers(self, tmp_path):
        out = tmp_path / "a folder"
        done = run("rules", "--markets", "ES ZN", "--end", "2003-06-30", "--out", out)
        assert done.exit_code == 0, done.output
        assert "synthetic" in done.stdout
        assert "tsmom 50 + carry 50" in done.stdout
        assert done.stdout.strip().splitlines()[-1].startswith(f"rules: {out / 'rules.html'}")
        assert "simulated" in (out / "rules.html").read_text(encoding="utf-8")
        with (out / "rules.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert {row["class"] for row in rows} == {"equity", "bond", "all"}
        assert all(row["first"] >= "2000-01-03" for row in rows if row["first"])

    def test_dates_without_a_session(self, tmp_path):
        done = run(
            "rules",
            "--markets",
            "ES",
            "--start",
            "2003-06-28",
            "--end",
            "2003-06-29",
            "--out",
            tmp_path,
        )
        assert done.exit_code == 2
        assert "has no session between 2003-06-28 and 2003-06-29" in done.stderr


class TestSettings:
    def test_table(self):
        text = run("settings").output
        for row in Settings.table():
            assert row["name"][:8] in text

    def test_json(self):
        assert json.loads(run("settings", "--format", "json").output) == Settings.table()

    def test_markdown(self):
        lines = run("settings", "--format", "markdown").output.strip().splitlines()
        assert len(lines) == len(Settings.table()) + 2
        assert lines[0] == "| name | default | unit | allowed | meaning |"

    def test_config(self):
        text = run("settings", "--format", "config").output
        assert json.loads(text) == project_config.default_config()

    def test_assignments(self):
        assert parse_assignments(["a=1 b=2", "c=3 4  5"]) == {"a": "1", "b": "2", "c": "3 4 5"}
        assert parse_assignments(["a= 1 2"]) == {"a": "1 2"}
        assert parse_assignments([]) == {}
        with pytest.raises(SettingsError, match="a is given twice"):
            parse_assignments(["a=1", "a=1"])

    def test_config_is_the_base(self, tmp_path):
        path = tmp_path / "config.json"
        path.write_text('{"parameters": {"vol_target": "0.15", "cash": "1000000"}}')
        settings = chosen_settings(["cash=2000000"], path)
        assert (settings.vol_target, settings.cash) == (0.15, 2e6)
        path.unlink()
        assert chosen_settings([], path) == Settings()

    @pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"parameters": 3}'])
    def test_damaged_config(self, tmp_path, text):
        path = tmp_path / "config.json"
        path.write_text(text)
        with pytest.raises(SettingsError, match="cannot be read"):
            read_config(path)


class TestData:
    def test_layouts(self, tmp_path):
        for parts in ((), ("futures",), ("data", "futures")):
            folder = tmp_path / str(len(parts))
            folder.joinpath(*parts, "multiple_prices_csv").mkdir(parents=True)
            assert detect_layout(folder) is Layout.PYSYSTEMTRADE
        lean = tmp_path / "lean"
        (lean / "future").mkdir(parents=True)
        (lean / "market-hours").mkdir()
        assert detect_layout(lean) is Layout.LEAN
        plain = tmp_path / "plain"
        plain.mkdir()
        with pytest.raises(DataError, match="not a data folder; expected"):
            detect_layout(plain)
        (plain / "ES.csv").touch()
        assert detect_layout(plain) is Layout.CSV

    def test_a_market_without_session_is_named(self, tmp_path):
        (tmp_path / "ES.csv").write_text("date,contract,close\n2010-01-04,201003,1100\n")
        (tmp_path / "ZN.csv").write_text("date,contract,close\n2012-01-03,201203,130\n")
        done = run(
            *("backtest", "--data", tmp_path, "--markets", "ES ZN", "--end", "2011-01-01"),
            *("--out", tmp_path / "out"),
        )
        assert done.exit_code == 2
        assert "no session of ZN" in done.stderr


class TestCheck:
    def test_fine(self, monkeypatch):
        monkeypatch.delenv("LEAN_LAUNCHER", raising=False)
        done = run("check")
        assert done.exit_code == 0, done.output
        assert "config.json: " in done.stdout
        assert " settings, as is" in done.stdout
        assert "data: synthetic" in done.stdout
        assert "LEAN: not usable" in done.stdout
        assert done.stdout.strip().endswith("next: python -m research backtest")

    def test_bad(self, monkeypatch, tmp_path):
        config = tmp_path / "config.json"
        config.write_text('{"parameters": {"vol_target": "7"}}')
        monkeypatch.setattr(project_config.read_config, "__defaults__", (config,))
        done = run("check", "--data", tmp_path / "none")
        assert done.exit_code == 2
        assert "error: config.json: vol_target is 7.0" in done.stderr
        assert "none: the data folder is missing" in done.stderr


class TestExport:
    def test_needs_lean_data(self, monkeypatch):
        monkeypatch.delenv("LEAN_DATA", raising=False)
        done = run("export-lean")
        assert done.exit_code == 2
        assert "--lean-data" in done.stderr

    def test_lean_data_is_missing(self, tmp_path):
        out = tmp_path / "out"
        done = run(
            *("export-lean", "--markets", "ES", "--start", "2020-01-02", "--end", "2020-06-30"),
            *("--lean-data", tmp_path / "none", "--out", out),
        )
        assert done.exit_code == 2
        assert done.stderr.startswith("error: ")
        assert not out.exists()


class TestLean:
    def test_no_launcher(self, monkeypatch):
        monkeypatch.delenv("LEAN_LAUNCHER", raising=False)
        done = run("lean")
        assert done.exit_code == 2
        assert done.stderr.startswith("error: no LEAN engine: set LEAN_LAUNCHER to ")

    def test_no_data_of_a_market(self, monkeypatch, tmp_path):
        launcher = tmp_path / "QuantConnect.Lean.Launcher.dll"
        launcher.touch()
        (tmp_path / "dotnet").touch(mode=0o755)
        monkeypatch.setenv("LEAN_LAUNCHER", str(launcher))
        monkeypatch.setenv("PATH", str(tmp_path))
        arguments = ["lean", "--data", tmp_path / "data", "--markets", "ES", "--out", tmp_path]
        assert "no LEAN data folder; make one with" in run(*arguments).stderr
        (tmp_path / "data" / "market-hours").mkdir(parents=True)
        (tmp_path / "data" / "future").mkdir()
        done = run(*arguments)
        assert done.exit_code == 2
        assert done.stderr == f"error: {tmp_path / 'data'} has no daily bars of ES\n"


def test_help_is_quick_and_imports_little():
    code = (
        "import sys; from research.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'numpy', 'pandas', 'rich', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
    for command in ("backtest", "check", "export-lean", "lean", "settings"):
        assert f"  {command} " in done.stdout


def test_module_runs():
    done = subprocess.run(
        [sys.executable, "-m", "research", "backtest", "--set", "vol_target=7"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "error: vol_target is 7.0; it must be within 0.01 and 0.5\n"
