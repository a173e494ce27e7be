"""The risk office over a span of real data: what it costs, and whether replays reproduce it.

    python benchmarks/office_run.py FOLDER START END [MACRO [MARKETS]] [--costs]

Runs the strategy with record and archive, makes the pack, decides again on every session of the
record and compares what the limits read, causes included. ``--costs`` also runs it without limits,
kill switch, record and archive. Prints JSON: processor seconds, breaches by limit and cause,
sessions on which the replay differs, and exceptions by decade with the tests' p-values.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from algorithm import registry
from algorithm.settings import Settings
from research.commands.run_inputs import bills_of
from research.compliance.archive import read
from research.compliance.files import ARCHIVE, archive_run, write_pack
from research.engine.engine import run_backtest
from research.engine.redecide import read_lines, redecide
from research.open_data import DataRequest, open_data
from risk.book import Verdict
from risk.breach_cause import Cause
from risk.gate import VarGate
from risk.limit_stage import LimitStage
from risk.var_backtest import backtest

SECONDS: dict[str, float] = {}


class NoLimits(LimitStage):
    """Leaves every book as it is."""

    def protect(self, book):
        """Nothing is read."""
        return Verdict(self.NAME, book.asked)


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


def main(folder, start, end, macro=None, markets=None, *, costs=False):
    """All of it over one span."""
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
    settings = replace(settings, markets=" ".join(dataset.markets))
    if costs:
        kept = registry.PROTECTIONS
        registry.PROTECTIONS = (NoLimits, VarGate)
        with taking("run without the office"):
            run_backtest(dataset, settings)
        registry.PROTECTIONS = kept
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
    words = [word for word in sys.argv[1:] if word != "--costs"]
    main(*words, costs="--costs" in sys.argv)
