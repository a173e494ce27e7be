"""What a market costs in a year in units of its risk, and which markets and speeds are too dear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from universe.arrays import TRADING_DAYS, BoolArray, FloatArray, known
from universe.ewm import decayed, in_rows, last_rows
from universe.instruments import Instrument


def trade_costs(instruments: Sequence[Instrument]) -> FloatArray:
    """Half spread and fee of a trade of one contract in price units, (n_markets,).

    Fees count as if they were in the currency of the quote.
    """
    return np.array([i.half_spread + i.fee / i.multiplier for i in instruments])


def yearly_rolls(instruments: Sequence[Instrument]) -> FloatArray:
    """Rolls a year, (n_markets,)."""
    return np.array([float(len(i.hold_months)) for i in instruments])


def yearly_cost(
    trade_cost: FloatArray,
    sigma_price: FloatArray,
    rolls: FloatArray,
    *,
    trades: float | FloatArray = 5.0,
    trades_per_roll: float | FloatArray = 2.0,
) -> FloatArray:
    """Cost of holding an average position for a year over its annual volatility.

    In units of Sharpe ratio: what the market has to earn before it earns anything.

    Parameters
    ----------
    trade_cost : float array of shape (n_markets,)
        Half spread and fee of a trade of one contract, in price units.
    sigma_price : float array of shape (n_markets,)
        Annual volatility in price units; the cost is infinite where it is not known.
    rolls : float array of shape (n_markets,)
        Rolls a year.
    trades : float, or float array of shape (n_speeds, n_markets)
        Average positions traded in a year besides rolls.
    trades_per_roll : float or float array of shape (n_markets,)
        What a roll costs in outright trades: 2 where it trades both legs outright.
    """
    usable = sigma_price > 0
    paid = trade_cost * (trades + trades_per_roll * rolls)
    return np.where(usable, paid / np.where(usable, sigma_price, 1.0), np.inf)


@dataclass(frozen=True, slots=True)
class YearlyImpact:
    """What the size of an average position's trades moves prices by in a year.

    Attributes
    ----------
    alpha : float
        Of the square-root impact, in daily volatilities at the whole of a day's volume.
    volume : float array of shape (n_assets,)
        Contracts a day.
    rolls : float array of shape (n_assets,)
        Average positions traded in the rolls of a year.
    trades : float or float array of shape (n_assets,)
        Average positions traded besides.
    roll_part, trade_part : float
        Of an average position, what is traded at a time: a roll has it in equal parts by the
        session, and other trades are as large as the no-trade band makes usual.
    """

    alpha: float
    volume: FloatArray
    rolls: FloatArray
    trades: float | FloatArray
    roll_part: float
    trade_part: float

    @classmethod
    def create(
        cls,
        instruments: Sequence[Instrument],
        n_assets: int,
        impacts_per_roll: FloatArray,
        *,
        alpha: float,
        trades: float,
        roll_sessions: int,
        trade_part: float,
    ) -> Self:
        """That of markets and, where there are more assets, of the two legs of their spreads.

        Parameters
        ----------
        instruments : sequence of Instrument
            The markets.
        n_assets : int
        impacts_per_roll : float array of shape (n_markets,)
            Of a roll over that of an outright trade.
        alpha, trades, trade_part : float
            See the attributes.
        roll_sessions : int
            Sessions that a roll takes.
        """
        legs = np.where(np.arange(n_assets) >= len(instruments), 2.0, 1.0)
        rolls = yearly_rolls(instruments) * impacts_per_roll
        return cls(
            alpha,
            np.resize(np.array([market.adv_contracts for market in instruments]), n_assets),
            np.resize(rolls, n_assets) * legs,
            trades * legs,
            1.0 / roll_sessions,
            trade_part,
        )

    def at_once(self, contracts: FloatArray, sigma: FloatArray, volumes: float) -> FloatArray:
        """What trading so many contracts at once moves prices by, in the units of ``sigma`` (000).

        Parameters
        ----------
        contracts : float array of shape (n_assets,)
        sigma : float array of shape (n_assets,)
            Daily volatility.
        volumes : float
            Daily volumes over ``volume``.
        """
        return np.asarray(self.alpha * sigma * np.sqrt(contracts / (self.volume * volumes)))

    def of(self, average: FloatArray, sigma_price: FloatArray, volumes: float = 1.0) -> FloatArray:
        """Yearly cost in price units of a contract held, as orders pay it (E3).

        Parameters
        ----------
        average : float array of shape (n_assets,)
            Contracts of an average position.
        sigma_price : float array of shape (n_assets,)
            Annual volatility in price units, of a spread's legs.
        volumes : float
            Daily volumes over ``volume``.
        """
        parts = self.rolls * np.sqrt(self.roll_part) + self.trades * np.sqrt(self.trade_part)
        whole = self.at_once(average, sigma_price / np.sqrt(TRADING_DAYS), volumes)
        return np.asarray(whole * parts)


class CostScreen:
    """Which items are cheap enough, with two limits so that none flips at one.

    Items are markets, or speeds of rules by market; any shape.

    Parameters
    ----------
    shape : tuple of int
    enter, leave : float
        An item that is out comes in below ``enter``, one that is in goes out above ``leave``.

    Raises
    ------
    ValueError
        If ``leave`` is below ``enter``.
    """

    STATE = ("cheap",)

    def __init__(self, shape: tuple[int, ...], enter: float, leave: float) -> None:
        if not 0 <= enter <= leave:
            raise ValueError(
                f"cost limits are {enter:g} to come in and {leave:g} to go out; "
                "the second must not be below the first, nor the first below 0"
            )
        self._enter, self._leave = enter, leave
        self.limits = f"{enter:g} to come in, {leave:g} to stay"
        self.cheap: BoolArray = np.zeros(shape, dtype=bool)

    def update(self, cost: FloatArray, judged: BoolArray) -> BoolArray:
        """Which items are cheap enough now.

        Parameters
        ----------
        cost : float array of the items' shape
            Infinite or NaN where unknown, which is out.
        judged : bool array of the items' shape
            The others keep what they were.
        """
        now = np.where(self.cheap, cost <= self._leave, cost < self._enter)
        self.cheap = np.where(judged, now, self.cheap)
        return self.cheap


class Turnover:
    """Exponential average of how much forecasts are traded in a year, in average positions.

    Parameters
    ----------
    shape : tuple of int
        Of the forecasts, which have a mean absolute value of 1.
    span, sessions_a_year : int
    """

    STATE = ("last", "mean", "weight")

    def __init__(self, shape: tuple[int, ...], span: int = 504, sessions_a_year: int = 252) -> None:
        self._decay, self._year = 1.0 - 2.0 / (span + 1.0), sessions_a_year
        self.last: FloatArray = np.full(shape, np.nan)
        self.mean: FloatArray = np.zeros(shape)
        self.weight: FloatArray = np.zeros(shape)

    def update(self, forecast: FloatArray) -> FloatArray:
        """Add a session's forecasts and return the turnover, NaN before the second forecast."""
        turnover: FloatArray = self.walk(forecast[None])[0][0]
        return turnover

    def walk(self, forecasts: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Add forecasts of sessions, which are the first axis.

        Returns
        -------
        tuple of two float arrays
            Turnover after each of them, and the weight it rests on.
        """
        there = np.isfinite(forecasts)
        after = in_rows(forecasts, last_rows(there), self.last)
        before = np.concatenate([self.last[None], after[:-1]])
        both = there & np.isfinite(before)
        change = np.where(both, np.abs(known(forecasts) - known(before)), 0.0)
        decay = np.where(both, self._decay, 1.0)
        mean, weight = decayed(self.mean, decay, change), decayed(self.weight, decay, both)
        self.last, self.mean, self.weight = after[-1].copy(), mean[-1].copy(), weight[-1].copy()
        seen = weight > 0
        turnover = np.where(seen, self._year * mean / np.where(seen, weight, 1.0), np.nan)
        return turnover, weight
