"""The past of value at risk: calendar years of business days, and proxies before a listing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk.history import BusinessDays, Proxies
from risk.var import VarModel
from universe.arrays import FloatArray, IntArray
from universe.business_days import is_business_day
from universe.master import MASTER

CODES = ("ES", "NQ", "ZN", "CL", "GC")
INSTRUMENTS = [MASTER[code] for code in CODES]


def weekdays(first: str, last: str) -> IntArray:
    days = pd.date_range(first, last, freq="B").values.astype("datetime64[D]").astype(np.int64)
    return np.asarray(days)


def window(days: IntArray, years: float) -> BusinessDays:
    made = BusinessDays(1, years)
    for day in days.tolist():
        made.push(day, np.array([float(day)]))
    return made


class TestWindow:
    @pytest.mark.parametrize(("last", "days"), [("2021-12-31", 757), ("2017-12-29", 755)])
    def test_three_calendar_years_are_their_trading_days(self, last: str, days: int) -> None:
        """252 + 253 + 252 of 2019 to 2021; 252 + 252 + 251 of 2015 to 2017, as published."""
        found = window(weekdays("2010-01-01", last), 3.0)
        assert len(found.rows()) == pytest.approx(days, abs=2)

    @pytest.mark.parametrize("before", [1, 200, 270, 700])
    def test_many_sessions_at_once_are_as_one_by_one(self, before: int) -> None:
        """With the ring full, sessions to come lie where the oldest ones were."""
        days = weekdays("2015-01-01", "2019-12-31")
        one, many = window(days[:before], 1.0), window(days[:before], 1.0)
        for block in np.array_split(days[before : before + 400], 5):
            seen = many.walk(block, block[:, None].astype(np.float64))
            for day, rows in zip(block.tolist(), seen, strict=True):
                one.push(day, np.array([float(day)]))
                assert rows[:, 0].tolist() == one.rows()[:, 0].tolist()

    @settings(max_examples=15)
    @given(st.integers(0, 900), st.sampled_from([1.0, 1.5, 3.0]))
    def test_holds_every_return_of_the_span_once(self, start: int, years: float) -> None:
        days = weekdays("2015-01-01", "2020-06-30")[start:]
        made, kept = window(days, years), [d for d in days.tolist() if is_business_day(d)]
        inside = [day for day in kept if day > kept[-1] - years * 365.25]
        assert len(made.rows()) == len(inside)
        # what was made since the business day before the first one, up to the last business day
        before = max([day for day in kept if day < inside[0]], default=-1)
        total = sum(day for day in days.tolist() if before < day <= inside[-1])
        assert made.rows().sum() == pytest.approx(total)

    def test_a_holiday_counts_on_the_next_business_day(self) -> None:
        days = weekdays("2021-07-01", "2021-07-07")  # Monday the 5th is a holiday
        made = BusinessDays(1, 1.0)
        for day, value in zip(days.tolist(), (1.0, 2.0, 4.0, 8.0, 16.0), strict=True):
            made.push(day, np.array([value]))
        np.testing.assert_array_equal(made.rows()[:, 0], [1.0, 2.0, 12.0, 16.0])

    def test_weekends_of_crypto_count_on_monday(self) -> None:
        made = BusinessDays(1, 1.0)
        for day in range(18631, 18639):  # 2021-01-04, a Monday, to the next
            made.push(day, np.array([1.0]))
        np.testing.assert_array_equal(made.rows()[:, 0], [1.0] * 5 + [3.0])

    def test_empty(self) -> None:
        assert BusinessDays(3, 3.0).rows().shape == (0, 3)


def rows(starts: tuple[int, ...], n: int = 300) -> FloatArray:
    made = np.random.default_rng(1).standard_normal((n, len(starts)))
    for column, start in enumerate(starts):
        made[:start, column] = 0.0
    return made


class TestProxies:
    def test_a_late_market_takes_the_longest_of_its_class(self) -> None:
        given_rows = rows((0, 200, 0, 100, 0))  # NQ late in equities, CL alone in energy
        proxies = Proxies(INSTRUMENTS, 5)
        filled = proxies.filled(given_rows)
        assert proxies.used == {1: 0}
        np.testing.assert_array_equal(filled[:200, 1], given_rows[:200, 0])
        np.testing.assert_array_equal(filled[200:, 1], given_rows[200:, 1])
        np.testing.assert_array_equal(filled[:, 3], given_rows[:, 3])
        assert not given_rows[:200, 1].any(), "the window itself stays as it was"

    def test_the_sector_goes_before_the_class(self) -> None:
        equities = [replace(MASTER["ES"], code=code) for code in ("A", "B", "C")]
        equities[1] = replace(equities[1], sector="other")
        proxies = Proxies(equities, 3)
        proxies.filled(rows((100, 0, 200)))
        assert proxies.used == {2: 0, 0: 1}  # C takes A of its sector, A only B of the class

    def test_nothing_late_is_nothing_filled(self) -> None:
        given_rows = rows((0, 5, 10, 0, 0))
        proxies = Proxies(INSTRUMENTS, 5)
        assert proxies.filled(given_rows) is given_rows
        assert not proxies.used

    def test_a_market_without_any_return_has_none(self) -> None:
        proxies = Proxies(INSTRUMENTS, 5)
        proxies.filled(rows((0, 300, 0, 0, 0)))
        assert not proxies.used

    def test_spreads_take_spreads(self) -> None:
        proxies = Proxies(INSTRUMENTS[:2], 4)
        proxies.filled(rows((0, 0, 0, 150)))
        assert proxies.used == {3: 2}

    def test_the_var_of_a_young_market_is_that_of_its_proxy_scaled(self) -> None:
        """With the proxy's past all along, the figure is the proxy's at the market's volatility."""
        given_rows = rows((0, 299, 0, 0, 0))
        filled = Proxies(INSTRUMENTS, 5).filled(given_rows)
        filled[-1, 1] = filled[-1, 0]
        sigma = np.array([0.01, 0.02, 0.01, 0.01, 0.01])
        model = VarModel(np.diag(sigma**2), sigma, filled)
        one, other = np.eye(5)[0], np.eye(5)[1]
        assert not model.listed.any()
        assert model.historical(other, 20) == pytest.approx(2 * model.historical(one, 20))
