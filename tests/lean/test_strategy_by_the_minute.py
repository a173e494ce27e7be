"""The strategy trading by the minute in the real LEAN, fill by fill with the embedded simulator."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from datetime import date, datetime
from math import inf
from pathlib import Path

import numpy as np
import pytest

from algorithm.settings import Settings
from execution.blotter import child_of
from execution.fills import ROLL
from execution.planning import Past, Terms, plan_of
from research.data.errors import DataError
from research.data.import_pysystemtrade import load_pysystemtrade
from research.intraday.minutes import SessionBars, quote_days, session_bars
from research.intraday.simulate import MinuteFill, work_together
from research.intraday.study import HALF_LIFE, sessions
from research.lean.export import export_lean
from research.lean.runner import run_lean
from universe.arrays import from_epoch_day, to_epoch_day
from universe.listing import contract_of
from universe.master import MASTER
from universe.rolls import next_weekday

pytestmark = [pytest.mark.lean, pytest.mark.slow, pytest.mark.usefixtures("launcher")]

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared/data"
MINUTES = SHARED / "lean_minute"
ES = MASTER["ES"]
SETTINGS = {
    "markets": "ES",
    "start": "2013-10-01",
    "end": "2013-12-23",
    "warmup_days": "300",
    "cash": "1000000000",
    "buffer": "0",
    "vol_span": "5",
    "execution_resolution": "minute",
    "participation": "0.0005",
    "shortfall_aversion": "0.00001",
    "charts": "off",
}
EXPIRIES = {201312: date(2013, 12, 20), 201403: date(2014, 3, 21)}
CASES = {
    "open": {},
    "twap": {},
    "vwap": {},
    "pov": {},
    "shortfall": {},
    "horizon": {"signal_half_lives": "trend 20 carry 20"},
    "twap, limits": {"passive_share": "0.8", "collar_ticks": "40"},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Daily and minute data in one folder."""
    if not MINUTES.exists() or not (SHARED / "futures").exists():
        pytest.skip(f"needs {MINUTES} and {SHARED / 'futures'}")
    folder = tmp_path_factory.mktemp("lean") / "data"
    dataset = load_pysystemtrade(SHARED / "futures", MASTER, codes=["ES"])
    days = to_epoch_day(date(2012, 9, 3)), to_epoch_day(date(2014, 3, 31))
    export_lean(dataset.between(*days), folder, SHARED / "lean", day_sessions=True)
    os.symlink(MINUTES / "future/cme/minute", folder / "future/cme/minute")
    return folder


@pytest.fixture(scope="module", params=CASES, ids=lambda name: name.replace(", ", "-"))
def run(request, data, tmp_path_factory):
    """Settings and the run of LEAN."""
    changes = {"execution_algorithm": request.param.split(",")[0], **CASES[request.param]}
    given = {**SETTINGS, **changes}
    results = tmp_path_factory.mktemp("run")
    return Settings.parse(given), run_lean(ROOT / "main.py", data, results, given, timeout=900)


def filled_by_lean(lean):
    """(minute sent, contracts, price) of LEAN's own fills, by parent."""
    orders = json.loads(lean.result_json.read_text(encoding="utf-8"))["orders"]
    sent = {order["id"]: order for order in orders.values()}
    out = defaultdict(list)
    for event in json.loads(lean.order_events.read_text(encoding="utf-8")):
        if not event["fillQuantity"]:
            continue
        order = sent[event["orderId"]]
        child = child_of(order["tag"])
        at = datetime.fromisoformat(order["createdTime"])
        fill = MinuteFill(int(at.timestamp()) // 60, int(event["fillQuantity"]), event["fillPrice"])
        out[child.rpartition(".")[0]].append(fill)
    return out


def parents_of(lean):
    """(decision day, contract month, contracts, daily sigma in price, reason) of every parent."""
    for text in lean.record.read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        for _, month, quantity, reason in line.get("orders", ()):
            sigma = line["sigma"][0] * line["value"][0] / ES.multiplier
            yield line["day"], month, quantity, sigma, reason


def bars_of(month, day) -> SessionBars | None:
    try:
        bars = session_bars(MINUTES, ES, month, day)
    except DataError:  # no such contract on that day
        return None
    return bars if np.isfinite(bars.bid).any() else None


def past_of(month, day, days):
    """What the embedded simulator knows of the sessions before."""
    known = [
        bars
        for one in quote_days(MINUTES, ES)
        if 0 < (day - one).days <= days
        if (bars := bars_of(month, one)) is not None and bars.volume[1:].any()
    ]
    if not known:
        return None
    weekdays = np.array([bars.day.weekday() for bars in known])
    return Past(np.array([bars.volume[1:] for bars in known]), weekdays)


def test_every_parent_fills_as_in_the_embedded_simulator(run):
    settings, lean = run
    theirs = filled_by_lean(lean)
    days, fills = set(), 0
    evenings = defaultdict(list)
    for decided, month, quantity, sigma, reason in parents_of(lean):
        day = from_epoch_day(next_weekday(decided))
        bars = bars_of(month, day)
        if bars is None:
            continue
        expiry = contract_of(ES, month, to_epoch_day(EXPIRIES[month]))
        forced = expiry.last_holding <= next_weekday(decided)
        life = inf if reason == ROLL or not settings.half_lives() else HALF_LIFE
        terms = Terms(ES.tick, sigma, ES.multiplier, day.weekday(), forced, sigma, life)
        past = past_of(month, day, settings.profile_days)
        _, plan = plan_of(settings, ES, quantity, len(bars.minute) - 1, terms, past)
        evenings[decided, reason].append((month, bars, quantity, plan))
    for (decided, reason), parents in evenings.items():
        given = [(bars, quantity, plan) for _, bars, quantity, plan in parents]
        worked = work_together(given, reason=reason, leg_minutes=settings.leg_minutes)
        for (month, bars, *_), ours in zip(parents, worked, strict=True):
            found = theirs[f"{decided}.0.{month}"]
            mine = [(fill.minute, fill.quantity) for fill in ours.fills]
            assert [(fill.minute, fill.quantity) for fill in found] == mine, (bars.day, month)
            prices = [fill.price for fill in ours.fills]
            assert [fill.price for fill in found] == pytest.approx(prices, abs=1e-6)
            days.add(bars.day)
            fills += len(mine)
    first, last = settings.first_day, settings.last_day
    quoted = {bars.day for bars, _ in sessions(MINUTES, ES) if first <= bars.day <= last}
    assert days <= quoted
    assert len(quoted - days) <= 1  # the strategy wants something on all days but one
    assert fills >= len(days)


def test_lean_took_every_order(run):
    """Its model of Interactive Brokers lets limits and market orders pass."""
    _, lean = run
    log = lean.log.read_text(encoding="utf-8")
    for trouble in ("rejected", "frozen", "INVALID", "Insufficient", "is not subscribed"):
        assert trouble not in log
    assert lean.state["Status"] == "Completed"
