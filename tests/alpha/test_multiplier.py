from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import hadamard

from alpha.multiplier import ForecastMultiplier
from portfolio.sleeves import diversification_multiplier


def fed(sessions, *, span=20.0, cap=2.5, minimum=1):
    """After sessions of shape (n_sessions, n_rules, n_markets)."""
    rule = ForecastMultiplier(np.shape(sessions)[1], span, cap, minimum)
    for forecasts in sessions:
        rule.update(np.asarray(forecasts, dtype=float))
    return rule


def noise(seed, sessions=30, rules=3, markets=5, missing=0.0):
    """Forecasts that share a part, some of them missing."""
    rng = np.random.default_rng(seed)
    shared = rng.standard_normal((sessions, 1, markets))
    loading = rng.uniform(-1, 1, (1, rules, 1))
    found = loading * shared + rng.standard_normal((sessions, rules, markets))
    return np.where(rng.random(found.shape) < missing, np.nan, found)


def reference(sessions, span, minimum):
    """Floored correlations with pandas, a pair of rules and a market at a time."""
    _, rules, markets = sessions.shape
    out = np.eye(rules)
    for i in range(rules):
        for j in range(i):
            sums, met = np.zeros((len(sessions), 3)), np.zeros(len(sessions), dtype=bool)
            for k in range(markets):
                f, g = sessions[:, i, k], sessions[:, j, k]
                both = np.isfinite(f) & np.isfinite(g)
                sums[both] += np.column_stack([f * g, f * f, g * g])[both]
                met |= both
            fg, ff, gg = pd.DataFrame(sums).ewm(span=span).mean().iloc[-1]
            known = met.sum() >= minimum and ff * gg > 0
            out[i, j] = out[j, i] = max(fg / np.sqrt(ff * gg), 0.0) if known else 1.0
    return out


class TestClosedForm:
    @pytest.mark.parametrize("rules", [1, 2, 5])
    def test_identical_rules_have_none(self, rules):
        same = np.repeat(noise(1, rules=1), rules, axis=1)
        assert fed(same).value() == pytest.approx(1.0, abs=1e-12)

    @pytest.mark.parametrize("rules", [1, 2, 3, 4, 6])
    def test_independent_rules_have_the_square_root_of_their_number(self, rules):
        """Rows of a Hadamard matrix are exactly orthogonal over its eight markets."""
        forecasts = hadamard(8)[1 : rules + 1]
        assert fed([forecasts] * 3).value() == pytest.approx(np.sqrt(rules), abs=1e-12)

    def test_the_cap_binds(self):
        """Eight independent rules would have 2.83."""
        rule = fed([hadamard(8)])
        assert rule.value() == 2.5
        assert fed([hadamard(8)], cap=1.4).value() == 1.4
        assert rule.multiplier_by_number()[-1] == 2.5

    def test_a_common_correlation(self):
        """Rules of one common and one own part of equal size correlate 0.5."""
        common, own = hadamard(8)[1], hadamard(8)[2:5]
        rule = fed([common + own] * 2)
        assert rule.correlation()[0] == pytest.approx([1.0, 0.5, 0.5])
        assert rule.value() == pytest.approx(1 / np.sqrt((1 + 2 * 0.5) / 3))

    def test_negative_correlation_counts_as_none(self):
        forecasts = np.array([[1.0, -2.0, 0.5], [-1.0, 2.0, -0.5]])
        assert fed([forecasts]).value() == pytest.approx(np.sqrt(2))

    def test_the_size_of_a_rule_does_not_matter(self):
        sessions = noise(2)
        scaled = sessions * np.array([0.1, 1.0, 30.0]).reshape(1, 3, 1)
        assert fed(scaled).value() == pytest.approx(fed(sessions).value(), rel=1e-12)

    def test_a_shared_bias_is_no_diversification(self):
        biased = 50.0 + noise(3)
        assert fed(biased).value() == pytest.approx(1.0, abs=1e-3)

    def test_restores_the_size_of_the_mean_forecast(self):
        """What the multiplier is for, on rules of size 1 that correlate positively."""
        rng = np.random.default_rng(5)
        sessions = 0.6 * rng.standard_normal((400, 1, 20)) + 0.8 * rng.standard_normal((400, 4, 20))
        combined = sessions.mean(axis=1) * fed(sessions, span=400.0).value()
        assert np.sqrt(np.mean(combined**2)) == pytest.approx(1.0, abs=0.02)


class TestEstimate:
    @settings(max_examples=25)
    @given(st.integers(0, 10**6), st.floats(0.0, 0.9), st.floats(1.0, 60.0), st.integers(1, 20))
    def test_correlation_equals_pandas(self, seed, missing, span, minimum):
        sessions = noise(seed, missing=missing)
        found = fed(sessions, span=span, minimum=minimum).correlation()
        np.testing.assert_allclose(found, reference(sessions, span, minimum), atol=1e-10)

    @given(st.integers(0, 10**6), st.lists(st.floats(0.01, 5), min_size=3, max_size=3))
    def test_value_is_the_portfolio_s_formula(self, seed, weights):
        rule = fed(noise(seed))
        share = np.array(weights) / sum(weights)
        expected = diversification_multiplier(share, rule.correlation())
        assert rule.value(np.array(weights)) == pytest.approx(expected, rel=1e-12)

    @given(
        st.integers(0, 10**6),
        st.floats(0.0, 1.0),
        st.lists(st.floats(0, 5), min_size=4, max_size=4).filter(lambda w: sum(w) > 0.01),
        st.floats(1.0, 3.0),
    )
    def test_always_from_one_to_the_cap(self, seed, missing, weights, cap):
        rule = fed(noise(seed, rules=4, missing=missing), cap=cap)
        for value in (rule.value(), rule.value(np.array(weights))):
            assert 1.0 <= value <= cap
        by_number = rule.multiplier_by_number()[1:]
        assert ((by_number >= 1.0) & (by_number <= cap)).all()

    def test_rounding_never_takes_it_below_one(self):
        rule = ForecastMultiplier(30, 20.0)  # before the minimum all rules count as one
        rng = np.random.default_rng(0)
        assert min(rule.value(rng.random(30)) for _ in range(500)) == 1.0

    def test_recent_sessions_count_more(self):
        apart, alike = hadamard(4)[1:3], hadamard(4)[[1, 1]]
        sessions = [apart] * 50 + [alike] * 50
        assert fed(sessions, span=5.0).value() == pytest.approx(1.0, abs=1e-6)
        assert fed(sessions[::-1], span=5.0).value() == pytest.approx(np.sqrt(2), abs=1e-6)

    def test_markets_are_pooled(self):
        """A market more with the same forecasts says nothing new; one with others does."""
        sessions = noise(6)
        twice = np.concatenate([sessions, sessions], axis=2)
        assert fed(twice).value() == pytest.approx(fed(sessions).value(), rel=1e-12)
        other = np.concatenate([sessions, noise(7)], axis=2)
        assert abs(fed(other).value() - fed(sessions).value()) > 1e-3


class TestTime:
    def test_one_before_the_minimum(self):
        rule = ForecastMultiplier(2, 500.0)
        for _ in range(249):
            rule.update(hadamard(4)[1:3].astype(float))
            assert rule.value() == 1.0
        rule.update(hadamard(4)[1:3].astype(float))
        assert rule.value() == pytest.approx(np.sqrt(2))

    def test_a_rule_that_starts_late_waits_with_its_pairs(self):
        forecasts = hadamard(4)[1:4].astype(float)
        early = forecasts.copy()
        early[2] = np.nan
        rule = fed([early] * 10, minimum=5)
        pair_only = 1 / np.sqrt((3 + 4 * 1.0) / 9)  # rules 0 and 1 apart, 2 fully correlated
        assert rule.value() == pytest.approx(pair_only)
        for _ in range(4):
            rule.update(forecasts)
            assert rule.value() == pytest.approx(pair_only)
        rule.update(forecasts)
        assert rule.value() == pytest.approx(np.sqrt(3))

    @pytest.mark.parametrize("gap", [np.nan, np.inf, -np.inf])
    def test_a_missing_forecast_counts_nowhere(self, gap):
        """Two rules that never meet in a market are not known to differ."""
        forecasts = np.array([[1.0, gap, -1.0, gap], [gap, 1.0, gap, -1.0]])
        rule = fed([forecasts] * 5)
        assert rule.value() == 1.0
        assert not rule.sessions[0, 1]

    def test_a_rule_that_is_always_zero_adds_nothing(self):
        forecasts = np.array([[1.0, -1.0], [0.0, 0.0]])
        assert fed([forecasts] * 5).value() == 1.0

    def test_sessions_without_forecasts_leave_the_value(self):
        sessions = noise(8)
        rule = fed(sessions)
        before = rule.value()
        for _ in range(20):
            rule.update(np.full((3, 5), np.nan))
        assert rule.value() == pytest.approx(before, rel=1e-12)
        rule.update(np.empty((3, 0)))
        assert rule.value() == pytest.approx(before, rel=1e-12)

    @given(st.integers(0, 10**6), st.integers(0, 29))
    def test_what_comes_later_changes_nothing(self, seed, cut):
        sessions = noise(seed, missing=0.2)
        other = sessions.copy()
        other[cut:] = 7.0
        ahead, changed = (ForecastMultiplier(3, 20.0, minimum=3) for _ in range(2))
        for k in range(30):
            if k <= cut:  # read before the session is taken, as it is used
                assert ahead.value() == changed.value()
            ahead.update(sessions[k])
            changed.update(other[k])

    @given(st.integers(0, 10**6), st.integers(0, 30))
    def test_state_is_enough_for_a_restart(self, seed, stop):
        sessions = noise(seed, missing=0.2)
        first, second = fed(sessions, minimum=5), ForecastMultiplier(3, 20.0, minimum=5)
        started = ForecastMultiplier(3, 20.0, minimum=5)
        for forecasts in sessions[:stop]:
            started.update(forecasts)
        for name in started.STATE:
            setattr(second, name, getattr(started, name).copy())
        for forecasts in sessions[stop:]:
            second.update(forecasts)
        np.testing.assert_array_equal(second.correlation(), first.correlation())
        assert second.value() == first.value()


class TestWeights:
    def test_a_weight_of_zero_leaves_a_rule_out(self):
        sessions = noise(9)
        without = fed(sessions[:, :2])
        assert fed(sessions).value(np.array([1.0, 1.0, 0.0])) == pytest.approx(without.value())
        assert fed(sessions).value(np.array([0.0, 0.0, 2.0])) == 1.0

    def test_only_their_proportions_count(self):
        rule = fed(noise(10))
        one = rule.value(np.array([0.2, 0.3, 0.5]))
        assert rule.value(np.array([2.0, 3.0, 5.0])) == pytest.approx(one)
        assert rule.value(np.ones(3)) == pytest.approx(rule.value())

    @pytest.mark.parametrize("weights", [[1.0, -0.1, 0.1], [0.0, 0.0, 0.0], [1.0, np.nan, 1.0]])
    def test_bad_weights(self, weights):
        with pytest.raises(ValueError, match="at least 0 and not all 0"):
            fed(noise(1)).value(np.array(weights))

    def test_bad_number_of_weights(self):
        with pytest.raises(ValueError, match=r"weights have shape \(2,\); it must be \(3,\)"):
            fed(noise(1)).value(np.ones(2))


class TestByNumber:
    @given(st.integers(0, 10**6))
    def test_mean_variance_over_all_choices_of_rules(self, seed):
        rule = fed(noise(seed, rules=4), cap=10.0)
        found = rule.multiplier_by_number()
        assert found.shape == (5,)
        assert found[0] == 0.0
        for k in range(1, 5):
            chosen = [np.isin(np.arange(4), c).astype(float) for c in combinations(range(4), k)]
            variance = np.mean([rule.value(w) ** -2 for w in chosen])
            assert found[k] == pytest.approx(variance**-0.5)

    @given(st.integers(0, 10**6), st.integers(1, 4))
    def test_all_rules_at_hand_is_the_value(self, seed, rules):
        rule = fed(noise(seed, rules=rules))
        assert rule.multiplier_by_number()[-1] == pytest.approx(rule.value(), rel=1e-12)

    def test_one_before_the_minimum_and_with_one_rule(self):
        np.testing.assert_array_equal(
            ForecastMultiplier(3, 20.0).multiplier_by_number(), [0.0, 1.0, 1.0, 1.0]
        )
        np.testing.assert_array_equal(fed(noise(1, rules=1)).multiplier_by_number(), [0.0, 1.0])


class TestBadInput:
    @pytest.mark.parametrize(
        ("parameters", "sentence"),
        [
            ({"n_rules": 0, "span": 9.0}, "n_rules is 0; it must be at least 1"),
            ({"n_rules": 2, "span": 0.5}, "span is 0.5; it must be at least 1"),
            ({"n_rules": 2, "span": np.nan}, "span is nan"),
            ({"n_rules": 2, "span": 9.0, "cap": 0.9}, "cap is 0.9; it must be at least 1"),
            ({"n_rules": 2, "span": 9.0, "minimum": 0}, "minimum is 0 sessions"),
        ],
    )
    def test_parameters(self, parameters, sentence):
        with pytest.raises(ValueError, match=sentence):
            ForecastMultiplier(**parameters)

    @pytest.mark.parametrize("shape", [(3, 5), (2,)])
    def test_forecasts_of_another_shape(self, shape):
        with pytest.raises(ValueError, match=r"forecasts have shape .* must be \(2, n_markets\)"):
            ForecastMultiplier(2, 9.0).update(np.zeros(shape))
