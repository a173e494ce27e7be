from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gamma
from scipy.stats import rankdata, zscore

from alpha.rules.comparison import (
    Comparison,
    cohort_in_buckets,
    cross_section_forecast,
    neutral_in_buckets,
    zscore_in_buckets,
)

NAN = np.nan
numbers = st.one_of(st.integers(-2, 2).map(float), st.floats(-10, 10), st.just(NAN))
markets = st.lists(st.tuples(numbers, st.integers(-1, 3)), min_size=0, max_size=25)
fractions = st.floats(0.01, 0.5)


def arrays(pairs):
    value = np.array([value for value, _ in pairs], dtype=float)
    return value, np.array([bucket for _, bucket in pairs], dtype=np.int64)


def one_bucket(value):
    return np.array(value, dtype=float), np.zeros(len(value), dtype=np.int64)


def all_functions(fraction=0.3, cap=2.0):
    """Every function of the module by name, as a function of (value, bucket)."""
    out = {
        "zscores": lambda v, b: zscore_in_buckets(v, b, cap),
        "cohorts": lambda v, b: cohort_in_buckets(v, b, fraction),
        "neutral": neutral_in_buckets,
    }
    for method in Comparison:
        out[method] = lambda v, b, m=method: cross_section_forecast(v, b, m, fraction, cap)
    return out


def bucket_sums(found, bucket):
    return np.array([np.nansum(found[bucket == number]) for number in np.unique(bucket)])


class TestEveryFunction:
    @pytest.mark.parametrize("name", all_functions())
    @settings(max_examples=25)
    @given(markets, st.randoms(use_true_random=False), fractions)
    def test_the_order_of_markets_does_not_matter(self, name, pairs, random, fraction):
        value, bucket = arrays(pairs)
        order = list(range(len(pairs)))
        random.shuffle(order)
        function = all_functions(fraction)[name]
        np.testing.assert_allclose(
            function(value[order], bucket[order]), function(value, bucket)[order], atol=1e-12
        )

    @pytest.mark.parametrize("name", all_functions())
    @settings(max_examples=25)
    @given(markets)
    def test_none_where_there_is_no_value_and_only_there(self, name, pairs):
        value, bucket = arrays(pairs)
        found = all_functions()[name](value, bucket)
        np.testing.assert_array_equal(np.isnan(found), np.isnan(value))

    @pytest.mark.parametrize("name", all_functions())
    @settings(max_examples=25)
    @given(markets)
    def test_a_missing_value_is_as_a_market_that_is_not_there(self, name, pairs):
        value, bucket = arrays(pairs)
        have = np.isfinite(value)
        function = all_functions()[name]
        np.testing.assert_array_equal(
            function(value, bucket)[have], function(value[have], bucket[have])
        )

    @pytest.mark.parametrize("name", all_functions())
    @settings(max_examples=25)
    @given(markets, markets)
    def test_buckets_do_not_touch_each_other(self, name, pairs, others):
        value, bucket = arrays(pairs)
        more, others_bucket = arrays(others)
        both = np.concatenate([value, more]), np.concatenate([bucket, others_bucket + 100])
        function = all_functions()[name]
        np.testing.assert_array_equal(function(*both)[: len(pairs)], function(value, bucket))

    @pytest.mark.parametrize("name", all_functions())
    @settings(max_examples=25)
    @given(markets)
    def test_equal_values_of_a_bucket_get_the_same(self, name, pairs):
        value, bucket = arrays(pairs)
        found = all_functions()[name](value, bucket)
        for k in range(len(pairs)):
            same = (bucket == bucket[k]) & (value == value[k])
            assert len(set(found[same].tolist())) <= 1

    @pytest.mark.parametrize("name", all_functions())
    @settings(max_examples=25)
    @given(markets)
    def test_a_larger_value_never_gets_less(self, name, pairs):
        value, bucket = arrays(pairs)
        found = all_functions()[name](value, bucket)
        for number in np.unique(bucket):
            inside = (bucket == number) & np.isfinite(value)
            ordered = found[inside][np.argsort(value[inside])]
            assert (np.diff(ordered) >= -1e-12).all()

    @pytest.mark.parametrize("name", all_functions())
    @settings(max_examples=25)
    @given(markets)
    def test_mirrored_values_mirror_the_result(self, name, pairs):
        value, bucket = arrays(pairs)
        function = all_functions()[name]
        np.testing.assert_allclose(function(-value, bucket), -function(value, bucket), atol=1e-12)

    @pytest.mark.parametrize("name", ["cohorts", "neutral", "rank", "cohort"])
    @settings(max_examples=25)
    @given(markets, fractions, st.floats(0.3, 3.0))
    def test_every_bucket_sums_to_zero(self, name, pairs, fraction, cap):
        value, bucket = arrays(pairs)
        found = all_functions(fraction, cap)[name](value, bucket)
        np.testing.assert_allclose(bucket_sums(found, bucket), 0.0, atol=1e-12)

    @pytest.mark.parametrize("name", ["zscores", *Comparison])
    @settings(max_examples=25)
    @given(markets, fractions, st.floats(0.3, 3.0))
    def test_the_cap_holds(self, name, pairs, fraction, cap):
        found = all_functions(fraction, cap)[name](*arrays(pairs))
        assert (np.abs(found[np.isfinite(found)]) <= cap * (1 + 1e-12)).all()

    @pytest.mark.parametrize("name", all_functions())
    def test_small_and_equal_buckets_have_no_view(self, name):
        value = np.array([5.0, -3.0, NAN, 0.1, 0.1, 0.1, NAN, np.inf])
        bucket = np.array([0, 1, 1, 2, 2, 2, 3, 0])
        found = all_functions()[name](value, bucket)
        np.testing.assert_array_equal(found, [0, 0, NAN, 0, 0, 0, NAN, NAN])

    @pytest.mark.parametrize("name", all_functions())
    def test_no_markets(self, name):
        assert all_functions()[name](*one_bucket([])).shape == (0,)

    @pytest.mark.parametrize("name", all_functions())
    def test_shapes_must_agree(self, name):
        with pytest.raises(ValueError, match=r"value has shape \(3,\), bucket \(2,\)"):
            all_functions()[name](np.zeros(3), np.zeros(2, dtype=np.int64))


class TestZscore:
    @given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=20))
    def test_equals_scipy(self, whole):
        value, bucket = one_bucket(whole)
        expected = zscore(value) if np.ptp(value) > 0 else np.zeros_like(value)
        np.testing.assert_allclose(zscore_in_buckets(value, bucket, 100.0), expected, atol=1e-12)

    def test_hand_example(self):
        """Mean 2, standard deviation sqrt(2/3) of 1, 2, 3; two members are always ±1."""
        value = np.array([1.0, 70.0, 2.0, 60.0, 3.0])
        found = zscore_in_buckets(value, np.array([7, -2, 7, -2, 7]), 3.0)
        np.testing.assert_allclose(found, [-np.sqrt(1.5), 1.0, 0.0, -1.0, np.sqrt(1.5)])

    def test_is_capped(self):
        found = zscore_in_buckets(*one_bucket([0.0] * 9 + [1.0]), 2.0)
        assert found[9] == 2.0  # 3 without the cap
        np.testing.assert_allclose(found[:9], -1 / 3)

    @pytest.mark.parametrize("step", [np.spacing(1.0), 1e-300, 5e-324])
    def test_the_smallest_dispersion_counts(self, step):
        base = 1.0 if step > 1e-20 else 0.0
        found = zscore_in_buckets(*one_bucket([base, base + step]), 3.0)
        np.testing.assert_allclose(found, [-1.0, 1.0])

    @given(st.lists(st.floats(-10, 10), min_size=2, max_size=12), st.floats(1e-6, 1e6))
    def test_unit_of_the_value_does_not_matter(self, values, factor):
        value, bucket = one_bucket(np.round(values, 3))
        np.testing.assert_allclose(
            zscore_in_buckets(value * factor, bucket, 3.0),
            zscore_in_buckets(value, bucket, 3.0),
            atol=1e-9,
        )


def mean_over_all_ways_to_break_ties(value, size):
    """Cohort weights averaged over every order of the members that sorts the values."""
    count = len(value)
    total, ways = np.zeros(count), 0
    for order in permutations(range(count)):
        ordered = [value[k] for k in order]
        if ordered != sorted(ordered):
            continue
        ways += 1
        total[list(order[:size])] -= 1.0
        total[list(order[count - size :])] += 1.0
    return total / ways


class TestCohort:
    @settings(max_examples=40)
    @given(st.lists(st.integers(0, 3), min_size=2, max_size=6), fractions)
    def test_equals_the_mean_over_all_ways_to_break_ties(self, whole, fraction):
        size = min(max(1, int(fraction * len(whole))), len(whole) // 2)
        found = cohort_in_buckets(*one_bucket(whole), fraction)
        np.testing.assert_allclose(found, mean_over_all_ways_to_break_ties(whole, size), atol=1e-12)

    def test_hand_examples(self):
        found = cohort_in_buckets(*one_bucket([4, 1, 3, 2]), 0.25)
        np.testing.assert_array_equal(found, [1, -1, 0, 0])
        tied = cohort_in_buckets(*one_bucket([3, 3, 2, 1]), 0.25)
        np.testing.assert_array_equal(tied, [0.5, 0.5, 0, -1])
        across_both_edges = cohort_in_buckets(*one_bucket([2, 2, 2, 1]), 0.5)
        np.testing.assert_allclose(across_both_edges, [1 / 3, 1 / 3, 1 / 3, -1])

    @pytest.mark.parametrize(
        ("members", "fraction", "size"),
        [
            (10, 0.1, 1),
            (19, 0.1, 1),
            (20, 0.1, 2),
            (5, 0.1, 1),
            (100, 0.29, 29),
            (3, 0.5, 1),
            (2, 0.01, 1),
            (9, 0.5, 4),
        ],
    )
    def test_size(self, members, fraction, size):
        found = cohort_in_buckets(*one_bucket(range(members)), fraction)
        assert np.count_nonzero(found == 1) == np.count_nonzero(found == -1) == size
        assert np.count_nonzero(found) == 2 * size

    @pytest.mark.parametrize("fraction", [0.0, -0.1, 0.51, np.nan])
    def test_fraction_out_of_range(self, fraction):
        with pytest.raises(ValueError, match=r"fraction is .*above 0 and at most 0\.5"):
            cohort_in_buckets(*one_bucket([1, 2]), fraction)


class TestNeutral:
    def test_hand_example(self):
        forecast = np.array([2.0, 1.0, -0.5, NAN, 0.0, 1.2])
        bucket = np.array([0, 0, 1, 1, 0, 2])
        found = neutral_in_buckets(forecast, bucket)
        np.testing.assert_allclose(found, [1.0, 0.0, 0.0, NAN, -1.0, 0.0])

    @given(markets)
    def test_differences_inside_a_bucket_stay(self, pairs):
        forecast, bucket = arrays(pairs)
        found = neutral_in_buckets(forecast, bucket)
        for number in np.unique(bucket):
            inside = (bucket == number) & np.isfinite(forecast)
            if inside.sum() > 1:
                np.testing.assert_allclose(
                    np.diff(found[inside]), np.diff(forecast[inside]), atol=1e-12
                )

    @given(markets)
    def test_neutral_forecasts_stay(self, pairs):
        forecast, bucket = arrays(pairs)
        once = neutral_in_buckets(forecast, bucket)
        np.testing.assert_allclose(neutral_in_buckets(once, bucket), once, atol=1e-12)


def mean_absolute_zscore(members):
    """Of normal values in a bucket: one coordinate of a uniform point on a sphere."""
    ratio = gamma((members - 1) / 2) / gamma(members / 2)
    return np.sqrt(members - 1) * ratio / np.sqrt(np.pi)


class TestForecast:
    @pytest.mark.parametrize("members", [2, 3, 5, 30])
    def test_mean_absolute_zscore_of_normal_values(self, members):
        value = np.random.default_rng(members).standard_normal(members * 1000)
        bucket = np.repeat(np.arange(1000), members)
        found = cross_section_forecast(value, bucket, "zscore", 0.1, 100.0)
        expected = mean_absolute_zscore(members) / np.sqrt(2 / np.pi)
        assert np.mean(np.abs(found)) == pytest.approx(expected, abs=0.02)
        assert 0.99 < expected < 1.2534

    def test_zscore_is_scaled_then_capped(self):
        found = cross_section_forecast(*one_bucket([0.0] * 9 + [1.0]), "zscore", 0.1, 2.0)
        assert found[9] == pytest.approx(2.0)
        np.testing.assert_allclose(found[:9], -1 / 3 / np.sqrt(2 / np.pi))

    @given(st.lists(st.floats(-10, 10), min_size=2, max_size=15, unique=True))
    def test_mean_absolute_rank_is_one_without_ties(self, values):
        found = cross_section_forecast(*one_bucket(values), "rank", 0.1, 2.0)
        assert np.mean(np.abs(found)) == pytest.approx(1.0, abs=1e-12)
        np.testing.assert_allclose(np.diff(np.sort(found), n=2), 0.0, atol=1e-12)

    @given(st.lists(st.integers(0, 4), min_size=2, max_size=15))
    def test_rank_is_linear_in_the_average_rank(self, whole):
        count = len(whole)
        distance = np.arange(count) - (count - 1) / 2
        expected = (rankdata(whole) - (count + 1) / 2) / np.mean(np.abs(distance))
        found = cross_section_forecast(*one_bucket(whole), "rank", 0.1, 2.0)
        np.testing.assert_allclose(found, expected, atol=1e-12)

    def test_rank_takes_no_notice_of_how_far_apart_values_are(self):
        found = cross_section_forecast(*one_bucket([1, 2, 3, 1000]), "rank", 0.1, 2.0)
        np.testing.assert_allclose(found, [-1.5, -0.5, 0.5, 1.5])

    def test_cohort_has_mean_one_until_the_cap(self):
        """Quartiles of eight at 2 have mean 1; a decile of ten would need 5 and stays at 2."""
        quarter = cross_section_forecast(*one_bucket(range(8)), "cohort", 0.25, 2.0)
        np.testing.assert_allclose(quarter, [-2, -2, 0, 0, 0, 0, 2, 2])
        half = cross_section_forecast(*one_bucket(range(8)), "cohort", 0.5, 2.0)
        np.testing.assert_allclose(np.abs(half), 1.0)
        decile = cross_section_forecast(*one_bucket(range(10)), "cohort", 0.1, 2.0)
        np.testing.assert_allclose(decile, [-2, *[0] * 8, 2])

    @given(st.lists(st.integers(0, 5), min_size=2, max_size=15), fractions)
    def test_cohort_has_mean_one_or_touches_the_cap(self, whole, fraction):
        found = np.abs(cross_section_forecast(*one_bucket(whole), "cohort", fraction, 2.0))
        if len(set(whole)) == 1:
            assert not found.any()
        else:
            assert max(found.mean(), found.max() / 2.0) == pytest.approx(1.0)
            assert found.mean() <= 1 + 1e-12

    def test_unknown_method(self):
        with pytest.raises(ValueError, match="method is 'decile'; it must be one of zscore, rank"):
            cross_section_forecast(*one_bucket([1, 2]), "decile", 0.1, 2.0)

    @pytest.mark.parametrize("method", Comparison)
    def test_bad_cap_or_fraction(self, method):
        with pytest.raises(ValueError, match=r"cap is -1\.0; it must be above 0"):
            cross_section_forecast(*one_bucket([1, 2]), method, 0.1, -1.0)
        with pytest.raises(ValueError, match=r"fraction is 0\.9"):
            cross_section_forecast(*one_bucket([1, 2]), method, 0.9, 2.0)
