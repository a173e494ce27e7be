"""Probabilistic and deflated Sharpe ratios against the figures of the paper and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from research.measures.deflated import (
    Moments,
    deflated_sharpe,
    expected_maximum,
    moments,
    probabilistic_sharpe,
)

# Bailey and Lopez de Prado (2014), numerical example: 2.5 a year over 5 years of 250 days.
PAPER = Moments(2.5 / math.sqrt(250), -3.0, 10.0, 1250)
PAPER_VARIANCE = 0.5 / 250


def test_the_papers_example() -> None:
    done = deflated_sharpe(PAPER, 100, PAPER_VARIANCE)
    assert done.benchmark == pytest.approx(0.1132, abs=5e-5)
    assert done.probability == pytest.approx(0.9004, abs=5e-5)
    assert deflated_sharpe(PAPER, 46, PAPER_VARIANCE).probability == pytest.approx(0.9505, abs=5e-5)


def test_the_papers_example_under_a_normal_law() -> None:
    normal = Moments(PAPER.sharpe, 0.0, 3.0, PAPER.periods)
    assert deflated_sharpe(normal, 88, PAPER_VARIANCE).probability == pytest.approx(
        0.9505, abs=2e-4
    )


def test_moments_are_scipys() -> None:
    returns = np.random.default_rng(1).standard_t(5, 700) * 0.01 + 0.001
    of = moments(returns)
    assert of.sharpe == pytest.approx(returns.mean() / returns.std(ddof=1))
    assert of.skew == pytest.approx(stats.skew(returns))
    assert of.kurtosis == pytest.approx(stats.kurtosis(returns, fisher=False))
    assert of.periods == 700


def test_expected_maximum_is_that_of_a_simulation() -> None:
    draws = np.random.default_rng(2).standard_normal((20_000, 50)).max(axis=1).mean()
    assert expected_maximum(50, 1.0) == pytest.approx(draws, rel=0.02)


def test_one_trial_is_not_deflated() -> None:
    done = deflated_sharpe(PAPER, 1, 0.0)
    assert done.benchmark == 0.0
    assert done.probability == probabilistic_sharpe(PAPER)


def test_a_flat_series_has_no_probability() -> None:
    flat = moments(np.full(100, 0.001))
    assert math.isnan(flat.sharpe)
    assert math.isnan(deflated_sharpe(flat, 10, 0.001).probability)


@pytest.mark.parametrize(("trials", "variance"), [(0, 1.0), (5, -1.0), (5, math.nan)])
def test_bad_input(trials: int, variance: float) -> None:
    with pytest.raises(ValueError, match="trials of variance"):
        expected_maximum(trials, variance)


@given(st.integers(1, 5000), st.integers(1, 5000), st.floats(0.0, 0.01), st.floats(-0.2, 0.2))
def test_more_trials_never_raise_the_probability(
    few: int, more: int, variance: float, sharpe: float
) -> None:
    few, more = sorted((few, more))
    of = Moments(sharpe, -0.5, 5.0, 2000)
    low = deflated_sharpe(of, more, variance).probability
    assert 0.0 <= low <= deflated_sharpe(of, few, variance).probability <= 1.0
