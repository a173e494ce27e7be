import json
import os
import re
import sys
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parents[1]
STAND_INS = ROOT / "tests" / "stand_ins" / "lean"
"""What models import from LEAN, where there is none: tests/lean alone runs the real one."""

for folder in (ROOT, STAND_INS):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

os.environ["TREND_CARRY_CACHE"] = "none"  # no test finds what another, or a user, has kept
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small matrices; a worker has one core

hypothesis.settings.register_profile(
    "suite", deadline=None, max_examples=50, derandomize=True, database=None
)
hypothesis.settings.load_profile("suite")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line what would have to be set for the tests that were skipped."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = " ".join(str(report.longrepr) for report in skipped)
    names = sorted(set(re.findall(r"\b(?:FUTURES_DATA|LEAN_[A-Z]+|MACRO_DATA)\b", reasons)))
    if names:
        terminalreporter.write_line(
            f"{len(skipped)} tests were skipped; set {', '.join(names)} to run them (see README)"
        )


@pytest.fixture(scope="session", autouse=True)
def shipped_config(tmp_path_factory):
    """The config.json that comes with the project, in the place of the one the user has edited."""
    from research.lean import project_config  # needs the path set above

    path = tmp_path_factory.mktemp("project") / "config.json"
    path.write_text(json.dumps(project_config.default_config()), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(project_config, "CONFIG", path)
        yield path


@pytest.fixture(scope="session", autouse=True)
def own_trials(tmp_path_factory):
    """A register of trials of its own, in the place of the one in the user's folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TREND_CARRY_TRIALS", str(tmp_path_factory.mktemp("trials")))
        yield


@pytest.fixture(scope="session")
def futures_data() -> Path:
    """Folder of the real futures CSVs."""
    named = os.environ.get("FUTURES_DATA")
    beside = ROOT.parent / "shared" / "data" / "futures"
    folder = Path(named) if named else beside
    if not folder.is_dir():
        pytest.skip("no real futures data: set FUTURES_DATA or put it in ../shared/data/futures")
    return folder


@pytest.fixture(scope="session")
def made_up():
    """Six made-up markets over 420 sessions, see ``helpers.made_up_dataset``."""
    from tests.helpers import made_up_dataset  # needs the path set above

    return made_up_dataset()


@pytest.fixture(scope="session")
def made_up_run(made_up):
    """The run over the made-up markets under ``helpers.settings``; read it, do not change it."""
    from research.engine.engine import run_backtest  # needs the path set above
    from tests.helpers import settings

    return run_backtest(made_up, settings())
