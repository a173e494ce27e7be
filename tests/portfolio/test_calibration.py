import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.calibration import PRIOR_SHARE, BiasStatistic


def follow(ratios, span=100, **options):
    bias = BiasStatistic(span, **options)
    for ratio in ratios:
        bias.update(0.01 * ratio, 0.01)
    return bias


def test_starts_without_correction():
    assert BiasStatistic(100).value == 1.0


@pytest.mark.parametrize("factor", [0.9, 1.0, 1.3])
def test_finds_the_factor_by_which_forecasts_are_off(factor):
    ratios = factor * np.random.default_rng(0).standard_normal(20_000)
    assert follow(ratios, span=3000).value == pytest.approx(factor, rel=0.06)


def test_equals_a_weighted_root_mean_square_with_a_prior_of_ones():
    """Ages weigh as pandas' ewm does; the prior counts as older sessions of ratio 1."""
    ratios = np.random.default_rng(1).standard_normal(250)
    decay = 1 - 2 / 101
    prior = PRIOR_SHARE * 100 * decay**250
    weights = decay ** np.arange(249, -1, -1)
    mean_square = pd.Series(ratios**2).ewm(span=100).mean().iloc[-1]
    expected = np.sqrt((mean_square * weights.sum() + prior) / (weights.sum() + prior))
    assert follow(ratios).value == pytest.approx(expected, rel=1e-9)


@given(st.lists(st.floats(-1e6, 1e6), max_size=60))
def test_stays_within_its_limits(ratios):
    assert 0.8 <= follow(ratios, span=10).value <= 1.5
    assert 0.5 <= follow(ratios, span=10, low=0.5, high=2.0).value <= 2.0


@pytest.mark.parametrize(
    ("profit", "vol"), [(0.1, 0.0), (0.1, np.nan), (np.nan, 0.1), (0.1, -1.0), (np.inf, 0.1)]
)
def test_nothing_is_learnt_without_a_forecast_or_a_profit(profit, vol):
    bias = BiasStatistic(100)
    bias.update(profit, vol)
    assert (bias.weight, bias.squares) == (25.0, 25.0)


def test_one_disaster_is_limited():
    limited = follow([6.0], high=100.0).value
    assert limited > follow([5.9], high=100.0).value
    assert follow([1000.0], high=100.0).value == limited
