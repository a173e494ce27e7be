"""The guide's own code, followed in a copy of the project: each addition is a file and a line."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
GUIDE = ROOT / "docs" / "extend.md"
PACKAGES = ("algorithm", "alpha", "execution", "portfolio", "research", "risk", "universe")
BLOCK = re.compile(r"^```(\w+) file=(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

RUN = """
import json

import numpy as np

from algorithm.settings import Settings
from algorithm.state import load_state, save_state
from algorithm.strategy import Strategy
from research.engine.engine import EmbeddedEngine
from research.measures.activity import activity_table
from tests.helpers import made_up_dataset, settings

chosen = settings(other_rules="reversal", other_budget=0.2, max_contracts=15, governor="0.99 1")
engine = EmbeddedEngine(made_up_dataset(260), chosen)
run = engine.run()
days = run.day.astype("datetime64[D]")
summer = np.isin(days.astype("datetime64[M]").astype(int) % 12 + 1, (6, 7, 8))
again = Strategy(chosen, engine.strategy.instruments)
load_state(again, save_state(engine.strategy))
names = [row["name"] for row in Settings.table()]
print(json.dumps({
    "sleeves": list(run.sleeve_pnl),
    "traded": bool(np.abs(run.sleeve_pnl["reversal"]).sum() > 0),
    "largest": int(np.abs(run.targets).max()),
    "events": sorted({event.kind for event in run.events}),
    "stages": [stage.name for stage in engine.strategy.chain],
    "columns": list(run.frame()),
    "activity": [row.name for row in activity_table(run)],
    "settings": names,
    "restored": again.components()["count limit"].sessions
    == engine.strategy.components()["count limit"].sessions > 0,
    "mean": bool(again.components()["reversal"].mean.any()),
    "scales": sorted({round(float(s), 3) for s in run.scales["summer"][summer]}),
    "others": sorted({round(float(s), 3) for s in run.scales["summer"][~summer]}),
}))
"""


def blocks():
    return BLOCK.findall(GUIDE.read_text(encoding="utf-8"))


def apply(kind, path, text):
    """Write a block of the guide into the copy: a whole file, or the lines of a change."""
    if kind != "diff":
        path.write_text(text, encoding="utf-8")
        return
    lines = text.splitlines()
    old = "\n".join(line[1:] for line in lines if line[0] in " -")
    new = "\n".join(line[1:] for line in lines if line[0] in " +")
    source = path.read_text(encoding="utf-8")
    assert source.count(old) == 1, f"{path.name} must have once:\n{old}"
    path.write_text(source.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    for name in PACKAGES:
        skipped = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=skipped)
    (folder / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "helpers.py", folder / "tests")
    for kind, name, text in blocks():
        apply(kind, folder / name, text)
    return folder


@pytest.fixture(scope="module")
def found(copy):
    done = subprocess.run(
        [sys.executable, "-c", RUN], cwd=copy, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_kind_of_addition_is_a_file_or_lines_of_the_guide():
    files = [name for kind, name, _ in blocks() if kind == "python"]
    assert files == ["alpha/rules/reversal.py", "risk/count_limit.py", "risk/summer.py"]
    changed = {name for kind, name, _ in blocks() if kind == "diff"}
    assert changed == {"alpha/rules/__init__.py", "algorithm/registry.py", "portfolio/settings.py"}


def test_the_rule_has_a_sleeve_with_profit_settings_and_state(found):
    assert "reversal" in found["sleeves"]
    assert found["traded"]
    assert "reversal_span" in found["settings"]
    assert found["mean"]


def test_the_risk_stage_acts_before_the_gate_and_is_in_the_record(found):
    assert found["largest"] == 15
    assert "count limit" in found["events"]
    assert found["stages"].index("count limit") == found["stages"].index("VaR gate") - 1
    assert "max_contracts" in found["settings"]
    assert found["restored"]


def test_scale_and_stage_have_a_row_of_activity_and_a_column(found):
    assert {"summer", "count limit"} < set(found["activity"])
    assert {"summer_scale", "count_limit_scale"} < set(found["columns"])


def test_the_scale_halves_the_summer_and_is_in_the_record(found):
    assert found["scales"] == [0.5]
    assert found["others"] == [1.0]
    assert "summer_share" in found["settings"]


def test_the_setting_is_there_by_name(found):
    assert "house_view" in found["settings"]


def test_style_and_types_of_the_additions(copy):
    names = [name for kind, name, _ in blocks() if kind == "python"]
    ruff = [sys.executable, "-m", "ruff", "check", "--config", str(ROOT / "pyproject.toml")]
    done = subprocess.run([*ruff, *names], cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
