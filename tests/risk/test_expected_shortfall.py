import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm

from risk.expected_shortfall import binding, historical, parametric
from risk.horizon_law import ProfitLaw
from risk.var import VarModel

N = 4
exposures = arrays(float, N, elements=st.floats(-4, 4).map(lambda x: 0.0 if abs(x) < 1e-3 else x))
both_laws = pytest.mark.parametrize("law", ["overlapping", "bootstrap"])


def model(seed=0, rows=600, law="overlapping", tail=0.0, start=(0, 0, 0, 0)):
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((N, N + 3))
    moment = root @ root.T
    scale = np.sqrt(np.diagonal(moment))
    sigma = rng.uniform(0.003, 0.02, N)
    cov = moment / np.outer(scale, scale) * np.outer(sigma, sigma)
    z = rng.standard_t(4, (rows, N))
    for market, first in enumerate(start):
        z[:first, market] = 0.0
    return VarModel(cov, sigma, z, tail=tail, horizon_law=law)


def derivative(figure, exposure, step=1e-6):
    """Central differences of a figure by every exposure."""
    out = np.zeros(N)
    for i in range(N):
        move = np.eye(N)[i] * step
        out[i] = (figure(exposure + move) - figure(exposure - move)) / (2 * step)
    return out


class TestParts:
    @both_laws
    @given(exposures, st.sampled_from([1, 5, 20]), st.sampled_from([(0,) * 4, (0, 100, 300, 590)]))
    def test_add_up(self, law, exposure, horizon, start):
        made = model(3, law=law, tail=6.0, start=start)
        for measure in (parametric, historical, binding):
            found = measure(made, exposure, horizon)
            assert found.var_parts.sum() == pytest.approx(found.var, abs=1e-12)
            assert found.shortfall_parts.sum() == pytest.approx(found.shortfall, abs=1e-12)
            assert found.shortfall >= found.var

    @pytest.mark.parametrize("horizon", [1, 20])
    def test_parametric_parts_are_exposure_times_derivative(self, horizon):
        made, exposure = model(1, tail=6.0), np.array([1.0, -0.5, 2.0, 0.3])
        found = parametric(made, exposure, horizon)
        slope = derivative(lambda e: made.parametric(e, horizon), exposure)
        assert found.var_parts == pytest.approx(exposure * slope, rel=1e-6)
        slope = derivative(lambda e: made.expected_shortfall(e, horizon), exposure)
        assert found.shortfall_parts == pytest.approx(exposure * slope, rel=1e-6)

    @pytest.mark.parametrize("horizon", [1, 20])
    def test_historical_parts_are_exposure_times_derivative(self, horizon):
        made, exposure = model(1), np.array([1.0, -0.5, 2.0, 0.3])
        found = historical(made, exposure, horizon)
        slope = derivative(lambda e: made.historical(e, horizon), exposure)
        assert found.var_parts == pytest.approx(exposure * slope, rel=1e-6)
        slope = derivative(lambda e: historical(made, e, horizon).shortfall, exposure)
        assert found.shortfall_parts == pytest.approx(exposure * slope, rel=1e-6)

    def test_bootstrap_parts_are_about_exposure_times_derivative(self):
        made, exposure = model(1, law="bootstrap"), np.array([1.0, -0.5, 2.0, 0.3])
        found = historical(made, exposure, 20)
        slope = derivative(lambda e: made.historical(e, 20), exposure, 1e-2)
        assert found.var_parts == pytest.approx(exposure * slope, abs=0.02 * found.var)
        slope = derivative(lambda e: historical(made, e, 20).shortfall, exposure, 1e-2)
        assert found.shortfall_parts == pytest.approx(exposure * slope, abs=0.02 * found.shortfall)

    @given(exposures, st.integers(0, 3))
    def test_a_market_not_held_has_no_part(self, exposure, market):
        exposure = exposure.copy()
        exposure[market] = 0.0
        for measure in (parametric, historical):
            assert measure(model(2), exposure, 20).var_parts[market] == 0
            assert measure(model(2), exposure, 20).shortfall_parts[market] == 0

    def test_a_hedge_has_a_negative_part(self):
        cov = np.array([[1e-4, 0.8e-4], [0.8e-4, 1e-4]])
        pair = VarModel(cov, np.array([0.01, 0.01]), np.zeros((0, 2)))
        found = parametric(pair, np.array([1.0, -0.5]), 1)
        assert found.var_parts[1] < 0 < found.var_parts[0]


class TestShortfall:
    def test_historical_is_the_mean_of_the_worst_by_hand(self):
        """Of 300 returns -300..-1 bp the third worst is the VaR, 299 bp the mean of three."""
        one = VarModel(np.eye(1), np.array([1e-4]), -np.arange(1, 301, dtype=float)[:, None])
        found = historical(one, np.array([1.0]), 1)
        assert (found.var, found.shortfall) == (pytest.approx(0.0298), pytest.approx(0.0299))

    @given(exposures, st.integers(1, 25), st.integers(0, 500))
    def test_historical_by_brute_force(self, exposure, horizon, seed):
        made = model(seed)
        scenarios = sorted(
            float((made.standardised[k : k + horizon] * made.sigma_daily @ exposure).sum())
            for k in range(600 - horizon + 1)
        )
        count = int(0.01 * len(scenarios))
        expected = max(-np.mean(scenarios[:count]), -scenarios[count - 1], 0.0)
        assert historical(made, exposure, horizon).shortfall == pytest.approx(expected, abs=1e-12)

    def test_parametric_matches_the_normal_formula(self):
        one = VarModel(np.array([[1e-4]]), np.array([0.01]), np.zeros((0, 1)))
        expected = 0.01 * norm.pdf(norm.ppf(0.99)) / 0.01
        assert parametric(one, np.array([1.0]), 1).shortfall == pytest.approx(expected)

    def test_an_empty_book_has_none(self):
        for measure in (parametric, historical, binding):
            found = measure(model(), np.zeros(N), 20)
            assert (found.var, found.shortfall) == (0.0, 0.0)
            assert not found.var_parts.any()

    def test_a_short_history_is_unknown_and_the_parametric_one_binds(self):
        made = model(rows=30)
        assert np.isnan(historical(made, np.ones(N), 20).var)
        assert binding(made, np.ones(N), 20).var == made.parametric(np.ones(N), 20)

    def test_an_input_that_is_no_number_is_infinite_and_not_divided(self):
        made = model()
        broken = VarModel(made.cov_daily * np.nan, made.sigma_daily, made.standardised)
        found = parametric(broken, np.ones(N), 1)
        assert found.var == np.inf
        assert np.isnan(found.var_parts).all()


class TestBootstrapLaw:
    def test_is_what_samples_estimate(self):
        rng = np.random.default_rng(0)
        profit = 0.01 * rng.standard_t(4, 756)
        sums = profit[rng.integers(0, 756, (400_000, 20))].sum(axis=1)
        expected = -np.quantile(sums, 0.01)
        assert ProfitLaw(profit, 20).var(0.99) == pytest.approx(expected, rel=0.01)

    def test_two_values_are_binomial(self):
        """19 of 20 draws lose with chance 1/4 each: the law of coins."""
        law = ProfitLaw(np.array([-1.0, 1.0, 1.0, 1.0]), 2)
        assert law.var(0.95) == pytest.approx(2.0, abs=1e-3)  # P(-2) = 1/16 > 5 %
        assert law.var(0.90) == pytest.approx(0.0, abs=1e-3)  # P(-2) + P(0) = 7/16

    def test_is_near_the_root_of_the_horizon_where_the_law_is_normal(self):
        profit = norm.ppf((np.arange(2000) + 0.5) / 2000)
        assert ProfitLaw(profit, 20).var(0.99) == pytest.approx(2.3263 * np.sqrt(20), rel=0.01)

    @given(st.floats(1e-6, 1e6), st.integers(1, 60))
    def test_is_homogeneous(self, factor, horizon):
        profit = np.random.default_rng(1).standard_t(3, 300)
        expected = factor * ProfitLaw(profit, horizon).var(0.99)
        assert ProfitLaw(factor * profit, horizon).var(0.99) == pytest.approx(expected)

    @given(st.integers(0, 10**6), st.integers(2, 40))
    def test_weights_sum_to_the_horizon_and_give_the_quantile_back(self, seed, horizon):
        profit = np.random.default_rng(seed).standard_t(4, 400)
        law = ProfitLaw(profit, horizon)
        at, beyond = law.tail_weights(0.99)
        assert at.sum() == pytest.approx(horizon)
        assert beyond.sum() == pytest.approx(horizon)
        assert -at @ profit == pytest.approx(law.var(0.99), rel=0.01)
        assert -beyond @ profit > law.var(0.99)

    def test_equal_profits(self):
        assert ProfitLaw(np.full(9, -0.5), 4).var(0.99) == 2.0
        assert ProfitLaw(np.full(9, 0.5), 4).var(0.99) == 0.0

    def test_losses_before_most_of_the_book_was_listed_are_not_forgotten(self):
        z = np.random.default_rng(0).standard_normal((756, 2))
        z[:500, 1] = 0.0
        z[:8, 0] = -40.0
        cov, sigma = np.diag([1e-4, 1e-4]), np.full(2, 0.01)
        made = VarModel(cov, sigma, z, horizon_law="bootstrap")
        calm = z.copy()
        calm[:8, 0] = 0.0
        without = VarModel(cov, sigma, calm, horizon_law="bootstrap")
        exposure = np.array([0.1, 1.0])
        assert made.historical(exposure, 20) > without.historical(exposure, 20)

    def test_an_unknown_law_is_refused(self):
        with pytest.raises(ValueError, match="horizon_law is 'sums'"):
            VarModel(np.eye(1), np.ones(1), np.zeros((0, 1)), horizon_law="sums")
