"""How far ahead the chain of a market is wanted."""

from __future__ import annotations

from math import ceil

from universe.arrays import DAYS_IN_YEAR
from universe.instruments import Instrument
from universe.rolls import MONTH_LETTERS, roll_window_days

FIRST = 1100
"""Days of the chain until the held contract is known."""

LEAST = 400
"""Days beyond the held contract, at least: the same month of the next year, in case the ones
between are not quoted. With calendar spreads as much again, for the far leg."""

SLACK = 35
"""Days by which last trade dates of a cycle are farther apart than its months."""


def chain_reach(instrument: Instrument, left: int | None, spreads: bool) -> int:
    """Days ahead to which contracts of a market must be quoted.

    On the evening of a roll the successor needs its own neighbour for carry, or its quote comes a
    session late. The successor is up to one step of the holding cycle beyond the held contract,
    the neighbour up to ``carry_offset`` more: data may hold nothing but the months that are held,
    and carry then falls back on the farther contract.

    Parameters
    ----------
    instrument : Instrument
    left : int or None
        Days to the last trade date of the held contract, None before there is one.
    spreads : bool
        Whether calendar spreads are traded, which need one step more.

    Returns
    -------
    int
    """
    steps = 1 + abs(instrument.carry_offset) + spreads
    step = ceil(_longest_step(instrument.hold_months) * DAYS_IN_YEAR / 12)
    beyond = max(LEAST * (1 + spreads), steps * step + SLACK)
    window = ceil(roll_window_days(instrument))
    if left is None:
        return max(FIRST, window + beyond)
    return max(left, window) + beyond


def _longest_step(letters: str) -> int:
    """Months between neighbours of a cycle, at most (12 for a single month)."""
    months = [MONTH_LETTERS.index(letter) for letter in letters]
    following = [*months[1:], months[0] + 12]
    return max(b - a for a, b in zip(months, following, strict=True))
