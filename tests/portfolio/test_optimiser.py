import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import portfolio.cone_programme as cone_programme
from portfolio.optimiser import Costs, GroupLimit, Limits, NetLimit, Optimised, Optimiser
from tests.portfolio.figures import COV, OTHER_LIBRARIES

needs_solver = pytest.mark.skipif(
    not cone_programme.installed(), reason="clarabel is not installed"
)
seeds = st.integers(0, 10**6)


def box(n, size=np.inf, **limits):
    return Limits(np.full(n, -size), np.full(n, size), **limits)


def gross(n, limit):
    return GroupLimit("gross", np.ones(n), limit)


def net(n, low, high):
    return NetLimit("net", np.ones(n), low, high)


def linear(trade):
    trade = np.asarray(trade, dtype=float)
    return Costs(trade, np.zeros_like(trade), np.zeros_like(trade))


def made(seed, n=8):
    """Covariance, plain and held exposures of markets of very different volatility."""
    rng = np.random.default_rng(seed)
    loading = rng.standard_normal((n, 3))
    moment = loading @ loading.T + np.diag(rng.uniform(0.3, 2.0, n))
    scale = np.sqrt(np.diagonal(moment))
    sigma = np.exp(rng.uniform(np.log(0.005), np.log(0.7), n))
    cov = moment / np.outer(scale, scale) * np.outer(sigma, sigma)
    plain, held = (rng.standard_normal(n) / sigma for _ in range(2))
    plain *= 0.1 / np.sqrt(plain @ cov @ plain)
    held *= 0.1 / np.sqrt(held @ cov @ held)
    return cov, plain, held, sigma


def classes(n, sigma, limit, count=3):
    index = np.resize(np.arange(count), n)
    return tuple(GroupLimit(f"class {c}", sigma * (index == c), limit) for c in range(count))


@needs_solver
class TestFigures:
    MEAN = np.array([0.01, 0.06, 0.05, -0.03, -0.06])
    HELD = np.array([0.5, 0.2, 0.0, -0.3, 0.1])

    @pytest.mark.parametrize(
        ("cost", "limit", "vol", "weights", "objective"),
        [
            (
                [0.002, 0.004, 0.003, 0.002, 0.006],
                1.5,
                np.inf,
                [0.279403728028, 0.494373325649, 0.0890274601477, -0.486838975614, -0.150356510561],
                0.0386945083049,
            ),
            (
                [0.002, 0.004, 0.003, 0.002, 0.006],
                1.5,
                0.06,
                [0.576570930154, 0.328053838607, 0.0611844433648, -0.401552150887, -0.088798927495],
                0.0346978535509,
            ),
            (
                [0.02, 0.03, 0.03, 0.015, 0.03],
                1.2,
                0.06,
                [0.5, 0.32497729337, 0.000544959128065, -0.3, -0.0744777475023],
                0.0226329359673,
            ),
        ],
        ids=["A", "B", "C"],
    )
    def test_with_costs_and_limits(self, cost, limit, vol, weights, objective):
        limits = box(5, 0.8, groups=(gross(5, limit),), nets=(net(5, -0.5, 1.0),), vol=vol)
        found = Optimiser(2.5).solve(np.zeros(5), self.HELD, COV, limits, linear(cost), self.MEAN)
        assert found.weights == pytest.approx(weights, abs=5e-6)
        assert found.objective == pytest.approx(objective, rel=2e-8)
        assert found.reason == ""
        still = np.array(weights) == self.HELD
        assert np.array_equal(found.weights[still], self.HELD[still])

    def test_minimum_variance(self):
        limits = Limits(np.zeros(5), np.ones(5), nets=(net(5, 1.0, 1.0),))
        zero = np.zeros(5)
        found = Optimiser(1.0).solve(zero, zero, COV, limits, Costs.none(5), zero)
        assert found.weights == pytest.approx(
            [
                0.789650395143663,
                0.110767952192768,
                0.006656261202611,
                0.0926495019086618,
                0.0002759,
            ],
            abs=1e-5,
        )
        assert -found.objective == pytest.approx(0.00184764254932164, rel=1e-6)


@needs_solver
class TestProperties:
    @given(seeds, st.floats(0.5, 20.0))
    def test_without_costs_and_limits_it_is_the_plain_portfolio(self, seed, aversion):
        cov, plain, held, sigma = made(seed)
        found = Optimiser(aversion).solve(plain, held, cov, box(8), Costs.none(8))
        assert found.weights.tobytes() == plain.tobytes()
        mean = 2 * aversion * cov @ plain  # the same through the solver
        found = Optimiser(aversion).solve(plain, held, cov, box(8), Costs.none(8), mean)
        assert found.weights * sigma == pytest.approx(plain * sigma, abs=1e-5)

    @given(seeds, st.floats(0.0, 0.02), st.floats(0.5, 20.0), st.floats(0.03, 0.2))
    def test_within_limits_and_never_worse_than_plain_or_held(self, seed, cost, aversion, vol):
        cov, plain, held, sigma = made(seed)
        beta = cov[0] / cov[0, 0]
        limits = box(
            8,
            2.0,
            groups=(gross(8, 4.0), *classes(8, sigma, 0.1)),
            nets=(net(8, -2.0, 2.0), NetLimit("beta", beta, -0.5, 0.5)),
            vol=vol,
        )
        costs = Costs(cost * sigma, cost * sigma**2, 0.2 * cost * sigma)
        found = Optimiser(aversion).solve(plain, held, cov, limits, costs)
        assert (found.reason, found.exceeded) == ("", ())
        assert limits.exceeded(found.weights, cov) == ()
        mean = 2 * aversion * cov @ plain

        def objective(w):
            return mean @ w - aversion * w @ cov @ w - costs.of(w, held)

        assert found.objective == pytest.approx(objective(found.weights), rel=1e-12)
        for other in (plain, held, np.zeros(8)):
            if not limits.exceeded(other, cov):
                assert found.objective >= objective(other) - 1e-9
        for share in (0.25, 0.5, 0.75):  # towards anything else that is allowed
            mixed = share * found.weights
            assert found.objective >= objective(mixed) - 1e-8

    @given(seeds)
    @settings(max_examples=20)
    def test_turnover_falls_as_trading_costs_more(self, seed):
        cov, plain, held, sigma = made(seed)
        optimiser = Optimiser(5.0)
        turnover = [
            np.abs(
                optimiser.solve(plain, held, cov, box(8, 50.0), linear(k * sigma)).weights - held
            )
            @ sigma
            for k in (0.0, 0.003, 0.01, 0.03, 0.1, 10.0)
        ]
        assert np.all(np.diff(turnover) <= 1e-6)
        assert turnover[-1] == 0

    @pytest.mark.parametrize(("n", "seed", "value"), OTHER_LIBRARIES["cvxpy_objective"])
    def test_a_modelling_layer_finds_the_same(self, n, seed, value):
        """CVXPY's maximum of 8 w'Σp - 4 w'Σw - trade|w - h| - impact (w - h)² - hold|w|.

        Under the sums of |w| by group, |w| <= 1.5, |beta'w| <= 0.3 and sqrt(w'Σw) <= 0.08.
        """
        cov, plain, held, sigma = made(seed, n)
        beta = cov[0] / cov[0, 0]
        groups = (gross(n, 3.0), *classes(n, sigma, 0.08))
        limits = box(n, 1.5, groups=groups, nets=(NetLimit("beta", beta, -0.3, 0.3),), vol=0.08)
        costs = Costs(0.01 * sigma, 0.02 * sigma**2, 0.002 * sigma)
        found = Optimiser(4.0).solve(plain, held, cov, limits, costs)
        assert found.objective == pytest.approx(value, rel=1e-6, abs=1e-8)

    def test_pyportfolioopt_finds_the_same(self):
        """max_quadratic_utility(risk_aversion=5), within 0.8 and adding up to 1."""
        limits = box(5, 0.8, nets=(net(5, 1.0, 1.0),))
        zero = np.zeros(5)
        found = Optimiser(2.5).solve(zero, zero, COV, limits, Costs.none(5), TestFigures.MEAN)
        theirs = OTHER_LIBRARIES["pypfopt_quadratic_utility"]
        assert found.weights == pytest.approx(theirs, abs=1e-4)

    def test_one_layout_serves_all_days_of_a_shape(self):
        optimiser = Optimiser(3.0)
        for seed in range(6):
            cov, plain, held, sigma = made(seed)
            limits = box(8, 2.0, vol=0.05 + 0.01 * seed)
            again = optimiser.solve(plain, held, cov, limits, linear(0.01 * sigma))
            fresh = Optimiser(3.0).solve(plain, held, cov, limits, linear(0.01 * sigma))
            assert again.weights * sigma == pytest.approx(fresh.weights * sigma, abs=1e-6)


@needs_solver
class TestFixedPositions:
    def test_what_cannot_trade_stays_and_the_others_know(self):
        cov, plain, held, sigma = made(3)
        low, high = np.full(8, -3.0), np.full(8, 3.0)
        low[:3] = high[:3] = np.clip(held[:3], -1, 1)
        limits = Limits(low, high, groups=(gross(8, 5.0),), vol=0.1)
        costs = linear(0.002 * sigma)
        found = Optimiser(4.0).solve(plain, held, cov, limits, costs)
        assert np.array_equal(found.weights[:3], low[:3])
        assert (found.reason, found.exceeded) == ("", ())
        mean = 8.0 * cov @ plain

        def objective(w):
            return mean @ w - 4.0 * w @ cov @ w - costs.of(w, held)

        rng = np.random.default_rng(0)
        for _ in range(300):  # nothing beside it is better
            other = found.weights.copy()
            other[3:] += 0.01 * rng.standard_normal(5)
            if not limits.exceeded(other, cov):
                assert objective(other) <= found.objective + 1e-9

    def test_above_a_limit_they_exceed_it_least(self):
        cov, plain, held, _ = made(4)
        low, high = np.full(8, -3.0), np.full(8, 3.0)
        low[0] = high[0] = 2.0
        limits = Limits(low, high, groups=(gross(8, 1.5),))
        found = Optimiser(4.0).solve(plain, held, cov, limits, Costs.none(8))
        assert found.exceeded == ("gross",)
        assert "nothing is within all limits, exceeded least: gross" in found.reason
        assert np.abs(found.weights).sum() == pytest.approx(2.0, abs=1e-3)

    def test_everything_fixed(self):
        cov, plain, held, _ = made(5)
        found = Optimiser(4.0).solve(plain, held, cov, Limits(held, held), Costs.none(8))
        assert found.weights == pytest.approx(held, rel=1e-12)


class TestDefinedResults:
    def limits(self, n=8):
        return box(n, 2.0, groups=(gross(n, 1.0),), vol=0.05)

    def test_without_the_solver(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "clarabel", None)
        cov, plain, held, sigma = made(6)
        found = Optimiser(4.0).solve(plain, held, cov, self.limits(), linear(0.01 * sigma))
        assert found.reason == "clarabel is not installed: nearest portfolio within limits"
        assert found.exceeded == ()
        assert self.limits().exceeded(found.weights, cov) == ()
        assert found.weights.any()

    @needs_solver
    def test_a_solver_that_stops_early(self, monkeypatch):
        monkeypatch.setattr(cone_programme, "MAX_STEPS", 1)
        cov, plain, held, sigma = made(6)
        found = Optimiser(4.0).solve(plain, held, cov, self.limits(), linear(0.01 * sigma))
        assert "no answer to the accuracy asked for" in found.reason
        assert self.limits().exceeded(found.weights, cov) == ()

    @needs_solver
    def test_contradictory_limits(self):
        cov, plain, held, sigma = made(7)
        limits = box(8, 2.0, groups=(gross(8, 0.5),), nets=(net(8, 1.0, 2.0),))
        found = Optimiser(4.0).solve(plain, held, cov, limits, linear(0.01 * sigma))
        assert found.reason.startswith("the limits contradict one another: nothing is within")
        assert set(found.exceeded) == {"gross", "net"}
        # both by a quarter: the least that either can be exceeded by
        assert np.abs(found.weights).sum() == pytest.approx(0.75, abs=1e-3)
        assert found.weights.sum() == pytest.approx(0.75, abs=1e-3)

    def test_contradictory_limits_without_the_solver(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "clarabel", None)
        cov, plain, held, _ = made(7)
        limits = box(8, 2.0, nets=(net(8, 1.0, 2.0),))
        found = Optimiser(4.0).solve(plain, held, cov, limits, Costs.none(8))
        assert isinstance(found, Optimised)
        assert np.all(np.isfinite(found.weights))

    @needs_solver
    @pytest.mark.parametrize("what", ["duplicates", "indefinite", "no volatility", "not a number"])
    def test_damaged_covariances(self, what):
        cov, plain, held, sigma = made(8)
        if what == "duplicates":
            cov[1], cov[:, 1] = cov[0], cov[:, 0]
            cov[1, 1] = cov[0, 0]
        elif what == "indefinite":
            cov[0, 1] = cov[1, 0] = 3 * sigma[0] * sigma[1]
        else:
            cov[2] = cov[:, 2] = 0.0 if what == "no volatility" else np.nan
        found = Optimiser(4.0).solve(plain, held, cov, self.limits(), linear(0.001 * sigma))
        assert np.all(np.isfinite(found.weights))
        assert self.limits().exceeded(found.weights, np.nan_to_num(cov)) == ()
        if what not in ("duplicates", "indefinite"):
            assert found.weights[2] == 0

    @needs_solver
    @pytest.mark.parametrize("cap", [0.0, 1e-9])
    def test_a_limit_of_nothing(self, cap):
        cov, plain, held, sigma = made(11)
        limits = box(8, 2.0, vol=cap)
        found = Optimiser(4.0).solve(plain, held, cov, limits, linear(0.01 * sigma))
        assert np.sqrt(found.weights @ cov @ found.weights) <= cap + 1e-9

    def test_figures_that_are_not_numbers(self):
        cov, plain, held, sigma = made(11)
        plain[0], held[1], cov[2, 3] = np.nan, np.inf, np.nan
        found = Optimiser(4.0).solve(plain, held, cov, self.limits(), linear(0.01 * sigma))
        assert np.all(np.isfinite(found.weights))

    @needs_solver
    def test_a_solver_that_breaks_off(self, monkeypatch):
        def broken(*_):
            raise BaseException("panicked")

        monkeypatch.setattr(cone_programme.ConeProgramme, "_run", broken)
        cov, plain, held, sigma = made(6)
        found = Optimiser(4.0).solve(plain, held, cov, self.limits(), linear(0.01 * sigma))
        assert found.reason.startswith("the solver broke off: panicked")
        assert self.limits().exceeded(found.weights, cov) == ()

    @needs_solver
    def test_one_market_in_closed_form(self):
        # 2 λ σ² (plain - w) = cost
        found = Optimiser(5.0).solve(
            np.array([1.0]), np.array([0.0]), np.array([[0.04]]), box(1, 9.0), linear([0.1])
        )
        assert found.weights[0] == pytest.approx(1.0 - 0.1 / (2 * 5.0 * 0.04), abs=1e-6)

    @needs_solver
    def test_no_plain_portfolio_closes_what_is_worth_closing(self):
        cov, _, held, sigma = made(9)
        zero = np.zeros(8)
        found = Optimiser(4.0).solve(zero, held, cov, box(8, 50.0), linear(1e-6 * sigma))
        assert found.weights @ cov @ found.weights < 1e-4 * held @ cov @ held

    def test_names_of_what_is_exceeded(self):
        cov, plain, _, sigma = made(10)
        limits = box(
            8,
            1e-3,
            groups=(gross(8, 1e-3), *classes(8, sigma, 1e-4)),
            nets=(net(8, 1e3, 1e4),),
            vol=1e-3,
        )
        assert limits.exceeded(plain, cov) == (
            "single positions",
            "gross",
            "class 0",
            "class 1",
            "class 2",
            "net",
            "VaR",
        )


class TestFarthest:
    @given(st.integers(0, 10**6))
    def test_equals_halving_the_way(self, seed):
        rng = np.random.default_rng(seed)
        n = 6
        root = rng.standard_normal((n, n))
        cov = root @ root.T
        inside, outside = rng.standard_normal((2, n)) * [[0.3], [2.0]]
        vol = np.sqrt(inside @ cov @ inside)
        limits = Limits(
            np.minimum(inside, 0.0) - rng.exponential(1.0, n),
            np.maximum(inside, 0.0) + rng.exponential(1.0, n),
            tuple(
                GroupLimit(str(k), unit, np.abs(inside) @ unit * rng.uniform(1.0, 2.0) + 1e-9)
                for k, unit in enumerate(rng.exponential(1.0, (2, n)))
            ),
            (NetLimit("net", np.ones(n), inside.sum() - 0.5, inside.sum() + 0.5),),
            vol * rng.uniform(1.0, 3.0),
        )
        found = limits.farthest(inside, outside, cov)
        low, high = 0.0, 1.0
        for _ in range(40):
            middle = 0.5 * (low + high)
            over = limits.exceeded(inside + middle * (outside - inside), cov)
            low, high = (low, middle) if over else (middle, high)
        assert limits.exceeded(found, cov) == ()
        assert found == pytest.approx(inside + low * (outside - inside), abs=1e-4)


class TestVolatility:
    @given(st.integers(0, 10**6), st.floats(0.5, 3.0))
    def test_scaled_as_far_as_the_limits_allow(self, seed, factor):
        rng = np.random.default_rng(seed)
        n = 8
        root = rng.standard_normal((n, n))
        cov = root @ root.T / 100.0
        weights = rng.standard_normal(n)
        fixed = rng.random(n) < 0.3
        size = 3.0 * np.abs(weights)
        low, high = np.where(fixed, weights, -size), np.where(fixed, weights, size)
        gross = 1.5 * np.abs(weights).sum()
        limits = Limits(low, high, (GroupLimit("gross", np.ones(n), gross),))
        vol = factor * np.sqrt(weights @ cov @ weights)
        found = limits.at_volatility(weights, vol, cov)
        assert limits.exceeded(found, cov) == ()
        assert np.array_equal(found[fixed], weights[fixed])
        with np.errstate(invalid="ignore"):
            scale = (found / weights)[~fixed]
        assert np.ptp(scale) <= 1e-9 * max(np.abs(scale).max(initial=0.0), 1.0)
        reached = np.sqrt(found @ cov @ found)
        bound = np.abs(found).sum() >= gross * (1 - 1e-6) or np.any(scale >= 3.0 - 1e-9)
        if not fixed.any() and not bound:
            assert reached == pytest.approx(vol, rel=1e-9)
