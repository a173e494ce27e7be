import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import maximum_filter1d, minimum_filter1d
from scipy.signal import lfilter

from alpha.rules.breakout import BREAKOUT_SCALARS, Breakout

ONE = np.array([True])
ALL = (10, 20, 40, 80, 160, 320)
SCALARS = {10: 0.812, 20: 0.882, 40: 0.926, 80: 0.957, 160: 0.979, 320: 0.995}
sets_of_horizons = st.sampled_from([(10,), (10, 20, 40, 80), (80, 10, 40), (20, 320), ALL])


def reference(prices, horizons, cap=2.0):
    """The rule with pandas on the prices seen, (n_horizons, n_sessions), on our scale."""
    series = pd.Series(prices, dtype=float)
    rows = []
    for h in horizons:
        high, low = series.rolling(h).max(), series.rolling(h).min()
        middle = (high + low) / 2
        raw = ((series - middle) / (high - low)).mask(high == low, 0.0)
        smooth = raw.ewm(span=h / 4).mean()
        rows.append((4 * SCALARS[h] * smooth).clip(-cap, cap))
    return np.array(rows)


def followed(prices, horizons, cap=2.0):
    """A one-market rule after each session, (n_horizons, n_sessions)."""
    rule = Breakout(1, horizons, cap)
    out = []
    for price in prices:
        rule.update(np.array([price]), ONE)
        out.append(rule.by_horizon()[:, 0])
    return np.array(out).T, rule


def random_walk(seed, count, start=0.0):
    """Starts at 0 unless told, so that about half of the prices are negative."""
    return start + np.random.default_rng(seed).standard_normal(count).cumsum()


def everything(rule):
    return [getattr(rule, name).copy() for name in rule.STATE]


class TestFormula:
    @settings(max_examples=25)
    @given(st.integers(0, 10**6), sets_of_horizons, st.sampled_from([0.0, 100.0, -40.0]))
    def test_equals_pandas(self, seed, horizons, start):
        prices = random_walk(seed, 380, start)
        found, _ = followed(prices, horizons)
        np.testing.assert_allclose(found, reference(prices, horizons), rtol=0, atol=1e-10)

    @settings(max_examples=25)
    @given(st.integers(0, 10**6))
    def test_equals_pandas_on_a_coarse_grid(self, seed):
        """Long runs of equal prices: ranges of width 0 come and go."""
        moves = np.random.default_rng(seed).choice([-1, 0, 1], size=150, p=[0.05, 0.9, 0.05])
        prices = 50.0 + 0.25 * moves.cumsum()
        found, _ = followed(prices, (10, 20))
        np.testing.assert_allclose(found, reference(prices, (10, 20)), rtol=0, atol=1e-10)

    def test_hand_example(self):
        """Nine closes from 0 to 8, then 2: a quarter of the range, 0.25 below the middle."""
        found, _ = followed([*range(9), 2.0], (10,))
        assert found[0, -1] == pytest.approx(-0.25 * 4 * 0.812)

    def test_smoothing_of_the_second_value(self):
        """Span 2.5: the older value weighs 1 - 2 / 3.5 = 3/7 of the newer one."""
        found, _ = followed([*range(10), 10.0, 1.0], (10,))
        old, new = 0.5, -0.5  # the last ten closes of 1 to 10, then 1
        weights = np.array([(3 / 7) ** 2, 3 / 7, 1.0])
        expected = np.average([old, old, new], weights=weights) * 4 * 0.812
        assert found[0, -1] == pytest.approx(expected)

    def test_at_the_edges_of_the_range(self):
        rising, _ = followed(np.arange(330.0), ALL)
        np.testing.assert_allclose(rising[:, -1], [2 * SCALARS[h] for h in ALL])
        falling, _ = followed(-np.arange(330.0), ALL)
        np.testing.assert_allclose(falling, -rising)

    @pytest.mark.parametrize("price", [100.0, 0.0, -37.63])
    def test_a_constant_price_is_zero(self, price):
        found, rule = followed([price] * 45, (10, 20, 40))
        np.testing.assert_array_equal(found[:, -1], 0.0)
        assert rule.forecast()[0] == 0.0

    @settings(max_examples=25)
    @given(st.integers(0, 10**6), st.floats(1e-3, 1e3), st.floats(-500, 500))
    def test_scale_and_level_of_the_price_do_not_matter(self, seed, factor, shift):
        prices = random_walk(seed, 60)
        found, _ = followed(prices, (10, 40))
        other, _ = followed(prices * factor + shift, (10, 40))
        np.testing.assert_allclose(other, found, atol=1e-7)

    @settings(max_examples=25)
    @given(st.integers(0, 10**6))
    def test_mirrored_prices_mirror_the_forecast(self, seed):
        prices = random_walk(seed, 60)
        np.testing.assert_allclose(
            followed(-prices, (10, 40))[0], -followed(prices, (10, 40))[0], atol=1e-12
        )

    @given(st.lists(st.floats(-1e6, 1e6), min_size=12, max_size=30))
    def test_never_beyond_the_edge_nor_the_cap(self, prices):
        assert np.nanmax(np.abs(followed(prices, (10,))[0])) <= 2 * SCALARS[10] + 1e-12
        assert np.nanmax(np.abs(followed(prices, (10,), cap=0.5)[0])) <= 0.5

    def test_the_cap_binds(self):
        assert followed(np.arange(12.0), (10,), cap=0.7)[0][0, -1] == 0.7
        assert followed(-np.arange(12.0), (10,), cap=0.7)[0][0, -1] == -0.7


class TestScalars:
    def test_table(self):
        assert BREAKOUT_SCALARS == SCALARS

    @pytest.mark.parametrize("h", ALL)
    def test_mean_absolute_value_is_one_for_a_driftless_random_walk(self, h):
        """Monte Carlo with scipy's filters; its standard error is about 0.003 at most."""
        rng = np.random.default_rng(h)
        walks = rng.standard_normal((600, max(24 * h, 1000))).cumsum(axis=1)
        origin = h // 2 - 1  # the window ends at its own session
        high = maximum_filter1d(walks, h, axis=1, origin=origin)
        low = minimum_filter1d(walks, h, axis=1, origin=origin)
        assert high[0, 2 * h] == walks[0, h + 1 : 2 * h + 1].max()
        raw = 4 * ((walks - low) / (high - low) - 0.5)[:, h:]
        alpha = 2 / (h / 4 + 1)
        smooth = lfilter([alpha], [1, alpha - 1], raw, axis=1)[:, 3 * h :]
        assert np.mean(np.abs(smooth)) * SCALARS[h] == pytest.approx(1.0, abs=0.01)

    def test_three_quarters_of_them_are_carver_s(self):
        published = np.array([0.60, 0.67, 0.70, 0.73, 0.74, 0.74])
        ours = np.array([BREAKOUT_SCALARS[h] for h in ALL])
        np.testing.assert_allclose(published / ours, 0.75, atol=0.015)


class TestCombination:
    def test_mean_of_the_ready_horizons_times_their_multiplier(self):
        prices = random_walk(4, 330)
        expected = reference(prices, ALL)
        multiplier = [1.0, 1.02, 1.03, 1.23, 1.25, 1.27]
        rule = Breakout(1, ALL, 2.0)
        for k, price in enumerate(prices):
            rule.update(np.array([price]), ONE)
            ready = expected[np.isfinite(expected[:, k]), k]
            if ready.size == 0:
                assert np.isnan(rule.forecast()[0])
                continue
            combined = np.clip(ready.mean() * multiplier[ready.size - 1], -2, 2)
            assert rule.forecast()[0] == pytest.approx(combined, abs=1e-10)

    def test_the_combination_is_capped(self):
        rule = followed(np.arange(90.0), (10, 20, 40, 80), cap=1.5)[1]
        assert rule.forecast()[0] == 1.5

    def test_a_horizon_counts_from_its_last_session_on(self):
        found, _ = followed(random_walk(1, 330), ALL)
        first = [int(np.flatnonzero(np.isfinite(row))[0]) for row in found]
        assert first == [h - 1 for h in ALL]
        assert all(np.isfinite(row[h - 1 :]).all() for row, h in zip(found, ALL, strict=True))

    def test_order_of_the_horizons(self):
        prices = random_walk(2, 100)
        up, down = followed(prices, (10, 20, 80))[0], followed(prices, (80, 20, 10))[0]
        np.testing.assert_array_equal(up, down[::-1])


class TestMarkets:
    @settings(max_examples=20)
    @given(st.integers(0, 10**6), st.floats(0.05, 0.95))
    def test_each_at_its_own_pace(self, seed, open_share):
        """Random gaps: every market equals pandas on the sessions it was seen in."""
        rng = np.random.default_rng(seed)
        prices = rng.standard_normal((120, 4)).cumsum(axis=0)
        seen = rng.random((120, 4)) < open_share
        rule = Breakout(4, (10, 40), 2.0)
        for row, mask in zip(prices, seen, strict=True):
            rule.update(np.where(mask, row, np.nan), mask)
        for k in range(4):
            known = prices[seen[:, k], k]
            expected = reference(known, (10, 40))[:, -1] if known.size else [np.nan, np.nan]
            np.testing.assert_allclose(rule.by_horizon()[:, k], expected, atol=1e-10)

    @pytest.mark.parametrize(
        ("price", "seen"), [(55.0, False), (np.nan, True), (np.inf, True), (-np.inf, True)]
    )
    def test_not_seen_or_without_a_price_keeps_everything(self, price, seen):
        rule = followed(random_walk(3, 50), (10, 40))[1]
        before = everything(rule)
        rule.update(np.array([price]), np.array([seen]))
        for old, new in zip(before, everything(rule), strict=True):
            np.testing.assert_array_equal(new, old)

    @settings(max_examples=25)
    @given(st.integers(0, 10**6), st.integers(1, 99))
    def test_what_comes_later_changes_nothing(self, seed, cut):
        prices = random_walk(seed, 100)
        other = prices.copy()
        other[cut:] = 1e6
        found, changed = followed(prices, (10, 40))[0], followed(other, (10, 40))[0]
        np.testing.assert_array_equal(found[:, :cut], changed[:, :cut])

    @settings(max_examples=25)
    @given(st.integers(0, 10**6), st.integers(0, 60))
    def test_state_is_enough_for_a_restart(self, seed, stop):
        prices = random_walk(seed, 100)
        whole = followed(prices, (20, 10))[1]
        first = followed(prices[:stop], (20, 10))[1]
        second = Breakout(1, (20, 10), 2.0)
        for name, value in zip(first.STATE, everything(first), strict=True):
            setattr(second, name, value)
        for price in prices[stop:]:
            second.update(np.array([price]), ONE)
        np.testing.assert_array_equal(second.by_horizon(), whole.by_horizon())
        np.testing.assert_array_equal(second.forecast(), whole.forecast())


class TestBadParameters:
    @pytest.mark.parametrize(
        ("horizons", "cap", "sentence"),
        [
            ((), 2.0, "horizons are empty"),
            ((10, 30), 2.0, "horizon is 30; it must be one of 10, 20, 40, 80, 160, 320"),
            ((10, 20, 10), 2.0, r"horizons are \(10, 20, 10\); each may be named once"),
            ((10,), 0.0, "cap is 0.0; it must be above 0"),
            ((10,), np.nan, "cap is nan"),
        ],
    )
    def test_is_named(self, horizons, cap, sentence):
        with pytest.raises(ValueError, match=sentence):
            Breakout(1, horizons, cap)
