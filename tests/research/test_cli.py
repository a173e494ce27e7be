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
from research.cli import error_sentence, main
from research.commands import CALLER, COMMANDS, VARIABLES
from research.commands.asked import AskedOfLean
from research.commands.opening import fit_dates
from research.commands.speech import call, printable
from research.data.errors import DataError
from research.lean import project_config
from research.lean.project_config import chosen_settings, parse_assignments, read_config
from research.open_data import DataRequest, Layout, detect_layout, open_data

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def called_by_itself(monkeypatch):
    monkeypatch.delenv(CALLER, raising=False)


@pytest.fixture
def config(monkeypatch, tmp_path):
    """A config.json to be edited."""
    path = tmp_path / "edited" / "config.json"
    path.parent.mkdir()
    monkeypatch.setattr(project_config, "CONFIG", path)
    return path


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A short run on the synthetic market, and its folder."""
    out = tmp_path_factory.mktemp("cli") / "a folder" / "out"
    dates = ["--start", "2002-01-02", "--end", "2003-06-30"]
    chosen = ["--markets", "ES,ZN", "--set", "vol_target=0.12"]
    result = run("backtest", *dates, *chosen, "--out", out)
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
        shown = [path for path in out.iterdir() if not path.name.startswith(".")]
        files = [path for one in shown for path in ([one] if one.is_file() else one.rglob("*.*"))]
        names = {str(path.relative_to(out)) for path in files}
        tables = {"agreement.csv", "daily.csv", "events.csv", "fills.csv"}
        assert tables | {"report/index.html", "result.json", "decisions.jsonl"} <= names
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
        settings = fit_dates(chosen_settings((), open_end=True), data)
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
        (["--markets", "es"], "unknown market 'es'; did you mean ES"),
        (["--markets", ""], "markets is empty; it must be codes parted by blanks, or all"),
        (["--markets", " , "], "markets is empty"),
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


def test_a_commands_own_defaults_give_way_to_what_is_asked_for(config):
    config.write_text('{"parameters": {"buffer": "0.3", "vol_target": "0.2"}}')
    own = {"buffer": "0", "vol_span": "5", "markets": "ES ZN", "charts": "off"}
    asked = AskedOfLean(Path("lean-data"), None, None, "GC", ("cash=1000000 vol_span=20",))
    chosen = asked.settings(own)
    assert (chosen.buffer, chosen.vol_target, chosen.charts) == (0.0, 0.2, "off")
    assert (chosen.vol_span, chosen.markets, chosen.cash) == (20, "GC", 1e6)


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

    monkeypatch.setattr(project_config, "chosen_settings", broken)
    assert isinstance(run("backtest").exception, ZeroDivisionError)


def test_error_sentences():
    full = OSError(errno.ENOSPC, "No space left on device", "out/daily.csv")
    assert error_sentence(full) == "out/daily.csv: No space left on device"
    assert error_sentence(BrokenPipeError(errno.EPIPE, "Broken pipe")) is None
    assert error_sentence(DataError("a\n b")) == "a b"
    assert error_sentence(ValueError("x")) is None


def test_what_a_file_holds_never_reaches_the_terminal_as_it_is():
    assert printable("a\x1b[31m b\x00\n\tc") == "a\\x1b[31m b\\x00 c"
    assert printable("Größe µ σ²") == "Größe µ σ²"
    assert printable("\udcff") == "\\udcff"
    assert len(printable("x" * 10**6)) < 2100
    assert error_sentence(DataError("\x1b]0;title\x07 \u202e")) == "\\x1b]0;title\\x07 \\u202e"


def test_a_binary_file_is_an_error_in_printable_text(tmp_path):
    (tmp_path / "ES.csv").write_bytes(b"date,contract,close\n" + bytes(range(256)) * 40)
    done = run("backtest", "--data", tmp_path, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.rstrip("\n").isprintable()
    assert len(done.stderr) < 2300


class TestRefusedBeforeTheRun:
    def test_out_that_cannot_be_written(self, monkeypatch, tmp_path):
        def refused(*_, **__):
            raise PermissionError(errno.EACCES, "Permission denied", "tmpabc")

        monkeypatch.setattr("research.output.Path.mkdir", refused)
        monkeypatch.setattr("research.engine.engine.run_backtest", None)
        done = run("backtest", "--markets", "ES", "--out", tmp_path)
        assert done.exit_code == 2
        assert done.stderr == f"error: {tmp_path}: cannot be written to (Permission denied)\n"

    @pytest.mark.parametrize("command", ["backtest", "rules"])
    def test_two_rows(self, command, tmp_path):
        rows = "date,contract,close\n2010-01-04,201003,1100\n2010-01-05,201003,1101\n"
        (tmp_path / "ES.csv").write_text(rows)
        out = tmp_path / "out"
        done = run(command, "--data", tmp_path, "--out", out)
        assert done.exit_code == 2
        said = "too short for a forecast of any rule; the longest market, ES, has 2 sessions"
        assert said in done.stderr
        assert [path for path in out.iterdir() if not path.name.startswith(".")] == []

    def test_capitals_in_a_header_do_not_count(self, tmp_path):
        (tmp_path / "ES.csv").write_text("Date,Contract,CLOSE\n2010-01-04,201003,1100\n")
        data = open_data(DataRequest(folder=tmp_path))
        assert data.markets["ES"].close.tolist() == [1100.0]

    def test_a_column_that_is_there_twice(self, tmp_path):
        (tmp_path / "ES.csv").write_text("date,contract,close,Close\n2010-01-04,201003,1,2\n")
        with pytest.raises(DataError, match="column close is there twice"):
            open_data(DataRequest(folder=tmp_path))

    def test_other_kinds_of_file(self, tmp_path):
        file = tmp_path / "prices.parquet"
        file.write_bytes(b"PAR1")
        done = run("backtest", "--data", file, "--out", tmp_path / "out")
        assert done.stderr.startswith(f"error: {file}: is a file; expected a folder with ")
        done = run("backtest", "--data", tmp_path, "--out", tmp_path / "out")
        assert "found 1 .parquet file, not read: write CSV first" in done.stderr


class TestMacro:
    @pytest.fixture
    def folder(self, tmp_path):
        folder = tmp_path / "macro"
        folder.mkdir()
        rows = "DATE,{}\n" + "".join(f"2002-01-{day:02d},4.0\n" for day in range(1, 29))
        for name in ("DGS10", "BAA10Y"):
            (folder / f"{name}.csv").write_text(rows.format(name))
        (folder / "MOON_PHASE.csv").write_text(rows.format("MOON_PHASE"))
        return folder

    def notes(self, folder, tmp_path, *more):
        """What is said of the series before a run that ends for lack of data."""
        (tmp_path / "ZN.csv").write_text("date,contract,close\n2002-01-04,200203,104.5\n")
        out = tmp_path / "out"
        done = run("backtest", "--data", tmp_path, "--macro", folder, "--out", out, *more)
        assert "too short" in done.stderr
        return done.stderr

    def test_without_the_rule_that_reads_them(self, folder, tmp_path):
        notes = self.notes(folder, tmp_path)
        assert "note: macro folder: 1 file of no known series is not read: MOON_PHASE" in notes
        none = (
            "note: macro series: none of 2 is read (credit.spread, usd.10y): carry_source is basis"
        )
        assert none in notes

    def test_with_it(self, folder, tmp_path):
        notes = self.notes(folder, tmp_path, "--set", "carry_source=class")
        assert "note: macro series: 1 of 2 are read, not credit.spread" in notes

    def test_check_says_the_same(self, folder):
        done = run("check", "--macro", folder)
        assert "data: 1 file of no known series is not read: MOON_PHASE" in done.stdout
        assert "none of 2 is read" not in done.stdout  # the regime reads both
        assert done.stdout.strip().endswith(f"--macro {folder}")


class TestOwnMarkets:
    @pytest.fixture
    def folder(self, tmp_path):
        (tmp_path / "ES.csv").write_text("date,contract,close\n2002-01-04,200203,1100\n")
        (tmp_path / "ESN.csv").write_text("date,contract,close\n2002-01-04,200203,1100\n")
        return tmp_path

    @pytest.fixture
    def table(self, tmp_path):
        path = tmp_path / "tables" / "mine.csv"
        path.parent.mkdir()
        path.write_text("code,like,name,multiplier,tick\nESN,ES,Nano,1,0.25\nXX,ES,None,1,0.25\n")
        return path

    def test_what_the_run_goes_without_is_named(self, folder, table):
        done = run("check", "--data", folder)
        assert "1 market," in done.stdout
        assert "ESN" in done.stdout
        done = run("check", "--data", folder, "--instruments", table)
        assert "2 markets" in done.stdout
        assert "XX" in done.stdout
        assert f"--instruments {table}" in done.stdout
        done = run("backtest", "--data", folder, "--instruments", table, "--out", folder / "out")
        notes = [line for line in done.stderr.splitlines() if line.startswith("note: ")]
        assert len(notes) == 1
        assert "XX" in notes[0]

    def test_faults_of_the_file(self, folder, table):
        table.write_text("code,like\nESN,EZ\n")
        done = run("backtest", "--data", folder, "--instruments", table, "--out", folder / "out")
        assert done.exit_code == 2
        assert done.stderr.startswith(f"error: {table}")

    def test_list(self):
        assert "| ES |" in run("markets").stdout.replace("`", "")


class TestCommands:
    @pytest.mark.parametrize("name", COMMANDS)
    def test_every_command_takes_the_variables_of_its_line(self, name):
        command = main.get_command(None, name)
        taken = {option for parameter in command.params for option in parameter.opts}
        wanted = {f"--{v.lower().replace('_', '-')}" for v in COMMANDS[name].variables.split()}
        assert wanted <= taken
        assert command.help

    def test_every_variable_is_described_and_used(self):
        used = {name for entry in COMMANDS.values() for name in entry.variables.split()}
        assert used == set(VARIABLES)

    def test_unknown_command(self):
        done = run("bactest")
        assert done.exit_code == 2
        assert "no command 'bactest'; did you mean 'backtest'?" in done.stderr

    def test_the_next_call_has_the_form_of_this_one(self, monkeypatch):
        assert call("lean", data="a b", end=None) == "python -m research lean --data 'a b'"
        monkeypatch.setenv(CALLER, "make")
        assert call("export", lean_data=Path("x")) == "make export LEAN_DATA=x"


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
    def test_a_line_each_under_its_package(self):
        lines = run("settings").output.splitlines()
        rows = Settings.table()
        inset = [line for line in lines if line.startswith("  ")]
        assert [line.split()[0] for line in inset] == [row["name"] for row in rows]
        assert max(map(len, lines)) <= 100
        packages = list(dict.fromkeys(row["package"] for row in rows))
        assert [line for line in lines if line and " " not in line[:2]][:-1] == packages

    def test_all_of_one(self):
        text = run("settings", "--name", "vol_target").output
        row = next(row for row in Settings.table() if row["name"] == "vol_target")
        assert all(value in text for value in row.values())
        done = run("settings", "--name", "vol_traget")
        assert done.exit_code == 2
        assert done.stderr == "error: unknown setting 'vol_traget'; did you mean 'vol_target'?\n"

    def test_json(self):
        assert json.loads(run("settings", "--format", "json").output) == Settings.table()

    def test_markdown(self):
        lines = run("settings", "--format", "markdown").output.strip().splitlines()
        packages = dict.fromkeys(row["package"] for row in Settings.table())
        assert [line[3:] for line in lines if line.startswith("## ")] == list(packages)
        assert sum(line.startswith("| `") for line in lines) == len(Settings.table())

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

    def test_config_as_an_editor_may_leave_it(self, tmp_path):
        path = tmp_path / "config.json"
        text = '\ufeff{\r\n"parameters": {"vol_target": 0.15, "decisions": false}}\r\n'
        path.write_text(text, encoding="utf-8", newline="")
        settings = chosen_settings([], path)
        assert (settings.vol_target, settings.decisions) == (0.15, False)

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "cannot be read"),
            (b"{", "cannot be read"),
            (b"[]", "cannot be read"),
            (b"{}", "cannot be read"),
            (b'{"parameters": 3}', "cannot be read"),
            (b'{"parameters": {"cash": "\xff"}}', "cannot be read"),
            (b'{"parameters": {"cash": "1", "cash": "2"}}', '"cash" is given twice'),
            (b'{"parameters": {}, "parameters": {}}', '"parameters" is given twice'),
            (
                b'{"parameters": {"markets": ["ES", "ZN"]}}',
                r'"markets" is \["ES", "ZN"\], no single',
            ),
            (b'{"parameters": {"cash": null}}', '"cash" is null, no single value'),
        ],
    )
    def test_damaged_config(self, tmp_path, content, reason):
        path = tmp_path / "config.json"
        path.write_bytes(content)
        with pytest.raises(SettingsError, match=reason):
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

    def test_changed(self, config):
        config.write_text('{"parameters": {"vol_target": "0.15", "cash": "50000000"}}')
        done = run("check")
        assert "config.json: 2 settings, changed: vol_target 0.15 (default 0.1)" in done.stdout

    @pytest.mark.parametrize(
        ("parameters", "sentence"),
        [
            ('"markets": "ESS ZN"', "error: config.json: unknown market 'ESS'; did you mean ES"),
            ('"instruments": "code,tick;ES,x"', "line 2, tick 'x': allowed is above 0"),
        ],
    )
    def test_markets_of_the_configuration(self, config, tmp_path, parameters, sentence):
        config.write_text(f'{{"parameters": {{{parameters}}}}}')
        done = run("check", "--data", tmp_path / "none")
        assert done.exit_code == 2
        assert sentence in done.stderr

    def test_bad(self, config, tmp_path):
        config.write_text('{"parameters": {"vol_target": "7"}}')
        done = run("check", "--data", tmp_path / "none")
        assert done.exit_code == 2
        assert "error: config.json: vol_target is 7.0" in done.stderr
        assert done.stderr.count("none: the data folder is missing") == 1


class TestExport:
    def test_needs_lean_data(self, monkeypatch):
        monkeypatch.setenv("LEAN_DATA", "/stray")  # the environment gives no options
        done = run("export")
        assert done.exit_code == 2
        assert "needed, as in: python -m research export --lean-data LEAN/Data" in done.stderr

    def test_lean_data_is_missing(self, tmp_path):
        out = tmp_path / "out"
        done = run(
            *("export", "--markets", "ES", "--start", "2020-01-02", "--end", "2020-06-30"),
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
        assert (
            f"note: ES: the exchange's folder {tmp_path}/data/future/cme is missing" in done.stderr
        )
        assert done.stderr.splitlines()[-1].startswith("error: ")


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
    for command in COMMANDS:
        assert f"  {command} " in done.stdout


@pytest.mark.parametrize("module", [["-m", "research"], ["main.py"]], ids=" ".join)
def test_modules_run_without_a_traceback(module):
    done = subprocess.run(
        [sys.executable, *module, "bactest"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    assert ("main.py is run by LEAN" if module == ["main.py"] else "no command") in done.stderr
