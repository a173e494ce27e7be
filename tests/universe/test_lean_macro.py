"""Macro series as LEAN custom data, on stand-ins: where they are read, what a row becomes."""

from datetime import datetime
from types import SimpleNamespace

import AlgorithmImports as Lean
import pytest
from QuantConnect.Logging import Log

from tests.stand_ins.engine import Bars, Store
from universe import lean_macro
from universe.arrays import to_epoch_day
from universe.lean_macro import MacroSeriesData, add_macro_series, read_macro_slice
from universe.macro_format import DATA_FOLDER, file_name, object_store_key

NAME = "usd.10y"
MOMENT = datetime(2015, 3, 2)  # noqa: DTZ001 - LEAN's times are naive


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """LEAN's data folder with one series."""
    monkeypatch.setattr(Lean.Globals, "data_folder", str(tmp_path))
    lean_macro._first_source.cache_clear()
    path = tmp_path / DATA_FOLDER / file_name(NAME)
    path.parent.mkdir(parents=True)
    path.write_text("20150302,0.021\n", encoding="utf-8")
    yield path
    lean_macro._first_source.cache_clear()
    MacroSeriesData.lenient = False


def algorithm(**changes):
    lines, added = [], []

    def add_data(kind, name, *rest):
        added.append((kind, name))
        return SimpleNamespace(symbol=Lean.Symbol(f"{name}.{kind.__name__}"))

    values = {
        "live_mode": False,
        "time": MOMENT,
        "utc_time": MOMENT,
        "get_parameters": list,
        "object_store": Store(),
        "log": lines.append,
        "add_data": add_data,
        "lines": lines,
        "added": added,
    }
    return SimpleNamespace(**{**values, **changes})


def config(name=NAME):
    symbol = Lean.Symbol(name)
    symbol.value = name.upper()
    return SimpleNamespace(symbol=symbol)


def test_a_series_of_the_folder_and_one_of_the_store_are_subscribed(folder):
    store = Store({object_store_key("eur.10y"): "20150302,0.01"})
    desk = algorithm(object_store=store)
    symbols = add_macro_series(desk, [NAME, "eur.10y", "gbp.10y"])
    assert sorted(symbols.values()) == ["eur.10y", NAME]
    assert [name for _, name in desk.added] == [NAME, "eur.10y"]
    assert any("left out" in line and line.endswith(": gbp.10y") for line in desk.lines)


def test_the_folder_comes_before_the_store(folder):
    data = MacroSeriesData()
    local = data.get_source(config(), MOMENT, False)
    assert local.source == str(folder)
    assert local.medium == Lean.SubscriptionTransportMedium.LOCAL_FILE
    folder.unlink()
    assert data.get_source(config(), MOMENT, False).source == str(folder)  # as at first
    live = data.get_source(config(), MOMENT, True)
    assert live.source == object_store_key(NAME)
    assert live.medium == Lean.SubscriptionTransportMedium.OBJECT_STORE


def test_the_universe_that_lean_asks_for_live_has_no_file(folder):
    assert MacroSeriesData().get_source(config("qc-universe-x"), MOMENT, True).source == ""


def test_a_row_is_known_in_the_afternoon_of_its_day(folder):
    point = MacroSeriesData().reader(config(), "20150302,0.0333333333333333331", MOMENT, False)
    assert point.end_time == datetime(2015, 3, 2, 17)  # noqa: DTZ001
    slice_ = SimpleNamespace(get=lambda kind: Bars({"s": point}))
    known = read_macro_slice(slice_, {"s": NAME})
    assert known == {NAME: (to_epoch_day(MOMENT.date()), 0.0333333333333333331)}
    assert read_macro_slice(slice_, {"other": NAME}) == {}


def test_a_malformed_row_stops_a_backtest_and_is_left_out_live(folder):
    with pytest.raises(ValueError, match="2015-03-02"):
        MacroSeriesData().reader(config(), "2015-03-02;1", MOMENT, False)
    add_macro_series(algorithm(live_mode=True), [NAME])
    assert MacroSeriesData().reader(config(), "2015-03-02;1", MOMENT, True) is None
    assert "left out" in Log.lines[-1]
    assert MacroSeriesData().reader(config(), "", MOMENT, True) is None


def test_a_value_that_the_series_cannot_have_is_refused_likewise(folder):
    zero = "20150302,0"
    with pytest.raises(ValueError, match=r"'20150302,0' of vix\.spot: allowed are 5 to 150"):
        MacroSeriesData().reader(config("vix.spot"), zero, MOMENT, False)
    assert MacroSeriesData().reader(config(), zero, MOMENT, False) is not None
    add_macro_series(algorithm(live_mode=True), [NAME])
    assert MacroSeriesData().reader(config("vix.spot"), zero, MOMENT, True) is None
    assert "left out" in Log.lines[-1]
