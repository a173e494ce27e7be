"""How far the costs of a market are above their usual ones while it is restless (E3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from universe.arrays import FloatArray

MOST = 10.0
"""Volatility over its norm beyond which costs rise no more."""


@dataclass(frozen=True, slots=True)
class CostStress:
    """Multiple of the usual slippage that a market's volatility stands for.

    Attributes
    ----------
    power : float
        Of current over long-run volatility; 0 is a multiple of 1 always.
    long_weight : float
        Of the long-run volatility in ``sigma``, above 0 where there is a power.

    Notes
    -----
    Never below 1: what the master has is the spread of a quiet market, and no spread is narrower
    than a tick.
    """

    power: float = 0.0
    long_weight: float = 0.0

    def of(self, sigma: FloatArray, current_sigma: FloatArray) -> FloatArray:
        """The multiple of every asset, at least 1; 1 where its volatility is not known.

        Parameters
        ----------
        sigma, current_sigma : float arrays of shape (n_assets,)
            Daily volatility with and without its long-run part.
        """
        if not self.power:
            return np.ones_like(sigma)
        norm = (sigma - (1.0 - self.long_weight) * current_sigma) / self.long_weight
        usable = (norm > 0) & np.isfinite(current_sigma)
        ratio = np.where(usable, current_sigma / np.where(usable, norm, 1.0), 1.0)
        return np.asarray(np.clip(ratio, 1.0, MOST) ** self.power)
