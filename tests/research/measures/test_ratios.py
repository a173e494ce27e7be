"""Ratios and shape against scipy, numerical integration and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from research.measures import ratios
from research.measures.performance import annual_return
from tests.research.fake_result import fake_result, small_result

RETURNS = np.random.default_rng(4).standard_t(4, 700) * 0.006 + 0.0003
SERIES = st.lists(st.floats(-0.2, 0.2), min_size=1, max_size=60)


def test_kurtosis_is_scipys() -> None:
    assert ratios.excess_kurtosis(RETURNS) == pytest.approx(stats.kurtosis(RETURNS))
    assert np.isnan(ratios.excess_kurtosis(np.full(9, 0.01)))
    assert np.isnan(ratios.excess_kurtosis(RETURNS[:3]))


def test_sortino_by_hand() -> None:
    returns = np.array([0.02, -0.01, 0.03, -0.02])
    downside = ((0.01**2 + 0.02**2) / 4) ** 0.5
    assert ratios.sortino(returns, 252.0) == pytest.approx(0.005 / downside * 252**0.5)
    assert np.isnan(ratios.sortino(np.array([0.01, 0.02]), 252.0))
    assert np.isnan(ratios.sortino(RETURNS[:1], 252.0))


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.975, 0.99, 0.999])
def test_expected_shortfall_is_the_mean_of_the_quantiles_of_the_tail(confidence: float) -> None:
    """ES is the integral of VaR over the tail over its size, here of the step quantile function."""
    losses = np.sort(-RETURNS[:100])[::-1]

    def quantile(u: float) -> float:
        return float(losses[min(int(u * len(losses)), len(losses) - 1)])

    steps = np.arange(0, 1 - confidence, 0.01)[1:]
    area, _ = integrate.quad(quantile, 0, 1 - confidence, points=steps, limit=500)
    got = ratios.expected_shortfall(RETURNS[:100], confidence)
    assert got == pytest.approx(area / (1 - confidence), rel=1e-6)


@given(SERIES, st.floats(0.01, 0.99))
def test_expected_shortfall_lies_between_the_quantile_and_the_worst(
    values: list[float], confidence: float
) -> None:
    returns = np.array(values)
    got = ratios.expected_shortfall(returns, confidence)
    assert -returns.mean() - 1e-12 <= got <= -returns.min() + 1e-12
    tighter = ratios.expected_shortfall(returns, 1 - (1 - confidence) / 2)
    assert tighter >= got - 1e-12


def test_expected_shortfall_refuses_what_is_no_confidence() -> None:
    assert np.isnan(ratios.expected_shortfall(np.zeros(0), 0.99))
    with pytest.raises(ValueError, match=r"confidence of the expected shortfall is 1.0; it must"):
        ratios.expected_shortfall(RETURNS, 1.0)


def test_calmar_is_return_over_the_deepest_fall() -> None:
    run = fake_result(600, 6)
    years = (run.day[-1] - run.day[0]) / 365.25
    expected = annual_return(run.returns, years) / run.drawdown.max()
    assert ratios.calmar(run) == pytest.approx(expected)
    assert np.isnan(ratios.calmar(small_result([1.0, 2.0, 3.0])))


def test_extreme_months() -> None:
    day = np.array([18290, 18291, 18322, 18353, 18383])  # 2020-01-29, 01-30, 03-01, 04-01, 05-01
    found = ratios.extreme_months(small_result([100, 90, 99, 99, 120.0], day=day))
    assert found is not None
    best, worst = found
    assert (best.label, worst.label) == ("2020-05", "2020-01")
    assert best.ret == pytest.approx(120 / 99 - 1)
    assert ratios.extreme_months(small_result([1.0])) is None


def test_the_histogram_holds_every_session_and_its_normal_law() -> None:
    found = ratios.histogram(RETURNS)
    assert found.count.sum() == len(RETURNS)
    assert found.normal.sum() == pytest.approx(len(RETURNS))
    k = 35
    inside = stats.norm(RETURNS.mean(), RETURNS.std()).cdf(found.edges[k : k + 2])
    assert found.normal[k] == pytest.approx(len(RETURNS) * (inside[1] - inside[0]))
    flat = ratios.histogram(np.zeros(5))
    assert flat.count.sum() == 5
    assert flat.normal.sum() == 0
