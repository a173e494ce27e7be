"""Risk shares and correlations against numpy, pandas and portfolios with known answers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.measures import dependence as dep
from research.measures.tables import over_nav
from tests.research.fake_result import fake_result

RNG = np.random.default_rng(6)


def test_shares_of_independent_parts_are_their_variances() -> None:
    table = np.linalg.qr(RNG.standard_normal((300, 4)))[0]
    table -= table.mean(axis=0)
    table = np.linalg.qr(table)[0] * [1.0, 2.0, 3.0, 0.0]
    rows = dep.risk_shares({f"p{k}": table[:, k] for k in range(4)}, 252.0)
    assert [row.share for row in rows] == pytest.approx([1 / 14, 4 / 14, 9 / 14, 0.0], abs=1e-9)
    assert rows[0].vol == pytest.approx(table[:, 0].std(ddof=1) * 252**0.5)


@given(st.integers(0, 10_000), st.integers(1, 6))
def test_shares_add_up_to_one(seed: int, parts: int) -> None:
    table = np.random.default_rng(seed).standard_normal((50, parts))
    rows = dep.risk_shares({str(k): table[:, k] for k in range(parts)}, 252.0)
    assert sum(row.share for row in rows) == pytest.approx(1.0)
    assert sum(row.last_year for row in rows) == pytest.approx(1.0)


def test_a_flat_return_has_no_shares() -> None:
    assert np.isnan(dep.risk_shares({"a": np.zeros(9)}, 252.0)[0].share)
    assert dep.risk_shares({}, 252.0) == []


def test_market_and_class_shares_agree() -> None:
    run = fake_result(400, 8)
    share = dep.market_risk_shares(run)
    money = over_nav(run, run.pnl)[1:]
    joint = np.cov(money, rowvar=False)
    np.testing.assert_allclose(share, joint.sum(axis=1) / joint.sum(), rtol=1e-9)
    for row in dep.class_risk(run):
        members = [i for i, name in enumerate(run.classes) if name == row.name]
        assert row.share == pytest.approx(share[members].sum())
    assert sum(row.share for row in dep.sleeve_risk(run)) == pytest.approx(1.0)
    yearly = dep.yearly_class_risk(run)
    for year in (1990, 1991):
        assert sum(shares[year] for shares in yearly.values()) == pytest.approx(1.0)


def test_correlations_are_of_weeks() -> None:
    a, b = RNG.standard_normal((2, 503))
    found = dep.correlations({"a": a, "b": b, "none": np.zeros(503)})
    weeks = pd.DataFrame({"a": a, "b": b})[:500].groupby(np.arange(500) // 5).sum()
    assert found.matrix[0, 1] == pytest.approx(weeks.corr().loc["a", "b"])
    assert np.isnan(found.matrix[2]).all()
    assert np.isnan(dep.correlations({"a": a[:7]}).matrix).all()
    run = fake_result(300, 8)
    assert dep.class_correlations(run).names == sorted(set(run.classes))
    np.testing.assert_allclose(np.diag(dep.sleeve_correlations(run).matrix)[:2], 1.0)


def test_rolling_correlation_is_pandas() -> None:
    a, b = RNG.standard_normal((2, 300))
    expected = pd.Series(a).rolling(60).corr(pd.Series(b)).to_numpy()
    np.testing.assert_allclose(dep.rolling_correlation(a, b, 60), expected, atol=1e-9)
    assert np.isnan(dep.rolling_correlation(a, b, 301)).all()


def test_beta_and_correlation() -> None:
    market = RNG.standard_normal(200)
    assert dep.beta(0.3 * market + 1, market) == pytest.approx(0.3)
    assert dep.correlation(-2 * market, market) == pytest.approx(-1.0)
    assert np.isnan(dep.beta(market, np.zeros(200)))
    assert np.isnan(dep.correlation(market, np.zeros(200)))
