import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from universe.fx import SPAN, FxGate

DAY = 16000
NAMES = ["USD", "EUR", "EUR", "JPY"]


def rates(eur, jpy=0.01):
    return np.array([1.0, eur, eur, jpy])


def warm(count=60, seed=1, **options):
    """A gate after ordinary rates, the day after them and the last one."""
    gate = FxGate(NAMES, **options)
    walk = 1.3 * np.cumprod(1 + 0.005 * np.random.default_rng(seed).standard_normal(count))
    for k, rate in enumerate(walk):
        assert gate.take(DAY + k, rates(rate)) == []
    return gate, DAY + count, float(walk[-1])


@pytest.mark.parametrize("factor", [0.1, 10.0, 0.7, 1.4])
def test_a_rate_off_for_a_day_changes_nothing(factor):
    gate, day, last = warm()
    notes = gate.take(day, rates(last * factor))
    assert [(market, kind) for market, kind, _ in notes] == [(1, "fx")]
    assert "EUR moved" in notes[0][2]
    np.testing.assert_array_equal(gate.by_market(), rates(last))
    assert gate.age(day).tolist() == [0, 1, 1, 0]
    notes = gate.take(day + 1, rates(last * 1.002))
    assert "dropped" in notes[0][2]
    np.testing.assert_array_equal(gate.by_market(), rates(last * 1.002))
    assert gate.fresh().all()


def test_a_second_rate_confirms_if_it_has_moved():
    """The franc on 2015-01-15."""
    gate, day, last = warm()
    gate.take(day, rates(last * 1.3))
    gate.take(day + 1, rates(last * 1.3))
    assert gate.by_market()[1] == last, "an equal rate is no second one"
    notes = gate.take(day + 2, rates(last * 1.31))
    assert "confirmed" in notes[0][2]
    assert gate.by_market()[1] == last * 1.31


def test_a_lasting_factor_is_a_change_of_unit_and_grows_old():
    gate, day, last = warm(max_age=14)
    for k in range(30):
        notes = gate.take(day + k, rates(last * 100 * (1 + 0.001 * k)))
        assert gate.by_market()[1] == last
        assert gate.fresh()[1] == (k < 14)
        assert any("too old" in text for _, _, text in notes) == (k == 14)
    assert gate.fresh()[[0, 3]].all()


def test_a_young_currency_may_double_but_not_more():
    gate = FxGate(NAMES)
    gate.take(DAY, rates(1.0))
    gate.take(DAY + 1, rates(1.9))
    assert gate.by_market()[1] == 1.9
    gate.take(DAY + 2, rates(19.0))
    assert gate.by_market()[1] == 1.9


def test_age_is_that_of_the_rate_not_of_the_session():
    gate, day, last = warm()
    known = np.full(4, day)
    gate.take(day, rates(last * 1.001), known)
    for ahead in range(1, 20):
        notes = gate.take(day + ahead, rates(last * 1.001), known)
        assert gate.age(day + ahead)[1] == ahead
        assert gate.fresh()[1] == (ahead <= 14)
        assert len(notes) == 2 * (ahead == 15)  # the euro and the yen, once
        assert gate.fresh()[0], "the account's own currency"


def test_unknown_rates_are_never_fresh():
    gate = FxGate(NAMES)
    gate.take(DAY, rates(np.nan))
    assert np.isnan(gate.by_market()[1])
    assert gate.fresh().tolist() == [True, False, False, True]
    gate.take(DAY + 1, rates(0.0))
    assert np.isnan(gate.by_market()[1])


@pytest.mark.parametrize(("move", "believed"), [(1.019, True), (1.021, False)])
def test_a_pegged_currency_may_still_move_two_per_cent(move, believed):
    gate = FxGate(["HKD"])
    for k in range(2 * SPAN):
        gate.take(DAY + k, np.array([0.128 + 1e-6 * (k % 2)]))
    gate.take(DAY + 100, np.array([0.128 * move]))
    assert bool(gate.by_market()[0] == 0.128 * move) is believed


@given(st.integers(0, 1000), st.integers(35, 80))
def test_what_is_restored_goes_on_the_same(seed, cut):
    walk = 1.3 * np.cumprod(1 + 0.02 * np.random.default_rng(seed).standard_t(2, 100))
    walk = np.maximum(walk, 0.05)
    one, other = FxGate(NAMES), FxGate(NAMES)
    for k, rate in enumerate(walk):
        one.take(DAY + k, rates(rate))
        if k == cut:
            for name in FxGate.STATE:
                setattr(other, name, getattr(one, name).copy())
        if k > cut:
            other.take(DAY + k, rates(rate))
            np.testing.assert_array_equal(one.by_market(), other.by_market())
