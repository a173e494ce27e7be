import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from portfolio.covariance import covariance, portfolio_vol, risk_contributions
from portfolio.sleeves import (
    MAX_DIVERSIFICATION,
    class_budgets,
    diversification_multiplier,
    overlay,
    sleeve_weights,
    vol_target_scale,
)

CLASS = np.array([0, 0, 0, 1, 1, 2])
N = len(CLASS)
members = arrays(bool, N)
forecasts = arrays(float, N, elements=st.floats(-2, 2).map(lambda x: 0.0 if abs(x) < 1e-3 else x))
EVERYONE = np.ones(N, dtype=bool)


def cov_of(seed):
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((N, N))
    moment = root @ root.T + np.eye(N)
    scale = np.sqrt(np.diagonal(moment))
    return covariance(moment / np.outer(scale, scale), rng.uniform(0.05, 0.4, N))


class TestClassBudgets:
    def test_hand_example(self):
        found = class_budgets(CLASS, EVERYONE)
        np.testing.assert_allclose(found, [1 / 9, 1 / 9, 1 / 9, 1 / 6, 1 / 6, 1 / 3])

    @given(members)
    def test_equal_across_classes_and_inside_them(self, member):
        budget = class_budgets(CLASS, member)
        assert np.all(budget[~member] == 0)
        sums = [budget[c == CLASS].sum() for c in range(3) if member[c == CLASS].any()]
        assert sums == pytest.approx([1 / len(sums)] * len(sums) if sums else [])
        for c in range(3):
            inside = budget[(c == CLASS) & member]
            assert np.all(inside == inside[:1])

    def test_classes_that_lost_all_markets_give_theirs_to_the_others(self):
        member = CLASS != 2
        assert class_budgets(CLASS, member).sum() == pytest.approx(1.0)
        assert class_budgets(CLASS, member)[3] == pytest.approx(0.25)

    def test_no_markets_at_all(self):
        assert class_budgets(np.array([], dtype=int), np.array([], dtype=bool)).shape == (0,)


class TestSleeveWeights:
    def test_hand_example(self):
        found = sleeve_weights(
            np.array([1.0, -2.0, np.nan, 1.0, 1.0]),
            np.array([0.1, 0.2, 0.1, np.nan, 0.1]),
            np.array([0.25, 0.5, 0.25, 0.25, 0.0]),
        )
        np.testing.assert_allclose(found, [2.5, -5.0, 0.0, 0.0, 0.0])

    @given(forecasts, st.integers(0, 1000))
    def test_standalone_risk_is_forecast_times_budget(self, forecast, seed):
        sigma = np.random.default_rng(seed).uniform(0.01, 0.5, N)
        budget = class_budgets(CLASS, EVERYONE)
        risk = sleeve_weights(forecast, sigma, budget) * sigma
        np.testing.assert_allclose(risk, forecast * budget, atol=1e-15)

    def test_equal_forecasts_give_uncorrelated_classes_equal_risk(self):
        sigma = np.array([0.1, 0.2, 0.3, 0.05, 0.1, 0.4])
        one_each = np.array([True, False, False, True, False, True])
        weights = sleeve_weights(np.ones(N), sigma, class_budgets(CLASS, one_each))
        parts = risk_contributions(weights, covariance(np.eye(N), sigma))[one_each]
        np.testing.assert_allclose(parts, parts[0])


class TestOverlay:
    @given(forecasts, forecasts, st.floats(0.0, 1.0), st.integers(0, 1000))
    def test_brings_each_sleeve_to_its_share_of_risk(self, trend, carry, share, seed):
        cov = cov_of(seed)
        shares = {"trend": share, "carry": 1 - share}
        found = overlay({"trend": trend, "carry": carry}, shares, cov)
        for name, raw in (("trend", trend), ("carry", carry)):
            expected = shares[name] if raw.any() else 0.0
            assert portfolio_vol(found[name], cov) == pytest.approx(expected, abs=1e-9)

    def test_direction_of_a_sleeve_is_kept(self):
        raw = np.array([1.0, -0.5, 0.2, 0.0, 3.0, -1.0])
        found = overlay({"a": raw}, {"a": 1.0}, cov_of(1))["a"]
        np.testing.assert_allclose(found / np.abs(found).sum(), raw / np.abs(raw).sum())

    def test_agreement_raises_conviction_and_conflict_nets(self):
        cov, halves = cov_of(2), {"trend": 0.5, "carry": 0.5}
        one = np.array([1.0, 0, 0, 0, 0, 0])
        alone = overlay({"trend": one, "carry": 0 * one}, halves, cov)
        agree = overlay({"trend": one, "carry": 0.1 * one}, halves, cov)
        conflict = overlay({"trend": one, "carry": -7 * one}, halves, cov)
        total = [float(sum(x.values())[0]) for x in (alone, agree, conflict)]
        assert total[1] == pytest.approx(2 * total[0])
        assert total[2] == pytest.approx(0.0, abs=1e-12)

    @given(forecasts, forecasts, st.permutations(range(N)))
    def test_permuting_the_markets_permutes_the_weights(self, trend, carry, order):
        order = np.array(order)
        cov, sigma = cov_of(5), np.sqrt(np.diagonal(cov_of(5)))
        halves = {"trend": 0.5, "carry": 0.5}

        def total(pick):
            budget = class_budgets(CLASS[pick], EVERYONE)
            sleeves = {
                "trend": sleeve_weights(trend[pick], sigma[pick], budget),
                "carry": sleeve_weights(carry[pick], sigma[pick], budget),
            }
            return sum(overlay(sleeves, halves, cov[np.ix_(pick, pick)]).values())

        np.testing.assert_allclose(total(order), total(np.arange(N))[order], atol=1e-9)


class TestVolTarget:
    @given(forecasts.filter(np.any), st.floats(0.01, 0.5), st.integers(0, 1000))
    def test_is_hit_exactly_when_not_floored(self, weights, target, seed):
        cov = cov_of(seed)
        vol = portfolio_vol(weights, cov)
        scale = vol_target_scale(vol, target, vol / 2)
        assert portfolio_vol(weights * scale, cov) == pytest.approx(target, rel=1e-9)

    def test_ten_percent_of_a_five_percent_portfolio_is_twice_it(self):
        assert vol_target_scale(0.05, 0.10, 0.01) == pytest.approx(2.0)

    def test_the_floor_limits_the_scale(self):
        assert vol_target_scale(0.001, 0.10, 0.25) == pytest.approx(0.4)
        assert vol_target_scale(0.25, 0.10, 0.25) == pytest.approx(0.4)

    def test_an_empty_portfolio_is_not_scaled(self):
        assert vol_target_scale(0.0, 0.10, 0.25) == 0.0


class TestDiversificationMultiplier:
    def test_of_identical_markets_is_one(self):
        assert diversification_multiplier(np.full(4, 0.25), np.ones((4, 4))) == pytest.approx(1)

    def test_of_independent_markets_is_root_n(self):
        assert diversification_multiplier(np.full(4, 0.25), np.eye(4)) == pytest.approx(2.0)

    def test_of_two_half_correlated_markets(self):
        found = diversification_multiplier(np.full(2, 0.5), np.array([[1, 0.5], [0.5, 1]]))
        assert found == pytest.approx(1 / np.sqrt(0.75))

    def test_negative_correlation_counts_as_none(self):
        found = diversification_multiplier(np.full(2, 0.5), np.array([[1, -0.9], [-0.9, 1]]))
        assert found == pytest.approx(np.sqrt(2))

    def test_is_capped(self):
        assert diversification_multiplier(np.full(100, 0.01), np.eye(100)) == MAX_DIVERSIFICATION

    def test_without_budgets_is_one(self):
        assert diversification_multiplier(np.zeros(3), np.eye(3)) == 1.0
