"""Speed of all forecasts on the real data, and that both ways agree on it (make bench).

The columns are computed three times in one process; an incremental update is timed on every
session of the last ten years.
"""

import os
import statistics
import time
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from algorithm.settings import Settings
from alpha.forecasts import Forecasts
from research.data.import_pysystemtrade import load_pysystemtrade
from research.engine.feed import Feed
from research.panels.forecasts import vectorised_forecasts
from research.panels.markets import market_panel
from universe.arrays import from_epoch_day, to_epoch_day
from universe.assets import Assets
from universe.curves import MacroState
from universe.markets import Markets
from universe.master import MASTER
from universe.spreads import CalendarSpreads

ROOT = Path(__file__).resolve().parents[1]
MARKETS, RUNS, TIMED = 60, 3, 2520
START, END = date(1980, 1, 1), date(2022, 6, 30)
EVERY_RULE = Settings(
    trend_rules="tsmom ewmac breakout",
    carry_rules="smoothed cross_section relative_value directional calendar",
    ewmac_spans="2 4 8 16 32 64",
    breakout_horizons="10 20 40 80 160 320",
)


@pytest.fixture(scope="module")
def dataset():
    named = os.environ.get("FUTURES_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data" / "futures"
    if not folder.is_dir():
        pytest.skip("no real futures data: set FUTURES_DATA or put it in ../shared/data/futures")
    data = load_pysystemtrade(folder, MASTER)
    ordered = sorted(data.markets, key=lambda code: -len(data.markets[code].day))
    return data.select(ordered[:MARKETS])


def incremental(dataset):
    """Forecasts by rule as the strategy makes them, and seconds of every update."""
    feed = Feed(dataset, to_epoch_day(START), to_epoch_day(END))
    instruments = [history.instrument for history in dataset.markets.values()]
    markets = Markets.create(EVERY_RULE, instruments)
    spreads = CalendarSpreads.create(EVERY_RULE, markets)
    for known, contracts in zip(markets.contracts, feed.contracts(), strict=True):
        known.update((contract.month, contract) for contract in contracts)
    classes = [str(instrument.asset_class) for instrument in instruments]
    index = np.array([sorted(set(classes)).index(name) for name in classes])
    forecasts = Forecasts(EVERY_RULE, instruments, index)
    assets, rows, seconds = Assets(markets, spreads), {}, []
    for bars in feed:
        day = bars.session.day
        seen, when = assets.walk([bars.session]), from_epoch_day(day)
        month = np.array([when.year * 100 + when.month])
        started = time.perf_counter()
        forecasts.walk(np.array([day]), month, seen, [MacroState()])
        trend = forecasts.signals()
        current = forecasts.current(markets.alive(day))
        seconds.append(time.perf_counter() - started)
        now = {rule: trend[rule] for rule in ("tsmom", "ewmac", "breakout")}
        now |= {rule: current[rule] for rule in ("carry", "relative value")}
        now |= {"cross section zscore": current["cross section"]}
        now |= {rule: current[rule] for rule in ("directional", "calendar")}
        for rule, forecast in now.items():
            rows.setdefault(rule, []).append(forecast)
    return {rule: np.array(forecast) for rule, forecast in rows.items()}, seconds


def test_all_forecasts_of_sixty_markets(dataset, capsys):
    started = time.perf_counter()
    panel = market_panel(dataset, EVERY_RULE, START, END, spreads=True)
    walked = time.perf_counter() - started
    taken = []
    for _ in range(RUNS):
        started = time.perf_counter()
        columns = vectorised_forecasts(panel, EVERY_RULE)
        taken.append(time.perf_counter() - started)
    grown, seconds = incremental(dataset)
    daily = np.array(seconds[-TIMED:])
    apart = {}
    for rule, forecast in grown.items():
        np.testing.assert_array_equal(np.isfinite(columns[rule]), np.isfinite(forecast))
        apart[rule] = float(np.nanmax(np.abs(columns[rule] - forecast)))
    with capsys.disabled():
        print(
            f"\n{len(panel.codes)} markets, {len(panel.day)} sessions, {len(columns)} forecasts: "
            f"vectorised {statistics.median(taken):.2f} s (gate and rolls before it "
            f"{walked:.1f} s); an incremental update {1e3 * np.median(daily):.2f} ms, 99 % within "
            f"{1e3 * np.quantile(daily, 0.99):.2f} ms; apart by at most {max(apart.values()):.1e}"
        )
    assert statistics.median(taken) <= 3.0
    assert np.median(daily) <= 0.005
    assert max(apart.values()) <= 1e-10
