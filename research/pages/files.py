"""Files a run leaves for others: written whole or not at all."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import uuid
from pathlib import Path

import numpy as np

from research.engine.result import RunResult
from research.measures.daily import daily_frame
from research.pages.text import data_text
from universe.arrays import from_epoch_day


class ReportError(OSError):
    """A report or table could not be written; the sentence names the file and the reason."""


def write_atomically(path: Path, text: str) -> Path:
    """Write ``text`` as UTF-8 to ``path``, replacing an older file only once all is on disk.

    Raises
    ------
    ReportError
        If the folder or file cannot be written; an older file is then as it was, and no part of
        the new one is left.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("xb") as file:
                file.write(text.encode("utf-8", "backslashreplace"))
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink()
            raise
    except OSError as error:
        raise ReportError(f"cannot write {path}: {error.strerror or error}") from error
    return path


def write_daily_csv(result: RunResult, path: Path) -> Path:
    """Daily series of a run, one row per session; empty where a number is not known.

    The columns are those of :func:`~research.measures.daily.daily_frame`; the last names the data,
    and says so where the market is synthetic.

    Raises
    ------
    ReportError
        If the file cannot be written.
    """
    table = daily_frame(result)
    data = data_text(result)
    rows = zip(*(map(_cell, table[name].tolist()) for name in table.columns), strict=True)
    return _write_csv(
        path,
        ["date", *table.columns, "data"],
        [
            [from_epoch_day(day).isoformat(), *row, data]
            for day, row in zip(result.day.tolist(), rows, strict=True)
        ],
    )


def write_events_csv(result: RunResult, path: Path) -> Path:
    """All events of a run, one row each.

    Raises
    ------
    ReportError
        If the file cannot be written.
    """
    data = data_text(result)
    rows = [
        [from_epoch_day(e.epoch_day).isoformat(), e.kind, e.market, e.detail, data]
        for e in result.events
    ]
    return _write_csv(path, ["date", "kind", "market", "detail", "data"], rows)


def _cell(value: float) -> str:
    return f"{value:.10g}" if np.isfinite(value) else ""


def _write_csv(path: Path, header: list[str], rows: list[list[str]]) -> Path:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return write_atomically(path, buffer.getvalue())
