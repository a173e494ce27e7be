"""What an executed order did."""

from __future__ import annotations

from dataclasses import dataclass

ROLL = "roll"
"""Reason of an outright order that is part of a roll."""

SPREAD = "roll spread"
"""Reason of the two legs of a roll that is one calendar spread."""

ROLLS = frozenset({ROLL, SPREAD})
"""Reasons whose costs are those of rolling."""

EXPIRY = "expiry"
"""Reason of a position that the exchange closed: nobody ordered it."""

OTHER = "other"
"""Reason of an order that is not the strategy's: by hand, or a margin call."""


@dataclass(frozen=True, slots=True)
class Fill:
    """One executed order, or part of one, in one contract.

    Attributes
    ----------
    epoch_day : int
        Session of the fill.
    market : str
    month : int
        Contract, yyyymm.
    quantity : int
        Signed contracts.
    price : float
        Including slippage, in the instrument's quote.
    slippage : float
        Cost of the slippage by the cost model in account currency, at least 0.
    fee : float
        Fees in account currency, at least 0.
    reason : str
        "rebalance", "roll", "roll spread", "expiry" or "other".
    outright : float
        Of a leg of a calendar spread: the slippage of the same trade outright, by the cost model
        in account currency; 0 of all other fills.
    decided : float
        Close that the order was decided at; NaN where there was none, or nobody decided.
    beyond : float
        What was paid beyond ``decided`` and the expected slippage, see ``beyond_expectation``.
    algorithm : str
        That the order was worked by, see ``execution.schedules.Algorithm``; empty where nobody's
        was, or a record does not say.
    minute : int
        Since 1970 UTC; 0 where no more than the session is known.
    """

    epoch_day: int
    market: str
    month: int
    quantity: int
    price: float
    slippage: float
    fee: float
    reason: str
    outright: float = 0.0
    decided: float = float("nan")
    beyond: float = float("nan")
    algorithm: str = ""
    minute: int = 0


def beyond_expectation(
    quantity: int, price: float, decided: float, concession: float, sigma: float
) -> float:
    """What a fill cost beyond its expectation, in daily volatilities of the price.

    Parameters
    ----------
    quantity : int
        Signed contracts.
    price, decided : float
        Paid, and the close that the order was decided at.
    concession : float
        Slippage per contract that the cost model expects, in the quote.
    sigma : float
        Daily volatility in price units at the decision.

    Returns
    -------
    float
        Negative where it cost less; NaN where a price or the volatility is not known.
    """
    if not sigma > 0:
        return float("nan")
    side = 1.0 if quantity > 0 else -1.0
    return (side * (price - decided) - concession) / sigma
