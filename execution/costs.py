"""What a trade is expected to cost (E3): one formula for research and for LEAN's models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import isfinite, sqrt
from typing import Any, NamedTuple, Protocol, Self

from execution.fills import ROLLS, SPREAD
from execution.settings import PastCosts
from universe.arrays import from_epoch_day
from universe.instruments import Instrument

_CENTURY = ((2003, 1.0), (1993, 2.0), (1980, 3.0))
_BEFORE = 6.0


def past_cost_factor(day: int, rule: str) -> float:
    """Multiple of today's half spread that is paid on a day of the past.

    Parameters
    ----------
    day : int
        Epoch day.
    rule : str
        "today": 1. "century": 1 from 2003, 2 from 1993, 3 from 1980 and 6 before, the steps that
        Hurst, Ooi and Pedersen (2017, "A century of evidence on trend-following investing") take
        from the history of US stock trading costs (Jones 2002).

    Raises
    ------
    ValueError
        For another rule.
    """
    if rule not in list(PastCosts):
        raise ValueError(f"past_costs is '{rule}'; it must be one of {', '.join(PastCosts)}")
    if rule == PastCosts.TODAY:
        return 1.0
    year = from_epoch_day(day).year
    return next((factor for first, factor in _CENTURY if year >= first), _BEFORE)


def passively(instruments: Iterable[Instrument], share: float) -> list[Instrument]:
    """The instruments as they cost where a share of what is traded fills at a limit.

    Parameters
    ----------
    instruments : iterable of Instrument
    share : float
        Probability that a contract fills passively: it then pays no half spread. What else a limit
        costs, to be filled when the price runs away and not otherwise, is not in it.
    """
    if not share:
        return list(instruments)
    return [replace(one, half_spread=(1.0 - share) * one.half_spread) for one in instruments]


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
    past: float = 1.0,
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
    past : float
        Multiplies the half spread, see :func:`past_cost_factor`.

    Notes
    -----
    stress·(half spread + α·σ·sqrt(|q| / ADV)) (000, Cost model).
    """
    paid = past * instrument.half_spread + _impact(instrument, quantity, sigma_price, impact)
    return stress * paid


def spread_slippage(
    instrument: Instrument,
    quantity: float,
    sigma_price: float,
    *,
    impact: float = 0.1,
    stress: float = 1.0,
    width: float = 1.0,
    past: float = 1.0,
) -> float:
    """Price concession per contract of either leg of a calendar spread, in the quote.

    Parameters
    ----------
    instrument : Instrument
    quantity : float
        Spreads, either sign.
    sigma_price : float
        Daily volatility of a leg in price units; unknown (NaN) counts as 0.
    impact, stress, past : float
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
    paid = past * width * instrument.half_spread + _impact(
        instrument, quantity, sigma_price, impact
    )
    return 0.5 * stress * paid


def _impact(instrument: Traded, quantity: float, sigma_price: float, alpha: float) -> float:
    sigma = sigma_price if isfinite(sigma_price) else 0.0
    return alpha * sigma * sqrt(abs(quantity) / instrument.adv_contracts)


def fee(instrument: Instrument, quantity: float) -> float:
    """Exchange, clearing and broker fees in the instrument's fee currency."""
    return abs(quantity) * instrument.fee


class Conditions(NamedTuple):
    """What an order's slippage depends on besides the order: known at its decision.

    Attributes
    ----------
    sigma : float
        Daily volatility in price units, NaN if unknown.
    stress : float
        See ``universe.cost_stress``.
    """

    sigma: float
    stress: float = 1.0


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
    past : str
        See :func:`past_cost_factor`.
    """

    impact: float
    stress: float
    width: float = 1.0
    levy: Mapping[str, float] = field(default_factory=dict)
    past: str = PastCosts.TODAY

    @classmethod
    def of(cls, settings: Any) -> Self:
        """The model of the settings."""
        return cls(
            settings.impact,
            settings.cost_stress,
            settings.spread_width,
            settings.levies,
            settings.past_costs,
        )

    def concession(
        self,
        instrument: Instrument,
        quantity: float,
        sigma_price: float,
        price: float,
        reason: str = "",
        *,
        day: int = 0,
        stress: float = 1.0,
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
        day : int
            Epoch day of the session before the fill, for costs of the past.
        stress : float
            Of the market at the decision, see ``universe.cost_stress``; a levy does not know it.
        """
        past = past_cost_factor(day, self.past)
        levied = self.levy.get(instrument.code, 0.0) * abs(price)
        if reason in ROLLS:
            levied /= 2.0
        if reason == SPREAD:
            return levied + spread_slippage(
                instrument,
                quantity,
                sigma_price,
                impact=self.impact,
                stress=self.stress * stress,
                width=self.width,
                past=past,
            )
        return levied + slippage(
            instrument,
            quantity,
            sigma_price,
            impact=self.impact,
            stress=self.stress * stress,
            past=past,
        )
