import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.hrp import LINKAGES, hierarchical_risk_parity
from tests.portfolio.figures import COV, OTHER_LIBRARIES

OPTIMAL = [
    0.7294832826747721,
    0.05531941685275705,
    0.02272602447953854,
    0.18237082066869298,
    0.010100455324239352,
]
PLAIN = [
    0.7294832826747721,
    0.04505284776720417,
    0.025342226869052343,
    0.18237082066869298,
    0.017750822020278438,
]


def random_cov(seed, n):
    rng = np.random.default_rng(seed)
    loading = rng.standard_normal((n, 3))
    return loading @ loading.T + np.diag(rng.uniform(0.2, 2.0, n))


@pytest.mark.parametrize(("order", "weights"), [("optimal", OPTIMAL), ("plain", PLAIN)])
def test_figures(order, weights):
    assert hierarchical_risk_parity(COV, "single", order) == pytest.approx(weights, rel=1e-12)


@given(st.integers(0, 10**6), st.integers(1, 40), st.sampled_from(LINKAGES))
def test_weights_are_positive_and_sum_to_one(seed, n, method):
    for order in ("optimal", "plain"):
        weights = hierarchical_risk_parity(random_cov(seed, n), method, order)
        assert np.all(weights > 0)
        assert weights.sum() == pytest.approx(1.0, rel=1e-12)


def test_uncorrelated_markets_of_two_get_inverse_variance():
    assert hierarchical_risk_parity(np.diag([0.04, 0.01])) == pytest.approx([0.2, 0.8])


@pytest.mark.parametrize("method", ["single", "ward"])
def test_pyportfolioopt_agrees_in_the_plain_order(method):
    """What HRPOpt(cov).optimize(linkage_method=method) finds."""
    ours = hierarchical_risk_parity(random_cov(3, 25), method, "plain")
    assert ours == pytest.approx(OTHER_LIBRARIES["pypfopt_hrp_plain"][method], rel=1e-9)


@pytest.mark.parametrize("method", ["single", "ward"])
def test_skfolio_agrees_in_the_optimal_order(method):
    """What HierarchicalRiskParity of variance finds, clustered by the same linkage."""
    returns = np.random.default_rng(4).standard_normal((400, 20)) @ random_cov(4, 20)
    ours = hierarchical_risk_parity(np.cov(returns.T), method, "optimal")
    assert ours == pytest.approx(OTHER_LIBRARIES["skfolio_hrp_optimal"][method], rel=1e-9)


class TestDefinedResults:
    def test_one_market_and_none(self):
        assert hierarchical_risk_parity(np.array([[0.04]])).tolist() == [1.0]
        assert hierarchical_risk_parity(np.zeros((2, 2))).tolist() == [0.0, 0.0]

    def test_a_market_without_volatility_has_no_weight(self):
        cov = COV.copy()
        cov[2] = cov[:, 2] = 0.0
        weights = hierarchical_risk_parity(cov)
        assert weights[2] == 0
        assert weights.sum() == pytest.approx(1.0)

    def test_duplicates_and_impossible_correlations(self):
        cov = COV.copy()
        cov[0, 1] = cov[1, 0] = 0.5  # a correlation of 67
        cov[2] = cov[:, 2] = cov[4]
        cov[2, 2] = cov[2, 4] = cov[4, 2] = cov[4, 4]
        assert hierarchical_risk_parity(cov).sum() == pytest.approx(1.0)

    @pytest.mark.parametrize(
        ("arguments", "said"), [(("middle",), "linkage is"), (("ward", "left"), "leaf order is")]
    )
    def test_unknown_names_are_refused(self, arguments, said):
        with pytest.raises(ValueError, match=said):
            hierarchical_risk_parity(COV, *arguments)
