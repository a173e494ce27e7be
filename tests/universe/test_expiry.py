"""Expiry rules against dates from exchange calendars and against LEAN's own expiry functions."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.golden_lean import EXPIRIES, HOURS, lean_data
from universe.arrays import to_epoch_day
from universe.expiry import (
    KNOWN_RULES,
    UnknownExpiryRuleError,
    add_business_days,
    first_notice_date,
    is_business_day,
    last_holding_date,
    last_trade_date,
)
from universe.instruments import Instrument, Notice
from universe.listing import contract_of
from universe.master import MASTER

LETTERS = "FGHJKMNQUVXZ"
# Dates that may fall on a holiday: LEAN does not adjust these two, and moves the third by one day.
UNADJUSTED = {
    "third_friday_unadjusted",
    "third_wednesday_minus_2d",
    "third_friday_plus_1m_minus_30d",
}

WITH_LEAN_DATES = [i for i in MASTER if i.lean_listed or i.code == "KM"]

rules = st.sampled_from(sorted(KNOWN_RULES))
years = st.integers(1970, 2060)
months = st.integers(1, 12)
notices = st.sampled_from(list(Notice))


@cache
def lean_expiries() -> dict[tuple[str, str], dict[int, date]]:
    table: dict[tuple[str, str], dict[int, date]] = defaultdict(dict)
    wanted = {(i.market, i.code) for i in WITH_LEAN_DATES}
    with (lean_data() / EXPIRIES).open(newline="") as lines:
        for market, root, month, expiry in csv.reader(lines):
            if (market, root) in wanted and month >= "199001":
                table[market, root][int(month)] = date.fromisoformat(expiry)
    return table


@cache
def market_hours() -> dict[str, dict[str, list[str]]]:
    return json.loads((lean_data() / HOURS).read_text())["entries"]


@cache
def lean_holidays(market: str, root: str) -> frozenset[date]:
    """Holidays and bank holidays of the entry, to which LEAN adds those of the market's [*]."""
    found = set()
    for key in (f"Future-{market}-{root}", f"Future-{market}-[*]"):
        entry = market_hours().get(key, {})
        for text in (*entry.get("holidays", ()), *entry.get("bankHolidays", ())):
            found.add(datetime.strptime(text, "%m/%d/%Y").date())  # noqa: DTZ007
    return frozenset(found)


def contract_months(first: int = 1990, last: int = 2030) -> Iterator[tuple[int, int]]:
    return ((year, month) for year in range(first, last + 1) for month in range(1, 13))


def listed(instrument: Instrument, month: int) -> bool:
    return LETTERS[month - 1] in instrument.priced_months


@pytest.mark.parametrize("instrument", WITH_LEAN_DATES, ids=lambda i: i.code)
def test_equals_lean_in_every_month(instrument: Instrument) -> None:
    lean = lean_expiries()[instrument.market, instrument.code]
    holidays = lean_holidays(instrument.market, instrument.code)
    assert len(lean) == 41 * 12
    different = []
    for year, month in contract_months():
        ours = last_trade_date(instrument.expiry_rule, year, month, holidays)
        theirs = lean[100 * year + month]
        if ours == theirs:
            continue
        # For a month that is not listed LEAN answers with the next listed one.
        following = 100 * year + month + 1 if month < 12 else 100 * (year + 1) + 1
        if not listed(instrument, month) and lean.get(following, theirs) == theirs:
            continue
        different.append((year, month, ours, theirs))
    assert different == []


@pytest.mark.parametrize("instrument", WITH_LEAN_DATES, ids=lambda i: i.code)
def test_without_holidays_stays_near(instrument: Instrument) -> None:
    lean = lean_expiries()[instrument.market, instrument.code]
    # Feeder cattle moves by whole weeks; the others by the holidays (and weekends) they cross.
    late = 14 if instrument.expiry_rule == "last_clear_thursday" else 7
    for year, month in contract_months():
        if listed(instrument, month):
            bare = last_trade_date(instrument.expiry_rule, year, month)
            assert -4 <= (bare - lean[100 * year + month]).days <= late, (year, month)


HOLIDAYS_2022 = {date(2022, 9, 5), date(2022, 11, 24), date(2022, 12, 26), date(2023, 1, 2)}


@pytest.mark.parametrize(
    ("code", "year", "month", "expected"),
    [  # from the exchanges' calendars
        ("ES", 2022, 12, date(2022, 12, 16)),
        ("NKD", 2022, 12, date(2022, 12, 8)),
        ("VX", 2022, 10, date(2022, 10, 19)),
        ("FVS", 2022, 12, date(2022, 12, 21)),
        ("6E", 2022, 12, date(2022, 12, 19)),
        ("6C", 2022, 12, date(2022, 12, 20)),
        ("DX", 2022, 12, date(2022, 12, 19)),
        ("ZN", 2022, 12, date(2022, 12, 20)),
        ("ZF", 2022, 12, date(2022, 12, 30)),
        ("FGBL", 2022, 12, date(2022, 12, 8)),
        ("JB", 2022, 12, date(2022, 12, 12)),
        ("3KTB", 2022, 12, date(2022, 12, 20)),
        ("KM", 2022, 12, date(2022, 12, 8)),
        ("SR3", 2022, 12, date(2023, 3, 14)),
        ("I", 2022, 12, date(2022, 12, 19)),
        ("GC", 2022, 12, date(2022, 12, 28)),
        ("CL", 2022, 12, date(2022, 11, 21)),
        ("QM", 2022, 12, date(2022, 11, 18)),
        ("NG", 2023, 1, date(2022, 12, 28)),
        ("B", 2022, 12, date(2022, 10, 31)),
        ("B", 2023, 2, date(2022, 12, 29)),
        ("HO", 2022, 12, date(2022, 11, 30)),
        ("G", 2022, 12, date(2022, 12, 12)),
        ("ZC", 2022, 12, date(2022, 12, 14)),
        ("HE", 2022, 12, date(2022, 12, 14)),
        ("GF", 2022, 11, date(2022, 11, 17)),
        ("KC", 2022, 12, date(2022, 12, 19)),
        ("CT", 2022, 12, date(2022, 12, 7)),
        ("CC", 2022, 12, date(2022, 12, 14)),
        ("SB", 2023, 3, date(2023, 2, 28)),
        ("AP", 2022, 12, date(2022, 12, 15)),
        ("JGBL", 2022, 12, date(2022, 12, 13)),
        ("QG", 2022, 12, date(2022, 11, 25)),
        ("EBM", 2022, 12, date(2022, 12, 12)),
        ("C", 2022, 12, date(2022, 12, 14)),
        ("DC", 2013, 10, date(2013, 10, 29)),
        ("CN", 2022, 12, date(2022, 12, 29)),
    ],
)
def test_known_dates(code: str, year: int, month: int, expected: date) -> None:
    assert last_trade_date(MASTER[code].expiry_rule, year, month, HOLIDAYS_2022) == expected


def test_good_friday_moves_the_third_friday() -> None:
    good_friday = date(2008, 3, 21)
    assert last_trade_date("third_friday", 2008, 3) == good_friday
    assert last_trade_date("third_friday", 2008, 3, [good_friday]) == date(2008, 3, 20)
    assert last_trade_date("third_friday_plus_1m_minus_30d", 2008, 2, [good_friday]) == date(
        2008, 2, 19
    )


def test_unknown_rule_is_named_with_the_allowed_ones() -> None:
    with pytest.raises(UnknownExpiryRuleError, match=r"'fourth_friday'.*bd_before_15th.*third"):
        last_trade_date("fourth_friday", 2022, 12)


@pytest.mark.parametrize("month", [0, 13, -1])
def test_impossible_month(month: int) -> None:
    with pytest.raises(ValueError, match=f"1..12, got {month}"):
        last_trade_date("third_friday", 2022, month)


def test_zero_business_days() -> None:
    with pytest.raises(ValueError, match="zero"):
        add_business_days(date(2022, 1, 1), 0)


@given(
    st.dates(date(1990, 1, 1), date(2030, 1, 1)),
    st.integers(-30, 30).filter(bool),
    st.sets(st.dates(date(1989, 1, 1), date(2031, 1, 1)), max_size=20),
)
def test_business_days_counted_one_by_one(day: date, count: int, holidays: set[date]) -> None:
    end = add_business_days(day, count, holidays)
    first, last = (day + timedelta(1), end) if count > 0 else (end, day - timedelta(1))
    passed = [first + timedelta(k) for k in range((last - first).days + 1)]
    assert sum(is_business_day(d, holidays) for d in passed) == abs(count)
    assert is_business_day(end, holidays)


@given(rules, years, months, st.sets(st.integers(-80, 130), max_size=12))
def test_last_trade_is_a_business_day_near_the_month(
    rule: str, year: int, month: int, offsets: set[int]
) -> None:
    start = date(year, month, 1)
    holidays = {start + timedelta(days=k) for k in offsets}
    day = last_trade_date(rule, year, month, holidays)
    assert -90 <= (day - start).days <= 115
    assert day.weekday() < 5
    assert rule in UNADJUSTED or day not in holidays


@given(rules, years, months)
def test_a_closed_exchange_moves_the_date(rule: str, year: int, month: int) -> None:
    open_day = last_trade_date(rule, year, month)
    closed_day = last_trade_date(rule, year, month, {open_day})
    if rule in {"third_friday_unadjusted", "third_wednesday_minus_2d"}:
        assert closed_day == open_day
    elif rule in {"tenth_bd", "10th_or_next_bd", "wednesday_nearest_15th"}:
        assert closed_day > open_day
    else:
        assert closed_day < open_day


@given(rules, years, months)
def test_later_months_end_later(rule: str, year: int, month: int) -> None:
    following = (year, month + 1) if month < 12 else (year + 1, 1)
    assert last_trade_date(rule, year, month) < last_trade_date(rule, *following)


@given(rules, notices, years, months, st.sets(st.integers(-80, 130), max_size=12))
def test_last_holding_is_before_the_end(
    rule: str, notice: Notice, year: int, month: int, offsets: set[int]
) -> None:
    holidays = {date(year, month, 1) + timedelta(days=k) for k in offsets}
    last_trade = last_trade_date(rule, year, month, holidays)
    last_holding = last_holding_date(notice, last_trade, year, month, holidays)
    first_notice = first_notice_date(notice, year, month, holidays)
    assert last_holding < last_trade
    assert first_notice is None or last_holding < first_notice
    assert is_business_day(last_holding, holidays)
    assert add_business_days(last_holding, 1, holidays) <= (first_notice or last_trade)


def test_last_holding_of_known_contracts() -> None:
    gold = MASTER["GC"]
    end = last_trade_date(gold.expiry_rule, 2022, 12, HOLIDAYS_2022)
    assert first_notice_date(gold.notice, 2022, 12, HOLIDAYS_2022) == date(2022, 11, 30)
    assert last_holding_date(gold.notice, end, 2022, 12, HOLIDAYS_2022) == date(2022, 11, 29)
    # first notice of December cocoa was on 16 November 2022, Thanksgiving in between
    assert first_notice_date(Notice.TEN_DAYS_BEFORE_MONTH, 2022, 12, HOLIDAYS_2022) == date(
        2022, 11, 16
    )
    assert first_notice_date(Notice.CASH, 2022, 12) is None
    assert last_holding_date(Notice.CASH, date(2022, 12, 19), 2022, 12) == date(2022, 12, 16)


# ---------------------------------------------------------------- listing, which knows no holidays


@given(rules, notices, years, months, st.sets(st.integers(-80, 130), max_size=2))
def test_two_holidays_never_make_the_listed_holding_day_too_late(
    rule: str, notice: Notice, year: int, month: int, offsets: set[int]
) -> None:
    holidays = {date(year, month, 1) + timedelta(days=k) for k in offsets}
    end = last_trade_date(rule, year, month, holidays)
    true = last_holding_date(notice, end, year, month, holidays)
    market = replace(MASTER["GC"], notice=notice, expiry_rule=rule)
    listed_as = contract_of(market, 100 * year + month, to_epoch_day(end))
    assert listed_as.last_holding <= to_epoch_day(true)
    bare = last_holding_date(notice, end, year, month)
    assert listed_as.last_holding == to_epoch_day(add_business_days(bare, -2))


def test_holding_days_before_thanksgiving_and_christmas() -> None:
    """Silver of December 2022 is called from 30 November, cocoa from 16 November."""
    silver = contract_of(MASTER["SI"], 202212, to_epoch_day(date(2022, 12, 28)))
    assert silver.last_holding == to_epoch_day(date(2022, 11, 25))
    cocoa = contract_of(MASTER["CC"], 202212, to_epoch_day(date(2022, 12, 14)))
    assert cocoa.last_holding == to_epoch_day(date(2022, 11, 14))
    last_of_the_year = contract_of(MASTER["HO"], 202301, to_epoch_day(date(2022, 12, 30)))
    assert last_of_the_year.last_holding == to_epoch_day(date(2022, 12, 27))


@pytest.mark.parametrize("instrument", [i for i in MASTER if i.lean_listed], ids=lambda i: i.code)
def test_listed_holding_days_are_early_enough_in_leans_calendars(instrument: Instrument) -> None:
    """From 2002 on: nobody could know of the closed days of September 2001."""
    holidays = lean_holidays(instrument.market, instrument.code)
    for year, month in contract_months(2002):
        if listed(instrument, month):
            end = lean_expiries()[instrument.market, instrument.code][100 * year + month]
            true = last_holding_date(instrument.notice, end, year, month, holidays)
            found = contract_of(instrument, 100 * year + month, to_epoch_day(end)).last_holding
            assert 0 <= to_epoch_day(true) - found <= 7, (year, month)
