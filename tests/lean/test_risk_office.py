"""Archives of a LEAN run and an embedded one of the same folder, and both by hand (V4, O2)."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from algorithm.desk_data import BACKTEST, TURN
from algorithm.settings import Settings
from research.cli import main
from research.compliance.archive import read
from research.compliance.files import ARCHIVE, archive_run
from research.engine.engine import run_backtest
from research.engine.from_decisions import RECORD_FILE, read_desk, read_run
from research.lean.export import export_lean
from research.lean.project_config import changed_settings
from research.lean.runner import run_lean
from research.open_data import DataRequest, open_data
from tests.lean.test_parity import ROOT
from tests.research.compliance.same_archive import (
    compare_archives,
    compare_with_fills_and_prices,
)
from universe.arrays import to_epoch_day

pytestmark = [pytest.mark.lean, pytest.mark.usefixtures("launcher")]

MARKETS = "ES ZN GC CL FESX ZC 6E NG KC"
TIGHT = "gross 1.5 2.2 cut daily_loss 0.006 0.010 freeze shortfall 0.015 0.02 say"
"""So that a year of few markets has breaches of several kinds, and remedies."""


@pytest.fixture(scope="module")
def homes(futures_data, lean_data, tmp_path_factory):
    """Folders of a LEAN run and an embedded one of the same data, each with record and archive."""
    folder = tmp_path_factory.mktemp("office")
    request = DataRequest(folder=futures_data, codes=MARKETS.split(), macro=macro_folder())
    settings = Settings(
        start="2014-01-02", end="2014-12-31", markets=MARKETS, warmup_days=900,
        interest="ladder", limits=TIGHT,
    )  # fmt: skip
    first = to_epoch_day(settings.first_day) - settings.warmup_days - 10
    dataset = open_data(request).between(first, to_epoch_day(settings.last_day))
    export_lean(dataset, folder / "data", lean_data, day_sessions=True)
    lean, own = folder / "lean", folder / "embedded"
    run_lean(ROOT / "main.py", folder / "data", lean, changed_settings(settings))
    exported = open_data(DataRequest(folder=folder / "data", codes=MARKETS.split()))
    lines: list[str] = []
    run_backtest(exported, replace(settings, decisions=True), record=lines.append)
    own.mkdir()
    (own / RECORD_FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")
    for home in (lean, own):
        archive_run(read_run(home), home)
    return lean, own


def macro_folder():
    """Folder of the real macro series, for the bill rate."""
    named = os.environ.get("MACRO_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data" / "macro"
    if not folder.is_dir():
        pytest.skip("no macro series: set MACRO_DATA or put them in ../shared/data/macro")
    return folder


def days_of(folder):
    return read(folder / ARCHIVE)[1]


def test_the_archives_are_equal_line_by_line(homes):
    lean, own = (days_of(folder) for folder in homes)
    assert compare_archives(lean, own) > 250
    breaches = {one.limit for day in own for one in day.limits if one.status == "breach"}
    assert {"daily_loss", "shortfall"} <= breaches
    assert any(day.is_exception for day in own)
    assert any("nothing is traded" in text for day in own for text in day.remedies)
    assert min(day.bills for day in own[1:]) > 0.3


def test_both_by_a_script_that_shares_no_code(homes):
    for folder in homes:
        assert compare_with_fills_and_prices(folder, days_of(folder)) > 250


def test_the_desk_s_page_from_the_object_store(homes):
    """What LEAN wrote after the last decision is the end of its record, and makes the page."""
    lean, _ = homes
    result, desk = read_run(lean), read_desk(lean)
    rows = len(desk.day)
    assert BACKTEST <= rows < BACKTEST + TURN
    assert desk.nav.tolist() == result.nav[-rows:].tolist()
    assert desk.readings == result.readings[-rows:]
    found = CliRunner().invoke(main, ["risk", "--run", str(lean), "--from-store"])
    assert found.exit_code == 0, found.output
    page = (lean / "desk.html").read_text(encoding="utf-8")
    assert "margin used, as the broker has it" in page
    header = json.loads((lean / RECORD_FILE).open(encoding="utf-8").readline())
    assert header["engine"] == "LEAN"
