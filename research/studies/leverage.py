"""Variable leverage of the S&P 500 by itself: 002 walked forward, with its financing (P5)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from algorithm.settings import Settings
from research.data.dataset import Dataset
from research.data.errors import DataError
from research.data.macro_series import MacroSeries, as_of
from research.panels.markets import market_panel
from research.studies.runner import Progress
from risk.variable_leverage import LeveragePlan, VariableLeverage, adjusted
from universe.arrays import FloatArray, IntArray, from_epoch_day
from universe.cost_screen import trade_costs, yearly_rolls

INDEX = "spx.price"
"""The macro series of the S&P 500, which 002 has."""

BILL_YEAR = 365.0
"""Days of the year of a bond-equivalent yield."""


@dataclass(frozen=True, slots=True)
class LeverageWalk:
    """Leverage out of sample, session by session: what is known after one holds in the next.

    Attributes
    ----------
    day : int array of shape (n,)
    ret : float array of shape (n,)
        Of the session.
    optimal : float array of shape (n,)
        ``E(r) / (21 sigma^2)``, NaN before the first fit.
    notes : list of (int, str)
        Epoch day and reason of every fit that failed.
    """

    day: IntArray
    ret: FloatArray
    optimal: FloatArray
    notes: list[tuple[int, str]]

    def leverage(self, plan: LeveragePlan, fraction: float = 1.0) -> FloatArray:
        """002's leverage for the next session at a fraction of Kelly's, NaN before the first."""
        out = np.full(len(self.day), np.nan)
        there = np.isfinite(self.optimal)
        out[there] = adjusted(fraction * self.optimal[there], plan.alpha, plan.cap)
        return out


def walk_leverage(
    day: IntArray, ret: FloatArray, plan: LeveragePlan, progress: Progress | None = None
) -> LeverageWalk:
    """Walk the model over returns; every fit sees those before its month alone.

    Parameters
    ----------
    day : int array of shape (n,)
    ret : float array of shape (n,)
    plan : LeveragePlan
        At the whole of Kelly's leverage, whatever its fraction.
    progress : callable, optional
    """
    model = VariableLeverage(replace(plan, fraction=1.0))
    optimal, notes = np.full(len(day), np.nan), []
    for k, (epoch, one) in enumerate(zip(day.tolist(), ret.tolist(), strict=True)):
        date = from_epoch_day(epoch)
        notes += [(epoch, text) for text in model.take(date.year * 100 + date.month, one)]
        optimal[k] = model.optimal
        if progress is not None and (k % 64 == 0 or k + 1 == len(day)):
            progress(k + 1, len(day), from_epoch_day(epoch).isoformat())
    return LeverageWalk(day, ret, optimal, notes)


def index_returns(series: MacroSeries) -> tuple[IntArray, FloatArray]:
    """Days and returns of an index, without its first day."""
    return series.day[1:], series.value[1:] / series.value[:-1] - 1.0


@dataclass(frozen=True, slots=True)
class Future:
    """Sessions of a future as the strategy sees them.

    Attributes
    ----------
    day : int array of shape (n,)
    ret : float array of shape (n,)
        Excess returns.
    cost : float array of shape (n,)
        Half spread and fee of trading the whole value once, a fraction.
    rolls : float
        A year.
    """

    day: IntArray
    ret: FloatArray
    cost: FloatArray
    rolls: float


def future_of(dataset: Dataset, settings: Settings, code: str) -> Future:
    """The sessions of one market of a dataset from its beginning, through the quality gate.

    Raises
    ------
    DataError
        If the dataset has no such market, or no session of it.
    """
    try:
        alone = dataset.select([code])
    except KeyError:
        raise DataError(f"{dataset.name} has no {code}, whose leverage is asked for") from None
    history = alone.markets[code]
    first = from_epoch_day(int(history.day[0]))
    panel = market_panel(alone, settings, first, settings.last_day)
    seen = panel.seen[:, 0]
    price = panel.positive_price[seen, 0]
    cost = trade_costs([history.instrument])[0] / price
    rolls = float(yearly_rolls([history.instrument])[0])
    return Future(panel.day[seen], panel.ret[seen, 0], cost, rolls)


def held(leverage: FloatArray) -> FloatArray:
    """Leverage held in each session: that known after the one before; NaN in the first."""
    return np.concatenate([[np.nan], leverage[:-1]])


def trading_cost(leverage: FloatArray, future: Future) -> FloatArray:
    """Cost of each session: changes of leverage, and rolls of all that is held, spread evenly."""
    now, before = held(leverage), held(held(leverage))
    traded = np.abs(now - np.where(np.isfinite(before), before, 0.0))
    rolled = 2.0 * future.rolls / 252.0 * np.abs(now)
    return np.where(np.isfinite(now), (traded + rolled) * future.cost, 0.0)


def bill_returns(series: MacroSeries | None, day: IntArray) -> FloatArray:
    """What bills earned to each day since the one before, from the yield known then; 0 unknown."""
    if series is None:
        return np.zeros(len(day))
    known = as_of({series.name: series}, day).value[:, 0]
    yields = np.nan_to_num(np.concatenate([[np.nan], known[:-1]]))
    days = np.concatenate([[0], np.diff(day)])
    return np.asarray(yields * days / BILL_YEAR)
