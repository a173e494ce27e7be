"""Dated margins of the markets from LEAN's margin files (P7)."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import numpy as np

from research.data.errors import DataError
from risk.margin import MarginDates
from universe.arrays import BoolArray, FloatArray, from_epoch_day, to_epoch_day
from universe.instruments import Instrument

SLIP = 3.0
"""LEAN's files have wheat at 12,500 between 2,500 and 3,000 and silver at 1,850 for 18,500."""


def read_margins(
    folder: str | Path, instruments: Iterable[Instrument]
) -> tuple[dict[str, MarginDates], list[str]]:
    """Read ``future/<market>/margins/<CODE>.csv`` below LEAN's data folder.

    A file with a single date is LEAN's stand-in for a market without a history (its first row is
    then of 1990 or 2000 and applies for ever), so it is no dated margin.

    Parameters
    ----------
    folder : str or Path
        LEAN's data folder.
    instruments : iterable of Instrument

    Returns
    -------
    dates : dict of code to MarginDates
    notes : list of str
        Markets without a file or with a stand-in, and rows that were left out.

    Raises
    ------
    DataError
        If the folder has no futures or a row cannot be read.
    """
    futures = Path(folder) / "future"
    if not futures.is_dir():
        raise DataError(f"{folder} has no folder future/; it must be LEAN's data folder")
    dates: dict[str, MarginDates] = {}
    notes = []
    for instrument in instruments:
        code = instrument.code
        path = futures / instrument.market / "margins" / f"{code.upper()}.csv"
        if not path.is_file():
            notes.append(f"{code} has no margin file: its margin follows the model")
            continue
        rows = _rows(path)
        if len(rows) < 2:
            notes.append(f"{code}: one margin without a history is a stand-in and not used")
            continue
        days = sorted(rows)
        initial, maintenance = (np.array([rows[d][k] for d in days]) for k in (0, 1))
        kept = _plausible(initial, maintenance)
        for day, old, new in zip(
            np.array(days)[~kept].tolist(), initial[~kept], maintenance[~kept], strict=True
        ):
            when = from_epoch_day(day)
            notes.append(f"{code} {when}: margins {old:g} and {new:g} are not plausible, left out")
        if kept.any():
            dates[code] = MarginDates(np.array(days)[kept], initial[kept], maintenance[kept])
    return dates, notes


def _plausible(initial: FloatArray, maintenance: FloatArray) -> BoolArray:
    """Positive, initial within one and two maintenance margins, and no lone slip of a digit.

    A slip is a margin more than ``SLIP`` times both its neighbours, or less than both over it.
    """
    positive = (initial > 0) & (maintenance > 0)
    safe = np.where(positive, maintenance, 1.0)
    kept = positive & (initial >= safe * (1.0 - 1e-9)) & (initial <= 2.0 * safe)
    rows = np.flatnonzero(kept)
    if len(rows) >= 3:
        step = np.diff(np.log(maintenance[rows])) / np.log(SLIP)
        slip = (np.minimum(step[:-1], -step[1:]) > 1) | (np.maximum(step[:-1], -step[1:]) < -1)
        kept[rows[1:-1][slip]] = False
    return np.asarray(kept)


def _rows(path: Path) -> dict[int, tuple[float, float]]:
    """Initial and maintenance margin by epoch day; of a date twice the later row counts."""
    out = {}
    with path.open(encoding="utf-8", newline="") as stream:
        for number, row in enumerate(csv.reader(stream), start=1):
            if not row or row[0].startswith("#") or row[0].strip().lower() == "date":
                continue
            try:
                day = to_epoch_day(date.fromisoformat(row[0].strip()))
                out[day] = float(row[1]), float(row[2])
            except (ValueError, IndexError):
                raise DataError(
                    f"{path}, line {number}: {','.join(row)!r} is not date,initial,maintenance"
                ) from None
    return out
