"""A short live rehearsal on the real LEAN: a roll, three kills, nothing twice, nothing lost."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from research.commands.asked import AskedOfLean
from research.data.import_pysystemtrade import load_pysystemtrade
from research.lean.export import export_lean
from research.open_data import DataRequest, open_data
from research.rehearsal.parts import RehearsalError
from research.rehearsal.rehearse import DEFAULTS, rehearse, sessions_between
from universe.arrays import to_epoch_day
from universe.master import MASTER

pytestmark = [pytest.mark.lean, pytest.mark.slow, pytest.mark.usefixtures("launcher")]

SHARED = Path(__file__).resolve().parents[2].parent / "shared/data"
CODES = ["ES", "ZN", "GC"]
FIRST, LAST = "2014-03-07", "2014-03-11"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """An exported folder around ES's roll of March 2014."""
    if not (SHARED / "futures").exists():
        pytest.skip(f"needs {SHARED / 'futures'}")
    folder = tmp_path_factory.mktemp("lean") / "data"
    dataset = load_pysystemtrade(SHARED / "futures", MASTER, codes=CODES)
    days = to_epoch_day(date(2012, 6, 1)), to_epoch_day(date(2014, 3, 31))
    export_lean(dataset.between(*days), folder, SHARED / "lean", day_sessions=True)
    return folder


def test_three_kills_change_nothing(data, tmp_path):
    settings = AskedOfLean(data, FIRST, LAST, " ".join(CODES), ()).settings(DEFAULTS)
    dataset = open_data(DataRequest(folder=data, codes=CODES))
    sessions = sessions_between(dataset, settings)
    said: list[str] = []
    try:
        verdict = rehearse(data, dataset, settings, sessions, 3, 7, tmp_path, said.append)
    except RehearsalError as error:
        if ".NET SDK" in str(error):
            pytest.skip(str(error))
        raise
    assert verdict.differences == []
    assert len(verdict.deaths) == 3
    assert len(verdict.killed.days) == len(sessions) == 3
