"""Running a native LEAN: against a launcher made of a script, and the real one where there is."""

import json
import os
import sys
import time
from pathlib import Path

import pytest

from research.lean import runner as lean_runner
from research.lean.runner import (
    LAUNCHER_DLL,
    LeanNotFoundError,
    LeanRunError,
    find_launcher,
    parameter_text,
    run_config,
    run_lean,
)

COMPLETED = {
    "state": {"Status": "Completed", "RuntimeError": ""},
    "statistics": {"Sharpe Ratio": "0.5"},
    "runtimeStatistics": {"Fees": "-$1"},
}
RUNTIME_ERROR = (
    "2013-10-07 00:00:00 During the algorithm initialization, the following exception has"
    " occurred: vol_target is 9\n  at initialize\n    raise ValueError(x)\n"
    " in settings.py: line 8\n vol_target is 9"
)

# What the engine's own config.json has: comments, a comment sign in a string, a trailing comma.
CONFIG = """{
  // "environment": "live-paper",
  "environment": "live-interactive", /* and
  more */
  "url": "https://example.org//x", // why, "so"
  "quoted": "a \\" // b",
  "parameters": {"ema-fast": "10"},
  "list": [1, 2, // last
  ],
}
"""

DOTNET = """#!{python}
import json, os, sys, time
options = dict(zip(sys.argv[2::2], sys.argv[3::2]))
results = options["--results-destination-folder"]
with open(options["--config"]) as file:
    config = json.load(file)
seen = {{"argv": sys.argv[1:], "cwd": os.getcwd(), "config": config, "env": dict(os.environ)}}
with open(os.path.join(results, "seen.json"), "w") as file:
    json.dump(seen, file)
print("TRACE:: Engine: started", flush=True)
{body}
"""


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """A launcher folder with blanks in its name, and a way to say what its dotnet does."""
    folder = tmp_path / "my engine"
    folder.mkdir()
    (folder / LAUNCHER_DLL).touch()
    (folder / "config.json").write_text(CONFIG)
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.setenv("LEAN_LAUNCHER", str(folder))
    for name in ("LEAN_PYTHONPATH", "PYTHONPATH", "PYTHONNET_PYDLL"):
        monkeypatch.delenv(name, raising=False)

    def behave(result=None, body=""):
        written = ""
        if result is not None:
            written = f"open(os.path.join(results, 'Main.json'), 'w').write({json.dumps(result)!r})"
        program = programs / "dotnet"
        program.write_text(DOTNET.format(python=sys.executable, body=f"{written}\n{body}"))
        program.chmod(0o755)
        return folder

    behave(COMPLETED)
    return behave


@pytest.fixture
def project(tmp_path):
    """Arguments of a run."""
    main, data = tmp_path / "main.py", tmp_path / "Data"
    main.touch()
    data.mkdir()
    return main, data, tmp_path / "my results"


def seen(project):
    return json.loads((project[2] / "seen.json").read_text())


class TestLauncher:
    def test_folder_and_file(self, engine, monkeypatch):
        folder = engine(COMPLETED)
        assert find_launcher().dll == folder / LAUNCHER_DLL
        monkeypatch.setenv("LEAN_LAUNCHER", str(folder / LAUNCHER_DLL))
        assert find_launcher().folder == folder

    @pytest.mark.parametrize("named", ["", "/no/such/folder", "/"])
    def test_missing(self, monkeypatch, named):
        monkeypatch.setenv("LEAN_LAUNCHER", named)
        with pytest.raises(LeanNotFoundError, match=f"set LEAN_LAUNCHER to {LAUNCHER_DLL} or to"):
            find_launcher()

    def test_another_file(self, engine, monkeypatch):
        monkeypatch.setenv("LEAN_LAUNCHER", str(engine(COMPLETED) / "config.json"))
        with pytest.raises(LeanNotFoundError, match="not a LEAN launcher"):
            find_launcher()

    def test_no_dotnet(self, engine, monkeypatch, tmp_path):
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(LeanNotFoundError, match="dotnet is not on the PATH"):
            find_launcher()

    def test_no_shared_library(self, engine, monkeypatch, tmp_path):
        monkeypatch.setattr(lean_runner.sysconfig, "get_config_var", lambda _: None)
        monkeypatch.setattr(lean_runner.sys, "base_prefix", str(tmp_path))
        with pytest.raises(LeanNotFoundError, match="set PYTHONNET_PYDLL"):
            find_launcher()
        monkeypatch.setenv("PYTHONNET_PYDLL", "/opt/python.so")
        assert find_launcher().python_library == Path("/opt/python.so")


class TestParameters:
    def test_form(self):
        text = parameter_text({"markets": "ES NQ", "cash": "5e+07"})
        assert text == "markets:ES NQ,cash:5e+07"

    @pytest.mark.parametrize("value", ["a:b", "a,b", "a\nb"])
    def test_unquotable(self, engine, project, value):
        with pytest.raises(LeanRunError, match="takes no colon, comma or line break"):
            run_lean(*project, {"markets": value})
        assert not project[2].exists()


class TestConfig:
    def test_comments_and_commas(self, engine, tmp_path):
        engine(COMPLETED)
        assert run_config(find_launcher(), tmp_path / "store") == {
            "environment": "backtesting",
            "url": "https://example.org//x",
            "quoted": 'a " // b',
            "list": [1, 2],
            "object-store-root": str(tmp_path / "store"),
            "algorithm-creation-timeout": 600,
        }

    @pytest.mark.parametrize("text", ["", "{", None])
    def test_damaged(self, engine, tmp_path, text):
        path = engine(COMPLETED) / "config.json"
        path.unlink()
        if text is not None:
            path.write_text(text)
        with pytest.raises(LeanNotFoundError, match=r"config\.json"):
            run_config(find_launcher(), tmp_path)


class TestRun:
    def test_result(self, engine, project):
        lines = []
        run = run_lean(*project, {"vol_target": "0.1"}, progress=lines.append)
        assert run.exit_code == 0
        assert run.statistics == {"Sharpe Ratio": "0.5"}
        assert run.runtime_statistics == {"Fees": "-$1"}
        assert run.state["Status"] == "Completed"
        assert run.result_json == project[2] / "Main.json"
        assert run.log.read_text() == "TRACE:: Engine: started\n"
        assert lines == ["TRACE:: Engine: started"]

    def test_command(self, engine, project):
        folder = engine(COMPLETED)
        run_lean(*project, {"markets": "ES NQ"})
        argv = seen(project)["argv"]
        assert argv[0] == LAUNCHER_DLL
        assert seen(project)["cwd"] == str(folder)
        options = dict(zip(argv[1::2], argv[2::2], strict=True))
        assert options.pop("--config")
        assert options == {
            "--algorithm-language": "Python",
            "--algorithm-type-name": "Main",
            "--algorithm-id": "Main",
            "--algorithm-location": str(project[0]),
            "--data-folder": str(project[1]),
            "--results-destination-folder": str(project[2]),
            "--close-automatically": "true",
            "--parameters": "markets:ES NQ",
        }

    def test_relative_paths(self, engine, project, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)
        run_lean("main.py", "Data", "my results", {})
        assert str(project[0]) in seen(project)["argv"]
        assert "--parameters" not in seen(project)["argv"]

    def test_environment(self, engine, project, monkeypatch):
        monkeypatch.setenv("PYTHONPATH", "/mine")
        run_lean(*project, {})
        environment = seen(project)["env"]
        first, *others = environment["PYTHONPATH"].split(os.pathsep)
        assert (Path(first) / "numpy").is_dir()
        assert others[-1] == "/mine"
        assert Path(environment["PYTHONNET_PYDLL"]).is_file()
        assert "3.11" in environment["PYTHONNET_PYDLL"]

    def test_environment_of_ones_own(self, engine, project, monkeypatch):
        monkeypatch.setenv("LEAN_PYTHONPATH", "/theirs")
        monkeypatch.setenv("PYTHONNET_PYDLL", "/their/python.so")
        run_lean(*project, {})
        assert seen(project)["env"]["PYTHONPATH"] == "/theirs"
        assert seen(project)["env"]["PYTHONNET_PYDLL"] == "/their/python.so"

    def test_object_stores(self, engine, project, tmp_path):
        run = run_lean(*project, {})
        assert seen(project)["config"]["object-store-root"] == str(run.object_store)
        (run.object_store / "state").touch()
        assert list(run_lean(*project, {}).object_store.iterdir()) == []
        kept = tmp_path / "kept"
        kept.mkdir()
        (kept / "state").touch()
        run = run_lean(*project, {}, object_store=kept)
        assert seen(project)["config"]["object-store-root"] == str(kept)
        assert (kept / "state").exists()

    def test_texts_are_in_the_store_before_the_run(self, engine, project):
        run = run_lean(*project, {}, stored={"own/mine.csv": "code,tick\nES,0.5\n"})
        assert (run.object_store / "own/mine.csv").read_text() == "code,tick\nES,0.5\n"

    def test_abort_after_completion_is_no_failure(self, engine, project):
        engine(COMPLETED, "os.abort()")
        assert run_lean(*project, {}).exit_code == -6

    def test_runtime_error(self, engine, project):
        engine({"state": {"Status": "RuntimeError", "RuntimeError": RUNTIME_ERROR}}, "sys.exit(1)")
        with pytest.raises(LeanRunError) as caught:
            run_lean(*project, {})
        assert str(caught.value) == (
            "LEAN stopped (exit code 1): During the algorithm initialization, the following"
            " exception has occurred: vol_target is 9 (in settings.py: line 8); its log is"
            f" {project[2] / 'engine.txt'}"
        )

    def test_error_before_there_is_a_result(self, engine, project):
        run_lean(*project, {})  # leaves a result that must not be taken for the next run's
        engine(None, "print('20240101 ERROR:: Engine.Run(): no algorithm'); sys.exit(1)")
        with pytest.raises(LeanRunError, match=r"exit code 1\): Engine.Run\(\): no algorithm; its"):
            run_lean(*project, {})

    def test_crash(self, engine, project):
        engine(None, "print('Unhandled exception. System.Boom'); sys.exit(134)")
        with pytest.raises(LeanRunError, match=r"Unhandled exception. System\.Boom"):
            run_lean(*project, {})

    def test_cut_off_result(self, engine, project):
        engine(None, "open(os.path.join(results, 'Main.json'), 'w').write('{\"state\":')")
        with pytest.raises(LeanRunError, match="started"):
            run_lean(*project, {})

    def test_timeout(self, engine, project):
        engine(None, "time.sleep(60)")
        started = time.monotonic()
        with pytest.raises(LeanRunError, match=r"did not finish within 1 s; its log is"):
            run_lean(*project, {}, timeout=1)
        assert time.monotonic() - started < 20

    def test_missing_paths(self, engine, project):
        main, data, results = project
        with pytest.raises(LeanRunError, match="the algorithm file is missing"):
            run_lean(main.with_name("other.py"), data, results, {})
        with pytest.raises(LeanRunError, match="the LEAN data folder is missing"):
            run_lean(main, data / "none", results, {})


ALGORITHM = """
from AlgorithmImports import *


class Main(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2013, 10, 7)
        self.set_end_date(2013, 10, 9)
        self.set_benchmark(lambda _: 0)
        store = self.object_store
        store.save("seen", (store.read("seen") if store.contains_key("seen") else "") + "x")
        store.save("parameters", str(dict(self.get_parameters())))
        if self.get_parameter("fail"):
            raise ValueError("vol_target is 9; it must not be")
"""


@pytest.mark.lean
class TestRealEngine:
    @pytest.fixture
    def project(self, tmp_path):
        if not os.environ.get("LEAN_LAUNCHER"):
            pytest.skip("no LEAN engine: set LEAN_LAUNCHER")
        (tmp_path / "main.py").write_text(ALGORITHM)
        hours = tmp_path / "Data" / "market-hours" / "market-hours-database.json"
        properties = tmp_path / "Data" / "symbol-properties" / "symbol-properties-database.csv"
        for path, text in ((hours, '{"entries": {}}'), (properties, "market,symbol,type\n")):
            path.parent.mkdir(parents=True)
            path.write_text(text)
        return tmp_path / "main.py", tmp_path / "Data", tmp_path / "out put"

    def test_parameters_and_object_store(self, project, tmp_path):
        store = tmp_path / "store"
        run_lean(*project, {"markets": "ES NQ"}, object_store=store)
        run = run_lean(*project, {"markets": "ES NQ"}, object_store=store)
        assert run.state["Status"] == "Completed"
        assert run.statistics["Total Orders"] == "0"
        assert (store / "seen").read_text() == "xx"
        assert (store / "parameters").read_text() == "{'markets': 'ES NQ'}"

    def test_own_error(self, project):
        with pytest.raises(LeanRunError, match=r"vol_target is 9; it must not be \(in main.py"):
            run_lean(*project, {"fail": "1"})
