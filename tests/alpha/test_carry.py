from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpha.carry import Carry, annualised_carry
from universe.arrays import to_epoch_day

ONE = np.array([True])


def annual(near, far, near_expiry, far_expiry):
    found = annualised_carry(
        np.array([near]), np.array([far]), np.array([near_expiry]), np.array([far_expiry])
    )
    return float(found[0])


def epoch(year, month, day):
    return to_epoch_day(date(year, month, day))


prices = st.floats(1.0, 1e4)


class TestAnnualisedCarry:
    @given(prices, st.floats(0.01, 100), st.integers(1, 2000))
    def test_sign(self, near, gap, days):
        assert annual(near, near + gap, 0, days) < 0  # contango
        assert annual(near, near - gap, 0, days) > 0  # backwardation
        assert annual(near, near, 0, days) == 0  # flat

    def test_by_the_calendar(self):
        """Crude of 2020-06-22 against 2020-12-21: 182 days apart."""
        found = annual(40.0, 41.5, epoch(2020, 6, 22), epoch(2020, 11, 20))
        assert found == pytest.approx(-1.5 * 365.25 / 151, rel=1e-12)

    def test_a_full_year_apart_is_the_difference_itself(self):
        assert annual(50.0, 47.0, epoch(2019, 12, 20), epoch(2020, 12, 20)) == pytest.approx(
            3.0 * 365.25 / 366
        )

    def test_one_month_and_three_months_of_one_slope_are_equal(self):
        """A curve that falls by 0.01 a day has the same carry whatever the distance."""
        month = annual(100.0, 100.0 - 0.30, 0, 30)
        quarter = annual(100.0, 100.0 - 0.91, 0, 91)
        assert month == pytest.approx(quarter)
        assert month == pytest.approx(3.6525)

    @given(prices, prices, st.integers(-500, 0))
    def test_no_time_or_the_wrong_order_is_unknown(self, near, far, days):
        assert np.isnan(annual(near, far, 1000, 1000 + days))

    @pytest.mark.parametrize("pair", [(np.nan, 1.0), (1.0, np.nan), (np.nan, np.nan)])
    def test_a_missing_price_is_unknown(self, pair):
        assert np.isnan(annual(*pair, 0, 90))

    def test_negative_prices_are_plain_numbers(self):
        assert annual(-37.63, 20.43, 0, 30) == pytest.approx(-58.06 * 365.25 / 30)


def fed(raw, sigma=2.0, spans=(5,), *, scalar=30.0, max_age=100, cap=2.0, days=None, seen=None):
    rule = Carry(1, spans, scalar, max_age, cap)
    for k, value in enumerate(raw):
        rule.update(
            np.array([value]),
            np.array([sigma]),
            int(days[k]) if days is not None else k,
            np.array([seen[k]]) if seen is not None else ONE,
        )
    return rule


class TestForecast:
    @given(st.integers(0, 10**6))
    def test_equals_001_with_annual_volatility(self, seed):
        rng = np.random.default_rng(seed)
        raw = 0.4 * rng.standard_normal(200).cumsum()
        sigma = 10.0
        rule = fed(raw, sigma, (5, 20, 60, 120))
        ratio = pd.Series(raw / sigma)
        expected = [
            np.clip(ratio.ewm(span=span, min_periods=span).mean().iloc[-1] * 30, -20, 20)
            for span in (5, 20, 60, 120)
        ]
        np.testing.assert_allclose(rule.by_span()[:, 0] * 10, expected, atol=1e-9)
        assert rule.forecast()[0] * 10 == pytest.approx(np.mean(expected), abs=1e-9)

    def test_hand_example(self):
        """Carry of 0.5 a year at a volatility of 2: Sharpe 0.25, times 30 is 7.5 of Carver's 10."""
        assert fed([0.5] * 10, 2.0).forecast()[0] == pytest.approx(0.75)
        assert fed([-0.5] * 10, 2.0).forecast()[0] == pytest.approx(-0.75)
        assert fed([0.0] * 10, 2.0).forecast()[0] == 0.0

    def test_is_capped(self):
        assert fed([9.0] * 10).forecast()[0] == 2.0
        assert fed([-9.0] * 10, cap=1.5).forecast()[0] == -1.5

    def test_a_span_waits_for_as_many_quotes(self):
        assert np.isnan(fed([1.0] * 4).forecast()[0])
        assert np.isfinite(fed([1.0] * 5).forecast()[0])
        ready = np.isfinite(fed([1.0] * 20, spans=(5, 20, 60)).by_span()[:, 0])
        assert ready.tolist() == [True, True, False]

    @given(st.floats(1e-3, 1e3))
    def test_price_unit_does_not_matter(self, factor):
        raw = np.array([0.3, -0.2, 0.5, 0.1, 0.4, 0.2])
        found = fed(raw * factor, 3.0 * factor).forecast()[0]
        assert found == pytest.approx(fed(raw, 3.0).forecast()[0])


class TestMissingQuotes:
    def test_a_market_that_never_has_a_pair_stays_without_forecast(self):
        assert np.isnan(fed([np.nan] * 300).forecast()[0])

    def test_a_missing_quote_is_carried_forward(self):
        gaps = fed([0.5] * 10 + [np.nan] * 5)
        assert gaps.forecast()[0] == pytest.approx(0.75)

    @pytest.mark.parametrize(("age", "known"), [(100, True), (101, False)])
    def test_beyond_the_staleness_limit_it_is_unknown_not_zero(self, age, known):
        raw = [0.5] * 10 + [np.nan]
        days = [*range(10), 9 + age]
        found = fed(raw, days=days).forecast()[0]
        assert found == pytest.approx(0.75) if known else np.isnan(found)

    def test_a_market_that_is_closed_ages_too(self):
        seen = [True] * 10 + [False]
        assert np.isnan(fed([0.5] * 11, days=[*range(10), 200], seen=seen).forecast()[0])

    def test_a_fresh_quote_revives_it(self):
        raw = [0.5] * 10 + [np.nan, 0.5]
        assert fed(raw, days=[*range(10), 200, 201]).forecast()[0] == pytest.approx(0.75)

    def test_a_closed_session_leaves_the_forecast(self):
        before = fed([0.5, 0.7, 0.1, 0.2, 0.9, 0.4]).forecast()[0]
        after = fed([0.5, 0.7, 0.1, 0.2, 0.9, 0.4, 99.0], seen=[True] * 6 + [False]).forecast()[0]
        assert after == before

    @pytest.mark.parametrize("sigma", [np.nan, 0.0])
    def test_no_forecast_without_a_volatility(self, sigma):
        assert np.isnan(fed([0.5] * 10, sigma).forecast()[0])

    def test_markets_are_independent(self):
        rule = Carry(3, (5,), 30.0, 100, 2.0)
        for k in range(10):
            rule.update(
                np.array([0.5, np.nan, -0.2]),
                np.array([2.0, 2.0, 2.0]),
                k,
                np.array([True, True, k != 4]),
            )
        found = rule.forecast()
        assert found[0] == pytest.approx(0.75)
        assert np.isnan(found[1])
        assert found[2] == pytest.approx(-0.3)
