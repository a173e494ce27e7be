"""003's numbers agree with each other, stand beside a run's, and the interval is the textbook's."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from arch.bootstrap import StationaryBootstrap

from research.engine.result import RunResult
from research.measures.attribution import (
    EQUITY,
    FX,
    Attribution,
    attribute,
)
from research.measures.campbell import CAMPBELL, comparison, differences
from research.measures.capture_interval import capture_interval
from tests.research.fake_result import fake_result, small_result
from universe.arrays import sessions_a_year


def full_run(days: int = 900, seed: int = 1) -> RunResult:
    """The consistent fake run with a carry quote that its price profit follows loosely."""
    result = fake_result(days, 8, seed)
    rng = np.random.default_rng(seed)
    result.carry_per_contract = 2000 * rng.random(result.pnl.shape) * np.sign(result.contracts)
    return result


def one_market() -> Attribution:
    """A year of weekdays with 0.1 % carry and 0.2 % spot on each."""
    index = pd.bdate_range("2019-12-31", "2020-12-31")
    day = ((index - pd.Timestamp(0)) // pd.Timedelta(days=1)).to_numpy(dtype=np.int64)
    one = np.ones((len(day), 1))
    carry = np.append(365.25 / np.diff(day), 0.0)[:, None]
    run = small_result(
        np.full(len(day), 1000.0),
        contracts=one.astype(np.int64),
        pnl=3 * one,
        day=day,
        carry_per_contract=carry,
    )
    return attribute(run)


def made(carry: np.ndarray, spot: np.ndarray) -> Attribution:
    """One market with the given daily parts."""
    held = np.ones((len(carry), 1), dtype=bool)
    parts = carry[:, None], spot[:, None], np.zeros((len(carry), 1))
    return Attribution("made", ["M0"], ["fx"], 0, np.arange(1, len(carry) + 1), *parts, held, ~held)


# --- interval ------------------------------------------------------------------------------------
def test_carry_and_spot_of_a_day_are_drawn_together_in_blocks_of_a_quarter() -> None:
    rng = np.random.default_rng(5)
    split = made(1e-4 + rng.normal(0, 1e-5, 800), rng.normal(0, 1e-3, 800))
    rows = StationaryBootstrap(63, np.arange(800), seed=3).bootstrap(400)
    ratios = []
    for (drawn,), _ in rows:
        carry, spot = split.carry[drawn].sum(), split.spot[drawn].sum()
        ratios.append((carry + spot) / carry)
    got = capture_interval(split, samples=400)
    assert [got.low, got.high] == pytest.approx(np.quantile(ratios, [0.05, 0.95]).tolist())


def test_the_interval_is_that_of_a_normal_sum() -> None:
    # constant carry c and white spot: capture is 1 + mean(spot) / c, normal with sd s / c / sqrt(n)
    n, c, s = 5000, 2e-4, 4e-3
    spot = np.random.default_rng(3).normal(-0.5 * c, s, n)
    split = made(np.full(n, c), spot)
    got = capture_interval(split)
    assert got == capture_interval(split)
    assert got != capture_interval(split, seed=4)
    half = 1.6449 * s / c / np.sqrt(n)
    capture = split.total().loc["all", "capture"]
    assert got.low < capture < got.high
    assert (got.high - got.low) / 2 == pytest.approx(half, rel=0.2)
    narrow = capture_interval(split, coverage=0.5)
    assert (narrow.high - narrow.low) / 2 == pytest.approx(half * 0.6745 / 1.6449, rel=0.2)
    assert (got.coverage, got.undefined, got.note) == (0.9, 0.0, "")


def test_there_is_no_interval_where_carry_may_be_negative() -> None:
    rng = np.random.default_rng(0)
    carry = rng.normal(0, 1e-3, 1000)
    split = made(carry - carry.mean() + 1e-6, rng.normal(0, 1e-3, 1000))
    got = capture_interval(split)
    assert np.isnan(got.low)
    assert np.isnan(got.high)
    assert 0.05 < got.undefined < 0.95
    assert "carry is not positive in" in got.note
    with pytest.raises(ValueError, match=r"coverage 90 .* must be in \(0, 1\)"):
        capture_interval(split, coverage=90)


# --- published numbers ---------------------------------------------------------------------------
def test_the_published_numbers_agree_with_each_other() -> None:
    assert CAMPBELL.carry + CAMPBELL.spot == pytest.approx(CAMPBELL.total)
    assert CAMPBELL.total / CAMPBELL.carry == pytest.approx(CAMPBELL.capture, abs=0.005)
    quarters = 4 * CAMPBELL.years
    assert CAMPBELL.markets == 61
    assert CAMPBELL.quarter_carry[0] * quarters == pytest.approx(CAMPBELL.carry, abs=0.06)
    assert CAMPBELL.quarter_spot[0] * quarters == pytest.approx(CAMPBELL.spot, abs=0.06)
    assert CAMPBELL.quarter_spot[1] > 3 * CAMPBELL.quarter_carry[1]


def test_the_comparison_stands_beside_003() -> None:
    run = full_run()
    split = attribute(run)
    start, end = date(1990, 7, 1), date(1992, 3, 31)
    table = comparison(split, start, end)
    cut = split.between(start, end)
    total, quarters = cut.total().loc["all"], cut.quarterly()
    ours, theirs = table["ours"], table["published"]
    assert ours["carry, cumulative"] == total["carry"]
    assert ours["net, cumulative"] == total["net"]
    assert ours["spot, quarterly stdev"] == quarters.loc["spot", "stdev"]
    assert ours["capture"] == total["capture"]
    gross = pd.Series(run.pnl.sum(axis=1)[1:] / run.nav[:-1], pd.to_datetime(run.day[1:], unit="D"))
    assert ours["annual volatility"] == pytest.approx(
        gross[str(start) : str(end)].std() * sessions_a_year(cut.day) ** 0.5, rel=1e-12
    )
    assert theirs["capture"] == 0.79
    assert theirs["carry, per year"] == pytest.approx(0.1369, abs=1e-4)
    assert theirs["carry, quarterly stdev"] == 0.015
    assert table.loc[f"capture, {FX}", "published_text"] == "above 100 %"
    assert table.loc[f"capture, {EQUITY}", "published"] == 0.4
    assert np.isnan(theirs["cost, cumulative"])
    assert table.attrs["differences"] == differences(cut)


def test_the_differences_are_those_of_the_data() -> None:
    text = differences(attribute(full_run(300)))
    assert "seeded walk Ω <b> [synthetic market], 1990-01-01 to 1991-02-22" in text
    assert "8 markets held" in text
    assert "61 markets (9 foreign exchange, 16 fixed income, 21 commodities" in text
    assert "1992-01-01 to 2017-05-31" in text
    assert text.endswith("scaled to 10 % volatility.")
    text = differences(one_market())
    assert "1 market held (1 equity indices)" in text
    assert "0.0 % of its risk without a carry quote" in text


def test_a_class_that_the_run_lacks_is_named() -> None:
    table = comparison(one_market())
    assert table.loc[f"capture, {FX}", "note"] == "no market of the class"
    assert np.isnan(table.loc[f"capture, {FX}", "ours"])
    assert table.loc[f"capture, {EQUITY}", "ours"] == pytest.approx(3.0)
