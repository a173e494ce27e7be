"""Hostile or broken files give a sentence that names them, never a traceback or a full memory."""

import os
import zipfile

import pytest

from research.data.errors import DataError
from research.data.files import (
    MAX_FILE,
    MAX_MEMBER,
    is_there,
    read_bytes,
    read_rows,
    read_text,
    read_zip,
    shown,
)
from research.data.import_csv import load_csv
from research.data.import_pysystemtrade import load_pysystemtrade
from research.data.macro_files import load_macro
from research.lean.folder import read_marker
from research.lean.hours import MarketHoursDatabase
from tests.research.pysystemtrade_folder import master, plain_rows, write_adjusted, write_multiple


def sparse(path, size):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.truncate(path, size)
    return path


def zipped(path, text="20200302 00:00,1,1,1,1,1\n", method=zipfile.ZIP_LZMA):
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("es_trade_202003.csv", text)
    return path


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_zips_are_read_and_every_corruption_is_named(tmp_path, method):
    path = zipped(tmp_path / "es_trade.zip", "abc\n" * 200, method)
    assert list(read_zip(path, "the bars")) == [("es_trade_202003.csv", "abc\n" * 200)]
    whole = path.read_bytes()
    start, named = 30 + len("es_trade_202003.csv"), 0
    for place in range(start, whole.index(b"PK\x01\x02")):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            content = list(read_zip(path, "the bars"))
        except DataError as error:
            named += "es_trade.zip: corrupt zip" in str(error)
        else:
            assert content == [("es_trade_202003.csv", "abc\n" * 200)], "padding"
    assert named > 5
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="corrupt zip"):
        list(read_zip(path, "the bars"))


def test_an_unknown_compression_is_named(tmp_path):
    path = zipped(tmp_path / "es_trade.zip", method=zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[8] = 93  # in the entry and in the directory
    content[content.index(b"PK\x01\x02") + 10] = 93
    path.write_bytes(content)
    with pytest.raises(DataError, match="corrupt zip"):
        list(read_zip(path, "the bars"))


def test_a_zip_bomb_is_not_unpacked(tmp_path):
    path = zipped(tmp_path / "bomb.zip", "0" * (MAX_MEMBER + 1), zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 100_000
    with pytest.raises(DataError, match=r"bomb\.zip: es_trade_202003\.csv unpacks to 64 MiB"):
        list(read_zip(path, "the bars"))


def test_a_zip_of_many_large_entries_is_not_unpacked(tmp_path):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for k in range(33):
            archive.writestr(f"{k}.csv", "0" * (MAX_MEMBER // 2))
    with pytest.raises(DataError, match=r"bomb\.zip: unpacks to 1,056 MiB"):
        list(read_zip(path, "the bars"))


def test_a_large_sparse_file_is_not_read(tmp_path):
    path = sparse(tmp_path / "AA.csv", 2**31)
    with pytest.raises(DataError, match=r"AA\.csv: holds 2,048 MiB; expected bars of at most 512"):
        read_bytes(path, "bars")
    with pytest.raises(DataError, match="holds 2,048 MiB"):
        load_csv(tmp_path, master())
    with pytest.raises(DataError, match="holds 2,048 MiB"):
        load_macro(sparse(tmp_path / "macro" / "DGS10.csv", 2**31).parent)
    sparse(tmp_path / "pst" / "multiple_prices_csv" / "ALPHA.csv", 2**31)
    with pytest.raises(DataError, match="holds 2,048 MiB"):
        load_pysystemtrade(tmp_path / "pst", master())
    assert MAX_FILE < 2**31


def test_a_file_of_zeros_is_shown_cut(tmp_path):
    path = sparse(tmp_path / "AA.csv", 10_000_000)
    with pytest.raises(DataError, match=r"AA\.csv: no column") as caught:
        load_csv(tmp_path, master())
    assert len(str(caught.value)) < 1000
    assert "\0" not in str(caught.value)
    assert path.exists()


@pytest.mark.parametrize("sub", ["multiple_prices_csv", "adjusted_prices_csv"])
def test_a_folder_in_place_of_a_markets_file_is_an_error(tmp_path, sub):
    """It made the importer fall back on the other series without a word."""
    write_multiple(tmp_path, plain_rows())
    write_adjusted(tmp_path, [(row[0], row[3]) for row in plain_rows()])
    (tmp_path / sub / "ALPHA.csv").unlink()
    (tmp_path / sub / "ALPHA.csv").mkdir()
    with pytest.raises(DataError, match=rf"{sub}/ALPHA\.csv: is a folder; expected prices of AA"):
        load_pysystemtrade(tmp_path, master())


def test_what_is_no_file_is_told_from_what_is_missing(tmp_path):
    assert not is_there(tmp_path / "nothing", "bars")
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe"):
        with pytest.raises(DataError, match=rf"{name}: is no file that can be read; expected bars"):
            is_there(tmp_path / name, "bars")
    with pytest.raises(DataError, match=r"nothing: file is missing; expected bars"):
        read_text(tmp_path / "nothing", "bars")
    (tmp_path / "AA.csv").mkdir()
    with pytest.raises(DataError, match=r"AA\.csv: is a folder"):
        load_csv(tmp_path, master())


def test_a_field_that_never_ends_is_named(tmp_path):
    with pytest.raises(DataError, match=r"x\.csv: not a readable CSV \(field larger"):
        read_rows(tmp_path / "x.csv", "x" * 200_000)


def test_deep_json_is_no_traceback(tmp_path):
    deep = "[" * 200_000
    (tmp_path / "export.json").write_text(deep)
    assert read_marker(tmp_path) is None
    hours = tmp_path / "hours.json"
    hours.write_text(deep)
    with pytest.raises(DataError, match=r"hours\.json: not LEAN's market-hours database"):
        MarketHoursDatabase(hours)


def test_binary_text_is_shown_quoted_and_cut():
    assert shown("a\x1b[2J") == "'a\\x1b[2J'"
    assert len(shown("x" * 10_000)) < 100
