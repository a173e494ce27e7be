"""An account whose margins are raised a hundredfold overnight, in the real LEAN."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from algorithm.settings import Settings
from research.lean.export import export_lean
from research.lean.runner import run_lean
from research.synthetic.market import synthetic_market
from universe.arrays import to_epoch_day

pytestmark = [pytest.mark.lean, pytest.mark.slow, pytest.mark.usefixtures("launcher")]

CODES = ["ES", "ZN", "GC"]
MAIN = Path(__file__).resolve().parents[2] / "main.py"
CALLED_ABOVE = 1.1
"""Of the account's value, in LEAN's default margin call model."""

RAISED = date(2006, 11, 20)
SETTINGS = Settings(
    start="2006-11-06", end="2006-12-01", markets=" ".join(CODES), warmup_days=500, charts="off"
)


@pytest.fixture(scope="module")
def data(lean_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lean") / "data"
    export_lean(synthetic_market(11, codes=CODES, end=date(2006, 12, 29)), folder, lean_data)
    for path in folder.glob("future/*/margins/*.csv"):
        if path.stem in CODES:
            path.write_text(raised(path.read_text(encoding="utf-8")), encoding="utf-8")
    return folder


def raised(table: str) -> str:
    """A margin table in which a hundred times the margins hold from ``RAISED`` on."""
    day = f"{RAISED:%Y%m%d}"
    rows = [line.split(",")[:3] for line in table.split()]
    kept = [row for row in rows[1:] if row[0] < day]
    kept.append([day, *(str(100.0 * float(value)) for value in kept[-1][1:])])
    return "\n".join(map(",".join, [rows[0][:3], *kept])) + "\n"


def test_the_sessions_of_margin_calls_are_named(data: Path, tmp_path: Path) -> None:
    run = run_lean(MAIN, data, tmp_path, SETTINGS.as_strings())
    log = run.log.read_text(encoding="utf-8")
    named = [line for line in log.splitlines() if "the account would have been called" in line]
    lines = [json.loads(line) for line in (tmp_path / "decisions.jsonl").open(encoding="utf-8")]
    used = {line["day"]: line["broker"]["margin used"] for line in lines if line.get("broker")}
    called = [day for day, share in used.items() if share > CALLED_ABOVE]
    assert called[0] == to_epoch_day(RAISED)
    assert max(share for day, share in used.items() if day < called[0]) < 0.1
    assert len(named) == len(called) < len(used)
