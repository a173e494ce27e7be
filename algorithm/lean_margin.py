"""Margin calls: live LEAN makes them, a backtest names the sessions that would have had one.

LEAN's scan weighs the margin of every position at every time step. By the day it then waits for an
open exchange, which a daily bar's end never sees, and closes nothing; by the minute it closes
positions without asking the strategy. The embedded engine has no such orders.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from AlgorithmImports import MarginCallModel

from algorithm.decision import BOOK
from algorithm.said_once import Note

if TYPE_CHECKING:
    from AlgorithmImports import QCAlgorithm

CALLED_ABOVE = 1.1
"""Margin in use over the account's value above which LEAN's default model calls."""


class MarginWatch:
    """Takes the scan's place in a backtest.

    Parameters
    ----------
    algorithm : QCAlgorithm
    """

    def __init__(self, algorithm: QCAlgorithm) -> None:
        self._on = not algorithm.live_mode
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
