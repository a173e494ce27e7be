"""Full-size and small contracts of one underlying as one position (P8)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Sizes:
    """Two contracts on one underlying.

    Attributes
    ----------
    ratio : int
        Small contracts that make up a full-size one, above 1.
    trade_full, trade_small : float
        Cost of trading one contract, account currency.
    hold_full, hold_small : float
        Cost of holding one contract for the time that a fill is planned for (its rolls).
    """

    ratio: int
    trade_full: float
    trade_small: float
    hold_full: float = 0.0
    hold_small: float = 0.0

    def __post_init__(self) -> None:
        if self.ratio < 2:
            raise ValueError(f"ratio of contract sizes is {self.ratio}; it must be 2 or above")

    @property
    def trade_unit(self) -> float:
        """Cost of trading one small contract's worth the cheaper way."""
        return min(self.trade_small, self.trade_full / self.ratio)


def fill(units: int, held_full: int, held_small: int, sizes: Sizes) -> tuple[int, int]:
    """Full-size and small contracts that make up a position at least cost.

    Parameters
    ----------
    units : int
        Position in small contracts, signed.
    held_full, held_small : int
        Contracts held of each.
    sizes : Sizes

    Returns
    -------
    (full, small)
        ``full * ratio + small == units``, both on the side of the position. Of equal costs the
        fewest contracts.
    """
    side = 1 if units >= 0 else -1
    full = side * np.arange(abs(units) // sizes.ratio, -1, -1)
    small = units - full * sizes.ratio
    trade = np.abs(full - held_full) * sizes.trade_full
    trade = trade + np.abs(small - held_small) * sizes.trade_small
    hold = np.abs(full) * sizes.hold_full + np.abs(small) * sizes.hold_small
    best = int(np.argmin(np.round(trade + hold, 9)))
    return int(full[best]), int(small[best])
