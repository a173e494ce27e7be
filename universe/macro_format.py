"""Names of macro series and their text layout, the same for LEAN's custom data and for research.

A row ``yyyymmdd,value`` says what was known at the close of that day: the day is the one on which
the value became public, not the one it describes, so that a reader needs no publication lags.

Rates of one tenor are compared across currencies, so their files must be of the same kind. The
named ``usd.3m`` is a Treasury bill and ``eur.3m`` an interbank rate: good for financing at home,
but between the two lies the TED spread, which is no carry. For the carry of currencies give all of
them interbank or all of them bill rates, or leave the three months out and give overnight rates.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

from universe.arrays import from_epoch_day, to_epoch_day
from universe.curves import TENORS

DATA_FOLDER: Final = "alternative/trend-carry/macro"
"""Where the series are below a LEAN data folder."""

STORE_FOLDER: Final = "trend-carry/macro"
"""Where they are in the ObjectStore."""

VIX_MONTHS: Final = 8

_NAME = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")
_TENOR = re.compile(rf"[a-z]{{3}}(\.[a-z]{{2}})?\.({'|'.join(TENORS)})")
_VOLATILITY = re.compile(r"v2x\.(spot|m[1-8](\.days)?)")
_DIVIDEND = re.compile(r"[a-z0-9]+\.dividend_yield")
_STAMP = re.compile(r"[0-9]{8}")


@dataclass(frozen=True, slots=True)
class SeriesInfo:
    """What a series is.

    Attributes
    ----------
    unit : str
        "fraction a year", "points" (VIX: annualised volatility in per cent), "calendar days",
        "fraction", "ratio", "issues" or "index points".
    lag : int
        Business days from the day a value describes to the one on which it is public before the
        decision: 1 for rates that are published the next morning or afternoon, 2 for FRED's spreads
        over Moody's yields (measured on its vintages), 0 for prices.
    low, high : float
        Plausible values, in the unit; anything outside is a wrong file or a wrong unit.
    source : str
        What the number is and who publishes it.
    months : int
        Of a series by months or years, instead of ``lag``: months between the one that a value is
        dated in and the one at whose end it counts; 0 for the others.
    """

    unit: str
    lag: int
    low: float
    high: float
    source: str
    months: int = 0


def _rate(source: str, high: float = 0.30, lag: int = 1) -> SeriesInfo:
    return SeriesInfo("fraction a year", lag, -0.05, high, source)


def _issues(what: str) -> SeriesInfo:
    return SeriesInfo("issues", 0, 0, 20_000, f"{what} issues on the NYSE, a day")


def _vix_months() -> dict[str, SeriesInfo]:
    table = {}
    for month in range(1, VIX_MONTHS + 1):
        name = f"vix.m{month}"
        table[name] = SeriesInfo("points", 0, 5, 150, f"VX settlement, month {month} alive, Cboe")
        table[f"{name}.days"] = SeriesInfo(
            "calendar days", 0, 1, 400, f"days to the expiry of the contract behind {name}"
        )
    return table


_TREASURY = "constant-maturity par yield of the {} US Treasury, Federal Reserve H.15 (FRED {})"

SERIES: Final[Mapping[str, SeriesInfo]] = MappingProxyType(
    {
        "usd.overnight": _rate("effective federal funds rate, act/360, New York Fed (FRED EFFR)"),
        "usd.3m": _rate("3-month US Treasury bill, bond-equivalent, from H.15 (FRED DTB3)"),
        **{
            f"usd.{years}y": _rate(_TREASURY.format(f"{years}-year", f"DGS{years}"))
            for years in (2, 5, 10, 30)
        },
        "eur.3m": _rate("3-month EURIBOR, act/360, EMMI"),
        "usd.ted": _rate("3-month LIBOR less the bill, to 2022-01 (FRED TEDRATE)"),
        "usd.sofr": _rate("secured overnight financing rate, New York Fed (FRED SOFR)"),
        "credit.spread": _rate(
            "Moody's Baa yield less the 10-year Treasury's (FRED BAA10Y)", lag=2
        ),
        "credit.hy": _rate("US high-yield option-adjusted spread, ICE BofA (FRED BAMLH0A0HYM2)"),
        "vix.spot": SeriesInfo("points", 0, 5, 150, "Cboe VIX index, close"),
        "vix.3m": SeriesInfo("points", 0, 5, 150, "Cboe three-month VIX index, close"),
        **_vix_months(),
        "breadth.us": SeriesInfo(
            "fraction", 0, 0, 1, "share of US stocks above their mean of 200 days (MMTH)"
        ),
        "breadth.advances": _issues("advancing"),
        "breadth.declines": _issues("declining"),
        "sentiment.us": SeriesInfo(
            "index points", 0, 20, 200, "consumer sentiment, Michigan (FRED UMCSENT)", months=1
        ),
        "eur.eonia": _rate("euro overnight index average, ECB, here to 2014-03"),
        "eur.estr": _rate("euro short-term rate, ECB, from 2019-10, successor of EONIA"),
        "eur.euribor": _rate("3-month EURIBOR, first fixing of a month, EMMI", lag=5),
        "eur.dividend_price": SeriesInfo(
            "fraction",
            0,
            0,
            0.3,
            "dividends of a year over prices at its end, mean of DE, FR, IT, ES and NL (Jorda, "
            "Schularick and Taylor's macrohistory database)",
            months=6,
        ),
        "us.cape": SeriesInfo(
            "ratio",
            0,
            1,
            100,
            "S&P 500 over ten years' mean real earnings (Shiller); earnings are known months later",
            months=6,
        ),
        "v2x.front": SeriesInfo(
            "points", 0, 5, 150, "VSTOXX of the front expiry (sub-index V6I1), STOXX, close"
        ),
        "sx5e.price": SeriesInfo("index points", 0, 100, 1e5, "EURO STOXX 50 price index, close"),
        "spx.price": SeriesInfo("index points", 0, 1, 1e6, "S&P 500 price index, close"),
        "conditions.us": SeriesInfo(
            "index points",
            3,
            -5,
            10,
            "national financial conditions, Chicago Fed (NFCI), of a vintage",
        ),
    }
)
"""The series with a name of their own; ``series_info`` also knows the families."""

FAMILIES: Final = (
    "<currency>[.<country>].<overnight|1m ... 30y>, v2x.<as vix>, <market code>.dividend_yield"
)

_OTHER_RATE = _rate("interest rate of another currency", high=1.0)
_DIVIDEND_YIELD = _rate("gross dividend yield of the index behind a futures market")


def series_info(name: str) -> SeriesInfo:
    """What the series of a name is.

    Raises
    ------
    ValueError
        If there is no such series.
    """
    if name in SERIES:
        return SERIES[name]
    if _DIVIDEND.fullmatch(name):
        return _DIVIDEND_YIELD
    if _TENOR.fullmatch(name):
        return _OTHER_RATE
    if _VOLATILITY.fullmatch(name):
        return SERIES[name.replace("v2x", "vix")]
    raise ValueError(
        f"{name!r} is no macro series; known are {', '.join(SERIES)} and {FAMILIES} (lower case)"
    )


def valid_name(name: str) -> bool:
    """Whether a name is made of lower-case letters, digits and underscores, joined by dots."""
    return _NAME.fullmatch(name) is not None


def file_name(name: str) -> str:
    """File of a series: ``usd.10y.csv``.

    Raises
    ------
    ValueError
        If the name is not valid.
    """
    _check_name(name)
    return f"{name}.csv"


def object_store_key(name: str) -> str:
    """ObjectStore key of a series: ``trend-carry/macro/usd-10y.csv``.

    The store takes keys with one dot only (LEAN's LocalObjectStore); no name has a hyphen.

    Raises
    ------
    ValueError
        If the name is not valid.
    """
    _check_name(name)
    return f"{STORE_FOLDER}/{name.replace('.', '-')}.csv"


def name_of_ticker(ticker: str) -> str:
    """Name of the series behind a LEAN ticker, which LEAN turns into upper case."""
    return ticker.lower()


def format_line(epoch_day: int, value: float) -> str:
    """A row without line break, whose value reads back as the same double.

    Raises
    ------
    ValueError
        If the value is not finite.
    """
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot be a macro value; a finite number is needed")
    return f"{from_epoch_day(epoch_day):%Y%m%d},{float(value)!r}"


def parse_line(text: str) -> tuple[int, float] | None:
    """Day known (epoch day) and value of a row, None for a blank line or a comment.

    Raises
    ------
    ValueError
        If the row is not ``yyyymmdd,value`` with a finite value.
    """
    row = text.strip().removeprefix("\ufeff")
    if not row or row.startswith("#"):
        return None
    stamp, _, number = row.partition(",")
    try:
        if not _STAMP.fullmatch(stamp) or "_" in number:
            raise ValueError
        day = to_epoch_day(date(int(stamp[:4]), int(stamp[4:6]), int(stamp[6:])))
        value = float(number)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(
            f"macro row {row!r}: expected yyyymmdd,value with a finite value,"
            " such as 19620103,0.0406"
        )
    return day, value


def parse_row(name: str, text: str) -> tuple[int, float] | None:
    """As ``parse_line``, of a series that is named and with a value that it can have.

    Raises
    ------
    ValueError
        As ``parse_line`` and ``series_info``, or for a value outside the series' range.
    """
    row = parse_line(text)
    if row is not None:
        info = series_info(name)
        if not info.low <= row[1] <= info.high:
            raise ValueError(
                f"macro row {text.strip()!r} of {name}: allowed are {info.low:g} to {info.high:g}"
                f" ({info.unit})"
            )
    return row


def _check_name(name: str) -> None:
    if not valid_name(name):
        raise ValueError(
            f"{name!r} is no name of a macro series; allowed are lower-case letters, digits and"
            " underscores, joined by dots, such as usd.10y"
        )
