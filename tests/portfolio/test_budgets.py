import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from portfolio.budgets import BUDGETS, BudgetOptions, SleeveView, sleeve_exposures
from portfolio.hrp import hierarchical_risk_parity
from portfolio.sleeves import class_budgets, sleeve_weights

seeds = st.integers(0, 10**6)


def made(seed=0, n=20, n_classes=4):
    rng = np.random.default_rng(seed)
    loading = rng.standard_normal((n, 3))
    moment = loading @ loading.T + np.diag(rng.uniform(0.3, 2.0, n))
    scale = np.sqrt(np.diagonal(moment))
    return SleeveView(
        forecast=np.where(rng.random(n) < 0.1, np.nan, np.clip(rng.standard_normal(n), -2, 2)),
        sigma=np.where(rng.random(n) < 0.05, np.nan, np.exp(rng.uniform(-6, -0.5, n))),
        correlation=moment / np.outer(scale, scale),
        class_index=rng.integers(0, n_classes, n),
        member=rng.random(n) < 0.9,
    )


def cov_of(view):
    sigma = np.nan_to_num(view.sigma)
    return view.correlation * np.outer(sigma, sigma)


def contributions(view, weights):
    return weights * (cov_of(view) @ weights)


OPTIONS = BudgetOptions(class_shares=np.array([0.1, 0.2, 0.3, 0.4]))


class TestAll:
    @given(seeds, st.sampled_from(sorted(BUDGETS)))
    def test_only_what_is_known_and_a_member_is_held(self, seed, name):
        view = made(seed)
        weights = sleeve_exposures(name, view, OPTIONS).weights
        assert np.all(np.isfinite(weights))
        idle = ~view.member | ~np.isfinite(view.forecast) | ~(view.sigma > 0)
        assert not weights[idle].any()
        if name != "agnostic":  # it may hold the other side of a correlated market
            assert np.all(weights * np.nan_to_num(view.forecast) >= 0)

    @given(seeds, st.sampled_from(["contribution", "conviction", "agnostic"]))
    def test_unit_risk(self, seed, name):
        view = made(seed)
        assert contributions(view, sleeve_exposures(name, view).weights).sum() == pytest.approx(1.0)

    @pytest.mark.parametrize("name", sorted(BUDGETS))
    @pytest.mark.parametrize("what", ["no members", "no forecast", "all zero", "no volatility"])
    def test_nothing_to_hold(self, name, what):
        view = made()
        n = len(view.forecast)
        forecast = {"no forecast": np.full(n, np.nan), "all zero": np.zeros(n)}
        view = SleeveView(
            forecast.get(what, view.forecast),
            np.full(n, np.nan) if what == "no volatility" else view.sigma,
            view.correlation,
            view.class_index,
            np.zeros(n, dtype=bool) if what == "no members" else view.member,
        )
        assert not sleeve_exposures(name, view, OPTIONS).weights.any()

    @pytest.mark.parametrize("name", sorted(BUDGETS))
    def test_one_market(self, name):
        view = SleeveView(
            np.array([-0.5]), np.array([0.2]), np.eye(1), np.zeros(1, np.int64), np.ones(1, bool)
        )
        weights = sleeve_exposures(name, view, BudgetOptions(class_shares=np.ones(1))).weights
        assert weights[0] < 0

    def test_an_unknown_name_is_refused(self):
        with pytest.raises(ValueError, match="budgets is 'magic'; it must be one of equal"):
            sleeve_exposures("magic", made())


@given(seeds)
def test_equal_is_to_the_bit_budget_by_class_times_forecast(seed):
    view = made(seed)
    budget = class_budgets(view.class_index, view.member & np.isfinite(view.forecast))
    plain = sleeve_weights(view.forecast, view.sigma, budget)
    assert sleeve_exposures("equal", view).weights.tobytes() == plain.tobytes()


class TestOwn:
    @given(seeds)
    def test_equal_shares_are_the_equal_budgets(self, seed):
        view = made(seed)
        same = sleeve_exposures("own", view, BudgetOptions(class_shares=np.ones(4))).weights
        assert same == pytest.approx(sleeve_exposures("equal", view).weights, rel=1e-12)

    def test_standalone_risk_by_class(self):
        view = made(3, 60)
        weights = sleeve_exposures("own", view, OPTIONS).weights
        used = view.member & np.isfinite(view.forecast)
        risk = np.abs(weights * view.sigma / np.where(used, view.forecast, 1.0))
        total = np.bincount(view.class_index[used], risk[used], 4)
        known = np.bincount(view.class_index[used], np.isfinite(view.sigma[used]), 4)
        whole = known == np.bincount(view.class_index[used], minlength=4)
        assert total[whole] == pytest.approx(OPTIONS.class_shares[whole])

    def test_shares_are_needed(self):
        with pytest.raises(ValueError, match="needs a share of risk"):
            sleeve_exposures("own", made())


@given(seeds)
def test_contributions_are_equal_by_class_and_in_a_class(seed):
    view = made(seed)
    weights = sleeve_exposures("contribution", view).weights
    part = contributions(view, weights)
    used = weights != 0
    budget = class_budgets(view.class_index, used)
    assert part[used] == pytest.approx(budget[used], rel=1e-9)


class TestConviction:
    def test_one_class_holds_forecast_over_volatility(self):
        view = made(1)
        view.class_index[:] = 0
        weights = sleeve_exposures("conviction", view).weights
        used = weights != 0
        plain = view.forecast[used] / view.sigma[used]
        assert weights[used] / plain == pytest.approx(
            np.full(used.sum(), weights[used][0] / plain[0])
        )

    def test_two_classes_without_correlation(self):
        # each class is one market: its conviction is the square of its forecast
        view = SleeveView(
            np.array([1.0, -0.5]),
            np.array([0.1, 0.2]),
            np.eye(2),
            np.array([0, 1]),
            np.ones(2, dtype=bool),
        )
        weights = sleeve_exposures("conviction", view).weights
        risk = weights * view.sigma
        assert risk == pytest.approx(np.array([1.0, -0.5]) / np.sqrt(1.25), rel=1e-12)

    def test_markets_that_contradict_their_correlation_say_little(self):
        # in class 0 both markets move together, and the forecasts are opposite
        correlation = np.eye(4)
        correlation[0, 1] = correlation[1, 0] = 0.9
        correlation[2, 3] = correlation[3, 2] = 0.9
        view = SleeveView(
            np.array([1.0, -1.0, 1.0, 1.0]),
            np.full(4, 0.2),
            correlation,
            np.array([0, 0, 1, 1]),
            np.ones(4, dtype=bool),
        )
        part = contributions(view, sleeve_exposures("conviction", view).weights)
        # convictions (2 - 1.8) / 3.8 and 1
        assert part[2:].sum() / part[:2].sum() == pytest.approx(3.8 / 0.2, rel=1e-9)

    @given(seeds)
    def test_the_definition_by_another_path(self, seed):
        view = made(seed)
        used = np.flatnonzero(view.active)
        cov = cov_of(view)
        books, budgets = [], []
        for c in np.unique(view.class_index[used]).tolist():
            inside = used[view.class_index[used] == c]
            total = sum(abs(view.correlation[i, j]) for i in inside for j in inside)
            book = np.zeros(len(cov))
            book[inside] = view.forecast[inside] / view.sigma[inside] / np.sqrt(total)
            books.append(book)
            budgets.append(book @ cov @ book)
            assert 0 <= budgets[-1] <= 4.0 + 1e-12
        part = contributions(view, sleeve_exposures("conviction", view).weights)
        by_class = [part[view.class_index == c].sum() for c in np.unique(view.class_index[used])]
        assert by_class == pytest.approx(np.array(budgets) / sum(budgets), rel=1e-8)

    def test_a_general_minimiser_finds_the_same(self):
        view = made(7)
        used = view.active
        cov = cov_of(view)
        classes = np.unique(view.class_index[used])
        scaled = np.where(used, np.nan_to_num(view.forecast), 0.0)
        scaled = scaled / np.where(used, view.sigma, 1.0)
        books = []
        for c in classes:
            inside = used & (view.class_index == c)
            total = np.abs(view.correlation[np.ix_(inside, inside)]).sum()
            books.append(np.where(inside, scaled, 0.0) / np.sqrt(total))
        books = np.array(books)
        between = books @ cov @ books.T
        b = np.diagonal(between)

        def objective(x):
            w = np.exp(x)
            return 0.5 * w @ between @ w - b @ x

        x = minimize(objective, np.zeros(len(b)), method="BFGS", options={"gtol": 1e-12}).x
        other = np.exp(x) @ books
        other /= np.sqrt(other @ cov @ other)
        assert sleeve_exposures("conviction", view).weights == pytest.approx(other, rel=1e-5)


class TestAgnostic:
    def test_two_markets(self):
        rho, f = 0.6, np.array([1.0, 0.3])
        view = SleeveView(
            f,
            np.array([0.1, 0.4]),
            np.array([[1.0, rho], [rho, 1.0]]),
            np.zeros(2, np.int64),
            np.ones(2, bool),
        )
        weights = sleeve_exposures("agnostic", view, BudgetOptions(shrinkage=0.0)).weights
        plus, minus = (f[0] + f[1]) / np.sqrt(1 + rho), (f[0] - f[1]) / np.sqrt(1 - rho)
        closed = np.array([plus + minus, plus - minus]) / 2
        assert weights * view.sigma == pytest.approx(closed / np.sqrt(f @ f), rel=1e-12)

    @given(seeds)
    def test_risk_of_each_principal_component_is_its_forecast(self, seed):
        view = made(seed)
        weights = sleeve_exposures("agnostic", view, BudgetOptions(shrinkage=0.0)).weights
        used = np.flatnonzero(view.active)
        values, vectors = np.linalg.eigh(view.correlation[np.ix_(used, used)])
        risk = values * (vectors.T @ (weights * np.nan_to_num(view.sigma))[used]) ** 2
        said = (vectors.T @ view.forecast[used]) ** 2
        assert risk == pytest.approx(said / said.sum(), rel=1e-7, abs=1e-12)

    def test_shrunk_to_nothing_it_is_forecast_over_volatility(self):
        view = made(5)
        weights = sleeve_exposures("agnostic", view, BudgetOptions(shrinkage=1.0)).weights
        used = weights != 0
        ratio = weights[used] * view.sigma[used] / view.forecast[used]
        assert ratio == pytest.approx(np.full(used.sum(), ratio[0]))

    def test_duplicates_do_not_explode(self):
        view = made(6)
        view.correlation[:] = 1.0
        weights = sleeve_exposures("agnostic", view, BudgetOptions(shrinkage=0.0)).weights
        assert np.all(np.isfinite(weights))


def test_hrp_is_on_positions():
    view = made(8)
    view.member[:] = True
    view.forecast[:] = np.resize([1.0, -1.0, 0.5], 20)
    view.sigma[:] = 0.2
    side = np.sign(view.forecast)
    budget = hierarchical_risk_parity(view.correlation * np.outer(side, side), "ward", "plain")
    weights = sleeve_exposures(
        "hrp", view, BudgetOptions(linkage="ward", leaf_order="plain")
    ).weights
    assert weights == pytest.approx(view.forecast * budget / 0.2)


def outright(correlation, forecast):
    n = len(forecast)
    return SleeveView(
        np.asarray(forecast, dtype=float),
        np.full(n, 0.2),
        np.asarray(correlation, dtype=float),
        np.zeros(n, np.int64),
        np.ones(n, bool),
    )


class TestMatricesWithoutARiskForEveryPosition:
    INDEFINITE = ((1, 0.9, -0.9), (0.9, 1, 0.9), (-0.9, 0.9, 1))
    TWINS = ((1, 1, 0.2), (1, 1, 0.2), (0.2, 0.2, 1))

    @pytest.mark.parametrize("name", ["contribution", "conviction", "agnostic"])
    def test_a_sleeve_of_no_risk_holds_nothing_and_says_why(self, name):
        found = sleeve_exposures(name, outright(self.INDEFINITE, (1, -1, 1)))
        assert not found.weights.any()
        assert found.reason == "correlations give its 3 positions no risk together, it holds none"

    def test_twins_on_two_sides_need_other_correlations_and_say_which(self):
        view = outright(self.TWINS, (1, -1, 1))
        found = sleeve_exposures("contribution", view)
        share = float(re.search(r"shrunk by (\S+),", found.reason)[1])
        cov = cov_of(view)
        shrunk = (1 - share) * cov + share * np.diag(np.diagonal(cov))
        part = found.weights * (shrunk @ found.weights)
        np.testing.assert_allclose(part, part.mean(), rtol=1e-5)
        assert found.weights @ cov @ found.weights == pytest.approx(1.0)

    @given(seeds, st.sampled_from(sorted(BUDGETS)))
    def test_nothing_to_say_of_sound_matrices(self, seed, name):
        assert sleeve_exposures(name, made(seed), OPTIONS).reason == ""
