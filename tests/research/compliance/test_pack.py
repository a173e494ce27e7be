import csv
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from research.compliance.archive import ArchiveError
from research.compliance.blocks import Heading, Table
from research.compliance.build import entries_of, head_of
from research.compliance.files import write_archive, write_pack
from research.compliance.pack import breach_episodes, out_of_test, pack
from research.compliance.pack_html import is_number, to_html
from research.compliance.records import LimitEntry
from research.measures.performance import var_exceptions, var_periods
from risk.limits import TABLE
from tests.research.compliance.test_archive import HEAD, day
from tests.research.fake_result import fake_result

PARTS = (
    "Derivatives risk report under rule 18f-4", "Value at risk", "Backtests",
    "Breaches and remedies", "Derivatives exposure and liquidity", "Margin, cash and collateral",
    "Stress tests", "Drafts for filings", "Derivatives risk management programme",
    "VaR model and change log", "Sign-off",
)  # fmt: skip


@pytest.fixture(scope="module")
def run():
    return fake_result(400)


@pytest.fixture(scope="module")
def folder(run, tmp_path_factory):
    pytest.importorskip("reportlab")
    path = tmp_path_factory.mktemp("run")
    write_archive(path, head_of(run), entries_of(run))
    write_pack(path)
    return path


def blocks_of(run):
    return pack(head_of(run), entries_of(run), "a" * 64)


def tables(blocks, part):
    inside, found = False, []
    for block in blocks:
        if isinstance(block, Heading) and block.level == 1:
            inside = block.text == part
        if inside and isinstance(block, Table):
            found.append(block)
    return found


def test_all_parts_in_order(run):
    headings = [b.text for b in blocks_of(run) if isinstance(b, Heading) and b.level == 1]
    assert tuple(headings) == PARTS


def test_the_backtest_is_the_reports(run):
    backtests, _, worst = tables(blocks_of(run), "Backtests")
    whole = var_periods(run)[-1]
    assert backtests.rows[-1][1:3] == (f"{whole.sessions:,}", str(whole.exceptions))
    assert len(worst.rows) == min(len(var_exceptions(run)), 60)


def test_rows_are_as_wide_as_their_heads(run):
    for block in blocks_of(run):
        if isinstance(block, Table):
            assert {len(row) for row in block.rows} <= {len(block.names)}


def test_every_limit_is_in_the_programme(run):
    guidelines = tables(blocks_of(run), "Derivatives risk management programme")[1]
    assert [row[0] for row in guidelines.rows] == [row.name.replace("_", " ") for row in TABLE]


def test_html_holds_every_text_escaped_and_closes_its_tags(run):
    class Balance(HTMLParser):
        def __init__(self):
            super().__init__()
            self.open = []

        def handle_starttag(self, tag, attributes):
            if tag not in ("meta", "img"):
                self.open.append(tag)

        def handle_endtag(self, tag):
            assert self.open.pop() == tag

    page = to_html(pack(replace(head_of(run), reference="<b>&"), entries_of(run), "a" * 64), "t")
    parser = Balance()
    parser.feed(page)
    assert parser.open == []
    assert "&lt;b&gt;&amp;" in page
    assert "<b>&" not in page
    assert not re.search(r'(src|href)="https?:', page)


class TestEpisodes:
    def test_the_legal_test_counts(self):
        relative = day("2020-01-01", var_relative=2.1, var_parametric=0.1, var_historical=None)
        absolute = day("2020-01-01", var_relative=1.0, var_parametric=0.1, var_historical=0.21)
        other = replace(HEAD, legal_test="absolute", determination="who")
        assert (out_of_test(HEAD, relative), out_of_test(HEAD, absolute)) == (True, False)
        assert (out_of_test(other, relative), out_of_test(other, absolute)) == (False, True)
        unknown = day("2020-01-01", var_relative=None, var_parametric=None, var_historical=None)
        assert not out_of_test(HEAD, unknown)
        assert not out_of_test(other, unknown)

    def test_stretches(self):
        days = [day(f"2020-01-{k:02d}", var_relative=2.5 if 2 <= k <= 3 else 1.0)
                for k in range(1, 8)]  # fmt: skip
        (one,) = breach_episodes(HEAD, days)
        assert (one.first.day, one.last.day) == (2, 3)

    def test_breaches_are_one_row_a_stretch(self):
        bad = LimitEntry("gross", "fund", 7.0, 4.0, 6.0, "breach", "cut", "prices", 1, 0)
        worse = replace(bad, value=9.0)
        days = [day("2020-01-01", limits=[bad]), day("2020-01-02", limits=[worse]),
                day("2020-01-03"), day("2020-01-06", limits=[bad])]  # fmt: skip
        rows = tables(pack(HEAD, days, "a" * 64), "Breaches and remedies")[1].rows
        assert [row[:3] for row in rows] == [
            ("2020-01-01", "2020-01-02", "2"), ("2020-01-06", "2020-01-06", "1"),
        ]  # fmt: skip
        assert rows[0][5] == "9"


def test_an_archive_without_a_day_is_refused():
    with pytest.raises(ValueError, match="no day"):
        pack(HEAD, [], "a" * 64)


@pytest.mark.parametrize(
    ("text", "number"),
    [("1,234", True), ("−0.3 %", True), ("–", True), ("2020-01-01", False), ("1990-1999", False),
     ("0.5", True), ("a1", False), ("", False)],
)  # fmt: skip
def test_what_is_set_to_the_right(text, number):
    assert is_number(text) == number


class TestFiles:
    def test_are_all_there(self, folder):
        names = {"archive.jsonl", "archive.csv", "pack.html", "pack.pdf", "nport.csv", "nport.json"}
        assert {path.name for path in folder.iterdir()} == names
        assert (folder / "pack.pdf").read_bytes().startswith(b"%PDF")

    def test_table_and_filings_agree_with_the_archive(self, folder, run):
        with (folder / "archive.csv").open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        assert len(rows) == len(run.day)
        exceptions = sum(row["is_exception"] == "True" for row in rows)
        assert exceptions == len(var_exceptions(run))
        items = json.loads((folder / "nport.json").read_text())
        assert sum(item["exceptions"] for item in items) == exceptions
        with (folder / "nport.csv").open(newline="") as stream:
            assert len(list(csv.DictReader(stream))) == len(items)

    def test_the_same_archive_makes_the_same_files(self, folder):
        before = {p.name: p.read_bytes() for p in folder.iterdir()}
        write_pack(folder)
        assert {p.name: p.read_bytes() for p in folder.iterdir()} == before

    def test_going_on_with_a_run_appends(self, run, tmp_path):
        days = entries_of(run)
        write_archive(tmp_path, head_of(run), days[:200])
        path = write_archive(tmp_path, head_of(run), days)
        whole = write_archive(tmp_path / "whole", head_of(run), days)
        assert path.read_bytes() == whole.read_bytes()

    def test_a_broken_archive_makes_no_pack(self, run, tmp_path):
        path = write_archive(tmp_path, head_of(run), entries_of(run)[:5])
        path.write_text(path.read_text().replace('"armed"', '"flat"', 1))
        with pytest.raises(ArchiveError, match="line 2"):
            write_pack(tmp_path)
        assert not (tmp_path / "pack.html").exists()
