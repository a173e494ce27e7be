"""Macro series from CSV files, each value dated on the day on which it was known (U6).

Two layouts are told apart by the names of the files, which may stand side by side: the project's
own (``universe.macro_format``), which LEAN reads too, and files as FRED and Cboe's collectors give
them, whose dates are those the values describe.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np

from alpha.regime.series import REVISED, RevisedSeriesError, first_countable
from research.data.errors import DataError
from research.data.files import read_rows, read_text
from research.data.issue_log import IssueLog
from research.data.macro_series import (
    MacroSeries,
    bond_equivalent_yield,
    known_day,
    month_end_after,
)
from universe.arrays import BoolArray, FloatArray, IntArray, from_epoch_day, to_epoch_day
from universe.counts import count_text
from universe.macro_format import FAMILIES as NAMES
from universe.macro_format import VIX_MONTHS, SeriesInfo, series_info

FRED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "EFFR": "usd.overnight",
        "DTB3": "usd.3m",
        "DGS2": "usd.2y",
        "DGS5": "usd.5y",
        "DGS10": "usd.10y",
        "DGS30": "usd.30y",
        "BAA10Y": "credit.spread",
        "BAMLH0A0HYM2": "credit.hy",
        "TEDRATE": "usd.ted",
        "SOFR": "usd.sofr",
        "MMTH": "breadth.us",
        "DE2Y": "eur.de.2y",
        "DE10Y": "eur.de.10y",
        "EONIA": "eur.eonia",
        "ESTR": "eur.estr",
        "EURIBOR3M": "eur.euribor",
    }
)
"""Series by the identifier, mostly FRED's, that names the file and its column; in per cent."""

UNSCALED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "VIX3M": "vix.3m",
        "NYSE_ADV": "breadth.advances",
        "NYSE_DECL": "breadth.declines",
        "UMCSENT": "sentiment.us",
        "SHILLER_CAPE": "us.cape",
        "VSTOXX_1M": "v2x.front",
        "SX5E": "sx5e.price",
        "SP500": "spx.price",
    }
)
"""The same for files that are in the unit of their series."""

DIVIDENDS: Final = "EQ_DP_JST"
"""File of dividend-price ratios at the ends of years, a column a country."""

EURO_COUNTRIES: Final = ("DEU", "FRA", "ITA", "ESP", "NLD")
"""Columns whose mean stands for the euro area: the countries of most of the EURO STOXX 50."""

VINTAGES: Final[Mapping[str, str]] = MappingProxyType({"NFCI": "conditions.us"})
"""Series of which a vintage is read: its file is named by its date, as ``NFCI_V20230203``."""

VIX_INDEX: Final[Mapping[str, str]] = MappingProxyType({"VIX_index": "VIX", "VIXCLS": "VIXCLS"})
"""Files of the VIX index with the column that holds it; the second is FRED's."""

VIX_FUTURES: Final = "vix_futures_m1_m8"
VIX_EXPIRATIONS: Final = "vix_futures_expirations"
VIX_SETTLEMENTS: Final = "VIX_FUTURES_VX1_VX8"
VIX_MONTH_FILES: Final = MappingProxyType({VIX_FUTURES: "M", VIX_SETTLEMENTS: "VX"})
"""Files of the prices of the months alive, with the letters before a column's number."""

SHORTEST_STEP: Final = 25
"""Days; monthly VX contracts expire 27 to 36 days apart, so less is a wrong expiry."""

UNKNOWN: Final = "unknown file"
"""Kind of the issue that names the files of a folder which are of no known series."""

_MISSING = ("", ".", "NA", "ND", "n/a", "nan", "NaN")
_ISO = re.compile(r"\d{4}-\d\d-\d\d|\d{8}")
_PER_CENT = 0.01


def load_macro(folder: str | Path, log: IssueLog | None = None) -> dict[str, MacroSeries]:
    """Read every macro series of a folder.

    Parameters
    ----------
    folder : path
        With ``<name>.csv`` in the project's own layout (rows ``yyyymmdd,value`` of days known and
        in the unit of ``series_info``, with or without a header ``day,value``), FRED's CSVs under
        their identifiers (``FRED``, ``UNSCALED``), dated vintages (``VINTAGES``),
        ``VIX_index.csv`` (date, VIX) or FRED's ``VIXCLS.csv``, ``vix_futures_m1_m8.csv``
        and ``vix_futures_expirations.csv`` (date, M1 to M8 and V1 to V8) or
        ``VIX_FUTURES_VX1_VX8.csv`` (date, VX1 to VX8).
        ``EQ_DP_JST.csv`` (date and countries) gives the euro area's dividend-price ratio.
        Upper and lower case of column names count as equal. Files of other names are not read.
    log : IssueLog, optional
        Receives what was sorted, dropped or doubted, and in one issue of kind ``UNKNOWN`` the names
        of the files that were not read.

    Returns
    -------
    dict of str to MacroSeries
        In the order of the names.

    Raises
    ------
    DataError
        If the folder is missing or has no CSV of a known name, a file lacks a column or has a row
        that cannot be read, a value is implausible, a day has two values, or two files give the
        same series.
    """
    root, log = Path(folder), log or IssueLog()
    if not root.is_dir():
        raise DataError(f"{root}: the macro folder is missing")
    found: dict[str, MacroSeries] = {}
    origin: dict[str, Path] = {}
    unknown: list[str] = []
    for path in sorted(root.glob("*.csv")):
        if not _is_known(path.stem):
            unknown.append(path.stem)
            continue
        for one in _read_file(path, log):
            if not len(one.day):
                log.add(one.name, "empty", f"{path.name} has no value: left out")
                continue
            if one.name in found:
                raise DataError(
                    f"{path}: gives {one.name}, which {origin[one.name].name} gives too; keep one"
                )
            found[one.name], origin[one.name] = one, path
    refused = [f"{stem} ({REVISED[stem]})" for stem in unknown if stem in REVISED]
    if refused:
        why = "what one reads of a day in them was not known on it"
        log.add("macro", "revised series", f"not read, {why}: {'; '.join(refused)}")
    if unknown:
        what = "files of no known series are" if len(unknown) > 1 else "file of no known series is"
        log.add("macro", UNKNOWN, f"{len(unknown)} {what} not read: {', '.join(unknown)}")
    if not found:
        files = (f"{stem}.csv" for stem in _STEMS)
        held = f"; found {', '.join(unknown[:8])}" if unknown else ""
        raise DataError(
            f"{root}: no macro series; expected <name>.csv, with a name like {NAMES}, or"
            f" {', '.join(files)}{held}"
        )
    return {name: found[name] for name in sorted(found)}


@dataclass(frozen=True, slots=True)
class _Column:
    """Rows of a file with one value each, NaN where the file has none."""

    path: Path
    row: IntArray
    day: IntArray
    value: FloatArray


_STEMS = (*FRED, *UNSCALED, DIVIDENDS, *VIX_INDEX, *VIX_MONTH_FILES, VIX_EXPIRATIONS)


def _is_known(stem: str) -> bool:
    base, mark, _ = stem.partition("_V")
    if stem in _STEMS or (mark and base in VINTAGES):
        return True
    try:
        series_info(stem)
    except ValueError:
        return False
    return True


def _read_file(path: Path, log: IssueLog) -> list[MacroSeries]:
    stem = path.stem
    if stem in FRED:
        name = FRED[stem]
        column = _read_columns(path, ("DATE", "observation_date"), (stem, "Value"))[0]
        convert = bond_equivalent_yield if stem == "DTB3" else None
        return [_series(name, column, log, _PER_CENT, convert)]
    if stem in UNSCALED:
        column = _read_columns(path, ("DATE", "observation_date"), (stem, "Value"))[0]
        return [_series(UNSCALED[stem], column, log)]
    if stem == DIVIDENDS:
        countries = _read_columns(path, ("DATE",), *((code,) for code in EURO_COUNTRIES))
        mean = np.mean([column.value for column in countries], axis=0)
        column = _Column(path, countries[0].row, countries[0].day, mean)
        return [_series("eur.dividend_price", column, log)]
    if stem in VIX_INDEX:
        column = _read_columns(path, ("DATETIME", "DATE"), (VIX_INDEX[stem], "CLOSE"))[0]
        return [_series("vix.spot", column, log)]
    base, mark, _ = stem.partition("_V")
    if mark and base in VINTAGES:
        try:
            vintage = first_countable(stem)
        except RevisedSeriesError as error:
            raise DataError(f"{path}: {error}") from error
        column = _read_columns(path, ("DATE", "observation_date"), (stem, base, "Value"))[0]
        return [_series(VINTAGES[base], column, log, vintage=vintage)]
    months = range(1, VIX_MONTHS + 1)
    if stem in VIX_MONTH_FILES:
        letters = VIX_MONTH_FILES[stem]
        columns = _read_columns(path, ("date",), *((f"{letters}{k}",) for k in months))
        return [_series(f"vix.m{k}", _settled(columns[k - 1], k, log), log) for k in months]
    if stem == VIX_EXPIRATIONS:
        columns = _read_columns(path, ("date",), *((f"V{k}",) for k in months), parse=_parse_day)
        left = _days_to_expiry(columns, log)
        return [_series(f"vix.m{k}.days", left[k - 1], log) for k in months]
    return [_series(stem, _read_columns(path, ("day",), ("value",), header=False)[0], log, lag=0)]


def _settled(column: _Column, month: int, log: IssueLog) -> _Column:
    """The column without its zeros, which stand for a contract that was not quoted."""
    none = column.value == 0
    log.add_days(f"vix.m{month}", "no settlement", column.day[none], "settlement of 0: dropped")
    return _Column(column.path, column.row, column.day, np.where(none, np.nan, column.value))


def _days_to_expiry(expiry: list[_Column], log: IssueLog) -> list[_Column]:
    """Calendar days to the expiry of the contracts that the months' settlements belong to.

    A VX contract settles at the open of its expiry day, so that at that day's close month 1 is the
    next contract, whereas the expirations still begin with the settled one. Contracts too close to
    each other to be monthly are wrong labels: their days and all later ones are dropped.
    """
    first = expiry[0]
    dates = np.stack([column.value for column in expiry], axis=1)
    settled = dates[:, 0] <= first.day
    dates[settled] = np.roll(dates[settled], -1, axis=1)
    dates[settled, -1] = np.nan
    near = np.zeros(dates.shape, dtype=np.bool_)
    near[:, :-1] = np.diff(dates, axis=1) < SHORTEST_STEP
    wrong: BoolArray = np.logical_or.accumulate(near, axis=1)
    dates[wrong] = np.nan
    log.add_days(
        "vix",
        "wrong expiry",
        first.day[wrong.any(axis=1)],
        f"row of {first.path.name} has contracts less than {SHORTEST_STEP} days apart:"
        " days to expiry dropped from there on",
    )
    left = dates - first.day[:, None]
    return [_Column(first.path, first.row, first.day, left[:, k]) for k in range(len(expiry))]


def _series(
    name: str,
    column: _Column,
    log: IssueLog,
    scale: float = 1.0,
    convert: Callable[[FloatArray], FloatArray] | None = None,
    lag: int | None = None,
    vintage: date | None = None,
) -> MacroSeries:
    """Check, sort and date a column; ``scale`` turns the file's unit into the series'.

    Nothing of a ``vintage`` was known before the day after its date.
    """
    info = series_info(name)
    present = np.isfinite(column.value)
    row, day, raw = column.row[present], column.day[present], column.value[present]
    _check_range(column.path, name, row, raw, scale, info)
    step = np.diff(day)
    if np.any(step < 0):
        if not np.all(step <= 0):  # from the newest to the oldest is an order too
            late = day[1:][step < 0]
            log.add_days(name, "unsorted", late, f"row of {column.path.name} out of order: sorted")
        order = np.argsort(day, kind="stable")
        row, day, raw = row[order], day[order], raw[order]
    again = np.flatnonzero(np.diff(day) == 0)
    for k in again.tolist():
        if raw[k] != raw[k + 1]:
            raise DataError(
                f"{column.path}, rows {row[k]} and {row[k + 1]}: {name} has two values on"
                f" {from_epoch_day(int(day[k]))}, {raw[k]:g} and {raw[k + 1]:g}; expected one"
            )
    if len(again):
        log.add_days(name, "duplicate", day[again], f"row of {column.path.name} repeated: dropped")
        row, day, raw = (np.delete(array, again + 1) for array in (row, day, raw))
    value = raw * scale if scale == 1.0 else np.round(raw * scale, 12)  # 4.06 % is 0.0406
    value = value if convert is None else convert(value)
    if info.months and lag is None:
        known = month_end_after(day, info.months)
    else:
        known = known_day(day, info.lag if lag is None else lag)
    if vintage is not None:
        known = np.maximum(known, to_epoch_day(vintage) + 1)
    last = np.append(known[1:] != known[:-1], True)[: len(known)]
    return MacroSeries(name, known[last], value[last])


def _check_range(
    path: Path, name: str, row: IntArray, raw: FloatArray, scale: float, info: SeriesInfo
) -> None:
    low, high = info.low / scale, info.high / scale
    wrong = np.flatnonzero((raw < low) | (raw > high))
    if len(wrong):
        unit = info.unit if scale == 1.0 else "per cent a year"
        raise DataError(
            f"{path}, row {row[wrong[0]]}: {name} is {raw[wrong[0]]:g}; allowed are {low:g} to"
            f" {high:g} ({unit})"
        )


def _parse_number(text: str) -> float:
    if "_" in text:
        raise ValueError
    value = float(text)
    if not np.isfinite(value):
        raise ValueError
    return value


def _parse_day(text: str) -> int:
    """Epoch day of yyyy-mm-dd, yyyymmdd, mm/dd/yyyy or mm/dd/yy (from 1970 on)."""
    if _ISO.fullmatch(text):
        return to_epoch_day(date.fromisoformat(text))
    month, day, year = (int(part) for part in text.split("/"))
    if year < 100:
        year += 1900 if year >= 70 else 2000
    return to_epoch_day(date(year, month, day))


def _read_columns(
    path: Path,
    date_names: tuple[str, ...],
    *value_names: tuple[str, ...],
    parse: Callable[[str], float] = _parse_number,
    header: bool = True,
) -> list[_Column]:
    """The value columns of a CSV, each under the first of its names that the header has.

    ``header`` false allows a file without one, whose columns are then in the order asked for.
    """
    expected = "expected a CSV with the columns " + ", ".join(
        " or ".join(names) for names in (date_names, *value_names)
    )
    lines = read_rows(path, read_text(path, expected.removeprefix("expected ")))
    rows = [(k, line) for k, line in enumerate(lines, 1) if "".join(line).strip()]
    rows = [(k, line) for k, line in rows if not line[0].startswith("#")]
    width = 1 + len(value_names)
    if rows and (header or rows[0][1][0].strip().casefold() in map(str.casefold, date_names)):
        names = [name.strip() for name in rows[0][1]]
        width = len(names)
        wanted = (date_names, *value_names)
        known = {name.casefold(): k for k, name in enumerate(names)}
        places = [
            next((known[n.casefold()] for n in one if n.casefold() in known), -1) for one in wanted
        ]
        missing = [one[0] for one, place in zip(wanted, places, strict=True) if place < 0]
        if missing:
            raise DataError(
                f"{path}: no column {', '.join(missing)}; {expected}, found {', '.join(names)}"
            )
        rows = rows[1:]
    else:
        places = list(range(width))
    if not rows:
        raise DataError(f"{path}: the file has no rows; {expected}")
    table = np.full((len(rows), len(places)), np.nan)
    for i, (number, line) in enumerate(rows):
        if len(line) != width:
            raise DataError(
                f"{path}, row {number}: {count_text(len(line), 'field')}; expected {width}"
            )
        for j, place in enumerate(places):
            text = line[place].strip()
            if j and text in _MISSING:
                continue
            try:
                table[i, j] = parse(text) if j else _parse_day(text)
            except ValueError:
                what = "a date" if j == 0 or parse is _parse_day else "a number"
                raise DataError(f"{path}, row {number}: {text!r} is not {what}") from None
    row = np.array([number for number, _ in rows], dtype=np.int64)
    day = table[:, 0].astype(np.int64)
    return [_Column(path, row, day, table[:, j]) for j in range(1, len(places))]
