"""From indicators to an exposure: phase, transition, uncertainty, leverage (A9, 004)."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from alpha.direction.votes import LONG, MEDIUM, MONTH, SLOPE, YEAR, Facts

BAND: Final = 0.01
"""Distance of the price from its mean within which there is no trend (Brock, Lakonishok and
LeBaron 1992)."""

VOLATILITY_STRESS: Final = 1.75
"""Volatility of a month over that of a year from which on the market is uncertain."""

CREDIT_STRESS: Final = 0.0075
"""Rise of the Baa spread over its mean of a year from which on it is."""

LEVERAGES: Final = (1.0, 1.5, 2.0)
"""What the leverage indicator can be (004)."""


def market_phase(facts: Facts) -> float:
    """+1 up, 0 sideways, -1 down, NaN while unknown.

    Up is a price more than ``BAND`` above its mean of 200 sessions while that rises, down the
    opposite.
    """
    if len(facts.price) < LONG + SLOPE:
        return math.nan
    price = facts.price
    now, before = price[-LONG:].mean(), price[-LONG - SLOPE : -SLOPE].mean()
    off = float(price[-1] / now - 1.0)
    if off > BAND and now > before:
        return 1.0
    return -1.0 if off < -BAND and now < before else 0.0


def transition(phase: float, facts: Facts) -> bool:
    """Whether a trend turns or pulls back: beyond its mean of 50 sessions, against the phase."""
    return phase * facts.over_mean(MEDIUM) < 0.0


def uncertainty(facts: Facts) -> bool:
    """Whether volatility or what firms pay for their debt jumped; one that is not known has not."""
    jumped = facts.volatility(MONTH) > VOLATILITY_STRESS * facts.volatility(YEAR)
    return jumped or facts.below_mean("credit.spread") < -CREDIT_STRESS


def leverage_indicator(facts: Facts, calm: float, moderate: float) -> float:
    """2 below an annual volatility of ``calm`` over 50 sessions, 1.5 below ``moderate``, else 1."""
    volatility = facts.volatility(MEDIUM)
    if volatility < calm:
        return 2.0
    return 1.5 if volatility < moderate else 1.0


def trading_signal(phase: float, first: float, second: float, third: float) -> float:
    """+1, 0 or -1 of the indicators that the phase calls for, NaN if these are absent.

    I and II in an upward phase, each in units of its reach and one for both where the other is
    absent; III in a downward or sideways one.
    """
    if phase != 1.0:
        return float(np.sign(third))
    there = [x for x in (first / 2.0, second / 8.0) if not math.isnan(x)]
    return float(np.sign(sum(there))) if there else math.nan


def allocation(
    phase: float,
    turning: bool,
    uncertain: bool,
    first: float,
    second: float,
    third: float,
    leverage: float,
) -> float:
    """Exposure to the index: -1, 0, 1, 1.5 or 2; NaN while phase or indicators are not known.

    Parameters
    ----------
    phase : float
        +1, 0, -1 or NaN.
    turning : bool
        A reversal or pull-back: the market turned from trending to sideways.
    uncertain : bool
        Overrides everything: the market is left.
    first, second, third : float
        Indicators I, II and III; NaN where absent.
    leverage : float
        Counts only while phase and signal are both positive.
    """
    if uncertain:
        return 0.0
    if math.isnan(phase):
        return math.nan
    acting = 0.0 if turning else phase
    signal = trading_signal(acting, first, second, third)
    return signal * leverage if acting == signal == 1.0 else signal + 0.0
