"""What a trade is expected to cost (E3): one formula for research and for LEAN's models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite, sqrt
from typing import Protocol

from execution.fills import ROLLS, SPREAD
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
    return stress * (instrument.half_spread + _impact(instrument, quantity, sigma_price, impact))


def spread_slippage(
    instrument: Instrument,
    quantity: float,
    sigma_price: float,
    *,
    impact: float = 0.1,
    stress: float = 1.0,
    width: float = 1.0,
) -> float:
    """Price concession per contract of either leg of a calendar spread, in the quote.

    Parameters
    ----------
    instrument : Instrument
    quantity : float
        Spreads, either sign.
    sigma_price : float
        Daily volatility of a leg in price units; unknown (NaN) counts as 0.
    impact, stress : float
        See :func:`slippage`.
    width : float
        Bid-ask spread of the calendar spread over that of a leg.

    Notes
    -----
    A spread pays its own half spread once, and the impact of one leg; each leg is booked half of
    both. With ``width`` 1 that is half of what the legs pay outright.

    The default of 1 is what the quotes of the E-mini S&P 500 in LEAN's samples of 2013-12-18 and
    12-20 (December and March) bear out: the legs cross for 0.50 points; the values of the spread
    that both books allow at every minute of ten leave 0.25 points between them (median of either
    day), which is the width of one leg; the listed spread's tick is 0.05. The impact is cautious
    too: a spread moves far less than its legs (0.11 points within those days).
    """
    paid = width * instrument.half_spread + _impact(instrument, quantity, sigma_price, impact)
    return 0.5 * stress * paid


def _impact(instrument: Traded, quantity: float, sigma_price: float, alpha: float) -> float:
    sigma = sigma_price if isfinite(sigma_price) else 0.0
    return alpha * sigma * sqrt(abs(quantity) / instrument.adv_contracts)


def fee(instrument: Instrument, quantity: float) -> float:
    """Exchange, clearing and broker fees in the instrument's fee currency."""
    return abs(quantity) * instrument.fee


@dataclass(frozen=True, slots=True)
class CostModel:
    """The slippage of every kind of order, under one set of settings.

    Attributes
    ----------
    impact, stress : float
        See :func:`slippage`.
    width : float
        See :func:`spread_slippage`.
    levy : mapping of str to float
        Share of the value traded that markets are charged besides, by code (004).
    """

    impact: float
    stress: float
    width: float = 1.0
    levy: Mapping[str, float] = field(default_factory=dict)

    def concession(
        self,
        instrument: Instrument,
        quantity: float,
        sigma_price: float,
        price: float,
        reason: str = "",
    ) -> float:
        """Price concession per contract, levy included.

        Parameters
        ----------
        instrument : Instrument
        quantity : float
            Contracts, either sign.
        sigma_price : float
            Daily volatility in price units at the decision.
        price : float
            Before the concession.
        reason : str
            Of the order: the legs of a spread pay for it together, and those of a roll one levy.
        """
        levied = self.levy.get(instrument.code, 0.0) * abs(price)
        if reason in ROLLS:
            levied /= 2.0
        if reason == SPREAD:
            return levied + spread_slippage(
                instrument,
                quantity,
                sigma_price,
                impact=self.impact,
                stress=self.stress,
                width=self.width,
            )
        return levied + slippage(
            instrument, quantity, sigma_price, impact=self.impact, stress=self.stress
        )
