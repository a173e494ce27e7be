"""Probability of backtest overfitting against a loop over halvings with scipy's ranks."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import percentileofscore

from research.measures.overfitting import backtest_overfitting


def noise(days: int, trials: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((days, trials)) * 0.01


def by_hand(returns: np.ndarray, blocks: int) -> float:
    length = len(returns) // blocks
    parts = np.split(returns[len(returns) - length * blocks :], blocks)
    below = []
    for chosen in combinations(range(blocks), blocks // 2):
        inside = np.vstack([parts[i] for i in chosen])
        outside = np.vstack([parts[i] for i in range(blocks) if i not in chosen])
        best = np.argmax(inside.mean(axis=0) / inside.std(axis=0))
        ratios = outside.mean(axis=0) / outside.std(axis=0)
        rank = percentileofscore(ratios, ratios[best], kind="rank") / 100 * len(ratios)
        below.append(rank / (len(ratios) + 1) <= 0.5)
    return float(np.mean(below))


@pytest.mark.parametrize(("days", "trials", "blocks"), [(403, 7, 6), (320, 2, 8), (100, 12, 4)])
def test_against_a_loop(days: int, trials: int, blocks: int) -> None:
    returns = noise(days, trials, seed=trials)
    assert backtest_overfitting(returns, blocks).probability == by_hand(returns, blocks)


def test_one_that_is_always_best_is_not_overfitted() -> None:
    returns = noise(640, 8, seed=1)
    returns[:, 3] += 0.02
    done = backtest_overfitting(returns)
    assert (done.probability, done.loss) == (0.0, 0.0)
    assert (done.blocks, done.sessions, len(done.logit)) == (16, 40, 12_870)


def test_noise_is_a_coin_toss() -> None:
    found = [backtest_overfitting(noise(640, 20, seed), 10).probability for seed in range(40)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.08)


def test_the_order_and_the_scale_of_trials_do_not_matter() -> None:
    returns = noise(480, 9, seed=5)
    shuffled = returns[:, ::-1] * np.linspace(0.5, 3.0, 9)
    np.testing.assert_allclose(
        backtest_overfitting(shuffled, 8).logit, backtest_overfitting(returns, 8).logit
    )


@pytest.mark.parametrize(
    ("returns", "blocks", "message"),
    [
        (noise(100, 1), 4, "at least 2"),
        (noise(100, 3), 5, "must be even"),
        (noise(100, 3), 22, "must be even"),
        (noise(7, 3), 4, "make no 4 blocks"),
        (np.full((100, 3), np.nan), 4, "not finite"),
    ],
)
def test_bad_input(returns: np.ndarray, blocks: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        backtest_overfitting(returns, blocks)
