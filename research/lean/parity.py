"""Do LEAN and the embedded engine decide and earn the same? Day by day, with named causes (V1).

LEAN runs ``main.py`` with its trace on over a LEAN data folder; the embedded engine reads the same
folder. Targets, fills and account value are compared for every session.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from algorithm.settings import Settings
from algorithm.trace import TRACE_KEY
from research.engine.engine import run_backtest
from research.engine.result import RunResult
from research.lean.project_config import changed_settings
from research.lean.runner import LeanRun, run_lean
from research.open_data import DataRequest, open_data
from universe.arrays import from_epoch_day

BASIS_POINT = 1e-4

FillKey = tuple[int, str, int, int]
"""(epoch day, market, contract month, contracts)."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which the engines differ.

    ``cause`` is one of: "session only in LEAN", "session only embedded", "target", "order only in
    LEAN", "order only embedded", "fill only in LEAN", "fill only embedded", "fill price",
    "account value".
    """

    epoch_day: int
    cause: str
    market: str
    lean: str
    embedded: str

    def __str__(self) -> str:
        where = f" {self.market}" if self.market else ""
        day = from_epoch_day(self.epoch_day)
        return f"{day}{where} {self.cause}: LEAN {self.lean}, embedded {self.embedded}"


@dataclass
class ParityReport:
    """The comparison.

    Attributes
    ----------
    sessions : int
        Sessions decided by both engines.
    target_days : int
        Those on which every target is equal.
    orders : int
        Orders of the embedded engine.
    fills : int
        Fills that are equal in day, contract and quantity.
    max_bp : float
        Largest difference of account value on any session, in basis points of NAV.
    differences : list of Difference
        All of them, account value only where it exceeds the tolerance.
    rows : list of dict
        One per session, for ``parity.csv``.
    seconds : dict
        Wall time of either engine.
    """

    sessions: int
    target_days: int
    orders: int
    fills: int
    max_bp: float
    differences: list[Difference]
    rows: list[dict[str, Any]]
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def agrees(self) -> bool:
        """Whether nothing differs."""
        return not self.differences

    def lines(self) -> list[str]:
        """The comparison in sentences."""
        causes = Counter(difference.cause for difference in self.differences)
        out = [
            f"sessions decided by both: {self.sessions}",
            f"sessions with equal targets: {self.target_days}",
            f"orders: {self.orders}",
            f"equal fills: {self.fills}",
            f"largest difference of account value: {self.max_bp:.6f} bp of NAV",
        ]
        out += [f"{cause}: {count}" for cause, count in causes.most_common()]
        out += [f"{name}: {seconds:.1f} s" for name, seconds in self.seconds.items()]
        return out

    def write_csv(self, path: Path) -> Path:
        """Write one row per session."""
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(self.rows[0]) if self.rows else ["date"])
            writer.writeheader()
            writer.writerows(self.rows)
        return path


def compare(trace: dict[str, Any], result: RunResult, tolerance_bp: float = 0.01) -> ParityReport:
    """Compare LEAN's trace with the embedded engine's record.

    Parameters
    ----------
    trace : dict
        What ``algorithm.trace`` left in the object store.
    result : RunResult
    tolerance_bp : float
        Difference of account value that is listed, in basis points of NAV.
    """
    lean = {entry["day"]: entry for entry in trace["days"]}
    own = {day: row for row, day in enumerate(result.day.tolist())}
    differences = [
        Difference(day, "session only in LEAN", "", "decided", "absent")
        for day in sorted(lean.keys() - own.keys())
    ]
    differences += [
        Difference(day, "session only embedded", "", "absent", "decided")
        for day in sorted(own.keys() - lean.keys())
    ]
    rows, equal_days, largest = [], 0, 0.0
    lean_fills: dict[int, int] = Counter(fill[0] for fill in trace["fills"])
    own_fills: dict[int, int] = Counter(fill.epoch_day for fill in result.fills)
    for day in sorted(lean.keys() & own.keys()):
        entry, row = lean[day], own[day]
        mine = {(code, month): n for code, month, n in result.target_contracts[row]}
        theirs = {(code, int(month)): int(n) for code, month, n in entry["targets"]}
        different = sorted(c for c in mine.keys() | theirs.keys() if mine.get(c) != theirs.get(c))
        differences += [
            Difference(day, "target", key[0], _text(key, theirs), _text(key, mine))
            for key in different
        ]
        equal_days += not different
        nav = float(result.nav[row])
        off = (entry["nav"] / nav - 1.0) / BASIS_POINT
        largest = max(largest, abs(off))
        if abs(off) > tolerance_bp:
            values = f"{entry['nav']:,.2f}", f"{nav:,.2f}"
            differences.append(Difference(day, "account value", "", *values))
        rows.append(
            {
                "date": str(from_epoch_day(day)),
                "nav_lean": entry["nav"],
                "nav_embedded": nav,
                "difference_bp": off,
                "targets_lean": _listing(theirs),
                "targets_embedded": _listing(mine),
                "targets_different": " ".join(f"{code}:{month}" for code, month in different),
                "fills_lean": lean_fills.get(day, 0),
                "fills_embedded": own_fills.get(day, 0),
            }
        )
    fills, fill_differences = _compare_fills(trace, result)
    differences += fill_differences + _compare_orders(trace, result)
    differences.sort(key=lambda difference: difference.epoch_day)
    orders = len(result.orders)
    return ParityReport(len(rows), equal_days, orders, fills, largest, differences, rows)


def _text(key: tuple[str, int], targets: dict[tuple[str, int], int]) -> str:
    return f"{targets[key]:+d} {key[1]}" if key in targets else "none"


def _listing(targets: dict[tuple[str, int], int]) -> str:
    return " ".join(f"{code}:{month}:{n}" for (code, month), n in sorted(targets.items()))


def _compare_orders(trace: dict[str, Any], result: RunResult) -> list[Difference]:
    lean: Counter[tuple[Any, ...]] = Counter(tuple(order) for order in trace["orders"])
    own: Counter[tuple[Any, ...]] = Counter(result.orders)
    out = []
    for (day, code, month, quantity), count in (lean - own).items():
        text = f"{quantity:+d} {month}"
        out += [Difference(day, "order only in LEAN", code, text, "none")] * count
    for (day, code, month, quantity), count in (own - lean).items():
        text = f"{quantity:+d} {month}"
        out += [Difference(day, "order only embedded", code, "none", text)] * count
    return out


def _compare_fills(trace: dict[str, Any], result: RunResult) -> tuple[int, list[Difference]]:
    lean: dict[FillKey, list[float]] = {}
    for day, code, month, quantity, price, *_ in trace["fills"]:
        lean.setdefault((day, code, month, quantity), []).append(price)
    equal, differences = 0, []
    for fill in result.fills:
        key = (fill.epoch_day, fill.market, fill.month, fill.quantity)
        text = f"{fill.quantity:+d} {fill.month}"
        if not lean.get(key):
            differences.append(
                Difference(fill.epoch_day, "fill only embedded", fill.market, "none", text)
            )
            continue
        price = lean[key].pop(0)
        if not np.isclose(price, fill.price, rtol=1e-9, atol=0.0):
            differences.append(
                Difference(
                    fill.epoch_day,
                    "fill price",
                    fill.market,
                    f"{text} at {price!r}",
                    f"{text} at {fill.price!r}",
                )
            )
            continue
        equal += 1
    for (day, code, month, quantity), left in lean.items():
        differences += [
            Difference(day, "fill only in LEAN", code, f"{quantity:+d} {month}", "none")
        ] * len(left)
    return equal, differences


def run_parity(
    data_folder: Path,
    settings: Settings,
    results_folder: Path,
    main_py: Path,
    *,
    log: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[ParityReport, RunResult, LeanRun]:
    """Run both engines over the same LEAN data folder and compare them.

    Parameters
    ----------
    data_folder : Path
        LEAN data folder, e.g. one that ``export`` wrote.
    settings : Settings
        With ``markets="all"`` the markets of the folder are run.
    results_folder : Path
        For LEAN's results and ``parity.csv``.
    main_py : Path
        The LEAN project's entry point.
    log : callable, optional
        Takes each line of LEAN's log.
    progress : callable, optional
        Of the embedded engine, with (sessions done, in all).

    Raises
    ------
    LeanNotFoundError, LeanRunError
        If LEAN is missing, or its run failed.
    DataError
        If the folder cannot be read.
    """
    dataset = open_data(DataRequest(folder=data_folder))
    codes = list(dataset.markets) if settings.markets == "all" else settings.markets.split()
    dataset = dataset.select(codes)
    settings = replace(settings, markets=" ".join(codes), trace=True)
    run = run_lean(main_py, data_folder, results_folder, changed_settings(settings), progress=log)
    result = run_backtest(dataset, settings, progress)
    trace = json.loads((run.object_store / TRACE_KEY).read_text(encoding="utf-8"))
    report = compare(trace, result)
    report.seconds = {"LEAN": run.seconds, "embedded engine": result.timings["engine"]}
    report.write_csv(results_folder / "parity.csv")
    return report, result, run
