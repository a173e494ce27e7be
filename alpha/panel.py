"""A market history after the quality gate and the rolls, as arrays of days and markets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from universe.arrays import BoolArray, FloatArray, IntArray
from universe.instruments import Instrument


@dataclass(frozen=True, slots=True)
class MarketPanel:
    """What the gate and the rolls left of a dataset; all arrays are (n_days, n_markets).

    Attributes
    ----------
    instruments : sequence of Instrument
        Columns.
    day, month : int arrays of shape (n_days,)
        Epoch day and yyyymm of every session of any market.
    seen, tradable, alive : bool arrays
        As ``Observation.seen``, ``Markets.tradable`` and ``Markets.alive``.
    ret : float array
        Daily return of the held contract, 0 where not seen.
    adjusted, price, positive_price : float arrays
        Back-adjusted price, close of the held contract and its last positive close, as known after
        the session; NaN before the first.
    near_price, far_price : float arrays
        Carry pair in order of expiry, NaN without one.
    near_expiry, far_expiry, near_month : int arrays
    rolled : bool array
        The held contract changed after the session's close.
    raw_carry : float array, optional
        Annual carry in price units by the class formulas, None in basis mode; of the pair where
        the columns are spreads.
    spreads : MarketPanel, optional
        The markets' calendar spreads: ``price`` is near minus far, ``positive_price`` the near
        leg's, ``rolled`` a change of pair; there are no carry pairs.
    unreturned : int
        Sessions of a column before its first return: 1, of a spread 0.
    """

    instruments: Sequence[Instrument]
    day: IntArray
    month: IntArray
    seen: BoolArray
    tradable: BoolArray
    alive: BoolArray
    ret: FloatArray
    adjusted: FloatArray
    price: FloatArray
    positive_price: FloatArray
    near_price: FloatArray
    far_price: FloatArray
    near_expiry: IntArray
    far_expiry: IntArray
    near_month: IntArray
    rolled: BoolArray
    raw_carry: FloatArray | None = None
    spreads: MarketPanel | None = None
    unreturned: int = 1

    @property
    def codes(self) -> list[str]:
        """Market codes in the order of the columns."""
        return [instrument.code for instrument in self.instruments]

    @property
    def class_names(self) -> list[str]:
        """Asset classes that occur, in the order of the alphabet."""
        return sorted({str(instrument.asset_class) for instrument in self.instruments})

    @property
    def class_index(self) -> IntArray:
        """Number of each market's class in ``class_names``, (n_markets,)."""
        names = self.class_names
        return np.array([names.index(str(i.asset_class)) for i in self.instruments], dtype=np.int64)

    def since(self, row: int) -> MarketPanel:
        """The same panel from a row on."""
        return self._rows(slice(row, None))

    def until(self, row: int) -> MarketPanel:
        """The same panel up to a row, without it."""
        return self._rows(slice(None, row))

    def _rows(self, rows: slice) -> MarketPanel:
        arrays = {
            field.name: getattr(self, field.name)[rows]
            for field in fields(self)
            if isinstance(getattr(self, field.name), np.ndarray)
        }
        spreads = None if self.spreads is None else self.spreads._rows(rows)
        return replace(self, spreads=spreads, **arrays)
