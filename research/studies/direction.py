"""004's index by itself: the EURO STOXX 50 at the sleeve's exposures, idle money at EONIA (A9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from algorithm.settings import Settings
from alpha.direction.sleeve import COLUMNS, Direction
from alpha.direction.votes import AGES
from research.data.dataset import Dataset
from research.data.errors import DataError
from research.data.macro_series import MacroSeries, as_of
from research.studies.leverage import future_of
from universe.arrays import BoolArray, FloatArray, IntArray, from_epoch_day, to_epoch_day

FUTURE: Final = "FESX"
INDEX: Final = "sx5e.price"
DIVIDENDS: Final = "eur.dividend_price"
MONEY: Final = {"eur.eonia": 10, "eur.estr": 10, "eur.euribor": 45}
"""Rates that idle money earns, the first that is not older than so many days."""

MONEY_YEAR: Final = 360.0
"""Days of the year of euro money-market rates."""

ROLL_MONTHS: Final = (3, 6, 9, 12)
DELAY: Final = 2
"""Sessions from the one after which an exposure is known to the first one that it earns: it is
traded at the close between them."""


@dataclass(frozen=True, slots=True)
class IndexHistory:
    """The index as a future would have earned it.

    Attributes
    ----------
    day : int array of shape (n,)
    excess : float array of shape (n,)
        Return over idle money.
    money : float array of shape (n,)
        Return of idle money since the session before.
    rate : dict of str to int
        Sessions by the series that money was told from.
    future_from : int
        Epoch day of the future's first return; those before are the price index's, with dividends
        and less money.
    """

    day: IntArray
    excess: FloatArray
    money: FloatArray
    rate: dict[str, int]
    future_from: int


@dataclass(frozen=True, slots=True)
class DirectionWalk:
    """What the sleeve said after every session.

    Attributes
    ----------
    known : float array of shape (n, 7)
        ``COLUMNS``.
    notes : list of (int, str)
        Epoch day and sentence.
    """

    known: FloatArray
    notes: list[tuple[int, str]]

    @property
    def exposure(self) -> FloatArray:
        """Exposure that each session earns, (n,); 0 while unknown."""
        told = np.nan_to_num(self.known[:, COLUMNS.index("allocation")])
        return np.concatenate([np.zeros(DELAY), told[:-DELAY]])


def index_history(dataset: Dataset, settings: Settings) -> IndexHistory:
    """The price index with dividends before the future begins, the future after.

    Raises
    ------
    DataError
        If a series that it needs is missing.
    """
    macro = dataset.macro
    missing = [name for name in (INDEX, DIVIDENDS) if name not in macro]
    if missing or not set(MONEY) & set(macro):
        missing += [] if set(MONEY) & set(macro) else [" or ".join(MONEY)]
        raise DataError(f"{dataset.name}: the index by itself needs {', '.join(missing)}")
    index = macro[INDEX].until(to_epoch_day(settings.last_day))
    day, price = index.day, index.value
    elapsed = np.diff(day)
    money, told = _money(macro, day)
    told[0], kept = "", day[1:]
    yields = np.nan_to_num(as_of({DIVIDENDS: macro[DIVIDENDS]}, day[:-1]).value[:, 0])
    gained = price[1:] / price[:-1] - 1.0 + yields * elapsed / 365.0
    excess = gained - money[1:]
    first = int(kept[-1]) + 1
    if FUTURE in dataset.markets:
        future = future_of(dataset, settings, FUTURE)
        first = int(future.day[1])
        own = {int(at): float(r) for at, r in zip(future.day, future.ret, strict=True)}
        there = np.array([int(at) in own for at in kept])
        use = (kept < first) | there
        kept, money, told = kept[use], money[1:][use], told[1:][use]
        excess = np.array(
            [
                own[int(at)] if at >= first else one
                for at, one in zip(kept, excess[use], strict=True)
            ]
        )
    else:
        money, told = money[1:], told[1:]
    used = {name: int(np.count_nonzero(told == name)) for name in MONEY}
    return IndexHistory(kept, excess, money, used, first)


def _money(macro: Mapping[str, MacroSeries], day: IntArray) -> tuple[FloatArray, NDArray[np.str_]]:
    """Return of idle money to each day since the one before, and the series that told it."""
    names = [name for name in MONEY if name in macro]
    table = as_of({name: macro[name] for name in names}, day[:-1])
    rate = np.full(len(day) - 1, np.nan)
    told = np.full(len(day), "", dtype="U16")
    for column, name in enumerate(names):
        use = np.isnan(rate) & (table.age[:, column] <= MONEY[name])
        rate[use] = table.value[use, column]
        told[1:][use] = name
    return np.concatenate([[0.0], np.nan_to_num(rate) * np.diff(day) / MONEY_YEAR]), told


def walk_direction(
    history: IndexHistory, macro: Mapping[str, MacroSeries], settings: Settings
) -> DirectionWalk:
    """The sleeve's exposures over the history; each knows what was public by its session."""
    sleeve = Direction(
        1, settings.direction_calm, settings.direction_moderate, settings.direction_reset
    )
    names = [name for name in AGES if name in macro]
    table = as_of({name: macro[name] for name in names}, history.day)
    known = np.empty((len(history.day), len(COLUMNS)))
    notes: list[tuple[int, str]] = []
    seen = np.ones(1, dtype=bool)
    for k, day in enumerate(history.day.tolist()):
        latest = {
            name: (day - float(table.age[k, j]), float(table.value[k, j]))
            for j, name in enumerate(names)
            if np.isfinite(table.value[k, j])
        }
        told = sleeve.take(day, seen, history.excess[k : k + 1], latest)
        notes += [(day, text) for _, text in told]
        known[k] = sleeve.known[0]
    return DirectionWalk(known, notes)


def rolled(day: IntArray) -> BoolArray:
    """The first session of every month in which the future is rolled, (n,)."""
    month = np.array([from_epoch_day(one).month for one in day.tolist()])
    begins = np.concatenate([[False], month[1:] != month[:-1]])
    return np.asarray(begins & np.isin(month, ROLL_MONTHS))


def levied(exposure: FloatArray, day: IntArray, levy: float) -> FloatArray:
    """004's charge on the value of the index at every rebalance and at every roll, (n,)."""
    changed = np.concatenate([[exposure[0] != 0], np.diff(exposure) != 0])
    held = rolled(day) & (exposure != 0)
    return np.asarray(levy * (changed.astype(np.float64) + held))
