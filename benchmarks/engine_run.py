"""One measured run in a fresh process: ``python engine_run.py DATA N_MARKETS full|vectorised``.

Prints JSON: seconds of loading and running, sessions, peak memory in MB.
"""

import json
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pandas as pd

from algorithm.settings import Settings
from research.data.import_pysystemtrade import load_pysystemtrade
from research.engine.engine import run_backtest
from universe.master import MASTER


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


def main():
    data, count, what = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    started = time.perf_counter()
    dataset = load_pysystemtrade(data, MASTER, longest(data, count))
    loaded = time.perf_counter()
    sessions = 0
    if what == "full":
        settings = Settings(start="1990-01-01", end="2022-06-30")
        sessions = len(run_backtest(dataset, settings).day)
    else:
        vectorised(dataset)
    done = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps(
            {
                "load": loaded - started,
                "run": done - loaded,
                "total": done - started,
                "sessions": sessions,
                "peak_mb": peak,
            }
        )
    )


if __name__ == "__main__":
    main()
