"""Variable leverage by itself: what is held, what it costs, and the page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from research.data.errors import DataError
from research.data.macro_series import MacroSeries
from research.studies.leverage import (
    Future,
    bill_returns,
    held,
    index_returns,
    trading_cost,
    walk_leverage,
)
from research.studies.leverage_study import PUBLISHED, UNLEVERED, run_leverage
from research.studies.study_commands import Place
from research.studies.trials import TrialRegister
from risk.variable_leverage import LeveragePlan, VariableLeverage
from tests.helpers import instrument, made_up_dataset, settings
from universe.arrays import from_epoch_day

PLAN = LeveragePlan(ar=0, ma=0, least=24, window=500, fraction=0.5)


def test_what_is_known_after_a_session_is_held_in_the_next():
    np.testing.assert_array_equal(held(np.array([1.0, 2.0, 3.0])), [np.nan, 1.0, 2.0])


def test_cost_by_hand():
    """Bought at 1 in the first session held, 2 in the next, and rolled all the while."""
    future = Future(np.arange(4), np.zeros(4), np.full(4, 0.001), rolls=4.0)
    cost = trading_cost(np.array([1.0, 2.0, 2.0, 2.0]), future)
    roll = 2 * 4 / 252
    expected = [0.0, 0.001 * (1 + roll), 0.001 * (1 + 2 * roll), 0.001 * 2 * roll]
    np.testing.assert_allclose(cost, expected)


def test_bills_pay_what_was_known_before():
    day = np.array([10, 11, 14])
    series = MacroSeries("usd.3m", np.array([9, 11]), np.array([0.0365, 0.073]))
    np.testing.assert_allclose(bill_returns(series, day), [0.0, 0.0001, 0.0006])
    assert not bill_returns(None, day).any()


def test_the_walk_is_the_chains_model_at_the_whole_of_kelly():
    days = np.busday_offset("2001-01-01", np.arange(560), roll="forward")
    returns = 0.01 * np.random.default_rng(7).standard_normal(560)
    epoch = days.astype(int).astype(np.int64)
    walk = walk_leverage(epoch, returns, PLAN)
    model = VariableLeverage(replace(PLAN, fraction=1.0))
    for day, one in zip(epoch.tolist(), returns.tolist(), strict=True):
        date = from_epoch_day(day)
        model.take(date.year * 100 + date.month, one)
    assert walk.optimal[-1] == model.optimal
    assert walk.leverage(PLAN)[-1] == pytest.approx(model.leverage, rel=1e-12)
    assert walk.leverage(PLAN, 0.25)[-1] <= walk.leverage(PLAN)[-1]
    assert walk.notes == []


def test_index_returns():
    day, ret = index_returns(MacroSeries("spx.price", np.array([1, 2]), np.array([100.0, 101.0])))
    assert (day.tolist(), ret.tolist()) == ([2], [pytest.approx(0.01)])


@pytest.mark.slow
def test_page_and_figures(tmp_path: Path):
    data = made_up_dataset(1000, markets=[instrument("ES", multiplier=500.0)], closed=0.0)
    days = np.unique(data.markets["ES"].day)
    rng = np.random.default_rng(1)
    price = 100 * np.cumprod(1 + 0.01 * rng.standard_normal(len(days)))
    data = data.with_macro({"spx.price": MacroSeries("spx.price", days, price)}, [])
    chosen = settings(
        start=from_epoch_day(int(days[0])).isoformat(),
        end=from_epoch_day(int(days[-1])).isoformat(),
        leverage_ar=0,
        leverage_ma=0,
        leverage_least=24,
    )
    place = Place(tmp_path / "out", tmp_path / "rows", TrialRegister(tmp_path))
    page = run_leverage(data, chosen, place).read_text(encoding="utf-8")
    result = json.loads((place.out / "result.json").read_text())
    names = [row["name"] for row in result["rows"]]
    assert names[0] == UNLEVERED
    assert names[-1] == PUBLISHED
    for figures in result["statements"].values():
        assert figures["between_1_and_3"] == 1.0
        assert 1.0 <= figures["lowest"] <= figures["mean"] <= figures["highest"] <= 3.0
    assert "What 002 says of its leverage" in page
    assert (place.out / "leverage.csv").read_text().startswith("date,optimal,leverage\n")
    with pytest.raises(DataError, match="has no NQ, whose leverage is asked for"):
        run_leverage(data, replace(chosen, leverage_of="NQ"), place)
    with pytest.raises(DataError, match="leave 0 with a forecast; the first fit takes 600 months"):
        run_leverage(data, replace(chosen, leverage_least=600), place)
