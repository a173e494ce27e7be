"""Opening whatever data a user has: it is told by its layout which importer reads it (U5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import partial
from pathlib import Path

from research.data.dataset import Dataset
from research.data.errors import DataError
from universe.counts import count_text
from universe.instruments import Instrument, InstrumentMaster

Progress = Callable[[int, int, str], None]
"""Called with (markets done, markets in all, code) after each market."""


_LAYOUTS = (
    "a folder with multiple_prices_csv/ (pysystemtrade) in it, in its futures/ or in its"
    " data/futures/, with future/ and market-hours/ (LEAN), or with CSV files <CODE>.csv or"
    " <CODE>_<YYYYMM>.csv"
)


class Layout(StrEnum):
    """How a folder of market data is laid out."""

    PYSYSTEMTRADE = "pysystemtrade CSV"
    LEAN = "LEAN data folder"
    CSV = "plain CSV"


@dataclass(frozen=True, slots=True)
class DataRequest:
    """What to open.

    Attributes
    ----------
    folder : Path, optional
        None is the embedded synthetic market.
    codes : sequence of str, optional
        Markets, by code or by their source's name; None is all there are.
    start, end : date, optional
        First session that is wanted, and last one read.
    expiries : Path, optional
        CSV of last trade dates, for data that has none of its own.
    seed : int
        Of the synthetic market.
    macro : Path, optional
        Folder of macro series; a LEAN data folder has its own.
    instruments : Path, optional
        Instruments file that changes the master and adds to it (docs/instruments.md).
    cache : Path, optional
        Folder in which parsed data, and what runs compute from data alone, are kept.
    """

    folder: Path | None = None
    codes: Sequence[str] | None = None
    start: date | None = None
    end: date | None = None
    expiries: Path | None = None
    seed: int = 7
    macro: Path | None = None
    instruments: Path | None = None
    cache: Path | None = None


def detect_layout(folder: Path) -> Layout:
    """Tell the layout of a folder.

    Raises
    ------
    DataError
        If the folder is missing, a file, or none of the three.
    """
    if not folder.is_dir():
        if folder.exists():
            raise DataError(f"{folder}: is a file; expected {_LAYOUTS}")
        raise DataError(f"{folder}: the data folder is missing")
    for root in (folder, folder / "futures", folder / "data" / "futures"):
        if (root / "multiple_prices_csv").is_dir() or (root / "adjusted_prices_csv").is_dir():
            return Layout.PYSYSTEMTRADE
    if (folder / "future").is_dir() and (folder / "market-hours").is_dir():
        return Layout.LEAN
    if any(folder.glob("*.csv")):
        return Layout.CSV
    raise DataError(f"{folder}: not a data folder; expected {_LAYOUTS}{_found(folder)}")


def _found(folder: Path) -> str:
    """What a folder holds instead of data, in a few words."""
    kinds = Counter(path.suffix.lower() for path in folder.iterdir() if path.is_file())
    if not kinds:
        return ""
    kind, count = kinds.most_common(1)[0]
    text = f"; found {count_text(count, (kind or 'other') + ' file')}"
    if kind in (".parquet", ".feather", ".xlsx"):
        text += ", not read: write CSV first (pandas: to_csv)"
    return text


def open_data(request: DataRequest, progress: Progress | None = None) -> Dataset:
    """Read the data that is asked for.

    Raises
    ------
    DataError
        If it cannot be read, or has no session of a market that was asked for by name.
    universe.instruments.UnknownInstrumentError
        If the instrument master does not hold a market that was asked for.
    universe.instrument_table.InstrumentTableError
        If the instruments file has faults.
    """
    from research.data.instruments_file import read_instruments
    from research.data.issue_log import NO_DATA, IssueLog
    from universe.master import MASTER

    own = read_instruments(request.instruments) if request.instruments else []
    master = MASTER.with_changes(own)
    if request.codes is not None:
        codes = dict.fromkeys(master.named(name).code for name in request.codes)
        request = replace(request, codes=list(codes))
    if request.folder is None:
        dataset = _synthetic(request, master)
    else:
        dataset = _folder(request, master, progress)
    missing = [code for code in request.codes or () if code not in dataset.markets]
    if missing:
        raise DataError(f"{dataset.name} has no session of {', '.join(missing)} within the dates")
    log = IssueLog()
    if request.codes is None and request.folder is not None:
        for instrument in _without_data(own, dataset):
            log.add(instrument.code, NO_DATA, f"in {request.instruments}, but not in the data")
    dataset = _with_macro(dataset.with_macro(dataset.macro, log.issues), request)
    return dataset.with_cache(request.cache, own)


def _without_data(own: Sequence[Instrument], dataset: Dataset) -> list[Instrument]:
    """Markets of an instruments file of which nothing else says that they have no data."""
    named = {issue.market for issue in dataset.issues} | set(dataset.markets)
    return [instrument for instrument in own if instrument.code not in named]


def _with_macro(dataset: Dataset, request: DataRequest) -> Dataset:
    from research.data.issue_log import IssueLog
    from research.data.macro_files import load_macro
    from research.lean.macro import read_macro

    log, folder = IssueLog(), request.folder
    if request.macro is not None:
        macro = load_macro(request.macro, log)
    elif folder is not None and detect_layout(folder) is Layout.LEAN:
        macro = read_macro(folder, log)
    else:
        return dataset
    return dataset.with_macro(macro, log.issues)


def _synthetic(request: DataRequest, master: InstrumentMaster) -> Dataset:
    from research.synthetic.market import synthetic_market

    first, last = date(2000, 1, 3), date(2024, 12, 31)
    try:
        return synthetic_market(
            request.seed,
            min(request.start or first, first),
            request.end or max(request.start or last, last),
            request.codes,
            master,
        )
    except ValueError as error:
        raise DataError(str(error)) from error


def _folder(request: DataRequest, master: InstrumentMaster, progress: Progress | None) -> Dataset:
    from research.data.import_csv import csv_files, load_csv
    from research.data.import_pysystemtrade import (
        load_pysystemtrade,
        pysystemtrade_files,
        read_expiries,
    )
    from research.data.kept import kept
    from research.lean.read import read_lean

    folder = request.folder
    assert folder is not None
    layout = detect_layout(folder)
    codes, end = request.codes, request.end
    if layout is Layout.LEAN:
        return read_lean(folder, master, codes, end=end, progress=progress)
    expiries = read_expiries(request.expiries, master) if request.expiries else None
    load = load_pysystemtrade if layout is Layout.PYSYSTEMTRADE else load_csv
    read = partial(load, folder, master, codes, end=end, expiries=expiries, progress=progress)
    if request.cache is None:
        return read()
    asked = {
        "layout": layout,
        "codes": None if codes is None else list(codes),
        "end": None if end is None else end.isoformat(),
        "expiries": None
        if expiries is None
        else [(code, month, day) for (code, month), day in sorted(expiries.items())],
    }
    files = pysystemtrade_files(folder) if layout is Layout.PYSYSTEMTRADE else csv_files(folder)
    return kept(request.cache, files, asked, master, read)
