"""Parsed data taken from where they were kept are those of the files."""

import dataclasses
from datetime import date

import numpy as np
import pytest

from research.data.array_file import CacheWarning
from research.data.dataset import MarketHistory
from research.data.errors import DataError
from research.open_data import DataRequest, open_data

ROWS = [("2020-01-02", 100.0), ("2020-01-03", 101.5), ("2020-01-06", 102.0)]


@pytest.fixture
def folder(tmp_path):
    out = tmp_path / "data"
    (out / "fx").mkdir(parents=True)
    for code, month in (("ES", "202003"), ("FESX", "202003")):
        write(out / f"{code}_{month}.csv", ROWS)
    rates = "".join(f"{day},1.1\n" for day, _ in ROWS)
    (out / "fx" / "EURUSD.csv").write_text(f"date,rate\n{rates}")
    return out


def write(path, rows):
    lines = [f"{day},{c},{c},{c},{c},10\n" for day, c in rows]
    path.write_text("date,open,high,low,close,volume\n" + "".join(lines))


def same(one, other):
    assert list(one.markets) == list(other.markets)
    assert (one.name, one.synthetic, one.issues) == (other.name, other.synthetic, other.issues)
    assert one.fingerprint() == other.fingerprint()
    for code, history in one.markets.items():
        assert history.instrument == other.markets[code].instrument
        for name in MarketHistory.__slots__[1:]:
            np.testing.assert_array_equal(
                getattr(history, name), getattr(other.markets[code], name)
            )
    for currency, history in one.fx.items():
        np.testing.assert_array_equal(history.day, other.fx[currency].day)
        np.testing.assert_array_equal(history.rate, other.fx[currency].rate)


def entries(cache):
    return sorted(path.name for path in cache.glob("data-*.arrays"))


def test_kept_data_are_those_of_the_files(folder, tmp_path):
    plain = open_data(DataRequest(folder))
    request = DataRequest(folder, cache=tmp_path / "kept")
    same(open_data(request), plain)
    again = open_data(request)
    same(again, plain)
    assert not again.markets["ES"].close.flags.writeable
    assert again.cache == tmp_path / "kept"
    # the fingerprint that was kept is what the arrays give
    assert dataclasses.replace(again).fingerprint() == plain.fingerprint()


def test_another_byte_another_market_or_another_end_is_read_anew(folder, tmp_path):
    cache = tmp_path / "kept"
    request = DataRequest(folder, cache=cache)
    open_data(request)
    open_data(dataclasses.replace(request, codes=["ES"]))
    ended = open_data(dataclasses.replace(request, end=date(2020, 1, 3)))
    assert len(ended.markets["ES"].day) == 2
    assert len(entries(cache)) == 3
    write(folder / "ES_202003.csv", [*ROWS[:2], ("2020-01-06", 103.0)])
    assert open_data(request).markets["ES"].close[-1] == 103.0
    assert len(entries(cache)) == 4


def test_damaged_data_are_read_anew_with_a_word(folder, tmp_path):
    request = DataRequest(folder, cache=tmp_path / "kept")
    plain = open_data(request)
    (name,) = entries(tmp_path / "kept")
    (tmp_path / "kept" / name).unlink()  # what is mapped stays
    (tmp_path / "kept" / name).write_bytes(b"nothing")
    with pytest.warns(CacheWarning, match="is damaged"):
        same(open_data(request), plain)
    same(open_data(request), plain)


def test_what_cannot_be_read_says_so_and_is_not_kept(folder, tmp_path):
    (folder / "ES_202006.csv").mkdir()
    with pytest.raises(DataError, match="ES_202006"):
        open_data(DataRequest(folder, cache=tmp_path / "kept"))
    assert entries(tmp_path / "kept") == []
