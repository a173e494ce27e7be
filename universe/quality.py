"""Which prices are believed (U4): plain rules on numbers, the same in every home.

A price is *far* from one that is trusted beyond a limit in price units, or beyond three times or a
third of it. A far price waits for a second one that has moved and stands near it: an equal one is
a vendor's sign for "no data", not a confirmation.
"""

from __future__ import annotations

from typing import Any, Final, overload

import numpy as np

from universe.arrays import BoolArray, FloatArray

LEAST_RATIO: Final = 0.5
"""Of an unknown contract's price to the held one's, and inversely, to be trusted."""

UNIT_RATIO: Final = 3.0
"""A price that stays beyond this multiple of the last one, or below its inverse, has changed unit.

No futures market has moved so far in a session and stayed there; a vendor's change from dollars to
cents, a split contract or another multiplier is a factor of at least 4."""

SENTINELS: Final = frozenset(
    [-(10.0**k - 1) for k in range(2, 10)] + [10.0**k - 1 for k in range(5, 10)]
)
"""What vendors write for "no price": -99, -999 ... and 99999, 999999 ..."""

RATIO_SHARE: Final = 0.25
"""Of the limit, what a move must exceed for its ratio to count: near zero ratios mean little."""

_ROUND = 0.1
"""By how much of a power of ten a factor may miss one to be called it."""


@overload
def is_far(close: float, before: float, limit: float) -> bool: ...
@overload
def is_far(close: FloatArray, before: FloatArray, limit: FloatArray) -> BoolArray: ...
def is_far(close: Any, before: Any, limit: Any) -> Any:
    """Whether a close must wait for a second one before it is believed.

    Parameters
    ----------
    close, before : floats or float arrays of one shape
        The price in question, and the last trusted one of the same contract.
    limit : float or float array
        Greatest move that is believed at once, in price units.

    Returns
    -------
    bool or bool array
        False where ``before`` or ``limit`` is unknown (NaN).
    """
    move = abs(close - before)
    apart = (close * UNIT_RATIO < before) | (close > before * UNIT_RATIO)
    return (move > limit) | (apart & (before > 0) & (move > limit * RATIO_SHARE))


def is_price(close: float, tick: float) -> bool:
    """Whether a number can be a contract's first price: no vendor's sign for "none".

    Above zero and no less than half a tick, and none of ``SENTINELS``.
    """
    return close >= 0.5 * tick and close > 0 and close not in SENTINELS


def confirms(close: float, suspect: float, before: float, limit: float) -> bool:
    """Whether a second far close makes the level of the first one believed.

    Parameters
    ----------
    close, suspect : float
        The close of this session, and the one that waits, NaN for none.
    before : float
        Last trusted price.
    limit : float
        As for ``is_far``; it grows with the level, because moves do.
    """
    if not np.isfinite(suspect) or close == suspect or suspect in SENTINELS:
        return False
    scale = max(1.0, abs(suspect / before)) if before else 1.0
    return abs(close - suspect) <= limit * scale


def unit_factor(close: float, before: float) -> float | None:
    """The factor of a change of unit between two prices, None if it is none.

    A power of ten where the ratio is within a quarter of one, else the ratio to two digits.
    """
    if close <= 0 or before <= 0 or before / UNIT_RATIO <= close <= before * UNIT_RATIO:
        return None
    ratio = close / before
    power = float(np.log10(ratio))
    if abs(power - round(power)) < _ROUND:
        return float(10.0 ** round(power))
    return float(f"{ratio:.2g}")


def open_passes(opened: float, close: float, before: float, limit: float) -> bool:
    """Whether a bar's open is a price of its session.

    It is near its own close or the close before; zero or below it only where the close is as well.
    Exchanges and vendors write 0 for a session with a settlement and no first trade.
    """
    if not np.isfinite(opened) or (opened <= 0 < close):
        return False
    if opened == close:
        return True
    return not is_far(opened, close, limit) or (
        np.isfinite(before) and not is_far(opened, before, limit)
    )
