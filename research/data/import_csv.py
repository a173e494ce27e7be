"""Import of plain daily bars per contract: open, high, low, close, volume, open interest (U5).

Prices are in the quote of LEAN (dollars per bushel, not cents). A folder holds either one file per
contract, ``<CODE>_<YYYYMM>.csv`` with the columns ::

    date,open,high,low,close,volume,open_interest

or one per market, ``<CODE>.csv``, with a further column ``contract`` (yyyymm). Only date, close
and, there, contract are indispensable. Rates are in ``fx/<CUR>USD.csv`` with date,rate.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from research.data.bar_findings import (
    closes_before,
    doubtful_prices,
    move_limits,
    report_doubts,
    report_late_bars,
    report_markets,
)
from research.data.checks import stands_for_none
from research.data.contract_quotes import ContractBars
from research.data.csv_tables import DatedTable, is_weekend, last_of_day, read_dated_csv
from research.data.dataset import Dataset, MarketHistory
from research.data.errors import DataError
from research.data.import_pysystemtrade import Expiries, expiries_of
from research.data.issue_log import IssueLog
from research.data.open_interest import open_interest_map
from research.data.pysystemtrade_files import read_fx
from research.data.units import without_unit_changes
from universe.arrays import FloatArray, from_epoch_day, to_epoch_day
from universe.counts import count_text
from universe.instruments import Instrument, InstrumentMaster

_PRICES = ("open", "high", "low", "close")
_AMOUNTS = ("volume", "open_interest")
_CONTRACT_FILE = re.compile(r"(?P<code>.+)_(?P<month>\d{6})")
_EXPECTED = "expected <CODE>_<YYYYMM>.csv or <CODE>.csv"


def load_csv(
    folder: str | Path,
    master: InstrumentMaster,
    codes: Iterable[str] | None = None,
    start: date | None = None,
    end: date | None = None,
    expiries: Expiries | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> Dataset:
    """Read a folder of plain CSV bars.

    Parameters
    ----------
    folder : str or Path
    master : InstrumentMaster
    codes : iterable of str, optional
        Markets to read; by default all that the folder and the master know.
    start, end : date, optional
        First and last session kept.
    expiries : mapping of (code, yyyymm) to epoch day, optional
        Last trade dates; a contract it does not hold gets the date of the instrument's rule.
    progress : callable, optional
        Called with (markets done, markets in all, code) after each market.

    Returns
    -------
    Dataset
        The mapping is the contract with the highest open interest of the two sessions before, never
        stepping back nor past the next contract of the cycle; it is empty for a market without open
        interest.

    Raises
    ------
    DataError
        If a folder or file is missing, empty, cut off or has other columns, if a market has no
        usable row, or if ``codes`` names a market that the master or the folder does not hold.
    """
    root = Path(folder)
    if not root.is_dir():
        raise DataError(f"{root}: the folder is missing; {_EXPECTED} in it")
    log = IssueLog()
    files = _find_files(root)
    chosen = _choose(root, files, master, codes, log)
    last_day = to_epoch_day(end or date.max)
    first_day = to_epoch_day(start or date.min)
    markets: dict[str, MarketHistory] = {}
    for done, instrument in enumerate(chosen, 1):
        code = instrument.code
        history = _load_market(instrument, files[code], expiries or {}, log)
        kept = history.between(first_day, last_day)
        if len(kept.day):
            markets[code] = kept
        else:
            log.add(code, "no session", "no usable row within the requested dates")
        if progress is not None:
            progress(done, len(chosen), code)
    if not markets:
        raise DataError(
            f"{root}: no market has a session between {start or 'the start'} and {end or 'the end'}"
        )
    fx = read_fx(root / "fx", last_day, log, "date", "rate")
    report_markets(markets, fx, log)
    final = from_epoch_day(max(int(history.day[-1]) for history in markets.values()))
    return Dataset(
        f"CSV bars, {count_text(len(markets), 'market')} to {final}", False, markets, fx, log.issues
    )


def csv_files(folder: Path) -> list[Path]:
    """All files of a folder that ``load_csv`` may read."""
    return [*folder.glob("*.csv"), *folder.glob("fx/*.csv")]


def _find_files(root: Path) -> dict[str, dict[int, Path]]:
    """Files by code and contract month; a file of all contracts has month 0."""
    files: dict[str, dict[int, Path]] = {}
    for path in sorted(root.glob("*.csv")):
        match = _CONTRACT_FILE.fullmatch(path.stem)
        code, month = (match["code"], int(match["month"])) if match else (path.stem, 0)
        if match and not 1 <= month % 100 <= 12:
            raise DataError(f"{path}: {month} is not a contract month; {_EXPECTED}")
        files.setdefault(code, {})[month] = path
    for code, months in files.items():
        if 0 in months and len(months) > 1:
            raise DataError(f"{months[0]}: {code} also has files per contract; keep one or other")
    return files


def _choose(
    root: Path,
    files: dict[str, dict[int, Path]],
    master: InstrumentMaster,
    codes: Iterable[str] | None,
    log: IssueLog,
) -> list[Instrument]:
    if codes is None:
        for code in sorted(set(files) - {instrument.code for instrument in master}):
            log.add(code, "unknown market", "not in the instrument master: files not read")
        chosen = [instrument for instrument in master if instrument.code in files]
        if not chosen:
            raise DataError(f"{root}: holds no file of a market of the master; {_EXPECTED}")
        return chosen
    chosen = []
    for code in codes:
        if code not in master:
            raise DataError(f"unknown market {code!r}; the instrument master does not hold it")
        if code not in files:
            raise DataError(f"{root / code}.csv: no file of market {code!r}; {_EXPECTED}")
        chosen.append(master[code])
    return chosen


def _load_market(
    instrument: Instrument, files: dict[int, Path], expiries: Expiries, log: IssueLog
) -> MarketHistory:
    code = instrument.code
    tables = [_read_bars(path, instrument, month, log) for month, path in files.items()]
    day = np.concatenate([table.day for table in tables])
    column = {
        name: np.concatenate([table.columns[name] for table in tables])
        for name in tables[0].columns
    }
    month = column.pop("contract").astype(np.int64)
    order = np.lexsort((month, day))
    key = (day * 10**6 + month)[order]
    last = last_of_day(key)
    log.add_days(code, "duplicate", day[order][~last], "a contract twice on a day: the last counts")
    order = order[last]
    day, month = day[order], month[order]
    column = {name: values[order] for name, values in column.items()}
    for name in _AMOUNTS:
        negative = column[name] < 0
        log.add_days(code, f"negative {name}", day[negative], f"{name} below 0: treated as missing")
        column[name] = np.where(negative, np.nan, column[name])
    sessions, months = np.unique(day), np.unique(month)
    session, contract = np.searchsorted(sessions, day), np.searchsorted(months, month)
    nearest = contract[np.searchsorted(session, np.arange(len(sessions)))]
    bars = ContractBars(sessions, months, nearest, session, contract, column["close"])
    bars, kept = without_unit_changes(bars, code, instrument.tick, log)
    day, column = day[kept], {name: values[kept] for name, values in column.items()}
    mapped_from, mapped = open_interest_map(bars, column["open_interest"], instrument, log)
    front = bars.front.copy()
    if len(mapped):
        which = np.searchsorted(mapped_from, bars.sessions, side="right") - 1
        front[which >= 0] = mapped[which[which >= 0]]
    bars = replace(bars, front=front)
    _check_bars(column, bars, instrument, log)
    expiry = expiries_of(instrument, months, expiries)
    report_late_bars(bars, expiry, instrument, log)
    report_doubts(bars, np.full(len(bars.sessions), np.nan), instrument, log)
    return MarketHistory(
        instrument=instrument,
        contract_month=months,
        expiry=expiry,
        day=day,
        contract=bars.contract,
        mapped_from=mapped_from,
        mapped_contract=mapped,
        **column,
    )


def _read_bars(path: Path, instrument: Instrument, month: int, log: IssueLog) -> DatedTable:
    """Usable rows of a file: weekdays with a close that is a price."""
    code = instrument.code
    needed = ["close"] if month else ["contract", "close"]
    table = read_dated_csv(path, code, "date", needed, log, (*_PRICES[:3], *_AMOUNTS))
    day, column = table.day, table.columns
    if month:
        column["contract"] = np.full(len(day), float(month))
    contract, close = column["contract"], column["close"]
    unnamed = ~((contract % 100 >= 1) & (contract % 100 <= 12) & (contract % 1 == 0))
    unnamed |= ~((contract >= 190000) & (contract < 220000))
    weekend, missing, zero = is_weekend(day), np.isnan(close), close == 0
    none = stands_for_none(close, instrument.tick)
    log.add_days(code, "no price", day[none], "close that stands for none: row dropped")
    log.add_days(code, "bad contract", day[unnamed], "contract is not yyyymm: row dropped")
    log.add_days(code, "no price", day[missing], "row without a close: dropped")
    log.add_days(code, "zero price", day[zero], "close of 0: row dropped")
    log.add_days(code, "negative price", day[(close < 0) & ~none], "close below 0: kept")
    log.add_days(code, "weekend", day[weekend], "row dated on a weekend: dropped")
    keep = ~(unnamed | weekend | missing | zero | none)
    if not keep.any():
        raise DataError(
            f"{path}: none of the {count_text(len(day), 'row')} is usable; expected weekdays "
            "with a close and a "
            "contract yyyymm"
        )
    return DatedTable(day[keep], {name: values[keep] for name, values in column.items()})


def _check_bars(
    column: dict[str, FloatArray], bars: ContractBars, instrument: Instrument, log: IssueLog
) -> None:
    """Mend opens and ranges in place; one that is missing or no price becomes the close."""
    code, close, day = instrument.code, column["close"], bars.sessions[bars.session]
    limit = move_limits(bars, instrument.tick)[bars.session]
    before = closes_before(bars)
    for name in _PRICES[:3]:
        value = column[name]
        missing = np.isnan(value)
        none, far = doubtful_prices(value, close, before, limit)
        for kind, rows, text in (
            ("no", missing, f"no {name}"),
            ("zero", none & (value == 0), f"{name} of 0"),
            ("negative", none & (value < 0), f"{name} below 0"),
            ("far", far, f"{name} far from its close and the one before"),
        ):
            log.add_days(code, f"{kind} {name}", day[rows], f"{text}: the close is taken")
        column[name] = np.where(missing | none | far, close, value)
    ends = np.stack([column[name] for name in _PRICES])
    low, high = ends.min(axis=0), ends.max(axis=0)
    wrong = (low < column["low"]) | (high > column["high"])
    log.add_days(code, "bad range", day[wrong], "open or close outside low and high: range widened")
    column["low"], column["high"] = low, high
