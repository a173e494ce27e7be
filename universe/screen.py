"""Who may be traded today, at this fund size, and why not (U7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np

from universe.arrays import BoolArray, FloatArray
from universe.cost_screen import (
    CostScreen,
    YearlyImpact,
    trade_costs,
    yearly_cost,
    yearly_rolls,
)
from universe.instruments import Instrument
from universe.settings import UniverseSettings


class Screen:
    """Leaves out what is too big for the fund or too dear to trade.

    Parameters
    ----------
    names : list of str
        Of the assets, for people.
    n_markets : int
    yearly_cost : float array of shape (n_assets,)
        Of holding a contract for a year, trades and rolls, in price units.
    yearly_fees : float array of shape (n_assets,)
        The part of it that is no spread.
    impact : YearlyImpact
        Of the trades and rolls of an average position, on top of it.
    min_position : float
        Contracts that the average position must have.
    cost_limit, cost_limit_out : float
        Yearly cost over annual volatility below which an asset comes in, above which it goes out.

    Notes
    -----
    Judged once a month, and when an asset first counts, so that nobody trades in and out.
    """

    STATE = ("excluded", "screened", "screened_in")
    DEPENDS = ()

    def __init__(
        self,
        names: list[str],
        n_markets: int,
        yearly_cost: FloatArray,
        yearly_fees: FloatArray,
        impact: YearlyImpact,
        min_position: float,
        cost_limit: float,
        cost_limit_out: float,
    ) -> None:
        n = len(names)
        self._names, self._n_markets, self._yearly_cost = names, n_markets, yearly_cost
        self._yearly_fees, self._impact = yearly_fees, impact
        self._min_position = min_position
        self.costs = CostScreen((n,), cost_limit, cost_limit_out)
        self.excluded: BoolArray = np.zeros(n, dtype=bool)
        self.screened: BoolArray = np.zeros(n, dtype=bool)
        self.screened_in = 0

    @classmethod
    def of(
        cls,
        names: list[str],
        instruments: Sequence[Instrument],
        settings: UniverseSettings,
        trades_per_roll: FloatArray,
        impact: YearlyImpact,
    ) -> Self:
        """The screen of the settings; fees count as if they were in the quote's currency.

        Parameters
        ----------
        names : list of str
            Of the assets: the markets, then their spreads where these are traded.
        instruments : sequence of Instrument
            The markets.
        settings : UniverseSettings
        trades_per_roll : float array of shape (n_markets,)
            See ``yearly_cost``.
        impact : YearlyImpact
        """
        n, markets, trades = len(names), len(instruments), settings.cost_trades
        rolls, one = yearly_rolls(instruments), np.ones(markets)
        whole = yearly_cost(
            trade_costs(instruments), one, rolls, trades=trades, trades_per_roll=trades_per_roll
        )
        fee = np.array([market.fee / market.multiplier for market in instruments])
        fees = yearly_cost(fee, one, rolls, trades=trades)
        legs = np.where(np.arange(n) >= markets, 2.0, 1.0)
        return cls(
            names,
            markets,
            np.resize(whole, n) * legs,
            np.resize(fees, n) * legs,
            impact,
            settings.min_position,
            settings.cost_limit,
            settings.cost_limit_out,
        )

    def is_due(self, month: int, alive: BoolArray) -> bool:
        """Whether the screen judges in this session; ``month`` is its yyyymm."""
        return month != self.screened_in or bool((alive & ~self.screened).any())

    def judge(
        self,
        month: int,
        alive: BoolArray,
        average: FloatArray,
        sigma_price: FloatArray,
        nav: float,
        *,
        wider: float = 1.0,
        stress: float | FloatArray = 1.0,
        volumes: float = 1.0,
    ) -> list[tuple[int, str, str]]:
        """Judge all assets anew; returns notes on what changed.

        Parameters
        ----------
        month : int
            yyyymm of the session.
        alive : bool array of shape (n_assets,)
            Assets with a price, a volatility and a forecast; the others keep their verdict.
        average : float array of shape (n_assets,)
            Contracts held at a forecast of 1.
        sigma_price : float array of shape (n_assets,)
            Annual volatility in price units.
        nav : float
            Account currency, for the sentence.
        wider : float
            Half spreads over those of the master.
        stress : float or float array of shape (n_assets,)
            Slippage, spread and impact, over the usual one.
        volumes : float
            Daily volumes over those of the master.
        """
        self.screened_in = month
        self.screened = self.screened | alive
        big = too_big(average, self._min_position, alive)
        usable = sigma_price > 0
        more = wider * stress - 1.0
        paid = self._yearly_cost + more * (self._yearly_cost - self._yearly_fees)
        outright = np.resize(sigma_price[: self._n_markets], len(sigma_price))
        paid = paid + stress * self._impact.of(average, outright, volumes)
        cost = np.where(usable, paid / np.where(usable, sigma_price, 1.0), np.inf)
        dear = alive & ~self.costs.update(cost, alive)
        notes = []
        for asset in np.flatnonzero((big | dear) & ~self.excluded).tolist():
            text = (
                f"{self._names[asset]} is too big for NAV {nav:,.0f}: its average position would "
                f"be {average[asset]:.2f} contracts, at least {self._min_position:g} is asked"
                if big[asset]
                else f"{self._names[asset]} is too dear: trades and rolls of a year cost "
                f"{cost[asset]:.3f} of its annual volatility, {self.costs.limits} is allowed"
            )
            notes.append((asset % self._n_markets, "universe", text))
        for asset in np.flatnonzero(self.excluded & alive & ~(big | dear)).tolist():
            text = f"{self._names[asset]} is traded again"
            notes.append((asset % self._n_markets, "universe", text))
        self.excluded = np.where(alive, big | dear, self.excluded)
        return notes


def too_big(average: FloatArray, minimum: float, member: BoolArray) -> BoolArray:
    """Members whose average position is below ``minimum`` contracts at this fund size (U7)."""
    return np.asarray(member & (average < minimum))
