"""LEAN's own fills by the minute against those of the embedded simulator, child by child."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from execution.schedules import Algorithm
from research.intraday.minutes import SessionBars
from research.intraday.simulate import work
from research.intraday.study import plan_for, sessions
from research.lean.runner import run_lean
from universe.arrays import to_epoch_day
from universe.master import MASTER

pytestmark = [pytest.mark.lean, pytest.mark.usefixtures("launcher")]

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared/data"
EXPIRIES = {201312: (2013, 12, 20), 201403: (2014, 3, 21), 202003: (2020, 3, 20)}
CONTRACTS = 40
ES = MASTER["ES"]

ALGORITHM = """
import json
import sys

sys.path.insert(1, ROOT)

from AlgorithmImports import Market, OrderStatus, QCAlgorithm, Resolution, Symbol
from datetime import datetime

import numpy as np

from execution.blotter import Blotter, Event
from execution.worker import Plan, Quote, Worker


class Job:
    def __init__(self, number, given):
        self.number, self.month, self.start = number, given["month"], given["start"]
        self.last = given["start"] + len(given["curve"])
        blotter = Blotter()
        parent = blotter.add(given["day"], 0, given["month"], given["quantity"])
        plan = Plan(np.array(given["curve"]), 0.25, given["cap"], given["passive"])
        self.worker, self.traded, self.ticket = Worker(blotter, parent, plan), 0, None


class Main(QCAlgorithm):
    def initialize(self):
        with open(PLANS) as file:
            given = json.load(file)
        self.set_start_date(*given["start"])
        self.set_end_date(*given["end"])
        self.set_cash(10**9)
        self.set_benchmark(lambda _: 0)
        self.contracts, self.quotes, self.sent, self.filled = {}, {}, {}, []
        for month, expiry in given["expiries"]:
            symbol = Symbol.create_future("ES", Market.CME, datetime(*expiry))
            self.add_future_contract(symbol, Resolution.MINUTE, False, 1, True)
            self.contracts[month] = symbol
        self.jobs = [Job(number, job) for number, job in enumerate(given["jobs"])]

    def on_data(self, data):
        now = int(self.utc_time.timestamp()) // 60
        volume, quoted = {}, set()
        for month, symbol in self.contracts.items():
            bar = data.quote_bars.get(symbol)
            if bar is not None and bar.bid is not None and bar.ask is not None:
                quoted.add(month)
                self.quotes[month] = Quote(bar.bid.close, bar.ask.close)
            trade = data.bars.get(symbol)
            volume[month] = trade.volume if trade is not None else 0
        for job in self.jobs:
            if job.start <= now - 1 < job.last:
                self.work(job, now, volume[job.month], job.month in quoted)

    def work(self, job, now, volume, quoted):
        job.traded += volume
        quote = self.quotes[job.month] if quoted else None
        wish = job.worker.step(now - 1 - job.start, quote, job.traded)
        if job.ticket is not None and job.ticket.status == OrderStatus.SUBMITTED:
            job.ticket.cancel()
        if wish is None:
            return
        tag = f"{job.number}|{wish.child}"
        self.sent[tag] = now
        symbol = self.contracts[job.month]
        if wish.limit is None:
            job.ticket = self.market_order(symbol, wish.quantity, False, tag)
        else:
            job.ticket = self.limit_order(symbol, wish.quantity, wish.limit, False, tag)

    def on_order_event(self, event):
        tag = str(event.ticket.tag)
        if "|" not in tag:  # LEAN closes what expires
            return
        number, child = tag.split("|")
        job = self.jobs[int(number)]
        size = round(event.fill_quantity)
        if size:
            job.worker.blotter.apply(Event("fill", child, str(event.id), abs(size)))
            self.filled.append((int(number), self.sent[tag], size, float(event.fill_price)))
        elif event.status in (OrderStatus.CANCELED, OrderStatus.INVALID):
            done = abs(round(event.ticket.quantity_filled))
            job.worker.blotter.apply(Event("cancelled", child, quantity=done))
            if event.status == OrderStatus.INVALID:
                self.error(f"{tag}: {event.message}")

    def on_end_of_algorithm(self):
        with open(FILLS, "w") as file:
            json.dump(self.filled, file)
"""


def cases():
    """(bars, month, algorithm, plan, quantity) of every algorithm on every session with quotes."""
    out, before = [], []
    for bars, month in sessions(SHARED / "lean_minute", ES):
        past: list[SessionBars] = [b for b in before if len(b.minute) == len(bars.minute)]
        for number, algorithm in enumerate(Algorithm):
            quantity = CONTRACTS if number % 2 else -CONTRACTS
            plan = plan_for(algorithm, ES, CONTRACTS, 0.001, bars, past)
            out.append((bars, month, algorithm, plan, quantity))
        for quantity in (CONTRACTS, -CONTRACTS):
            plan = plan_for(Algorithm.TWAP, ES, CONTRACTS, 0.001, bars, past, passive=0.8)
            out.append((bars, month, Algorithm.TWAP, plan, quantity))
        before.append(bars)
    return out


@pytest.mark.slow
def test_fill_by_fill(tmp_path):
    minutes = SHARED / "lean_minute"
    if not minutes.exists():
        pytest.skip(f"{minutes} is not there")
    data = tmp_path / "data"
    data.mkdir()
    os.symlink(minutes / "future", data / "future")
    for name in ("market-hours", "symbol-properties", "alternative"):
        os.symlink(SHARED / "lean" / name, data / name)
    given = cases()
    jobs = [
        {
            "day": to_epoch_day(bars.day),
            "month": month,
            "start": int(bars.minute[0]),
            "quantity": quantity,
            "curve": plan.curve.tolist(),
            "cap": plan.cap,
            "passive": plan.passive,
        }
        for bars, month, _, plan, quantity in given
    ]
    first, last = given[0][0].day, given[-1][0].day
    months = sorted({month for _, month, _, _, _ in given})
    plans, fills = tmp_path / "plans.json", tmp_path / "fills.json"
    plans.write_text(
        json.dumps(
            {
                "start": [first.year, first.month, first.day],
                "end": [last.year, last.month, last.day],
                "expiries": [(month, EXPIRIES[month]) for month in months],
                "jobs": jobs,
            }
        )
    )
    main = tmp_path / "project/main.py"
    main.parent.mkdir()
    names = {"ROOT": ROOT, "PLANS": plans, "FILLS": fills}
    head = "".join(f"{name} = {str(path)!r}\n" for name, path in names.items())
    main.write_text(head + ALGORITHM)
    run_lean(main, data, tmp_path / "results", {}, timeout=900)

    theirs: dict[int, list[tuple[int, int, float]]] = {}
    for number, minute, size, price in json.loads(fills.read_text()):
        theirs.setdefault(number, []).append((minute, size, price))
    compared = 0
    for number, (bars, month, algorithm, plan, quantity) in enumerate(given):
        free = replace(plan, impact=0.0)  # of the quotes alone: that algorithm has no cost model
        ours = [(f.minute, f.quantity, f.price) for f in work(bars, quantity, free).fills]
        assert theirs.get(number, []) == ours, (bars.day, month, algorithm, quantity, plan.passive)
        compared += len(ours)
    assert compared > 20 * len(given)
