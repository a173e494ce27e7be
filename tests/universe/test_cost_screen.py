import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from universe.cost_screen import CostScreen, Turnover, yearly_cost


def test_yearly_cost_of_a_market_by_hand():
    # a trade costs 0.14 points, a year's volatility is 700: 5 trades and 4 rolls of both legs
    cost = yearly_cost(np.array([0.14]), np.array([700.0]), np.array([4.0]))
    assert cost == pytest.approx(13 * 0.14 / 700)
    spread = yearly_cost(np.array([0.14]), np.array([700.0]), np.array([4.0]), trades_per_roll=1.0)
    assert spread == pytest.approx(9 * 0.14 / 700)


@pytest.mark.parametrize("sigma", [0.0, np.nan, -1.0])
def test_without_volatility_the_cost_is_infinite(sigma):
    assert yearly_cost(np.array([0.1]), np.array([sigma]), np.array([4.0]))[0] == np.inf


class TestScreen:
    def test_two_limits(self):
        screen = CostScreen((1,), 0.06, 0.075)
        judged = np.ones(1, dtype=bool)
        path = [0.065, 0.06, 0.059, 0.07, 0.075, 0.0751, 0.07, 0.061, 0.01, np.nan, 0.01]
        said = [bool(screen.update(np.array([cost]), judged)[0]) for cost in path]
        expected = [False, False, True, True, True, False, False, False, True, False, True]
        assert said == expected

    @given(st.lists(st.floats(0.055, 0.08), min_size=10, max_size=60))
    def test_it_flips_no_more_often_than_one_limit_does(self, path):
        one, two = CostScreen((1,), 0.06, 0.06), CostScreen((1,), 0.06, 0.075)
        judged = np.ones(1, dtype=bool)
        flips = []
        for screen in (one, two):
            said = [bool(screen.update(np.array([cost]), judged)[0]) for cost in path]
            flips.append(sum(a != b for a, b in itertools.pairwise(said)))
        assert flips[1] <= flips[0]

    def test_what_is_not_judged_stays(self):
        screen = CostScreen((2, 2), 0.06, 0.075)
        judged = np.array([[True, False], [True, True]])
        assert screen.update(np.zeros((2, 2)), judged).tolist() == judged.tolist()
        assert screen.update(np.ones((2, 2)), np.zeros((2, 2), bool)).tolist() == judged.tolist()

    @pytest.mark.parametrize("limits", [(0.08, 0.06), (-0.1, 0.1), (np.nan, 0.1)])
    def test_limits_in_the_wrong_order_are_refused(self, limits):
        with pytest.raises(ValueError, match="cost limits are"):
            CostScreen((1,), *limits)


class TestTurnover:
    def test_a_forecast_that_swings_by_a_tenth_a_day(self):
        turnover = Turnover((1,))
        found = [turnover.update(np.array([0.1 * (day % 2)]))[0] for day in range(2000)]
        assert np.isnan(found[0])
        assert found[-1] == pytest.approx(25.2)

    def test_weighted_mean_by_another_path(self):
        rng = np.random.default_rng(1)
        path = rng.standard_normal((300, 3)).cumsum(axis=0)
        path[40:60, 1] = np.nan
        turnover = Turnover((3,), span=50)
        for row in path:
            found = turnover.update(row)
        for i in range(3):
            known = path[:, i][np.isfinite(path[:, i])]
            change = np.abs(np.diff(known))
            if i == 1:  # nothing is learnt on the first session after a gap it spans
                assert np.isfinite(found[i])
                continue
            weight = (1 - 2 / 51) ** np.arange(len(change))[::-1]
            assert found[i] == pytest.approx(252 * weight @ change / weight.sum())
