"""Liquidity buckets of rule 22e-4 (V4): days to cash, on asset value and on risk.

22e-4(a): highly liquid investments become cash within three business days, moderately liquid ones
within seven calendar days; less liquid ones can be sold within seven calendar days but settle
later; illiquid ones cannot be sold in that time. An exchange-traded future settles the day after it
is closed, so that one which cannot be closed within seven calendar days (five sessions) is illiquid
and none is less liquid.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from universe.arrays import FloatArray, IntArray

SETTLEMENT = 1
"""Business days from a future's closing trade to cash."""

SESSIONS_IN_WEEK = 5


class Bucket(IntEnum):
    """The four classes of 22e-4, in its order."""

    HIGHLY_LIQUID = 0
    MODERATELY_LIQUID = 1
    LESS_LIQUID = 2
    ILLIQUID = 3


def days_to_cash(
    contracts: IntArray, volume: FloatArray, *, participation: float, trade_size: float
) -> FloatArray:
    """Business days until a market's reasonably anticipated trade is cash.

    Parameters
    ----------
    contracts : int array of shape (n_markets,)
        Held.
    volume : float array of shape (n_markets,)
        Average daily volume in contracts, NaN or 0 where unknown.
    participation : float
        Share of the volume that can be traded without moving the price significantly.
    trade_size : float
        Share of a position that is reasonably anticipated to be traded.

    Returns
    -------
    float array of shape (n_markets,)
        0 where nothing is held, infinite where the volume is unknown.

    Raises
    ------
    ValueError
        If participation or trade size is not within (0, 1].
    """
    for name, value in (("participation", participation), ("trade_size", trade_size)):
        if not 0 < value <= 1:
            raise ValueError(f"{name} is {value:g}; it must be above 0 and at most 1")
    known = volume > 0
    capacity = participation * np.where(known, volume, 1.0)
    sessions = np.ceil(np.abs(contracts) * trade_size / capacity)
    days = np.where(known, sessions + SETTLEMENT, np.inf)
    return np.where(contracts != 0, days, 0.0)


def buckets(days: FloatArray) -> IntArray:
    """``Bucket`` of each market by its days to cash."""
    moderate = np.where(
        days <= SESSIONS_IN_WEEK + SETTLEMENT, Bucket.MODERATELY_LIQUID, Bucket.ILLIQUID
    )
    return np.where(days <= 3, Bucket.HIGHLY_LIQUID, moderate).astype(np.int64)


def shares(weight: FloatArray, bucket: IntArray) -> FloatArray:
    """Share of each bucket in the sum of ``weight``, of shape (4,); all highly liquid without any.

    Parameters
    ----------
    weight : float array of shape (n_markets,)
        At least 0, such as margin pledged or risk.
    bucket : int array of shape (n_markets,)
    """
    total = float(weight.sum())
    if total <= 0:
        return np.array([1.0, 0.0, 0.0, 0.0])
    return np.bincount(bucket, weight, len(Bucket)) / total


def value_shares(margin: FloatArray, bucket: IntArray) -> FloatArray:
    """Shares of net assets by bucket, of shape (4,).

    A future has no value of its own after its daily settlement: the assets are bills and cash, all
    highly liquid, but what is pledged as margin for a future counts as liquid as that future.

    Parameters
    ----------
    margin : float array of shape (n_markets,)
        Initial margin over NAV, at least 0.
    bucket : int array of shape (n_markets,)
    """
    pledged = np.bincount(bucket, margin, len(Bucket))
    pledged[Bucket.HIGHLY_LIQUID] = 1.0 - pledged[1:].sum()
    return np.asarray(pledged)
