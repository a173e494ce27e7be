"""The risk office over a span of real data: what it costs, and whether replays reproduce it.

    python benchmarks/office_run.py FOLDER START END [MACRO [MARKETS]] [--pairs N]

Runs the strategy with record and archive, makes the pack, decides again on every session of the
record and compares what the limits read, causes included. Prints JSON: processor seconds, breaches
by limit and cause, sessions on which the replay differs, and exceptions by decade with the tests'
p-values.

``--pairs N`` runs it N times with all of the office, with the record alone and without either, a
session of each in turns, and prints the processor seconds: so a busy machine slows all. Without is:
no limits, position limits and kill switch, no shortfall and parts of risk, no margin and rolls
ahead, no ladder of bills, no record, no archive, no stress.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from threadpoolctl import threadpool_limits

import algorithm.strategy as chain
from algorithm import registry
from algorithm.commitments import Commitments
from algorithm.decision import RiskFigures
from algorithm.settings import Settings
from portfolio.cash import Interest
from research.commands.run_inputs import bills_of
from research.compliance.archive import read
from research.compliance.files import ARCHIVE, archive_run, write_pack
from research.engine.engine import EmbeddedEngine, run_backtest
from research.engine.redecide import read_lines, redecide
from research.open_data import DataRequest, open_data
from risk.book import Verdict
from risk.breach_cause import Cause
from risk.gate import VarGate
from risk.limit_stage import LimitStage
from risk.switch_stage import SwitchStage
from risk.var_backtest import backtest
from universe.arrays import TRADING_DAYS

SECONDS: dict[str, float] = {}


class NoLimits(LimitStage):
    """Leaves every book as it is."""

    def protect(self, book):
        """Nothing is read."""
        return Verdict(self.NAME, book.asked)


class NoSwitch(SwitchStage):
    """Is never asked."""

    def protect(self, book):
        """Nothing is ruled on."""
        return Verdict(self.NAME, book.asked)


def only_var(model, exposure, held, horizon, blind, proxied):
    """The figures that there would be for the VaR gate's sake alone."""
    parametric, historical = model.both(exposure, horizon)
    nothing, number = np.zeros_like(exposure), float("nan")
    vol = float(np.sqrt(max(exposure @ model.cov_daily @ exposure, 0.0) * TRADING_DAYS))
    held_var = number if blind else model.binding(held, horizon)
    return RiskFigures(
        vol, parametric, historical, held_var, model.binding(held, 1), number, number,
        float(proxied), nothing, nothing, nothing,
    )  # fmt: skip


@contextmanager
def no_office():
    """Strategies without it, but for the settings of ``WITHOUT``."""
    changes = [
        (registry, "PROTECTIONS", (NoLimits, VarGate, NoSwitch)),
        (chain, "measure", only_var),
        (Commitments, "rolls", lambda *_: {}),
        (Commitments, "margin_ahead", lambda *_: 0.0),
        (Commitments, "unit_margin", lambda *_: None),
    ]
    kept = [getattr(owner, name) for owner, name, _ in changes]
    for owner, name, new in changes:
        setattr(owner, name, new)
    yield
    for (owner, name, _), old in zip(changes, kept, strict=True):
        setattr(owner, name, old)


WITHOUT = {"position_limits": False, "interest": Interest.NONE, "decisions": False}


WITH, RECORD, NOTHING = "with", "record alone", "without"


def pairs(dataset, settings, count):
    """Processor seconds of the thread by kind of run, session by session in turns."""
    seconds = {WITH: [], "of it archive": [], RECORD: [], NOTHING: []}
    gc.set_threshold(100_000, 50, 1000)  # as a run has it
    for turn in range(count):
        with tempfile.TemporaryDirectory() as name, threadpool_limits(limits=1):
            out = Path(name)
            taken, result = in_turns(dataset, settings, out, turn)
            began = time.thread_time()
            archive_run(result, out, bill_yield=bills_of(dataset))
            taken["of it archive"] = time.thread_time() - began
        taken[WITH] += taken["of it archive"]
        for kind, found in seconds.items():
            found.append(round(taken[kind], 2))
        print({kind: found[-1] for kind, found in seconds.items()}, file=sys.stderr)
    added = {
        kind: [round(a / b - 1.0, 3) for a, b in zip(seconds[WITH], seconds[kind], strict=True)]
        for kind in (RECORD, NOTHING)
    }
    return {"cpu": seconds, "added to": added}


def in_turns(dataset, settings, out, turn):
    """Three runs at once; seconds of each, and the result of the one with the office."""
    taken = dict.fromkeys((WITH, RECORD, NOTHING), 0.0)
    engines, files = {}, [(out / f"{kind}.jsonl").open("w") for kind in (WITH, RECORD)]
    for kind, file in zip(taken, [*files, None], strict=True):
        record = None if file is None else partial(print, file=file)
        with nullcontext() if kind == WITH else no_office():
            changed = settings if kind == WITH else replace(settings, **WITHOUT)
            engines[kind] = EmbeddedEngine(dataset, changed, record)
    walks = {kind: engine._moments() for kind, engine in engines.items()}
    for session in range(len(engines[WITH].feed.days)):
        order = np.roll(list(engines), session + turn).tolist()
        for kind in order:
            with nullcontext() if kind == WITH else no_office():
                began = time.thread_time()
                engines[kind]._take(next(walks[kind]))
                taken[kind] += time.thread_time() - began
    for file in files:
        file.close()
    return taken, engines[WITH].result(taken[WITH])


@contextmanager
def taking(what):
    """Processor seconds of a step."""
    started = time.process_time()
    yield
    SECONDS[what] = round(time.process_time() - started, 1)


def tested(days):
    """Exceptions by decade and of all, with exact p-values."""
    days = [day for day in days if day.is_exception is not None]
    decade = np.array([int(day.day[:3]) for day in days])
    result, var = (np.array([getattr(d, n) for d in days]) for n in ("result", "var_tested"))
    out = {}
    for name in [*np.unique(decade).tolist(), "all"]:
        inside = decade == name if name != "all" else np.ones(len(days), dtype=bool)
        found = backtest(result[inside], var[inside], 0.99)
        share = round(100 * found.exceptions / found.sessions, 2)
        out[f"{name}0s" if name != "all" else name] = {
            "sessions": found.sessions, "exceptions": found.exceptions, "share %": share,
            "Kupiec": round(found.proportion.exact, 3),
            "independence": round(found.independence.exact, 3),
            "joint": round(found.joint.exact, 3),
        }  # fmt: skip
    return out


def opened(folder, start, end, macro=None, markets=None):
    """Data set and settings of a span, with the warm-up before it."""
    settings = Settings(start=start, end=end)
    request = DataRequest(
        folder=Path(folder),
        macro=None if macro is None else Path(macro),
        codes=None if markets is None else markets.split(),
        start=settings.first_day - timedelta(days=settings.warmup_days + 10),
        end=settings.last_day,
        cache=Path(os.environ["TREND_CARRY_CACHE"]) if "TREND_CARRY_CACHE" in os.environ else None,
    )
    dataset = open_data(request)
    return dataset, replace(settings, markets=" ".join(dataset.markets))


def main(folder, start, end, macro=None, markets=None, *, count=0):
    """All of it over one span."""
    dataset, settings = opened(folder, start, end, macro, markets)
    if count:
        found = pairs(dataset, settings, count)
        print(json.dumps({"span": [start, end], "markets": len(dataset.markets)} | found))
        return
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as name, taking("run with record and archive"):
        out = Path(name)
        result = run_backtest(dataset, settings, record=lines.append)
        run = time.process_time()
        archive_run(result, out, bill_yield=bills_of(dataset))
        SECONDS["of it archive"] = round(time.process_time() - run, 1)
        with taking("pack"):
            write_pack(out)
        _, days, _ = read(out / ARCHIVE)
    with taking("replay"):
        header, decisions = read_lines(lines)
        again = redecide(header, decisions, dataset)
    breaches = Counter((one.limit, one.cause) for d in days for one in d.limits
                       if one.status == "breach")  # fmt: skip
    assert {cause for _, cause in breaches} <= set(Cause)
    clipped = [str(one) for one in again.mismatches[:5]]
    print(json.dumps({
        "span": [start, end], "markets": len(dataset.markets), "sessions": len(days),
        "cpu": SECONDS,
        "breaches": {f"{limit}: {cause}": n for (limit, cause), n in sorted(breaches.items())},
        "replayed": again.sessions, "replay differs": len(again.mismatches), "first": clipped,
        "tests": tested(days),
        "hits": "".join(str(int(d.is_exception)) for d in days if d.is_exception is not None),
    }, indent=1))  # fmt: skip


if __name__ == "__main__":
    words = sys.argv[1:]
    asked = 0
    if "--pairs" in words:
        asked = int(words.pop(words.index("--pairs") + 1))
        words.remove("--pairs")
    main(*words, count=asked)
