"""Regime features against their definitions, and that nothing later changes them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpha.regime.features import (
    FEATURES,
    NAMES,
    PRICE_FEATURES,
    RegimeFeatures,
    jump_share,
    why_unknown,
)
from alpha.regime.series import REVISED, SOURCES, RevisedSeriesError, first_countable
from universe.macro_format import SERIES

CODES = ["ES", "ZN", "CL", "GC"]
CLASSES = np.array([0, 1, 2, 2])
DAY = 15_000


def run(ret: np.ndarray, known=None, codes=CODES, classes=CLASSES, last: int = 1):
    """Rows of the last sessions and the features object."""
    features = RegimeFeatures(codes, classes)
    sigma = np.full(len(codes), 0.01)
    rows = [features.update(DAY + i, r, sigma, known or {}) for i, r in enumerate(ret)]
    return dict(zip(NAMES, np.array(rows[-last:]).T, strict=True)), features


def returns(count: int = 300, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, 4)) * 0.01


def test_volatility_and_drawdown_are_those_of_the_returns() -> None:
    ret = returns()
    row, features = run(ret)
    balanced = 0.6 * ret[:, 0] + 0.4 * ret[:, 1]
    assert row["vol_equity_20"][0] == pytest.approx(math.sqrt(252 * np.mean(ret[-20:, 0] ** 2)))
    assert row["vol_balanced_60"][0] == pytest.approx(math.sqrt(252 * np.mean(balanced[-60:] ** 2)))
    wealth = np.cumprod(1 + np.concatenate([[0.0], balanced[-252:]]))
    assert row["drawdown_balanced"][0] == pytest.approx(1 - wealth[-1] / wealth.max())
    assert features.pair[-1].tolist() == [ret[-1, 0], pytest.approx(balanced[-1])]


def test_breadth_and_correlation() -> None:
    ret = returns(400, 3)
    row, _ = run(ret)
    wealth = np.cumprod(1 + ret, axis=0)[-200:]
    assert row["breadth_markets"][0] == np.mean(wealth[-1] > wealth.mean(axis=0))
    table = np.column_stack([ret[:, 0], ret[:, 1], ret[:, 2:].mean(axis=1)])[-60:]
    matrix = np.corrcoef(table, rowvar=False)
    assert row["correlation_classes"][0] == pytest.approx((matrix.sum() - 3) / 6)


def test_jumps_of_a_diffusion_are_few_and_of_a_jump_many() -> None:
    calm = np.random.default_rng(1).standard_normal(20_000) * 0.01
    assert jump_share(calm) < 0.03
    calm[10_000] = 5.0
    assert jump_share(calm) > 0.9
    assert jump_share(np.zeros(60)) == 0.0


def test_windows_that_are_not_full_are_not_known() -> None:
    row, features = run(returns(59))
    known = {name for name, value in row.items() if np.isfinite(value[0])}
    assert known == {"vol_equity_20", "vol_balanced_20"}
    assert why_unknown("drawdown_equity", DAY, {}, features.sessions) == (
        "drawdown_equity: 59 sessions are too few"
    )


def test_without_the_two_markets_only_breadth_and_correlation_are_known() -> None:
    row, _ = run(returns(), codes=["AA", "ZN", "CL", "GC"])
    known = {name for name, value in row.items() if np.isfinite(value[0])}
    assert known == {"breadth_markets", "correlation_classes"}


def test_sessions_are_taken_from_the_first_with_a_series_and_both_markets_on():
    ret, sigma = returns(70), np.full(4, 0.01)
    known = {"vix.spot": (DAY, 20.0)}
    features = RegimeFeatures(CODES, CLASSES)
    for i, (macro, there) in enumerate([({}, sigma), ({"usd.5y": (DAY, 0.0)}, sigma)]):
        assert np.isnan(features.take(DAY + i, ret[i], there, macro)).all()
    assert np.isnan(features.take(DAY, ret[0], np.array([0.01, np.nan, 0.01, 0.01]), known)).all()
    assert features.sessions == 0
    rows = [features.take(DAY + i, r, sigma, known if not i else {}) for i, r in enumerate(ret)]
    expected, again = run(ret, last=70)
    for column, name in enumerate(NAMES):
        if name != "vix":
            np.testing.assert_array_equal(np.array(rows)[:, column], expected[name])
    np.testing.assert_array_equal(rows[-1][len(NAMES) :], again.pair[-1])
    other = RegimeFeatures(["AA", "ZN", "CL", "GC"], CLASSES)
    assert np.isnan(other.take(DAY, ret[0], sigma, known)).all()


MACRO = {
    "vix.spot": 20.0,
    "vix.3m": 22.0,
    "vix.m1": 20.0,
    "vix.m2": 19.0,
    "credit.spread": 0.02,
    "credit.hy": 0.05,
    "usd.3m": 0.03,
    "usd.2y": 0.04,
    "usd.10y": 0.05,
    "usd.ted": 0.004,
    "usd.sofr": 0.031,
    "breadth.us": 0.6,
    "breadth.advances": 1500.0,
    "breadth.declines": 500.0,
    "sentiment.us": 80.0,
    "conditions.us": -0.4,
}


def test_macro_features() -> None:
    last = DAY + 259
    known = {name: (last, value) for name, value in MACRO.items()}
    row, features = run(returns(260), known)
    expected = {
        "vix": 20.0,
        "vix_3m": 0.1,
        "vix_futures": -0.05,
        "credit_baa": 0.02,
        "credit_hy": 0.05,
        "term_3m": 0.02,
        "term_2y": 0.01,
        "ted": 0.004,
        "funding_sofr": 0.001,
        "breadth_us": 0.6,
        "advance_decline": 0.5,
        "sentiment": 80.0,
        "conditions": -0.4,
    }
    assert {name: row[name][0] for name in expected} == pytest.approx(expected)
    assert all(why_unknown(name, last, known, features.sessions) == "" for name in NAMES)


def test_a_series_that_stops_is_missing_and_says_what_follows() -> None:
    last = DAY + 259
    known = {name: (last, value) for name, value in MACRO.items()}
    known["usd.ted"] = (last - 11, 0.004)
    del known["credit.hy"]
    row, features = run(returns(260), known)
    missing = {name for name, value in row.items() if not np.isfinite(value[0])}
    assert missing == {"ted", "credit_hy"}
    reason = why_unknown("ted", last, known, features.sessions)
    assert reason.startswith("ted: usd.ted stopped on ")
    assert "usd.sofr" in reason
    assert why_unknown("credit_hy", last, known, 260) == "credit_hy: credit.hy is not there"


def test_advances_are_smoothed_over_their_own_days() -> None:
    features = RegimeFeatures(CODES, CLASSES)
    shares = [0.5, -0.2, 0.1]
    smooth = shares[0]
    for i, share in enumerate(shares):
        if i:
            smooth += 2 / 11 * (share - smooth)
        known = {
            "breadth.advances": (DAY + 2 * i, 1000 * (1 + share)),
            "breadth.declines": (DAY + 2 * i, 1000 * (1 - share)),
        }
        for day in (DAY + 2 * i, DAY + 2 * i + 1):  # on the second nothing is new
            row = features.update(day, np.zeros(4), np.full(4, 0.01), known)
            assert row[NAMES.index("advance_decline")] == pytest.approx(smooth)


@settings(max_examples=8)
@given(st.integers(0, 10_000), st.integers(30, 299))
def test_nothing_later_changes_a_row(seed: int, cut: int) -> None:
    ret = returns(300)
    other = ret.copy()
    other[cut:] = np.random.default_rng(seed).standard_normal((300 - cut, 4)) * 0.03
    first, _ = run(ret[:cut])
    second, _ = run(other, last=300 - cut + 1)
    for name in NAMES:
        np.testing.assert_array_equal(first[name][0], second[name][0])


def test_state_is_all_there_is() -> None:
    ret = returns(320)
    _, whole = run(ret)
    _, half = run(ret[:200])
    again = RegimeFeatures(CODES, CLASSES)
    for name in RegimeFeatures.STATE:
        setattr(again, name, getattr(half, name))
    for i in range(200, 320):
        row = again.update(DAY + i, ret[i], np.full(4, 0.01), {})
    expected, _ = run(ret)
    np.testing.assert_array_equal(row, [expected[name][0] for name in NAMES])
    np.testing.assert_array_equal(again.index, whole.index)


def test_every_feature_is_declared_with_its_dates() -> None:
    assert NAMES[: len(PRICE_FEATURES)] == PRICE_FEATURES
    by_name = {feature.name: feature for feature in FEATURES}
    assert (by_name["vix_futures"].first, by_name["vix_futures"].last) == (
        "2007-04-02",
        "2021-12-23",
    )
    assert (by_name["ted"].last, by_name["ted"].lag) == ("2022-01-21", 1)
    assert by_name["vix_3m"].first == "2009-09-18"
    assert by_name["credit_baa"].lag == 2
    assert set(SOURCES) <= set(SERIES)


def test_revised_series_are_refused_by_name() -> None:
    for name in REVISED:
        with pytest.raises(RevisedSeriesError, match=f"{name} is no feature"):
            first_countable(name)
    vintage = first_countable("NFCI_V20230203")
    assert vintage is not None
    assert vintage.isoformat() == "2023-02-03"
    assert first_countable("VIXCLS") is None
    with pytest.raises(RevisedSeriesError, match="named by its date"):
        first_countable("NFCI_Vlatest")
