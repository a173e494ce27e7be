"""Carry and spot: closed forms, a plain loop, published numbers, and sums that add up."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.engine.result import RunResult
from research.measures.attribution import (
    COMMODITIES,
    EQUITY,
    FIXED_INCOME,
    FX,
    GROUPS,
    Attribution,
    attribute,
    outright_pnl,
)
from research.measures.capture_interval import capture_interval
from research.measures.tables import class_contributions
from tests.research.fake_result import CLASSES, fake_result, small_result
from universe.arrays import to_epoch_day
from universe.instruments import AssetClass

DAYS = pd.date_range("2019-12-31", "2020-12-31", freq="B")
EPOCH = ((DAYS - pd.Timestamp(0)) // pd.Timedelta(days=1)).to_numpy(dtype=np.int64)


def run_of(
    contracts: np.ndarray, carry: np.ndarray, pnl: np.ndarray, day: np.ndarray, **changes: Any
) -> RunResult:
    """A run on constant capital of 1,000 unless ``nav`` is named."""
    values = {"nav": np.full(len(day), 1000.0), **changes}
    nav = values.pop("nav")
    return small_result(
        nav,
        markets=contracts.shape[1],
        contracts=contracts,
        pnl=pnl,
        day=day,
        carry_per_contract=carry,
        **values,
    )


def random_run(seed: int, days: int = 40, markets: int = 7) -> RunResult:
    rng = np.random.default_rng(seed)
    carry = rng.normal(0, 50, (days, markets))
    carry[rng.random(carry.shape) < 0.15] = np.nan
    carry[rng.random(carry.shape) < 0.02] = np.inf
    return run_of(
        rng.integers(-3, 4, (days, markets)),
        carry,
        rng.normal(0, 20, (days, markets)),
        np.cumsum(rng.integers(1, 5, days)) + 10_000,
        nav=1000 + np.cumsum(rng.normal(0, 3, days)),
        cost=rng.random((days, markets)),
    )


def full_run(days: int = 900, seed: int = 1) -> RunResult:
    """The consistent fake run with a carry quote that its price profit follows loosely."""
    result = fake_result(days, 8, seed)
    rng = np.random.default_rng(seed)
    result.carry_per_contract = 2000 * rng.random(result.pnl.shape) * np.sign(result.contracts)
    return result


# --- closed forms --------------------------------------------------------------------------------
@pytest.mark.parametrize(("side", "slope"), [(1, 0.05), (3, 0.4), (-1, -0.05), (-2, 0.05)])
def test_a_price_that_follows_an_unchanged_curve_is_all_carry(side: int, slope: float) -> None:
    # the price at a distance from expiry never changes, so the held contract slides along the curve
    price = 80.0 * np.exp(-slope * (EPOCH[-1] + 30 - EPOCH) / 365.25)
    step = np.diff(EPOCH) / 365.25
    per_year = np.append(price[:-1] * np.expm1(slope * step) / step, 0.0)
    contracts = np.full((len(EPOCH), 1), side)
    pnl = np.concatenate([[0.0], side * np.diff(price)])[:, None]
    split = attribute(run_of(contracts, per_year[:, None], pnl, EPOCH))
    np.testing.assert_allclose(split.spot, 0.0, atol=1e-15)
    total = split.total().loc["all"]
    assert total["carry"] == pytest.approx(side * (price[-1] - price[0]) / 1000, rel=1e-12)
    if side * slope > 0:
        assert total["capture"] == pytest.approx(1.0, rel=1e-12)
        assert total["capture_note"] == ""
    else:
        assert np.isnan(total["capture"])
        assert total["capture_note"] == "carry is negative, −0.8 % of NAV"


def test_a_flat_curve_has_no_carry_and_no_capture() -> None:
    pnl = np.full((len(EPOCH), 1), 2.0)
    flat = np.zeros_like(pnl)
    split = attribute(run_of(np.ones_like(pnl, dtype=np.int64), flat, pnl, EPOCH))
    assert not split.carry.any()
    total = split.total().loc["all"]
    assert total["spot"] == total["total"] == pytest.approx(0.002 * (len(EPOCH) - 1))
    assert np.isnan(total["capture"])
    assert total["capture_note"] == "carry is zero"


def test_a_short_position_earns_negative_carry_and_pays_positive() -> None:
    contracts = np.array([[2, -2, -2]] * 3)
    carry = np.array([[100.0, 100.0, -100.0]] * 3)
    split = attribute(run_of(contracts, carry, np.zeros((3, 3)), np.array([0, 1, 2])))
    np.testing.assert_allclose(split.carry, np.array([[0.2, -0.2, 0.2]] * 2) / 365.25, rtol=1e-12)
    np.testing.assert_array_equal(split.spot, -split.carry)


def test_a_weekend_earns_three_days() -> None:
    friday = to_epoch_day(date(2020, 1, 3))
    day = np.array([friday - 1, friday, friday + 3])
    one = np.ones((3, 1))
    split = attribute(run_of(one.astype(np.int64), 365.25 * one, 0 * one, day))
    np.testing.assert_allclose(split.carry[:, 0], [1 / 1000, 3 / 1000], rtol=1e-12)


def test_a_year_held_earns_a_year_of_carry() -> None:
    one = np.ones((len(EPOCH), 1))
    split = attribute(run_of(one.astype(np.int64), 70 * one, 0 * one, EPOCH))
    total = split.total().loc["all"]
    assert split.years == pytest.approx(366 / 365.25)
    assert total["carry"] == pytest.approx(0.07 * 366 / 365.25)
    assert total["carry_annual"] == pytest.approx(0.07)


def test_carry_is_of_the_position_and_the_quote_of_the_close_before() -> None:
    contracts, carry = np.array([[0], [4], [0]]), np.array([[1e9], [365.25], [1e9]])
    split = attribute(run_of(contracts, carry, np.zeros((3, 1)), np.arange(3)))
    np.testing.assert_allclose(split.carry[:, 0], [0.0, 0.004])


# --- missing and bad input -----------------------------------------------------------------------
def test_sessions_without_a_quote_count_as_spot_and_are_stated() -> None:
    contracts = np.array([[1, 1, 0]] * 4)
    carry = np.array([[np.nan, 365.25, np.nan], [365.25] * 3, [np.inf, 365.25, np.nan], [9.0] * 3])
    pnl = np.array([[0, 0, 0], [3, 1, 0], [-5, 1, 0], [1, -1, 0]], dtype=float)
    split = attribute(run_of(contracts, carry, pnl, np.arange(4)))
    np.testing.assert_allclose(split.carry[:, 0], [0, 0.001, 0], atol=1e-15)
    np.testing.assert_allclose(split.spot[:, 0], [0.003, -0.006, 0.001], atol=1e-15)
    total, markets = split.total().loc["all"], split.by_market()
    assert (total["held"], total["unquoted"], total["markets"]) == (6, 2, 2)
    assert total["unquoted_risk"] == pytest.approx((3 + 1) / (3 + 5 + 1 + 1 + 1 + 1))
    assert markets["unquoted"].tolist() == [2, 0, 0]
    assert markets.loc["M2", "capture_note"] == "never held"
    assert np.isnan(markets.loc["M2", "unquoted_risk"])
    blind = attribute(run_of(contracts, carry * np.nan, pnl, np.arange(4)))
    assert blind.total().loc["all", "capture_note"] == "no carry quote while held"
    assert blind.total().loc["all", "unquoted_risk"] == 1.0


def test_a_run_without_carry_quotes_is_named() -> None:
    with pytest.raises(ValueError, match=r"run hand-made, embedded engine, settings 0{12}.*"):
        attribute(small_result([1.0, 2.0]))
    with pytest.raises(ValueError, match=r"carry_per_contract is missing"):
        attribute(small_result([1.0, 2.0]))


def test_carry_quotes_of_another_shape_are_refused() -> None:
    bad = small_result([1.0, 2.0], carry_per_contract=np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"has shape \(2, 3\), must be .* \(2, 1\)"):
        attribute(bad)


def test_an_unknown_asset_class_is_refused() -> None:
    bad = small_result([1.0, 2.0], classes=["weather"], carry_per_contract=np.zeros((2, 1)))
    with pytest.raises(ValueError, match="market M0: asset class 'weather', must be one of fx"):
        attribute(bad)


def test_spreads_are_left_out_with_their_rounding() -> None:
    """The calendar sleeve asked for 2.5 of the 3 spreads held: the rest is no outright spot."""
    outright, spread = np.array([[0.0], [3.0], [-1.0]]), np.array([[0.0], [6.0], [12.0]])
    run = run_of(np.ones((3, 1), int), np.zeros((3, 1)), outright + spread, np.arange(3))
    run.sleeve_pnl["calendar"] = spread * 2.5 / 3
    with pytest.raises(ValueError, match=r"spread_pnl is missing; .* of calendar"):
        attribute(run)
    run.spread_pnl = spread
    np.testing.assert_allclose(outright_pnl(run), outright, atol=1e-12)
    np.testing.assert_allclose(attribute(run).spot[:, 0], [0.003, -0.001], atol=1e-15)
    run.spread_pnl = spread[1:]
    with pytest.raises(ValueError, match=r"shape \(2, 1\), must be \(days, markets\), \(3, 1\)"):
        outright_pnl(run)


def test_nothing_is_earned_on_a_nav_that_is_gone() -> None:
    one = np.ones((4, 1))
    run = run_of(one.astype(np.int64), 100 * one, one, np.arange(4), nav=np.array([10.0, 5, -1, 3]))
    split = attribute(run)
    np.testing.assert_allclose((split.carry + split.spot)[:, 0], [0.1, 0.2, 0.0])
    assert split.carry[2, 0] == 0.0


def test_a_run_of_one_session_has_empty_tables() -> None:
    split = attribute(run_of(np.ones((1, 1), int), np.ones((1, 1)), np.ones((1, 1)), np.array([9])))
    total = split.total().loc["all"]
    assert (total["total"], total["held"]) == (0.0, 0)
    assert np.isnan(total["carry_annual"])
    assert split.quarterly()["quarters"].tolist() == [0, 0, 0]
    assert capture_interval(split).note == "0 sessions are fewer than two blocks of 63"


# --- sums ----------------------------------------------------------------------------------------
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_parts_add_up(seed: int) -> None:
    run = random_run(seed)
    split = attribute(run)
    nav = run.nav[:-1, None]
    np.testing.assert_allclose(split.carry + split.spot, run.pnl[1:] / nav, rtol=0, atol=1e-12)
    for table in (split.by_market(), split.by_class(), split.total()):
        for suffix in ("", "_annual"):
            carry, spot, total, cost, net = (
                table[name + suffix].to_numpy(dtype=float)
                for name in ("carry", "spot", "total", "cost", "net")
            )
            np.testing.assert_allclose(carry + spot, total, rtol=0, atol=1e-12)
            np.testing.assert_allclose(total - cost, net, rtol=0, atol=1e-12)
        columns = ["carry", "spot", "total", "cost", "net", "held", "unquoted", "markets"]
        np.testing.assert_allclose(
            table[columns].sum().to_numpy(dtype=float),
            split.total().loc["all", columns].to_numpy(dtype=float),
            atol=1e-12,
        )
        known = table[table["capture_note"] == ""]
        np.testing.assert_allclose(known["capture"], known["total"] / known["carry"], rtol=1e-9)
        assert (known["carry"] > 0).all()
        assert (table["capture_note"] != "").equals(table["capture"].isna())


def test_the_arrays_are_those_of_a_plain_loop() -> None:
    run = random_run(5)
    split = attribute(run)
    quote = run.carry_per_contract
    for t in range(1, len(run.day)):
        for i in range(len(run.markets)):
            held = int(run.contracts[t - 1, i])
            earned = 0.0
            if np.isfinite(quote[t - 1, i]):
                earned = held * quote[t - 1, i] * float(run.day[t] - run.day[t - 1]) / 365.25
            carry = earned / run.nav[t - 1]
            spot = (run.pnl[t, i] - earned) / run.nav[t - 1]
            assert split.carry[t - 1, i] == pytest.approx(carry, rel=1e-12, abs=1e-15)
            assert split.spot[t - 1, i] == pytest.approx(spot, rel=1e-12, abs=1e-15)
            assert split.cost[t - 1, i] == pytest.approx(run.cost[t, i] / run.nav[t - 1])
            missing = held != 0 and not np.isfinite(quote[t - 1, i])
            assert split.unquoted[t - 1, i] == missing


def test_a_later_day_changes_no_earlier_row() -> None:
    run = random_run(8)
    whole = attribute(run)
    changed = random_run(9)
    for name in ("contracts", "pnl", "cost"):
        getattr(changed, name)[:25] = getattr(run, name)[:25]
    changed.carry_per_contract[:25] = run.carry_per_contract[:25]
    changed.nav[:25], changed.day[:25] = run.nav[:25], run.day[:25]
    changed.day[25:] = run.day[25:] + 1
    part = attribute(changed)
    for name in ("carry", "spot", "cost", "unquoted"):
        np.testing.assert_array_equal(getattr(part, name)[:24], getattr(whole, name)[:24])
    assert not np.array_equal(part.carry[24:], whole.carry[24:])


def test_classes_are_the_four_of_003() -> None:
    run = full_run()
    split = attribute(run)
    by_class = split.by_class()
    assert list(by_class.index) == [FX, FIXED_INCOME, COMMODITIES, EQUITY] == list(GROUPS)
    parts = class_contributions(run, net=False).parts
    assert {*CLASSES, "crypto"} == {member.value for member in AssetClass}
    commodities = sum(parts[name].sum() for name in ("metal", "energy", "agriculture"))
    assert by_class.loc[COMMODITIES, "total"] == pytest.approx(commodities)
    equities = parts["equity"].sum() + parts["volatility"].sum()
    assert by_class.loc[EQUITY, "total"] == pytest.approx(equities)
    net = class_contributions(run).parts
    assert by_class.loc[FX, "net"] == pytest.approx(net["fx"].sum())


# --- periods -------------------------------------------------------------------------------------
def one_market(start: str, end: str) -> Attribution:
    """0.1 % carry and 0.2 % spot on every weekday, the first being the base."""
    index = pd.bdate_range(start, end)
    day = ((index - pd.Timestamp(0)) // pd.Timedelta(days=1)).to_numpy(dtype=np.int64)
    one = np.ones((len(day), 1))
    per_year = np.append(365.25 / np.diff(day), 0.0)[:, None]
    return attribute(run_of(one.astype(np.int64), per_year, 3 * one, day))


def test_quarters_are_pandas_and_only_whole_ones_count() -> None:
    split = one_market("2019-12-31", "2021-05-14")
    returns = split.quarterly_returns()
    assert [str(quarter) for quarter in returns.index] == [
        "2020Q1",
        "2020Q2",
        "2020Q3",
        "2020Q4",
        "2021Q1",
    ]
    daily = pd.Series(0.001, index=pd.bdate_range("2020-01-01", "2021-03-31"))
    expected = daily.resample("QE").sum().to_numpy()
    np.testing.assert_allclose(returns["carry"], expected, rtol=1e-12)
    np.testing.assert_allclose(returns["spot"], 2 * expected, rtol=1e-12)
    table = split.quarterly()
    assert table.loc["carry", "mean"] == pytest.approx(expected.mean())
    assert table.loc["spot", "stdev"] == pytest.approx(2 * np.std(expected, ddof=1))
    assert table.loc["total", "mean"] == pytest.approx(3 * expected.mean())
    assert table["quarters"].tolist() == [5, 5, 5]
    late = one_market("2020-01-20", "2020-12-24")
    assert [str(quarter) for quarter in late.quarterly_returns().index] == ["2020Q2", "2020Q3"]


def test_a_period_holds_its_own_sessions() -> None:
    split = one_market("2019-12-02", "2021-05-14")
    year = split.between(date(2020, 1, 1), date(2020, 12, 31))
    assert year.base == to_epoch_day(date(2019, 12, 31))
    assert len(year.day) == len(year.carry) == len(pd.bdate_range("2020-01-01", "2020-12-31"))
    assert year.years == pytest.approx(366 / 365.25)
    assert split.between().base == split.base
    before = split.between(end=date(2019, 12, 31)).total() + split.between(date(2020, 1, 1)).total()
    assert before.loc["all", "carry"] == pytest.approx(split.total().loc["all", "carry"])
    with pytest.raises(ValueError, match=r"no session .* must overlap 2019-12-02 to 2021-05-14"):
        split.between(date(1992, 1, 1), date(2017, 5, 31))
