"""Curves against closed forms and optimisers, children against their curves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from execution.schedules import (
    decay,
    due,
    due_in_volume,
    learned_profile,
    linear_impact,
    open_curve,
    shortfall_curve,
    twap_curve,
    vwap_curve,
)

quantities = st.integers(-5000, 5000).filter(bool)
lengths = st.integers(1, 400)


def children(curve, quantity):
    done, out = 0, []
    for minute in range(len(curve)):
        size = due(curve, minute, quantity, done)
        out.append(size)
        done += size
    return np.array(out)


@given(quantities, lengths)
def test_twap_slices_differ_by_one_contract_at_most(quantity, minutes):
    sizes = children(twap_curve(minutes), quantity)
    assert sizes.sum() == quantity
    assert np.ptp(sizes) <= 1


@given(quantities, st.lists(st.floats(0, 1e5), min_size=1, max_size=60))
def test_vwap_follows_its_profile_within_one_contract(quantity, profile):
    curve = vwap_curve(np.array(profile))
    sizes = children(curve, quantity)
    assert sizes.sum() == quantity
    assert np.abs(np.cumsum(sizes) - quantity * curve).max() <= 0.5 + 1e-6


def test_open_is_one_child():
    assert children(open_curve(5), -30).tolist() == [-30, 0, 0, 0, 0]


@given(quantities, st.lists(st.integers(0, 500), min_size=1, max_size=60), st.floats(0.01, 0.5))
def test_pov_is_never_above_its_cap(quantity, volumes, cap):
    """Of the market's volume with its own trades in it."""
    done, traded = 0, 0
    for volume in volumes:
        traded += volume
        done += due_in_volume(traded, cap, quantity, done)
        assert abs(done) <= cap * (traded + abs(done)) + 1
        assert abs(done) <= abs(quantity)
        assert done * quantity >= 0


class TestShortfall:
    """Almgren and Chriss."""

    def test_no_risk_aversion_is_twap(self):
        assert shortfall_curve(30, decay(0.0, 2.0, 0.5)) == pytest.approx(twap_curve(30))

    def test_the_closed_form_is_the_optimum_of_cost_and_risk(self):
        """sum of eta v^2 + lambda sigma^2 x^2 over 12 minutes, minimised by brute force."""
        size, eta, sigma, aversion, n = 100.0, 0.02, 0.5, 0.01, 12

        def objective(traded):
            left = size - np.cumsum(traded)
            penalty = 1e3 * (left[-1] ** 2)
            return eta * (traded**2).sum() + aversion * sigma**2 * (left[:-1] ** 2).sum() + penalty

        found = minimize(objective, np.full(n, size / n), method="BFGS", options={"gtol": 1e-6})
        ours = size * shortfall_curve(n, decay(aversion, sigma, eta))
        assert np.cumsum(found.x) == pytest.approx(ours, rel=2e-3)

    def test_more_risk_aversion_is_earlier(self):
        slow, fast = shortfall_curve(60, 0.01), shortfall_curve(60, 0.1)
        assert np.all(fast[:-1] > slow[:-1])
        assert fast[-1] == slow[-1] == pytest.approx(1.0)
        assert np.isfinite(shortfall_curve(400, 50.0)).all()

    def test_the_square_root_law_at_the_mean_rate(self):
        """400 of 10,000 contracts in 100 minutes: 0.1 x 30 x 0.2 points at 4 a minute."""
        assert linear_impact(-400, 100, 0.1, 30.0, 10_000.0) == pytest.approx(0.6 / 4)


def test_a_profile_is_of_the_same_weekday_where_there_are_enough():
    volumes = np.array([[1.0, 3.0]] * 4 + [[9.0, 1.0]] * 4)
    weekday = np.array([0] * 4 + [1] * 4)
    assert learned_profile(volumes, weekday, 0).tolist() == [0.25, 0.75]
    assert learned_profile(volumes, weekday, 2) == pytest.approx([0.575, 0.425])
    assert learned_profile(np.zeros((3, 4)), np.zeros(3), 0).tolist() == [0.25] * 4


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: twap_curve(0), "0 minutes"),
        (lambda: vwap_curve(np.array([1.0, -1.0])), "negative"),
        (lambda: shortfall_curve(5, -1.0), "kappa is -1"),
        (lambda: decay(-1.0, 1.0, 1.0), "risk aversion -1"),
        (lambda: linear_impact(0, 5, 0.1, 1.0, 1.0), "quantity 0"),
        (lambda: due_in_volume(5.0, 1.0, 1, 0), "participation is 1"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
