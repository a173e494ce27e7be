"""Export of a data set to a folder from which a local LEAN runs (U5).

LEAN reads contract bars and chains, a continuous mapping with back-adjustment factors, margins,
exchange rates and two databases; the formats and what depends on which are in LEAN's Data folder.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Context, Decimal
from pathlib import Path

import numpy as np

from research.data.dataset import Dataset, FxHistory, MarketHistory
from research.data.errors import DataError
from research.data.issue_log import left_out
from research.lean.folder import FORMAT, FolderWriter, check_target, replacing
from research.lean.format import (
    HOURS_FILE,
    INTEREST_FILE,
    MARKER_FILE,
    PROPERTIES_FILE,
    UNIVERSE_HEADER,
    ContractCalendar,
    forex_path,
    future_path,
    number,
    zip_entry,
)
from research.lean.hours import MarketHours, MarketHoursDatabase
from research.lean.macro import macro_files
from research.lean.tables import estimate_margins, factor_file, map_file
from research.lean.view import ACCOUNT_CURRENCY, MarketReport, lean_view
from universe.arrays import from_epoch_day
from universe.counts import count_text
from universe.instruments import volume_note

VERSION = 1

Progress = Callable[[int, int, str], None]
"""Called with (markets done, markets in all, code) after each market."""

_QUOTE_DIGITS = Context(prec=18)  # as many as LEAN's parser holds


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export wrote and left out.

    Attributes
    ----------
    folder : Path
    dataset : Dataset
        Exactly what the folder holds; ``read_lean`` gives it back bit for bit.
    markets : dict of str to MarketReport
    skipped : dict of str to str
        Reason by code.
    margins : dict of str to str
        "copied" or "estimated", by code.
    unknown_rolls : dict of str to int
        Rolls without a back-adjustment factor, where there are any.
    pairs : dict of str to str
        Currency pair file by currency.
    nominal_volume : dict of str to int
        Volume written where the data set has none.
    left_out : list of str
        Sentences about markets that the data set itself lacks: a file without an instrument, a
        market without a session.
    files : int
    seconds : float
    """

    folder: Path
    dataset: Dataset
    markets: dict[str, MarketReport]
    skipped: dict[str, str]
    margins: dict[str, str]
    unknown_rolls: dict[str, int]
    pairs: dict[str, str]
    nominal_volume: dict[str, int]
    left_out: list[str]
    files: int
    seconds: float

    def lines(self) -> list[str]:
        """The report in sentences, worst news last."""
        bars = sum(m.bars for m in self.markets.values())
        out = [
            f"{self.folder}: {count_text(len(self.markets), 'market')}, {bars} bars, "
            f"{self.files} files"
            f" in {self.seconds:.0f} s"
        ]
        estimated = [code for code, how in self.margins.items() if how == "estimated"]
        if estimated:
            out.append(f"margins estimated from volatility: {', '.join(estimated)}")
        if self.nominal_volume:
            given = [self.dataset.markets[code].instrument for code in self.nominal_volume]
            out.append(
                f"{count_text(len(given), 'market')} with bars without a volume, which get "
                "the master's usual one"
                f" ({volume_note(given) or 'measured'})"
            )
        for code, market in self.markets.items():
            if market.dropped:
                out.append(
                    f"{code}: {market.dropped} bars dropped ({market.not_sessions} on days without"
                    f" a session, {market.not_listed} of contracts LEAN does not list,"
                    f" {market.after_expiry} after expiry, {market.not_finite} not finite)"
                )
            if market.remapped:
                out.append(f"{code}: {market.remapped} front-contract periods moved or dropped")
            if market.expiry_differences:
                count = len(market.expiry_differences)
                out.append(
                    f"{code}: last trade date of {count_text(count, 'contract')} differs; "
                    "LEAN's is used"
                )
            if code in self.unknown_rolls:
                count = self.unknown_rolls[code]
                out.append(f"{code}: {count} rolls without both closes have no adjustment factor")
            if market.late_sessions:
                out.append(
                    f"{code}: LEAN delivers {count_text(market.late_sessions, 'session')} "
                    "only after midnight,"
                    " New York time"
                )
            out += [f"{code}: {note}" for note in market.notes]
        out += [f"{code} skipped: {reason}" for code, reason in self.skipped.items()]
        return out + self.left_out

    def __str__(self) -> str:
        return "\n".join(self.lines())


def export_lean(
    dataset: Dataset,
    folder: str | Path,
    lean_data: str | Path,
    codes: Iterable[str] | None = None,
    universes: bool = True,
    margins_from: str | Path | None = None,
    day_sessions: bool = False,
    progress: Progress | None = None,
) -> ExportReport:
    """Write a data set as a LEAN data folder.

    Parameters
    ----------
    dataset : Dataset
    folder : path
        Must not exist, be empty, or be an earlier export, which is then replaced as a whole.
    lean_data : path
        LEAN's own Data folder, from which the market-hours and symbol-properties databases and the
        interest rates are copied.
    codes : iterable of str, optional
        Markets to export, by default all that LEAN lists.
    universes : bool
        Whether to write the chain files, one small file per market and session; without them
        chain filters and ``future_chain`` see nothing.
    margins_from : path, optional
        LEAN Data folder whose margin histories are copied; markets it lacks, or all without it,
        get estimates (``lean_tables.estimate_margins``).
    day_sessions : bool
        Leave out, in the copied market-hours entries of exported markets whose regular session
        runs on through midnight (CT, B, G, DX), the evening hours. Otherwise LEAN delivers those
        markets' bar of session D at 00:00 New York time on D+1, after a decision taken on the
        evening of D.
    progress : callable, optional
        Called with (markets done, markets in all, code) after each market.

    Returns
    -------
    ExportReport

    Raises
    ------
    DataError
        If the folder holds anything but an earlier export, a database is missing, no market is
        left, or a file cannot be written; nothing is changed then.
    KeyError
        If the data set does not hold one of ``codes``.
    """
    started = time.monotonic()
    target, source = Path(folder).resolve(), Path(lean_data).resolve()
    margins = None if margins_from is None else Path(margins_from).resolve()
    for other in (source, margins):
        if other is not None and (other == target or target in other.parents):
            raise DataError(f"{target}: is or holds the LEAN folder to copy from; choose another")
    check_target(target)
    codes = list(dataset.markets if codes is None else codes)
    database = MarketHoursDatabase(source / HOURS_FILE) if source.is_dir() else None
    if database is not None and day_sessions:
        keys = [(h.instrument.market, code) for code, h in dataset.markets.items() if code in codes]
        database = database.with_day_sessions(keys)
    view = lean_view(dataset, source, codes, database)
    hours_text = database.text if database is not None else ""
    how: dict[str, str] = {}
    unknown: dict[str, int] = {}
    nominal: dict[str, int] = {}
    with replacing(target) as writer:
        for path, text in macro_files(dataset.macro).items():
            writer.write(path, text.encode())
        writer.write(HOURS_FILE, hours_text.encode())
        writer.copy(source / PROPERTIES_FILE, PROPERTIES_FILE)
        if (source / INTEREST_FILE).is_file():
            writer.copy(source / INTEREST_FILE, INTEREST_FILE)
        for currency, pair in view.pairs.items():
            writer.write_zip(forex_path(pair), [_forex_entry(pair, view.dataset.fx[currency])])
        for done, (code, history) in enumerate(view.dataset.markets.items(), start=1):
            volume = _nominal_volume(history)
            if volume is not None:
                nominal[code] = volume
            _write_bars(writer, history, view.hours[code], view.calendars[code], volume, universes)
            if len(history.mapped_from):
                missing = _write_schedule(writer, history, view.calendars[code])
                if missing:
                    unknown[code] = missing
            how[code] = _write_margins(writer, history, margins)
            if progress is not None:
                progress(done, len(view.dataset.markets), code)
        marker = {
            "format": FORMAT,
            "version": VERSION,
            "dataset": dataset.name,
            "synthetic": dataset.synthetic,
            "fingerprint": view.dataset.fingerprint(),
            "source_fingerprint": dataset.fingerprint(),
            "settings": {"universes": universes, "day_sessions": day_sessions},
            "markets": {c: _counts(r, how[c]) for c, r in view.reports.items()},
            "nominal_volume": nominal,
            "pairs": view.pairs,
            "skipped": view.skipped,
            "left_out": left_out(dataset.issues),
        }
        writer.write(MARKER_FILE, json.dumps(marker, indent=1).encode())
    return ExportReport(
        target,
        view.dataset,
        view.reports,
        view.skipped,
        how,
        unknown,
        view.pairs,
        nominal,
        left_out(dataset.issues),
        writer.files,
        time.monotonic() - started,
    )


def _nominal_volume(history: MarketHistory) -> int | None:
    """Volume for bars whose source has none: the market's usual one, and no number in the data.

    LEAN would take 0 for a session without trading: no fill by participation, infinite impact. The
    usual volume is what the cost model assumes for an unknown one; that the data never hold the
    number lets a reader tell the two apart.
    """
    missing = np.isnan(history.volume)
    if not missing.any():
        return None
    known = set(history.volume[~missing].tolist())
    volume = max(round(history.instrument.adv_contracts), 1)
    while volume in known:
        volume += 1
    return volume


def _write_bars(
    writer: FolderWriter,
    history: MarketHistory,
    hours: MarketHours,
    calendar: ContractCalendar,
    nominal: int | None,
    universes: bool,
) -> None:
    instrument = history.instrument
    root, market = instrument.code, instrument.market
    months = history.contract_month.tolist()
    days, contracts = history.day.tolist(), history.contract.tolist()
    dates = {day: from_epoch_day(day) for day in set(days)}
    stamps = {day: f"{date:%Y%m%d}" for day, date in dates.items()}
    shift = hours.row_shift
    rows = {day: f"{from_epoch_day(day + shift):%Y%m%d} 00:00" for day in dates}
    trades: list[list[str]] = [[] for _ in months]
    interests: list[list[str]] = [[] for _ in months]
    chains: dict[int, dict[int, str]] = _listed(history, hours) if universes else {}
    columns = (history.open, history.high, history.low, history.close)
    values = zip(*(column.tolist() for column in columns), strict=True)
    volumes, oi = history.volume.tolist(), history.open_interest.tolist()
    for i, (opening, high, low, close) in enumerate(values):
        day, contract = days[i], contracts[i]
        last = number(close)
        if opening == high == low == close and close:
            prices = f"{last},{last},{last},{last}"
        else:
            prices = f"{number(opening)},{number(high)},{number(low)},{last}"
        volume = number(volumes[i]) if volumes[i] == volumes[i] else str(nominal)
        interest = number(oi[i]) if oi[i] == oi[i] else ""
        trades[contract].append(f"{rows[day]},{prices},{volume}")
        if interest:
            interests[contract].append(f"{stamps[day]} 00:00,{interest}")
        if universes:
            chains[day][contract] = f"{months[contract]},{prices},{volume},{interest}"
    names = [calendar.entry_month(month) for month in months]
    for kind, lists in (("trade", trades), ("openinterest", interests)):
        entries = [
            (zip_entry(root, kind, name), "\n".join(rows_of) + "\n")
            for name, rows_of in zip(names, lists, strict=True)
            if rows_of
        ]
        if entries:
            writer.write_zip(future_path(market, kind, root), entries)
    base = future_path(market, "universe", root)
    for day, chain in chains.items():
        lines = [UNIVERSE_HEADER, *(chain[contract] for contract in sorted(chain))]
        name = f"{from_epoch_day(day):%Y%m%d}.csv"
        writer.write(f"{base}/{name}", ("\n".join(lines) + "\n").encode())


def _listed(history: MarketHistory, hours: MarketHours) -> dict[int, dict[int, str]]:
    """Chain lines by session and contract, without prices, of every listed contract.

    A contract is listed from the session before its first bar to its last one. LEAN takes up the
    chain file of a session at the next one: without a line on the eve, or in a gap, it would not
    be subscribed in time and miss a bar. The market's first session gets an eve of its own.
    """
    days = np.unique(history.day)
    eve = int(days[0]) - 1
    while not hours.is_trading_day(from_epoch_day(eve)):
        eve -= 1
    sessions = np.concatenate(([eve], days))
    position = np.searchsorted(sessions, history.day)
    chains: dict[int, dict[int, str]] = {day: {} for day in sessions.tolist()}
    for contract, month in enumerate(history.contract_month.tolist()):
        held = position[history.contract == contract]
        for day in sessions[max(int(held[0]) - 1, 0) : int(held[-1]) + 1].tolist():
            chains[day][contract] = f"{month},,,,,,"
    return chains


def _write_schedule(
    writer: FolderWriter, history: MarketHistory, calendar: ContractCalendar
) -> int:
    market, root = history.instrument.market, history.instrument.code
    factors, unknown = factor_file(history, calendar)
    writer.write(future_path(market, "map", root), map_file(history).encode())
    writer.write(future_path(market, "factor", root), factors.encode())
    return unknown


def _write_margins(writer: FolderWriter, history: MarketHistory, margins: Path | None) -> str:
    relative = future_path(history.instrument.market, "margin", history.instrument.code)
    if margins is not None and (margins / relative).is_file():
        writer.copy(margins / relative, relative)
        return "copied"
    writer.write(relative, estimate_margins(history).encode())
    return "estimated"


def _forex_entry(pair: str, history: FxHistory) -> tuple[str, str]:
    """Quote bars, dated the day before: LEAN delivers row D at 19:00 or 20:00 New York time on D.

    The rate of session D is thus the one in force when the strategy decides after D's close.
    """
    inverse = pair.startswith(ACCOUNT_CURRENCY)
    lines = []
    for day, rate in zip(history.day.tolist(), history.rate.tolist(), strict=True):
        text = number(rate)
        if inverse:
            text = format(_QUOTE_DIGITS.divide(Decimal(1), Decimal(rate)), "f")
        prices = f"{text},{text},{text},{text},0"
        lines.append(f"{from_epoch_day(day - 1):%Y%m%d} 00:00,{prices},{prices}")
    return f"{pair.lower()}.csv", "\n".join(lines) + "\n"


def _counts(report: MarketReport, margin: str) -> dict[str, object]:
    return {
        "bars": report.bars,
        "contracts": report.contracts,
        "rolls": report.rolls,
        "dropped": report.dropped,
        "margin": margin,
    }
