"""Continuous price series from the held contract and its roll table (000, Continuous series; U3).

With ``h(t)`` the close of the contract held into session ``t`` and a roll after the close of ``R``
from a contract closing at ``o`` to one closing at ``n``:

========  =============================  ==================================
method    forward anchored               backward anchored
========  =============================  ==================================
additive  h(t) - sum of (n - o), R < t   h(t) + sum of (n - o), t <= R
ratio     h(t) * product of o / n        h(t) * product of n / o
log       log h(t) + sum of log(o / n)   log h(t) + sum of log(n / o)
========  =============================  ==================================

Forward anchored levels start at the first contract's price and never change when sessions are
added. Backward anchored levels end at the last contract's price, so that every later roll moves
all of them: their differences (additive, log) or quotients (ratio) are the same as the forward
anchored ones, but a level is known only with hindsight. Decisions therefore use differences, or
the forward anchor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from universe.arrays import FloatArray, IntArray, from_epoch_day
from universe.market_state import Roll


class Method(StrEnum):
    """How a roll's price gap is taken out."""

    ADDITIVE = "additive"
    RATIO = "ratio"
    LOG = "log"


class Anchor(StrEnum):
    """Which contract's price the level is that of."""

    FORWARD = "forward"
    BACKWARD = "backward"


class StitchError(ValueError):
    """Prices or rolls of which no continuous series can be made."""


@dataclass(frozen=True, slots=True)
class ContinuousSeries:
    """A continuous series together with the rolls that made it.

    Attributes
    ----------
    method : Method
    anchor : Anchor
    day : int array of shape (n,)
        Epoch days.
    level : float array of shape (n,)
        Adjusted price; its logarithm for ``Method.LOG``. May be zero or below if additive.
    held_close : float array of shape (n,)
        Unadjusted close of the held contract.
    base : float array of shape (n,)
        Close, at the session before, of the contract held into each session: the price a return
        refers to. NaN at the first session.
    rolls : tuple of Roll
        Those that happened before the last session, in order: the roll table.
    step : float array of shape (n_rolls,)
        What each roll takes out: n - o, n / o or log(n / o).
    """

    method: Method
    anchor: Anchor
    day: IntArray
    level: FloatArray
    held_close: FloatArray
    base: FloatArray
    rolls: tuple[Roll, ...]
    step: FloatArray

    def changes(self) -> FloatArray:
        """Price change of the held contract per session, NaN at the first; the same for all."""
        return np.asarray(self.held_close - self.base)

    def returns(self) -> FloatArray:
        """Simple return of the held contract per session, NaN at the first.

        The change over the absolute price it started from, so that the sign survives a price below
        zero; NaN from a price of zero.
        """
        size = np.where(self.base == 0, np.nan, np.abs(self.base))
        return np.asarray(self.changes() / size)


def stitch(
    day: IntArray,
    held_close: FloatArray,
    rolls: Sequence[Roll],
    method: Method | str = Method.ADDITIVE,
    anchor: Anchor | str = Anchor.FORWARD,
) -> ContinuousSeries:
    """Join the held contracts into one series.

    Parameters
    ----------
    day : int array of shape (n,)
        Epoch days, ascending.
    held_close : float array of shape (n,)
        Close of the contract held into each session; on the day of a roll still the old one's.
    rolls : sequence of Roll
        By ascending day; each on one of the sessions. A roll on the last session is left out, as
        no session has been held under it yet.
    method : Method or str
    anchor : Anchor or str

    Returns
    -------
    ContinuousSeries

    Raises
    ------
    StitchError
        If days are not ascending, a close is not finite, a roll is on no session or out of order,
        or, for ratio and log, a price is zero or below; the sentence names the day.
    ValueError
        If there is no such method or anchor.
    """
    method, anchor = Method(method), Anchor(anchor)
    day = np.asarray(day, dtype=np.int64)
    held_close = np.asarray(held_close, dtype=np.float64)
    _check_sessions(day, held_close, method)
    done = tuple(roll for roll in rolls if len(day) and roll.day < day[-1])
    _check_rolls(day, done, method)
    old = np.array([roll.old_close for roll in done], dtype=np.float64)
    new = np.array([roll.new_close for roll in done], dtype=np.float64)
    roll_day = np.array([roll.day for roll in done], dtype=np.int64)

    base = np.full(len(day), np.nan)
    base[1:] = held_close[:-1]
    base[np.searchsorted(day, roll_day) + 1] = new

    before = np.searchsorted(roll_day, day)  # number of rolls before each session
    if method is Method.ADDITIVE:
        step = new - old
        shift = np.concatenate([[0.0], np.cumsum(step)])
        level = held_close - shift[before] + (shift[-1] if anchor is Anchor.BACKWARD else 0.0)
    else:
        step = np.log(new / old)
        shift = np.concatenate([[0.0], np.cumsum(step)])
        taken_out = shift[before] - (shift[-1] if anchor is Anchor.BACKWARD else 0.0)
        level = np.log(held_close) - taken_out
        if method is Method.RATIO:
            step = new / old
            level = held_close * np.exp(-taken_out)
    return ContinuousSeries(method, anchor, day, level, held_close, base, done, step)


def _check_sessions(day: IntArray, held_close: FloatArray, method: Method) -> None:
    if len(day) != len(held_close):
        raise StitchError(f"{len(day)} days but {len(held_close)} closes of the held contract")
    backwards = np.flatnonzero(np.diff(day) <= 0)
    if len(backwards):
        at = from_epoch_day(int(day[backwards[0] + 1]))
        raise StitchError(f"sessions must ascend, {at} does not follow the session before it")
    bad = ~np.isfinite(held_close)
    if method is not Method.ADDITIVE:
        bad |= held_close <= 0
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise StitchError(_unusable(int(day[row]), float(held_close[row]), method))


def _check_rolls(day: IntArray, rolls: Sequence[Roll], method: Method) -> None:
    sessions = set(day.tolist())
    previous = None
    for roll in rolls:
        at = from_epoch_day(roll.day)
        if roll.day not in sessions:
            raise StitchError(f"the roll of {at} from {roll.old} to {roll.new} is on no session")
        if previous is not None and roll.day <= previous:
            raise StitchError(f"the roll of {at} from {roll.old} to {roll.new} is out of order")
        previous = roll.day
        for close in (roll.old_close, roll.new_close):
            if not np.isfinite(close) or (method is not Method.ADDITIVE and close <= 0):
                raise StitchError(_unusable(roll.day, close, method))


def _unusable(day: int, close: float, method: Method) -> str:
    if not np.isfinite(close):
        return f"close of {from_epoch_day(day)} is {close}, a finite price is needed"
    return (
        f"close of {from_epoch_day(day)} is {close:g}: {method} adjustment needs prices above "
        "zero, the additive one does not"
    )
