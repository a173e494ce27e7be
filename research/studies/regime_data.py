"""Regime features over a dataset: market state from the core, macro series as they were known."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from algorithm.settings import Settings
from alpha.regime.features import NAMES, RegimeFeatures
from alpha.regime.series import SOURCES, Source
from alpha.regime.train import History
from research.data.dataset import Dataset
from research.data.errors import DataError
from research.data.macro_series import MacroSeries, known_day
from research.engine.feed import Feed
from universe.arrays import FloatArray, IntArray, known, to_epoch_day
from universe.markets import Markets


def load_regime_series(folder: str | Path) -> dict[str, MacroSeries]:
    """Series of ``alpha.regime.series.SOURCES`` from a folder of FRED's and exchanges' CSVs.

    A series without a file is left out; a monthly one counts from the last day of the month after
    the one it describes.

    Raises
    ------
    DataError
        If the folder is missing, holds none of the files, or a file has not the columns.
    """
    root = Path(folder)
    if not root.is_dir():
        raise DataError(f"{root}: the macro folder is missing")
    out = {}
    for name, source in SOURCES.items():
        path = root / f"{source.file}.csv"
        if path.is_file():
            out[name] = _read(name, source, path)
    if not out:
        files = ", ".join(sorted({source.file for source in SOURCES.values()}))
        raise DataError(f"{root}: none of the regime's series is there ({files}.csv)")
    return out


def _read(name: str, source: Source, path: Path) -> MacroSeries:
    table = pd.read_csv(path)
    if "DATE" not in table or source.column not in table:
        raise DataError(f"{path}: it must have the columns DATE and {source.column}")
    value = pd.to_numeric(table[source.column], errors="coerce").to_numpy(dtype=np.float64)
    stamp = pd.to_datetime(table["DATE"], errors="coerce")
    fine = np.isfinite(value) & stamp.notna().to_numpy()
    observed = stamp[fine].to_numpy().astype("datetime64[D]")
    if source.monthly:
        months = observed.astype("datetime64[M]")
        day = (months + 2).astype("datetime64[D]").astype(np.int64) - 1
    else:
        day = known_day(observed.astype(np.int64), source.lag)
    last = np.append(np.diff(day) > 0, True)  # of several known on one day the last describes it
    return MacroSeries(name, day[last], value[fine][last] * source.factor)


def regime_history(
    dataset: Dataset,
    settings: Settings,
    series: Mapping[str, MacroSeries],
    first: date | None = None,
) -> History:
    """Features of every session, from the dataset's first one unless ``first`` is given.

    The markets are observed as the strategy observes them: quality gate, rolls, volatility.
    """
    days = [int(history.day[0]) for history in dataset.markets.values()]
    begin = min(days) if first is None else to_epoch_day(first)
    feed = Feed(dataset, begin, to_epoch_day(settings.last_day))
    instruments = [history.instrument for history in dataset.markets.values()]
    markets = Markets(
        instruments,
        vol_span=settings.vol_span,
        vol_long_sessions=settings.vol_long_sessions,
        vol_long_weight=settings.vol_long_weight,
        outlier_sigmas=settings.outlier_sigmas,
        gap_days=settings.gap_days,
        stale_sessions=settings.stale_sessions,
        theta=settings.roll_open_interest_ratio,
        follow_mapping=settings.follow_mapping,
    )
    for market, contracts in enumerate(feed.contracts()):
        markets.contracts[market].update({one.month: one for one in contracts})
    classes = [str(one.asset_class) for one in instruments]
    index = np.array([sorted(set(classes)).index(name) for name in classes])
    features = RegimeFeatures(feed.codes, index)
    rows, equity, balanced = [], [], []
    walk = _Known(series)
    for bars in feed:
        sigma = markets.sigma().copy()
        seen = markets.observe(bars.session)
        day = bars.session.day
        rows.append(features.update(day, known(seen.ret), sigma, walk.until(day)))
        equity.append(features.equity)
        balanced.append(features.balanced)
    table: FloatArray = np.array(rows).reshape(-1, len(NAMES))
    day_array: IntArray = feed.days
    return History(day_array, table, np.array(equity), np.array(balanced))


class _Known:
    """What of every series was known on a day, walked forward."""

    def __init__(self, series: Mapping[str, MacroSeries]) -> None:
        self._series = series
        self._known: dict[str, tuple[int, float]] = {}

    def until(self, day: int) -> dict[str, tuple[int, float]]:
        for name, one in self._series.items():
            row = int(np.searchsorted(one.day, day, side="right")) - 1
            if row >= 0:
                self._known[name] = (int(one.day[row]), float(one.value[row]))
        return self._known
