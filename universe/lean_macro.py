"""Macro series as LEAN custom data (U6): one subscription a series, known in time for the decision.

A series comes from the LEAN data folder, or else from the ObjectStore, where QuantConnect's cloud
has it (``lean cloud object-store set <key> <file>``). In live trading the store is a copy of the
day of deployment: the values in it age until the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from AlgorithmImports import (
    BaseData,
    FileFormat,
    Globals,
    PythonData,
    QCAlgorithm,
    Resolution,
    Slice,
    SubscriptionDataConfig,
    SubscriptionDataSource,
    SubscriptionTransportMedium,
    Symbol,
    TimeZones,
)
from QuantConnect.Logging import Log

from universe.arrays import from_epoch_day
from universe.macro_format import (
    DATA_FOLDER,
    STORE_FOLDER,
    file_name,
    name_of_ticker,
    object_store_key,
    parse_line,
    parse_row,
)

DELIVERY = timedelta(hours=17)
"""New York time of the known day at which LEAN hands over a value: before any decision, and not
before the prices of that day are final."""

_ROW = "row"

_UNIVERSE = "qc-universe"
_NOTHING = SubscriptionDataSource("", SubscriptionTransportMedium.LOCAL_FILE, FileFormat.CSV)


class MacroSeriesData(PythonData):
    """One row of a macro series."""

    lenient = False
    """Whether a malformed row is left out; set live, where LEAN warms up as in a backtest."""

    def get_source(
        self, config: SubscriptionDataConfig, date: datetime, is_live_mode: bool
    ) -> SubscriptionDataSource:
        """The file of the data folder where there is one, else the object of the store.

        LEAN asks anew for every day; in a backtest the answer stays the first one. Live it asks
        for the universe of the series too, which has no file.
        """
        name = name_of_ticker(config.symbol.value)
        if name.startswith(_UNIVERSE):
            return _NOTHING
        return _find_source(name) if is_live_mode else _first_source(name)

    def reader(  # type: ignore[override]  # the stubs have no None, which skips a row
        self, config: SubscriptionDataConfig, line: str, date: datetime, is_live_mode: bool
    ) -> BaseData | None:
        """A row of the file as a data point of its known day.

        A malformed one, or one of a value that the series cannot have, stops a backtest; live it is
        left out and named in LEAN's log.
        """
        name = name_of_ticker(config.symbol.value)
        row = _read_leniently(name, line) if self.lenient else parse_row(name, line)
        if row is None:
            return None
        day = from_epoch_day(row[0])
        point = MacroSeriesData()
        point.symbol = config.symbol
        point.time = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - LEAN wants naive
        point.end_time = point.time + DELIVERY
        point.value = row[1]
        point[_ROW] = line  # LEAN keeps numbers as decimals of 15 digits
        return point


def add_macro_series(algorithm: QCAlgorithm, names: Iterable[str]) -> dict[Symbol, str]:
    """Subscribe macro series; one that is neither in the data folder nor in the store is left out.

    Parameters
    ----------
    algorithm : QCAlgorithm
        Its log says which series are left out.
    names : iterable of str

    Returns
    -------
    dict of Symbol to str
        Name by symbol, of the subscribed series.

    Raises
    ------
    ValueError
        If a name is not valid.
    """
    _build_bridge(algorithm)
    MacroSeriesData.lenient = bool(algorithm.live_mode)
    symbols: dict[Symbol, str] = {}
    missing: list[str] = []
    for name in names:
        path, key = _local_file(name), object_store_key(name)
        if not path.is_file() and not algorithm.object_store.contains_key(key):
            missing.append(name)
            continue
        security = algorithm.add_data(
            MacroSeriesData, name, Resolution.DAILY, TimeZones.NEW_YORK, False
        )
        symbols[security.symbol] = name
    if missing:
        algorithm.log(
            f"macro series left out, neither in {Path(Globals.data_folder) / DATA_FOLDER} nor in "
            f"the ObjectStore below {STORE_FOLDER}: {', '.join(missing)}"
        )
    return symbols


def read_macro_slice(data: Slice, symbols: Mapping[Symbol, str]) -> dict[str, tuple[int, float]]:
    """What has become known in a slice.

    Parameters
    ----------
    data : Slice
    symbols : mapping of Symbol to str
        As ``add_macro_series`` gives it.

    Returns
    -------
    dict of str to (int, float)
        Day known (epoch day) and value by name, of the series that have a row in the slice.
    """
    known: dict[str, tuple[int, float]] = {}
    for pair in data.get(MacroSeriesData):
        name, row = symbols.get(pair.key), parse_line(pair.value[_ROW])
        if name is not None and row is not None:
            known[name] = row
    return known


def _build_bridge(algorithm: QCAlgorithm) -> None:
    """Have the Python bridge make its classes for times and collections now.

    It makes each at its first use, under a lock of its own. Left to the threads that read the
    series, that can meet the algorithm's first use: one then waits for the lock and the other for
    Python's, and the run stands still for ever.
    """
    _ = algorithm.time, algorithm.utc_time, algorithm.get_parameters()


@lru_cache(maxsize=4096)  # LEAN reads the file again and again
def _read_leniently(name: str, line: str) -> tuple[int, float] | None:
    try:
        return parse_row(name, line)
    except ValueError as error:
        Log.error(f"{error}; left out")
        return None


def _find_source(name: str) -> SubscriptionDataSource:
    path = _local_file(name)
    if path.is_file():
        return SubscriptionDataSource(
            str(path), SubscriptionTransportMedium.LOCAL_FILE, FileFormat.CSV
        )
    return SubscriptionDataSource(
        object_store_key(name), SubscriptionTransportMedium.OBJECT_STORE, FileFormat.CSV
    )


_first_source = lru_cache(maxsize=None)(_find_source)


def _local_file(name: str) -> Path:
    return Path(Globals.data_folder) / DATA_FOLDER / file_name(name)
