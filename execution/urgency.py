"""How long a trade may take: what patience saves in impact, and what the signal loses by it (E3).

A trade of a share s of a day's volume, spread evenly over a share T of its session, pays an impact
of α·sqrt(s / T) daily sigmas a contract. The signal behind it promises an edge of so many sigmas
over its life; with a half-life of h sessions 1 - 2^(-t/h) of that is gone by time t, in the mean
over the trade about ln 2 / h · T / 2. The best T is about (α·sqrt(s)·h / (edge·ln 2))^(2/3): large
trades and lasting signals take the session, small trades on fleeting signals its first minutes.
Volatility is in both and drops out. A roll has no signal that decays: it takes the session.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, log

import numpy as np

from universe.arrays import FloatArray


def costs_of_time(
    share: FloatArray, size: float, impact: float, edge: float, half_life: float
) -> tuple[FloatArray, FloatArray]:
    """Impact, and edge lost in the mean, of a trade by how much of the session it takes.

    Parameters
    ----------
    share : float array
        Of the session, above 0.
    size : float
        Contracts over average daily volume.
    impact : float
        α of the square-root law.
    edge : float
        Daily sigmas that the signal promises over its life.
    half_life : float
        Of the signal in sessions, above 0; infinite for one that does not decay.

    Returns
    -------
    tuple of two float arrays
        In daily sigmas.
    """
    paid = impact * np.sqrt(size / share)
    rate = log(2.0) / half_life * share
    if half_life == inf:
        return paid, np.zeros_like(share)
    return paid, edge * (1.0 + np.expm1(-rate) / rate)


def best_share(size: float, impact: float, edge: float, half_life: float, minutes: int) -> float:
    """Share of the session, in whole minutes of it, at which a trade costs least."""
    shares = np.arange(1, minutes + 1) / minutes
    paid, lost = costs_of_time(shares, size, impact, edge, half_life)
    return float(shares[np.argmin(np.round(paid + lost, 12))])


def half_life_of(asked: Mapping[str, float], half_lives: Mapping[str, float]) -> float:
    """Half-life of what several sleeves ask for in a market, infinite where none decays.

    Parameters
    ----------
    asked : mapping of sleeve to float
        Contracts.
    half_lives : mapping of sleeve to float
        Sessions; a sleeve that is not named does not decay.

    Notes
    -----
    Rates of decay are averaged, weighted by contracts.
    """
    total = sum(abs(contracts) for contracts in asked.values())
    rate = sum(abs(asked[name]) / life for name, life in half_lives.items() if name in asked)
    return total / rate if rate > 0 else inf
