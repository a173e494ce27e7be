"""Which bars fill an order and mark a position: those that the quality gate lets pass (U4)."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from universe.arrays import FloatArray, IntArray
from universe.quality import LEAST_RATIO, RATIO_SHARE, confirms, is_far, open_passes, unit_factor
from universe.session import Quotes


class Trusted(Protocol):
    """What is believed of all markets before a session, as ``Markets`` has it."""

    limits: FloatArray
    held: IntArray
    price: FloatArray
    positive_price: FloatArray
    suspect: FloatArray
    unit: FloatArray

    def last_close(self, market: int, month: int) -> float:
        """Last close of a contract in its market's last session, NaN without one."""


def bar_passes(
    markets: Trusted,
    market: int,
    month: int,
    opened: float,
    close: float,
    held_close: float = np.nan,
) -> bool:
    """Whether a contract's bar of the next session is one to fill an order and to mark by.

    To be asked before ``markets.observe`` takes the session; nothing is changed. An order whose bar
    does not pass waits for the contract's next one, as for a missing bar.

    Parameters
    ----------
    markets : Trusted
    market, month : int
    opened, close : float
        Of the contract's bar. A position is marked at ``close``, so that both must pass.
    held_close : float
        Close of the market's held contract in the same session, NaN without one: a move that the
        held contract makes and that is believed of it is believed of the others too.

    Notes
    -----
    The rule of ``Markets.observe``: near the contract's last trusted close; or near the suspect
    close before, as a confirmation; or moved as the held contract did. A contract without a close
    in the market's last session must be within half and double the last price.
    """
    limit = float(markets.limits[market])
    held = month == markets.held[market]
    before = float(markets.price[market]) if held else markets.last_close(market, month)
    if before != before:
        anchor = float(markets.positive_price[market])
        near = not anchor > 0 or LEAST_RATIO <= close / anchor <= 1.0 / LEAST_RATIO
        return near and open_passes(opened, close, np.nan, limit)
    if is_far(close, before, limit) and not (
        _would_confirm(markets, market, close)
        if held
        else _moved_with_held(markets, market, close - before, held_close)
    ):
        return False
    return open_passes(opened, close, before, limit)


def _would_confirm(markets: Trusted, market: int, close: float) -> bool:
    price, limit = float(markets.price[market]), float(markets.limits[market])
    return (
        not np.isfinite(markets.unit[market])
        and confirms(close, float(markets.suspect[market]), price, limit)
        and unit_factor(close, price) is None
    )


def _moved_with_held(markets: Trusted, market: int, move: float, held_close: float) -> bool:
    price, limit = float(markets.price[market]), float(markets.limits[market])
    return abs(held_close - price - move) <= limit and (
        not is_far(held_close, price, limit) or _would_confirm(markets, market, held_close)
    )


class SessionGate:
    """``bar_passes`` for the bars of one session.

    Parameters
    ----------
    markets : Trusted
        Before the session is observed.
    quotes : Quotes
        Of the session.

    Attributes
    ----------
    usual : list of float
        By market, moves of a close up to which nothing need be asked.
    """

    def __init__(self, markets: Trusted, quotes: Quotes) -> None:
        self._markets, self._quotes = markets, quotes
        self.usual: list[float] = (RATIO_SHARE * markets.limits).tolist()

    def passes(self, market: int, month: int, opened: float) -> bool:
        """Whether the session's bar of a contract passes; it must have one."""
        quotes = self._quotes[market]
        held_close = quotes.get(int(self._markets.held[market]), np.nan)
        return bar_passes(self._markets, market, month, opened, quotes[month], held_close)
