"""From target contracts to orders for the next session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from universe.legs import ContractKey
from universe.rolls import next_weekday
from universe.session import Contract

__all__ = ["ContractKey", "Order", "forced_only", "plan_orders"]


@dataclass(frozen=True, slots=True)
class Order:
    """Market order for the next session of one contract."""

    market: int
    month: int
    quantity: int
    reason: str


def plan_orders(
    targets: Mapping[int, Mapping[int, int]],
    holdings: Mapping[ContractKey, int],
    pending: Mapping[ContractKey, int],
    stuck: Mapping[ContractKey, int] | None = None,
) -> list[Order]:
    """Orders that bring every market to its target contracts.

    Parameters
    ----------
    targets : mapping of market index to contracts by contract month
        Markets that are not named are left alone; other contracts of a named one are closed.
    holdings, pending : mappings of (market index, contract month) to contracts
        Positions, and the unfilled rest of open orders.
    stuck : mapping of (market index, contract month) to contract month
        Contracts that ceased to be quoted while held, with their successor: until they are closed
        they count toward its target, so that a roll never has two legs on.

    Returns
    -------
    list of Order
        Sorted by market and month. An order is part of a roll where the market holds a contract
        that it should not; what is already on its way is not ordered twice.
    """
    open_keys = set(pending)
    open_keys.update(
        (market, month)
        for market, wanted in targets.items()
        for month, quantity in wanted.items()
        if quantity != holdings.get((market, month), 0)
    )
    leaving: set[int] = set()
    for key, quantity in holdings.items():
        wanted_here = targets.get(key[0])
        if quantity and wanted_here is not None and key[1] not in wanted_here:
            open_keys.add(key)
            leaving.add(key[0])
    instead: dict[ContractKey, int] = {}
    for key, successor in (stuck or {}).items():
        market = key[0]
        if market in targets and successor in targets[market] and successor != key[1]:
            rest = targets[market][successor]
            low, high = min(rest, 0), max(rest, 0)
            instead[(market, successor)] = min(max(rest - holdings.get(key, 0), low), high)
            open_keys.add((market, successor))
    orders = []
    for key in sorted(open_keys):
        market, month = key
        if market not in targets:
            continue
        wanted = instead.get(key, targets[market].get(month, 0))
        missing = wanted - holdings.get(key, 0) - pending.get(key, 0)
        if missing:
            rolling = market in leaving or month not in targets[market]
            orders.append(Order(market, month, missing, "roll" if rolling else "rebalance"))
    return orders


def forced_only(
    orders: list[Order], day: int, contracts: Sequence[Mapping[int, Contract]]
) -> list[Order]:
    """Orders of the markets that have to leave a contract before the next session is over.

    What an expiry forces outranks everything: the closing order and, where the position rolls, the
    one in the contract it rolls to.

    Parameters
    ----------
    orders : list of Order
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
