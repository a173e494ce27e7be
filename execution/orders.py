"""From target contracts to orders for the next session.

An order on its way may still fill, or never. What is ordered beside it is net of what is sure: it
takes the position to its target at most, whichever of the open orders fill. Open orders that the
target has turned against are withdrawn; since a withdrawal may come too late, nothing relies on it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from universe.legs import ContractKey
from universe.rolls import next_weekday
from universe.session import Contract

__all__ = [
    "ContractKey",
    "Order",
    "Unfilled",
    "Withdrawal",
    "forced_only",
    "net_of",
    "plan_orders",
    "plan_withdrawals",
    "unfilled_of",
]

Unfilled = int | Sequence[int]
"""Unfilled rest of a contract's open order, or of each of several; bought positive."""


@dataclass(frozen=True, slots=True)
class Order:
    """Market order for the next session of one contract.

    Orders of one market that share a ``combo`` above 0 are the legs of a spread: they fill in one
    session or wait, all of them.
    """

    market: int
    month: int
    quantity: int
    reason: str
    combo: int = 0


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Open orders of one contract and side to be cancelled; ``side`` is 1 of buys, -1 of sells."""

    market: int
    month: int
    side: int


def plan_orders(
    targets: Mapping[int, Mapping[int, int]],
    holdings: Mapping[ContractKey, int],
    pending: Mapping[ContractKey, Unfilled],
    stuck: Mapping[ContractKey, int] | None = None,
    rolling: Collection[int] = (),
) -> list[Order]:
    """Orders toward the target contracts of every market, net of what is sure.

    Parameters
    ----------
    targets : mapping of market index to contracts by contract month
        Markets that are not named are left alone; other contracts of a named one are closed.
    holdings : mapping of (market index, contract month) to contracts
    pending : mapping of (market index, contract month) to unfilled contracts
    stuck : mapping of (market index, contract month) to contract month
        Contracts that ceased to be quoted while held, with their successor: until they are closed
        they count toward its target, so that a roll never has two legs on.
    rolling : collection of int
        Markets that leave a contract in parts, so that it is among their targets still.

    Returns
    -------
    list of Order
        Sorted by market and month. An order is part of a roll where the market holds a contract
        that it should not, or leaves in parts and both buys and sells.

    Notes
    -----
    With d the target minus the position, b and s the open buys and sells of the contract: buys of
    max(d - b, 0) or sells of max(-d - s, 0). What is on its way toward the target is not ordered
    twice, and an order on its way against it does not count as filled: +10 unfilled while the
    target turns to -10 gives -10, so that a refusal of the first does not leave -20.
    """
    wanted = _wanted(targets, holdings, pending, stuck or {})
    leaving = {
        market
        for (market, month), quantity in holdings.items()
        if quantity and market in targets and month not in targets[market]
    }
    lacking = {key: n - holdings.get(key, 0) for key, n in wanted.items()}
    sides = {(key[0], missing > 0) for key, missing in lacking.items() if missing}
    orders = []
    for key in sorted(wanted):
        (market, month), missing = key, lacking[key]
        if not missing:
            continue
        buys, sells = _sides(pending.get(key, 0))
        quantity = max(missing - buys, 0) if missing > 0 else min(missing + sells, 0)
        if quantity:
            parts = market in rolling and {(market, True), (market, False)} <= sides
            rolls = market in leaving or parts or month not in targets[market]
            orders.append(Order(market, month, quantity, "roll" if rolls else "rebalance"))
    return orders


def plan_withdrawals(
    targets: Mapping[int, Mapping[int, int]],
    holdings: Mapping[ContractKey, int],
    pending: Mapping[ContractKey, Unfilled],
    stuck: Mapping[ContractKey, int] | None = None,
) -> list[Withdrawal]:
    """Open orders that lead away from the target, or past it.

    Parameters
    ----------
    targets, holdings, pending, stuck
        See ``plan_orders``.

    Returns
    -------
    list of Withdrawal
        Sorted by market and month.

    Notes
    -----
    Once these are withdrawn, no outcome of the others and of the orders planned beside them takes
    a position past its target. One that overshoots on the right side (+10 unfilled, target now +5)
    is not replaced before it is known to be gone: the next evening orders what is missing.
    """
    if not pending:
        return []
    out = []
    wanted = _wanted(targets, holdings, pending, stuck or {})
    for key in sorted(wanted.keys() & pending.keys()):
        missing = wanted[key] - holdings.get(key, 0)
        buys, sells = _sides(pending[key])
        if buys > max(missing, 0):
            out.append(Withdrawal(*key, 1))
        if sells > max(-missing, 0):
            out.append(Withdrawal(*key, -1))
    return out


def _wanted(
    targets: Mapping[int, Mapping[int, int]],
    holdings: Mapping[ContractKey, int],
    pending: Mapping[ContractKey, Unfilled],
    stuck: Mapping[ContractKey, int],
) -> dict[ContractKey, int]:
    """Target of every contract of a named market that has one, is held or is being ordered."""
    out = {
        key: targets[key[0]].get(key[1], 0) for key in (*holdings, *pending) if key[0] in targets
    }
    out |= {(market, month): n for market, legs in targets.items() for month, n in legs.items()}
    for key, successor in stuck.items():
        market = key[0]
        if market in targets and successor in targets[market] and successor != key[1]:
            rest = targets[market][successor]
            low, high = min(rest, 0), max(rest, 0)
            out[(market, successor)] = min(max(rest - holdings.get(key, 0), low), high)
    return out


def unfilled_of(orders: Iterable[tuple[ContractKey, int]]) -> dict[ContractKey, Unfilled]:
    """What is on its way by contract, from the unfilled rest of every open order."""
    rests: dict[ContractKey, tuple[int, ...]] = {}
    for key, rest in orders:
        rests[key] = (*rests.get(key, ()), rest)
    return {key: some[0] if len(some) == 1 else some for key, some in rests.items()}


def net_of(unfilled: Unfilled) -> int:
    """Contracts more if all open orders of a contract fill."""
    return unfilled if isinstance(unfilled, int) else sum(unfilled)


def rests_of(unfilled: Unfilled) -> tuple[int, ...]:
    """The unfilled rest of every open order of a contract."""
    return (unfilled,) if isinstance(unfilled, int) else tuple(unfilled)


def _sides(unfilled: Unfilled) -> tuple[int, int]:
    """Contracts of open buys and of open sells, both 0 or positive."""
    rests = rests_of(unfilled)
    return sum(max(rest, 0) for rest in rests), sum(max(-rest, 0) for rest in rests)


Planned = TypeVar("Planned", Order, Withdrawal)


def forced_only(
    orders: list[Planned], day: int, contracts: Sequence[Mapping[int, Contract]]
) -> list[Planned]:
    """What is planned in markets that have to leave a contract before the next session is over.

    What an expiry forces outranks everything: the closing order and, where the position rolls, the
    one in the contract it rolls to.

    Parameters
    ----------
    orders : list of Order or of Withdrawal
    day : int
        Epoch day of the decision.
    contracts : sequence of mapping of contract month to Contract
        By market.
    """
    due = {
        order.market
        for order in orders
        if contracts[order.market][order.month].last_holding <= next_weekday(day)
    }
    return [order for order in orders if order.market in due]
