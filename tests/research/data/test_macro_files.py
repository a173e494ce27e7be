import os
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.tseries.holiday import USFederalHolidayCalendar

from alpha.regime.series import SOURCES
from research.data.errors import DataError
from research.data.issue_log import IssueLog
from research.data.macro_files import UNKNOWN, load_macro
from research.data.macro_series import (
    MacroSeries,
    as_of,
    bond_equivalent_yield,
    federal_reserve_holidays,
    fingerprint,
    known_day,
)
from universe.arrays import from_epoch_day, to_epoch_day

ROOT = Path(__file__).resolve().parents[3]


def day(text):
    return to_epoch_day(date.fromisoformat(text))


def put(folder, name, text):
    (folder / f"{name}.csv").write_text(text, encoding="utf-8")


def rows(one):
    return {str(from_epoch_day(d)): v for d, v in zip(one.day, one.value, strict=True)}


def kinds(log):
    return [issue.kind for issue in log.issues]


def made(name, *pairs):
    days, values = zip(*pairs, strict=True) if pairs else ((), ())
    return MacroSeries(name, np.array(days, dtype=np.int64), np.array(values, dtype=np.float64))


class TestSeries:
    @pytest.mark.parametrize(
        ("days", "values", "what"),
        [
            ([1, 1], [1.0, 2.0], "ascend"),
            ([2, 1], [1.0, 2.0], "ascend"),
            ([1, 2], [1.0], "equal length"),
            ([1, 2], [1.0, np.nan], "NaN"),
        ],
    )
    def test_is_checked(self, days, values, what):
        with pytest.raises(ValueError, match=f"usd.10y.*{what}"):
            MacroSeries("usd.10y", np.array(days), np.array(values))

    def test_fingerprint(self):
        one = {"a": made("a", (1, 0.1), (2, 0.2)), "b": made("b", (1, 0.3))}
        assert fingerprint(one) == fingerprint(dict(reversed(one.items())))
        for other in (
            {"a": one["a"]},
            {**one, "a": made("a", (1, 0.1), (3, 0.2))},
            {**one, "a": made("a", (1, 0.1), (2, np.nextafter(0.2, 1)))},
            {"a": made("a", (1, 0.1)), "b": made("b", (2, 0.2), (1 + 2, 0.3))},
        ):
            assert fingerprint(other) != fingerprint(one)


def moved_to_friday(holiday):
    eve = holiday + timedelta(1)
    return holiday.weekday() == 4 and (eve.month, eve.day) in {
        (1, 1),
        (6, 19),
        (7, 4),
        (11, 11),
        (12, 25),
    }


@st.composite
def several(draw):
    series = {}
    for name in draw(st.sampled_from([("a",), ("a", "b"), ("b", "c", "a")])):
        days = sorted(draw(st.sets(st.integers(0, 60), max_size=12)))
        series[name] = made(name, *((d, draw(st.floats(-1, 1))) for d in days))
    return series


class TestAsOf:
    @given(several(), st.lists(st.integers(-5, 70), max_size=15))
    def test_is_a_loop_over_the_rows(self, series, days):
        table = as_of(series, np.array(days, dtype=np.int64))
        assert table.names == tuple(series)
        assert table.value.shape == table.age.shape == (len(days), len(series))
        for i, today in enumerate(days):
            for j, one in enumerate(series.values()):
                value, since = np.nan, np.nan
                for known, number in zip(one.day, one.value, strict=True):
                    if known <= today:
                        value, since = number, today - known
                np.testing.assert_equal(table.value[i, j], value)
                np.testing.assert_equal(table.age[i, j], since)

    @given(several(), st.integers(-5, 70))
    def test_what_comes_later_changes_nothing(self, series, last):
        days = np.arange(-5, last + 1)
        cut = {name: one.until(last) for name, one in series.items()}
        assert all((one.day <= last).all() for one in cut.values())
        before, after = as_of(cut, days), as_of(series, days)
        np.testing.assert_array_equal(before.value, after.value)
        np.testing.assert_array_equal(before.age, after.age)


class TestKnownDay:
    @pytest.mark.parametrize(
        ("observed", "published"),
        [
            ("2022-06-14", "2022-06-15"),
            ("2022-06-24", "2022-06-27"),  # over a weekend
            ("2022-06-17", "2022-06-21"),  # Juneteenth, kept on Monday
            ("2018-01-12", "2018-01-16"),  # Martin Luther King
            ("2018-12-24", "2018-12-26"),
            ("2019-04-18", "2019-04-19"),  # Good Friday is no federal holiday
            ("2022-06-25", "2022-06-27"),  # a rate of a Saturday
            ("2017-11-09", "2017-11-10"),  # Veterans Day on a Saturday: the Fed is open on Friday
        ],
    )
    def test_rates_are_public_on_the_next_business_day(self, observed, published):
        assert known_day(np.array([day(observed)]), 1).tolist() == [day(published)]

    @pytest.mark.parametrize("year", [1979, 1985, 1986, 2000, 2004, 2011, 2021, 2022, 2023])
    def test_holidays_are_the_federal_ones_but_for_saturdays(self, year):
        calendar = USFederalHolidayCalendar().holidays(f"{year}-01-01", f"{year}-12-31")
        federal = {stamp.date() for stamp in calendar if not moved_to_friday(stamp.date())}
        if year == 2021:  # the law of June 2021 came too late for the Fed's schedule
            federal.discard(date(2021, 6, 18))
        assert federal_reserve_holidays(year) == federal

    @given(st.integers(day("1954-01-01"), day("2030-01-01")))
    def test_is_never_early_and_never_on_a_weekend(self, observed):
        (known,) = known_day(np.array([observed]), 1).tolist()
        assert known > observed
        assert from_epoch_day(known).weekday() < 5
        assert known - observed <= 5

    def test_prices_are_known_on_their_day(self):
        days = np.arange(17_000, 17_010)
        np.testing.assert_array_equal(known_day(days, 0), days)
        assert len(known_day(days[:0], 1)) == 0


@given(st.floats(-0.01, 0.25), st.integers(1, 182))
def test_bond_equivalent_yield_is_the_gain_over_the_price(discount, days):
    price = 100 * (1 - discount * days / 360)
    gain = (100 - price) / price * 365 / days
    assert bond_equivalent_yield(np.array([discount]), days)[0] == pytest.approx(gain, abs=1e-12)


class TestFred:
    def test_per_cent_becomes_a_fraction_known_on_the_next_business_day(self, tmp_path):
        put(tmp_path, "DGS10", "DATE,DGS10\n1962-01-02,4.06\n1962-01-03,.\n1962-01-05,-0.5\n")
        assert rows(load_macro(tmp_path)["usd.10y"]) == {"1962-01-03": 0.0406, "1962-01-08": -0.005}

    def test_the_newest_first(self, tmp_path):
        put(tmp_path, "DGS5", "Date,Value\n1962-01-04,3.86\n1962-01-03,3.87\n1962-01-02,3.88\n")
        log = IssueLog()
        one = load_macro(tmp_path, log)["usd.5y"]
        assert rows(one) == {"1962-01-03": 0.0388, "1962-01-04": 0.0387, "1962-01-05": 0.0386}
        assert log.issues == []

    def test_the_bill_is_turned_into_a_yield(self, tmp_path):
        put(tmp_path, "DTB3", "DATE,DTB3\n2022-06-29,1.73\n")
        price = 100 * (1 - 0.0173 * 91 / 360)
        expected = (100 - price) / price * 365 / 91
        assert load_macro(tmp_path)["usd.3m"].value[0] == pytest.approx(expected, rel=1e-12)

    def test_of_several_days_published_together_the_newest_stays(self, tmp_path):
        put(tmp_path, "EFFR", "DATE,EFFR\n2022-06-24,1.58\n2022-06-25,1.59\n2022-06-26,1.60\n")
        assert rows(load_macro(tmp_path)["usd.overnight"]) == {"2022-06-27": 0.016}

    def test_rows_out_of_order_are_sorted_and_said(self, tmp_path):
        put(tmp_path, "DGS10", "DATE,DGS10\n1962-01-02,4\n1962-01-04,3\n1962-01-03,2\n")
        log = IssueLog()
        one = load_macro(tmp_path, log)["usd.10y"]
        assert rows(one) == {"1962-01-03": 0.04, "1962-01-04": 0.02, "1962-01-05": 0.03}
        assert kinds(log) == ["unsorted"]

    def test_a_repeated_row_is_dropped_and_said(self, tmp_path):
        put(tmp_path, "DGS10", "DATE,DGS10\n1962-01-02,4\n1962-01-02,4\n1962-01-03,3\n")
        log = IssueLog()
        assert len(load_macro(tmp_path, log)["usd.10y"].day) == 2
        assert kinds(log) == ["duplicate"]

    def test_a_series_without_values_is_left_out_and_said(self, tmp_path):
        put(tmp_path, "DGS10", "DATE,DGS10\n1962-01-02,4\n")
        put(tmp_path, "DGS2", "DATE,DGS2\n1962-01-02,.\n")
        log = IssueLog()
        assert list(load_macro(tmp_path, log)) == ["usd.10y"]
        assert kinds(log) == ["empty"]


class TestOwnLayout:
    @pytest.mark.parametrize("header", ["", "day,value\n", "# known at the close\n\nday,value\n"])
    def test_days_are_days_known_and_values_stay(self, tmp_path, header):
        put(tmp_path, "usd.10y", header + "20220104,0.0163\n20220106,-0.001\n")
        assert rows(load_macro(tmp_path)["usd.10y"]) == {
            "2022-01-04": 0.0163,
            "2022-01-06": -0.001,
        }

    def test_families_have_files_too(self, tmp_path):
        put(tmp_path, "es.dividend_yield", "20220104,0.013\n")
        put(tmp_path, "try.3m", "20220104,0.45\n")
        assert list(load_macro(tmp_path)) == ["es.dividend_yield", "try.3m"]


MONTHS = ",".join(f"M{k}" for k in range(1, 9))
EXPIRIES = ",".join(f"V{k}" for k in range(1, 9))


def expiry_row(number, today, *expiries):
    return f'"{number}",{today},{",".join(expiries)}\n'


class TestVix:
    MONTHLY = (
        "2015-01-21", "2015-02-18", "2015-03-18", "2015-04-15", "2015-05-20",
        "2015-06-17", "2015-07-22", "2015-08-19", "2015-09-16",
    )  # fmt: skip

    def test_index(self, tmp_path):
        put(tmp_path, "VIX_index", "DATETIME,VIX\n12/31/99,24.64\n1/3/2000,24.21\n01/04/00,n/a\n")
        assert rows(load_macro(tmp_path)["vix.spot"]) == {"1999-12-31": 24.64, "2000-01-03": 24.21}

    def test_settlements_are_known_on_their_day_and_zero_is_none(self, tmp_path):
        text = f'"","date",{MONTHS}\n"1",2015-01-20,NA,20,0,20,20,20,20,20\n'
        put(tmp_path, "vix_futures_m1_m8", text)
        log = IssueLog()
        found = load_macro(tmp_path, log)
        assert "vix.m1" not in found
        assert rows(found["vix.m2"]) == {"2015-01-20": 20.0}
        assert "vix.m3" not in found
        assert kinds(log) == ["no settlement", "empty", "empty"]

    def test_days_to_expiry(self, tmp_path):
        first, then = self.MONTHLY[:8], self.MONTHLY[1:]
        text = f'"","date",{EXPIRIES}\n' + expiry_row(1, "2015-01-20", *first)
        text += expiry_row(2, "2015-01-21", *first) + expiry_row(3, "2015-01-22", *then)
        put(tmp_path, "vix_futures_expirations", text)
        found = load_macro(tmp_path)
        # on the 21st the January contract settled at the open: month 1 is February's
        assert rows(found["vix.m1.days"]) == {
            "2015-01-20": 1.0,
            "2015-01-21": 28.0,
            "2015-01-22": 27.0,
        }
        assert list(rows(found["vix.m8.days"])) == ["2015-01-20", "2015-01-22"]

    def test_contracts_too_close_to_be_monthly_have_no_days(self, tmp_path):
        broken = (*self.MONTHLY[:3], "2015-04-01", *self.MONTHLY[3:7])
        text = f'"","date",{EXPIRIES}\n' + expiry_row(1, "2015-01-20", *broken)
        put(tmp_path, "vix_futures_expirations", text)
        log = IssueLog()
        assert list(load_macro(tmp_path, log)) == ["vix.m1.days", "vix.m2.days"]
        assert kinds(log)[0] == "wrong expiry"


BAD = {
    "implausible": ("DGS10", "DATE,DGS10\n1962-01-02,4.06\n1962-01-03,406\n",
                    "DGS10.csv, row 3: usd.10y is 406; allowed are -5 to 30 (per cent a year)"),
    "per cent": ("usd.10y", "20220104,4.06\n",
                 "usd.10y.csv, row 1: usd.10y is 4.06; allowed are -0.05 to 0.3 (fraction a year)"),
    "wrong column": ("DGS10", "DATE,DGS5\n1962-01-02,4.06\n",
                     "DGS10.csv: no column DGS10; expected a CSV with the columns DATE or"),
    "no date": ("DGS10", "DAY,DGS10\n1962-01-02,4.06\n", "no column DATE"),
    "two values": ("DGS10", "DATE,DGS10\n1962-01-02,4.06\n1962-01-03,4\n1962-01-02,4.07\n",
                   "rows 2 and 4: usd.10y has two values on 1962-01-02, 4.06 and 4.07"),
    "text": ("DGS10", "DATE,DGS10\n1962-01-02,four\n", "row 2: 'four' is not a number"),
    "infinite": ("DGS10", "DATE,DGS10\n1962-01-02,inf\n", "row 2: 'inf' is not a number"),
    "bad date": ("DGS10", "DATE,DGS10\n1962-02-30,4\n", "row 2: '1962-02-30' is not a date"),
    "cut off": ("DGS10", "DATE,DGS10\n1962-01-02,4\n1962-01\n", "row 3: 1 field; expected 2"),
    "no rows": ("DGS10", "DATE,DGS10\n", "DGS10.csv: the file has no rows"),
    "nothing": ("usd.10y", "\n", "usd.10y.csv: the file has no rows"),
    "three fields": ("usd.10y", "20220104,0.04,0.05\n", "row 1: 3 fields; expected 2"),
    "unknown": ("usd.45y", "20220104,0.04\n", "no macro series; expected <name>.csv, with a name"),
    "bad expiry": ("vix_futures_expirations",
                   f'"","date",{EXPIRIES}\n' + expiry_row(1, "2015-01-20", *["soon"] * 8),
                   "row 2: 'soon' is not a date"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "text", "sentence"), BAD.values(), ids=BAD)
def test_bad_files_are_named(tmp_path, name, text, sentence):
    put(tmp_path, name, text)
    with pytest.raises(DataError) as caught:
        load_macro(tmp_path)
    assert sentence in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_bad_folders_are_named(tmp_path):
    with pytest.raises(DataError, match="nowhere: the macro folder is missing"):
        load_macro(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"no macro series; expected <name>\.csv"):
        load_macro(tmp_path)


def test_unknown_files_are_named_and_not_read(tmp_path):
    put(tmp_path, "DGS10", "DATE,DGS10\n1962-01-02,4.06\n")
    for name in ("SHILLER_GS10", "usd.45y", "notes"):
        put(tmp_path, name, "\x00 whatever")
    log = IssueLog()
    assert list(load_macro(tmp_path, log)) == ["usd.10y"]
    (issue,) = log.issues
    assert issue.kind == UNKNOWN
    said = "3 files of no known series are not read: SHILLER_GS10, notes, usd.45y"
    assert issue.detail == said


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DGS10", "Date,dgs10\n1962-01-02,4.06\n"),
        ("DGS10", "OBSERVATION_DATE,VALUE\n1962-01-02,4.06\n"),
        ("usd.10y", "Day,Value\n19620103,0.0406\n"),
    ],
)
def test_case_of_column_names_does_not_matter(tmp_path, name, text):
    put(tmp_path, name, text)
    assert rows(load_macro(tmp_path)["usd.10y"]) == {"1962-01-03": 0.0406}


def test_a_valuation_counts_when_earnings_and_dividends_are_known(tmp_path):
    put(tmp_path, "SHILLER_CAPE", "DATE,SHILLER_CAPE\n2019-12-01,30.3\n2020-01-01,30.9\n")
    assert rows(load_macro(tmp_path)["us.cape"]) == {"2020-06-30": 30.3, "2020-07-31": 30.9}
    text = "DATE,DEU,ESP,FRA,GBR,ITA,NLD\n2018-12-31,0.02,0.03,,0.09,0.05,0.06\n"
    text += "2019-12-31,0.02,0.03,0.04,0.09,0.05,0.06\n"
    put(tmp_path, "EQ_DP_JST", text)
    known = rows(load_macro(tmp_path)["eur.dividend_price"])
    assert known == {"2020-06-30": pytest.approx(0.04)}  # 2018 lacks a country


def test_the_first_fixing_of_a_month_counts_a_week_later(tmp_path):
    put(tmp_path, "EURIBOR3M", "DATE,EURIBOR3M\n2022-06-01,-0.335\n")
    assert rows(load_macro(tmp_path)["eur.euribor"]) == {"2022-06-08": -0.00335}


def test_moody_s_spread_is_known_two_business_days_later(tmp_path):
    """The Monday after Friday 2020-01-17 was a holiday, so the second day is Wednesday."""
    put(tmp_path, "BAA10Y", "DATE,BAA10Y\n2020-01-15,1.9\n2020-01-17,2.0\n")
    known = rows(load_macro(tmp_path)["credit.spread"])
    assert known == {"2020-01-17": 0.019, "2020-01-22": 0.02}


def test_vix_under_its_fred_name(tmp_path):
    put(tmp_path, "VIXCLS", "DATE,VIXCLS\n1990-01-02,17.24\n")
    assert rows(load_macro(tmp_path)["vix.spot"]) == {"1990-01-02": 17.24}


def test_a_series_may_come_from_one_file_only(tmp_path):
    put(tmp_path, "DGS10", "DATE,DGS10\n1962-01-02,4.06\n")
    put(tmp_path, "usd.10y", "19620103,0.0406\n")
    with pytest.raises(DataError, match=r"usd\.10y\.csv: gives usd\.10y, which DGS10\.csv gives"):
        load_macro(tmp_path)


@pytest.fixture(scope="module")
def macro_data():
    named = os.environ.get("MACRO_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data" / "macro"
    if not folder.is_dir():
        pytest.skip("no real macro data: set MACRO_DATA or put it in ../shared/data/macro")
    return folder


@pytest.fixture(scope="module")
def loaded(macro_data):
    log = IssueLog()
    return load_macro(macro_data, log), log


def test_series_of_the_regime_are_dated_when_they_are_public(tmp_path):
    for stem, rows in {
        "BAA10Y": "2020-01-02,2.0\n2020-01-03,.",
        "UMCSENT": "2020-01-01,99.8\n2020-02-01,101",
        "VIX3M": "2020-01-02,14.5",
        "MMTH": "2020-01-02,57.5",
        "NYSE_ADV": "2020-01-02,930",
    }.items():
        (tmp_path / f"{stem}.csv").write_text(f"DATE,{stem}\n{rows}\n")
    prices = ",".join(str(15 + k) for k in range(8))
    names = ",".join(f"VX{k}" for k in range(1, 9))
    (tmp_path / "VIX_FUTURES_VX1_VX8.csv").write_text(f"DATE,{names}\n2020-01-02,{prices}\n")
    series = load_macro(tmp_path)
    found = {
        name: [(from_epoch_day(int(d)).isoformat(), v) for d, v in zip(s.day, s.value, strict=True)]
        for name, s in series.items()
    }
    assert found["credit.spread"] == [("2020-01-06", 0.02)]
    assert found["sentiment.us"] == [("2020-02-29", 99.8), ("2020-03-31", 101.0)]
    assert found["vix.3m"] == [("2020-01-02", 14.5)]
    assert found["breadth.us"] == [("2020-01-02", 0.575)]
    assert found["breadth.advances"] == [("2020-01-02", 930.0)]
    assert [found[f"vix.m{k}"][0][1] for k in range(1, 9)] == [15.0 + k for k in range(8)]


def test_a_vintage_counts_after_its_own_date_only(tmp_path):
    rows = "2020-01-03,-0.5\n2020-01-10,-0.4\n2020-02-07,-0.3\n"
    path = tmp_path / "NFCI_V20200115.csv"
    path.write_text(f"DATE,NFCI_V20200115\n{rows}")
    one = load_macro(tmp_path)["conditions.us"]
    days = [from_epoch_day(int(day)).isoformat() for day in one.day]
    # the week to a Friday is out on the next Wednesday; what is older, the day after the vintage
    assert dict(zip(days, one.value.tolist(), strict=True)) == {
        "2020-01-16": -0.4,
        "2020-02-12": -0.3,
    }
    path.rename(tmp_path / "NFCI_Vlatest.csv")
    with pytest.raises(DataError, match="a vintage is named by its date, like NFCI_V20230203"):
        load_macro(tmp_path)
    (tmp_path / "NFCI_Vlatest.csv").rename(tmp_path / "NFCI.csv")
    with pytest.raises(DataError, match="no macro series"):
        load_macro(tmp_path)


@pytest.mark.realdata
def test_a_folder_full_of_other_series_loads(macro_data):
    folder = macro_data.parent / "macro_full"
    if not folder.is_dir():
        pytest.skip("no folder macro_full beside the macro data")
    log = IssueLog()
    series = load_macro(folder, log)
    rates = {"usd.3m", "usd.2y", "usd.5y", "usd.10y", "usd.30y", "credit.spread", "vix.spot"}
    assert set(series) >= rates | set(SOURCES)
    (refused,) = (issue for issue in log.issues if issue.kind == "revised series")
    assert "NFCI (its whole history is estimated anew every week)" in refused.detail
    (unknown,) = (issue for issue in log.issues if issue.kind == UNKNOWN)
    assert "SHILLER_GS10" in unknown.detail
    assert "DGS10," not in unknown.detail


@pytest.mark.realdata
class TestRealData:
    def test_everything_is_found(self, loaded):
        series, log = loaded
        months = {f"vix.m{k}{what}" for k in range(1, 9) for what in ("", ".days")}
        rates = {"usd.overnight", "usd.3m", "usd.5y", "usd.10y"}
        assert set(series) == months | rates | {"vix.spot"}
        assert set(kinds(log)) == {"wrong expiry", "no settlement"}

    @pytest.mark.parametrize(("fred", "name"), [("DGS10", "usd.10y"), ("EFFR", "usd.overnight")])
    def test_rates_are_pandas_rates_of_an_earlier_day(self, loaded, macro_data, fred, name):
        frame = pd.read_csv(macro_data / f"{fred}.csv", na_values=".", parse_dates=[0]).dropna()
        one = loaded[0][name]
        np.testing.assert_allclose(one.value[-500:], frame.iloc[-500:, 1] / 100, atol=1e-12)
        observed = frame.iloc[-500:, 0].to_numpy().astype("datetime64[D]").astype(np.int64)
        waited = one.day[-500:] - observed
        assert waited.min() == 1
        assert waited.max() <= 4

    def test_expiries_follow_the_exchange_s_rule(self, loaded):
        """30 days before the third Friday of the next month; by the collector up to 7 off."""
        series, _ = loaded
        one = series["vix.m1.days"]
        off = []
        for known, left in zip(one.day.tolist(), one.value.tolist(), strict=True):
            expiry = from_epoch_day(known + int(left))
            month = (expiry.replace(day=1) + timedelta(days=32)).replace(day=1)
            friday = month + timedelta(days=(4 - month.weekday()) % 7 + 14)
            off.append(abs((expiry - (friday - timedelta(days=30))).days))
        assert max(off) <= 7
        assert np.mean(np.array(off) == 0) > 0.9

    def test_month_1_is_the_next_contract_on_the_day_the_front_settles(self, loaded):
        """Where the days jump up, prices move less against the next month of the day before."""
        series, _ = loaded
        left = series["vix.m1.days"]
        rolls = left.day[1:][np.diff(left.value) > 0]
        days = np.sort(np.concatenate((rolls, rolls - 1)))
        names = [f"vix.m{k}" for k in range(1, 9)]
        table = as_of({name: series[name] for name in names}, days)
        price = np.where(table.age == 0, table.value, np.nan).reshape(-1, 2, 8)
        with np.errstate(invalid="ignore"):
            same = np.abs(price[:, 1] - price[:, 0])[:, :7]
            next_month = np.abs(price[:, 1, :7] - price[:, 0, 1:])
        both = np.isfinite(same) & np.isfinite(next_month)
        seen = both.any(axis=1)
        moved = [np.where(both, move, 0.0).sum(axis=1)[seen] for move in (same, next_month)]
        assert seen.sum() > 100
        assert np.mean(moved[1] < moved[0]) > 0.75
