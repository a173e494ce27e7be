"""What the quality gate and the rolls leave of a dataset, as arrays of days and markets.

Both are sequential by nature and are walked once, with the strategy's own code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from algorithm.settings import Settings
from alpha.carry_sources import CarrySources
from alpha.panel import MarketPanel
from research.data.dataset import Dataset
from research.data.errors import DataError
from research.engine.feed import Feed
from research.panels.spreads import SpreadRecorder
from universe.arrays import from_epoch_day, to_epoch_day
from universe.curves import MacroState
from universe.markets import Markets

__all__ = ["MarketPanel", "market_panel"]

Progress = Callable[[int, int], None]


_RECORDED = {
    **dict.fromkeys(("seen", "tradable", "alive", "rolled"), np.bool_),
    **dict.fromkeys(("ret", "adjusted", "price", "positive_price"), np.float64),
    **dict.fromkeys(("near_price", "far_price"), np.float64),
    **dict.fromkeys(("near_expiry", "far_expiry", "near_month"), np.int64),
}


def market_panel(
    dataset: Dataset,
    settings: Settings,
    start: date,
    end: date,
    progress: Progress | None = None,
    *,
    spreads: bool = False,
) -> MarketPanel:
    """Walk the sessions from ``start`` to ``end`` through the quality gate and the rolls.

    Parameters
    ----------
    dataset : Dataset
        Its macro series serve the class formulas of carry.
    settings : Settings
        Its gate, roll, volatility and carry-source settings count.
    start, end : date
        Inclusive.
    progress : callable, optional
        Called with (sessions done, sessions in all).
    spreads : bool
        Whether to walk the calendar spreads too.

    Raises
    ------
    DataError
        If the data has no session between the dates.
    """
    feed = Feed(dataset, to_epoch_day(start), to_epoch_day(end))
    if not len(feed.days):
        raise DataError(f"{dataset.name} has no session between {start} and {end}")
    instruments = [history.instrument for history in dataset.markets.values()]
    markets = Markets.create(settings, instruments, spread_rolls=settings.spread_rolls)
    for known, contracts in zip(markets.contracts, feed.contracts(), strict=True):
        known.update((contract.month, contract) for contract in contracts)
    total, n = len(feed.days), len(instruments)
    record: dict[str, Any] = {name: np.zeros((total, n), kind) for name, kind in _RECORDED.items()}
    column = {instrument.code: k for k, instrument in enumerate(instruments)}
    by_class = settings.carry_source == "class"
    sources = CarrySources(instruments, settings.carry_source, settings.carry_max_age)
    raw_carry = np.full((total, n), np.nan)
    state = MacroState(settings.macro_max_age)
    recorder = SpreadRecorder(markets, settings, total) if spreads else None
    for row, bars in enumerate(feed):
        day = bars.session.day
        out = markets.observe(bars.session)
        for name in ("adjusted", "price", "positive_price"):
            record[name][row] = getattr(markets, name)
        for name in ("seen", "ret", "near_price", "far_price", "near_expiry", "far_expiry"):
            record[name][row] = getattr(out, name)
        record["near_month"][row] = out.near_month
        record["tradable"][row] = markets.tradable(out.seen)
        record["alive"][row] = markets.alive(day)
        if recorder is not None:
            recorder.observe(row, bars.session, record["tradable"][row])
        for roll in out.rolls:
            record["rolled"][row, column[roll.market]] = True
        if by_class:
            for name, (known_on, value) in bars.session.macro.items():
                state.update(known_on, {name: value})
            pair = out.near_price, out.far_price, out.near_expiry, out.far_expiry
            raw_carry[row] = sources.raw(day, *pair, markets.price, out.near_month, state).raw
        if progress is not None and (row % 64 == 0 or row + 1 == total):
            progress(row + 1, total)
    months = [(d := from_epoch_day(day)).year * 100 + d.month for day in feed.days.tolist()]
    columns: dict[str, Any] = {
        "instruments": instruments,
        "day": feed.days,
        "month": np.array(months, dtype=np.int64),
    }
    outright = MarketPanel(**columns, **record, raw_carry=raw_carry if by_class else None)
    if recorder is None:
        return outright
    unpaired: dict[str, Any] = {
        **dict.fromkeys(("near_price", "far_price"), np.full((total, n), np.nan)),
        **dict.fromkeys(("near_expiry", "far_expiry", "near_month"), np.zeros((total, n), int)),
    }
    pairs = MarketPanel(**columns, **unpaired, **recorder.record, unreturned=0)
    return replace(outright, spreads=pairs)
