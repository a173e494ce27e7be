"""Speed and memory of the embedded engine on the real data (make bench).

Every run is a fresh process; ratios are of processor seconds to those of the ``vectorised`` pass in
the same sitting, the median of eleven passes before, between and after the runs.
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
RUNS = int(os.environ.get("BENCH_RUNS", "3"))
COUNTS = (10, 20, 50, 111)


def real(name):
    named = os.environ.get("FUTURES_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data" / name
    if not folder.is_dir():
        pytest.skip(f"no real futures data: set FUTURES_DATA or put it in ../shared/data/{name}")
    return folder


@pytest.fixture(scope="module")
def data():
    return real("futures")


def start(data, count, what, cache=None):
    script = Path(__file__).with_name("engine_run.py")
    given = [sys.executable, script, data, str(count), what, *([cache] if cache else [])]
    return subprocess.Popen(given, stdout=subprocess.PIPE, text=True)


def measure(data, count, what, cache=None):
    """What one fresh process says."""
    process = start(data, count, what, cache)
    out, _ = process.communicate()
    assert process.returncode == 0
    return json.loads(out)


def median(runs, key):
    return statistics.median(run[key] for run in runs)


@pytest.fixture(scope="module")
def sitting(data, tmp_path_factory):
    """First runs, each with an empty cache, and runs from the last one's tape."""
    out = {"pass": [], "first": [], "tape": []}
    for k in range(RUNS):
        cache = tmp_path_factory.mktemp(f"cache{k}")
        out["pass"].append(measure(data, 50, "vectorised"))
        out["first"].append(measure(data, 50, "cached", cache))
        out["tape"].append(measure(data, 50, "cached", cache))
    out["pass"].append(measure(data, 50, "vectorised"))
    return out, cache


def test_first_run_tape_and_loading_of_fifty_markets(sitting, capsys):
    runs, _ = sitting
    unit = median(runs["pass"], "run_cpu")
    ratios = {
        "first run": median(runs["first"], "run_cpu") / unit,
        "from the tape": median(runs["tape"], "run_cpu") / unit,
        "loading": median(runs["tape"], "load_cpu") / unit,
    }
    peak = max(run["peak_mb"] for run in (*runs["first"], *runs["tape"]))
    with capsys.disabled():
        print(f"\n50 markets, 1990 to 2022-06; the vectorised pass takes {unit:.2f} s")
        for name in ("first", "tape"):
            print(
                f"{name}: run {median(runs[name], 'run_cpu'):.1f} s"
                f" ({median(runs[name], 'run_wall'):.1f} s of wall time), loading"
                f" {median(runs[name], 'load_cpu'):.2f} s, peak {median(runs[name], 'peak_mb'):.0f}"
                " MB"
            )
        print(", ".join(f"{name} {ratio:.1f} times the pass" for name, ratio in ratios.items()))
    assert ratios["loading"] <= 3.0
    assert peak <= 1024.0
    assert ratios["from the tape"] <= 12.0
    assert ratios["first run"] <= 30.0


def test_a_hundred_runs_on_two_processes(data, sitting, capsys):
    runs, cache = sitting
    first = median(runs["first"], "run_cpu")
    parts = [start(data, 50, f"sweep/{k}", cache) for k in range(2)]
    found = [json.loads(part.communicate()[0]) for part in parts]
    number = sum(run["sessions"] for run in found)
    cpu = sum(run["run_cpu"] + run["load_cpu"] for run in found)
    slowest = max(run["run_cpu"] + run["load_cpu"] for run in found)
    with capsys.disabled():
        print(
            f"\n{number} runs on two processes: {cpu:.0f} s, {slowest:.0f} s in the slower one,"
            f" {slowest / first:.1f} times a first run ({100 / number * slowest / first:.1f} for"
            " a hundred)"
        )
    assert 100 / number * slowest <= 20 * first


def test_cost_of_a_session_grows_no_faster_than_markets(capsys):
    data, per_session = real("futures111"), {}
    for count in COUNTS:
        run = measure(data, count, "plain")
        per_session[count] = run["run_cpu"] / run["sessions"]
    exponent = math.log(per_session[COUNTS[-1]] / per_session[COUNTS[0]]) / math.log(
        COUNTS[-1] / COUNTS[0]
    )
    with capsys.disabled():
        times = ", ".join(f"{n}: {1e3 * t:.2f} ms" for n, t in per_session.items())
        print(f"\na session by markets: {times}; exponent {exponent:.2f}")
    assert exponent <= 1.0
