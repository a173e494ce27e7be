"""What a trade is expected to cost (E3): one formula for research and for LEAN's models."""

from __future__ import annotations

from math import isfinite, sqrt
from typing import Protocol

from universe.instruments import Instrument


class Traded(Protocol):
    """What the cost of a trade asks of a market: an instrument, or what a record keeps of it."""

    @property
    def half_spread(self) -> float:
        """In the quote."""

    @property
    def adv_contracts(self) -> float:
        """Average daily volume."""


def slippage(
    instrument: Traded,
    quantity: float,
    sigma_price: float,
    *,
    impact: float = 0.1,
    stress: float = 1.0,
) -> float:
    """Price concession per contract, in the instrument's quote, at least 0.

    Parameters
    ----------
    instrument : Traded
    quantity : float
        Contracts, either sign.
    sigma_price : float
        Daily volatility in price units at the decision; unknown (NaN) counts as 0.
    impact : float
        α of the square-root law.
    stress : float
        Multiplies the result.

    Notes
    -----
    stress·(half spread + α·σ·sqrt(|q| / ADV)) (000, Cost model).
    """
    sigma = sigma_price if isfinite(sigma_price) else 0.0
    participation = abs(quantity) / instrument.adv_contracts
    return stress * (instrument.half_spread + impact * sigma * sqrt(participation))


def fee(instrument: Instrument, quantity: float) -> float:
    """Exchange, clearing and broker fees in the instrument's fee currency."""
    return abs(quantity) * instrument.fee
