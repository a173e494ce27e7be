"""Hansen's test against arch's where both agree on scale, and its size on noise."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
from arch.bootstrap import SPA

from research.measures.bootstrap import BLOCK
from research.measures.superior import long_run_variance, superior_ability


def returns(days: int, models: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    base = rng.standard_normal(days) * 0.01
    return base, base[:, None] + rng.standard_normal((days, models)) * 0.005


@pytest.mark.parametrize("seed", range(4))
def test_arch_on_differences_of_equal_deviation(seed: int) -> None:
    base, models = returns(600, 5, seed)
    difference = models - base[:, None]
    equal = difference / np.sqrt(long_run_variance(difference))
    ours = superior_ability(np.zeros(600), equal, samples=500, seed=3)
    theirs = SPA(np.zeros(600), -equal, block_size=BLOCK, reps=500, seed=3)
    theirs.compute()
    assert [ours.lower, ours.consistent, ours.upper] == pytest.approx(list(theirs.pvalues))
    scaled = superior_ability(np.zeros(600), difference * [1, 2, 3, 4, 5], samples=500, seed=3)
    assert astuple(scaled) == pytest.approx(astuple(ours))


def test_variance_is_archs() -> None:
    base, models = returns(500, 3, 9)
    theirs = SPA(base, models, block_size=BLOCK, reps=10, seed=1)
    theirs.compute()
    ours = long_run_variance(models - base[:, None])
    np.testing.assert_allclose(ours, theirs._loss_diff_var, rtol=1e-9)


def test_a_better_model_is_found_and_a_better_benchmark_kept() -> None:
    base, models = returns(1500, 4, 2)
    models[:, 2] += 0.001
    found = superior_ability(base, models)
    assert found.best == 2
    assert found.consistent < 0.01
    kept = superior_ability(base + 0.002, models)
    assert kept.statistic == 0.0
    assert (kept.lower, kept.consistent, kept.upper) == (1.0, 1.0, 1.0)


def test_noise_is_refused_as_often_as_it_should_be() -> None:
    found = [
        superior_ability(*returns(756, 6, seed), samples=300).consistent for seed in range(100)
    ]
    assert np.mean(np.array(found) < 0.10) == pytest.approx(0.10, abs=0.10)


def test_the_same_seed_gives_the_same_figures() -> None:
    base, models = returns(300, 3, 4)
    assert superior_ability(base, models) == superior_ability(base, models)


def test_bad_input() -> None:
    base, models = returns(300, 2, 0)
    with pytest.raises(ValueError, match="no model differs"):
        superior_ability(base, np.column_stack([base, base]))
    with pytest.raises(ValueError, match="needs at least 126"):
        superior_ability(base[:100], models[:100])
