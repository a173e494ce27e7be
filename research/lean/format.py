"""LEAN's on-disk conventions for daily futures data: names, numbers, identifiers and contracts.

Facts of the format were read from LEAN's source (QuantConnect/Lean, Apache-2.0) and confirmed by
running its engine on folders written with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Final

from research.data.errors import DataError
from research.data.files import read_rows, read_text
from research.lean.hours import MarketHours
from universe.arrays import from_epoch_day, to_epoch_day
from universe.expiry import KNOWN_RULES, last_trade_date
from universe.instruments import Instrument

MARKET_CODES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "nymex": 7,
        "cbot": 8,
        "ice": 9,
        "india": 11,
        "comex": 22,
        "cme": 23,
        "sgx": 24,
        "hkfe": 25,
        "nyseliffe": 26,
        "cfe": 33,
        "eurex": 40,
        "ose": 41,
        "krx": 43,
    }
)
"""Number of each futures market inside a security identifier."""

MAPPING_MODES: Final = (0, 1, 2, 3)
"""LAST_TRADING_DAY, FIRST_DAY_MONTH, OPEN_INTEREST, OPEN_INTEREST_ANNUAL."""

OPEN_INTEREST: Final = 2
"""LEAN's default mapping mode."""

MAP_END: Final = date(2050, 12, 31)
"""Date of the last map and factor rows, as in the files LEAN ships."""

HOURS_FILE: Final = "market-hours/market-hours-database.json"
PROPERTIES_FILE: Final = "symbol-properties/symbol-properties-database.csv"
INTEREST_FILE: Final = "alternative/interest-rate/usa/interest-rate.csv"
MARKER_FILE: Final = "export.json"
UNIVERSE_HEADER: Final = "#expiry,open,high,low,close,volume,open_interest"

_FIRST_YEAR: Final = 1900
_MONTH_CODES: Final = "FGHJKMNQUVXZ"
_CYCLES: Final = {
    "FHJKQUVX": "GF",
    "FHKNQUVZ": "ZL ZM",
    "FHKNQUX": "ZS",
    "FHKNUX": "LBR LBS OJ",
    "GJKMNQVZ": "HE",
    "GJMQVZ": "IBV LE MGC",
    "HKNUZ": "CC KC KE ZC ZO ZW",
    "HKNV": "SB YO",
    "HKNVZ": "CT",
    "HMUZ": (
        "6N 6S ACD AJY ANE AW BIO CJY DX E3G E7 EAD ECD EI EMD ENY ES ESG ESK F1U FDAX FDIV FDXM"
        " FDXS FESX FSDX FSMX FT1 FTDX FTU J7 KM M2K M6A M6B M6C M6E M6J M6S MCD MES MJY MNQ MSF"
        " MYM NKD NQ RS1 RTY RX TN TPD TPY UB YM ZB ZF ZN ZT"
    ),
    "Z": "SDA",
}
_CYCLE_OF: Final = {root: cycle for cycle, roots in _CYCLES.items() for root in roots.split()}
_MONTHS_AFTER_EXPIRY: Final = {
    root: months
    for months, roots in {1: "A9N AE5 AYV CL HCL HH HO HP HTT MCL NG RB SB YO", 2: "B BZ"}.items()
    for root in roots.split()
}

_OLE_EPOCH = to_epoch_day(date(1899, 12, 30))
_SID_DATE = 10**14  # option style, strike and scale, market and type lie below the date
_SID_MARKET, _SID_FUTURE = 100, 5
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_MAX_DIGITS = 18  # LEAN accumulates the digits of a number in a signed 64-bit integer


def future_path(market: str, kind: str, root: str) -> str:
    """Path of a market's file below the data folder.

    Parameters
    ----------
    market, root : str
        LEAN market and ticker.
    kind : str
        "trade", "openinterest", "map", "factor", "margin" or "universe" (a folder).
    """
    base, low = f"future/{market.lower()}", root.lower()
    return {
        "trade": f"{base}/daily/{low}_trade.zip",
        "openinterest": f"{base}/daily/{low}_openinterest.zip",
        "map": f"{base}/map_files/{low}.csv",
        "factor": f"{base}/factor_files/{low}.csv",
        "margin": f"{base}/margins/{root.upper()}.csv",
        "universe": f"{base}/universes/{low}",
    }[kind]


def zip_entry(root: str, kind: str, month: int) -> str:
    """Name of a contract's csv inside its zip; ``kind`` is "trade" or "openinterest"."""
    return f"{root.lower()}_{kind}_{month}.csv"


def forex_path(pair: str) -> str:
    """Path of a currency pair's daily quote bars; the one csv inside is ``<pair>.csv``."""
    return f"forex/oanda/daily/{pair.lower()}.zip"


def number(value: float) -> str:
    """Shortest plain decimal that reads back as the same double.

    Raises
    ------
    DataError
        If the value is not finite, or needs more digits than LEAN's parser holds (18).
    """
    text = repr(float(value))
    if "e" in text or "n" in text:
        if "n" in text:
            raise DataError(f"{text} cannot be written to a LEAN file; a finite number is needed")
        text = format(Decimal(text), "f")
        if len(text.lstrip("-0.").replace(".", "")) > _MAX_DIGITS or len(text) > _MAX_DIGITS + 10:
            raise DataError(f"{text} has more digits than LEAN can read ({_MAX_DIGITS})")
    return text.removesuffix(".0")


def sid(root: str, market: str, expiry: int) -> str:
    """Security identifier of a futures contract, as in map files: ``es uik2f7cj4v0h``.

    Parameters
    ----------
    root, market : str
    expiry : int
        Last trade date as epoch day.

    Raises
    ------
    DataError
        If LEAN has no such futures market.
    """
    code = MARKET_CODES.get(market.lower())
    if code is None:
        known = ", ".join(sorted(MARKET_CODES))
        raise DataError(f"LEAN has no futures market {market!r}; known are {known}")
    value = (expiry - _OLE_EPOCH) * _SID_DATE + code * _SID_MARKET + _SID_FUTURE
    digits = []
    while value:
        value, digit = divmod(value, 36)
        digits.append(_BASE36[digit])
    return f"{root.lower()} {''.join(reversed(digits))}"


def sid_expiry(text: str) -> int:
    """Last trade date (epoch day) inside a futures contract's security identifier.

    Raises
    ------
    ValueError
        If ``text`` is not "<root> <base 36 number>" of a future.
    """
    value = int(text.split(" ")[1] if " " in text else "?", 36)
    if value % _SID_MARKET != _SID_FUTURE:
        raise ValueError(f"{text!r} is not the identifier of a future")
    return value // _SID_DATE + _OLE_EPOCH


@dataclass(frozen=True, slots=True)
class SymbolProperties:
    """A row of LEAN's symbol-properties database.

    Attributes
    ----------
    market, symbol, kind : str
        ``kind`` is the security type ("future", "forex").
    currency : str
        Quote currency.
    multiplier, tick, magnifier : float
        Contract multiplier, minimum price variation, price magnifier (100: LEAN holds dollars
        where the exchange quotes cents).
    """

    market: str
    symbol: str
    kind: str
    currency: str
    multiplier: float
    tick: float
    magnifier: float


def read_symbol_properties(path: Path) -> dict[tuple[str, str, str], SymbolProperties]:
    """LEAN's symbol-properties database by (market, symbol, security type).

    Raises
    ------
    DataError
        If the file is missing, has no rows, or a row is malformed (with its line number).
    """
    rows: dict[tuple[str, str, str], SymbolProperties] = {}
    text = read_text(path, "LEAN's symbol-properties database")
    for line, row in enumerate(read_rows(path, text), start=1):
        if line == 1 or not row or row[0].startswith("#") or not "".join(row).strip():
            continue
        try:
            market, symbol, kind = (row[i].strip() for i in range(3))
            magnifier = row[10].strip() if len(row) > 10 else ""
            rows[market, symbol, kind] = SymbolProperties(
                market, symbol, kind, row[4], float(row[5]), float(row[6]), float(magnifier or 1)
            )
        except (ValueError, IndexError):
            raise DataError(
                f"{path}, line {line}: malformed row; expected market, symbol, type, description,"
                " currency, multiplier, minimum price variation, ..."
            ) from None
    if not rows:
        raise DataError(f"{path}: no rows; expected LEAN's symbol-properties database")
    return rows


class ContractCalendar:
    """The contracts of one market as LEAN knows them.

    LEAN's expiry functions take any month and answer for the next listed one, and its files name a
    contract after the month of its expiry plus a fixed number of months. A contract outside the
    market's cycle therefore does not exist in LEAN, whatever the exchange once listed.

    Parameters
    ----------
    instrument : Instrument
    hours : MarketHours
        Whose holidays and bank holidays the expiry rule respects.

    Raises
    ------
    DataError
        If the instrument's expiry rule is unknown.
    """

    def __init__(self, instrument: Instrument, hours: MarketHours) -> None:
        if instrument.expiry_rule not in KNOWN_RULES:
            raise DataError(
                f"{instrument.code}: unknown expiry rule {instrument.expiry_rule!r}; expected one"
                " of universe.expiry.KNOWN_RULES"
            )
        self._rule = instrument.expiry_rule
        self._holidays = hours.expiry_holidays
        self._cycle = _CYCLE_OF.get(instrument.code, _MONTH_CODES)
        self._shift = _MONTHS_AFTER_EXPIRY.get(instrument.code, 0)
        self._expiry: dict[int, int] = {}

    def lists(self, month: int) -> bool:
        """Whether LEAN has a contract of this month (yyyymm)."""
        year, number_of_month = divmod(month, 100)
        return (
            _FIRST_YEAR <= year <= MAP_END.year
            and 1 <= number_of_month <= len(_MONTH_CODES)
            and _MONTH_CODES[number_of_month - 1] in self._cycle
        )

    def expiry(self, month: int) -> int:
        """LEAN's last trade date of a contract, epoch day."""
        known = self._expiry.get(month)
        if known is None:
            day = last_trade_date(self._rule, month // 100, month % 100, self._holidays)
            known = self._expiry[month] = to_epoch_day(day)
        return known

    def entry_month(self, month: int) -> int:
        """Month (yyyymm) in the names of a contract's files."""
        day = from_epoch_day(self.expiry(month))
        return _add_months(100 * day.year + day.month, self._shift)

    def of_entry(self, entry_month: int) -> int | None:
        """Contract month behind a month in a file name, or None if LEAN has no such contract."""
        for later in (0, 1):
            month = _add_months(entry_month, later)
            if self.lists(month) and self.entry_month(month) == entry_month:
                return month
        return None

    def next_month(self, month: int) -> int:
        """The listed contract after this one: LEAN's depth offset 1 (Symbol.AdjustSymbolByOffset).

        It is the next one of the exchange's whole cycle, however illiquid.
        """
        later = month
        while True:
            later = _add_months(later, 1)
            if self.lists(later) and self.expiry(later) > self.expiry(month):
                return later
            if later // 100 > month // 100 + 1:
                raise DataError(f"no contract follows {month} in the market's cycle")


def _add_months(month: int, count: int) -> int:
    index = 12 * (month // 100) + month % 100 - 1 + count
    return 100 * (index // 12) + index % 12 + 1
