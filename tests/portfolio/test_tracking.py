"""Whole contracts of a day: chosen together for small funds, within limits and caps."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.tracking import ContractTracker
from portfolio.trade import BufferedTrading
from tests.portfolio.test_whole_contracts import NOTIONAL, VOL, WEIGHT, example

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
    ideal = np.asarray(ideal)
    return tracker(**options).choose(ideal, held, free, known, snapshot())


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


def test_what_is_kept_for_its_cost_is_no_hedge():
    """A contract held whose target is a hundredth on the other side."""
    wanted = target(optimal=np.array([-0.01, 0.0, 0.0, 0.0, 0.0, 0.0]))
    trading = BufferedTrading(N, 0.0, 0, tracker(cost=1e6))
    trading.model_contracts[0] = 1
    trades = trading.solve(wanted, 1.0, snapshot())
    assert trades.contracts[0] == 1
    assert not trades.contrary.any()
