"""Parents worked through recorded minutes, made up and real."""

import json
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from execution.costs import slippage
from execution.schedules import Algorithm, open_curve, twap_curve
from execution.worker import Plan
from research.cli import main
from research.data.errors import DataError
from research.intraday.minutes import contracts_on, session_bars
from research.intraday.simulate import work
from research.intraday.study import plan_for, study
from universe.master import MASTER

SHARED = Path(__file__).parents[4] / "shared/data/lean_minute"
ES = MASTER["ES"]
DAY = date(2013, 12, 18)
MAR = 201403


def write(folder, day, quotes, trades, month=MAR):
    """LEAN's minute files of one contract; rows begin with the minute of the UTC day."""
    place = folder / "future/cme/minute/es"
    place.mkdir(parents=True, exist_ok=True)
    for kind, rows in (("quote", quotes), ("trade", trades)):
        text = "\n".join(",".join(str(x) for x in (row[0] * 60_000, *row[1:])) for row in rows)
        with zipfile.ZipFile(place / f"{day:%Y%m%d}_{kind}.zip", "w") as archive:
            archive.writestr(f"{day:%Y%m%d}_es_minute_{kind}_{month}.csv", text + "\n")


@pytest.fixture
def folder(tmp_path):
    """A session of ES from 14:30 UTC on, price up by a tick a minute for ten minutes."""
    quotes, trades = [], []
    for i in range(450):
        bid = 1800.0 + 0.25 * min(i, 10)
        quotes.append((870 + i, *[bid] * 4, 10, *[bid + 0.25] * 4, 10))
        trades.append((870 + i, *[bid] * 4, 100))
    write(tmp_path, DAY, quotes, trades)
    return tmp_path


def test_a_session_is_read_in_utc(folder):
    bars = session_bars(folder, ES, MAR, DAY)
    assert contracts_on(folder, ES, DAY) == {MAR: 45_000.0}
    assert (bars.bid[0], bars.ask[0], bars.volume[0]) == (1800.0, 1800.25, 100.0)
    assert bars.bid[10] == 1802.5
    assert bars.vwap == pytest.approx(np.average(bars.price, weights=bars.volume))


def test_children_at_the_market_pay_the_quote_of_the_minute_before(folder):
    bars = session_bars(folder, ES, MAR, DAY)
    plan = Plan(twap_curve(len(bars.minute) - 1), 0.25)
    quantity = len(bars.minute) - 1
    done = work(bars, quantity, plan)
    assert done.filled == quantity
    assert [fill.quantity for fill in done.fills] == [1] * quantity
    assert [fill.price for fill in done.fills] == (bars.bid[:-1] + 0.25).tolist()
    assert done.arrival == 1800.125
    assert work(bars, -quantity, plan).price == pytest.approx(done.price - 0.25)


def test_a_limit_fills_when_the_market_trades_through_it(folder):
    """Sold at the ask of the minute before, while the market rises: the bid goes no further."""
    bars = session_bars(folder, ES, MAR, DAY)
    plan = Plan(twap_curve(len(bars.minute) - 1), 0.25, passive=0.8)
    bars = replace(bars, high_bid=bars.high_bid + 0.25)
    done = work(bars, -100, plan)
    assert done.filled == -100
    early = [fill for fill in done.fills if fill.minute < bars.minute[10]]
    assert early
    assert all(f.price == 1800.25 + 0.25 * (f.minute - bars.minute[0] - 1) for f in early)


def test_impact_is_the_daily_law_spread_evenly_and_more_in_haste(folder):
    """0.1 x sigma x sqrt(q / ADV) over the session; at once the root of its minutes times that."""
    bars = session_bars(folder, ES, MAR, DAY)
    minutes = len(bars.minute) - 1
    plan = plan_for(Algorithm.TWAP, ES, minutes, 0.05, bars, [])
    mids = 0.5 * (bars.bid + bars.ask)
    sigma = np.diff(mids).std() * np.sqrt(minutes)
    law = slippage(ES, minutes, sigma, impact=0.1) - ES.half_spread
    for curve, times in ((twap_curve(minutes), 1.0), (open_curve(minutes), np.sqrt(minutes))):
        done, free = (
            work(bars, -minutes, replace(plan, curve=curve, impact=impact))
            for impact in (plan.impact, 0.0)
        )
        assert free.price - done.price == pytest.approx(times * law)


def test_pov_is_below_its_share(folder):
    bars = session_bars(folder, ES, MAR, DAY)
    plan = plan_for(Algorithm.POV, ES, 500, 0.05, bars, [])
    done = work(bars, 500, plan)
    assert done.filled == 500
    assert done.participation <= 0.05
    sizes = [fill.quantity for fill in done.fills]
    assert max(sizes) == 5


def test_minutes_without_quotes_wait_and_are_made_up_for(tmp_path):
    """The second quote has one side only."""
    quotes = [
        (880, *[1800.0] * 4, 1, *[1800.25] * 4, 1),
        (890, *[""] * 4, 0, *[1800.25] * 4, 1),
        (900, *[1801.0] * 4, 1, *[1801.25] * 4, 1),
    ]
    write(tmp_path, DAY, quotes, [(880, 1800.0, 1800.0, 1800.0, 1800.0, 7)])
    bars = session_bars(tmp_path, ES, MAR, DAY)
    minutes = len(bars.minute) - 1
    done = work(bars, minutes, Plan(twap_curve(minutes), 0.25))
    assert [(fill.quantity, fill.price) for fill in done.fills] == [(11, 1800.25), (20, 1801.25)]
    assert done.waits == {"no quotes": minutes - 2}
    assert done.close == 1801.125


def test_what_is_not_there_is_named(folder):
    with pytest.raises(DataError, match="holds no 20131218_es_minute_quote_201406"):
        session_bars(folder, ES, 201406, DAY)
    with pytest.raises(DataError, match=r"20131219_quote\.zip"):
        session_bars(folder, ES, MAR, date(2013, 12, 19))
    with pytest.raises(DataError, match="no session of GC"):
        study(folder, MASTER["GC"], 5, 0.1)


def test_the_command_leaves_every_parent(folder, tmp_path):
    out = tmp_path / "out"
    done = CliRunner().invoke(
        main, ["schedules", "--data", str(folder), "--contracts", "20", "--out", str(out)]
    )
    assert done.exit_code == 0, done.output
    assert "twap, limits: 2 parents, 100% filled" in done.output
    rows = json.loads((out / "schedules.json").read_text())
    assert {row["algorithm"] for row in rows} == set(Algorithm)
    assert {abs(row["filled"]) for row in rows} == {20}


@pytest.mark.skipif(not SHARED.exists(), reason=f"{SHARED} is not there")
class TestRealQuotes:
    """The E-mini S&P 500 on two days of a roll."""

    def test_crossing_costs_half_a_tick_on_average_of_both_sides(self):
        for day in (18, 20):
            bars = session_bars(SHARED, ES, MAR, date(2013, 12, day))
            for algorithm in (Algorithm.OPEN, Algorithm.TWAP, Algorithm.VWAP):
                plan = plan_for(algorithm, ES, 200, 0.05, bars, [])
                both = [work(bars, side, replace(plan, impact=0.0)) for side in (200, -200)]
                assert all(abs(one.filled) == 200 for one in both)
                mean = np.mean([one.cost(one.arrival) for one in both])
                assert mean == pytest.approx(0.125, abs=0.01)

    def test_a_profile_learned_on_other_days_comes_nearer_to_a_days_volume(self):
        days = [session_bars(SHARED, ES, 201312, date(2013, 10, day)) for day in (8, 9, 10, 11)]
        *before, bars = days
        even = plan_for(Algorithm.TWAP, ES, 200, 0.05, bars, before)
        learned = plan_for(Algorithm.VWAP, ES, 200, 0.05, bars, before)
        actual = np.cumsum(bars.volume[1:]) / bars.volume[1:].sum()
        assert np.abs(learned.curve - actual).max() < np.abs(even.curve - actual).max()
