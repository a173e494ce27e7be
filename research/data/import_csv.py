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
from datetime import date
from pathlib import Path

import numpy as np

from research.data.bar_findings import report_doubts, report_late_bars, report_missing_fx
from research.data.contract_quotes import ContractBars
from research.data.csv_tables import DatedTable, is_weekend, last_of_day, read_dated_csv
from research.data.dataset import Dataset, MarketHistory
from research.data.errors import DataError
from research.data.import_pysystemtrade import Expiries, expiries_of
from research.data.issue_log import IssueLog
from research.data.pysystemtrade_files import read_fx
from universe.arrays import FloatArray, IntArray, from_epoch_day, to_epoch_day
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
        The mapping is the contract with the highest open interest of the session before, never
        stepping back; it is empty for a market without open interest.

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
    report_missing_fx(markets, fx, log)
    final = from_epoch_day(max(int(history.day[-1]) for history in markets.values()))
    return Dataset(f"CSV bars, {len(markets)} markets to {final}", False, markets, fx, log.issues)


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
    tables = [_read_bars(path, code, month, log) for month, path in files.items()]
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
    _check_bars(column, day, code, log)

    sessions, months = np.unique(day), np.unique(month)
    session, contract = np.searchsorted(sessions, day), np.searchsorted(months, month)
    mapped_from, mapped = _map_by_open_interest(
        sessions, session, contract, column["open_interest"]
    )
    nearest = contract[np.searchsorted(session, np.arange(len(sessions)))]
    front = nearest.copy()
    if len(mapped):
        which = np.searchsorted(mapped_from, sessions, side="right") - 1
        front[which >= 0] = mapped[which[which >= 0]]
    expiry = expiries_of(instrument, months, expiries)
    bars = ContractBars(sessions, months, front, session, contract, column["close"])
    report_late_bars(bars, expiry, instrument, log)
    report_doubts(bars, np.full(len(sessions), np.nan), instrument, log)
    return MarketHistory(
        instrument=instrument,
        contract_month=months,
        expiry=expiry,
        day=day,
        contract=contract,
        mapped_from=mapped_from,
        mapped_contract=mapped,
        **column,
    )


def _read_bars(path: Path, code: str, month: int, log: IssueLog) -> DatedTable:
    """Usable rows of a file: weekdays with a close that is not zero."""
    needed = ["close"] if month else ["contract", "close"]
    table = read_dated_csv(path, code, "date", needed, log, (*_PRICES[:3], *_AMOUNTS))
    day, column = table.day, table.columns
    if month:
        column["contract"] = np.full(len(day), float(month))
    contract, close = column["contract"], column["close"]
    unnamed = ~((contract % 100 >= 1) & (contract % 100 <= 12) & (contract % 1 == 0))
    unnamed |= ~((contract >= 190000) & (contract < 220000))
    weekend, missing, zero = is_weekend(day), np.isnan(close), close == 0
    log.add_days(code, "bad contract", day[unnamed], "contract is not yyyymm: row dropped")
    log.add_days(code, "no price", day[missing], "row without a close: dropped")
    log.add_days(code, "zero price", day[zero], "close of 0: row dropped")
    log.add_days(code, "negative price", day[close < 0], "close below 0: kept")
    log.add_days(code, "weekend", day[weekend], "row dated on a weekend: dropped")
    keep = ~(unnamed | weekend | missing | zero)
    if not keep.any():
        raise DataError(
            f"{path}: none of the {len(day)} rows is usable; expected weekdays with a close and a "
            "contract yyyymm"
        )
    return DatedTable(day[keep], {name: values[keep] for name, values in column.items()})


def _check_bars(column: dict[str, FloatArray], day: IntArray, code: str, log: IssueLog) -> None:
    """Mend ranges and amounts in place; a missing open, high or low becomes the close."""
    close = column["close"]
    for name in _PRICES[:3]:
        missing = np.isnan(column[name])
        log.add_days(code, f"no {name}", day[missing], f"no {name}: the close is taken")
        column[name] = np.where(missing, close, column[name])
    ends = np.stack([column[name] for name in _PRICES])
    low, high = ends.min(axis=0), ends.max(axis=0)
    wrong = (low < column["low"]) | (high > column["high"])
    log.add_days(code, "bad range", day[wrong], "open or close outside low and high: range widened")
    column["low"], column["high"] = low, high
    for name in _AMOUNTS:
        negative = column[name] < 0
        log.add_days(code, f"negative {name}", day[negative], f"{name} below 0: treated as missing")
        column[name] = np.where(negative, np.nan, column[name])


def _map_by_open_interest(
    sessions: IntArray, session: IntArray, contract: IntArray, open_interest: FloatArray
) -> tuple[IntArray, IntArray]:
    """Sessions from which a contract led in open interest on the session before, and which.

    A tie goes to the nearer contract; a lead of a nearer contract over the mapped one is ignored.
    """
    known = np.flatnonzero(np.isfinite(open_interest) & (open_interest > 0))
    order = known[np.lexsort((-contract[known], open_interest[known], session[known]))]
    leads = order[last_of_day(session[order])]
    leads = leads[session[leads] < len(sessions) - 1]
    leader = np.maximum.accumulate(contract[leads])
    changed = np.ones(len(leader), dtype=np.bool_)
    changed[1:] = leader[1:] != leader[:-1]
    return sessions[session[leads][changed] + 1], leader[changed]
