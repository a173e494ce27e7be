"""Whole contracts from a fractional target at any exposure scale."""

from types import SimpleNamespace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from portfolio.trade import BufferedTrading

N = 5
fractions = arrays(float, N, elements=st.floats(-200, 200).map(lambda x: round(x, 6)))
limits = arrays(float, N, elements=st.floats(0, 300))
scales = st.floats(0, 1)


def target(optimal, limit=1e9, average=None):
    return SimpleNamespace(
        optimal=np.asarray(optimal, dtype=float),
        limit=np.resize(np.asarray(limit, dtype=float), N),
        average=np.abs(optimal) if average is None else np.resize(average, N),
        value=np.ones(N),
        priced=np.ones(N, dtype=bool),
    )


def day(tradable=True, must_exit=False):
    return SimpleNamespace(
        tradable=np.resize(tradable, N), must_exit=np.resize(must_exit, N), sigma=np.full(N, 0.01)
    )


def trading(buffer=0.0, held=None):
    out = BufferedTrading(N, buffer, 0)
    if held is not None:
        out.model_contracts = np.asarray(held, dtype=np.int64)
    return out


@given(fractions, scales)
def test_without_a_band_no_position_is_half_a_contract_off(optimal, scale):
    found = trading().solve(target(optimal), scale, day()).contracts
    assert np.abs(found - optimal * scale).max() <= 0.5 + 1e-8


@given(fractions, limits, scales, arrays(np.int64, N, elements=st.integers(-300, 300)))
def test_no_scale_lifts_a_position_over_its_limit(optimal, limit, scale, held):
    found = trading(0.1, held).solve(target(optimal, limit), scale, day()).contracts
    assert np.all(np.abs(found) <= limit + 1e-8)


@given(fractions)
def test_none_of_the_exposure_is_flat(optimal):
    assert not trading(0.2, np.rint(optimal)).solve(target(optimal), 0.0, day()).contracts.any()


def test_a_small_book_keeps_about_the_share_of_the_scale():
    """Cutting whole contracts would leave 0, 0, 1, 2, 3: three fifths of what was asked for."""
    optimal = np.array([1.0, -1.2, 2.0, 3.0, 4.0])
    found = trading().solve(target(optimal), 0.8, day()).contracts
    assert found.tolist() == [1, -1, 2, 2, 3]
    assert np.abs(found).sum() / np.abs(optimal).sum() > 0.79


@given(fractions, scales, st.floats(0.01, 0.5))
def test_the_band_is_laid_around_the_scaled_target(optimal, scale, buffer):
    held = np.rint(optimal * scale).astype(np.int64)
    found = trading(buffer, held).solve(target(optimal), scale, day()).contracts
    np.testing.assert_array_equal(found, held)


def test_what_cannot_trade_stays_and_what_may_not_be_held_goes():
    held = np.array([3, 3, 3, 3, 3])
    tradable = np.array([False, True, False, True, True])
    out = np.array([False, False, True, True, False])
    found = trading(0.0, held).solve(target(np.full(N, 7.0)), 1.0, day(tradable, out)).contracts
    assert found.tolist() == [3, 7, 0, 0, 7]


def test_solving_changes_nothing_until_it_is_committed():
    own = trading()
    first = own.solve(target(np.full(N, 4.0)), 1.0, day()).contracts
    np.testing.assert_array_equal(own.model_contracts, np.zeros(N))
    own.commit(first)
    np.testing.assert_array_equal(own.model_contracts, first)
    assert not own.since_trade.any()
    own.commit(first)
    np.testing.assert_array_equal(own.since_trade, np.ones(N))
