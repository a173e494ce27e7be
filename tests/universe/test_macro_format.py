import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from universe.arrays import to_epoch_day
from universe.macro_format import (
    SERIES,
    file_name,
    format_line,
    name_of_ticker,
    object_store_key,
    parse_line,
    series_info,
    valid_name,
)

STORE_KEY = re.compile(r"^\.?[a-zA-Z0-9\\/_#\-\$= ]+\.?[a-zA-Z0-9]*$")
"""What LEAN's LocalObjectStore takes."""

parts = st.text("abcdefghijklmnopqrstuvwxyz0123456789_", min_size=1, max_size=8)
names = st.lists(parts, min_size=1, max_size=4).map(".".join)


@given(
    st.dates(date(1900, 1, 1), date(2199, 12, 31)),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_a_line_reads_back_exactly(day, value):
    line = format_line(to_epoch_day(day), value)
    assert line.startswith(f"{day:%Y%m%d},")
    assert parse_line(line) == (to_epoch_day(day), value)
    assert parse_line(f" {line}\r\n") == (to_epoch_day(day), value)


def test_the_layout():
    assert format_line(to_epoch_day(date(1962, 1, 3)), 0.0406) == "19620103,0.0406"
    assert parse_line("20150105,-0.0005") == (to_epoch_day(date(2015, 1, 5)), -0.0005)


@pytest.mark.parametrize("text", ["", "  \n", "# rates known at the close", " # 19620103,0.04"])
def test_lines_without_a_row(text):
    assert parse_line(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "day,value",
        "1962-01-03,0.0406",
        "19620103",
        "19620103,",
        "19620103,.",
        "19620103,nan",
        "19620103,inf",
        "19620103,0.04,0.05",
        "19620103,0_4",
        "19620230,0.04",
        "1962010,0.04",
        "١٩٦٢٠١٠٣,0.04",
    ],
)
def test_a_malformed_line_is_named(text):
    with pytest.raises(ValueError, match=f"macro row {re.escape(repr(text))}: expected yyyymmdd"):
        parse_line(text)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_only_finite_values_are_written(value):
    with pytest.raises(ValueError, match="finite"):
        format_line(0, value)


@given(names)
def test_names_survive_the_ticker_and_the_store(name):
    assert valid_name(name)
    assert name_of_ticker(name.upper()) == name
    assert STORE_KEY.fullmatch(object_store_key(name))


@given(names, names)
def test_different_names_have_different_keys(one, other):
    assert (object_store_key(one) == object_store_key(other)) == (one == other)


def test_file_and_key():
    assert file_name("vix.m1.days") == "vix.m1.days.csv"
    assert object_store_key("usd.10y") == "trend-carry/macro/usd-10y.csv"


@pytest.mark.parametrize("name", ["", "USD.10Y", "usd..10y", ".usd", "usd.", "usd-10y", "../usd"])
def test_invalid_names(name):
    assert not valid_name(name)
    for function in (file_name, object_store_key):
        with pytest.raises(ValueError, match=re.escape(repr(name))):
            function(name)


def test_known_series():
    assert set(SERIES) >= {"usd.overnight", "usd.3m", "usd.5y", "usd.10y", "eur.3m", "vix.spot"}
    assert {f"vix.m{k}{what}" for k in range(1, 9) for what in ("", ".days")} <= set(SERIES)
    for name, info in SERIES.items():
        assert valid_name(name)
        rate = info.unit == "fraction a year"
        published = {"credit.spread": 2, "eur.euribor": 5, "conditions.us": 3}
        assert info.lag == published.get(name, int(rate))
        assert info.low < info.high
    assert series_info("usd.10y").low <= -0.005 <= 0.0406 <= series_info("usd.10y").high < 4.06


def test_families():
    assert series_info("6e.dividend_yield").unit == "fraction a year"
    assert series_info("eur.it.10y") == series_info("try.1m")
    assert series_info("v2x.m2.days") == series_info("vix.m2.days")
    assert series_info("try.3m").high > series_info("usd.3m").high
    for unknown in ("usd.45y", "vix.m9", "es.dividends", "USD.10Y", "rates"):
        with pytest.raises(ValueError, match=f"{unknown!r} is no macro series; known are usd"):
            series_info(unknown)
