"""Wall time of the strategy in LEAN, against its subscriptions alone and with its orders.

Needs LEAN_LAUNCHER and LEAN_FOLDER, a data folder that make export wrote; BENCH_START, BENCH_END
and BENCH_RUNS choose the period and the repetitions.
"""

import json
import os
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


def test_the_strategy_takes_at_most_twice_as_long_as_waiting(tmp_path, capsys):
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
    seconds = {"idle": [], "strategy": [], "orders alone": []}
    for _ in range(RUNS):
        run = run_lean(yardstick, folder, tmp_path / "idle", bare)
        seconds["idle"].append(run.seconds)
        run = run_lean(main, folder, tmp_path / "strategy", settings.as_strings())
        seconds["strategy"].append(run.seconds)
        sent = orders_of(run)
        (store / "orders.json").write_text(json.dumps(sent), encoding="utf-8")
        run = run_lean(yardstick, folder, tmp_path / "replay", bare, object_store=store)
        seconds["orders alone"].append(run.seconds)
        assert len(orders_of(run)) == len(sent)
    waits = seconds["idle"]
    with capsys.disabled():
        print(f"\n{len(codes)} markets, {start} to {end}, {len(sent)} orders")
        for name, taken in seconds.items():
            ratios = [a / b for a, b in zip(taken, waits, strict=True)]
            print(
                f"{name}: {statistics.median(taken):.1f} s, {statistics.median(ratios):.2f} times"
                f" idle ({min(ratios):.2f} to {max(ratios):.2f})"
            )
    ratios = [a / b for a, b in zip(seconds["strategy"], waits, strict=True)]
    assert statistics.median(ratios) <= 2.0
