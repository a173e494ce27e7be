"""The files of a run: report, daily series, fills, events, agreement of sleeves, record (O1)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from research.engine.result import RunResult
from research.measures.plausible import implausible
from research.measures.run_tables import TABLES as RUN_TABLES
from research.measures.sleeve_views import agreement_signs
from research.measures.summary import headline_figures
from research.pages.files import write_atomically, write_daily_csv, write_events_csv
from research.pages.html_report import write_report
from research.pages.text import data_text
from universe.arrays import from_epoch_day

TABLES = ("daily.csv", "fills.csv", "events.csv", "agreement.csv", "result.json")
REPORT = "report/index.html"
"""LEAN's command line uploads HTML with a project, but nothing from a folder of this name."""


def write_run(
    result: RunResult, folder: Path, progress: Callable[[int, int], None] | None = None
) -> Path:
    """Write the report, ``result.json`` and a run's CSVs, those below ``tables`` among them.

    Parameters
    ----------
    result : RunResult
    folder : Path
        Made if missing. A command gives the empty folder of an
        :func:`~research.output.output_set`, so that the files appear together.
    progress : callable, optional
        Called with (files done, files in all).

    Returns
    -------
    Path
        The report.

    Raises
    ------
    research.pages.files.ReportError
        If a file cannot be written.
    """
    writers: tuple[tuple[Callable[[RunResult, Path], Path], str], ...] = (
        (write_daily_csv, "daily.csv"),
        (write_fills_csv, "fills.csv"),
        (write_events_csv, "events.csv"),
        (write_agreement_csv, "agreement.csv"),
        (_write_page, REPORT),
        (_write_record, "result.json"),
    )
    total = len(writers) + len(RUN_TABLES)
    for done, (write, name) in enumerate(writers, start=1):
        write(result, folder / name)
        if progress is not None:
            progress(done, total)
    for done, (name, make) in enumerate(RUN_TABLES.items(), start=len(writers) + 1):
        text = make(result).to_csv(index=False, float_format="%.6g", lineterminator="\n")
        write_atomically(folder / "tables" / f"{name}.csv", text)
        if progress is not None:
            progress(done, total)
    return folder / REPORT


def _write_page(result: RunResult, path: Path) -> Path:
    names = [*TABLES, *(f"tables/{name}.csv" for name in RUN_TABLES)]
    return write_report(result, path, {name: f"../{name}" for name in names})


def write_fills_csv(result: RunResult, path: Path) -> Path:
    """All fills of a run, one row each, in order; ``utc`` is empty where only the day is known.

    Raises
    ------
    research.pages.files.ReportError
        If the file cannot be written.
    """
    buffer = io.StringIO(newline="")
    table = csv.writer(buffer, lineterminator="\n")
    names = ("date", "market", "contract", "quantity", "price", "slippage", "fee", "reason")
    table.writerow([*names, "algorithm", "utc"])
    for fill in result.fills:
        money = (f"{value:.10g}" for value in (fill.price, fill.slippage, fill.fee))
        day = from_epoch_day(fill.epoch_day).isoformat()
        at = f"{datetime.fromtimestamp(60 * fill.minute, UTC):%H:%M}" if fill.minute else ""
        told = day, fill.market, fill.month, fill.quantity, *money, fill.reason
        table.writerow([*told, fill.algorithm, at])
    return write_atomically(path, buffer.getvalue())


def write_agreement_csv(result: RunResult, path: Path) -> Path:
    """Whether trend and the other sleeves agree, a row a session and a column a market.

    Cells are those of :func:`~research.measures.sleeve_views.agreement_signs`, empty where that has
    none; the last column names the data, and says so where the market is synthetic.

    Raises
    ------
    research.pages.files.ReportError
        If the file cannot be written.
    """
    buffer = io.StringIO(newline="")
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(["date", *result.markets, "data"])
    data, signs = data_text(result), agreement_signs(result)
    text = np.where(np.isfinite(signs), np.nan_to_num(signs).astype(np.int64).astype(str), "")
    for day, row in zip(result.day.tolist(), text.tolist(), strict=True):
        table.writerow([from_epoch_day(day).isoformat(), *row, data])
    return write_atomically(path, buffer.getvalue())


def run_record(result: RunResult) -> dict[str, Any]:
    """What a run was and came to, in a form for programs."""
    figures = headline_figures(result)
    return {
        "engine": result.engine,
        "data": {
            "name": result.data_name,
            "synthetic": result.synthetic,
            "hash": result.data_hash,
            "issues": len(result.issues),
        },
        "first": from_epoch_day(int(result.day[0])).isoformat(),
        "last": from_epoch_day(int(result.day[-1])).isoformat(),
        "sessions": len(result.day),
        "markets": result.markets,
        "settings_hash": result.settings_hash,
        "settings": result.settings,
        "implausible": implausible(result),
        "summary": {figure.label: figure.text for figure in figures},
        "numbers": {f.label: f.number for f in figures if np.isfinite(f.number)},
        "seconds": result.timings,
    }


def _write_record(result: RunResult, path: Path) -> Path:
    return write_atomically(path, json.dumps(run_record(result), indent=1) + "\n")
