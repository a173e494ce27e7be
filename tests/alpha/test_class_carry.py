import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpha.class_carry import (
    LONGEST_MATURITY,
    annual_slope,
    basis_rate,
    bond_carry,
    bond_carry_per_dv01,
    equity_carry,
    fx_carry,
    implied_per_dv01,
    par_duration,
    par_maturity,
    roll_down,
    volatility_carry,
)
from portfolio.contracts import contract_dv01
from universe.arrays import DAYS_IN_YEAR
from universe.curves import YieldCurve

UPWARD = YieldCurve((0.25, 2.0, 5.0, 10.0, 30.0), (0.02, 0.025, 0.03, 0.035, 0.04))
INVERTED = YieldCurve((0.25, 10.0), (0.05, 0.03))

# days to expiry -> price
BACKWARDATION = {30: 100.0, 61: 99.0, 122: 97.5, 395: 91.0}
CONTANGO = {30: 100.0, 61: 101.0, 122: 102.5, 395: 109.0}
KINKED = {30: 100.0, 61: 102.0, 122: 99.0, 395: 99.5}

rates = st.floats(-0.01, 0.12)


def bond_price(coupon, bond_yield, halves):
    """Present value of a bond's payments, one by one."""
    discount = 1 + bond_yield / 2
    return sum(coupon / 2 / discount**k for k in range(1, halves + 1)) + 1 / discount**halves


class TestCurvesByHand:
    """000, B on hand-made curves; slopes by hand with 365.25 days to the year."""

    @pytest.mark.parametrize(
        ("curve", "pair", "expected"),
        [
            (BACKWARDATION, (30, 61), 1.0 * 365.25 / 31),
            (BACKWARDATION, (30, 395), 9.0 * 365.25 / 365),
            (CONTANGO, (61, 122), -1.5 * 365.25 / 61),
            (CONTANGO, (122, 395), -6.5 * 365.25 / 273),
            (KINKED, (30, 61), -2.0 * 365.25 / 31),
            (KINKED, (61, 122), 3.0 * 365.25 / 61),
            (KINKED, (122, 395), -0.5 * 365.25 / 273),
        ],
    )
    def test_slope_is_that_of_the_stretch_that_is_held(self, curve, pair, expected):
        near, far = pair
        assert annual_slope(curve[near], curve[far], near, far) == pytest.approx(expected)
        assert basis_rate(curve[near], curve[far], near, far, 50.0) == pytest.approx(expected / 50)

    @pytest.mark.parametrize("far", [10, -20])
    def test_crossing_or_equal_expiries_have_no_carry(self, far):
        assert math.isnan(annual_slope(100.0, 99.0, 10, far))
        assert math.isnan(basis_rate(100.0, 99.0, 10, far, 100.0))
        assert math.isnan(implied_per_dv01(100.0, 99.0, 10, far, 100.0, 6.0))
        assert math.isnan(volatility_carry(20.0, 21.0, 10, far))

    @pytest.mark.parametrize("price", [0.0, -37.63, math.nan])
    def test_a_rate_needs_a_positive_price_a_slope_does_not(self, price):
        assert math.isnan(basis_rate(-37.63, 20.43, 0, 30, price))
        assert annual_slope(-37.63, 20.43, 0, 30) == pytest.approx(-58.06 * 365.25 / 30)

    @given(st.floats(0, 0.06), st.floats(-0.01, 0.1), st.integers(20, 400))
    def test_equity_rate_is_what_a_fair_futures_pair_implies(self, paid, financing, days):
        """Simple cost of carry: F(t) = S·(1 + (r - q)·t)."""
        near, far = (4000.0 * (1 + (financing - paid) * t / DAYS_IN_YEAR) for t in (0, days))
        implied = basis_rate(near, far, 0, days, 4000.0)
        assert implied == pytest.approx(equity_carry(paid, financing), abs=1e-12)

    @given(rates, rates, st.integers(1, 100), st.integers(20, 400))
    def test_fx_rate_is_that_of_covered_interest_parity(self, base, quote, first, days):
        """Logarithms of the fair futures fall by exactly the difference of the rates."""
        forward = [1.1 * math.exp((quote - base) * t / DAYS_IN_YEAR) for t in (first, first + days)]
        implied = annual_slope(*map(math.log, forward), first, first + days)
        assert implied == pytest.approx(fx_carry(base, quote), abs=1e-10)

    def test_fx_sign(self):
        """A euro earns less than a dollar: holding it costs, and its far contract is dearer."""
        assert fx_carry(-0.005, 0.02) == pytest.approx(-0.025)
        assert annual_slope(math.log(1.10), math.log(1.107), 0, 91) < 0

    def test_volatility_by_hand(self):
        """Contango of 2 points in 28 days costs the holder 26.1 points a year."""
        assert volatility_carry(16.0, 18.0, 12, 40) == pytest.approx(-2 * 365.25 / 28)
        assert volatility_carry(45.0, 38.0, 0, 12) == pytest.approx(7 * 365.25 / 12)  # from spot

    @pytest.mark.parametrize("days", [(-1, 20), (20, 20), (20, 12)])
    def test_volatility_without_time_between_or_after_expiry(self, days):
        assert math.isnan(volatility_carry(16.0, 18.0, *days))


class TestParBond:
    @given(st.integers(1, 60), rates)
    def test_duration_equals_that_of_the_payments(self, halves, value):
        """Against the derivative of the price that discounts each payment."""
        bump = 1e-6
        up, down = (bond_price(value, value + b, halves) for b in (bump, -bump))
        expected = (down - up) / (2 * bump) / bond_price(value, value, halves)
        assert par_duration(halves / 2, value) == pytest.approx(expected, rel=1e-5, abs=1e-7)

    def test_duration_of_ten_years_at_four_per_cent(self):
        """8.1757 years, as in any bond table."""
        assert par_duration(10.0, 0.04) == pytest.approx(8.1757, abs=5e-5)

    def test_without_yield_duration_is_maturity(self):
        assert par_duration(10.0, 0.0) == 10.0
        assert par_duration(10.0, 1e-9) == pytest.approx(10.0, rel=1e-7)
        assert par_duration(10.0, -0.01) > 10.0

    @given(st.floats(0.1, 20), rates)
    def test_maturity_equals_the_closed_form_on_a_flat_curve(self, duration, value):
        found = par_maturity(duration, YieldCurve((10.0,), (value,)))
        if duration * value >= 1:
            assert found == LONGEST_MATURITY
            return
        exact = duration
        if abs(value) > 1e-12:
            exact = -math.log1p(-duration * value) / (2 * math.log1p(value / 2))
        assert found == pytest.approx(min(exact, LONGEST_MATURITY), rel=1e-6)

    @given(st.floats(0.1, 16))
    def test_the_par_bond_of_that_maturity_has_the_duration(self, duration):
        for curve in (UPWARD, INVERTED):
            maturity = par_maturity(duration, curve)
            assert par_duration(maturity, curve.at(maturity)) == pytest.approx(duration, rel=1e-8)

    @pytest.mark.parametrize("duration", [0.0, -1.0, math.nan, math.inf])
    def test_bad_duration_is_named(self, duration):
        with pytest.raises(ValueError, match=f"duration is {duration} years; it must be"):
            par_maturity(duration, UPWARD)


class TestBondCarry:
    @given(st.floats(-0.004, 0.004), st.floats(1.5, 15), st.floats(0.05, 1.4))
    def test_roll_down_of_a_straight_curve_is_duration_times_slope(self, slope, maturity, horizon):
        curve = YieldCurve((0.0, 30.0), (0.02, 0.02 + 30 * slope))
        assert roll_down(curve, maturity, 7.0, horizon) == pytest.approx(7.0 * slope, abs=1e-12)

    def test_roll_down_by_hand_over_a_kink(self):
        """From 2.5 to 1.5 years: half a year of 0.5 % a year, then the steeper 1 % a year."""
        curve = YieldCurve((1.0, 2.0, 5.0), (0.01, 0.02, 0.035))
        assert roll_down(curve, 2.5, 2.4) == pytest.approx(2.4 * (0.0225 - 0.015))
        assert roll_down(curve, 2.5, 2.4, 0.5) == pytest.approx(2.4 * (0.0225 - 0.02) / 0.5)

    def test_horizon_ends_with_the_bond(self):
        curve = YieldCurve((0.0, 2.0), (0.01, 0.03))
        assert roll_down(curve, 0.5, 0.49, 1.0) == pytest.approx(0.49 * 0.01)

    @given(rates, rates, st.floats(0.5, 16))
    def test_a_flat_curve_has_no_roll_down(self, value, financing, duration):
        curve = YieldCurve((5.0,), (value,))
        assert bond_carry(curve, financing, duration) == pytest.approx(value - financing)

    def test_roll_down_equals_revaluing_the_bond(self):
        """A ten-year par bond, some days later at the yield of its age rather than at its own."""
        step, coupon = 0.05, UPWARD.at(10.0)
        later = UPWARD.at(10.0 - step)
        aged, unmoved = (
            bond_price(coupon, y, 20) * (1 + y / 2) ** (2 * step) for y in (later, coupon)
        )
        gained = (aged - unmoved) / step
        found = roll_down(UPWARD, 10.0, par_duration(10.0, coupon), step)
        assert found == pytest.approx(gained, rel=0.01)
        assert bond_carry(UPWARD, 0.02, par_duration(10.0, coupon), step) == pytest.approx(
            coupon - 0.02 + found, abs=1e-9
        )

    def test_negative_rates(self):
        """Bund of 2020: every yield below zero, carry positive all the same."""
        bund = YieldCurve((2.0, 10.0), (-0.007, -0.005))
        maturity = par_maturity(8.5, bund)
        expected = bund.at(maturity) + 0.0055 + 8.5 * 0.002 / 8
        assert maturity < 8.5  # a par bond below zero is longer than its maturity
        assert bond_carry(bund, -0.0055, 8.5) == pytest.approx(expected)
        assert bond_carry(bund, -0.0055, 8.5) > 0

    @given(st.floats(0.02, 0.12), st.floats(0.01, 0.05), st.floats(10, 25))
    def test_the_longest_bond_rolls_down_with_its_own_duration(self, low, rise, duration):
        """Where no par bond is that long, yield, roll-down and duration are of one bond."""
        curve = YieldCurve((10.0, 30.0), (low, low + rise))
        own = par_duration(30.0, low + rise)  # of the longest par bond
        found = bond_carry(curve, 0.02, duration)
        if duration >= own:
            assert found == pytest.approx(low + rise - 0.02 + own * rise / 20)
        else:
            assert found < low + rise - 0.02 + own * rise / 20

    def test_ultra_bond_at_eight_per_cent_by_hand(self):
        """30 years at 8 %: duration (1 - 1.04^-60) / 0.08 = 11.31, not the contract's 16."""
        curve = YieldCurve((10.0, 30.0), (0.07, 0.08))
        by_hand = 0.08 - 0.05 + (1 - 1.04**-60) / 0.08 * 0.0005
        assert bond_carry(curve, 0.05, 16.0) == pytest.approx(by_hand)

    def test_inverted_curve_costs(self):
        assert bond_carry(INVERTED, 0.05, 6.0) < -0.015

    @given(rates, st.floats(0.5, 16), st.floats(50, 200))
    def test_per_dv01_is_money_over_money(self, rate, duration, price):
        """The contract's annual carry over its DV01, as positions are sized by."""
        value = np.array([price * 1000.0])
        expected = rate * value[0] / contract_dv01(value, np.array([duration]))[0]
        assert bond_carry_per_dv01(rate, duration) == pytest.approx(expected)

    def test_implied_per_dv01_by_hand(self):
        """0.6 points in 91 days at a price of 120 and a duration of 6: 33 basis points."""
        found = implied_per_dv01(120.0, 119.4, 0, 91, 120.0, 6.0)
        assert found == pytest.approx(0.6 * 365.25 / 91 / 120 / 6 * 1e4)
        assert found == pytest.approx(33.45, abs=0.01)

    def test_bad_arguments_are_named(self):
        with pytest.raises(ValueError, match="duration is 0 years; it must be above 0"):
            bond_carry_per_dv01(0.01, 0)
        with pytest.raises(ValueError, match="horizon is 0 years; it must be above 0"):
            roll_down(UPWARD, 5.0, 4.5, 0)
