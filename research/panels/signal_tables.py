"""Every intermediate of every rule by name, beside the prices and rolls that it comes from.

A name is that of a file without its ending: ``ewmac/16-raw``, ``smoothed/combined``,
``sleeves/trend``, ``prices/sigma``. A table has a row a session and a column a market.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from algorithm.observer import Observer
from algorithm.settings import Settings
from alpha.snapshot import Snapshot
from research.data.dataset import Dataset
from research.data.errors import DataError
from research.engine.feed import Feed
from universe.arrays import FloatArray, from_epoch_day, to_epoch_day
from universe.continuous import Method, StitchError, stitch
from universe.instruments import Instrument
from universe.market_state import Roll

ROLLS = "prices/rolls"
"""The roll table: a row a roll, not a session."""

Progress = Callable[[int, int], None]


def signal_tables(
    dataset: Dataset, settings: Settings, progress: Progress | None = None
) -> dict[str, pd.DataFrame]:
    """Walk the data through the chain's own observer and keep what each rule says of it.

    Parameters
    ----------
    dataset : Dataset
        Its markets, in its order, are the columns.
    settings : Settings
        Their rules, from the warm-up before ``start`` to ``end``.
    progress : callable, optional
        Called with (sessions done, sessions in all).

    Returns
    -------
    dict of str to DataFrame
        ``RULE/NAME`` as the rule's ``explain`` names it (raw, scaled, capped, ...), with
        ``RULE/forecast`` where markets are compared (all markets with bars let in, as in a fund
        large enough for each); ``sleeves/NAME``, what construction gets; ``prices/close``,
        ``return``, ``sigma``, and ``additive``, ``ratio``, ``log``, the continuous series, forward
        anchored; ``prices/rolls``, the roll table. The index is the date, NaN is "none".

    Raises
    ------
    DataError
        If the data has no session from ``start`` to ``end``.
    """
    first = to_epoch_day(settings.first_day)
    feed = Feed(dataset, first - settings.warmup_days, to_epoch_day(settings.last_day))
    if not np.any(feed.days >= first):
        raise DataError(
            f"{dataset.name} has no session between {settings.start} and {settings.end}"
        )
    instruments = [history.instrument for history in dataset.markets.values()]
    observer = Observer(settings, instruments)
    for market, contracts in enumerate(feed.contracts()):
        for contract in contracts:
            observer.list_contract(market, contract)
    kept: dict[str, list[FloatArray]] = defaultdict(list)
    rolls: list[Roll] = []
    total = len(feed.days)
    for done, bars in enumerate(feed, start=1):
        snapshot = observer.observe(bars.session)
        rolls += snapshot.rolls
        for name, values in _of_session(observer, snapshot).items():
            kept[name].append(np.array(values))
        if progress is not None and (done % 64 == 0 or done == total):
            progress(done, total)
    index = pd.DatetimeIndex([from_epoch_day(day) for day in feed.days.tolist()], name="date")
    codes = [instrument.code for instrument in instruments]
    frames = {name: pd.DataFrame(rows, index, codes) for name, rows in kept.items()}
    return frames | _continuous(frames["prices/close"], rolls, instruments) | {ROLLS: _table(rolls)}


def file_name(name: str) -> str:
    """An intermediate's name in a path: ``ex-ante Sharpe ratio`` as ``ex-ante-sharpe-ratio``."""
    return "-".join(name.lower().split())


def _of_session(observer: Observer, snapshot: Snapshot) -> dict[str, FloatArray]:
    forecasts, n = observer.forecasts, snapshot.n_markets
    markets, seen = observer.markets, snapshot.seen[:n]
    close = np.where(seen, markets.price, np.nan)
    for roll in snapshot.rolls:  # the session was closed in the old contract
        close[_place(roll, observer.instruments)] = roll.old_close
    out = {
        "prices/close": close,
        "prices/return": np.where(seen, snapshot.ret[:n], np.nan),
        "prices/sigma": markets.sigma(),
    }
    for rule, parts in forecasts.explain().items():
        out |= {f"{rule}/{file_name(name)}": values for name, values in parts.items()}
    member = snapshot.alive[:n]
    for rule_ in forecasts.rules:
        if rule_.COMPARES:
            signal = snapshot.signals[rule_.NAME]
            out[f"{rule_.NAME}/forecast"] = rule_.compare(signal, member)
    combined = forecasts.combine(snapshot.signals, snapshot.factors, member)
    return out | {f"sleeves/{name}": values for name, values in combined.items()}


def _place(roll: Roll, instruments: Iterable[Instrument]) -> int:
    return next(k for k, one in enumerate(instruments) if one.code == roll.market)


def _continuous(
    close: pd.DataFrame, rolls: Iterable[Roll], instruments: Iterable[Instrument]
) -> dict[str, pd.DataFrame]:
    """All three adjustments, without the markets of which one cannot be made (U3)."""
    of_market: dict[str, list[Roll]] = defaultdict(list)
    for roll in rolls:
        of_market[roll.market].append(roll)
    days = np.array([to_epoch_day(day.date()) for day in close.index])
    columns: dict[Method, dict[str, pd.Series]] = {method: {} for method in Method}
    for code in (instrument.code for instrument in instruments):
        held = close[code].to_numpy()
        known = np.isfinite(held)
        for method in Method:
            try:
                series = stitch(days[known], held[known], of_market[code], method)
            except StitchError:  # a price at or below zero has no ratio
                continue
            columns[method][code] = pd.Series(series.level, close.index[known])
    return {
        f"prices/{method}": pd.DataFrame(found, close.index, columns=close.columns)
        for method, found in columns.items()
    }


def _table(rolls: Iterable[Roll]) -> pd.DataFrame:
    rows = [
        (from_epoch_day(r.day), r.market, r.old, r.new, r.old_close, r.new_close, r.reason)
        for r in rolls
    ]
    names = ["date", "market", "old", "new", "old_close", "new_close", "reason"]
    return pd.DataFrame(rows, columns=names).set_index("date")
