import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from portfolio.risk_parity import risk_parity
from tests.portfolio.figures import COV

seeds = st.integers(0, 10**6)


def random_cov(seed, n, factors=4):
    rng = np.random.default_rng(seed)
    loading = rng.standard_normal((n, factors))
    moment = loading @ loading.T + np.diag(rng.uniform(0.2, 2.0, n))
    scale = np.sqrt(np.diagonal(moment))
    sigma = np.exp(rng.uniform(np.log(0.0015), np.log(0.72), n))
    return moment / np.outer(scale, scale) * np.outer(sigma, sigma)


def spread(cov, weights, budgets):
    used = budgets > 0
    ratio = (weights * (cov @ weights))[used] / budgets[used]
    return np.ptp(ratio) / ratio.mean()


class TestFigures:
    @pytest.mark.parametrize("rho", [-0.9, 0.0, 0.5, 0.99])
    def test_two_assets_have_inverse_volatility_weights(self, rho):
        cov = np.array([[0.04, rho * 0.02], [rho * 0.02, 0.01]])
        assert risk_parity(cov).weights == pytest.approx([1 / 3, 2 / 3], rel=1e-12)

    def test_two_assets_with_budgets(self):
        cov = np.array([[0.04, 0.006], [0.006, 0.01]])
        found = risk_parity(cov, np.array([0.7, 0.3]))
        ratio = 7 / 3
        x = (-0.3 * (1 - ratio) + np.sqrt(0.09 * (1 - ratio) ** 2 + 4 * ratio)) / 2
        closed = np.array([x / 0.2, 1 / 0.1])
        assert found.weights == pytest.approx(closed / closed.sum(), rel=1e-12)
        assert found.weights == pytest.approx([0.4653210819774425, 0.5346789180225575], rel=1e-12)

    def test_five_assets_long(self):
        found = risk_parity(COV)
        assert found.weights == pytest.approx(
            [
                0.5387346384033036,
                0.1240562708303349,
                0.08538591487053918,
                0.1886677367138144,
                0.06315543918200793,
            ],
            rel=1e-11,
        )
        vol = np.sqrt(found.weights @ COV @ found.weights)
        assert vol == pytest.approx(0.056131897514408, rel=1e-11)

    def test_five_assets_on_both_sides(self):
        found = risk_parity(COV, signs=np.array([1.0, -1.0, 1.0, 1.0, -1.0]))
        assert found.weights == pytest.approx(
            [
                0.3343639117492909,
                -0.1992027883704533,
                0.1762318124033615,
                0.209013643683498,
                -0.08118784379339634,
            ],
            rel=1e-11,
        )
        vol = np.sqrt(found.weights @ COV @ found.weights)
        assert vol == pytest.approx(0.042155969364535, rel=1e-11)

    def test_five_assets_with_budgets(self):
        found = risk_parity(COV, np.array([0.4, 0.2, 0.2, 0.1, 0.1]))
        assert found.weights == pytest.approx(
            [
                0.6631266357416923,
                0.1199417085666781,
                0.08054538622674531,
                0.101491048293891,
                0.03489522117099323,
            ],
            rel=1e-11,
        )

    def test_a_general_minimiser_finds_the_same(self):
        cov = random_cov(1, 6)
        scale = np.diagonal(cov).mean()

        def objective(x):
            w = np.exp(x)
            return 0.5 * w @ cov @ w / scale - x.mean()

        start = np.log(1.0 / np.sqrt(np.diagonal(cov)))
        x = minimize(objective, start, method="BFGS", options={"gtol": 1e-10}).x
        other = np.exp(x) / np.exp(x).sum()
        assert risk_parity(cov).weights == pytest.approx(other, rel=1e-4)


class TestProperties:
    @given(seeds, st.integers(1, 60))
    def test_contributions_on_both_sides_are_equal_to_1e_10(self, seed, n):
        cov = random_cov(seed, n)
        signs = np.random.default_rng(seed).choice([-1.0, 1.0], n)
        found = risk_parity(cov, signs=signs)
        assert spread(cov, found.weights, np.ones(n)) <= 1e-10
        assert found.spread <= 1e-10
        assert found.steps <= 12
        assert np.all(np.sign(found.weights) == signs)
        assert np.abs(found.weights).sum() == pytest.approx(1.0)

    @given(seeds)
    def test_tiny_budgets(self, seed):
        rng = np.random.default_rng(seed)
        cov = random_cov(seed, 30)
        budgets = np.exp(rng.uniform(np.log(1e-6), 0.0, 30))
        found = risk_parity(cov, budgets, rng.choice([-1.0, 1.0], 30))
        assert spread(cov, found.weights, budgets) <= 1e-8  # rounding: 1e-16 over 1e-6 and more
        assert found.steps <= 20

    @given(seeds, st.floats(1e-3, 1e3))
    def test_scale_of_the_covariance_does_not_matter(self, seed, scale):
        cov = random_cov(seed, 8)
        one = risk_parity(cov).weights
        assert risk_parity(scale * cov).weights == pytest.approx(one, rel=1e-9)

    @pytest.mark.parametrize("correlation", [0.999, 0.99999, 1.0])
    def test_near_duplicates(self, correlation):
        cov = random_cov(5, 20)
        sigma = np.sqrt(np.diagonal(cov))
        cov[1] = cov[:, 1] = correlation * cov[0] * sigma[1] / sigma[0]
        cov[1, 1] = sigma[1] ** 2
        found = risk_parity(cov, signs=np.resize([1.0, 1.0, -1.0], 20))
        assert found.shrunk == 0
        assert spread(cov, found.weights, np.ones(20)) <= 1e-10


class TestDefinedResults:
    def test_one_market(self):
        found = risk_parity(np.array([[0.04]]), signs=np.array([-1.0]))
        assert found.weights.tolist() == [-1.0]
        assert found.spread == 0

    def test_markets_without_volatility_budget_or_side_have_no_weight(self):
        cov = COV.copy()
        cov[0] = cov[:, 0] = 0.0
        found = risk_parity(
            cov, np.array([1.0, 0.0, 1.0, 1.0, 1.0]), np.array([1.0, 1.0, 0.0, -1.0, 1.0])
        )
        assert np.flatnonzero(found.weights).tolist() == [3, 4]
        cov[4, 4] = np.nan
        assert np.flatnonzero(risk_parity(cov).weights).tolist() == [1, 2, 3]

    def test_nothing_to_hold(self):
        found = risk_parity(np.zeros((3, 3)))
        assert not found.weights.any()
        assert np.isnan(found.spread)

    def test_a_portfolio_without_risk_has_no_parity_so_correlations_are_shrunk(self):
        cov = np.array([[0.04, -0.02], [-0.02, 0.01]])
        found = risk_parity(cov)
        assert found.shrunk > 0
        assert found.weights == pytest.approx([1 / 3, 2 / 3], rel=1e-6)

    def test_an_indefinite_matrix_gives_weights_and_says_what_it_took(self):
        for seed in range(30):
            rng = np.random.default_rng(seed)
            corr = rng.uniform(-1, 1, (8, 8))
            corr = (corr + corr.T) / 2
            np.fill_diagonal(corr, 1.0)
            assert np.linalg.eigvalsh(corr)[0] < 0
            found = risk_parity(corr)
            used = corr * (1 - found.shrunk) + found.shrunk * np.eye(8)
            assert spread(used, found.weights, np.ones(8)) <= 1e-6
            assert np.all(found.weights > 0)

    def test_correlations_that_are_not_numbers_count_as_none(self):
        cov = COV.copy()
        cov[0, 1] = cov[1, 0] = np.nan
        found = risk_parity(cov)
        assert found.shrunk > 0
        assert np.all(found.weights > 0)

    @pytest.mark.parametrize("value", [-0.1, np.nan])
    def test_impossible_budgets_are_refused(self, value):
        with pytest.raises(ValueError, match="budget 1 is"):
            risk_parity(COV, np.array([1.0, value, 1.0, 1.0, 1.0]))
