"""From target contracts to orders for the next session."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

ContractKey = tuple[int, int]
"""(market index, contract month)."""


@dataclass(frozen=True, slots=True)
class Order:
    """Market order for the next session of one contract."""

    market: int
    month: int
    quantity: int
    reason: str


def plan_orders(
    targets: Mapping[int, tuple[int, int]],
    holdings: Mapping[ContractKey, int],
    pending: Mapping[ContractKey, int],
    stuck: Collection[ContractKey] = (),
) -> list[Order]:
    """Orders that bring every market to its target contract and quantity.

    Parameters
    ----------
    targets : mapping of market index to (contract month, contracts)
        Markets that are not named are left alone.
    holdings, pending : mappings of (market index, contract month) to contracts
        Positions, and the unfilled rest of open orders.
    stuck : collection of (market index, contract month)
        Contracts that ceased to be quoted while held: until they are closed they count toward the
        target of their market, so that a roll never has two legs on.

    Returns
    -------
    list of Order
        Sorted by market and month. Contracts of a named market other than its target contract are
        closed (a roll); what is already on its way is not ordered twice.
    """
    wanted: dict[ContractKey, int] = {}
    for key in (*holdings, *pending):
        if key[0] in targets:
            wanted[key] = 0
    for market, (month, quantity) in targets.items():
        if month:
            wanted[(market, month)] = quantity
    for key in stuck:
        market = key[0]
        month = targets.get(market, (0, 0))[0]
        if month and month != key[1]:
            rest = wanted[(market, month)]
            low, high = min(rest, 0), max(rest, 0)
            wanted[(market, month)] = min(max(rest - holdings.get(key, 0), low), high)
    months: dict[int, set[int]] = {}
    for (market, month), quantity in holdings.items():
        if quantity:
            months.setdefault(market, set()).add(month)
    orders = []
    for key in sorted(wanted):
        market, month = key
        missing = wanted[key] - holdings.get(key, 0) - pending.get(key, 0)
        if not missing:
            continue
        rolling = month != targets[market][0] or bool(months.get(market, set()) - {month})
        orders.append(Order(market, month, missing, "roll" if rolling else "rebalance"))
    return orders
