"""What the risk office adds to a decision, part by part, as it is when the algorithm runs in LEAN.

    python benchmarks/office_decision.py FOLDER START END [MACRO [MARKETS]]

Decides on every session of the embedded engine with everything that a decision in LEAN leaves:
alerts, the record's line and the data of the risk desk. The store is a dictionary. Prints the
processor milliseconds of the thread for a decision, median, mean and 99 % quantile, each decision
and part at the least of five runs, because other processes slow some.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import algorithm.strategy as chain
import research.engine.engine as engine
from algorithm.commitments import Commitments
from algorithm.decision_text import DECISION, SESSION, header_text
from algorithm.desk_data import BACKTEST, DeskData
from algorithm.lean_alerts import alerts_of
from benchmarks.office_run import opened
from risk.limit_stage import LimitStage
from risk.switch_stage import SwitchStage

RUNS = 5

TAKEN: dict[str, list[float]] = {}


def timed(owner, name, label):
    """Time every call of a function."""
    inner = getattr(owner, name)

    def outer(*words, **named):
        began = time.thread_time()
        try:
            return inner(*words, **named)
        finally:
            TAKEN.setdefault(label, []).append(1e3 * (time.thread_time() - began))

    setattr(owner, name, outer)


def main(folder, start, end, macro=None, markets=None):
    """All of it over one span."""
    dataset, settings = opened(folder, start, end, macro, markets)
    timed(LimitStage, "protect", "limits")
    timed(SwitchStage, "protect", "kill switch")
    timed(chain, "measure", "value at risk, shortfall and their parts")
    timed(Commitments, "rolls", "rolls ahead")
    timed(Commitments, "margin_ahead", "margin over rolls")
    timed(engine, "line_of", "the record's line, made")
    timed(engine, "decision_text", "the record's line, written")
    least = {}
    for _ in range(RUNS):
        TAKEN.clear()
        decided(engine.EmbeddedEngine(dataset, settings, record=lambda _: None))
        for name, taken in TAKEN.items():
            least[name] = list(map(min, taken, least.get(name, taken)))
    sums = [sum(parts) for parts in zip(*least.values(), strict=True)]
    print(json.dumps({"markets": len(dataset.markets), "decisions": len(sums)} | {
        name: {"median": round(statistics.median(values), 3),
               "mean": round(statistics.fmean(values), 3),
               "99 %": round(statistics.quantiles(values, n=100)[-1], 3)}
        for name, values in {**least, "all": sums}.items()
    }, indent=1))  # fmt: skip


def decided(run):
    """A run with what its decisions leave."""
    desk, store = DeskData(header_text(run.header), BACKTEST), {}

    def leave(text):
        if text.startswith(f'{{"line":"{SESSION}"'):
            desk.observed(text)
        if not text.startswith(f'{{"line":"{DECISION}"'):
            return
        began = time.thread_time()
        alerts_of(run.decision.verdicts[0].readings)
        alerted = time.thread_time()
        store.update((key, part.encode()) for key, part in desk.decided(text).items())
        done = time.thread_time()
        TAKEN.setdefault("alerts", []).append(1e3 * (alerted - began))
        TAKEN.setdefault("the risk desk's data", []).append(1e3 * (done - alerted))

    run._record = leave
    run.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
