"""Processor and wall time of the strategy in LEAN, against its subscriptions and its orders alone.

Needs LEAN_LAUNCHER and LEAN_FOLDER, a data folder that make export wrote; BENCH_START, BENCH_END
and BENCH_RUNS choose the period and the repetitions.
"""

import json
import os
import resource
import statistics
from pathlib import Path

import pytest

from algorithm.settings import Settings
from research.lean.runner import LeanNotFoundError, find_launcher, run_lean
from universe.master import MASTER

ROOT = Path(__file__).resolve().parents[1]
RUNS = int(os.environ.get("BENCH_RUNS", "3"))


def orders_of(run):
    """[UTC second, symbol id, contracts] of every order of a run, from LEAN's own order events."""
    events = json.loads(run.order_events.read_text(encoding="utf-8"))
    return [
        [round(event["time"]), event["symbol"], int(event["quantity"])]
        for event in events
        if event["status"] == "submitted"
    ]


def measured(*arguments, **options):
    """A run, and the processor and wall seconds it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = run_lean(*arguments, **options)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return run, (cpu, run.seconds)


def ratios(taken, idle, which):
    """Of each run to the idle one beside it: 0 processor time, 1 wall time."""
    return [a[which] / b[which] for a, b in zip(taken, idle, strict=True)]


def test_the_strategy_takes_at_most_twice_the_processor_time_of_waiting(tmp_path, capsys):
    try:
        find_launcher()
    except LeanNotFoundError as error:
        pytest.skip(str(error))
    folder = Path(os.environ.get("LEAN_FOLDER", ROOT / "lean-data"))
    if not (folder / "future").is_dir():
        pytest.skip("no LEAN data folder: set LEAN_FOLDER to one that make export wrote")
    start = os.environ.get("BENCH_START", "2010-01-04")
    end = os.environ.get("BENCH_END", "2014-12-31")
    codes = [
        code
        for code in sorted(i.code for i in MASTER if i.lean_listed)
        if (
            folder / "future" / MASTER[code].market / "daily" / f"{code.lower()}_trade.zip"
        ).is_file()
    ]
    settings = Settings(start=start, end=end, markets=" ".join(codes))
    bare = {
        "start": start,
        "end": end,
        "warmup_days": str(settings.warmup_days + 10),
        "markets": " ".join(f"{code}.{MASTER[code].market}" for code in codes),
    }
    main, yardstick = ROOT / "main.py", ROOT / "benchmarks" / "lean_yardstick" / "main.py"
    store = tmp_path / "orders"
    store.mkdir()
    told = {"strategy": settings.as_strings()}
    told["no charts, no record"] = {**told["strategy"], "charts": "off", "decisions": "false"}
    seconds = {name: [] for name in ("idle", *told, "orders alone")}
    for _ in range(RUNS):
        seconds["idle"].append(measured(yardstick, folder, tmp_path / "idle", bare)[1])
        for name, parameters in told.items():
            run, taken = measured(main, folder, tmp_path / "strategy", parameters)
            seconds[name].append(taken)
            sent = orders_of(run)
        (store / "orders.json").write_text(json.dumps(sent), encoding="utf-8")
        run, taken = measured(yardstick, folder, tmp_path / "replay", bare, object_store=store)
        seconds["orders alone"].append(taken)
        assert len(orders_of(run)) == len(sent)
    idle = seconds["idle"]
    with capsys.disabled():
        print(f"\n{len(codes)} markets, {start} to {end}, {len(sent)} orders")
        for name, taken in seconds.items():
            for which, kind in enumerate(("processor", "wall")):
                times = ratios(taken, idle, which)
                print(
                    f"{name}, {kind}: {statistics.median(t[which] for t in taken):.1f} s,"
                    f" {statistics.median(times):.2f} times idle"
                    f" ({min(times):.2f} to {max(times):.2f})"
                )
    assert statistics.median(ratios(seconds["strategy"], idle, 0)) <= 2.0
    assert statistics.median(ratios(seconds["no charts, no record"], idle, 0)) <= 1.8
