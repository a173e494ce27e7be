"""The single files of a pysystemtrade data folder, read into arrays in LEAN's quote."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd

from research.data.bar_findings import believed_rates
from research.data.checks import stands_for_none
from research.data.contract_quotes import Snapshots
from research.data.csv_tables import DatedTable, is_weekend, last_of_day, read_dated_csv
from research.data.dataset import FxHistory
from research.data.errors import DataError
from research.data.files import is_there, read_bytes
from research.data.issue_log import IssueLog
from universe.arrays import BoolArray, FloatArray, IntArray
from universe.counts import count_text
from universe.instruments import Instrument

MULTIPLE, ADJUSTED = "multiple_prices_csv", "adjusted_prices_csv"
FX, CONFIG = "fx_prices_csv", "csvconfig"

_SERIES = ("PRICE", "CARRY", "FORWARD")
_DATE = "DATETIME"
_FIRST_YEAR, _LAST_YEAR = 1900, 2200


@dataclass(frozen=True, slots=True)
class Source:
    """One market's files, and where findings about them go."""

    instrument: Instrument
    multiple: Path
    adjusted: Path
    log: IssueLog


def read_snapshots(source: Source, last_day: int) -> Snapshots | None:
    """Usable rows of a multiple-prices file.

    Parameters
    ----------
    source : Source
    last_day : int
        Later rows are ignored.

    Returns
    -------
    Snapshots or None
        Prices in LEAN's quote; None if all rows are later.

    Raises
    ------
    DataError
        If the file cannot be read or none of its rows is usable.
    """
    log, code = source.log, source.instrument.code
    columns = [*_SERIES, *(f"{name}_CONTRACT" for name in _SERIES)]
    table = read_dated_csv(source.multiple, code, _DATE, columns, log)
    known = table.day <= last_day
    day = table.day[known]
    price = np.stack([table.columns[name][known] for name in _SERIES])
    month = np.stack([table.columns[f"{name}_CONTRACT"][known] for name in _SERIES])
    month = _parse_contracts(month, day, source)
    price = _check_prices(price, day, source)
    priced = np.isfinite(price[0]) & (month[0] > 0)
    log.add_days(code, "no price", day[~priced], "row without usable PRICE and contract: dropped")
    weekend = is_weekend(day)
    log.add_days(code, "weekend", day[weekend], "row dated on a weekend: dropped")
    keep = priced & ~weekend
    if not keep.any():
        if not known.all():
            return None
        raise DataError(
            f"{source.multiple}: none of the {count_text(len(day), 'row')} is usable; "
            "expected weekdays with a "
            "PRICE and a PRICE_CONTRACT (yyyymm00)"
        )
    day, price, month = day[keep], price[:, keep], month[:, keep]
    log.add_days(
        code, "duplicate", day[~last_of_day(day)], "several snapshots of a day: the last one counts"
    )
    return Snapshots(day, price * source.instrument.source_scale, month)


def _parse_contracts(contract: FloatArray, day: IntArray, source: Source) -> IntArray:
    """Contract months yyyymm of ids yyyymm00, 0 where missing or invalid."""
    given = np.isfinite(contract)
    number = np.where(given, contract, 0.0)
    whole = number.astype(np.int64)
    month = whole // 100
    valid = given & (whole == number) & (whole % 100 == 0)
    valid &= (month // 100 >= _FIRST_YEAR) & (month // 100 < _LAST_YEAR)
    valid &= (month % 100 >= 1) & (month % 100 <= 12)
    source.log.add_days(
        source.instrument.code,
        "bad contract",
        day[(given & ~valid).any(axis=0)],
        "contract id is not yyyymm00: its price is dropped",
    )
    return np.where(valid, month, 0)


def _check_prices(price: FloatArray, day: IntArray, source: Source) -> FloatArray:
    """Prices without zeros and signs for "none"; negative ones stay and are reported."""
    code, log, tick = source.instrument.code, source.log, source.instrument.tick
    none = stands_for_none(price, tick / source.instrument.source_scale)
    log.add_days(code, "no price", day[none.any(axis=0)], "price that stands for none: dropped")
    price = np.where(none, np.nan, price)
    zero = price == 0
    log.add_days(code, "zero price", day[zero.any(axis=0)], "price of 0: dropped")
    negative = price < 0
    log.add_days(code, "negative price", day[negative.any(axis=0)], "price below 0: kept")
    return np.where(zero, np.nan, price)


def read_adjusted(source: Source, last_day: int) -> DatedTable | None:
    """The back-adjusted series: one row per weekday, column "price" in LEAN's quote.

    Returns None if all usable rows are later than ``last_day``; raises :class:`DataError` like
    :func:`read_snapshots`.
    """
    table = _read_series(
        source.adjusted,
        source.instrument.code,
        (_DATE, "price"),
        last_day,
        source.log,
        weekends=False,
    )
    if table is None:
        return None
    return DatedTable(table.day, {"price": table.columns["price"] * source.instrument.source_scale})


def align(series: DatedTable | None, sessions: IntArray) -> FloatArray:
    """Column "price" on the given days, NaN where the series has no row."""
    level = np.full(len(sessions), np.nan)
    if series is not None:
        row = np.minimum(np.searchsorted(series.day, sessions), len(series.day) - 1)
        found = series.day[row] == sessions
        level[found] = series.columns["price"][row[found]]
    return level


def read_fx(
    folder: Path, last_day: int, log: IssueLog, date_column: str = _DATE, column: str = "PRICE"
) -> dict[str, FxHistory]:
    """The dollar value of one unit by currency, from a folder of files like ``EURUSD.csv``.

    Rates of zero or below are dropped, and those that the quality gate does not believe; those of a
    weekend are kept: they fill no session, they only value it.
    """
    rates = {}
    for path in sorted(folder.glob("???USD.csv")):
        currency = path.stem[:3]
        table = _read_series(path, currency, (date_column, column), last_day, log, weekends=True)
        if table is None:
            continue
        rate = table.columns[column]
        positive = rate > 0
        log.add_days(currency, "bad rate", table.day[~positive], "rate not positive: dropped")
        day, rate = table.day[positive], rate[positive]
        rates[currency] = FxHistory(currency, day, rate)
    return believed_rates(rates, log)


def _read_series(
    path: Path,
    market: str,
    columns: tuple[str, str],
    last_day: int,
    log: IssueLog,
    *,
    weekends: bool,
) -> DatedTable | None:
    date_column, column = columns
    table = read_dated_csv(path, market, date_column, [column], log)
    known = table.day <= last_day
    day, values = table.day[known], table.columns[column][known]
    given = np.isfinite(values)
    log.add_days(market, "no price", day[~given], f"{path.parent.name} without a value: dropped")
    keep: BoolArray = given if weekends else given & ~is_weekend(day)
    if not weekends:
        dropped = day[given & ~keep]
        log.add_days(market, "weekend", dropped, f"{path.parent.name} on a weekend: dropped")
    if not keep.any():
        if not known.all():
            return None
        raise DataError(
            f"{path}: none of the {count_text(len(day), 'row')} is usable; expected a {column}"
        )
    day, values = day[keep], values[keep]
    last = last_of_day(day)
    log.add_days(
        market, "duplicate", day[~last], f"{path.parent.name} twice on a day: the last one counts"
    )
    return DatedTable(day[last], {column: values[last]})


def read_spread_costs(path: Path, log: IssueLog) -> dict[str, float]:
    """Spread cost by source name, only to be compared with the prices; empty without the file."""
    if not is_there(path, "a table of spread costs"):
        log.add("all", "no spread costs", f"{path.parent.name}/{path.name} missing: not compared")
        return {}
    try:
        content = BytesIO(read_bytes(path, "a table of spread costs"))
        frame = pd.read_csv(content, usecols=["Instrument", "SpreadCost"])
        cost = frame["SpreadCost"].to_numpy(dtype=np.float64)
    except DataError:
        raise
    except ValueError as error:
        raise DataError(
            f"{path}: not a table of spread costs ({error}); expected a CSV with the columns "
            "Instrument, SpreadCost"
        ) from error
    return dict(zip(frame["Instrument"].astype(str), cost.tolist(), strict=True))
