"""Speed and memory of the embedded engine on the real data (make bench).

Every figure is the median of three fresh processes; ratios compare runs of the same session.
"""

import json
import math
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RUNS = 3


@pytest.fixture(scope="module")
def data():
    named = os.environ.get("FUTURES_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data" / "futures"
    if not folder.is_dir():
        pytest.skip("no real futures data: set FUTURES_DATA or put it in ../shared/data/futures")
    return folder


def measure(data, count, what):
    """Medians over fresh processes."""
    script = Path(__file__).with_name("engine_run.py")
    runs = []
    for _ in range(RUNS):
        out = subprocess.run(
            [sys.executable, script, data, str(count), what],
            capture_output=True,
            text=True,
            check=True,
        )
        runs.append(json.loads(out.stdout))
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def test_full_strategy_on_fifty_markets(data, capsys):
    full = measure(data, 50, "full")
    plain = measure(data, 50, "vectorised")
    with capsys.disabled():
        print(
            f"\n50 markets, 1990 to 2022-06: load {full['load']:.1f} s, run {full['run']:.1f} s, "
            f"total {full['total']:.1f} s, peak {full['peak_mb']:.0f} MB; "
            f"{1e3 * full['run'] / full['sessions']:.2f} ms a session; "
            f"{full['run'] / plain['run']:.0f} x a vectorised forecast-to-return pass "
            f"({plain['run']:.2f} s)"
        )
    assert full["total"] <= 15.0
    assert full["peak_mb"] <= 1024.0


def test_cost_of_a_session_grows_no_faster_than_markets_to_the_1_3(data, capsys):
    per_session = {}
    for count in (10, 20, 35, 50):
        run = measure(data, count, "full")
        per_session[count] = run["run"] / run["sessions"]
    exponent = math.log(per_session[50] / per_session[10]) / math.log(5)
    with capsys.disabled():
        times = ", ".join(f"{n}: {1e3 * t:.2f} ms" for n, t in per_session.items())
        print(f"\na session by markets: {times}; exponent {exponent:.2f}")
    assert exponent <= 1.3
