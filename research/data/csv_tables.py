"""Dated CSV files read strictly: every fault is an error or an issue, never a silent guess."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from research.data.errors import DataError
from research.data.files import read_bytes, shown
from research.data.issue_log import IssueLog
from universe.arrays import BoolArray, FloatArray, IntArray
from universe.counts import count_text

_DATE_WIDTH = 10  # yyyy-mm-dd; a time of day may follow


@dataclass(frozen=True, slots=True)
class DatedTable:
    """Rows of a CSV in ascending order of their time stamp.

    Attributes
    ----------
    day : int array of shape (n_rows,)
        Epoch days, ascending; a day may occur several times.
    columns : dict of str to float array of shape (n_rows,)
        NaN where the file is empty or unreadable.
    """

    day: IntArray
    columns: dict[str, FloatArray]


def read_dated_csv(
    path: Path,
    market: str,
    date_column: str,
    columns: Sequence[str],
    log: IssueLog,
    optional: Sequence[str] = (),
) -> DatedTable:
    """Read the named columns of a CSV whose rows carry a date.

    Parameters
    ----------
    path : Path
    market : str
        Name under which issues are recorded.
    date_column : str
        Column of ``yyyy-mm-dd`` dates; a time of day may follow.
    columns : sequence of str
        Numeric columns; further columns of the file are not read. Capitals in the names of the
        file's columns do not count.
    optional : sequence of str
        Numeric columns that the file may lack: they are then all NaN.
    log : IssueLog
        Receives unreadable dates and numbers, and rows out of order.

    Returns
    -------
    DatedTable

    Raises
    ------
    DataError
        If the file is missing, empty, cut off, lacks a column, or has no row with a readable date.
    """
    frame = _read_frame(path, date_column, columns, optional)
    stamp = frame[date_column].astype(str).to_numpy(dtype=object)
    day, readable = _parse_days(stamp)
    if not readable.any():
        raise DataError(
            f"{path}: no row has a usable date in {date_column}; expected yyyy-mm-dd, "
            f"found {shown(str(stamp[0]))}"
        )
    values = {
        name: _parse_numbers(frame[name], market, day, log)
        if name in frame
        else np.full(len(day), np.nan)
        for name in (*columns, *optional)
    }
    if not readable.all():
        bad = np.flatnonzero(~readable)
        log.add(
            market,
            "unreadable date",
            f"{count_text(len(bad), 'row')} of {path.name} dropped, the first says "
            f"{shown(str(stamp[bad[0]]))} "
            "instead of yyyy-mm-dd",
        )
        day, stamp = day[readable], stamp[readable]
        values = {name: column[readable] for name, column in values.items()}
    if bool(np.any(stamp[1:] < stamp[:-1])):
        order = np.argsort(stamp, kind="stable")
        late = np.flatnonzero(stamp[1:] < stamp[:-1]) + 1
        log.add_days(market, "unsorted", day[late], f"row of {path.name} out of order: sorted")
        day = day[order]
        values = {name: column[order] for name, column in values.items()}
    return DatedTable(day, values)


def last_of_day(day: IntArray) -> BoolArray:
    """Which rows are the last of their day, for ascending ``day``."""
    last = np.ones(len(day), dtype=np.bool_)
    last[:-1] = day[1:] != day[:-1]
    return last


def is_weekend(day: IntArray) -> BoolArray:
    """Which epoch days are a Saturday or a Sunday (1970-01-01 was a Thursday)."""
    return np.asarray((day + 3) % 7 >= 5, dtype=np.bool_)


def _read_frame(
    path: Path, date_column: str, columns: Sequence[str], optional: Sequence[str]
) -> pd.DataFrame:
    wanted = [date_column, *columns]
    what = f"a CSV with the columns {', '.join(wanted)}"
    expected = f"expected {what}"
    content = read_bytes(path, what).strip()
    if not content:
        raise DataError(f"{path}: the file is empty; {expected}")
    first_line = content.split(b"\n", 1)[0].decode("utf-8-sig", errors="replace")
    header = first_line.rstrip("\r").split(",")
    spelled = {name.casefold(): name for name in (*wanted, *optional)}
    present = [spelled.get(name.strip().casefold(), name.strip()) for name in header]
    twice = sorted(
        {name for name in present if name in spelled.values() and present.count(name) > 1}
    )
    if twice:
        raise DataError(f"{path}: column {', '.join(twice)} is there twice, apart from capitals")
    missing = [name for name in wanted if name not in present]
    if missing:
        raise DataError(
            f"{path}: no column {', '.join(missing)}; {expected}, found {shown(first_line)}"
        )
    if b"\n" not in content:
        raise DataError(f"{path}: the file holds a header and no rows; {expected}")
    _check_fields(path, content, len(present))
    wanted += optional
    try:
        frame = pd.read_csv(
            BytesIO(content),
            index_col=False,
            usecols=[raw for raw, name in zip(header, present, strict=True) if name in wanted],
            dtype={
                raw: str for raw, name in zip(header, present, strict=True) if name == date_column
            },
            float_precision="round_trip",
            low_memory=False,
        )
    except (pd.errors.ParserError, UnicodeDecodeError, ValueError) as error:
        raise DataError(f"{path}: not a readable CSV ({error}); {expected}") from error
    return frame.rename(columns=dict(zip(header, present, strict=True)))


def _check_fields(path: Path, content: bytes, fields: int) -> None:
    """Refuse rows with too many or too few fields, which pandas would fill or cut in silence."""
    if b'"' in content or content.count(b",") == (content.count(b"\n") + 1) * (fields - 1):
        return
    lines = content.split(b"\n")
    for number, line in enumerate(lines, 1):
        if line.strip() and line.count(b",") != fields - 1:
            where = (
                "the last row is cut off" if number == len(lines) else f"line {number} is broken"
            )
            text = shown(line.decode("utf-8", errors="replace").strip())
            raise DataError(f"{path}: {where} ({text}); expected {fields} fields as in the header")


def _parse_days(
    stamp: NDArray[np.object_],
) -> tuple[IntArray, BoolArray]:
    """Epoch days of time stamps, and which of them could be read."""
    text = stamp.astype(f"U{_DATE_WIDTH}")
    code = np.ascontiguousarray(text).view(np.uint32).reshape(len(text), _DATE_WIDTH)
    dash = np.zeros(_DATE_WIDTH, dtype=np.bool_)
    dash[[4, 7]] = True
    digit = (code >= ord("0")) & (code <= ord("9"))
    readable = np.where(dash, code == ord("-"), digit).all(axis=1)
    day = np.zeros(len(text), dtype=np.int64)
    try:
        day[readable] = text[readable].astype("datetime64[D]").astype(np.int64)
    except ValueError:  # a 13th month or a 31st of February somewhere
        parsed = pd.to_datetime(pd.Series(text), format="%Y-%m-%d", errors="coerce")
        readable &= parsed.notna().to_numpy(dtype=np.bool_)
        days = parsed.to_numpy(dtype="datetime64[D]")
        day[readable] = days[readable].astype(np.int64)
    return day, readable


def _parse_numbers(column: pd.Series, market: str, day: IntArray, log: IssueLog) -> FloatArray:
    if column.dtype.kind in "if":
        values = column.to_numpy(dtype=np.float64, copy=True)
        unreadable = np.isinf(values)
    else:
        text = column.astype("string")
        values = pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        values = values.copy()
        unreadable = (column.notna().to_numpy() & np.isnan(values)) | np.isinf(values)
    if unreadable.any():
        values[unreadable] = np.nan
        first = str(column.iloc[int(np.flatnonzero(unreadable)[0])])
        log.add_days(
            market,
            "unreadable number",
            day[unreadable],
            f"{column.name} is not a finite number (first: {shown(first)}): treated as missing",
        )
    return values
