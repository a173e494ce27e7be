import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.caps import (
    Binding,
    ShareCap,
    ShareCaps,
    WorstDays,
    cap_beta,
    cap_exposures,
    cap_gross,
    jump_bounds,
    market_betas,
    short_volatility_bound,
    variance_shares,
)

seeds = st.integers(0, 10**6)


def made(seed, n=40, n_classes=7):
    rng = np.random.default_rng(seed)
    loading = rng.standard_normal((n, 3))
    moment = loading @ loading.T + np.diag(rng.uniform(0.5, 3.0, n))
    scale = np.sqrt(np.diagonal(moment))
    sigma = rng.uniform(0.02, 0.6, n)
    cov = moment / np.outer(scale, scale) * np.outer(sigma, sigma)
    weights = rng.standard_normal(n) / sigma * rng.lognormal(0.0, 1.0, n)
    return weights, cov, np.resize(np.arange(n_classes), n)


def caps_of(classes, market=0.08, share=0.22):
    return [
        ShareCap("market", np.arange(len(classes)), market),
        ShareCap("class", classes, share),
    ]


def capped_by(weights, cov, caps):
    return ShareCaps(caps).capped(weights, cov)


class TestShares:
    @given(seeds)
    def test_shares_by_another_path(self, seed):
        weights, cov, classes = made(seed)
        total = weights @ cov @ weights
        for group, share in enumerate(variance_shares(weights, cov, classes)):
            part = np.where(classes == group, weights, 0.0)
            assert share == pytest.approx(part @ cov @ weights / total, abs=1e-12)
        assert variance_shares(weights, cov, classes).sum() == pytest.approx(1.0)

    @given(seeds)
    def test_all_are_within_their_caps_and_only_shrink(self, seed):
        weights, cov, classes = made(seed)
        capped = capped_by(weights, cov, caps_of(classes))
        assert variance_shares(capped.weights, cov, np.arange(40)).max() <= 0.08 * (1 + 1e-9)
        assert variance_shares(capped.weights, cov, classes).max() <= 0.22 * (1 + 1e-9)
        assert np.all(capped.weights * weights >= 0)
        assert np.all(np.abs(capped.weights) <= np.abs(weights) * (1 + 1e-12))
        again = capped_by(capped.weights, cov, caps_of(classes))
        assert again.weights == pytest.approx(capped.weights, rel=1e-9)

    def test_those_that_bind_together_are_where_scaling_alone_would_take_them(self):
        """Two of five classes, by √(cap / share) round after round until the last digit."""
        size = [2, 2, 2, 3, 3]
        weights, classes = np.repeat([3.0, 2.5, 1.2, 1.0, 1.0], size), np.repeat(range(5), size)
        cov, slow = np.eye(12) + 0.1, weights.copy()
        for _ in range(500):
            share = variance_shares(slow, cov, classes)
            slow *= np.minimum(np.sqrt(0.26 / share), 1.0)[classes]
        assert variance_shares(slow, cov, classes)[:2] == pytest.approx(0.26)
        capped = capped_by(weights, cov, [ShareCap("class", classes, 0.26)])
        assert capped.weights == pytest.approx(slow, rel=1e-9)
        assert [binding.index for binding in capped.bindings] == [0, 1]

    def test_caps_without_room_for_all_shares_are_loosened_alike(self):
        """25 % a market, and 1.25 / 3 a class of one, one and four markets, leave 0.92 of 1."""
        classes = np.array([0, 1, 2, 2, 2, 2])
        caps = [ShareCap("market", np.arange(6), 0.25), ShareCap("class", classes, 0.3)]
        capped = capped_by(np.array([9.0, 8.0, 2.0, 3.0, 4.0, 5.0]), np.eye(6), caps)
        loosened = 1.05 / (2 * 0.25 + 1.25 / 3)
        share = variance_shares(capped.weights, np.eye(6), np.arange(6))
        assert share.max() == pytest.approx(0.25 * loosened, rel=1e-6)
        assert variance_shares(capped.weights, np.eye(6), classes)[2] <= 1.25 / 3 * loosened
        limits = [b.limit for b in capped.bindings if b.kind == "market"]
        assert limits == pytest.approx([0.25 * loosened] * len(limits))
        assert np.abs(capped.weights).sum() > 5.0  # they have not gone to nothing

    def test_without_correlation_two_capped_markets_are_in_closed_form(self):
        # variances 4 and 4 and fourteen of 1; capped at 0.1 of a total of 14 / 0.8
        weights = np.array([2.0, 2.0, *np.ones(14)])
        capped = capped_by(weights, np.eye(16), [ShareCap("market", np.arange(16), 0.1)])
        assert capped.weights[:2] == pytest.approx(np.sqrt(0.1 * 14 / 0.8), rel=1e-9)
        assert capped.weights[2:].tolist() == [1.0] * 14
        assert [(b.kind, b.index, b.limit) for b in capped.bindings] == [
            ("market", 0, 0.1),
            ("market", 1, 0.1),
        ]
        assert capped.bindings[0].value == pytest.approx(4 / 22)

    def test_what_is_within_is_left_alone(self):
        weights, cov = np.ones(20), np.eye(20)
        capped = capped_by(weights, cov, caps_of(np.resize(np.arange(5), 20)))
        assert capped.weights.tobytes() == weights.tobytes()
        assert capped.bindings == ()

    def test_fewer_groups_than_a_cap_needs_stay_within_a_quarter_of_equal_shares(self):
        capped = capped_by(
            np.array([3.0, 1.0, 0.0]), np.eye(3), [ShareCap("market", np.arange(3), 0.08)]
        )
        shares = variance_shares(capped.weights, np.eye(3), np.arange(3))
        assert shares[:2] == pytest.approx([0.625, 0.375], rel=1e-9)
        assert capped.bindings[0].limit == 0.625

    def test_one_market_is_all_of_its_risk(self):
        capped = capped_by(np.array([2.0]), np.eye(1), caps_of(np.zeros(1, np.int64)))
        assert capped.weights.tolist() == [2.0]

    def test_a_flat_book_has_no_shares(self):
        capped = capped_by(np.zeros(3), np.eye(3), caps_of(np.zeros(3, np.int64)))
        assert not capped.weights.any()
        assert capped.bindings == ()


class TestJumps:
    def test_the_markets_own_worst_day_costs_at_most_the_cap(self):
        rng = np.random.default_rng(1)
        days = rng.standard_t(3, (500, 6)) * 0.01
        days[3, 2] = np.nan
        worst = WorstDays(6)
        for row in days:
            worst.update(row)
        low, high = jump_bounds(worst.fall, worst.rise, 0.03)
        weights = rng.standard_normal(6) * 5
        capped = cap_exposures(weights, low, high, "jump", 0.03)
        assert np.nanmin(days * capped.weights) >= -0.03 - 1e-12
        bound = np.nanmin(days * weights, axis=0) < -0.03
        assert [b.index for b in capped.bindings] == np.flatnonzero(bound).tolist()
        for b in capped.bindings:
            assert b.value == pytest.approx(-np.nanmin(days[:, b.index] * weights[b.index]))

    def test_short_volatility_in_a_rise_of_sixty_percent(self):
        low = short_volatility_bound(np.array([True, False]), 0.6, 0.05)
        capped = cap_exposures(np.array([-0.36, -0.36]), low, np.full(2, np.inf), "rise", 0.05)
        assert capped.weights == pytest.approx([-0.05 / 0.6, -0.36])
        assert capped.bindings[0].value == pytest.approx(0.216)  # as on 2007-02-12

    def test_before_the_first_move_nothing_is_bound(self):
        low, high = jump_bounds(np.zeros(1), np.zeros(1), 0.03)
        assert cap_exposures(np.array([9.0]), low, high, "jump", 0.03).weights.tolist() == [9.0]


class TestBeta:
    def test_slopes_are_those_of_least_squares(self):
        rows = np.random.default_rng(2).standard_normal((252, 5))
        beta = market_betas(rows, 3)
        for i in range(5):
            assert beta[i] == pytest.approx(np.polyfit(rows[:, 3], rows[:, i], 1)[0])
        assert beta[3] == pytest.approx(1.0)

    def test_an_index_that_stands_still_has_no_betas(self):
        assert not market_betas(np.zeros((252, 3)), 0).any()
        assert not market_betas(np.zeros((0, 3)), 0).any()

    @given(seeds, st.floats(0.0, 2.0))
    def test_net_beta_is_at_the_limit_and_hedges_stay(self, seed, limit):
        rng = np.random.default_rng(seed)
        weights, beta = rng.standard_normal(10), rng.standard_normal(10)
        capped = cap_beta(weights, beta, limit)
        net = weights @ beta
        assert abs(capped.weights @ beta) == pytest.approx(min(abs(net), limit), abs=1e-9)
        offsetting = weights * beta * net <= 0
        assert np.array_equal(capped.weights[offsetting], weights[offsetting])
        assert bool(capped.bindings) == (abs(net) > limit)

    def test_an_unknown_beta_counts_as_none(self):
        capped = cap_beta(np.array([1.0, 1.0]), np.array([np.nan, 1.0]), 0.5)
        assert capped.weights.tolist() == [1.0, 0.5]


class TestGross:
    def test_rates_count_in_ten_year_equivalents(self):
        weights, notional = np.array([-8.0, 1.0]), np.array([0.25, 1.0])
        assert cap_gross(weights, notional, 3.0).weights is weights
        capped = cap_gross(weights, np.ones(2), 6.0)
        assert np.abs(capped.weights).sum() == pytest.approx(6.0)
        assert capped.bindings == (Binding("gross", -1, 9.0, 6.0),)


@pytest.mark.parametrize(
    ("binding", "sentence"),
    [
        (Binding("market", 3, 0.26, 0.08), "VX would be 26.0% of variance, 8.0% is allowed"),
        (Binding("class", 3, 0.28, 0.22), "class VX would be 28.0% of variance, 22.0% is allowed"),
        (
            Binding("beta", -1, -0.7, 0.5),
            "net beta to equities would be -0.70, 0.50 is allowed",
        ),
        (
            Binding("rise", 3, 0.216, 0.05),
            "VX would lose 21.6% of NAV in a rise of volatility, 5.0% is allowed",
        ),
    ],
)
def test_sentences(binding, sentence):
    assert binding.sentence("VX") == sentence
