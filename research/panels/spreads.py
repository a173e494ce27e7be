"""Calendar spreads as columns of a panel, one per market, walked by the strategy's own code."""

from __future__ import annotations

from typing import Any

import numpy as np

from algorithm.settings import Settings
from universe.arrays import BoolArray, FloatArray
from universe.markets import Markets
from universe.session import NO_CONTRACT, Session
from universe.spreads import CalendarSpreads

RECORDED = {
    **dict.fromkeys(("seen", "tradable", "alive", "rolled"), np.bool_),
    **dict.fromkeys(("ret", "adjusted", "price", "positive_price", "raw_carry"), np.float64),
}


class SpreadRecorder:
    """Takes sessions after the markets have, and keeps what a panel of the spreads needs.

    Parameters
    ----------
    markets : Markets
    settings : Settings
        Its gate and volatility settings count.
    n_days : int

    Attributes
    ----------
    record : dict of str to array of shape (n_days, n_markets)
        The columns of ``RECORDED``.
    """

    def __init__(self, markets: Markets, settings: Settings, n_days: int) -> None:
        self._markets = markets
        self._spreads = CalendarSpreads.create(settings, markets)
        n = len(markets.instruments)
        self._adjusted: FloatArray = np.zeros(n)
        self.record: dict[str, Any] = {
            name: np.zeros((n_days, n), kind) for name, kind in RECORDED.items()
        }

    def observe(self, row: int, session: Session, tradable: BoolArray) -> None:
        """Take a session into a row.

        Parameters
        ----------
        row : int
        session : Session
        tradable : bool array of shape (n_markets,)
            Of the markets outright.
        """
        spreads = self._spreads
        near, far = spreads.near.copy(), spreads.far.copy()
        out = spreads.observe(session)
        self._adjusted = self._adjusted + out.change
        changed = (spreads.near != near) | (spreads.far != far)
        now = {
            "seen": out.seen,
            "tradable": tradable & out.seen,
            "alive": self._markets.alive(session.day) & spreads.alive(session.day),
            "rolled": changed & (near != NO_CONTRACT),
            "ret": out.ret,
            "adjusted": self._adjusted,
            "price": spreads.price,
            "positive_price": spreads.near_price,
            "raw_carry": out.carry,
        }
        for name, value in now.items():
            self.record[name][row] = value
