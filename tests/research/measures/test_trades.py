"""Positions from flat to flat, by hand and against a plain loop."""

from __future__ import annotations

import numpy as np
import pytest

from research.engine.result import RunResult
from research.measures.positions import latest_positions
from research.measures.tables import over_nav
from research.measures.trades import round_trips, trade_table
from tests.research.fake_result import fake_result, small_result


def traded() -> RunResult:
    contracts = np.array([[0, 0], [2, 0], [3, 0], [-1, 0], [-1, 5], [0, 5]])
    pnl = np.array([[0, 0], [1, 0], [4, 0], [-2, 0], [3, 0], [1, 2]], dtype=float)
    cost = np.array([[0, 0], [0.5, 0], [0, 0], [0.5, 0], [0, 1], [0.5, 0]], dtype=float)
    return small_result([100.0] * 6, 2, contracts=contracts, pnl=pnl, cost=cost)


def test_a_reversal_ends_one_trade_and_begins_another() -> None:
    trips, day = round_trips(traded()), traded().day
    assert trips.market.tolist() == [0, 0, 1]
    assert trips.side.tolist() == [1, -1, 1]
    assert trips.sessions.tolist() == [2, 2, 2]
    assert trips.open.tolist() == [False, False, True]
    assert trips.first.tolist() == day[[1, 3, 4]].tolist()
    assert trips.last.tolist() == day[[2, 4, 5]].tolist()
    # the day of the reversal belongs to the position held into it
    assert trips.profit.tolist() == pytest.approx([0.02, 0.035, 0.01])


def test_the_table_by_hand() -> None:
    bond, equity, whole = trade_table(traded())
    assert (bond.closed, bond.open, bond.longest) == (0, 1, 2.0)
    assert np.isnan(bond.won)
    assert (equity.closed, equity.won, equity.median_sessions, equity.long) == (2, 1.0, 2.0, 0.5)
    assert np.isnan(equity.profit_factor)
    assert whole.closed == 2
    assert whole.mean_win == pytest.approx(0.0275)


@pytest.mark.parametrize("seed", range(3))
def test_all_trades_make_the_markets_net_profit(seed: int) -> None:
    run = fake_result(500, 7, seed)
    trips = round_trips(run)
    net = over_nav(run, run.pnl - run.cost)
    for market in range(7):
        assert trips.profit[trips.market == market].sum() == pytest.approx(net[:, market].sum())
    assert trips.sessions.sum() == np.count_nonzero(run.contracts)
    for k in range(0, len(trips.market), 5):
        inside = (run.day >= trips.first[k]) & (run.day <= trips.last[k])
        held = run.contracts[inside, trips.market[k]]
        assert (np.sign(held) == trips.side[k]).all()
        assert len(held) == trips.sessions[k]
    rows = trade_table(run, trips)
    assert sum(row.closed for row in rows[:-1]) == rows[-1].closed == np.sum(~trips.open)
    closed = trips.profit[~trips.open]
    wins, losses = closed[closed > 0].sum(), -closed[closed <= 0].sum()
    assert rows[-1].profit_factor == pytest.approx(wins / losses)


def test_a_run_without_trades() -> None:
    (row, whole) = trade_table(small_result([1.0] * 4))
    assert (row.closed, whole.closed) == (0, 0)
    assert np.isnan(whole.median_sessions)
    assert latest_positions(small_result([1.0] * 4)) == []


def test_latest_positions_are_those_held_or_wanted() -> None:
    run = fake_result(300, 6)
    run.contracts[-1, 0], run.targets[-1, 0] = 0, 0
    run.contracts[-1, 1], run.targets[-1, 1] = 4, 0
    run.target_contracts = [[] for _ in run.day]
    run.target_contracts[-1] = [(run.markets[2], 199103, 3), (run.markets[2], 199106, -1)]
    run.risk_share = np.full(run.pnl.shape, 0.25)
    rows = {row.market: row for row in latest_positions(run)}
    assert run.markets[0] not in rows
    assert (rows[run.markets[1]].contracts, rows[run.markets[1]].trade) == (4, -4)
    assert rows[run.markets[2]].months == "199103 × 3, 199106 × −1"
    assert rows[run.markets[1]].risk_share == 0.25
    assert rows[run.markets[1]].forecasts["trend"] == run.forecasts["trend"][-1, 1]
