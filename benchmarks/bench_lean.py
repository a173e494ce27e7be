"""Wall time of the strategy in LEAN against an algorithm with the same subscriptions (make bench).

Needs LEAN_LAUNCHER and LEAN_FOLDER, a data folder that export-lean wrote; BENCH_START and BENCH_END
choose the period.
"""

import os
import statistics
from pathlib import Path

import pytest

from algorithm.settings import Settings
from research.lean_runner import LeanNotFoundError, find_launcher, run_lean
from universe.master import MASTER

ROOT = Path(__file__).resolve().parents[1]
RUNS = 3


def test_the_strategy_takes_at_most_twice_as_long_as_waiting(tmp_path, capsys):
    try:
        find_launcher()
    except LeanNotFoundError as error:
        pytest.skip(str(error))
    folder = Path(os.environ.get("LEAN_FOLDER", ROOT / "lean-data"))
    if not (folder / "future").is_dir():
        pytest.skip("no LEAN data folder: set LEAN_FOLDER to one that export-lean wrote")
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
    idle = {
        "start": start,
        "end": end,
        "warmup_days": str(settings.warmup_days + 10),
        "markets": " ".join(f"{code}.{MASTER[code].market}" for code in codes),
    }
    main, waiting = ROOT / "main.py", ROOT / "benchmarks" / "lean_idle" / "main.py"
    seconds = {"strategy": [], "idle": []}
    for _ in range(RUNS):
        run = run_lean(waiting, folder, tmp_path / "idle", idle)
        seconds["idle"].append(run.seconds)
        run = run_lean(main, folder, tmp_path / "strategy", settings.as_strings())
        seconds["strategy"].append(run.seconds)
    ratios = [a / b for a, b in zip(seconds["strategy"], seconds["idle"], strict=True)]
    with capsys.disabled():
        print(
            f"\n{len(codes)} markets, {start} to {end}: strategy "
            f"{statistics.median(seconds['strategy']):.1f} s, idle "
            f"{statistics.median(seconds['idle']):.1f} s, ratio {statistics.median(ratios):.2f} "
            f"({min(ratios):.2f} to {max(ratios):.2f})"
        )
    assert statistics.median(ratios) <= 2.0
