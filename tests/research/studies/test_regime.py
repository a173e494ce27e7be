"""The regime walked forward on made-up histories, and its data as files have it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from algorithm.settings import Settings
from alpha.regime.features import NAMES
from alpha.regime.models import ModelKind
from alpha.regime.policy import Policy
from alpha.regime.train import History, TrainingError, TrainingPlan
from research.measures.probability import Score
from research.studies.regime import judge, persistence, simple_plan, verdict, walk_regime
from research.studies.regime_data import regime_history
from tests.helpers import made_up_dataset, regime_markets, with_macro

PLAN = TrainingPlan(folds=3)
FIRST = 9_000


def history(n: int = 2000, seed: int = 0, skill: float = 1.0) -> History:
    """Volatility in waves that the first feature shows."""
    rng = np.random.default_rng(seed)
    wave = np.sin(np.arange(n) / 60.0)
    rows = rng.standard_normal((n, len(NAMES)))
    rows[:, NAMES.index("vol_balanced_20")] = skill * wave + 0.3 * rng.standard_normal(n)
    returns = rng.standard_normal(n) * 0.01 * np.exp(wave)
    return History(np.arange(FIRST, FIRST + n), rows, returns, returns)


@pytest.fixture(scope="module")
def some() -> History:
    return history()


def test_forecasts_are_those_of_documents_from_before(some: History) -> None:
    walk = walk_regime(some, PLAN, every=200, least=1400)
    assert walk.day[0] == FIRST + 1400
    assert [one.trained for one in walk.documents] == [FIRST + 1399, FIRST + 1599, FIRST + 1799]
    assert np.isfinite(walk.probability).all()
    assert walk.known.sum() == 600 - PLAN.horizon


@pytest.mark.parametrize("kind", list(ModelKind))
def test_nothing_later_changes_a_forecast(some: History, kind: ModelKind) -> None:
    plan = replace(PLAN, model=kind)
    whole = walk_regime(some, plan, every=300, least=1400)
    rng = np.random.default_rng(1)
    for cut in rng.integers(1720, 1990, size=2).tolist():
        other = history(seed=5)
        later = np.arange(2000) >= cut
        mixed = History(
            some.day,
            np.where(later[:, None], other.rows, some.rows),
            np.where(later, other.equity, some.equity),
            np.where(later, other.balanced, some.balanced),
        )
        again = walk_regime(mixed, plan, every=300, least=1400)
        known = cut - 1400
        np.testing.assert_array_equal(again.probability[:known], whole.probability[:known])
        np.testing.assert_array_equal(again.share(Policy())[:known], whole.share(Policy())[:known])


def test_a_model_that_sees_the_wave_has_skill_and_noise_has_none(some: History) -> None:
    walk = walk_regime(some, PLAN, every=200, least=1400)
    found = judge(walk, walk_regime(some, simple_plan(PLAN), every=200, least=1400))
    assert found["auc"].value > 0.7
    assert "The model has skill" in verdict(found)
    blind = history(skill=0.0)
    walk = walk_regime(blind, PLAN, every=200, least=1400)
    found = judge(walk, walk_regime(blind, simple_plan(PLAN), every=200, least=1400))
    assert found["skill over climatology"].value < 0.02
    assert found["auc"].value < 0.65


def test_the_verdict_needs_an_interval_above_zero() -> None:
    over = {"skill over climatology": Score(0.1, -0.01, 0.2)}
    assert verdict(over).startswith("The model has no skill that could be told from luck.")
    over = {"skill over climatology": Score(0.1, 0.01, 0.2)}
    weak = verdict({**over, "skill over volatility alone": Score(0.1, -0.1, 0.2)})
    assert "has skill, but none that is sure over volatility alone" in weak
    worse = verdict({**over, "skill over volatility alone": Score(-0.1, -0.2, -0.01)})
    assert "has skill, and volatility alone has more" in worse


def test_persistence_is_the_rate_after_the_same_state(some: History) -> None:
    walk = walk_regime(some, PLAN, every=600, least=1400)
    expected = persistence(walk)
    row, horizon = 450, PLAN.horizon
    state = walk.past[row]
    same = [k for k in range(row - horizon + 1) if walk.past[k] == state]
    assert expected[row] == pytest.approx(np.mean(walk.bad[same]))
    assert expected[0] == walk.base_rate[0]


def test_a_training_that_fails_leaves_the_model_before_in_force(some: History) -> None:
    rows = some.rows.copy()
    rows[1599] = np.nan  # nothing is known on the day of the second training
    walk = walk_regime(replace(some, rows=rows), PLAN, every=200, least=1400)
    assert [one.trained for one in walk.documents] == [FIRST + 1399, FIRST + 1799]
    assert walk.notes[0][0] == FIRST + 1599
    assert "is not known today" in walk.notes[0][1]
    assert np.isfinite(walk.probability[200:400]).all()


def test_too_short() -> None:
    with pytest.raises(TrainingError, match="900 sessions; the first training takes 1000"):
        walk_regime(history(900), PLAN, least=1000)


def test_the_history_of_a_dataset_does_not_look_ahead() -> None:
    whole = with_macro(made_up_dataset(300, markets=regime_markets()))
    settings = Settings.parse({"end": "2016-12-31"})
    full = regime_history(whole, settings)
    assert len(full.day) > 250
    assert full.rows.shape == (len(full.day), len(NAMES))
    cut = int(full.day[200])
    part = regime_history(whole.between(0, cut), settings)
    np.testing.assert_array_equal(part.rows, full.rows[:201])
    assert not len(regime_history(whole.with_macro({}, []), settings).day)
