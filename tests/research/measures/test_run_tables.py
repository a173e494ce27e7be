"""The tables of 000 §9, against what can be worked out by hand or from the result itself."""

import numpy as np
import pandas as pd
import pytest

from research.engine.engine import run_backtest
from research.measures.run_tables import TABLES
from tests.helpers import made_up_dataset, settings
from tests.research.fake_result import fake_result
from universe.arrays import from_epoch_day

COLUMNS = {
    "trend": ["date", "symbol", "m3", "m6", "m12", "signal", "z"],
    "carry": ["date", "symbol", "annualized_basis", "z", "rank"],
    "regime": ["date", "p_off", "scale"],
    "weights": ["date", "symbol", "w_trend", "w_carry", "w_net", "sleeve_risk", "caps"],
    "contracts": ["date", "symbol", "target", "actual", "px_fill", "cost_bp"],
    "risk": ["date", "port_vol", "VaR99_20d", "drawdown", "diversification_ratio", "proxied"],
}


@pytest.fixture(scope="module")
def result():
    return run_backtest(made_up_dataset(360, seed=4), settings())


@pytest.fixture(scope="module")
def tables(result):
    return {name: make(result) for name, make in TABLES.items()}


def wide(table, column, result):
    dates = [from_epoch_day(day).isoformat() for day in result.day.tolist()]
    return table.pivot(index="date", columns="symbol", values=column).reindex(
        index=dates, columns=result.markets
    )


@pytest.mark.parametrize("name", COLUMNS)
def test_the_columns_are_those_of_the_schema(tables, name):
    assert list(tables[name].columns) == COLUMNS[name]
    assert len(tables[name])


def test_z_capped_is_the_forecast_of_the_rule(tables, result):
    """At each recomputation the held forecast is the z of that day, within the cap."""
    run = run_backtest(made_up_dataset(360, seed=4), settings(trend_rules="tsmom"))
    trend = TABLES["trend"](run)
    z, signal = (wide(trend, name, run).to_numpy() for name in ("z", "signal"))
    month = np.array([from_epoch_day(day).month for day in run.day.tolist()])
    first = np.flatnonzero(np.diff(month) != 0)[-2:] + 1
    for row in first:
        some = np.isfinite(z[row]) & np.isfinite(signal[row])
        assert some.any()
        steps = np.rint(np.clip(z[row], -2, 2) / 0.05) * 0.05
        off = np.abs(signal[row] - steps)[some]
        assert np.median(off) < 1e-9  # a market closed that day decides a session later


def test_momentum_is_the_sum_of_returns(tables, result):
    m6 = wide(tables["trend"], "m6", result)
    seen, ret = result.history_seen[:, 0], result.history_ret[:, 0]
    own = ret[seen]
    assert m6.iloc[-1, 0] == pytest.approx(own[-126:-21].sum())


def test_carry_ranks_inside_the_class(tables, result):
    carry = wide(tables["carry"], "rank", result).to_numpy()
    basis = wide(tables["carry"], "annualized_basis", result).to_numpy()
    own = result.carry_per_contract / result.unit_value
    some = np.isfinite(basis)
    np.testing.assert_allclose(basis[some], own[some])
    equity = [i for i, name in enumerate(result.classes) if name == "equity"]
    pair = carry[:, equity]
    both = np.isfinite(pair).all(axis=1)
    assert both.any()
    assert set(map(tuple, np.sort(pair[both], axis=1))) <= {(1.0, 2.0), (1.5, 1.5)}


def test_contributions_add_up_to_the_portfolios_volatility(tables, result):
    total = tables["weights"].groupby("date")["sleeve_risk"].sum()
    risk = tables["risk"].set_index("date")["port_vol"]
    held = risk[risk > 0]
    np.testing.assert_allclose(total.reindex(held.index), held, rtol=1e-9)


def test_net_weight_is_near_what_the_sleeves_ask_for(tables):
    table = tables["weights"]
    off = (table["w_trend"] + table["w_carry"] - table["w_net"]).abs()
    assert off.median() < 0.05
    assert (table["w_net"].abs() <= table["caps"] + 0.05).all()


def test_contracts_name_price_and_cost_of_every_fill(tables, result):
    table = tables["contracts"].set_index(["date", "symbol"])
    fill = result.fills[10]
    row = table.loc[(from_epoch_day(fill.epoch_day).isoformat(), fill.market)]
    same = [f for f in result.fills if (f.epoch_day, f.market) == (fill.epoch_day, fill.market)]
    size = sum(abs(f.quantity) for f in same)
    assert row["px_fill"] == pytest.approx(sum(abs(f.quantity) * f.price for f in same) / size)
    day = result.day.tolist().index(fill.epoch_day)
    market = result.markets.index(fill.market)
    notional = size * result.unit_value[day, market]
    assert row["cost_bp"] == pytest.approx(result.cost[day, market] / notional * 1e4)


def test_a_regime_that_is_not_there_leaves_all_exposure(tables):
    assert (tables["regime"]["scale"] == 1.0).all()
    assert tables["regime"]["p_off"].isna().all()


def test_a_result_without_the_new_tables_has_empty_cells():
    for make in TABLES.values():
        assert isinstance(make(fake_result(days=80)), pd.DataFrame)
