"""What LEAN would pass over in silence: files that are missing or cut off, found before a run.

LEAN leaves a market untraded without a word where its bars cannot be read, where it has no chain or
no exchange rate, and an empty folder completes with no orders. Nothing here runs the engine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from research.data.errors import DataError
from research.data.files import read_zip
from research.lean.folder import read_marker
from research.lean.format import (
    HOURS_FILE,
    PROPERTIES_FILE,
    SymbolProperties,
    forex_path,
    future_path,
    read_symbol_properties,
)
from research.lean.hours import MarketHoursDatabase
from research.lean.view import ACCOUNT_CURRENCY, currency_pair
from universe.instruments import Instrument, InstrumentMaster

Properties = dict[tuple[str, str, str], SymbolProperties]

SLACK = timedelta(days=14)
"""Chains may begin so much later, and end so much earlier, than bars: a market's longest gap."""

_STAMP = re.compile(r"^(\d{8})", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something LEAN says nothing of.

    Attributes
    ----------
    market : str
        Code; empty for the folder as a whole.
    text : str
        What is wrong, and what comes of it.
    untraded : bool
        Whether LEAN leaves the market, or all, untraded; else it trades under a false assumption.
    """

    market: str
    text: str
    untraded: bool = True

    def __str__(self) -> str:
        return f"{self.market}: {self.text}" if self.market else self.text


def expected_markets(folder: Path, master: InstrumentMaster) -> list[Instrument]:
    """Markets of a LEAN data folder: those with bars, and those its export record names.

    Parameters
    ----------
    folder : Path
    master : InstrumentMaster

    Returns
    -------
    list of Instrument
        In the order of their codes.
    """
    record = read_marker(folder) or {}
    exported = set(record.get("markets", ()))
    return sorted(
        (one for one in master if one.code in exported or (folder / _path(one, "trade")).is_file()),
        key=lambda one: one.code,
    )


def check_folder(
    folder: Path,
    instruments: Sequence[Instrument],
    start: date = date.min,
    end: date = date.max,
    progress: Callable[[int, int, str], None] | None = None,
) -> list[Finding]:
    """Look at every file that LEAN needs of some markets.

    Parameters
    ----------
    folder : Path
        LEAN data folder.
    instruments : sequence of Instrument
        Markets that are to be traded.
    start, end : date
        Of the run.
    progress : callable, optional
        Called with (markets done, markets in all, code) after each market.

    Returns
    -------
    list of Finding
        Those of the folder first, then by market.
    """
    if not folder.is_dir():
        return [Finding("", f"{folder}: the LEAN data folder is missing")]
    out: list[Finding] = []
    properties: Properties = {}
    try:
        MarketHoursDatabase(folder / HOURS_FILE)
        properties = read_symbol_properties(folder / PROPERTIES_FILE)
    except DataError as error:
        out.append(Finding("", str(error)))
    if not instruments:
        out.append(Finding("", f"{folder}: no daily bars of any market; LEAN would order nothing"))
    rates: dict[str, str] = {}
    for done, one in enumerate(instruments, start=1):
        if one.currency not in rates:
            rates[one.currency] = _rate_fault(folder, one.currency, properties)
        out += _market_findings(folder, one, start, end)
        if rates[one.currency]:
            out.append(Finding(one.code, f"{rates[one.currency]}: its orders are refused"))
        if progress is not None:
            progress(done, len(instruments), one.code)
    return out


def untraded(findings: Iterable[Finding]) -> set[str]:
    """Codes of the markets that LEAN would leave untraded."""
    return {finding.market for finding in findings if finding.untraded}


def _path(instrument: Instrument, kind: str) -> str:
    return future_path(instrument.market, kind, instrument.code)


def _market_findings(folder: Path, one: Instrument, start: date, end: date) -> list[Finding]:
    exchange = folder / "future" / one.market.lower()
    if not exchange.is_dir():
        return [Finding(one.code, f"the exchange's folder {exchange} is missing")]
    try:
        days = _bar_days(folder / _path(one, "trade"), f"the trade bars of {one.code}")
    except DataError as error:
        return [Finding(one.code, str(error))]
    traded = sorted(day for day in days if f"{start:%Y%m%d}" <= day <= f"{end:%Y%m%d}")
    if not traded:
        span = f"they are from {min(days)} to {max(days)}" if days else "there is none"
        return [Finding(one.code, f"no bar between {start} and {end}; {span}")]
    out = _chain_findings(folder, one, traded)
    if not (folder / _path(one, "map")).is_file():
        text = f"{folder / _path(one, 'map')} is missing: rolls follow the calendar alone"
        out.append(Finding(one.code, text, untraded=False))
    if not (folder / _path(one, "margin")).is_file():
        text = f"{folder / _path(one, 'margin')} is missing: LEAN asks for no margin"
        out.append(Finding(one.code, text, untraded=False))
    return out


def _bar_days(path: Path, what: str) -> set[str]:
    """Dates (yyyymmdd) of all rows of a zip, which is read to its end."""
    days: set[str] = set()
    for _, text in read_zip(path, what):
        days.update(_STAMP.findall(text))
    return days


def _chain_findings(folder: Path, one: Instrument, traded: list[str]) -> list[Finding]:
    chains = folder / _path(one, "universe")
    there = sorted(path.stem for path in chains.glob("*.csv")) if chains.is_dir() else []
    if not there:
        return [Finding(one.code, f"{chains} has no chain files: LEAN subscribes no contract")]
    first, last = _day(traded[0]), _day(traded[-1])
    begin, finish = _day(there[0]), _day(there[-1])
    if begin > last or finish < first:
        text = (
            f"the chains in {chains} are from {begin} to {finish}, its bars from {first} to {last}"
        )
        return [Finding(one.code, f"{text}: LEAN subscribes no contract")]
    if begin > first + SLACK or finish < last - SLACK:
        text = (
            f"the chains in {chains} are from {begin} to {finish}, its bars from {first} to {last}"
        )
        return [Finding(one.code, f"{text}: LEAN trades only where both are", untraded=False)]
    return []


def _day(stamp: str) -> date:
    return date(int(stamp[:4]), int(stamp[4:6]), int(stamp[6:8]))


def _rate_fault(folder: Path, currency: str, properties: Properties) -> str:
    """What is wrong with the exchange rate of a currency, empty if nothing is."""
    if currency == ACCOUNT_CURRENCY or not properties:
        return ""
    pair = currency_pair(currency, properties)
    if pair is None:
        return f"no pair converts {currency} into {ACCOUNT_CURRENCY}"
    try:
        days = _bar_days(folder / forex_path(pair), f"the quote bars of {pair}")
    except DataError as error:
        return str(error)
    return "" if days else f"{folder / forex_path(pair)} has no row"
