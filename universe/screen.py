"""Who may be traded today, at this fund size, and why not (U7)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from universe.arrays import BoolArray, FloatArray


@dataclass(frozen=True, slots=True)
class Screened:
    """What the screen let in.

    Attributes
    ----------
    member : bool array of shape (n_assets,)
        Assets with a risk budget.
    notes : list of (market index, kind, sentence)
        What has changed.
    """

    member: BoolArray
    notes: list[tuple[int, str, str]]


class Screen:
    """Leaves out what is too big for the fund or too dear to trade.

    Parameters
    ----------
    names : list of str
        Of the assets, for people.
    n_markets : int
    trade_cost : float array of shape (n_assets,)
        Half spread and fee of one trade in one contract, in price units.
    min_position : float
        Contracts that the average position must have.
    max_cost : float
        Cost of a trade over annual volatility, at most.

    Notes
    -----
    Judged once a month, and when an asset first counts, so that nobody trades in and out.
    """

    STATE = ("excluded", "screened", "screened_in")

    def __init__(
        self,
        names: list[str],
        n_markets: int,
        trade_cost: FloatArray,
        min_position: float,
        max_cost: float,
    ) -> None:
        n = len(names)
        self._names, self._n_markets, self._trade_cost = names, n_markets, trade_cost
        self._min_position, self._max_cost = min_position, max_cost
        self.excluded: BoolArray = np.zeros(n, dtype=bool)
        self.screened: BoolArray = np.zeros(n, dtype=bool)
        self.screened_in = 0

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
        """
        self.screened_in = month
        self.screened = self.screened | alive
        big = too_big(average, self._min_position, alive)
        dear = too_dear(self._trade_cost, sigma_price, self._max_cost, alive)
        notes = []
        for asset in np.flatnonzero((big | dear) & ~self.excluded).tolist():
            text = (
                f"{self._names[asset]} is too big for NAV {nav:,.0f}: its average position would "
                f"be {average[asset]:.2f} contracts, at least {self._min_position:g} is asked"
                if big[asset]
                else f"{self._names[asset]} is too dear: a trade costs "
                f"{self._trade_cost[asset] / sigma_price[asset]:.4f} of annual volatility, at "
                f"most {self._max_cost:g} is allowed"
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


def too_dear(
    trade_cost: FloatArray, sigma_price_annual: FloatArray, maximum: float, member: BoolArray
) -> BoolArray:
    """Members one trade of which costs more than ``maximum`` of their annual volatility (U7).

    Parameters
    ----------
    trade_cost : float array of shape (n_markets,)
        Half spread and fee per contract, in price units.
    sigma_price_annual : float array of shape (n_markets,)
        Annual volatility in price units.
    maximum : float
        In Sharpe ratio units per trade (Carver 2023: 0.01).
    member : bool array of shape (n_markets,)
    """
    return np.asarray(member & (trade_cost > maximum * sigma_price_annual))
