"""Do LEAN and the embedded engine decide and earn the same? Day by day, with named causes (V1).

LEAN runs ``main.py`` over a LEAN data folder and leaves its record; the embedded engine reads the
same folder. Targets, fills and account value are compared for every session.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from algorithm.settings import Settings
from research.data.instruments_file import stored_instruments
from research.engine.engine import run_backtest
from research.engine.from_decisions import read_run
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


def compare(lean: RunResult, result: RunResult, tolerance_bp: float = 0.01) -> ParityReport:
    """Compare what LEAN recorded with what the embedded engine did.

    Parameters
    ----------
    lean, result : RunResult
        Of LEAN's record, and of the embedded engine.
    tolerance_bp : float
        Difference of account value that is listed, in basis points of NAV.
    """
    others = {day: row for row, day in enumerate(lean.day.tolist())}
    own = {day: row for row, day in enumerate(result.day.tolist())}
    differences = [
        Difference(day, "session only in LEAN", "", "decided", "absent")
        for day in sorted(others.keys() - own.keys())
    ]
    differences += [
        Difference(day, "session only embedded", "", "absent", "decided")
        for day in sorted(own.keys() - others.keys())
    ]
    rows, equal_days, largest = [], 0, 0.0
    lean_fills: dict[int, int] = Counter(fill.epoch_day for fill in lean.fills)
    own_fills: dict[int, int] = Counter(fill.epoch_day for fill in result.fills)
    for day in sorted(others.keys() & own.keys()):
        other, row = others[day], own[day]
        mine = {(code, month): n for code, month, n in result.target_contracts[row]}
        theirs = {(code, month): n for code, month, n in lean.target_contracts[other]}
        different = sorted(c for c in mine.keys() | theirs.keys() if mine.get(c) != theirs.get(c))
        differences += [
            Difference(day, "target", key[0], _text(key, theirs), _text(key, mine))
            for key in different
        ]
        equal_days += not different
        nav, nav_lean = float(result.nav[row]), float(lean.nav[other])
        off = (nav_lean / nav - 1.0) / BASIS_POINT
        largest = max(largest, abs(off))
        if abs(off) > tolerance_bp:
            values = f"{nav_lean:,.2f}", f"{nav:,.2f}"
            differences.append(Difference(day, "account value", "", *values))
        rows.append(
            {
                "date": str(from_epoch_day(day)),
                "nav_lean": nav_lean,
                "nav_embedded": nav,
                "difference_bp": off,
                "targets_lean": _listing(theirs),
                "targets_embedded": _listing(mine),
                "targets_different": " ".join(f"{code}:{month}" for code, month in different),
                "fills_lean": lean_fills.get(day, 0),
                "fills_embedded": own_fills.get(day, 0),
            }
        )
    fills, fill_differences = _compare_fills(lean, result)
    differences += fill_differences + _compare_orders(lean, result)
    differences.sort(key=lambda difference: difference.epoch_day)
    orders = len(result.orders)
    return ParityReport(len(rows), equal_days, orders, fills, largest, differences, rows)


def _text(key: tuple[str, int], targets: dict[tuple[str, int], int]) -> str:
    return f"{targets[key]:+d} {key[1]}" if key in targets else "none"


def _listing(targets: dict[tuple[str, int], int]) -> str:
    return " ".join(f"{code}:{month}:{n}" for (code, month), n in sorted(targets.items()))


def _compare_orders(other: RunResult, result: RunResult) -> list[Difference]:
    lean, own = Counter(other.orders), Counter(result.orders)
    out = []
    for (day, code, month, quantity), count in (lean - own).items():
        text = f"{quantity:+d} {month}"
        out += [Difference(day, "order only in LEAN", code, text, "none")] * count
    for (day, code, month, quantity), count in (own - lean).items():
        text = f"{quantity:+d} {month}"
        out += [Difference(day, "order only embedded", code, "none", text)] * count
    return out


def _compare_fills(other: RunResult, result: RunResult) -> tuple[int, list[Difference]]:
    lean: dict[FillKey, list[float]] = {}
    for theirs in other.fills:
        key = (theirs.epoch_day, theirs.market, theirs.month, theirs.quantity)
        lean.setdefault(key, []).append(theirs.price)
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
    instruments: Path | None = None,
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
    instruments : Path, optional
        Instruments file, which ``settings.instruments`` must name for LEAN.
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
    dataset = open_data(DataRequest(folder=data_folder, instruments=instruments))
    codes = list(dataset.markets) if settings.markets == "all" else settings.markets.split()
    dataset = dataset.select(codes)
    settings = replace(settings, markets=" ".join(codes), decisions=True)
    run = run_lean(
        main_py,
        data_folder,
        results_folder,
        changed_settings(settings),
        progress=log,
        stored=stored_instruments(instruments),
    )
    result = run_backtest(dataset, settings, progress)
    report = compare(read_run(results_folder), result)
    report.seconds = {"LEAN": run.seconds, "embedded engine": result.timings["engine"]}
    report.write_csv(results_folder / "parity.csv")
    return report, result, run
