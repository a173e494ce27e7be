"""Reader of LEAN futures data: our own exports, or a user's LEAN data folder (U5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from research.data.bar_findings import report_bars, report_markets
from research.data.dataset import Dataset, FxHistory, MarketHistory
from research.data.errors import DataError
from research.data.files import is_there, read_text, read_zip, shown
from research.data.issue_log import UNKNOWN_MARKET, IssueLog
from research.lean.folder import read_marker
from research.lean.format import (
    HOURS_FILE,
    OPEN_INTEREST,
    PROPERTIES_FILE,
    ContractCalendar,
    forex_path,
    future_path,
    read_symbol_properties,
    sid_expiry,
)
from research.lean.hours import MarketHours, MarketHoursDatabase
from research.lean.view import ACCOUNT_CURRENCY, MarketReport, currency_pair, restrict
from universe.arrays import FloatArray, IntArray, from_epoch_day, to_epoch_day
from universe.counts import count_text
from universe.instruments import Instrument, InstrumentMaster

_TRADE_FIELDS, _INTEREST_FIELDS, _QUOTE_FIELDS = 6, 2, 11
_BID_CLOSE, _ASK_CLOSE = 4, 9
_MIDNIGHT = " 00:00"
_SID_SLACK = 10
"""Days by which a map file's expiry may miss LEAN's present rule and still name its contract."""


def read_lean(
    folder: str | Path,
    master: InstrumentMaster,
    codes: Iterable[str] | None = None,
    start: date | None = None,
    end: date | None = None,
    progress: Callable[[int, int, str], None] | None = None,
    mapping_mode: int = OPEN_INTEREST,
) -> Dataset:
    """Read daily futures data in LEAN's format.

    What LEAN would not see is left out as well: rows on days without a session, of contracts it
    does not list, after their last trade date. What LEAN does see stays, doubtful prices included:
    they are reported, and the quality gate deals with them in both homes alike. Exchange rates are
    dated by the session on whose evening LEAN knows them (row D on D+1).

    Parameters
    ----------
    folder : path
        LEAN data folder.
    master : InstrumentMaster
    codes : iterable of str, optional
        Markets to read, by default every LEAN-listed one with a trade file.
    start, end : date, optional
        First and last session kept.
    progress : callable, optional
        Called with (markets done, markets in all, code) after each market.
    mapping_mode : int
        Rows of the map file that give the front contract: 0 last trading day, 1 first day of the
        month, 2 open interest, 3 annual open interest.

    Returns
    -------
    Dataset
        ``issues`` tells what was left out.

    Raises
    ------
    DataError
        If the folder, a database or a market's file is missing, a zip is corrupt, or a row is
        malformed (with its line number).
    UnknownInstrumentError
        If ``master`` does not hold one of ``codes``.
    """
    root = Path(folder)
    if not root.is_dir():
        raise DataError(f"{root}: folder is missing; expected a LEAN data folder")
    database = MarketHoursDatabase(root / HOURS_FILE)
    marker = read_marker(root) or {}
    log = IssueLog()
    markets: dict[str, MarketHistory] = {}
    chosen = _chosen(root, master, codes, log)
    for done, instrument in enumerate(chosen, start=1):
        hours = database.future(instrument.market, instrument.code)
        reader = _MarketReader(root, instrument, hours, log)
        nominal = marker.get("nominal_volume", {}).get(instrument.code)
        history = reader.read(nominal, mapping_mode)
        if history is not None:
            markets[instrument.code] = history
        if progress is not None:
            progress(done, len(chosen), instrument.code)
    if not markets:
        raise DataError(
            f"{root}: no usable bar of {count_text(len(chosen), 'market')}; expected"
            " future/<market>/daily/<root>_trade.zip"
        )
    name = marker.get("dataset", f"LEAN data in {root.resolve().name}")
    fx = _read_fx(root, markets, log)
    report_markets(markets, fx, log)
    dataset = Dataset(name, bool(marker.get("synthetic", False)), markets, fx, log.issues)
    if start is None and end is None:
        return dataset
    cut = dataset.between(to_epoch_day(start or date.min), to_epoch_day(end or date.max))
    if not cut.markets:
        raise DataError(f"{root}: no session between {start or 'the start'} and {end or 'the end'}")
    return cut


def _chosen(
    root: Path, master: InstrumentMaster, codes: Iterable[str] | None, log: IssueLog
) -> list[Instrument]:
    if codes is not None:
        return [master[code] for code in codes]
    files = {
        (path.parts[-3], path.name.removesuffix("_trade.zip")): path
        for path in sorted(root.glob("future/*/daily/*_trade.zip"))
    }
    chosen = [
        instrument
        for instrument in master
        if instrument.lean_listed
        and files.pop((instrument.market, instrument.code.lower()), None) is not None
        and is_there(
            root / future_path(instrument.market, "trade", instrument.code),
            f"the trade bars of {instrument.code}",
        )
    ]
    for (market, code), path in files.items():
        known = code.upper() in master and master[code.upper()].market == market
        why = "LEAN does not list it" if known else "not in the instrument master"
        log.add(code.upper(), UNKNOWN_MARKET, f"{why}: {path.relative_to(root)} not read")
    return chosen


@dataclass
class _MarketReader:
    """Reads the files of one market."""

    root: Path
    instrument: Instrument
    hours: MarketHours
    log: IssueLog

    def __post_init__(self) -> None:
        self.calendar = ContractCalendar(self.instrument, self.hours)

    def read(self, nominal: float | None, mode: int) -> MarketHistory | None:
        """The market's history, None if no bar is left; issues are logged."""
        code = self.instrument.code
        bars = self._contracts("trade", _TRADE_FIELDS)
        interest = self._contracts("openinterest", _INTEREST_FIELDS)
        months = sorted(bars)
        if not months:
            self.log.add(code, "empty", "no contract that LEAN lists")
            return None
        day = np.concatenate([bars[m][0] for m in months]) - self.hours.row_shift
        contract = np.repeat(np.arange(len(months)), [len(bars[m][0]) for m in months])
        values = np.concatenate([bars[m][1] for m in months], axis=1)
        known = np.concatenate(
            [_interest_on(bars[m][0] - self.hours.row_shift, interest.get(m)) for m in months]
        )
        volume = values[4]
        if nominal is not None:
            volume = np.where(volume == nominal, np.nan, volume)
        order = np.lexsort((contract, day))
        day, contract = day[order], contract[order]
        expiry = np.array([self.calendar.expiry(m) for m in months], dtype=np.int64)
        periods = self._periods(mode, months, int(day[0]))
        raw = MarketHistory(
            self.instrument,
            np.array(months, dtype=np.int64),
            expiry,
            day,
            contract,
            values[0][order],
            values[1][order],
            values[2][order],
            values[3][order],
            volume[order],
            known[order],
            np.array([p[0] for p in periods], dtype=np.int64),
            np.array([p[1] for p in periods], dtype=np.int64),
        )
        history, report = restrict(raw, self.hours, self.calendar)
        self._log(report)
        if not report.bars:
            return None
        report_bars(history, self.log)
        return history

    def _contracts(self, kind: str, fields: int) -> dict[int, tuple[IntArray, FloatArray]]:
        """Rows by contract month: epoch days as in the file, and a row of values per column."""
        path = self.root / future_path(self.instrument.market, kind, self.instrument.code)
        what = f"the {kind} bars of {self.instrument.code}"
        if kind != "trade" and not is_there(path, what):
            return {}
        pattern = re.compile(rf"{re.escape(self.instrument.code.lower())}_{kind}_(\d{{6}})\.csv")
        out: dict[int, tuple[IntArray, FloatArray]] = {}
        for name, text in read_zip(path, what):
            match = pattern.fullmatch(name)
            if match is None:
                self.log.add(self.instrument.code, "file name", f"{path.name}: {name} is not read")
                continue
            month = self.calendar.of_entry(int(match[1]))
            if month is None:
                self.log.add(self.instrument.code, "contract", f"LEAN has no contract of {name}")
                continue
            rows = _parse_rows(text, fields, f"{path}, {name}")
            if len(rows[0]):
                out[month] = rows
        return out

    def _periods(self, mode: int, months: list[int], first: int) -> list[tuple[int, int]]:
        """Start and contract index of every front-contract period of the map file."""
        code = self.instrument.code
        path = self.root / future_path(self.instrument.market, "map", code)
        if not is_there(path, "a LEAN map file"):
            self.log.add(code, "map file", f"{path.name} is missing: no front-contract schedule")
            return []
        rows, modes = _map_rows(path, mode)
        if not rows:
            held = ", ".join(str(other) for other in modes) or "none"
            text = f"{path.name} has no row of mapping mode {mode} (it holds {held})"
            self.log.add(code, "map file", f"{text}: no front-contract schedule, calendar rolls")
            return []
        by_expiry = {self.calendar.expiry(month): i for i, month in enumerate(months)}
        known = np.array(sorted(by_expiry), dtype=np.int64)
        periods, start = [], first
        for last_day, expiry in rows:
            near = int(known[np.argmin(np.abs(known - expiry))])
            if abs(near - expiry) > _SID_SLACK:
                detail = f"front contract expiring {from_epoch_day(expiry)} has no bars"
                self.log.add(code, "map file", detail, start)
            else:
                if near != expiry:
                    detail = f"expiry {from_epoch_day(expiry)}, LEAN's rule {from_epoch_day(near)}"
                    self.log.add(code, "map file", detail, start)
                periods.append((start, by_expiry[near]))
            start = max(start, last_day + 1)
        return periods

    def _log(self, report: MarketReport) -> None:
        for count, kind, detail in (
            (report.not_sessions, "session", "rows on days without a session in LEAN's calendar"),
            (report.after_expiry, "expiry", "rows after the contract's last trade date"),
            (report.remapped, "map file", "front-contract periods moved or dropped"),
        ):
            if count:
                self.log.add(self.instrument.code, kind, f"{count} {detail}")


def _interest_on(days: IntArray, rows: tuple[IntArray, FloatArray] | None) -> FloatArray:
    """Open interest on the given days, NaN where there is none."""
    out = np.full(len(days), np.nan)
    if rows is not None:
        at = np.minimum(np.searchsorted(rows[0], days), len(rows[0]) - 1)
        out = np.where(rows[0][at] == days, rows[1][0][at], out)
    return out


def _map_rows(path: Path, mode: int) -> tuple[list[tuple[int, int]], list[int]]:
    """Last day and expiry of every period of a mapping mode, ascending, and all modes there are."""
    rows: list[tuple[int, int]] = []
    modes: set[int] = set()
    for number, line in enumerate(read_text(path, "a LEAN map file").splitlines(), start=1):
        fields = line.split(",")
        if not line.strip() or len(fields) < 4:  # the first line names the root only
            continue
        try:
            modes.add(int(fields[3]))
            if int(fields[3]) == mode:
                rows.append((_stamp_day(fields[0]), sid_expiry(fields[1].strip())))
        except ValueError:
            raise DataError(
                f"{path}, line {number}: malformed row {shown(line)}; expected"
                " yyyymmdd,<root> <identifier>,<MARKET>,<mode>"
            ) from None
    return sorted(rows), sorted(modes)


def _read_fx(root: Path, markets: dict[str, MarketHistory], log: IssueLog) -> dict[str, FxHistory]:
    instruments = [history.instrument for history in markets.values()]
    needed = {i.currency for i in instruments} - {ACCOUNT_CURRENCY}
    wanted = needed | ({i.fee_currency for i in instruments} - {ACCOUNT_CURRENCY})
    if not wanted:
        return {}
    properties = read_symbol_properties(root / PROPERTIES_FILE)
    out: dict[str, FxHistory] = {}
    for currency in sorted(wanted):
        pair = currency_pair(currency, properties)
        path = root / forex_path(pair or currency + ACCOUNT_CURRENCY)
        if pair and is_there(path, f"the quote bars of {pair}"):
            out[currency] = _fx_history(path, pair, currency)
        elif pair:
            log.add(currency, "fx", f"{path.name} is missing: no rate of {currency}")
        else:
            log.add(currency, "fx", f"LEAN has no pair that converts {currency} into dollars")
    return out


def _fx_history(path: Path, pair: str, currency: str) -> FxHistory:
    for name, text in read_zip(path, f"the quote bars of {pair}"):
        if name != f"{pair.lower()}.csv":
            continue
        where = f"{path}, {name}"
        lines = _lines(text)
        days, _ = _parse_rows(text, _QUOTE_FIELDS, where)
        inverse = pair.startswith(ACCOUNT_CURRENCY)
        rates = [_rate(line, inverse, f"{where}, line {n}") for n, line in enumerate(lines, 1)]
        return FxHistory(currency, days + 1, np.array(rates, dtype=np.float64))
    raise DataError(f"{path}: no entry {pair.lower()}.csv; expected the quote bars of {pair}")


def _rate(line: str, inverse: bool, where: str) -> float:
    """Dollars per unit of the currency at the mean of bid and ask, as LEAN converts."""
    fields = line.split(",")
    try:
        bid, ask = Decimal(fields[_BID_CLOSE]), Decimal(fields[_ASK_CLOSE])
    except InvalidOperation:
        raise DataError(f"{where}: malformed row {shown(line)}; expected two quote bars") from None
    mid = bid if bid == ask else (bid + ask) / 2
    if mid <= 0:
        raise DataError(f"{where}: rate {mid} is not positive")
    return float(1 / mid) if inverse else float(mid)


def _lines(text: str) -> list[str]:
    return text.replace("\r", "").rstrip("\n").split("\n") if text.strip() else []


def _parse_rows(text: str, fields: int, where: str) -> tuple[IntArray, FloatArray]:
    """Epoch days and a (fields - 1, n_rows) array of the numbers of a LEAN csv."""
    lines = _lines(text)
    flat = ",".join(lines).split(",") if lines else []
    if len(flat) == fields * len(lines):
        try:
            days = np.array([_stamp_day(stamp) for stamp in flat[::fields]], dtype=np.int64)
            columns: Any = [[float(x) for x in flat[k::fields]] for k in range(1, fields)]
            values = np.array(columns, dtype=np.float64).reshape(fields - 1, len(lines))
        except ValueError:
            pass
        else:
            if np.all(np.diff(days) > 0) and np.all(np.isfinite(values)):
                return days, values
    raise _first_fault(lines, fields, where)


def _first_fault(lines: list[str], fields: int, where: str) -> DataError:
    """The error of the first row that LEAN's reader would not take."""
    previous = None
    for number, line in enumerate(lines, start=1):
        parts = line.split(",")
        expected = f"expected yyyymmdd 00:00 and {fields - 1} plain numbers"
        try:
            day = _stamp_day(parts[0])
            finite = len(parts) == fields and all(np.isfinite(float(x)) for x in parts[1:])
        except ValueError:
            finite = False
        if not finite:
            return DataError(f"{where}, line {number}: malformed row {shown(line)}; {expected}")
        if previous is not None and day <= previous:
            return DataError(f"{where}, line {number}: {parts[0]} does not follow the row before")
        previous = day
    return DataError(f"{where}: malformed; expected rows of {fields} fields")


@lru_cache(maxsize=65536)
def _stamp_day(stamp: str) -> int:
    """Epoch day of "yyyymmdd" or "yyyymmdd 00:00"."""
    text = stamp.removesuffix(_MIDNIGHT)
    if len(text) != len("yyyymmdd") or not text.isdigit():
        raise ValueError(stamp)
    return to_epoch_day(date(int(text[:4]), int(text[4:6]), int(text[6:])))
