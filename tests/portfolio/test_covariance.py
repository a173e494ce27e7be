import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.covariance import LedoitWolf

from portfolio.covariance import (
    CLIP,
    PRIOR_SESSIONS,
    Correlation,
    ReturnWindow,
    covariance,
    diversification_ratio,
    portfolio_vol,
    risk_contributions,
)

CLASSES = ["equity", "equity", "bond", "bond", "energy"]
METHODS = ("ewma", "ledoit_wolf", "block_diagonal")


def histories(seed, rows=160, n=5, *, closed=0.1, late=True):
    """Correlated standardised returns with closed days and markets that are listed late."""
    rng = np.random.default_rng(seed)
    loading = rng.standard_normal((n, 3))
    z = rng.standard_normal((rows, 3)) @ loading.T + rng.standard_t(3, (rows, n))
    z /= z.std(axis=0)
    seen = rng.random((rows, n)) >= closed
    if late:
        seen &= np.arange(rows)[:, None] >= rng.integers(0, rows + 20, n)
    return np.where(seen, z, 0.0), seen


def estimate(z, seen, method="ewma", classes=CLASSES, **options):
    correlation = Correlation(classes, method, **options)
    window = ReturnWindow(z.shape[1], max(len(z), 2))
    for row, mask in zip(z, seen, strict=True):
        correlation.update(row, mask)
        window.push(row)
    return correlation.matrix(window)


def lowest_eigenvalue(matrix):
    return float(np.linalg.eigvalsh(matrix)[0])


class TestReturnWindow:
    @given(st.integers(1, 12), st.integers(0, 40))
    def test_holds_the_newest_rows_oldest_first(self, length, pushes):
        window = ReturnWindow(2, length)
        rows = [np.array([float(k), -float(k)]) for k in range(pushes)]
        for row in rows:
            window.push(row)
        expected = np.array(rows[-length:]) if rows else np.zeros((0, 2))
        np.testing.assert_array_equal(window.rows(), expected)

    @given(st.integers(1, 12), st.integers(0, 40), st.integers(1, 20))
    def test_fewer_rows_are_the_newest_of_them(self, length, pushes, last):
        window = ReturnWindow(1, length)
        for k in range(pushes):
            window.push(np.array([float(k)]))
        kept = list(range(pushes))[-length:][-last:]
        np.testing.assert_array_equal(window.rows(last)[:, 0], kept)


class TestCorrelation:
    @pytest.mark.parametrize("method", METHODS)
    @given(st.integers(0, 10**6))
    def test_is_positive_semi_definite_with_unit_diagonal(self, method, seed):
        z, seen = histories(seed)
        for rows in (1, 8, 25, 160):
            matrix = estimate(z[:rows], seen[:rows], method)
            assert lowest_eigenvalue(matrix) >= -1e-10
            np.testing.assert_array_equal(np.diagonal(matrix), 1.0)
            np.testing.assert_allclose(matrix, matrix.T, atol=1e-15)
            assert np.abs(matrix).max() <= 1.0 + 1e-12

    def test_before_any_return_markets_are_uncorrelated(self):
        matrix = estimate(np.zeros((0, 5)), np.zeros((0, 5), dtype=bool))
        np.testing.assert_array_equal(matrix, np.eye(5))

    def test_ewma_equals_the_weighted_sum(self):
        z, seen = histories(3, rows=300, late=False)
        decay = 1 - 2 / 251
        moment = np.zeros((5, 5))
        for age, row in enumerate(np.clip(z[::-1], -CLIP, CLIP)):
            moment += decay**age * row[:, None] * row[None, :]
        scale = np.sqrt(np.diagonal(moment))
        expected = moment / scale[:, None] / scale[None, :]
        n = seen.sum(axis=0)
        share = np.sqrt(n / (n + PRIOR_SESSIONS))
        expected = expected * share[:, None] * share[None, :]
        np.fill_diagonal(expected, 1.0)
        np.testing.assert_allclose(estimate(z, seen, span=250), expected, atol=1e-12)

    def test_ledoit_wolf_equals_scikit_learn(self):
        z, seen = histories(4, rows=300, late=False, closed=0.0)
        found = estimate(z, seen, "ledoit_wolf", window=252, every=1)
        raw = LedoitWolf(assume_centered=True).fit(np.clip(z[-252:], -5, 5)).covariance_
        share = 300 / (300 + PRIOR_SESSIONS)  # sqrt(share) on either side
        expected = share * raw / np.sqrt(np.outer(np.diagonal(raw), np.diagonal(raw)))
        off = ~np.eye(5, dtype=bool)
        np.testing.assert_allclose(found[off], expected[off], atol=1e-12)

    def test_ledoit_wolf_is_estimated_again_only_when_due(self):
        z, seen = histories(5, rows=100, late=False, closed=0.0)
        correlation, window = Correlation(CLASSES, "ledoit_wolf", every=5), ReturnWindow(5, 100)
        found = []
        for row, mask in zip(z, seen, strict=True):
            correlation.update(row, mask)
            window.push(row)
            n = correlation.sessions[0]
            off = correlation.matrix(window)[0, 1] * (n + PRIOR_SESSIONS) / n  # undo the prior
            found.append(round(float(off), 12))
        changes = [k for k in range(62, 100) if found[k] != found[k - 1]]
        assert np.diff(changes).tolist() == [5] * (len(changes) - 1)
        assert len(changes) >= 4

    def test_block_diagonal_has_zeros_between_classes_and_ewma_inside(self):
        z, seen = histories(6, late=False)
        full, blocks = estimate(z, seen), estimate(z, seen, "block_diagonal")
        same = np.equal.outer(np.array(CLASSES), np.array(CLASSES))
        assert np.all(blocks[~same] == 0)
        assert np.abs(full[~same]).max() > 0.05
        np.testing.assert_array_equal(blocks[same], full[same])

    @pytest.mark.parametrize("method", ["ewma", "ledoit_wolf"])
    def test_falls_back_on_blocks_while_sessions_are_few(self, method):
        rng = np.random.default_rng(6)
        z = rng.standard_normal((11, 1)) + 0.1 * rng.standard_normal((11, 5))
        seen = np.ones_like(z, dtype=bool)
        same = np.equal.outer(np.array(CLASSES), np.array(CLASSES))
        assert np.all(estimate(z[:10], seen[:10], method)[~same] == 0)
        assert np.all(estimate(z[:11], seen[:11], method)[~same] != 0)

    def test_a_young_market_starts_uncorrelated(self):
        rng = np.random.default_rng(1)
        common = rng.standard_normal(400)
        z = np.stack([common, common], axis=1)
        seen = np.ones((400, 2), dtype=bool)
        seen[:390, 1] = False
        young = estimate(np.where(seen, z, 0), seen, classes=["a", "a"])[0, 1]
        old = estimate(z, np.ones_like(seen), classes=["a", "a"])[0, 1]
        assert 0 < young < 0.45
        assert old == pytest.approx(400 / 463)

    def test_one_wild_day_is_clipped(self):
        z, seen = histories(2, late=False)
        z[-1] = [5.0, 5.0, 0, 0, 0]
        wild = z.copy()
        wild[-1] = [500.0, 500.0, 0, 0, 0]
        np.testing.assert_array_equal(estimate(z, seen), estimate(wild, seen))

    def test_a_market_never_seen_has_an_identity_row(self):
        z, seen = histories(2, late=False)
        z[:, 3], seen[:, 3] = 0.0, False
        for method in METHODS:
            np.testing.assert_array_equal(estimate(z, seen, method)[3], np.eye(5)[3])

    @given(st.permutations(range(5)))
    def test_the_order_of_markets_does_not_matter(self, order):
        z, seen = histories(9)
        order = list(order)
        names = [CLASSES[k] for k in order]
        moved = estimate(z[:, order], seen[:, order], classes=names)
        np.testing.assert_allclose(moved, estimate(z, seen)[np.ix_(order, order)], atol=1e-12)


def random_cov(seed, n=6):
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((n, n + 2))
    return root @ root.T / n


weights = st.lists(st.floats(-3, 3), min_size=6, max_size=6).map(np.array)


class TestPortfolioRisk:
    def test_covariance_by_hand(self):
        correlation = np.array([[1.0, 0.5], [0.5, 1.0]])
        found = covariance(correlation, np.array([0.1, 0.2]))
        np.testing.assert_allclose(found, [[0.01, 0.01], [0.01, 0.04]])

    def test_unknown_volatility_counts_as_none(self):
        found = covariance(np.eye(2), np.array([0.1, np.nan]))
        np.testing.assert_allclose(found, [[0.01, 0.0], [0.0, 0.0]])

    def test_two_market_volatility_by_hand(self):
        cov = covariance(np.array([[1, -0.5], [-0.5, 1]]), np.array([0.2, 0.1]))
        assert portfolio_vol(np.array([1.0, 2.0]), cov) == pytest.approx(0.2)
        assert portfolio_vol(np.zeros(2), cov) == 0.0

    @given(weights, st.integers(0, 1000))
    def test_contributions_add_up_to_the_volatility(self, w, seed):
        cov = random_cov(seed)
        total = risk_contributions(w, cov).sum()
        assert total == pytest.approx(portfolio_vol(w, cov), rel=1e-9, abs=1e-12)

    def test_contribution_is_the_derivative_times_the_weight(self):
        w, cov = np.array([1.0, -0.5, 0.3, 2.0, 0.1, -1.0]), random_cov(3)
        found = risk_contributions(w, cov)
        for k in range(6):
            bump = np.zeros(6)
            bump[k] = 1e-6
            slope = (portfolio_vol(w + bump, cov) - portfolio_vol(w - bump, cov)) / 2e-6
            assert found[k] == pytest.approx(w[k] * slope, abs=1e-8)

    @given(weights.map(np.abs), st.integers(0, 1000))
    def test_diversification_ratio_of_a_long_portfolio_is_at_least_one(self, w, seed):
        ratio = diversification_ratio(w, random_cov(seed))
        assert np.isnan(ratio) if not w.any() else ratio >= 1 - 1e-12

    def test_diversification_ratio_of_n_independent_equal_markets_is_root_n(self):
        assert diversification_ratio(np.ones(9), np.eye(9) * 0.04) == pytest.approx(3.0)

    def test_an_empty_portfolio_has_no_ratio_and_no_contributions(self):
        assert np.isnan(diversification_ratio(np.zeros(3), np.eye(3)))
        np.testing.assert_array_equal(risk_contributions(np.zeros(3), np.eye(3)), 0.0)
