"""Sessions as the regime model sees them: their features and returns, kept for trainings (A8)."""

from __future__ import annotations

from typing import Any

import numpy as np

from alpha.regime.features import NAMES, ROW
from alpha.regime.train import History
from universe.arrays import FloatArray, IntArray

_ROOM = 512
"""Sessions for which room is made at a time."""


class RegimeHistory:
    """Features of all sessions from the first one on that has any.

    Attributes
    ----------
    count : int
        Sessions so far.
    """

    STATE = ("days", "table")
    GROWS = STATE
    DEPENDS = ("regime",)

    def __init__(self) -> None:
        self.count = 0
        self._days: IntArray = np.zeros(0, dtype=np.int64)
        self._table: FloatArray = np.zeros((0, ROW))

    def take(self, day: int, row: FloatArray) -> None:
        """Take a session.

        Parameters
        ----------
        day : int
        row : float array of shape (ROW,)
            As ``RegimeFeatures.take`` gives it; one without returns is passed over.
        """
        if not np.isfinite(row[-1]):
            return
        if self.count == len(self._days):
            self._days = np.concatenate([self._days, np.zeros(_ROOM, dtype=np.int64)])
            self._table = np.concatenate([self._table, np.zeros((_ROOM, ROW))])
        self._days[self.count] = day
        self._table[self.count] = row
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
        if table.shape != (len(days), ROW) or np.any(np.diff(days) <= 0):
            raise ValueError(f"the regime's history has {len(days)} days, not as many rows")
        return values
