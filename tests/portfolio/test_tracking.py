"""Whole contracts of a day: chosen together for small funds, within limits and caps."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.caps import ShareCap, attainable, cap_contract_shares, variance_shares
from portfolio.tracking import ContractTracker
from portfolio.trade import BufferedTrading
from tests.portfolio.test_whole_contracts import NOTIONAL, VOL, WEIGHT, example, made

NAV = 500_000.0
N = len(NOTIONAL)
IDEAL = WEIGHT * NAV / NOTIONAL
NONE = np.zeros(N, dtype=np.int64)
FREE = np.ones(N, dtype=bool)


def tracker(cost=0.0, **options):
    fields = {"either_side": True, "vol_target": 0.10, **options}
    ones = np.ones(N)
    return ContractTracker(np.full(N, cost), ones, yearly_trades=5.0, aversion=5.0, **fields)


def snapshot():
    gram, _ = example()
    risk = np.sqrt(np.diagonal(gram))
    return SimpleNamespace(
        sigma=VOL / np.sqrt(252),
        correlation=gram / np.outer(risk, risk),
        contract_value=lambda multiplier: multiplier,
        tradable=FREE,
        must_exit=~FREE,
    )


def target(nav=NAV, limit=np.inf, optimal=IDEAL):
    limits = np.broadcast_to(np.asarray(limit, dtype=float), N)
    return SimpleNamespace(
        optimal=np.asarray(optimal, dtype=float),
        value=NOTIONAL,
        limit=limits,
        contrary_limit=limits,
        average=np.zeros(N),
        priced=FREE,
        nav=nav,
    )


def chosen(ideal=IDEAL, held=NONE, free=FREE, nav=NAV, limit=np.inf, **options):
    known = target(nav, limit)
    return tracker(**options).choose(np.asarray(ideal), held, free, known, snapshot())


def test_best_book_of_the_published_figures():
    assert chosen().tolist() == [1, 4, 0, 1, -1, -2]


def test_rounding_is_left_to_a_fund_whose_contracts_are_fine_enough():
    assert chosen(nav=1e9) is None
    assert chosen(nav=1e7) is not None


def test_cost_keeps_what_is_held():
    held = np.array([1, 5, 0, 1, -1, -1])
    assert chosen(held=held).tolist() != held.tolist()
    assert chosen(held=held, cost=400.0).tolist() == held.tolist()


def test_no_contract_against_its_signal_unless_it_may_hedge():
    ideal = np.array([0.4, -0.3, 0.5, -0.4, 0.3, 0.45])
    found = chosen(ideal, either_side=False)
    assert np.all(found * np.sign(ideal) >= 0)


def test_what_is_not_wanted_is_only_closed_and_what_is_neither_is_left_out():
    ideal, held = IDEAL.copy(), np.array([0, 0, 0, 0, -2, 0])
    ideal[3:5] = 0.0
    found = chosen(ideal, held)
    assert found[3] == 0
    assert -2 <= found[4] <= 0


def test_limits_hold_and_what_cannot_trade_stays():
    free = FREE.copy()
    free[0] = False
    limit = np.array([np.inf, 3.0, np.inf, 0.99, np.inf, 1.5])
    held = np.array([3, 0, 0, 0, 0, 0])
    found = chosen(held=held, free=free, limit=limit)
    assert found[0] == 3
    assert np.all(np.abs(found)[1:] <= limit[1:])
    assert found[3] == 0


def test_the_last_bits_of_nav_decide_nothing():
    other = chosen(IDEAL * (1 + 4e-16), nav=NAV * (1 + 4e-16), cost=5.0)
    np.testing.assert_array_equal(other, chosen(cost=5.0))


@given(st.integers(0, 10**6))
@settings(max_examples=30)
def test_together_is_never_further_off_than_apart(seed):
    rng = np.random.default_rng(seed)
    wanted = target(optimal=2.0 * rng.standard_normal(N))
    gram, _ = example()

    def off(trading):
        away = trading.solve(wanted, 1.0, snapshot()).contracts - wanted.optimal
        return away @ gram @ away

    assert off(BufferedTrading(N, 0.0, 0, tracker())) <= off(BufferedTrading(N, 0.0, 0)) + 1e-12


def test_contracts_against_their_signal_are_named():
    wanted = target(optimal=np.array([0.9, 2.6, 0.3, -0.2, -0.1, 0.05]))
    for seed in range(50):
        rng = np.random.default_rng(seed)
        wanted = target(optimal=rng.standard_normal(N))
        trades = BufferedTrading(N, 0.0, 0, tracker()).solve(wanted, 1.0, snapshot())
        against = trades.contracts * np.sign(wanted.optimal) < 0
        np.testing.assert_array_equal(trades.contrary, against)
        if against.any():
            return
    pytest.fail("no draw holds a hedge")


class TestCapsOnContracts:
    @given(st.integers(0, 10**6), st.floats(0.05, 0.5))
    @settings(max_examples=40)
    def test_groups_are_within_their_shares_or_down_to_single_contracts(self, seed, limit):
        gram, ideal, rng = made(seed, 8, 3.0)
        contracts = np.rint(ideal).astype(np.int64)
        free = rng.random(8) > 0.1
        caps = [
            ShareCap("market", np.arange(8), limit),
            ShareCap("class", np.resize(np.arange(3), 8), min(2 * limit, 0.9)),
        ]
        found, bindings = cap_contract_shares(contracts, gram, caps, free)
        assert np.all(np.abs(found) <= np.abs(contracts))
        assert np.all(found * contracts >= 0)
        assert np.all((found != 0) == (contracts != 0))
        np.testing.assert_array_equal(found[~free], contracts[~free])
        assert bool(bindings) == bool((found != contracts).any())
        for cap in caps:
            share = variance_shares(found.astype(float), gram, cap.group)
            over = np.flatnonzero(share > attainable(cap, contracts) * 1.001)
            for group in over:
                inside = free & (cap.group == group)
                assert np.all(np.abs(found[inside]) <= 1)

    def test_a_large_book_is_within_its_caps(self):
        gram, ideal, _ = made(3, 12, 400.0)
        caps = [ShareCap("market", np.arange(12), 0.12)]
        contracts = np.rint(ideal).astype(np.int64)
        found, bindings = cap_contract_shares(contracts, gram, caps, np.ones(12, dtype=bool))
        assert variance_shares(found.astype(float), gram, caps[0].group).max() <= 0.12 * 1.001
        assert {dataclasses.asdict(b)["kind"] for b in bindings} == {"market"}
