"""Targets brought within the limits, on whole contracts (R4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from risk.account import Remedy, RiskAccount
from risk.limits import Limit, LimitBook
from universe.arrays import BoolArray, FloatArray, IntArray

SEARCH = 20
"""Halvings of the share that is left of the positions: a millionth."""

_Figure = Callable[[IntArray], float]

SLACK = 1e-9
"""Share of a level that rounding of sums may exceed it by."""


@dataclass(frozen=True, slots=True)
class Capped:
    """Targets within the limits.

    Attributes
    ----------
    contracts : int array of shape (n_assets,)
    steps : list of str
        What was reduced and why, in order.
    unmet : list of str
        Limits that the contracts still exceed, since what may not be traded exceeds them.
    """

    contracts: IntArray
    steps: list[str]
    unmet: list[str]


def cap_targets(
    book: LimitBook,
    asked: IntArray,
    account: RiskAccount,
    tradable: BoolArray,
    headroom: float = 0.0,
) -> Capped:
    """Reduce targets until every limit that caps or cuts holds.

    Parameters
    ----------
    book : LimitBook
    asked : int array of shape (n_assets,)
        Target contracts.
    account : RiskAccount
        Of it are the positions held, the prices and the model.
    tradable : bool array of shape (n_assets,)
        What may be traded today; anything else keeps what is held.
    headroom : float
        Share of each level that targets stay below it by, since positions drift until they are
        decided on again.

    Returns
    -------
    Capped

    Raises
    ------
    ValueError
        If the headroom is not within [0, 1).

    Notes
    -----
    A limit's movers are scaled toward zero together to the largest share that holds on whole
    contracts, then one contract at a time where rounding leaves none. Reducing a hedge can raise
    another limit's figure, so the limits are gone through until none asks for more; positions only
    ever fall, so that this ends. Under a figure that cannot be measured positions may only be
    reduced, and it is in ``unmet``: a missing value neither lets risk grow nor closes the book.
    """
    if not 0 <= headroom < 1:
        raise ValueError(f"headroom is {headroom:g}; it must be at least 0 and below 1")
    contracts = np.where(tradable, asked, account.contracts).astype(np.int64)
    steps: list[str] = []
    active = [one for one in book.capping if one.measure.exists(account)]
    while True:
        before = contracts
        above: list[Limit] = []
        for limit in active:
            found = _held_to(limit, contracts, account, tradable, headroom, steps)
            if found is not None:
                contracts = found
                above.append(limit)
        if np.array_equal(before, contracts):
            break
    unmet = [text for limit in above for text in _unmet(limit, contracts, account, headroom)]
    return Capped(contracts, steps, unmet)


def exceeded(book: LimitBook, contracts: IntArray, account: RiskAccount) -> list[str]:
    """Limits that cap or cut and that contracts are above, or may be; no headroom is asked for.

    Parameters
    ----------
    book : LimitBook
    contracts : int array of shape (n_assets,)
    account : RiskAccount
    """
    return [
        text
        for limit in book.capping
        if limit.measure.exists(account)
        for text in _unmet(limit, contracts, account, 0.0)
    ]


def _level(limit: Limit, headroom: float) -> float:
    return limit.row.breach * (1.0 - headroom)


def _over(value: float | FloatArray, level: float) -> bool | BoolArray:
    return value > level * (1.0 + SLACK)


def _held_to(
    limit: Limit,
    contracts: IntArray,
    account: RiskAccount,
    tradable: BoolArray,
    headroom: float,
    steps: list[str],
) -> IntArray | None:
    """The contracts reduced as far as they can be; None if they are within the limit."""
    level, name = _level(limit, headroom), limit.row.name
    values = limit.measure.values(contracts, account)
    if (values <= level * (1.0 + SLACK)).all():  # a figure that is not a number is not
        return None
    movers = limit.measure.movers(contracts, account)
    if limit.row.remedy is Remedy.CUT:
        movers = np.ones_like(movers)
    for bucket, value in enumerate(values.tolist()):
        free = movers[bucket] & tradable & (contracts != 0)
        if not np.isfinite(value):
            reduced = np.where(free, _no_larger(contracts, account.contracts), contracts)
            after = "only reductions of what is held"
        elif _over(value, level):
            reduced, found = _reduce(limit, bucket, contracts, account, free, level)
            after = f"{found:.4g}"
        else:
            continue
        if not np.array_equal(reduced, contracts):
            of = f"{name} of {limit.measure.buckets[bucket]}"
            steps.append(f"{of} {value:.4g} above {level:.4g}: {after}")
        contracts = reduced
    return contracts


def _no_larger(asked: IntArray, held: IntArray) -> IntArray:
    """``asked`` where it reduces what is held, else what is held; never the other side."""
    kept = np.sign(held) * np.minimum(np.abs(asked), np.abs(held))
    return np.where(np.sign(asked) == np.sign(held), kept, 0)


def _reduce(
    limit: Limit,
    bucket: int,
    contracts: IntArray,
    account: RiskAccount,
    free: BoolArray,
    level: float,
) -> tuple[IntArray, float]:
    """The contracts with the bucket within its level, or as low as it was found to go."""

    def figure(trial: IntArray) -> float:
        return float(limit.measure.values(trial, account)[bucket])

    def scaled(share: float) -> IntArray:
        return np.where(free, np.trunc(contracts * share), contracts).astype(np.int64)

    low, high = 0.0, 1.0
    for _ in range(SEARCH):
        share = (low + high) / 2.0
        low, high = (low, share) if _over(figure(scaled(share)), level) else (share, high)
    fitting = scaled(low)
    if not _over(figure(fitting), level):
        return fitting, figure(fitting)
    least = min((contracts, scaled(0.0)), key=figure)
    least = _one_by_one(least, free, figure, level)
    return least, figure(least)


def _one_by_one(contracts: IntArray, free: BoolArray, figure: _Figure, level: float) -> IntArray:
    """Take away the contract that brings the figure down most, while one does."""
    value = figure(contracts)
    while _over(value, level):
        trials = []
        for asset in np.flatnonzero(free & (contracts != 0)).tolist():
            trial = contracts.copy()
            trial[asset] -= np.sign(trial[asset])
            trials.append((figure(trial), asset, trial))
        if not trials:
            return contracts
        lower, _, trial = min(trials, key=lambda one: one[:2])
        if not lower < value:
            return contracts
        contracts, value = trial, lower
    return contracts


def _unmet(limit: Limit, contracts: IntArray, account: RiskAccount, headroom: float) -> list[str]:
    level = _level(limit, headroom)
    values = limit.measure.values(contracts, account).tolist()
    out = []
    for bucket, value in zip(limit.measure.buckets, values, strict=True):
        if not np.isfinite(value):
            out.append(f"{limit.row.name} of {bucket} cannot be measured")
        elif _over(value, level):
            out.append(f"{limit.row.name} of {bucket} stays at {value:.4g}, above {level:.4g}")
    return out
