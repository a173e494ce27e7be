"""Speed of the portfolio's mathematics on made-up markets (make bench).

Times depend on the machine: read them over that of the Cholesky factor in the same table.
"""

import numpy as np
import pytest

from portfolio.budgets import SleeveView, sleeve_exposures
from portfolio.caps import ShareCap, ShareCaps
from portfolio.optimiser import Costs, GroupLimit, Limits, NetLimit, Optimiser
from portfolio.risk_parity import risk_parity
from portfolio.whole_contracts import contract_bounds, contract_covariance, whole_contracts
from risk.nearest import nearest_book
from risk.var import VarModel, quantile


class Markets:
    """Made-up markets with six common factors, and a portfolio of them."""

    def __init__(self, n):
        rng = np.random.default_rng(n)
        loading = rng.standard_normal((n, 6))
        moment = loading @ loading.T + np.diag(rng.uniform(1.0, 4.0, n))
        scale = np.sqrt(np.diagonal(moment))
        self.rng, self.n = rng, n
        self.correlation = moment / np.outer(scale, scale)
        self.sigma = np.exp(rng.uniform(np.log(0.01), np.log(0.6), n))
        self.cov = self.correlation * np.outer(self.sigma, self.sigma)
        self.classes = np.resize(np.arange(7), n)
        self.view = SleeveView(
            rng.standard_normal(n), self.sigma, self.correlation, self.classes, np.ones(n, bool)
        )
        self.weights = 0.1 * sleeve_exposures("conviction", self.view).weights
        self.unit = 0.02 / self.sigma * rng.lognormal(0.0, 0.7, n)
        self.free, self.zero = np.ones(n, bool), np.zeros(n, np.int64)


@pytest.fixture(params=[60, 111])
def markets(request):
    return Markets(request.param)


def test_cholesky(benchmark, markets):
    benchmark(np.linalg.cholesky, markets.cov)


def test_risk_parity_on_both_sides(benchmark, markets):
    signs = markets.rng.choice([-1.0, 1.0], markets.n)
    assert benchmark(risk_parity, markets.cov, None, signs).spread <= 1e-10


@pytest.mark.parametrize("name", ["equal", "contribution", "conviction", "agnostic", "hrp"])
def test_budgets(benchmark, markets, name):
    benchmark(sleeve_exposures, name, markets.view)


def test_caps(benchmark, markets):
    caps = ShareCaps(
        [
            ShareCap("market", np.arange(markets.n), 0.04),
            ShareCap("class", markets.classes, 0.22),
        ]
    )
    benchmark(caps.capped, markets.weights, markets.cov)


def test_whole_contracts(benchmark, markets):
    gram = contract_covariance(markets.unit, markets.cov)
    ideal = markets.weights / markets.unit
    low, high = contract_bounds(ideal, markets.zero, np.full(markets.n, np.inf), markets.free)
    cost = np.zeros(markets.n)
    benchmark(whole_contracts, ideal, markets.zero, gram, low, high, cost)


def test_nearest_book(benchmark, markets):
    n, rng = markets.n, markets.rng
    daily = markets.sigma / np.sqrt(252)
    rows = rng.standard_normal((756, n)) @ np.linalg.cholesky(markets.correlation).T
    model = VarModel(markets.cov / 252, daily, rows)
    asked = (rng.integers(1, 3, n) * rng.choice([-1, 1], n)).astype(np.int64)

    def risk(contracts):
        return model.binding(contracts * markets.unit, 20)

    limit = risk(asked) * 0.20 / 0.2002
    least = float(quantile(0.99, 0.0) * np.sqrt(20))
    found = benchmark(
        lambda: nearest_book(
            asked,
            markets.zero,
            markets.free,
            markets.unit,
            model.cov_daily,
            risk,
            limit,
            least_per_vol=least,
        )
    )
    assert found.passes


def test_optimiser(benchmark, markets):
    pytest.importorskip("clarabel")
    n, sigma = markets.n, markets.sigma
    groups = [GroupLimit("gross", np.ones(n), 4.0)]
    groups += [GroupLimit(f"class {c}", sigma * (markets.classes == c), 0.08) for c in range(7)]
    nets = (
        NetLimit("net", np.ones(n), -3.0, 3.0),
        NetLimit("beta", markets.cov[0] / markets.cov[0, 0], -0.5, 0.5),
    )
    limits = Limits(np.full(n, -1.0), np.ones(n), tuple(groups), nets, 0.3)
    costs = Costs(0.004 * sigma, np.full(n, 1e-3), 0.001 * sigma)
    optimiser, held = Optimiser(5.0), 0.9 * markets.weights

    def day():
        plain = markets.weights * (1 + 0.1 * markets.rng.standard_normal(n))
        return optimiser.solve(plain, held, markets.cov, limits, costs)

    assert benchmark(day).reason == ""
