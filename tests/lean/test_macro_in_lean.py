"""Macro series in the real engine: what is known at the decision is what research knows."""

import json
import shutil
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest

from research.data.macro_series import MacroSeries, as_of
from research.lean.format import HOURS_FILE, PROPERTIES_FILE
from research.lean.macro import macro_files, macro_text
from research.lean.runner import LeanRunError, run_lean
from universe.arrays import from_epoch_day, to_epoch_day
from universe.macro_format import DATA_FOLDER, STORE_FOLDER, file_name, object_store_key

pytestmark = [pytest.mark.lean, pytest.mark.usefixtures("launcher")]

ROOT = Path(__file__).resolve().parents[2]
START, END = date(2015, 1, 1), date(2015, 12, 31)

ALGORITHM = f"""
import json
import sys

sys.path.insert(1, {str(ROOT)!r})

from AlgorithmImports import QCAlgorithm

from universe.arrays import to_epoch_day
from universe.lean_macro import MacroSeriesData, add_macro_series, read_macro_slice


class Config:
    class symbol:
        value = "QC-UNIVERSE-USERDEFINED-USA-BASE"


class Main(QCAlgorithm):
    def initialize(self):
        self.set_start_date({START.year}, {START.month}, {START.day})
        self.set_end_date({END.year}, {END.month}, {END.day})
        self.set_benchmark(lambda _: 0)
        names = ["usd.overnight", "es.dividend_yield", "vix.m1.days", "eur.3m"]
        self.symbols = add_macro_series(self, names)
        self.known, self.arrivals, self.decisions = {{}}, [], []
        self.schedule.on(self.date_rules.every_day(), self.time_rules.at(18, 5), self.decide)

    def on_data(self, data):
        for name, (day, value) in read_macro_slice(data, self.symbols).items():
            self.known[name] = value
            self.arrivals.append((name, day, value, str(self.time)))

    def decide(self):
        self.decisions.append((to_epoch_day(self.time.date()), dict(self.known)))

    def on_end_of_algorithm(self):
        seen = {{"arrivals": self.arrivals, "decisions": self.decisions}}
        live = MacroSeriesData()
        live.lenient = True
        seen["universe"] = live.get_source(Config, self.time, True).source
        seen["malformed"] = live.reader(Config, "20150106;-0.001", self.time, True)
        self.object_store.save("seen.json", json.dumps(seen))
"""


def made(name, days, values):
    return MacroSeries(name, np.asarray(days, dtype=np.int64), np.asarray(values, dtype=np.float64))


@pytest.fixture(scope="module")
def series():
    """Daily negative rates with all their digits, a yield with a long gap, whole days."""
    random = np.random.default_rng(3)
    first, last = to_epoch_day(START), to_epoch_day(END)
    weekdays = np.array(
        [d for d in range(first - 40, last + 20) if from_epoch_day(d).weekday() < 5]
    )
    gap = (weekdays < first + 100) | (weekdays > first + 160)
    late = weekdays[weekdays > first + 30]
    return {
        "usd.overnight": made(
            "usd.overnight", weekdays, random.normal(-0.004, 0.001, len(weekdays))
        ),
        "es.dividend_yield": made("es.dividend_yield", weekdays[gap], 0.02 + weekdays[gap] / 3e6),
        "vix.m1.days": made("vix.m1.days", late[::3], late[::3] % 30 + 1.0),
    }


def write(texts):
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")


def run(folder, lean_data, series, route):
    """What the algorithm saw, and the engine's run."""
    data, store = folder / "data", folder / "store"
    for name in (HOURS_FILE, PROPERTIES_FILE):
        (data / name).parent.mkdir(parents=True)
        shutil.copyfile(lean_data / name, data / name)
    if route == "data folder":
        write({data / name: text for name, text in macro_files(series).items()})
    else:
        write({store / object_store_key(name): macro_text(one) for name, one in series.items()})
    main = folder / "project" / "main.py"
    main.parent.mkdir()
    main.write_text(ALGORITHM, encoding="utf-8")
    done = run_lean(main, data, folder / "out", {}, object_store=store, timeout=240)
    return json.loads((store / "seen.json").read_text(encoding="utf-8")), done


@pytest.mark.parametrize("route", ["data folder", "object store"])
def test_what_is_known_at_the_decision_is_what_research_knows(tmp_path, lean_data, series, route):
    seen, done = run(tmp_path, lean_data, series, route)
    first, last = to_epoch_day(START), to_epoch_day(END)

    # LEAN hands over what becomes known from the first day of a run on, each row once
    within = {
        name: made(name, one.day[rows], one.value[rows])
        for name, one in series.items()
        if (rows := (one.day >= first) & (one.day <= last)).any()
    }
    expected = {
        (name, day): value
        for name, one in within.items()
        for day, value in zip(one.day.tolist(), one.value.tolist(), strict=True)
    }
    assert {(name, day): value for name, day, value, _ in seen["arrivals"]} == expected
    assert len(seen["arrivals"]) == len(expected)
    for name, day, _, time in seen["arrivals"]:
        arrived = datetime.fromisoformat(time)
        assert arrived.date() == from_epoch_day(day), f"{name} of {from_epoch_day(day)} at {time}"
        assert arrived.hour == 17

    days = np.array([day for day, _ in seen["decisions"]])
    assert len(days) > 360
    table = as_of(within, days)
    known = [[values.get(name, np.nan) for name in table.names] for _, values in seen["decisions"]]
    np.testing.assert_array_equal(np.array(known), table.value)
    assert (table.value[:, 0] < 0).sum() > 200
    assert np.nanmax(table.age[:, 1]) > 55
    assert np.isnan(table.value[:20, 2]).all()

    log = done.log.read_text(encoding="utf-8")
    assert seen["universe"] == ""  # live, LEAN asks for the universe of the series too
    assert seen["malformed"] is None
    assert "macro row '20150106;-0.001': expected yyyymmdd" in log
    folder = tmp_path / "data" / DATA_FOLDER
    assert f"macro series left out, neither in {folder} nor in the ObjectStore" in log
    assert f"below {STORE_FOLDER}: eur.3m" in log


def test_the_data_folder_comes_before_the_store(tmp_path, lean_data, series):
    one = series["usd.overnight"]
    path = tmp_path / "data" / DATA_FOLDER / file_name("usd.overnight")
    write({path: macro_text(one)})
    other = {one.name: made(one.name, one.day, one.value + 1.0)}
    seen, _ = run(tmp_path, lean_data, other, "object store")
    values = [value for name, _, value, _ in seen["arrivals"] if name == one.name]
    assert len(values) > 200
    assert max(values) < 0.5


def test_a_malformed_row_stops_the_run_and_is_named(tmp_path, lean_data, series):
    path = tmp_path / "data" / DATA_FOLDER / file_name("usd.overnight")
    path.parent.mkdir(parents=True)
    path.write_text("# rates\n\n20150105,-0.001\n20150106;-0.001\n", encoding="utf-8")
    with pytest.raises(LeanRunError, match=r"macro row '20150106;-0\.001': expected yyyymmdd"):
        run(tmp_path, lean_data, {}, "object store")
