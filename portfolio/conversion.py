"""Orders in a currency pair that change a balance into the account's currency, at IB's IdealPro."""

from __future__ import annotations

from math import ceil, isfinite

IDEALPRO: dict[str, tuple[float, float]] = {
    "AUD": (25_000.0, 6_000_000.0),
    "EUR": (20_000.0, 6_000_000.0),
    "GBP": (20_000.0, 5_000_000.0),
    "NZD": (35_000.0, 8_000_000.0),
    "USD": (25_000.0, 7_000_000.0),
}
"""Smallest and largest order of a pair by its first currency, in that currency.

Interactive Brokers' minimum and maximum sizes of spot currency orders, as LEAN's brokerage model of
it holds orders to them (``InteractiveBrokersBrokerageModel``, 21 August 2026), for the first
currencies of pairs with the dollar.
"""


def conversion_orders(
    pair: str, currency: str, balance: float, rate: float, lot: float = 1.0
) -> list[float]:
    """Quantities of market orders that bring a balance to zero, in the pair's first currency.

    Parameters
    ----------
    pair : str
        Six letters, like EURUSD; ``currency`` is one half, the account's currency the other.
    currency : str
    balance : float
        In ``currency``; a debt is negative.
    rate : float
        Account currency for one unit of ``currency``.
    lot : float
        Smallest step of an order.

    Returns
    -------
    list of float
        Equal parts, each within the pair's sizes; empty where the balance is too small for an
        order, or nothing is known of the pair's sizes.
    """
    first = pair[:3]
    if first not in IDEALPRO or not (isfinite(balance) and rate > 0 and isfinite(rate)):
        return []
    least, most = IDEALPRO[first]
    wanted = -balance if first == currency else balance * rate
    if abs(wanted) < least:
        return []
    parts = ceil(abs(wanted) / most)
    size = int(abs(wanted) / parts / lot) * lot
    return [size if wanted > 0 else -size] * parts if size >= least else []
