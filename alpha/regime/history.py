"""Sessions as the regime model sees them: their features and returns, kept for trainings (A8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from alpha.regime.features import BOND, EQUITY, NAMES, Known, RegimeFeatures
from alpha.regime.train import History
from universe.arrays import FloatArray, IntArray
from universe.instruments import Instrument

_ROOM = 512
"""Sessions for which room is made at a time."""


class RegimeHistory:
    """Features of all sessions from the first one on that has a macro series and both markets.

    Parameters
    ----------
    instruments : sequence of Instrument
        In the order of all arrays.

    Attributes
    ----------
    features : RegimeFeatures
    complete : bool
        Whether both markets of the 60/40 are among the instruments; without them it stays empty.
    count : int
        Sessions so far.
    """

    STATE = ("days", "table")
    GROWS = STATE
    DEPENDS = ("regime",)

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        codes = [instrument.code for instrument in instruments]
        classes = [str(instrument.asset_class) for instrument in instruments]
        index = np.array([sorted(set(classes)).index(name) for name in classes], dtype=np.int64)
        self.features = RegimeFeatures(codes, index)
        self.complete = EQUITY in codes and BOND in codes
        self._pair = [codes.index(code) for code in (EQUITY, BOND)] if self.complete else []
        self.count = 0
        self._days: IntArray = np.zeros(0, dtype=np.int64)
        self._table: FloatArray = np.zeros((0, len(NAMES) + 2))

    def take(self, day: int, ret: FloatArray, sigma: FloatArray, known: Known) -> None:
        """Take a session.

        Parameters
        ----------
        day : int
        ret, sigma : float arrays of shape (n_markets,)
            Returns, 0 where not traded, and daily volatilities before them, NaN where unknown.
        known : mapping of str to (epoch day, value)
            Macro series as last published by the close of the day.
        """
        there = self.complete and bool(known) and bool(np.all(sigma[self._pair] > 0))
        if not (self.count or there):
            return
        row = self.features.update(day, ret, sigma, known)
        if self.count == len(self._days):
            self._days = np.concatenate([self._days, np.zeros(_ROOM, dtype=np.int64)])
            self._table = np.concatenate([self._table, np.zeros((_ROOM, self._table.shape[1]))])
        self._days[self.count] = day
        self._table[self.count] = [*row, self.features.equity, self.features.balanced]
        self.count += 1

    @property
    def row(self) -> FloatArray:
        """Features of the last session, (n_features,)."""
        return self.table[-1, : len(NAMES)]

    def history(self) -> History:
        """What a training after the last session sees."""
        table = self.table
        return History(self.days, table[:, : len(NAMES)], table[:, -2], table[:, -1])

    # --- state -----------------------------------------------------------------------------------
    @property
    def days(self) -> IntArray:
        """Epoch days, (count,)."""
        return self._days[: self.count]

    @days.setter
    def days(self, value: IntArray) -> None:
        self._days, self.count = value, len(value)

    @property
    def table(self) -> FloatArray:
        """Features and returns of equities and of 60/40, (count, n_features + 2)."""
        return self._table[: self.count]

    @table.setter
    def table(self, value: FloatArray) -> None:
        self._table = value

    def from_state(self, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse days and rows that do not go together.

        Raises
        ------
        ValueError
            Likewise.
        """
        days, table = values["days"], values["table"]
        if table.shape != (len(days), len(NAMES) + 2) or np.any(np.diff(days) <= 0):
            raise ValueError(f"the regime's history has {len(days)} days, not as many rows")
        return values
