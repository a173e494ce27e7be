"""Labels against a loop, and that they hold nothing of today."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpha.regime.labels import LabelKind, Thresholds, label, look_ahead, thresholds


def made(count: int = 120, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    credit = 0.02 + 0.001 * np.cumsum(rng.standard_normal(count))
    credit[:10] = np.nan
    return rng.standard_normal(count) * 0.01, credit


@pytest.mark.parametrize("kind", list(LabelKind))
def test_measures_by_a_loop(kind: LabelKind) -> None:
    returns, credit = made()
    horizon = 7
    found = look_ahead(returns, credit, horizon, kind)
    for t in range(len(returns)):
        if t + horizon >= len(returns):
            assert np.isnan([found.fall[t], found.vol[t], found.credit[t]]).all()
            continue
        wealth, high, deepest, fall = 1.0, 1.0, 0.0, 0.0
        for r in returns[t + 1 : t + horizon + 1]:
            wealth *= 1 + r
            high = max(high, wealth)
            fall = 1 - wealth / high
            deepest = max(deepest, fall)
        assert found.fall[t] == pytest.approx(deepest if kind == LabelKind.AHEAD else fall)
        ahead = returns[t + 1 : t + horizon + 1]
        assert found.vol[t] == pytest.approx(np.sqrt(252 * np.mean(ahead**2)))
        spreads = credit[t + 1 : t + horizon + 1]
        spreads = spreads[np.isfinite(spreads)]
        if len(spreads) < 2:
            assert np.isnan(found.credit[t])
        else:
            rises = [
                spreads[j] - spreads[i] for i in range(len(spreads)) for j in range(i, len(spreads))
            ]
            assert found.credit[t] == pytest.approx(max(rises))


@given(st.integers(0, 119), st.integers(0, 1000))
def test_a_measure_is_of_the_sessions_ahead_alone(t: int, seed: int) -> None:
    returns, credit = made()
    other_returns, other_credit = made(seed=seed)
    horizon = 5
    inside = slice(t + 1, t + horizon + 1)
    other_returns[inside], other_credit[inside] = returns[inside], credit[inside]
    first = look_ahead(returns, credit, horizon)
    second = look_ahead(other_returns, other_credit, horizon)
    for name in ("fall", "vol", "credit"):
        np.testing.assert_array_equal(getattr(first, name)[t], getattr(second, name)[t])


def test_thresholds_are_quantiles_of_the_training_rows() -> None:
    returns, credit = made(400)
    measures = look_ahead(returns, credit, 10)
    rows = np.arange(50, 300)
    limits = thresholds(measures, rows, 0.10)
    assert limits.fall == np.quantile(measures.fall[rows], 0.90)
    assert limits.vol == np.quantile(measures.vol[rows], 0.95)
    changed = look_ahead(np.where(np.arange(400) > 310, 0.5, returns), credit, 10)
    assert thresholds(changed, rows, 0.10) == limits
    bad, known = label(measures, Thresholds(limits.fall, np.inf, np.inf))
    assert bad[rows].mean() == pytest.approx(0.10, abs=0.02)  # equal falls lie on it
    assert known.sum() == 390
    assert not bad[~known].any()


def test_flat_markets_are_never_bad() -> None:
    measures = look_ahead(np.zeros(100), np.full(100, 0.02), 5)
    bad, known = label(measures, thresholds(measures, np.arange(90), 0.1))
    assert not bad.any()
    assert known.sum() == 95


def test_a_history_shorter_than_the_horizon_has_no_label() -> None:
    returns, credit = made(20)
    assert not label(look_ahead(returns, credit, 21), Thresholds(0.1, 0.1, 0.1))[1].any()
    with pytest.raises(ValueError, match="horizon is 1"):
        look_ahead(returns, credit, 1)
