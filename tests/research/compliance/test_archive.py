"""The chain is recomputed here by hashlib and json alone."""

import hashlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.compliance.archive import ArchiveError, ArchiveWriter, head, read, verify
from research.compliance.records import (
    SCHEMA,
    DayEntry,
    Head,
    LimitEntry,
    RecordError,
    StressEntry,
    canonical,
    number,
    parse,
)

HEAD = Head(SCHEMA, "embedded", "f" * 64, "0" * 12, ["ES", "ZN"], ["equity", "bond"], "held",
            "relative", "", "ES 0.6 ZN 0.4", "both", "shown: as a stressed day asks")  # fmt: skip


def day(text, **changes):
    values = {
        "day": text, "nav": 1e8, "result": -0.01, "clean_result": None, "var_held": None,
        "var_parametric": 0.1,
        "var_historical": None, "var_relative": 1.2, "var_one_day": 0.02, "var_tested": 0.02,
        "is_exception": False, "shortfall": 0.03, "gross": 2.0, "exposure": [0.5, 1.5],
        "turnover": 0.1, "drawdown": 0.05,
        "margin": 0.2, "cash": 0.3, "bills": 0.5, "earned": 1e-4, "short": 0.0,
        "liquidity_value": [1.0, 0.0, 0.0, 0.0],
        "liquidity_risk": [0.9, 0.1, 0.0, 0.0],
        "limits": [LimitEntry("gross", "fund", 2.0, 4.0, 6.0, "ok", "cut", "", 0, 1)],
        "stress": [StressEntry("2008 credit crisis", -0.05, -0.06, ["NQ by ES x 1.10"])],
        "remedies": ["Größe — cut"], "switch": "armed",
    }  # fmt: skip
    return DayEntry(**{**values, **changes})


def written(path, count=5):
    with ArchiveWriter(path, HEAD) as archive:
        for k in range(count):
            archive.append(day(f"2020-01-{k + 1:02d}", nav=1e8 + k))
    return path


def test_the_chain_by_hand(tmp_path):
    path = written(tmp_path / "archive.jsonl")
    previous = "0" * 64
    for raw in path.read_bytes().splitlines():
        line = json.loads(raw)
        assert line["previous"] == previous
        text = json.dumps(line["record"], sort_keys=True, separators=(",", ":"))
        previous = hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()
        assert line["hash"] == previous
    found = verify(path)
    assert (found.ok, found.lines, found.last_hash) == (True, 6, previous)


def test_what_was_written_is_read(tmp_path):
    path = written(tmp_path / "archive.jsonl", 3)
    head, days, last_hash = read(path)
    assert head == HEAD
    assert last_hash == verify(path).last_hash
    assert days == [day(f"2020-01-{k + 1:02d}", nav=1e8 + k) for k in range(3)]


@pytest.mark.parametrize("line", [2, 4, 6])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"result":-0.01', '"result":0.01'),
        ('"is_exception":false', '"is_exception":true'),
        ('"is_exception":false', '"is_exception":null'),
        ('"shortfall":0.03', '"shortfall":0.030000000000000002'),
    ],
)
def test_a_changed_row_is_found_where_it_is(tmp_path, line, old, new):
    path = written(tmp_path / "archive.jsonl")
    rows = path.read_text().splitlines(keepends=True)
    assert old in rows[line - 1]
    rows[line - 1] = rows[line - 1].replace(old, new, 1)
    path.write_text("".join(rows))
    found = verify(path)
    assert (found.ok, found.line, found.lines) == (False, line, line - 1)
    with pytest.raises(ArchiveError, match=f"line {line}"):
        read(path)


def test_a_row_whose_hash_was_made_new_breaks_the_next_one(tmp_path):
    path = written(tmp_path / "archive.jsonl")
    rows = path.read_text().splitlines(keepends=True)
    line = json.loads(rows[2])
    line["record"]["result"] = 0.5
    text = json.dumps(line["record"], sort_keys=True, separators=(",", ":"))
    line["hash"] = hashlib.sha256(f"{line['previous']}\n{text}".encode()).hexdigest()
    rows[2] = json.dumps(line, sort_keys=True, separators=(",", ":")) + "\n"
    path.write_text("".join(rows))
    assert (verify(path).line, verify(path).problem) == (
        4, "the line does not follow the one before it",
    )  # fmt: skip


@given(st.integers(0, 5), st.data())
def test_any_byte_that_is_flipped_is_found(tmp_path_factory, line, data):
    path = written(tmp_path_factory.mktemp("archive") / "archive.jsonl")
    rows = path.read_bytes().splitlines(keepends=True)
    place = data.draw(st.integers(0, len(rows[line]) - 1))
    row = bytearray(rows[line])
    row[place] ^= data.draw(st.sampled_from([1, 2, 16]))
    rows[line] = bytes(row)
    path.write_bytes(b"".join(rows))
    assert not verify(path).ok


@pytest.mark.parametrize("taken", [1, 3, 5])
def test_a_row_taken_out_or_twice_is_found(tmp_path, taken):
    path = written(tmp_path / "archive.jsonl")
    rows = path.read_text().splitlines(keepends=True)
    path.write_text("".join(rows[:taken] + rows[taken + 1 :]))
    assert verify(path).ok == (taken == 5)  # the end cut off: only the last hash shows it
    path.write_text("".join([*rows[: taken + 1], *rows[taken:]]))
    assert verify(path).line == taken + 2


def test_an_archive_without_its_end_has_another_last_hash(tmp_path):
    path = written(tmp_path / "archive.jsonl")
    whole = verify(path).last_hash
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    assert verify(path).last_hash != whole


def test_a_line_cut_off_is_found(tmp_path):
    path = written(tmp_path / "archive.jsonl")
    path.write_bytes(path.read_bytes()[:-30])
    assert (verify(path).line, verify(path).problem) == (6, "the line is cut off")


def test_going_on_after_a_restart_is_the_same_as_not_stopping(tmp_path):
    whole = written(tmp_path / "whole.jsonl", 5)
    parts = tmp_path / "parts.jsonl"
    written(parts, 2)
    with ArchiveWriter(parts, HEAD) as archive:
        assert archive.last_day == "2020-01-02"
        for k in range(2, 5):
            archive.append(day(f"2020-01-{k + 1:02d}", nav=1e8 + k))
    assert parts.read_bytes() == whole.read_bytes()


def test_two_writers_are_refused(tmp_path):
    path = tmp_path / "archive.jsonl"
    with ArchiveWriter(path, HEAD), pytest.raises(ArchiveError, match="another process"):
        ArchiveWriter(path, HEAD)
    ArchiveWriter(path, HEAD).close()


@pytest.mark.parametrize("text", ["2020-01-05", "2020-01-04", "1999-12-31"])
def test_a_clock_that_steps_back_is_refused_and_nothing_is_written(tmp_path, text):
    path = written(tmp_path / "archive.jsonl")
    before = path.read_bytes()
    with ArchiveWriter(path, HEAD) as archive, pytest.raises(ArchiveError, match="is not after"):
        archive.append(day(text))
    assert path.read_bytes() == before


def test_another_run_or_a_broken_chain_is_not_written_on(tmp_path):
    path = written(tmp_path / "archive.jsonl")
    with pytest.raises(ArchiveError, match="another run"):
        ArchiveWriter(path, replace(HEAD, settings="1" * 12))
    path.write_text(path.read_text().replace("100000001", "100000009", 1))
    with pytest.raises(ArchiveError, match="line 3"):
        ArchiveWriter(path, HEAD)


def test_an_empty_file_is_no_archive(tmp_path):
    path = tmp_path / "archive.jsonl"
    path.write_bytes(b"")
    assert verify(path).problem == "the archive is empty"
    for reading in (read, head):
        with pytest.raises(ArchiveError, match=r"archive\.jsonl is empty"):
            reading(path)
    path.write_bytes(b"garbage\n")
    with pytest.raises(ArchiveError, match=r"archive\.jsonl, line 1: the line is not of"):
        head(path)


class TestRecords:
    @pytest.mark.parametrize("value", [float("nan"), float("inf")])
    def test_a_number_that_is_none_is_null_or_refused(self, value):
        assert number(value) is None
        with pytest.raises(RecordError, match="not finite"):
            canonical(day("2020-01-01", nav=value))

    @pytest.mark.parametrize(
        ("changes", "text"),
        [
            ({"nav": "1"}, "DayEntry.nav is '1'; it must be of type float"),
            ({"is_exception": 1}, "DayEntry.is_exception is 1; it must be of type bool"),
            ({"remedies": "x"}, "DayEntry.remedies is 'x'; it must be a list"),
            ({"extra": 1}, "DayEntry.extra is unknown"),
        ],
    )
    def test_a_field_of_another_type_is_refused(self, changes, text):
        values = json.loads(canonical(day("2020-01-01")))
        with pytest.raises(RecordError, match=text.replace(".", r"\.")):
            parse(DayEntry, {**values, **changes})

    def test_a_missing_field_is_refused(self):
        values = json.loads(canonical(day("2020-01-01")))
        del values["nav"]
        with pytest.raises(RecordError, match="nav is missing"):
            parse(DayEntry, values)

    def test_integers_and_floats_of_one_value_are_one_text(self):
        assert canonical(day("2020-01-01", nav=1)) == canonical(day("2020-01-01", nav=1.0))
