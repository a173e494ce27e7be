"""Which speeds of a rule are worth their cost in which market (001)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from universe.arrays import TRADING_DAYS, BoolArray, FloatArray
from universe.cost_screen import CostScreen, Turnover, trade_costs, yearly_cost, yearly_rolls

if TYPE_CHECKING:
    from alpha.rules.rule import Inputs, Note, Notes, Views

MEASURED = 120.0
"""Weight of the sessions (about half a year of them) from which a turnover counts."""


class SpeedCosts:
    """The market screen's cost rule for every speed of a rule by itself.

    Parameters
    ----------
    rule : str
        Name, for people.
    labels : sequence
        Of the speeds.
    inputs : Inputs

    Notes
    -----
    A speed's yearly cost is that of a market (``universe.cost_screen.yearly_cost``) with the
    turnover of its own forecasts in the place of the usual one, which stands for it in the first
    half year; the limits are the screen's. Judged once a month, and when a market first has a
    volatility. What is too dear is left out: the mean and its multiplier are of the other speeds.
    """

    STATE = ("month", "judged")

    def __init__(self, rule: str, labels: Sequence[object], inputs: Inputs) -> None:
        settings, instruments = inputs.settings, inputs.instruments
        self._rule, self._labels = rule, labels
        self._codes = [instrument.code for instrument in instruments]
        self._on: bool = settings.cost_by_speed
        self._usual: float = settings.cost_trades
        self._cost, self._rolls = trade_costs(instruments), yearly_rolls(instruments)
        shape = (len(labels), len(instruments))
        self.turnover = Turnover(shape)
        self.screen = CostScreen(shape, settings.cost_limit, settings.cost_limit_out)
        self.month = 0
        self.judged: BoolArray = np.zeros(len(instruments), dtype=bool)

    def walk(self, forecasts: FloatArray, views: Views) -> tuple[FloatArray, Notes]:
        """Take sessions' forecasts by speed.

        Parameters
        ----------
        forecasts : float array of shape (n_sessions, n_speeds, n_markets)
        views : Views

        Returns
        -------
        tuple of float array and Notes
            The forecasts without the speeds that are too dear, and what has become so.
        """
        if not self._on:
            return forecasts, {}
        measured, weight = self.turnover.walk(forecasts)
        annual = views.markets.sigma_price() * np.sqrt(TRADING_DAYS)
        trades = np.where(weight >= MEASURED, measured, self._usual)
        known = annual > 0
        begins = views.month != np.concatenate([[self.month], views.month[:-1]])
        notes: Notes = {}
        cheap = np.empty(forecasts.shape, dtype=bool)
        cheap[:] = self.screen.cheap
        for row in np.flatnonzero(begins | (known & ~self.judged).any(axis=1)).tolist():
            due = known[row] & (~self.judged | begins[row])
            if due.any():
                notes[row] = self._judge(trades[row], annual[row], due)
                cheap[row:] = self.screen.cheap
        self.month = int(views.month[-1])
        return np.where(cheap, forecasts, np.nan), notes

    def _judge(self, trades: FloatArray, annual: FloatArray, due: BoolArray) -> list[Note]:
        """Judge the speeds of some markets; returns notes on what has become too dear."""
        cost = yearly_cost(self._cost, annual, self._rolls, trades=trades)
        before = self.screen.cheap | ~self.judged
        now = self.screen.update(cost, np.broadcast_to(due, cost.shape))
        self.judged = self.judged | due
        return [
            (
                market,
                "universe",
                f"{self._codes[market]} {self._rule} {self._labels[speed]} is too dear: it would "
                f"cost {cost[speed, market]:.3f} of annual volatility in a year, "
                f"{self.screen.limits} is allowed",
            )
            for speed, market in np.argwhere(before & ~now & due).tolist()
        ]

    def of(self, forecasts: FloatArray) -> FloatArray:
        """Forecasts without the speeds that are too dear now, (n_speeds, n_markets)."""
        return np.where(self.screen.cheap, forecasts, np.nan) if self._on else forecasts

    def components(self, name: str) -> dict[str, Any]:
        """Objects with state under the name of the rule's own; none where nothing is left out."""
        if not self._on:
            return {}
        return {
            f"{name}.speeds": self,
            f"{name}.turnover": self.turnover,
            f"{name}.cheap": self.screen,
        }
