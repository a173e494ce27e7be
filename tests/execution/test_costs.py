import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.costs import fee, slippage
from tests.helpers import instrument

ES = instrument("ES", half_spread=0.125, adv_contracts=1_600_000.0, fee=2.25)
quantities = st.floats(0, 1e6)
sigmas = st.floats(0, 1e4)


def test_closed_form_by_hand():
    """100 of 1,600,000 contracts are 1/16000; 0.1 x 40 points x 0.0079057 = 0.0316."""
    found = slippage(ES, 100, 40.0, impact=0.1)
    assert found == pytest.approx(0.125 + 0.1 * 40 / math.sqrt(16_000))


def test_at_full_volume_the_impact_is_alpha_sigmas():
    assert slippage(ES, 1_600_000, 40.0, impact=0.1) - 0.125 == pytest.approx(4.0)


def test_stress_multiplies_all_of_it():
    assert slippage(ES, 50, 40.0, stress=3.0) == pytest.approx(3 * slippage(ES, 50, 40.0))
    assert slippage(ES, 50, 40.0, stress=0.0) == 0.0


@pytest.mark.parametrize("sigma", [math.nan, math.inf])
def test_unknown_volatility_leaves_the_spread(sigma):
    assert slippage(ES, 100, sigma) == 0.125


@given(quantities, sigmas)
def test_either_side_costs_the_same(quantity, sigma):
    assert slippage(ES, -quantity, sigma) == slippage(ES, quantity, sigma)


@given(quantities, quantities, sigmas)
def test_never_falls_with_the_quantity_nor_below_the_spread(one, other, sigma):
    low, high = sorted((one, other))
    assert 0.125 <= slippage(ES, low, sigma) <= slippage(ES, high, sigma)


@given(quantities, sigmas, st.floats(0, 20), st.floats(0, 20))
def test_never_falls_with_the_stress(quantity, sigma, one, other):
    low, high = sorted((one, other))
    assert slippage(ES, quantity, sigma, stress=low) <= slippage(ES, quantity, sigma, stress=high)


def test_four_times_the_quantity_doubles_the_impact():
    impact = [slippage(ES, q, 40.0) - 0.125 for q in (100, 400)]
    assert impact[1] == pytest.approx(2 * impact[0])


def test_fees_are_per_contract_and_side():
    assert fee(ES, 4) == fee(ES, -4) == 9.0
    assert fee(ES, 0) == 0.0
