"""A benchmark out of the run itself: 60 % equity and 40 % bond futures, rebalanced every session.

Its returns are those of the contracts that the strategy follows, as the quality gate lets them
through and as the record of either engine has them. Futures earn in excess of the bill rate, as the
strategy's own returns do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from universe.arrays import BoolArray, FloatArray
from universe.instruments import AssetClass

if TYPE_CHECKING:
    from research.engine.result import RunResult

PREFERRED = {AssetClass.EQUITY: "ES", AssetClass.BOND: "ZN"}
"""S&P 500 and ten-year Treasury note; else the market of the class with most sessions."""

SHARES = {AssetClass.EQUITY: 0.6, AssetClass.BOND: 0.4}


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


def benchmark_of(result: RunResult) -> Benchmark | None:
    """60/40 of the run's equity and bond futures.

    Returns
    -------
    Benchmark or None
        All of one class where the run has no market of the other; None where it has neither, or no
        record of the markets' returns.
    """
    n = len(result.day)
    if result.history_ret is None or result.history_seen is None or not n:
        return None
    seen, ret = result.history_seen[-n:], result.history_ret[-n:]
    found = {
        kind: market for kind in PREFERRED if (market := _market(result, kind, seen)) is not None
    }
    if not found:
        return None
    whole = sum(SHARES[kind] for kind in found)
    total, names = np.zeros(n), []
    for kind, market in found.items():
        share = SHARES[kind] / whole
        total += share * ret[:, market]
        names.append(f"{100 * share:.0f} % {result.markets[market]}")
    total[0] = 0.0
    return Benchmark(" + ".join(names), total)


def _market(result: RunResult, kind: AssetClass, seen: BoolArray) -> int | None:
    sessions = seen.sum(axis=0)
    usable = [
        market
        for market, of_class in enumerate(result.classes)
        if of_class == kind and sessions[market] > 1
    ]
    if not usable:
        return None
    preferred = PREFERRED[kind]
    return max(usable, key=lambda market: (result.markets[market] == preferred, sessions[market]))
