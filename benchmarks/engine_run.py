"""One measured run in a fresh process: ``python engine_run.py DATA N_MARKETS WHAT [CACHE]``.

WHAT is ``plain`` (no cache), ``cached`` (from what CACHE has, or written to it), ``sweep/2`` (every
second of as many runs as BENCH_SWEEP says, which differ in portfolio and risk, from CACHE) or
``vectorised`` (the yardstick, median of eleven passes). Prints JSON: processor and wall seconds of
loading and running, sessions, peak memory in MB.
"""

import json
import os
import resource
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pandas as pd

from algorithm.settings import Settings
from research.data import import_csv, import_pysystemtrade, kept  # noqa: F401  not to be timed
from research.engine.engine import run_backtest
from research.open_data import DataRequest, open_data
from universe.master import MASTER

PASSES = 11
SPAN = {"start": "1990-01-01", "end": "2022-06-30"}


def longest(folder, count):
    """Codes of the ``count`` markets with the largest price files."""
    files = {i.code: folder / "multiple_prices_csv" / f"{i.source_code}.csv" for i in MASTER}
    size = {code: path.stat().st_size for code, path in files.items() if path.is_file()}
    return sorted(size, key=lambda code: (-size[code], code))[:count]


def vectorised(dataset):
    """The yardstick: EWMAC forecasts times next returns, no portfolio, no risk, no contracts."""
    closes = {}
    for code, history in dataset.markets.items():
        first = np.unique(history.day, return_index=True)[1]
        closes[code] = pd.Series(history.close[first], index=history.day[first])
    prices = pd.DataFrame(closes).ffill()
    change = prices.diff()
    sigma = change.ewm(span=32).std()
    forecast = sum(
        ((prices.ewm(span=n).mean() - prices.ewm(span=4 * n).mean()) / sigma).clip(-2, 2)
        for n in (16, 32, 64)
    )
    return (forecast.shift(1) * change / sigma).sum(axis=1)


def timed(work):
    """Result, processor seconds and wall seconds of a call."""
    cpu, wall = time.process_time(), time.perf_counter()
    result = work()
    return result, time.process_time() - cpu, time.perf_counter() - wall


def variations(number):
    """Settings that differ in portfolio and risk alone."""
    for k in range(number):
        yield Settings.parse(
            {
                **SPAN,
                "vol_target": f"{0.08 + 0.01 * (k % 5):.2f}",
                "cap_class": f"{0.30 + 0.05 * (k // 5 % 5):.2f}",
                "var_limit": f"{0.15 + 0.02 * (k // 25):.2f}",
            }
        )


def measured(what, dataset):
    """Processor and wall seconds of what is asked for, and sessions."""
    if what == "vectorised":
        passes = [timed(lambda: vectorised(dataset))[1:] for _ in range(PASSES)]
        return *(statistics.median(column) for column in zip(*passes, strict=True)), 0
    if what.startswith("sweep/"):
        part = int(what.partition("/")[2])
        chosen = list(variations(int(os.environ.get("BENCH_SWEEP", "100"))))[part::2]
        runs = [timed(lambda s=s: run_backtest(dataset, s))[1:] for s in chosen]
        return *(sum(column) for column in zip(*runs, strict=True)), len(chosen)
    result, cpu, wall = timed(lambda: run_backtest(dataset, Settings.parse(SPAN)))
    return cpu, wall, len(result.day)


def main():
    data, count, what = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    cache = Path(sys.argv[4]) if len(sys.argv) > 4 else None
    request = DataRequest(data, longest(data, count), cache=cache)
    dataset, load_cpu, load_wall = timed(lambda: open_data(request))
    run_cpu, run_wall, sessions = measured(what, dataset)
    print(
        json.dumps(
            {
                "load_cpu": load_cpu,
                "load_wall": load_wall,
                "run_cpu": run_cpu,
                "run_wall": run_wall,
                "sessions": sessions,
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )


if __name__ == "__main__":
    main()
