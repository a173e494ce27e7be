import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import portfolio.whole_contracts as module
from portfolio.whole_contracts import contract_bounds, contract_covariance, whole_contracts

seeds = st.integers(0, 10**6)

NAV = 500_000.0
NOTIONAL = np.array([190_000.0, 118_000.0, 182_000.0, 38_000.0, 131_000.0, 50_000.0])
VOL = np.array([0.18, 0.07, 0.16, 0.30, 0.08, 0.40])
UPPER = [-0.2, 0.1, 0.1, 0.3, 0.3, 0.3, -0.1, 0.1, -0.3, 0.2, 0.4, 0.2, 0.1, 0.3, 0.2]
WEIGHT = np.array([0.246, 1.162, -0.161, 0.093, -0.129, -0.127])


def example():
    corr = np.eye(6)
    corr[np.triu_indices(6, 1)] = UPPER
    corr = np.maximum(corr, corr.T) + np.minimum(corr, corr.T) - np.eye(6)
    unit = NOTIONAL / NAV
    return contract_covariance(unit, corr * np.outer(VOL, VOL)), WEIGHT / unit


def made(seed, n, size=1.0):
    """Covariance of one contract each, and fractional contracts of about ``size``."""
    rng = np.random.default_rng(seed)
    loading = rng.standard_normal((n, 3))
    moment = loading @ loading.T + np.diag(rng.uniform(0.3, 2.0, n))
    scale = np.sqrt(np.diagonal(moment))
    risk = rng.uniform(0.002, 0.05, n)
    gram = moment / np.outer(scale, scale) * np.outer(risk, risk)
    return gram, size * rng.standard_normal(n) * 0.02 / risk, rng


def solve(gram, ideal, *, held=None, low=-50, high=50, cost=0.0, **options):
    n = len(ideal)
    held = np.zeros(n, dtype=np.int64) if held is None else np.asarray(held)
    bounds = [np.broadcast_to(np.asarray(b, dtype=np.int64), n) for b in (low, high)]
    costs = np.broadcast_to(np.asarray(cost, dtype=float), n)
    return whole_contracts(ideal, held, gram, *bounds, costs, **options)


def objective(gram, ideal, book, held=None, cost=0.0):
    off = np.asarray(book) - ideal
    held = np.zeros(len(ideal)) if held is None else held
    return off @ gram @ off + np.sum(cost * np.abs(np.asarray(book) - held))


def brute_force(gram, ideal, ranges, held=0, cost=0.0):
    """Least objective of all books."""
    books = np.array(list(itertools.product(*ranges)), dtype=float)
    off = books - ideal
    values = np.sum(off @ gram * off, axis=1) + np.abs(books - held) @ np.broadcast_to(
        cost, len(ideal)
    )
    return values.min()


def enumerated(gram, ideal, below):
    """Least tracking error of all integers, by depth-first enumeration of a lattice."""
    order = np.argsort(np.diagonal(gram))
    root, ideal = np.linalg.cholesky(gram[np.ix_(order, order)]).T, ideal[order]
    best, off = below**2, np.zeros(len(ideal))
    waiting = [(len(ideal) - 1, 0.0, off)]
    while waiting:
        k, value, off = waiting.pop()
        if value >= best:
            continue
        if k < 0:
            best = value
            continue
        step, centre = root[k, k], ideal[k] + root[k, k + 1 :] @ off[k + 1 :] / root[k, k]
        reach = np.sqrt(best - value) / step
        whole = np.arange(np.ceil(centre - reach), np.floor(centre + reach) + 1)
        for n in whole[np.argsort(-np.abs(whole - centre))]:  # the nearest is popped first
            after = off.copy()
            after[k] = ideal[k] - n
            waiting.append((k - 1, value + (step * (centre - n)) ** 2, after))
    return np.sqrt(best)


class TestFigures:
    def test_best_book(self):
        gram, ideal = example()
        found = solve(gram, ideal, low=-5, high=5)
        assert found.contracts.tolist() == [1, 4, 0, 1, -1, -2]
        assert found.objective == pytest.approx(0.00130588504, rel=1e-8)
        assert found.tracking_error == pytest.approx(0.036137031422, rel=1e-9)
        assert found.exact

    def test_worse_books_are_as_far_as_they_should_be(self):
        gram, ideal = example()
        assert np.rint(ideal).tolist() == [1, 5, 0, 1, 0, -1]
        assert objective(gram, ideal, np.rint(ideal)) == pytest.approx(0.00217685896, rel=1e-8)
        second = objective(gram, ideal, [1, 5, 0, 1, -1, -1])
        assert second == pytest.approx(0.00137383944, rel=1e-8)

    def test_best_book_with_costs(self):
        gram, ideal = example()
        held = np.array([1, 0, -1, 2, 0, 1])
        cost = np.array([8, 12, 16, 24, 12, 20]) * 1e-5
        found = solve(gram, ideal, held=held, cost=cost)
        assert found.contracts.tolist() == [1, 6, -1, 2, 0, -1]
        assert found.objective == pytest.approx(0.00274152408, rel=1e-8)
        second = objective(gram, ideal, [1, 6, -1, 1, 0, -1], held, cost)
        assert second == pytest.approx(0.00276674808, rel=1e-8)

    @pytest.mark.parametrize("width", [1, 16])
    def test_the_search_alone_finds_them_too(self, width):
        gram, ideal = example()
        found = solve(gram, ideal, width=width, nodes=0)
        assert found.contracts.tolist() == [1, 4, 0, 1, -1, -2]
        assert not found.exact


class TestSmallBooks:
    @given(seeds, st.booleans())
    def test_brute_force_finds_nothing_better(self, seed, costs):
        gram, ideal, rng = made(seed, 5)
        held = rng.integers(-2, 3, 5)
        cost = rng.uniform(0, 2e-4, 5) * costs
        found = solve(gram, ideal, held=held, low=-3, high=3, cost=cost)
        best = brute_force(gram, ideal, [range(-3, 4)] * 5, held, cost)
        assert found.exact
        assert found.objective == pytest.approx(best, rel=1e-8)

    @given(seeds)
    def test_with_fixed_positions_and_a_side(self, seed):
        gram, ideal, rng = made(seed, 6)
        held = rng.integers(-2, 3, 6)
        free = rng.random(6) < 0.7
        low, high = contract_bounds(ideal, held, np.full(6, 3.0), free, either_side=False)
        found = solve(gram, ideal, held=held, low=low, high=high)
        ranges = [range(a, b + 1) for a, b in zip(low, high, strict=True)]
        assert found.objective == pytest.approx(brute_force(gram, ideal, ranges), rel=1e-8)
        assert np.array_equal(found.contracts[~free], held[~free])
        assert np.all(found.contracts[free] * ideal[free] >= 0)

    def test_the_search_alone_is_close(self):
        gaps = []
        for seed in range(60):
            gram, ideal, _ = made(seed, 9)
            exact = solve(gram, ideal, nodes=10**6)
            assert exact.exact
            gaps.append(solve(gram, ideal, nodes=0).objective / exact.objective - 1)
        assert np.mean(np.array(gaps) < 1e-9) >= 0.9
        assert max(gaps) < 0.05


class TestLargeBooks:
    @pytest.mark.parametrize(("size", "seed"), [(0.3, 0), (0.3, 1), (0.3, 2), (1.0, 1), (1.0, 3)])
    def test_within_three_hundredths_of_the_best_of_all(self, size, seed):
        gram, ideal, _ = made(seed, 57, size)
        found = solve(gram, ideal)
        least = enumerated(gram, ideal, 1.001 * found.tracking_error)
        assert least <= found.tracking_error * (1 + 1e-9) <= 1.03 * least

    @pytest.mark.parametrize("size", [0.3, 1.0, 10.0])
    def test_a_search_sixty_times_as_wide_finds_hardly_better(self, size):
        for seed in range(3):
            gram, ideal, _ = made(seed, 57, size)
            found, wide = solve(gram, ideal), solve(gram, ideal, width=1000)
            assert found.tracking_error <= 1.01 * wide.tracking_error
            rounded = np.clip(np.rint(ideal), -50, 50)
            assert found.objective < objective(gram, ideal, rounded)

    @given(seeds, st.floats(0.0, 1e-3))
    def test_never_worse_than_what_is_held_or_rounded(self, seed, cost):
        gram, ideal, rng = made(seed, 25)
        held = rng.integers(-3, 4, 25)
        found = solve(gram, ideal, held=held, cost=cost)
        assert found.objective == pytest.approx(
            objective(gram, ideal, found.contracts, held, cost), rel=1e-9
        )
        for other in (held, np.clip(np.rint(ideal), -50, 50)):
            assert found.objective <= objective(gram, ideal, other, held, cost) * (1 + 1e-9)
        again = solve(gram, ideal, held=held, cost=cost)
        assert np.array_equal(found.contracts, again.contracts)

    def test_fewer_trades_the_more_they_cost(self):
        gram, ideal, rng = made(4, 25)
        held = np.rint(ideal + rng.standard_normal(25)).astype(np.int64)
        trades = [
            np.abs(solve(gram, ideal, held=held, cost=c).contracts - held).sum()
            for c in (0.0, 1e-5, 1e-4, 1e-3, 1.0)
        ]
        assert trades == sorted(trades, reverse=True)
        assert trades[-1] == 0

    def test_without_correlation_it_is_rounding(self):
        _, ideal, _ = made(5, 30)
        gram = np.diag(np.random.default_rng(5).uniform(1e-6, 1e-3, 30))
        assert np.array_equal(solve(gram, ideal).contracts, np.clip(np.rint(ideal), -50, 50))


class TestDefinedResults:
    def test_a_nav_that_buys_no_contract(self):
        gram, ideal, _ = made(6, 20, 1e-4)
        found = solve(gram, ideal)
        assert not found.contracts.any()
        assert found.tracking_error == pytest.approx(np.sqrt(ideal @ gram @ ideal))

    def test_a_cap_below_one_contract(self):
        cap, free = np.array([0.9, 2.0, np.inf, np.nan]), np.ones(4, bool)
        ideal, held = np.array([5.0, -5.0, 1.0, 1.0]), np.zeros(4, np.int64)
        low, high = contract_bounds(ideal, held, cap, free)
        assert low.tolist() == [0, -2, -(10**9), 0]
        assert high.tolist() == [0, 2, 10**9, 0]

    def test_markets_without_risk_are_rounded_within_bounds(self):
        gram = np.diag([1e-4, 0.0])
        assert solve(gram, np.array([1.4, 70.2])).contracts.tolist() == [1, 50]

    def test_everything_fixed_and_nothing_there(self):
        gram, ideal, _ = made(7, 4)
        held = np.array([1, -2, 0, 3])
        found = solve(gram, ideal, held=held, low=held, high=held)
        assert found.contracts.tolist() == held.tolist()
        assert found.exact
        assert solve(np.zeros((0, 0)), np.zeros(0)).contracts.tolist() == []

    def test_duplicates_and_indefinite_matrices(self):
        gram, ideal, _ = made(8, 20)
        gram[1], gram[:, 1] = gram[0], gram[:, 0]
        gram[1, 1] = gram[0, 0]
        gram[2, 3] = gram[3, 2] = 3 * np.sqrt(gram[2, 2] * gram[3, 3])
        found = solve(gram, ideal)
        assert np.all(np.abs(found.contracts) <= 50)

    def test_a_tree_that_stops_says_so(self, monkeypatch):
        gram, ideal, _ = made(9, 10, 3.0)
        assert not solve(gram, ideal, nodes=3).exact
        monkeypatch.setattr(module, "TREE_ASSETS", 5)
        assert not solve(gram, ideal, nodes=10**6).exact

    def test_unknown_exposure_has_no_covariance(self):
        gram = contract_covariance(np.array([0.1, np.nan]), np.ones((2, 2)))
        assert gram.tolist() == [[pytest.approx(0.01), 0.0], [0.0, 0.0]]


def test_an_indefinite_matrix_sends_no_asset_to_its_bounds():
    """Two assets of correlation 1.5: each on the other side would have less than no risk."""
    gram = np.diag([0.01, 0.01, 0.01, 0.01])
    gram[0, 1] = gram[1, 0] = 0.015
    ideal, held = np.array([0.6, 1.2, -0.7, 0.0]), np.zeros(4, dtype=np.int64)
    low, high = contract_bounds(ideal, held, np.full(4, 50.0), np.ones(4, dtype=bool))
    found = whole_contracts(ideal, held, gram, low, high, np.zeros(4))
    assert found.contracts.tolist() == [1, 1, -1, 0]
    assert found.objective >= 0
