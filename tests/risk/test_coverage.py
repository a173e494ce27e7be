"""Against published examples, brute force over all orders, and Monte Carlo sizes."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from risk.coverage import (
    conditional_coverage,
    independence,
    kupiec,
    traffic_light,
    transitions,
)

hits = arrays(bool, st.integers(2, 60))


def sample(n00, n01, n10, n11):
    """A sample with those transitions that begins and ends without an exception (n01 = n10)."""
    runs = [[True] * (1 + (n11 if run == 0 else 0)) for run in range(n01)]
    gaps = [[False] for _ in range(n01 + 1)]
    gaps[0] += [False] * n00
    out = gaps[0]
    for run, gap in zip(runs, gaps[1:], strict=True):
        out = out + run + gap
    return np.array(out)


class TestPublished:
    def test_mathworks_example(self):
        """VaR backtest of an equity index at 95 % in MathWorks' documentation of varbacktest."""
        hit = sample(932, 53, 53, 4)
        pairs = transitions(hit)
        assert (pairs.n00, pairs.n01, pairs.n10, pairs.n11) == (932, 53, 53, 4)
        assert (len(hit), hit.sum()) == (1043, 57)
        proportion = kupiec(57, 1043, 0.95)
        assert proportion.statistic == pytest.approx(0.46147, abs=5e-6)
        assert proportion.asymptotic == pytest.approx(0.49694, abs=5e-6)
        order = independence(hit)
        assert order.statistic == pytest.approx(0.25866, abs=5e-6)
        assert order.asymptotic == pytest.approx(0.61104, abs=5e-6)
        joint = conditional_coverage(hit, 0.95)
        assert joint.statistic == pytest.approx(0.72013, abs=1e-5)
        assert joint.asymptotic == pytest.approx(0.69763, abs=5e-6)

    @pytest.mark.parametrize(
        ("confidence", "sessions", "low", "high"),
        [
            (0.99, 510, 1, 11),
            (0.99, 1000, 4, 17),
            (0.975, 255, 2, 12),
            (0.975, 510, 6, 21),
            (0.975, 1000, 15, 36),
            (0.95, 255, 6, 21),
            (0.95, 510, 16, 36),
            (0.95, 1000, 37, 65),
            (0.925, 255, 11, 28),
            (0.925, 510, 27, 51),
            (0.925, 1000, 59, 92),
            (0.90, 255, 16, 36),
            (0.90, 510, 38, 65),
            (0.90, 1000, 81, 120),
        ],
    )
    def test_kupiecs_table_of_counts_that_are_not_rejected(self, confidence, sessions, low, high):
        """Kupiec (1995), table 3, at a test level of 5 %: low < exceptions < high."""
        accepted = [
            x for x in range(sessions // 4) if kupiec(x, sessions, confidence).asymptotic > 0.05
        ]
        assert (accepted[0] - 1, accepted[-1] + 1) == (low, high)

    def test_basels_zones_at_250_sessions(self):
        """Basel Committee (1996), table 2: cumulative probabilities at 99 %."""
        for count, cumulative in [(0, 0.0811), (4, 0.8922), (5, 0.9588), (9, 0.9997)]:
            assert traffic_light(count, 250, 0.99)[0] == pytest.approx(cumulative, abs=6e-5)
        zones = [traffic_light(count, 250, 0.99)[1] for count in range(12)]
        assert zones == ["green"] * 5 + ["yellow"] * 5 + ["red"] * 2


class TestExact:
    @pytest.mark.parametrize("sessions", [2, 3, 5, 8, 10])
    def test_joint_and_order_are_the_sum_over_all_samples(self, sessions):
        confidence = 0.8
        samples = [np.array(s) for s in itertools.product([False, True], repeat=sessions)]
        count = np.array([s.sum() for s in samples])
        chance = 0.2**count * 0.8 ** (sessions - count)
        order = np.array([independence(s).statistic for s in samples])
        joint = np.array([conditional_coverage(s, confidence).statistic for s in samples])
        for k in range(0, len(samples), max(len(samples) // 60, 1)):
            beyond = joint >= joint[k] - 1e-9
            found = conditional_coverage(samples[k], confidence).exact
            assert found == pytest.approx(chance[beyond].sum())
            same = count == count[k]
            expected = np.mean(order[same] >= order[k] - 1e-9)
            assert independence(samples[k]).exact == pytest.approx(expected)

    @given(st.integers(1, 40), st.floats(0.5, 0.995))
    def test_kupiec_sums_the_binomial(self, sessions, confidence):
        every = [kupiec(x, sessions, confidence) for x in range(sessions + 1)]
        pmf = [
            math.comb(sessions, x) * (1 - confidence) ** x * confidence ** (sessions - x)
            for x in range(sessions + 1)
        ]
        for one in every:
            beyond = sum(
                p for p, o in zip(pmf, every, strict=True) if o.statistic >= one.statistic - 1e-9
            )
            assert one.exact == pytest.approx(min(beyond, 1.0))

    @given(hits)
    def test_statistics_add_and_p_values_are_probabilities(self, hit):
        parts = kupiec(int(hit.sum()), len(hit), 0.9), independence(hit)
        joint = conditional_coverage(hit, 0.9)
        assert joint.statistic == pytest.approx(parts[0].statistic + parts[1].statistic)
        for test in (*parts, joint):
            assert test.statistic >= 0
            assert 0 <= test.exact <= 1
            assert 0 <= test.asymptotic <= 1

    @given(hits)
    def test_order_is_judged_alike_backwards(self, hit):
        assert independence(hit[::-1]).exact == pytest.approx(independence(hit).exact)


class TestEdges:
    def test_no_exception(self):
        none = np.zeros(250, dtype=bool)
        assert independence(none).statistic == 0.0
        assert independence(none).exact == 1.0
        proportion = kupiec(0, 250, 0.99)
        assert proportion.statistic == pytest.approx(-2 * 250 * np.log(0.99))
        joint = conditional_coverage(none, 0.99)
        assert joint.statistic == pytest.approx(proportion.statistic)
        assert 0 < joint.exact < 1

    def test_exceptions_without_a_pair(self):
        hit = np.zeros(250, dtype=bool)
        hit[[10, 100, 200]] = True
        found = independence(hit)
        assert transitions(hit).n11 == 0
        assert found.statistic > 0
        assert 0.5 < found.exact <= 1.0

    @pytest.mark.parametrize("hit", [[True], [], [False]])
    def test_too_few_sessions_are_untested(self, hit):
        array = np.array(hit, dtype=bool)
        assert np.isnan(independence(array).exact)
        assert np.isnan(conditional_coverage(array, 0.99).exact)
        assert np.isnan(kupiec(0, 0, 0.99).exact)
        assert traffic_light(0, 0, 0.99)[1] == "untested"

    def test_nothing_but_exceptions(self):
        assert independence(np.ones(9, dtype=bool)).exact == 1.0
        assert conditional_coverage(np.ones(9, dtype=bool), 0.99).exact < 1e-15

    @pytest.mark.parametrize("confidence", [0.0, 1.0, -1.0, np.nan])
    def test_a_confidence_that_is_none_is_refused(self, confidence):
        with pytest.raises(ValueError, match="confidence is"):
            kupiec(1, 10, confidence)

    def test_more_exceptions_than_sessions_are_refused(self):
        with pytest.raises(ValueError, match="exceptions is 11"):
            kupiec(11, 10, 0.99)


class TestSizes:
    """Under the null a test at 5 % rejects at most 5 % of samples, and not far fewer."""

    @pytest.mark.parametrize("sessions", [250, 1000])
    def test_monte_carlo(self, sessions):
        rng = np.random.default_rng(4)
        joint, order, share = [], [], []
        for _ in range(1000):
            hit = rng.random(sessions) < 0.05
            joint.append(conditional_coverage(hit, 0.95).exact)
            order.append(independence(hit).exact)
            share.append(kupiec(int(hit.sum()), sessions, 0.95).exact)
        for name, found in (("joint", joint), ("order", order), ("share", share)):
            size = np.mean(np.array(found) <= 0.05)
            assert 0.02 < size < 0.068, (name, size)  # 0.05 + 2.6 standard errors

    def test_clusters_are_found(self):
        rng = np.random.default_rng(5)
        rejected = 0
        for _ in range(100):
            hit = np.zeros(1000, dtype=bool)
            for start in rng.integers(0, 995, 6):
                hit[start : start + 3] = True
            rejected += independence(hit).exact < 0.05
        assert rejected > 95
