import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.data.macro_series import MacroSeries, fingerprint
from research.lean.macro import macro_files, read_macro
from universe.macro_format import parse_line


def made(name, days, values):
    return MacroSeries(name, np.array(days, dtype=np.int64), np.array(values, dtype=np.float64))


def some():
    return {
        "usd.10y": made("usd.10y", [16000, 16001, 16005], [0.02, -0.001, 1 / 30]),
        "es.dividend_yield": made("es.dividend_yield", [15999], [1e-7]),
        "vix.m1.days": made("vix.m1.days", [16000, 16001], [28.0, 27.0]),
    }


def written(series, folder):
    """The files in a LEAN data folder."""
    files = {folder / name: text for name, text in macro_files(series).items()}
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    return list(files)


rates = st.dictionaries(st.integers(0, 30_000), st.floats(-0.05, 0.3), min_size=1, max_size=20)


@given(rates, rates)
def test_a_lean_folder_gives_back_what_was_written(tmp_path_factory, one, other):
    folder = tmp_path_factory.mktemp("lean")
    series = {
        name: made(name, sorted(values), [values[day] for day in sorted(values)])
        for name, values in (("usd.10y", one), ("eur.3m", other))
    }
    paths = written(series, folder)
    base = folder / "alternative" / "trend-carry" / "macro"
    assert paths == [base / "usd.10y.csv", base / "eur.3m.csv"]
    assert fingerprint(read_macro(folder)) == fingerprint(series)


def test_a_series_that_begins_later_has_no_file(tmp_path):
    series = some()
    cut = {name: one.until(-(10**6)) if name == "usd.10y" else one for name, one in series.items()}
    assert len(written(cut, tmp_path)) == len(series) - 1
    assert list(read_macro(tmp_path)) == sorted(set(series) - {"usd.10y"})


def test_every_line_is_one_that_lean_reads(tmp_path):
    for path in written(some(), tmp_path):
        lines = path.read_bytes().decode("utf-8").split("\n")
        assert lines.pop() == ""
        one = some()[path.name.removesuffix(".csv")]
        expected = list(zip(one.day.tolist(), one.value.tolist(), strict=True))
        assert [parse_line(line) for line in lines] == expected


def test_a_folder_without_macro_series_has_none(tmp_path):
    assert read_macro(tmp_path) == {}


def test_an_unknown_name_is_named():
    with pytest.raises(ValueError, match=r"'usd\.45y' is no macro series"):
        macro_files({"usd.45y": made("usd.45y", [1], [0.01])})
