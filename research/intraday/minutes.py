"""Minute trades and quotes of LEAN's data folder, one session of one contract."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from execution.session_minutes import session_minutes
from research.data.errors import DataError
from universe.arrays import FloatArray, IntArray, to_epoch_day
from universe.instruments import Instrument

DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class SessionBars:
    """A session by minute; arrays are (minutes,), NaN without a quote of both sides, volume 0.

    ``bid`` and ``ask`` are at the end of each minute, ``low_ask`` to ``low_bid`` extremes in it.
    """

    day: date
    minute: IntArray
    bid: FloatArray
    ask: FloatArray
    low_ask: FloatArray
    high_ask: FloatArray
    high_bid: FloatArray
    low_bid: FloatArray
    price: FloatArray
    volume: FloatArray

    @property
    def vwap(self) -> float:
        """Mean price of the session's trades by volume, NaN without any."""
        total = float(self.volume.sum())
        return float(np.nansum(self.price * self.volume)) / total if total else float("nan")


def session_bars(
    folder: Path, instrument: Instrument, month: int, day: date, early_close: str = ""
) -> SessionBars:
    """A session of a contract from LEAN's minute files.

    Parameters
    ----------
    folder : Path
        LEAN data folder; times in its minute files are UTC.
    instrument : Instrument
        Its regular session is read.
    month : int
        Contract, yyyymm.
    day : date
    early_close : str
        "HH:MM" exchange time of a half day.

    Raises
    ------
    DataError
        If there are no quotes or trades of that contract on that day.
    """
    closes = pd.Timestamp(early_close).time() if early_close else None
    minutes = session_minutes(instrument.session, day, early_close=closes)
    start = to_epoch_day(day) * DAY_MINUTES
    quotes = _table(folder, instrument, month, day, "quote", 11)
    trades = _table(folder, instrument, month, day, "trade", 6)
    quotes.index = quotes.index // 60_000 + start
    trades.index = trades.index // 60_000 + start
    quotes = quotes.where(quotes != 0)[[4, 9, 8, 7, 2, 3]].dropna()
    quotes, trades = quotes.reindex(minutes), trades.reindex(minutes)
    middle = trades[[1, 2, 3, 4]].mean(axis=1)
    return SessionBars(
        day,
        minutes,
        _floats(quotes[4]),
        _floats(quotes[9]),
        _floats(quotes[8]),
        _floats(quotes[7]),
        _floats(quotes[2]),
        _floats(quotes[3]),
        _floats(middle),
        _floats(trades[5].fillna(0.0)),
    )


def _floats(column: pd.Series) -> FloatArray:
    return column.to_numpy(dtype=np.float64)


def quote_days(folder: Path, instrument: Instrument) -> list[date]:
    """Days with minute quotes of a market."""
    found = sorted(_folder(folder, instrument).glob("*_quote.zip"))
    return [date.fromisoformat(path.name[:8]) for path in found]


def contracts_on(folder: Path, instrument: Instrument, day: date) -> dict[int, float]:
    """Volume traded on a day by contract month, the market's own cycle alone."""
    out = {}
    path = _folder(folder, instrument) / f"{day:%Y%m%d}_trade.zip"
    with _opened(path) as archive:
        for name in archive.namelist():
            month = int(name.rsplit("_", 1)[1][:6])
            table = pd.read_csv(io.BytesIO(archive.read(name)), header=None)
            out[month] = float(table[5].sum())
    return out


def _folder(folder: Path, instrument: Instrument) -> Path:
    return folder / "future" / instrument.market / "minute" / instrument.code.lower()


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: {error}; expected minute data in LEAN's layout") from None


def _table(
    folder: Path, instrument: Instrument, month: int, day: date, kind: str, columns: int
) -> pd.DataFrame:
    path = _folder(folder, instrument) / f"{day:%Y%m%d}_{kind}.zip"
    name = f"{day:%Y%m%d}_{instrument.code.lower()}_minute_{kind}_{month}.csv"
    with _opened(path) as archive:
        if name not in archive.namelist():
            raise DataError(f"{path} holds no {name}")
        table = pd.read_csv(io.BytesIO(archive.read(name)), header=None, index_col=0)
    if table.shape[1] != columns - 1:
        raise DataError(f"{path}: {name} has {table.shape[1] + 1} columns, {columns} are expected")
    return table
