"""004's allocation: every combination of indicators against the sentences of the article."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from alpha.direction.allocation import (
    LEVERAGES,
    allocation,
    leverage_indicator,
    market_phase,
    trading_signal,
    transition,
    uncertainty,
)
from alpha.direction.votes import Facts

FIRST = (-2.0, -1.0, 0.0, 1.0, 2.0, math.nan)
SECOND = (*map(float, range(-8, 9)), math.nan)
THIRD = (-1.0, 0.0, 1.0, math.nan)
PHASES = (1.0, 0.0, -1.0, math.nan)
TABLE = list(product(PHASES, (False, True), (False, True), FIRST, SECOND, THIRD, LEVERAGES))


def by_the_article(phase, turning, uncertain, first, second, third, leverage):
    """004's sentences, each as a line; None is no exposure known."""
    if uncertain:  # "an immediate market exit, irrespective of any other signal"
        return 0.0
    if math.isnan(phase):
        return None
    upward = phase == 1 and not turning  # "an upward trending market with no market reversal"
    if upward:  # "the aggregation of Market Direction Indicator I & II will be used"
        parts = {(first, 2): first, (second, 8): second}
        told = [value / reach for (value, reach) in parts if not math.isnan(value)]
        if not told:
            return None
        total = sum(told)
    else:  # "in downward or sideways trending markets, technical variables will be used"
        if math.isnan(third):
            return None
        total = third
    if total < 0:  # "if the trading signal is -1, the strategy will short"
        return -1.0
    if total == 0:
        return 0.0
    return leverage if upward else 1.0  # "leverage can only be applied if both are positive"


def test_every_combination_against_the_article():
    assert len(TABLE) == 4 * 2 * 2 * 6 * 18 * 4 * 3
    for row in TABLE:
        expected, found = by_the_article(*row), allocation(*row)
        assert math.isnan(found) if expected is None else found == expected, row


def test_what_an_exposure_can_be():
    found = {allocation(*row) for row in TABLE}
    assert {x for x in found if not math.isnan(x)} == {-1.0, 0.0, 1.0, 1.5, 2.0}
    assert all(
        row[0] == 1.0 and not row[1] and not row[2] for row in TABLE if allocation(*row) > 1.0
    )


def test_indicators_count_in_units_of_their_reach():
    assert trading_signal(1.0, -1.0, 6.0, -1.0) == 1.0  # -1/2 + 6/8
    assert trading_signal(1.0, 2.0, -8.0, 1.0) == 0.0
    assert trading_signal(1.0, math.nan, -1.0, 1.0) == -1.0


def facts(price: np.ndarray, level: dict | None = None, mean: dict | None = None) -> Facts:
    return Facts(level or {}, mean or {}, price)


@pytest.mark.parametrize(("drift", "phase"), [(0.001, 1.0), (-0.001, -1.0), (0.0, 0.0)])
def test_phases(drift, phase):
    price = np.exp(drift * np.arange(253))
    assert market_phase(facts(price)) == phase
    assert not transition(phase, facts(price))
    assert math.isnan(market_phase(facts(price[:219])))


def test_a_price_above_a_falling_mean_is_no_trend():
    price = np.concatenate([np.full(150, 2.0), np.full(95, 1.0), np.full(5, 3.0)])
    assert market_phase(facts(price)) == 0.0


def test_a_pull_back_is_a_transition():
    price = np.exp(0.002 * np.arange(253))
    price[-3:] = price[-40]
    assert market_phase(facts(price)) == 1.0
    assert transition(1.0, facts(price))
    assert transition(-1.0, facts(1.0 / price))


def test_uncertainty_by_volatility_or_credit():
    rng = np.random.default_rng(1)
    returns = 0.01 * rng.standard_normal(260)
    calm = np.cumprod(1 + returns)
    returns[-21:] *= 4
    assert not uncertainty(facts(calm))
    assert uncertainty(facts(np.cumprod(1 + returns)))
    spread = {"credit.spread": 0.03}
    assert uncertainty(facts(calm, spread, {"credit.spread": 0.02}))
    assert not uncertainty(facts(calm, spread, {"credit.spread": 0.025}))
    assert not uncertainty(facts(calm, {}, {"credit.spread": 0.02}))


def test_leverage_by_volatility():
    signs = np.where(np.arange(60) % 2, 1.0, -1.0)
    by_size = {
        size: leverage_indicator(facts(np.cumprod(1 + size / np.sqrt(252) * signs)), 0.15, 0.20)
        for size in (0.10, 0.17, 0.30)
    }
    assert by_size == {0.10: 2.0, 0.17: 1.5, 0.30: 1.0}
    assert leverage_indicator(facts(np.ones(3)), 0.15, 0.20) == 1.0
