"""Scores of probabilities against scikit-learn and known cases."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from research.measures import probability as measures


def made(n: int = 800, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.beta(1, 4, n)
    return np.round(truth, 2), rng.random(n) < truth


def test_scores_are_sklearns() -> None:
    forecast, bad = made()
    assert measures.brier(forecast, bad) == pytest.approx(brier_score_loss(bad, forecast))
    safe = np.clip(forecast, 1e-12, 1 - 1e-12)
    assert measures.log_loss(forecast, bad) == pytest.approx(log_loss(bad, safe))
    assert measures.area_under_curve(forecast, bad) == pytest.approx(roc_auc_score(bad, forecast))


def test_one_class_has_no_curve() -> None:
    assert np.isnan(measures.area_under_curve(np.linspace(0, 1, 9), np.zeros(9, dtype=bool)))


def test_reliability_counts_every_forecast_once() -> None:
    forecast, bad = made()
    bins = measures.reliability(np.append(forecast, 1.0), np.append(bad, True))
    assert sum(one.sessions for one in bins) == 801
    whole = sum(one.happened * one.sessions for one in bins)
    assert whole == pytest.approx(bad.sum() + 1)
    assert all(abs(one.forecast - one.happened) < 0.35 for one in bins if one.sessions > 30)


def test_skill_and_its_interval() -> None:
    forecast, bad = made(3000)
    rate = np.full(3000, bad.mean())
    found = measures.scores(forecast, bad, {"climatology": rate, "itself": forecast}, samples=200)
    skill = found["skill over climatology"]
    expected = 1 - measures.brier(forecast, bad) / measures.brier(rate, bad)
    assert skill.value == pytest.approx(expected)
    assert 0 < skill.low < skill.value < skill.high
    itself = found["skill over itself"]
    assert (itself.value, itself.low, itself.high) == pytest.approx((0, 0, 0))
    assert found["auc"].low < found["auc"].value < found["auc"].high


def test_noise_has_no_skill() -> None:
    rng = np.random.default_rng(4)
    bad = rng.random(2000) < 0.2
    noise = np.clip(0.2 + 0.1 * rng.standard_normal(2000), 0, 1)
    found = measures.scores(noise, bad, {"climatology": np.full(2000, 0.2)}, samples=200)
    assert found["skill over climatology"].low < 0
    assert found["auc"].low < 0.5 < found["auc"].high


def test_the_skill_over_a_faultless_forecast_is_not_known() -> None:
    forecast, bad = made(400)
    late = bad.astype(float)
    late[:3] = 1.0 - late[:3]  # faultless in resamples without the first sessions
    others = {"faultless": bad.astype(float), "late": late}
    found = measures.scores(forecast, bad, others, samples=200)
    assert np.isnan([found["skill over faultless"].value, found["skill over faultless"].low]).all()
    assert np.isfinite([found["skill over late"].low, found["skill over late"].high]).all()
