"""A benchmark out of the data itself: 60 % equity and 40 % bond futures, rebalanced every session.

Futures earn in excess of the bill rate, as the strategy's own returns do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from research.data.dataset import Dataset, MarketHistory
from universe.arrays import FloatArray, IntArray
from universe.instruments import AssetClass

PREFERRED = {AssetClass.EQUITY: "ES", AssetClass.BOND: "ZN"}
"""S&P 500 and ten-year Treasury note; else the market of the class with most sessions."""

EQUITY_SHARE = 0.6
BAD_PRINT = 0.2
"""A close this far, in logarithms, from the middle of itself and its neighbours is no price."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What a run is compared with.

    Attributes
    ----------
    name : str
        What it is made of, as in 60 % ES + 40 % ZN.
    returns : float array of shape (n_days,)
        Simple return into each session of the run, 0 in the first and while nothing is quoted.
    """

    name: str
    returns: FloatArray


def benchmark_of(dataset: Dataset, day: IntArray) -> Benchmark | None:
    """60/40 of the data's equity and bond futures on the sessions of a run.

    Parameters
    ----------
    dataset : Dataset
    day : int array of shape (n_days,)
        Epoch days, ascending.

    Returns
    -------
    Benchmark or None
        All of one class where the data hold no market of the other; None where they hold neither.
    """
    if not len(day):
        return None
    found = {
        kind: history
        for kind in PREFERRED
        if (history := _market(dataset, kind, int(day[0]), int(day[-1]))) is not None
    }
    if not found:
        return None
    shares = {AssetClass.EQUITY: EQUITY_SHARE, AssetClass.BOND: 1.0 - EQUITY_SHARE}
    whole = sum(shares[kind] for kind in found)
    total, names = np.zeros(len(day)), []
    for kind, history in found.items():
        share = shares[kind] / whole
        total += share * front_returns(history, day)
        names.append(f"{100 * share:.0f} % {history.instrument.code}")
    return Benchmark(" + ".join(names), total)


def _market(dataset: Dataset, kind: AssetClass, first: int, last: int) -> MarketHistory | None:
    def sessions(history: MarketHistory) -> int:
        inside = history.day[(history.day >= first) & (history.day <= last)]
        return len(np.unique(inside))

    of_kind = [h for h in dataset.markets.values() if h.instrument.asset_class == kind]
    usable = [h for h in of_kind if sessions(h) > 1 and len(h.mapped_from)]
    if not usable:
        return None
    return max(usable, key=lambda h: (h.instrument.code == PREFERRED[kind], sessions(h)))


def front_returns(history: MarketHistory, day: IntArray) -> FloatArray:
    """Simple returns of the source's own front contract on given sessions, (n_days,).

    A contract is held from the close on which it is the front one; the return of sessions without
    a price is in the next one that has one.
    """
    sessions, closes = _front_pairs(history)
    level = np.cumprod(1.0 + closes)
    place = np.searchsorted(sessions, day, side="right") - 1
    value = np.where(place >= 0, level[np.maximum(place, 0)] if len(level) else 1.0, 1.0)
    out = np.zeros(len(day))
    out[1:] = value[1:] / value[:-1] - 1.0
    return out


def _front_pairs(history: MarketHistory) -> tuple[IntArray, FloatArray]:
    """Sessions, and the return into each of the contract that was the front one before."""
    sessions = np.unique(history.day)
    front = history.mapped_contract[
        np.maximum(np.searchsorted(history.mapped_from, sessions, side="right") - 1, 0)
    ]
    width = len(history.contract_month) + 1
    key = history.day * width + history.contract
    close = np.where(history.close > 0, history.close, np.nan)

    def price(at: IntArray, contract: IntArray) -> FloatArray:
        row = np.minimum(np.searchsorted(key, at * width + contract), len(key) - 1)
        return np.where(key[row] == at * width + contract, close[row], np.nan)

    known = np.isfinite(price(sessions, front))
    sessions, front = sessions[known], front[known]
    if not len(sessions):
        return sessions, np.zeros(0)
    now, before = price(sessions[1:], front[:-1]), price(sessions[:-1], front[:-1])
    change = np.nan_to_num(np.concatenate([[0.0], now / before - 1.0]))
    # a bad print makes two moves that undo each other
    moved = np.log1p(change)
    bad = np.zeros(len(change), dtype=bool)
    bad[:-1] = (np.abs(moved[:-1]) > BAD_PRINT) & (np.abs(moved[1:]) > BAD_PRINT)
    bad[:-1] &= np.abs(moved[:-1] + moved[1:]) < BAD_PRINT
    bad[1:] |= bad[:-1]
    return sessions, np.where(bad, 0.0, change)
