import csv
import json
import math
from datetime import UTC, date, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.data.errors import DataError
from research.lean.format import (
    HOURS_FILE,
    MARKET_CODES,
    PROPERTIES_FILE,
    ContractCalendar,
    future_path,
    number,
    read_symbol_properties,
    sid,
    sid_expiry,
    zip_entry,
)
from research.lean.hours import MarketHoursDatabase
from tests.research.lean_samples import (
    ENTRIES,
    calendar_of,
    day,
    instrument,
    lean_folder,
    real_lean_data,
)
from universe.arrays import from_epoch_day


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return lean_folder(tmp_path_factory.mktemp("lean"))


@pytest.fixture(scope="module")
def hours(folder):
    return MarketHoursDatabase(folder / HOURS_FILE)


def test_paths_follow_lean():
    assert future_path("CME", "trade", "ES") == "future/cme/daily/es_trade.zip"
    assert future_path("cme", "margin", "es") == "future/cme/margins/ES.csv"
    assert future_path("cme", "universe", "ES") == "future/cme/universes/es"
    assert zip_entry("ES", "trade", 201312) == "es_trade_201312.csv"


@pytest.mark.parametrize(
    ("root", "market", "expiry", "expected"),
    [  # rows of the map files that LEAN ships
        ("ES", "cme", "2009-12-18", "es uik2f7cj4v0h"),
        ("ES", "cme", "2023-06-16", "es y9cdfy0c6txd"),
        ("ES", "cme", "2014-03-21", "es vp274hsu1af5"),
    ],
)
def test_security_identifiers_are_leans(root, market, expiry, expected):
    assert sid(root, market, day(expiry)) == expected
    assert sid_expiry(expected) == day(expiry)


@given(st.integers(0, 40000), st.sampled_from(sorted(MARKET_CODES)))
def test_security_identifier_keeps_the_expiry(expiry, market):
    assert sid_expiry(sid("CL", market, expiry)) == expiry


def test_identifier_of_an_unknown_market_or_type():
    with pytest.raises(DataError, match=r"LEAN has no futures market 'lme'.*nymex"):
        sid("CA", "lme", 0)
    with pytest.raises(ValueError, match="not the identifier of a future"):
        sid_expiry("spy r735qtj8xc9x")
    with pytest.raises(ValueError, match="invalid literal"):
        sid_expiry("uik2f7cj4v0h")


@given(st.floats(-1e12, 1e12).filter(lambda x: x == 0 or abs(x) > 1e-8))
def test_numbers_read_back_exactly_without_exponent(value):
    text = number(value)
    assert float(text) == value
    assert "e" not in text
    assert len(text.lstrip("-0.").replace(".", "")) <= 18


def test_numbers_are_short():
    assert [number(x) for x in (1234.0, 0.1, -37.63, 1e-7, 2e15)] == [
        "1234",
        "0.1",
        "-37.63",
        "0.0000001",
        "2000000000000000",
    ]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e19, 5e-324])
def test_numbers_lean_could_not_read_are_refused(value):
    with pytest.raises(DataError):
        number(value)


def test_specific_entry_inherits_the_general_holidays(hours):
    es, nq = hours.future("cme", "ES"), hours.future("cme", "NQ")
    assert nq.key == "Future-cme-[*]"
    assert not es.is_trading_day(date(2019, 12, 25))  # general
    assert not es.is_trading_day(date(2020, 5, 25))  # its own
    assert nq.is_trading_day(date(2020, 5, 25))
    assert es.is_trading_day(date(2019, 11, 11))  # a bank holiday is a session ...
    assert date(2019, 11, 11) in es.expiry_holidays  # ... but no business day for expiries
    assert not es.is_trading_day(date(2020, 5, 23))


def test_early_closes_and_late_opens(hours):
    es = hours.future("cme", "ES")
    assert es.regular_hours(date(2020, 1, 20)) == (34200, 46800)  # 09:30 to 13:00
    assert not es.is_trading_day(date(2020, 4, 10))  # closed before the regular open
    assert not es.is_trading_day(date(2020, 2, 17))  # opens after the regular close
    assert hours.future("cme", "NQ").regular_hours(date(2020, 1, 20)) == (30600, 43200)


def test_early_close_in_a_gap_loses_the_segment_before_it_as_in_lean(hours):
    ct = hours.future("ice", "CT")
    assert ct.regular_hours(date(2020, 7, 1)) == (0, 86400)
    assert ct.regular_hours(date(2020, 7, 2)) is None


def test_when_a_bar_is_delivered(hours):
    es, ct = hours.future("cme", "ES"), hours.future("ice", "CT")
    assert es.delivered(date(2020, 6, 3)).astimezone(UTC) == datetime(2020, 6, 3, 21, tzinfo=UTC)
    assert es.delivered(date(2020, 6, 6)) is None
    assert not es.is_late(date(2020, 6, 3))
    assert ct.is_late(date(2020, 6, 3))  # Wednesday's session runs on at midnight
    assert not ct.is_late(date(2020, 6, 5))  # Friday's ends at 14:20
    fesx = hours.future("eurex", "FESX")
    assert fesx.delivered(date(2020, 6, 3)).astimezone(UTC).hour == 20


def test_row_dates(hours):
    shifts = {c: hours.future(m, c).row_shift for m, c in (("cme", "ES"), ("ice", "CT"))}
    assert shifts == {"ES": 0, "CT": 0}
    assert hours.future("ice", "DX").row_shift == -1  # stamped to the session that opens then
    assert hours.future("eurex", "FESX").row_shift == 0


def test_day_sessions_leave_out_the_evening(hours):
    changed = hours.with_day_sessions([("ice", "CT"), ("ice", "DX"), ("cme", "ES")])
    ct = changed.future("ice", "CT")
    assert ct.regular_hours(date(2020, 6, 3)) == (0, 14 * 3600 + 1200)
    assert not ct.is_late(date(2020, 6, 3))
    entries = json.loads(changed.text)["entries"]
    assert entries["Future-cme-ES"] == ENTRIES["Future-cme-ES"]
    assert entries["Future-ice-DX"]["sunday"] == []
    assert hours.future("ice", "CT").is_late(date(2020, 6, 3))  # the original is untouched
    assert hours.with_day_sessions([("cme", "ES")]).text == hours.text


def test_market_hours_errors(folder, tmp_path):
    with pytest.raises(DataError, match=r"file is missing; expected LEAN's market-hours"):
        MarketHoursDatabase(tmp_path / "none.json")
    bad = tmp_path / "bad.json"
    bad.write_text("{")
    with pytest.raises(DataError, match=r"bad.json: not LEAN's market-hours database"):
        MarketHoursDatabase(bad)
    with pytest.raises(DataError, match=r"no entry Future-sgx-\[\*\]"):
        MarketHoursDatabase(folder / HOURS_FILE).future("sgx", "NK")
    entries = {"Future-cme-[*]": {**ENTRIES["Future-cme-[*]"], "holidays": ["2020-01-01"]}}
    bad.write_text(json.dumps({"entries": entries}))
    with pytest.raises(DataError, match=r"entry Future-cme-\[\*\] is malformed"):
        MarketHoursDatabase(bad).future("cme", "ES")


def test_symbol_properties(folder, tmp_path):
    rows = read_symbol_properties(folder / PROPERTIES_FILE)
    cotton = rows["ice", "CT", "future"]
    assert (cotton.currency, cotton.multiplier, cotton.magnifier) == ("USD", 50000, 100)
    assert rows["eurex", "FESX", "future"].magnifier == 1
    path = tmp_path / "bad.csv"
    path.write_text("header\n\ncme,ES,future,x,USD,fifty,0.25\n")
    with pytest.raises(DataError, match=r"bad.csv, line 3: malformed row"):
        read_symbol_properties(path)
    path.write_text("header\n")
    with pytest.raises(DataError, match="no rows"):
        read_symbol_properties(path)


def test_contract_calendar(folder):
    es = calendar_of(folder, instrument("ES"))
    assert es.lists(202003)
    assert not es.lists(202002)
    assert not es.lists(999912)
    assert (es.next_month(202012), es.of_entry(202003), es.of_entry(202004)) == (
        202103,
        202003,
        None,
    )
    cl = calendar_of(folder, instrument("CL"))
    assert from_epoch_day(cl.expiry(202001)) == date(2019, 12, 20)  # no holidays here
    assert cl.entry_month(202001) == 202001
    assert cl.next_month(202001) == 202002  # the exchange's cycle, not the strategy's
    real = calendar_of(folder, instrument("6L"))
    assert real.entry_month(202003) == 202002  # LEAN names the file after the month of expiry
    assert real.of_entry(202002) == 202003


def test_unknown_expiry_rule(folder):
    with pytest.raises(DataError, match="ES: unknown expiry rule 'whenever'"):
        calendar_of(folder, instrument("ES", expiry_rule="whenever"))


def test_real_market_hours():
    database = MarketHoursDatabase(real_lean_data() / HOURS_FILE)
    es = database.future("cme", "ES")
    assert not es.is_trading_day(date(2010, 4, 2))  # Good Friday, closed at 09:15
    assert es.is_trading_day(date(2010, 1, 18))  # Martin Luther King day, to 11:30
    assert not es.is_trading_day(date(2012, 12, 25))
    roots = (("ice", "DX"), ("ice", "CT"), ("ice", "B"), ("cme", "ES"))
    shifted = {root for market, root in roots if database.future(market, root).row_shift}
    assert shifted == {"DX"}


def test_every_contract_of_leans_own_expiry_table_is_named_as_lean_does():
    """Cycles and file names against the expiries that the engine computed."""
    table: dict[str, dict[int, int]] = {}
    with open(real_lean_data() / "expiries.csv", newline="") as file:
        for row in csv.DictReader(file):
            month = int(row["contract_month"])
            table.setdefault(row["root"], {})[month] = day(row["last_trade_date"])

    class Known(ContractCalendar):
        def expiry(self, month):
            return known[month]

    hours = MarketHoursDatabase(real_lean_data() / HOURS_FILE).future("cme", "ES")
    assert len(table) > 80
    for root, known in table.items():
        calendar = Known(instrument("ES", code=root), hours)
        months = sorted(known)
        for month, following in pairwise(months):
            # LEAN's function answers for the next listed month where one is not listed
            assert calendar.lists(month) == (known[month] != known[following]), (root, month)
        for month in months[12:-24:7]:
            if calendar.lists(month):
                assert calendar.of_entry(calendar.entry_month(month)) == month, (root, month)


def test_real_expiries_match_leans():
    codes = ("ES", "CL", "CT", "GC", "ZN", "6E", "NG", "KC")
    data = real_lean_data()
    database = MarketHoursDatabase(data / HOURS_FILE)
    calendars = {
        code: ContractCalendar(instrument(code), database.future(instrument(code).market, code))
        for code in codes
    }
    checked = 0
    with open(data / "expiries.csv", newline="") as file:
        for row in csv.DictReader(file):
            calendar = calendars.get(row["root"])
            month = int(row["contract_month"])
            if calendar is not None and calendar.lists(month):
                assert calendar.expiry(month) == day(row["last_trade_date"]), row
                checked += 1
    assert checked > 2000
