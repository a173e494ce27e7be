"""Rolls as calendar spreads: the two legs of a roll as one order (E2)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from execution.fills import ROLL, SPREAD
from execution.orders import Order, Withdrawal
from universe.legs import ContractKey
from universe.rolls import next_weekday
from universe.session import Contract


def as_spreads(
    orders: Sequence[Order],
    listed: Collection[int],
    day: int,
    contracts: Sequence[Mapping[int, Contract]],
) -> list[Order]:
    """The orders, with sells and buys of a roll joined to calendar spreads.

    Parameters
    ----------
    orders : sequence of Order
        Sorted by market and month, as ``plan_orders`` gives them.
    listed : collection of int
        Markets whose exchange lists the spread and whose broker takes it.
    day : int
        Epoch day of the decision.
    contracts : sequence of mapping of contract month to Contract
        By market.

    Returns
    -------
    list of Order
        The legs of a spread share a market and a ``combo`` above 0.

    Notes
    -----
    Sells and buys are paired from the nearest month on, so that a spread has the shortest span.
    What is left over is the change of the target, netted with the roll: it trades outright, as a
    rebalance. A contract that must be left in the next session is traded outright too: a spread
    waits until both contracts trade, the last order in an expiring one must not.
    """
    if not listed:
        return list(orders)
    out: list[Order] = []
    combos = 0
    for market, group in groupby(orders, key=lambda order: order.market):
        mine = list(group)
        rolled = [order for order in mine if order.reason == ROLL]
        if market not in listed or any(is_pressing(o, day, contracts) for o in rolled):
            out += mine
            continue
        pairs, rest = _paired(rolled)
        for first, second, quantity in pairs:
            combos += 1
            out.append(Order(market, first, quantity, SPREAD, combos))
            out.append(Order(market, second, -quantity, SPREAD, combos))
        if pairs:
            rest = [replace(order, reason="rebalance") for order in rest]
        out += rest + [order for order in mine if order.reason != ROLL]
    return out


def _paired(orders: Iterable[Order]) -> tuple[list[tuple[int, int, int]], list[Order]]:
    """(near month, far month, quantity of the near one) of every spread, and what is left over."""
    pairs: list[tuple[int, int, int]] = []
    open_: list[Order] = []  # all of one side, nearest month first
    for order in orders:
        left = order.quantity
        while left and open_ and (open_[0].quantity > 0) != (left > 0):
            near = open_.pop(0)
            size = min(abs(near.quantity), abs(left))
            sign = 1 if near.quantity > 0 else -1
            pairs.append((near.month, order.month, sign * size))
            left += sign * size
            if abs(near.quantity) > size:
                open_.insert(0, replace(near, quantity=near.quantity - sign * size))
        if left:
            open_.append(replace(order, quantity=left))
    return pairs, open_


def is_pressing(
    leg: Order | Withdrawal, day: int, contracts: Sequence[Mapping[int, Contract]]
) -> bool:
    """Whether a contract must be left in the next session."""
    return contracts[leg.market][leg.month].last_holding <= next_weekday(day)


def pressing_spreads(
    spreads: Iterable[ContractKey], day: int, contracts: Sequence[Mapping[int, Contract]]
) -> list[Withdrawal]:
    """Open spreads to be withdrawn, because one of their contracts must be left.

    Parameters
    ----------
    spreads : iterable of (market index, contract month)
        Contracts with an open order that is a leg of a spread.
    day : int
        Epoch day of the decision.
    contracts : sequence of mapping of contract month to Contract
        By market.

    Notes
    -----
    A spread that has found no session in which both contracts traded is taken back, and the
    contract left outright the evening after, within the business days that
    ``universe.listing.contract_of`` keeps in hand.
    """
    out = []
    for market, month in sorted(spreads):
        legs = [Withdrawal(market, month, side) for side in (1, -1)]
        if is_pressing(legs[0], day, contracts):
            out += legs
    return out
