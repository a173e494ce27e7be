"""Caps on shares of risk and on single exposures, together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from algorithm.settings import Settings
from algorithm.strategy import Strategy
from portfolio.caps import TOLERANCE, variance_shares
from portfolio.covariance import portfolio_vol
from universe.master import MASTER

CODES = [
    "ES",
    "FESX",
    "NK225M",
    "VX",
    "FVS",
    "ZN",
    "ZT",
    "FGBL",
    "JGBL",
    "6E",
    "6J",
    "6A",
    "6M",
    "GC",
    "HG",
    "SI",
    "PL",
    "CL",
    "NG",
    "HO",
    "B",
    "ZC",
    "ZS",
    "CT",
    "KC",
    "LE",
]


@pytest.fixture(scope="module")
def builder():
    strategy = Strategy(Settings(), [MASTER[code] for code in CODES])
    return strategy.builder, strategy.observer.class_index


def drawn(seed: int, tight: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Exposures at unit risk, their covariance, and caps on some of them."""
    rng, n = np.random.default_rng(seed), len(CODES)
    factors = rng.normal(size=(n, 5))
    cov = factors @ factors.T + 8 * np.eye(n)
    deviation = np.sqrt(np.diag(cov))
    vol = np.exp(rng.normal(-1.9, 0.7, n))
    cov = cov / np.outer(deviation, deviation) * np.outer(vol, vol)
    total = rng.normal(size=n) / vol
    cap = np.where(rng.random(n) < tight, 0.3 * rng.random(n), 2.0)
    return total / portfolio_vol(total, cov), cov, cap


@given(st.integers(0, 10**6), st.floats(0, 0.3))
@examples(max_examples=40, deadline=None)
def test_no_cap_breaks_the_other(builder, seed, tight):
    made, classes = builder
    total, cov, cap = drawn(seed, tight)
    found = made.sized(total, cov, cap)
    weights = total * found.factor
    settings = made.settings
    shares = [variance_shares(weights, cov, group) for group in (np.arange(len(cap)), classes)]
    limits = settings.cap_market, settings.cap_class
    for share, limit in zip(shares, limits, strict=True):
        assert share.max() <= limit * (1 + 10 * TOLERANCE)
    assert (np.abs(weights) <= cap * (1 + 1e-9)).all()
    assert portfolio_vol(weights, cov) <= settings.vol_target * (1 + 1e-9)
    assert (found.factor >= 0).all()


def test_the_volatility_is_the_target_where_caps_allow_it(builder):
    made, _ = builder
    vols = []
    for seed in range(30):
        total, cov, cap = drawn(seed, 0.1)
        vols.append(portfolio_vol(total * made.sized(total, cov, cap).factor, cov))
    assert np.mean(vols) > 0.97 * made.settings.vol_target


def test_without_a_capped_exposure_it_is_the_caps_on_shares_alone(builder):
    made, _ = builder
    total, cov, cap = drawn(3, 0.0)
    cap = np.full_like(cap, 100.0)
    shared = made.caps.share_of_risk(total, cov)
    expected = total * shared.factor
    expected = expected * (made.settings.vol_target / portfolio_vol(expected, cov))
    np.testing.assert_allclose(total * made.sized(total, cov, cap).factor, expected, rtol=1e-12)
