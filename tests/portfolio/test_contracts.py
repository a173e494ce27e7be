import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from portfolio.contracts import (
    average_position,
    buffered,
    contract_dv01,
    contract_value,
    contracts_for_weights,
    ten_year_equivalent,
)
from universe.master import MASTER
from universe.screen import too_big

N = 4
NONE = np.zeros(N)
optimals = arrays(float, N, elements=st.floats(-500, 500))
widths = arrays(float, N, elements=st.floats(0, 50))
positions = arrays(np.int64, N, elements=st.integers(-500, 500))


def size(weight, nav, value, duration=0.0):
    one = [np.array([x], dtype=float) for x in (weight, value, duration)]
    return float(contracts_for_weights(one[0], nav, one[1], one[2])[0])


class TestSizing:
    def test_es_by_hand(self):
        """10 % of 50 million in ES at 4000: 5,000,000 / (50 x 4000) = 25 contracts."""
        value = contract_value(np.array([4000.0]), np.array([50.0]), np.array([1.0]))
        assert value[0] == 200_000
        assert size(0.10, 50e6, value[0]) == pytest.approx(25.0)

    def test_bund_by_hand_with_fx(self):
        """-20 % of 10 million in Bund at 171.50 and 1.10 dollars: value 188,650."""
        value = contract_value(np.array([171.5]), np.array([1000.0]), np.array([1.10]))
        assert value[0] == pytest.approx(188_650)
        assert size(-0.2, 10e6, value[0], 8.2) == pytest.approx(-2_000_000 / 188_650)

    def test_dv01_by_hand(self):
        """A ten-year note of 130,000 with a duration of 6.5 moves 84.50 per basis point."""
        found = contract_dv01(np.array([130_000.0]), np.array([6.5]))
        assert found[0] == pytest.approx(84.5)

    @pytest.mark.parametrize("price", [93.5, 95.0, 97.0, 99.0, 100.7])
    @pytest.mark.parametrize(("code", "published"), [("SR3", 25.0), ("ZQ", 41.67), ("I", 25.0)])
    def test_dv01_of_short_rates_is_the_exchanges(self, code, published, price):
        """CME and ICE: 25 dollars or euros of a 3-month, 41.67 dollars of a 30-day contract."""
        market, one = MASTER[code], np.ones(1)
        value = contract_value(one * price, one * market.multiplier, one)
        found = contract_dv01(value, one * market.duration)
        assert found[0] == pytest.approx(published, rel=0.04)

    @given(st.floats(-3, 3), st.floats(1e5, 1e9), st.floats(1e3, 1e6), st.floats(0.1, 30))
    def test_dv01_sizing_equals_notional_sizing(self, weight, nav, value, duration):
        by_dv01, by_notional = size(weight, nav, value, duration), size(weight, nav, value)
        assert by_dv01 == pytest.approx(by_notional, rel=1e-12, abs=1e-12)
        assert by_notional == pytest.approx(weight * nav / value, rel=1e-12, abs=1e-12)

    @pytest.mark.parametrize("value", [np.nan, 0.0, -37_630.0])
    @pytest.mark.parametrize("duration", [0.0, 6.5])
    def test_no_position_at_an_unknown_or_non_positive_value(self, value, duration):
        assert size(0.5, 1e6, value, duration) == 0.0

    def test_negative_price_has_a_negative_value(self):
        value = contract_value(np.array([-37.63]), np.array([1000.0]), np.array([1.0]))
        assert value[0] == pytest.approx(-37_630)

    def test_average_position_by_hand(self):
        """50 million x 10 % x 1.5 x 2 % / (200,000 x 16 %) = 4.6875 contracts."""
        found = average_position(50e6, 0.10, 1.5, np.array([0.02]), np.array([32_000.0]))
        assert found[0] == pytest.approx(4.6875)

    @pytest.mark.parametrize("risk", [np.nan, 0.0])
    def test_average_position_without_risk_is_zero(self, risk):
        assert average_position(50e6, 0.1, 1.5, np.array([0.02]), np.array([risk]))[0] == 0.0


class TestTenYearEquivalents:
    def test_two_year_notes_weigh_a_third_of_tens(self):
        """A duration of 1.9 years against 6.2: 3.26 of twos have the DV01 of one of tens."""
        found = ten_year_equivalent(np.array([1.9, 6.2, 18.6]))
        np.testing.assert_allclose(found, [3.263158, 1.0, 1 / 3], rtol=1e-6)

    def test_short_rates_count_by_their_dv01_not_by_their_term(self):
        """At 97 one of tens of 130,000 (80.60 a basis point) weighs what 3.2 of SOFR do."""
        tens, sofr = MASTER["ZN"], MASTER["SR3"]
        equal = ten_year_equivalent(np.array([tens.duration, sofr.duration]))
        contracts = 130_000 * equal / [130_000, 97 * sofr.multiplier]
        assert contracts[1] == pytest.approx(80.60 / 25, rel=0.01)

    def test_other_markets_count_as_they_are(self):
        assert ten_year_equivalent(np.array([0.0])).tolist() == [1.0]


class TestBuffer:
    @pytest.mark.parametrize(
        ("optimal", "current", "width", "target"),
        [
            (10.2, 8, 3.0, 8),  # inside [7, 13]
            (10.2, 13, 3.0, 13),
            (10.2, 14, 3.0, 13),  # to the nearer edge, not to 10
            (10.2, 5, 3.0, 7),
            (-10.2, 5, 3.0, -7),
            (10.2, 5, 0.0, 10),  # without a band to the nearest whole contract
            (0.4, 0, 0.0, 0),
            (0.6, 0, 0.0, 1),
        ],
    )
    def test_hand_examples(self, optimal, current, width, target):
        found = buffered(np.array([optimal]), np.array([current]), np.array([width]))
        assert found.tolist() == [target]
        assert found.dtype == np.int64

    @given(optimals, positions, widths)
    def test_no_trade_inside_the_band(self, optimal, current, width):
        inside = np.abs(current - optimal) <= width - 0.5  # safely within, whatever the rounding
        found = buffered(optimal, current, width)
        np.testing.assert_array_equal(found[inside], current[inside])

    @given(optimals, positions, widths)
    def test_trades_stop_at_the_nearer_edge(self, optimal, current, width):
        found = buffered(optimal, current, width)
        traded = found != current
        edge = np.where(current > optimal, optimal + width, optimal - width)
        assert np.all(np.abs(found - edge)[traded] <= 0.5 + 1e-9)

    @given(optimals, positions, widths)
    def test_never_beyond_half_a_contract_and_the_band(self, optimal, current, width):
        found = buffered(optimal, current, width)
        assert np.all(np.abs(found - optimal) <= width + 0.5 + 1e-9)

    @given(optimals, positions, widths)
    def test_moves_toward_the_optimum_only(self, optimal, current, width):
        found = buffered(optimal, current, width)
        assert np.all(np.abs(found - optimal) <= np.abs(current - optimal) + 1e-9 + 0.5)
        assert np.all((found - current) * (optimal - current) >= -np.abs(optimal - current) * 0.5)

    @given(optimals, positions, widths)
    def test_is_idempotent(self, optimal, current, width):
        once = buffered(optimal, current, width)
        np.testing.assert_array_equal(buffered(optimal, once, width), once)

    @given(
        cap=st.integers(1, 4000),
        share=st.sampled_from([0.02, 0.1, 0.25, 0.5]),
        held=st.integers(-10, 4100),
        bits=st.lists(st.integers(-8, 8), min_size=2, max_size=2),
    )
    @example(cap=75, share=0.1, held=47, bits=[-1, 0])  # oats at a quarter of their volume
    @example(cap=75, share=0.1, held=60, bits=[0, -1])
    def test_the_last_bits_of_nav_decide_nothing(self, cap, share, held, bits):
        """A capped position's edge may be half a contract exactly, day after day."""
        one = {"sessions_since_trade": np.array([0]), "cooldown": 5}
        optimal, width = np.array([float(cap)]), np.array([share * cap])
        noisy = [x * (1.0 + bit * 2.0**-52) for x, bit in zip((optimal, width), bits, strict=True)]
        current = np.array([held])
        for extra in ({}, one):
            found = buffered(noisy[0], current, noisy[1], **extra)
            np.testing.assert_array_equal(found, buffered(optimal, current, width, **extra))

    @given(optimals, positions, widths)
    def test_is_symmetric_between_long_and_short(self, optimal, current, width):
        found = buffered(optimal, current, width)
        np.testing.assert_array_equal(buffered(-optimal, -current, width), -found)


class TestCooldown:
    def after(self, since, optimal, current=10, width=1.0, cooldown=5):
        found = buffered(
            np.array([float(optimal)]),
            np.array([current]),
            np.array([width]),
            sessions_since_trade=np.array([since]),
            cooldown=cooldown,
        )
        return int(found[0])

    def test_small_trades_wait(self):
        assert self.after(0, 13) == 10
        assert self.after(4, 13) == 10
        assert self.after(5, 13) == 12

    def test_trades_beyond_twice_the_band_do_not_wait(self):
        assert self.after(0, 13) == 10  # two contracts: not beyond twice the band
        assert self.after(0, 14) == 13
        assert self.after(0, 7) == 10

    def test_crossing_zero_does_not_wait(self):
        assert self.after(0, -2, current=1) == -1
        assert self.after(0, 0, current=2, width=0.0) == 0

    @given(optimals, positions, widths)
    def test_zero_sessions_of_cooldown_change_nothing(self, optimal, current, width):
        found = buffered(
            optimal, current, width, sessions_since_trade=np.zeros(N, dtype=int), cooldown=0
        )
        np.testing.assert_array_equal(found, buffered(optimal, current, width))

    @given(optimals, positions, widths)
    def test_either_waits_or_trades_as_without(self, optimal, current, width):
        found = buffered(
            optimal, current, width, sessions_since_trade=np.zeros(N, dtype=int), cooldown=9
        )
        free = buffered(optimal, current, width)
        assert np.all((found == current) | (found == free))


class TestScreens:
    def test_too_big(self):
        found = too_big(np.array([0.2, 0.25, 3.0, 0.1]), 0.25, np.array([True, True, True, False]))
        assert found.tolist() == [True, False, False, False]
