"""What a market's volatility makes of its costs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from universe.cost_stress import MOST, CostStress

WEIGHT = 0.3
ratios = st.floats(0.01, 100.0)


def mixed(current, norm):
    """The volatility that the chain sizes by, of both."""
    current, norm = np.array(current, float), np.array(norm, float)
    return (1.0 - WEIGHT) * current + WEIGHT * norm, current


def test_by_hand():
    """Twice, half and as much as usual, and beyond what counts; a square root of the first."""
    sigma, current = mixed([0.02, 0.01, 0.01, 5.0], [0.01, 0.02, 0.01, 0.01])
    assert CostStress(1.0, WEIGHT).of(sigma, current) == pytest.approx([2.0, 1.0, 1.0, MOST])
    assert CostStress(0.5, WEIGHT).of(sigma, current)[0] == pytest.approx(np.sqrt(2.0))


def test_off_and_unknown_are_one():
    sigma, current = mixed([0.02, np.nan, 0.02], [0.01, 0.01, np.nan])
    assert CostStress().of(sigma, current).tolist() == [1.0, 1.0, 1.0]
    assert CostStress(1.0, WEIGHT).of(sigma, current)[1:].tolist() == [1.0, 1.0]


@given(ratios, ratios, st.floats(0.0, 3.0))
def test_never_below_one_and_never_falls_with_volatility(one, other, power):
    low, high = sorted((one, other))
    sigma, current = mixed([low, high], [1.0, 1.0])
    found = CostStress(power, WEIGHT).of(sigma, current)
    assert 1.0 <= found[0] <= found[1] <= MOST**power * (1 + 1e-12)
