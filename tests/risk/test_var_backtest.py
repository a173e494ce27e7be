import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from risk.var_backtest import (
    backtest,
    compare,
    exceptions,
    exponential_normal,
    horizon_backtest,
    plain_historical,
    quantile_loss,
)

Z99 = 2.3263478740408408


class TestExceptions:
    def test_by_hand(self):
        """A loss at the VaR is none; without a VaR nothing is tested; a gain never counts."""
        result = np.array([-0.02, -0.010, -0.03, 0.05, -0.9, -0.9])
        var = np.array([0.01, 0.010, 0.03, 0.01, np.nan, 0.0])
        assert exceptions(result, var).tolist() == [True, False, False, False, False, False]
        found = backtest(result, var, 0.99)
        assert (found.sessions, found.exceptions) == (4, 1)
        assert found.expected == pytest.approx(0.04)

    def test_lengths_that_differ_are_refused(self):
        with pytest.raises(ValueError, match="result has shape"):
            exceptions(np.zeros(3), np.zeros(4))

    def test_nothing_held_is_untested(self):
        found = backtest(np.zeros(5), np.zeros(5), 0.99)
        assert (found.sessions, found.zone) == (0, "untested")
        assert np.isnan([found.proportion.exact, found.joint.exact, found.loss]).all()

    @given(st.integers(0, 10**6), st.floats(1.0, 3.0))
    def test_a_larger_var_never_has_more_exceptions(self, seed, factor):
        rng = np.random.default_rng(seed)
        result, var = rng.standard_t(3, 400) * 0.01, rng.uniform(0.01, 0.02, 400)
        before, after = exceptions(result, var), exceptions(result, var * factor)
        assert not np.any(after & ~before)

    def test_the_right_model_passes_and_one_at_half_does_not(self):
        result = 0.01 * np.random.default_rng(3).standard_normal(2000)
        right = backtest(result, np.full(2000, 0.01 * Z99), 0.99)
        assert right.zone == "green"
        assert min(right.proportion.exact, right.joint.exact) > 0.05
        half = backtest(result, np.full(2000, 0.005 * Z99), 0.99)
        assert half.zone == "red"
        assert half.joint.exact < 1e-10


class TestQuantileLoss:
    def test_by_hand(self):
        loss = quantile_loss(np.array([-0.03, 0.01]), np.array([0.02, 0.02]), 0.99)
        assert loss == pytest.approx([0.99 * 0.01, 0.01 * 0.03])

    def test_the_true_quantile_has_the_least_mean(self):
        result = np.random.default_rng(0).standard_normal(200_000)
        levels = np.linspace(1.8, 2.9, 23)
        means = [quantile_loss(result, np.full(len(result), v), 0.99).mean() for v in levels]
        assert levels[int(np.argmin(means))] == pytest.approx(Z99, abs=0.08)

    def test_is_never_negative(self):
        rng = np.random.default_rng(1)
        assert quantile_loss(rng.standard_normal(999), rng.uniform(0, 3, 999), 0.99).min() >= 0


class TestAlternatives:
    @pytest.mark.parametrize("rule", [plain_historical, exponential_normal])
    def test_know_nothing_of_their_own_session(self, rule):
        result = np.random.default_rng(2).standard_normal(400) * 0.01
        changed = result.copy()
        changed[300:] = 5.0
        assert np.array_equal(rule(result, 0.99)[:301], rule(changed, 0.99)[:301], equal_nan=True)
        assert np.isnan(rule(result, 0.99)[:250]).all()
        assert np.isfinite(rule(result, 0.99)[250:]).all()

    def test_historical_is_the_second_worst_of_250(self):
        result = -np.arange(1.0, 252.0)
        assert plain_historical(result, 0.99)[250] == 249.0

    def test_exponential_by_hand(self):
        result = np.full(252, 0.01)
        result[250] = 0.02
        expected = norm.ppf(0.99) * np.sqrt(0.94 * 0.01**2 + 0.06 * 0.02**2)
        assert exponential_normal(result, 0.99)[251] == pytest.approx(expected)

    def test_the_model_that_knows_tomorrows_volatility_is_better(self):
        rng = np.random.default_rng(6)
        sigma = np.where(rng.random(4000) < 0.2, 0.03, 0.01)
        result = sigma * rng.standard_normal(4000)
        for one in compare(result, Z99 * sigma, 0.99):
            assert one.sessions == 3750
            assert one.ours < one.alternative
            assert one.difference == pytest.approx(one.ours - one.alternative)
            assert one.t_value < -2

    def test_a_run_too_short_to_compare(self):
        for one in compare(np.zeros(10), np.ones(10), 0.99):
            assert one.sessions == 0
            assert np.isnan([one.ours, one.t_value]).all()


class TestHorizon:
    def test_windows_do_not_overlap(self):
        result = np.full(60, -0.01)
        found = horizon_backtest(result, np.full(60, 0.15), 0.99, 20)
        assert (found.windows, found.exceptions) == (3, 3)
        assert found.overlapping == 1.0
        assert horizon_backtest(result, np.full(60, 0.21), 0.99, 20).exceptions == 0

    def test_one_session_is_the_daily_test(self):
        rng = np.random.default_rng(7)
        result, var = 0.01 * rng.standard_normal(500), np.full(500, 0.02)
        found = horizon_backtest(result, var, 0.99, 1)
        assert found.windows == 500
        assert found.exceptions == exceptions(result, var).sum()

    def test_the_interval_covers_the_true_share(self):
        rng = np.random.default_rng(8)
        covered = 0
        for seed in range(60):
            result = 0.01 * rng.standard_normal(5000)
            var = np.full(5000, 0.01 * np.sqrt(20) * norm.ppf(0.95))
            found = horizon_backtest(result, var, 0.95, 20, samples=300, seed=seed)
            covered += found.low <= 0.05 <= found.high
        assert covered >= 50

    @pytest.mark.parametrize("sessions", [0, 5, 19])
    def test_fewer_sessions_than_the_horizon(self, sessions):
        found = horizon_backtest(np.zeros(sessions), np.zeros(sessions), 0.99, 20)
        assert found.windows == 0
        assert np.isnan(found.low)

    def test_a_horizon_of_none_is_refused(self):
        with pytest.raises(ValueError, match="horizon is 0"):
            horizon_backtest(np.zeros(9), np.zeros(9), 0.99, 0)
