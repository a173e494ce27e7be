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


def young(z, start, exposure, sigma=0.01, rho=0.0):
    """Model of returns of which those of some markets before ``start`` are missing."""
    n = z.shape[1]
    correlation = np.full((n, n), rho)
    np.fill_diagonal(correlation, 1.0)
    rows = z.copy()
    for market, row in enumerate(np.broadcast_to(start, n)):
        rows[:row, market] = 0.0
    return VarModel(correlation * sigma**2, np.full(n, sigma), rows), np.asarray(exposure, float)


def with_zeros(made, exposure, horizon):
    """The quantile that the missing rows thin out."""
    profit = made.standardised @ (exposure * made.sigma_daily)
    sums = np.convolve(profit, np.ones(horizon), "valid")
    return max(-np.sort(sums)[max(int(0.01 * len(sums)) - 1, 0)], 0.0)


class TestYoungMarkets:
    """Rows before a market was listed are zeros, which must not thin out the tail."""

    @pytest.mark.parametrize("horizon", [1, 5, 20])
    def test_repeated_history_gives_the_same_var_with_half_of_it(self, horizon):
        """The second half is the first again: nothing is lost with it."""
        half = np.random.default_rng(0).standard_t(4, (378, 1))
        full, exposure = young(np.concatenate((half, half)), 0, [1.0])
        part, _ = young(np.concatenate((half, half)), 378, [1.0])
        found, expected = (m.historical(exposure, horizon) for m in (part, full))
        assert 0.9 * expected <= found <= 1.25 * expected
        assert with_zeros(part, exposure, horizon) < found

    @pytest.mark.parametrize("horizon", [1, 20])
    @pytest.mark.parametrize("share", [0.5, 0.75])
    @pytest.mark.parametrize(
        ("exposure", "rho"), [([1, 0, 0, 0], 0.3), ([1, 1, 1, 1], 0.3), ([1, 1, -1, 0.5], 0.5)]
    )
    def test_on_average_as_with_all_the_history(self, horizon, share, exposure, rho):
        """Three of four markets are young; 200 histories with fat tails."""
        start = np.array([1, 1, 1, 0]) * int(756 * (1 - share))
        found, expected, thinned = [], [], []
        root = np.linalg.cholesky(np.full((4, 4), rho) + (1 - rho) * np.eye(4))
        for seed in range(200):
            z = np.random.default_rng(seed).standard_t(5, (756, 4)) * np.sqrt(0.6) @ root.T
            part, e = young(z, start, exposure, rho=rho)
            found.append(part.historical(e, horizon))
            expected.append(young(z, 0, exposure, rho=rho)[0].historical(e, horizon))
            thinned.append(with_zeros(part, e, horizon))
        assert 0.95 <= np.mean(found) / np.mean(expected) <= 1.25
        assert np.mean(found) > np.mean(thinned) * 1.02

    @given(exposures.filter(np.any), st.integers(1, 20), st.integers(0, 500))
    def test_with_full_history_nothing_changes(self, exposure, horizon, seed):
        made = model(seed)
        assert not made.listed.any()
        assert made.historical(exposure, horizon) == pytest.approx(
            with_zeros(made, exposure, horizon), abs=1e-12
        )

    @given(exposures.filter(np.any), st.integers(0, 500))
    def test_a_young_market_that_is_not_held_changes_nothing(self, exposure, seed):
        z = np.random.default_rng(seed).standard_normal((400, N))
        exposure[1] = 0.0
        part, _ = young(z, [0, 300, 0, 0], exposure)
        full, _ = young(z, 0, exposure)
        assert part.historical(exposure, 10) == full.historical(exposure, 10)

    @given(st.integers(0, 10), exposures)
    def test_days_closed_at_the_start_of_the_window_are_no_listing(self, rows, exposure):
        z = np.random.default_rng(1).standard_normal((400, N))
        made, _ = young(z, rows, exposure)
        assert not made.listed.any()

    def test_listed_is_the_row_of_the_first_return(self):
        z = np.random.default_rng(1).standard_normal((400, N))
        made, _ = young(z, [0, 11, 399, 400], np.ones(N))
        assert made.listed.tolist() == [0, 11, 399, 400]

    @given(exposures, st.lists(st.integers(0, 500), min_size=N, max_size=N), st.integers(0, 500))
    def test_one_day_var_is_never_below_that_of_the_zeros(self, exposure, start, seed):
        z = np.random.default_rng(seed).standard_t(3, (500, N))
        made, _ = young(z, start, exposure, rho=0.4)
        assert made.historical(exposure, 1) >= with_zeros(made, exposure, 1) - 1e-15

    def test_a_loss_before_most_of_the_book_was_listed_is_not_forgotten(self):
        z = np.random.default_rng(0).standard_normal((756, N))
        z[:4, 0] = -400.0
        made, exposure = young(z, [0, 500, 500, 500], [0.02, 1, 1, 1])
        assert made.historical(exposure, 1) >= 400 * 0.02 * 0.01

    def test_half_of_the_risk_young_by_hand(self):
        """Two equal uncorrelated markets: the older one's early days count 1.4142 times."""
        z = np.zeros((400, 2))
        z[:, 0] = np.where(np.arange(400) % 2, 1.0, -1.0)
        z[100:104, 0] = -5.0
        z[200:, 1] = z[200:, 0] * 0.5
        made, exposure = young(z, [0, 200], [1.0, 1.0])
        assert made.historical(exposure, 1) == pytest.approx(0.05 * np.sqrt(2))

    def test_days_before_the_hedge_was_listed_are_not_scaled_down(self):
        """The hedge takes the volatility to 0.447 of the unhedged one; losses before it stay."""
        z = np.random.default_rng(0).standard_normal((400, 2))
        z[:100, 0] *= 3.0
        z[300:, 1] = z[300:, 0]
        made, exposure = young(z, [0, 300], [1.0, -1.0], rho=0.9)
        unhedged = young(z[:, :1], 0, [1.0])
        expected = unhedged[0].historical(unhedged[1], 1)
        assert made.historical(exposure, 1) == pytest.approx(expected)

    def test_no_history_at_all_is_no_loss_but_leaves_the_parametric_figure(self):
        made, exposure = young(np.zeros((400, 1)), 0, [1.0])
        assert made.historical(exposure, 20) == 0.0
        assert made.binding(exposure, 20) == made.parametric(exposure, 20) > 0

    @pytest.mark.parametrize("entry", [np.inf, -np.inf, np.nan])
    @pytest.mark.parametrize("hedge", [1.0, -1.0])
    def test_a_covariance_without_bounds_fails_closed_whatever_the_sides(self, entry, hedge):
        cov = np.array([[1e-4, entry], [entry, 1e-4]])
        past = np.random.default_rng(0).standard_normal((300, 2))
        model = VarModel(cov, np.full(2, 0.01), past)
        assert model.binding(np.array([1.0, hedge]), 20) == np.inf

    def test_a_covariance_that_is_not_a_number_fails_closed(self):
        made, exposure = young(np.random.default_rng(0).standard_normal((400, 2)), [0, 99], [1, 1])
        broken = VarModel(made.cov_daily * np.nan, made.sigma_daily, made.standardised)
        assert broken.historical(exposure, 20) == np.inf

    @given(exposures, st.floats(0.1, 50.0), st.integers(1, 20))
    def test_is_homogeneous(self, exposure, factor, horizon):
        z = np.random.default_rng(2).standard_t(4, (500, N))
        made, _ = young(z, [0, 100, 300, 450], exposure, rho=0.3)
        found = made.historical(exposure * factor, horizon)
        assert found == pytest.approx(factor * made.historical(exposure, horizon), abs=1e-12)


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
