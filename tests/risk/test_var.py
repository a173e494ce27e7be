import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import t as student

from risk.var import VarModel, quantile

N = 4
Z99 = 2.3263478740408408  # quantile of the normal law, from tables
exposures = arrays(float, N, elements=st.floats(-4, 4).map(lambda x: 0.0 if abs(x) < 1e-6 else x))


def model(seed=0, rows=600, confidence=0.99, minimum=250):
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((N, N + 3))
    moment = root @ root.T
    scale = np.sqrt(np.diagonal(moment))
    sigma = rng.uniform(0.003, 0.02, N)
    cov = moment / np.outer(scale, scale) * np.outer(sigma, sigma)
    return VarModel(cov, sigma, rng.standard_t(4, (rows, N)), confidence, minimum)


class TestParametric:
    def test_by_hand(self):
        """Exposure 2 at 1 % a day over 20 days: 2.3263 x 2 x 0.01 x 4.4721 = 20.81 %."""
        one = VarModel(np.array([[1e-4]]), np.array([0.01]), np.zeros((0, 1)))
        assert one.parametric(np.array([2.0]), 20) == pytest.approx(Z99 * 0.02 * np.sqrt(20))
        assert one.parametric(np.array([-2.0]), 20) == pytest.approx(0.2081, abs=1e-4)

    def test_two_hedged_markets_by_hand(self):
        cov = np.array([[1e-4, 0.8e-4], [0.8e-4, 1e-4]])
        pair = VarModel(cov, np.array([0.01, 0.01]), np.zeros((0, 2)))
        expected = Z99 * np.sqrt(0.4e-4)
        assert pair.parametric(np.array([1.0, -1.0]), 1) == pytest.approx(expected)

    @given(exposures, st.integers(1, 60))
    def test_grows_with_the_root_of_the_horizon(self, exposure, horizon):
        one, many = model().parametric(exposure, 1), model().parametric(exposure, horizon)
        assert many == pytest.approx(one * np.sqrt(horizon))

    @pytest.mark.parametrize(("confidence", "z"), [(0.95, 1.6448536), (0.99, Z99)])
    def test_quantile_follows_the_confidence(self, confidence, z):
        one = VarModel(np.array([[1e-4]]), np.array([0.01]), np.zeros((0, 1)), confidence)
        assert one.parametric(np.array([1.0]), 1) == pytest.approx(0.01 * z, rel=1e-6)

    @pytest.mark.parametrize(("degrees", "table"), [(3, 4.541), (6, 3.143), (30, 2.457)])
    def test_fat_tails_use_the_tabulated_quantile_of_students_t(self, degrees, table):
        """Printed tables of t at 99 %, brought to unit variance."""
        one = VarModel(np.array([[1e-4]]), np.array([0.01]), np.zeros((0, 1)), tail=degrees)
        expected = 0.01 * table * np.sqrt((degrees - 2) / degrees)
        assert one.parametric(np.array([1.0]), 1) == pytest.approx(expected, rel=2e-4)

    def test_many_degrees_of_freedom_are_the_normal_law(self):
        assert quantile(0.99, 1e6) == pytest.approx(quantile(0.99, 0.0), rel=1e-4)

    @pytest.mark.parametrize("tail", [2.0, 1.0, -3.0])
    def test_tails_without_a_variance_are_refused(self, tail):
        with pytest.raises(ValueError, match="tail is"):
            quantile(0.99, tail)

    def test_monte_carlo(self):
        rng = np.random.default_rng(1)
        made = model(3)
        exposure = np.array([1.0, -0.5, 2.0, 0.3])
        losses = -rng.multivariate_normal(np.zeros(N), made.cov_daily, 200_000) @ exposure
        assert made.parametric(exposure, 1) == pytest.approx(np.quantile(losses, 0.99), rel=0.02)


class TestHistorical:
    @given(exposures, st.integers(1, 25), st.integers(0, 500))
    def test_lies_between_the_worst_and_numpys_lower_quantile_of_the_scenarios(
        self, exposure, horizon, seed
    ):
        made = model(seed)
        scenarios = [
            float((made.standardised[k : k + horizon] * made.sigma_daily @ exposure).sum())
            for k in range(600 - horizon + 1)
        ]
        ordered = np.sort(scenarios)
        rank = int(0.01 * len(ordered))  # the worse neighbour of the 1 % quantile
        expected = max(-ordered[rank - 1], 0.0)
        found = made.historical(exposure, horizon)
        assert found == pytest.approx(expected, abs=1e-12)
        assert found >= -np.quantile(ordered, 0.01) - 1e-12

    def test_by_hand(self):
        """Of 300 returns -300..-1 bp the 1 % quantile's worse neighbour is the third worst."""
        rows = -np.arange(1, 301, dtype=float)[:, None]
        one = VarModel(np.eye(1), np.array([1e-4]), rows)
        assert one.historical(np.array([1.0]), 1) == pytest.approx(0.0298)
        assert one.historical(np.array([-1.0]), 1) == 0.0  # every scenario gains

    @pytest.mark.parametrize(("rows", "known"), [(249, False), (250, True)])
    def test_needs_enough_sessions(self, rows, known):
        assert np.isfinite(model(rows=rows).historical(np.ones(N), 5)) == known

    def test_scales_past_shocks_to_todays_volatility(self):
        made = model()
        louder = VarModel(made.cov_daily, made.sigma_daily * 3, made.standardised)
        exposure = np.array([1.0, 0.5, -1.0, 0.2])
        found = louder.historical(exposure, 10)
        assert found == pytest.approx(3 * made.historical(exposure, 10))


class TestBoth:
    @given(exposures, st.floats(0.0, 50.0), st.integers(1, 20))
    def test_homogeneous_and_so_monotone_in_leverage(self, exposure, factor, horizon):
        made = model(5)
        for measure in (made.parametric, made.historical, made.binding, made.expected_shortfall):
            found = measure(exposure * factor, horizon)
            assert found == pytest.approx(factor * measure(exposure, horizon), abs=1e-12)

    @given(exposures)
    def test_the_larger_binds(self, exposure):
        made = model(2)
        parametric, historical = made.both(exposure, 20)
        assert made.binding(exposure, 20) == max(parametric, historical)

    def test_the_parametric_one_binds_while_history_is_short(self):
        made = model(rows=30)
        assert made.binding(np.ones(N), 20) == made.parametric(np.ones(N), 20)

    @given(exposures.filter(np.any), st.integers(1, 20))
    def test_expected_shortfall_is_above_the_var(self, exposure, horizon):
        made = model(4)
        assert made.expected_shortfall(exposure, horizon) > made.parametric(exposure, horizon)

    def test_expected_shortfall_is_the_mean_loss_beyond_the_var(self):
        one = VarModel(np.array([[1e-4]]), np.array([0.01]), np.zeros((0, 1)))
        losses = np.sort(0.01 * np.random.default_rng(0).standard_normal(2_000_000))[-20_000:]
        found = one.expected_shortfall(np.array([1.0]), 1)
        assert found == pytest.approx(losses.mean(), rel=0.005)

    @pytest.mark.parametrize("tail", [3.0, 6.0, 20.0])
    def test_expected_shortfall_with_fat_tails_is_the_mean_loss_beyond(self, tail):
        one = VarModel(np.array([[1e-4]]), np.array([0.01]), np.zeros((0, 1)), tail=tail)
        scale = 0.01 * np.sqrt((tail - 2) / tail)
        levels = 0.99 + (np.arange(200_000) + 0.5) / 200_000 * 0.01
        mean = np.mean(student.ppf(levels, tail)) * scale
        assert one.expected_shortfall(np.array([1.0]), 1) == pytest.approx(mean, rel=2e-3)

    def test_an_empty_portfolio_has_no_risk(self):
        assert model().binding(np.zeros(N), 20) == 0.0
        assert model().expected_shortfall(np.zeros(N), 20) == 0.0

    def test_a_parametric_figure_that_is_not_a_number_is_not_replaced(self):
        made = model()
        broken = VarModel(np.full((N, N), np.nan), made.sigma_daily, made.standardised)
        assert broken.binding(np.ones(N), 20) == np.inf
