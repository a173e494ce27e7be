"""What importers find in bars, rates and open interest, and what they leave out for it."""

from datetime import date, timedelta

import numpy as np
import pytest

from research.data.bar_findings import doubtful_prices, report_bars
from research.data.contract_quotes import ContractBars
from research.data.import_csv import load_csv
from research.data.issue_log import IssueLog
from research.data.units import unit_changes
from tests.helpers import instrument as plain_instrument
from tests.helpers import made_up_history, weekdays
from tests.research.pysystemtrade_folder import instrument, kinds, load, master, write
from universe.arrays import from_epoch_day, to_epoch_day

START = to_epoch_day(date(2015, 1, 5))
HEADER = "date,contract,open,high,low,close"
BOTH = (201812, 201903)


def walk(count, seed=1, start=100.0, sigma=0.01):
    rng = np.random.default_rng(seed)
    return start * np.cumprod(1 + sigma * rng.standard_normal(count))


def put(folder, count=120, changes=None, skip=(), code="AA", seed=1):
    """A CSV of two contracts, all four prices equal; ``changes`` by position: factor or price."""
    rows = []
    for k, (day, close) in enumerate(zip(weekdays(START, count), walk(count, seed), strict=True)):
        if k in skip:
            continue
        for month, shift in zip(BOTH, (0.0, 0.5), strict=True):
            price = (changes or {}).get(k, lambda x: x)(round(close + shift, 2))
            rows.append((from_epoch_day(day), month, *(4 * (price,))))
    return write(folder, ".", code, HEADER, rows)


def found(data, kind):
    return [i for i in data.issues if i.kind == kind]


class TestUnits:
    @pytest.mark.parametrize("factor", [1e-6, 0.1, 0.25, 10.0, 100.0, 1e6])
    def test_a_lasting_factor_of_all_contracts_ends_the_market(self, tmp_path, factor):
        put(tmp_path / "clean")
        put(tmp_path / "bad", changes={k: lambda x: x * factor for k in range(80, 120)})
        tick = instrument(tick=1e-7)
        data, clean = (load_csv(tmp_path / name, master(tick)) for name in ("bad", "clean"))
        (issue,) = found(data, "unit change")
        assert issue.epoch_day == weekdays(START, 120)[80]
        assert f"all 2 contracts jump to about {factor:g} times" in issue.detail
        assert "40 sessions dropped" in issue.detail
        expected = clean.markets["AA"].between(0, int(weekdays(START, 80)[-1]))
        np.testing.assert_array_equal(data.markets["AA"].close, expected.close)

    def test_it_goes_on_where_the_prices_come_back(self, tmp_path):
        put(tmp_path, changes={k: lambda x: x * 100 for k in range(60, 70)})
        data = load_csv(tmp_path, master())
        assert "10 sessions dropped" in found(data, "unit change")[0].detail
        assert len(np.unique(data.markets["AA"].day)) == 110
        assert len(found(data, "unit change")) == 1, "the way back is no second one"

    @pytest.mark.parametrize("sessions", [1, 3])
    def test_a_price_that_stands_still_and_goes_is_none(self, tmp_path, sessions):
        changes = {k: lambda _: 54321.0 for k in range(60, 60 + sessions)}
        put(tmp_path, changes=changes)
        data = load_csv(tmp_path, master())
        assert found(data, "unit change") == []
        assert len(np.unique(data.markets["AA"].day)) == 120

    def test_nothing_before_the_jump_depends_on_it(self, tmp_path):
        put(tmp_path, changes={k: lambda x: x * 10 for k in range(90, 120)})
        whole = load_csv(tmp_path, master()).markets["AA"]
        cut = load_csv(tmp_path, master(), end=from_epoch_day(weekdays(START, 90)[-1]))
        np.testing.assert_array_equal(whole.close, cut.markets["AA"].close)

    def test_a_price_near_zero_may_have_any_ratio(self):
        """A back-adjusted series passes zero."""
        level = np.array([0.6, 0.1, 0.5, 1.2, 0.3, 1.0, 0.2, 0.9] * 20)
        n = len(level)
        zero = np.zeros(n, dtype=np.int64)
        bars = ContractBars(
            np.arange(n), np.array([999912]), zero, np.arange(n), zero, level + 0.01 * np.arange(n)
        )
        assert [c for c in unit_changes(bars, 0.01) if c.first > 40] == []

    @pytest.mark.parametrize("scale", [0.01, 100.0])
    def test_a_whole_file_in_another_unit_is_doubted(self, tmp_path, scale):
        put(tmp_path, count=300, changes={k: lambda x: x * scale for k in range(300)})
        (issue,) = found(load_csv(tmp_path, master(instrument(half_spread=0.05))), "unit")
        assert "half spread" in issue.detail
        assert "a contract would be worth" in issue.detail or scale > 1

    def test_ten_times_shows_in_the_ticks(self, tmp_path):
        put(tmp_path, count=300, changes={k: lambda x: round(x / 0.25) * 2.5 for k in range(300)})
        (issue,) = found(load_csv(tmp_path, master()), "unit")
        assert "100% of the closes are multiples of ten ticks" in issue.detail

    def test_the_right_unit_is_not(self, tmp_path):
        put(tmp_path, count=300)
        assert found(load_csv(tmp_path, master()), "unit") == []


class TestPrices:
    @pytest.mark.parametrize("none", [-99.0, -9999.0, 99999.0, 9999999.0, 0.00001])
    @pytest.mark.parametrize("first", [9, 60])
    def test_signs_for_none_are_dropped_from_the_first_session_on(self, tmp_path, none, first):
        put(tmp_path / "csv", changes={k: lambda _: none for k in range(first, first + 3)})
        data = load_csv(tmp_path / "csv", master())
        days = weekdays(START, 120)
        assert [i.epoch_day for i in found(data, "no price")] == days[first : first + 3].tolist()
        assert len(np.unique(data.markets["AA"].day)) == 117
        rows = [
            (from_epoch_day(day), 101 + k, 20150600, none if k == first else 100 + k, 20150300)
            for k, day in enumerate(days)
        ]
        header = "DATETIME,CARRY,CARRY_CONTRACT,PRICE,PRICE_CONTRACT,FORWARD,FORWARD_CONTRACT"
        lines = [(*row, "", 20150900) for row in rows]
        write(tmp_path / "pst", "multiple_prices_csv", "ALPHA", header, lines)
        data = load(tmp_path / "pst")
        assert found(data, "no price")[0].epoch_day == days[first]
        assert days[first] not in data.markets["AA"].day

    @pytest.mark.parametrize(
        ("field", "value", "kind"),
        [
            (2, 0.0, "zero open"),
            (2, -1.0, "negative open"),
            (2, 160.0, "far open"),
            (2, 40.0, "far open"),
            (2, 99999.0, "far open"),
            (3, 99999.0, "far high"),
            (4, 0.0, "zero low"),
            (4, -99.0, "negative low"),
        ],
    )
    @pytest.mark.parametrize("place", [4, 180])
    def test_an_open_high_or_low_that_is_no_price_becomes_the_close(
        self, tmp_path, field, value, kind, place
    ):
        path = put(tmp_path)
        lines = path.read_text().splitlines()
        row = lines[place].split(",")
        row[field] = str(value)
        path.write_text("\n".join([*lines[:place], ",".join(row), *lines[place + 1 :]]) + "\n")
        data = load_csv(tmp_path, master())
        (issue,) = [i for i in data.issues if i.kind not in ("bad range",)]
        assert (issue.kind, str(from_epoch_day(issue.epoch_day))) == (kind, row[0])
        history = data.markets["AA"]
        for name in ("open", "high", "low"):
            np.testing.assert_array_equal(getattr(history, name), history.close)

    def test_true_opens_stay(self, tmp_path):
        path = put(tmp_path)
        lines = path.read_text().splitlines()
        row = lines[100].split(",")
        row[2] = str(float(row[5]) * 1.03)
        path.write_text("\n".join([*lines[:100], ",".join(row), *lines[101:]]) + "\n")
        data = load_csv(tmp_path, master())
        assert kinds(data) == ["bad range"]
        history = data.markets["AA"]
        assert history.open.max() > 0
        assert np.count_nonzero(history.open != history.close) == 1

    def test_bars_that_lean_reads_too_are_reported_and_kept(self):
        days = weekdays(START, 200)
        history = made_up_history(plain_instrument(), days, 3, closed=0.0)
        history.open[400] = 0.0
        history.open[440] *= 1.6
        history.close[500] = -99.0
        history.close[520] = 0.0
        kept = {name: getattr(history, name).copy() for name in ("open", "close")}
        log = IssueLog()
        report_bars(history, log)
        assert {"zero open", "far open", "no price", "zero price"} <= {i.kind for i in log.issues}
        for name, values in kept.items():
            np.testing.assert_array_equal(getattr(history, name), values)

    def test_below_zero_is_a_price_where_the_close_is(self):
        value = np.array([-3.0, -3.0, 0.0])
        close = np.array([-2.0, 2.0, 0.0])
        none, far = doubtful_prices(value, close, np.full(3, np.nan), np.full(3, 10.0))
        assert none.tolist() == [False, True, False]
        assert far.tolist() == [False, False, False]


class TestCoverage:
    def test_a_market_that_loses_half_of_its_rows_is_named(self, tmp_path):
        lost = np.flatnonzero(np.random.default_rng(1).random(600) < 0.5)
        put(tmp_path, count=600, skip=set(lost[lost > 300].tolist()))
        (issue,) = found(load_csv(tmp_path, master()), "sparse")
        assert "business days" in issue.detail
        assert "5" in issue.detail.split("%")[0]

    def test_holidays_are_not(self, tmp_path):
        put(tmp_path, count=600, skip=set(range(5, 600, 20)))
        assert kinds(load_csv(tmp_path, master())) == []

    def test_a_market_that_ends_early_is_named(self, tmp_path):
        put(tmp_path, count=60)
        put(tmp_path, count=120, code="BB")
        data = load_csv(tmp_path, master(instrument(), instrument("BB", "B")))
        (issue,) = found(data, "ends early")
        assert (issue.market, issue.epoch_day) == ("AA", weekdays(START, 60)[-1])
        assert "60 business days" in issue.detail


class TestRates:
    def load(self, tmp_path, rates):
        put(tmp_path)
        write(tmp_path, "fx", "EURUSD", "date,rate", rates)
        return load_csv(tmp_path, master(instrument(currency="EUR")))

    def rows(self, count=120, first=0, change=None):
        values = walk(count, seed=4, start=1.2, sigma=0.005)
        days = weekdays(START, first + count)[first:]
        return [
            (from_epoch_day(day), rate * (change or {}).get(k, 1.0))
            for k, (day, rate) in enumerate(zip(days, values, strict=True))
        ]

    @pytest.mark.parametrize("factor", [0.1, 10.0, 0.01, 1.5])
    def test_a_rate_off_for_a_day_is_left_out(self, tmp_path, factor):
        data = self.load(tmp_path, self.rows(change={70: factor}))
        (issue,) = found(data, "outlier")
        day = int(weekdays(START, 71)[-1])
        assert (issue.market, issue.epoch_day) == ("EUR", day)
        assert day not in data.fx["EUR"].day
        assert len(data.fx["EUR"].day) == 119

    def test_a_new_level_is_believed_with_the_second_rate(self, tmp_path):
        data = self.load(tmp_path, self.rows(change=dict.fromkeys(range(70, 120), 1.2)))
        assert len(data.fx["EUR"].day) == 119
        assert found(data, "outlier")[0].epoch_day == weekdays(START, 71)[-1]

    def test_rates_that_end_begin_late_or_have_a_hole_are_named(self, tmp_path):
        data = self.load(tmp_path / "ends", self.rows(60))
        (issue,) = found(data, "fx ends")
        first, last = (from_epoch_day(d) for d in weekdays(START, 60)[[0, -1]])
        assert f"known from {first} to {last}" in issue.detail
        data = self.load(tmp_path / "late", self.rows(60, first=60))
        assert found(data, "fx begins late")[0].epoch_day == START
        hole = [row for k, row in enumerate(self.rows()) if not 40 <= k < 60]
        data = self.load(tmp_path / "hole", hole)
        (issue,) = found(data, "fx gap")
        assert issue.epoch_day == weekdays(START, 61)[-1]
        assert str(from_epoch_day(START) + timedelta(0)) not in issue.detail

    def test_good_rates_pass(self, tmp_path):
        assert kinds(self.load(tmp_path, self.rows())) == []
