import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.contract_sizes import Sizes, fill

INDEX = Sizes(10, trade_full=20.0, trade_small=2.6)  # the small one is dearer for its size


def test_from_nothing_by_cost_per_unit_of_risk():
    assert fill(37, 0, 0, INDEX) == (3, 7)
    assert fill(-37, 0, 0, INDEX) == (-3, -7)
    assert fill(9, 0, 0, INDEX) == (0, 9)
    assert fill(0, 0, 0, INDEX) == (0, 0)
    # eight small ones cost as much as a full one, which is worth ten
    assert fill(18, 0, 0, Sizes(10, 20.0, 1.0)) == (0, 18)


def test_what_is_held_is_kept_where_changing_it_costs():
    assert fill(37, 0, 37, INDEX) == (0, 37)
    assert fill(40, 3, 7, INDEX) == (3, 10)
    assert fill(27, 3, 7, INDEX) == (2, 7)


def test_dear_rolls_of_many_small_contracts_make_them_change():
    assert fill(40, 0, 40, Sizes(10, 20.0, 2.6, hold_full=80.0, hold_small=30.0)) == (4, 0)


def test_the_cheaper_way_to_trade_a_unit():
    assert INDEX.trade_unit == 2.0
    assert Sizes(10, 30.0, 2.6).trade_unit == 2.6


@pytest.mark.parametrize("ratio", [1, 0, -10])
def test_a_ratio_that_is_none_is_refused(ratio):
    with pytest.raises(ValueError, match="ratio of contract sizes"):
        Sizes(ratio, 1.0, 1.0)


@given(
    st.integers(-120, 120),
    st.integers(-12, 12),
    st.integers(-30, 30),
    st.integers(2, 12),
    st.floats(0, 30),
    st.floats(0, 5),
)
def test_no_other_way_to_fill_is_cheaper(units, full, small, ratio, cost_full, cost_small):
    sizes = Sizes(ratio, cost_full, cost_small, 0.3 * cost_full, 0.4 * cost_small)

    def cost(a, b):
        trade = abs(a - full) * cost_full + abs(b - small) * cost_small
        return trade + abs(a) * sizes.hold_full + abs(b) * sizes.hold_small

    found = fill(units, full, small, sizes)
    assert found[0] * ratio + found[1] == units
    assert found[0] * units >= 0
    assert found[1] * units >= 0
    for other in range(-60, 61):
        rest = units - other * ratio
        if other * units >= 0 and rest * units >= 0 and (units or not other):
            assert cost(*found) <= cost(other, rest) + 1e-6
