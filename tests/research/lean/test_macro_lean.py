import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.data.errors import DataError
from research.data.macro_series import MacroSeries, fingerprint
from research.lean.macro import macro_files, object_store_files, read_macro, write_macro
from universe.macro_format import parse_line


def made(name, days, values):
    return MacroSeries(name, np.array(days, dtype=np.int64), np.array(values, dtype=np.float64))


def some():
    return {
        "usd.10y": made("usd.10y", [16000, 16001, 16005], [0.02, -0.001, 1 / 30]),
        "es.dividend_yield": made("es.dividend_yield", [15999], [1e-7]),
        "vix.m1.days": made("vix.m1.days", [16000, 16001], [28.0, 27.0]),
    }


rates = st.dictionaries(st.integers(0, 30_000), st.floats(-0.05, 0.3), min_size=1, max_size=20)


@given(rates, rates)
def test_a_lean_folder_gives_back_what_was_written(tmp_path_factory, one, other):
    folder = tmp_path_factory.mktemp("lean")
    series = {
        name: made(name, sorted(values), [values[day] for day in sorted(values)])
        for name, values in (("usd.10y", one), ("eur.3m", other))
    }
    paths = write_macro(series, folder)
    base = folder / "alternative" / "trend-carry" / "macro"
    assert paths == [base / "usd.10y.csv", base / "eur.3m.csv"]
    assert fingerprint(read_macro(folder)) == fingerprint(series)


def test_the_folder_holds_exactly_what_was_written_last(tmp_path):
    write_macro(some(), tmp_path)
    less = {name: one for name, one in some().items() if name != "usd.10y"}
    write_macro(less, tmp_path)
    assert fingerprint(read_macro(tmp_path)) == fingerprint(less)
    assert [path.name for path in tmp_path.rglob("*.csv*")].count("usd.10y.csv") == 0
    assert list(tmp_path.rglob("*.partial")) == []


def test_a_series_that_begins_later_has_no_file(tmp_path):
    series = some()
    cut = {name: one.until(-(10**6)) if name == "usd.10y" else one for name, one in series.items()}
    written = write_macro(cut, tmp_path)
    assert len(written) == len(series) - 1
    assert list(read_macro(tmp_path)) == sorted(set(series) - {"usd.10y"})
    assert len(macro_files(cut)) == len(object_store_files(cut, tmp_path)) == len(written)


def test_every_line_is_one_that_lean_reads(tmp_path):
    for path in write_macro(some(), tmp_path):
        lines = path.read_bytes().decode("utf-8").split("\n")
        assert lines.pop() == ""
        one = some()[path.name.removesuffix(".csv")]
        expected = list(zip(one.day.tolist(), one.value.tolist(), strict=True))
        assert [parse_line(line) for line in lines] == expected


def test_a_folder_without_macro_series_has_none(tmp_path):
    assert read_macro(tmp_path) == {}


def test_a_missing_folder_and_an_unknown_name_are_named(tmp_path):
    with pytest.raises(DataError, match="nowhere: the LEAN data folder is missing"):
        write_macro(some(), tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"'usd\.45y' is no macro series"):
        write_macro({"usd.45y": made("usd.45y", [1], [0.01])}, tmp_path)
    (tmp_path / "alternative").write_text("a file")
    with pytest.raises(DataError, match=r"usd\.10y\.csv: cannot be written"):
        write_macro(some(), tmp_path)


def test_object_store_files_are_at_their_keys(tmp_path):
    files = object_store_files(some(), tmp_path / "store")
    assert list(files) == [
        "trend-carry/macro/usd-10y.csv",
        "trend-carry/macro/es-dividend_yield.csv",
        "trend-carry/macro/vix-m1-days.csv",
    ]
    written = write_macro(some(), tmp_path)
    for (key, path), other in zip(files.items(), written, strict=True):
        assert path == tmp_path / "store" / key
        assert path.read_bytes() == other.read_bytes()
