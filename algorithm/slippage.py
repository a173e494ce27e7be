"""What fills cost beyond their expectation, by market."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from execution.fills import ROLLS, Fill
from portfolio.contract_sizes import Lines
from universe.arrays import FloatArray


def slippage_by_market(fills: Sequence[Fill], lines: Lines) -> FloatArray:
    """Means by size, in daily volatilities, of every market and then of every market's rolls.

    Parameters
    ----------
    fills : sequence of Fill
    lines : Lines

    Returns
    -------
    float array of shape (2 n_markets,)
        NaN where nothing was filled that was ordered.
    """
    n = len(lines.markets)
    cost, size = np.zeros(2 * n), np.zeros(2 * n)
    for fill in fills:
        if np.isfinite(fill.beyond):
            line = lines.index[fill.market]
            at = lines.market[line] + (n if fill.reason in ROLLS else 0)
            cost[at] += abs(fill.quantity) * lines.units[line] * fill.beyond
            size[at] += abs(fill.quantity) * lines.units[line]
    return np.where(size > 0, cost / np.maximum(size, 1.0), np.nan)
