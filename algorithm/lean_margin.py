"""Margin calls: live LEAN makes them, a backtest names the sessions that would have had one.

LEAN's scan weighs the margin of every position at every time step and, in a call, closes positions
without asking the strategy. The embedded engine has no such orders.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from AlgorithmImports import (
    FillGroupingMethod,
    FillMatchingMethod,
    MarginCallModel,
    TradeBuilder,
)

from algorithm.decision import BOOK
from algorithm.said_once import Note
from algorithm.settings import MarginCalls, Settings

if TYPE_CHECKING:
    from AlgorithmImports import QCAlgorithm

CALLED_ABOVE = 1.1
"""Margin in use over the account's value above which LEAN's default model calls."""


class MarginWatch:
    """Takes the scan's place in a backtest, unless the settings leave it to LEAN.

    Parameters
    ----------
    algorithm : QCAlgorithm
    settings : Settings
    """

    def __init__(self, algorithm: QCAlgorithm, settings: Settings) -> None:
        self._on = not algorithm.live_mode and settings.margin_calls == MarginCalls.NAMED
        if self._on:
            algorithm.portfolio.set_margin_call_model(MarginCallModel.NULL)

    def notes(self, margins: Mapping[str, float]) -> list[Note]:
        """What to say of a session, of the figures of ``LeanCash.margins``."""
        used = margins.get("margin used", 0.0)
        if not self._on or used <= CALLED_ABOVE:
            return []
        sentence = (
            f"margin in use is {used:.0%} of the account's value; above {CALLED_ABOVE:.0%} the "
            "account would have been called"
        )
        return [(BOOK, "margin", sentence)]


def count_trades_flat_to_flat(algorithm: QCAlgorithm) -> None:
    """LEAN's statistics of trades: one from the first contract to the last, not one a fill.

    A held contract is resized by a few lots many times; each fill as a trade of its own makes them
    the strategy's rebalancing, and LEAN computes all windows over all of them every few seconds.
    """
    algorithm.set_trade_builder(
        TradeBuilder(FillGroupingMethod.FLAT_TO_FLAT, FillMatchingMethod.FIFO)
    )
