"""Why a strategy that wants positions holds no contract."""

from __future__ import annotations

import numpy as np

from portfolio.target import Target

_DUST = 1e-9
"""Share of what the sleeves ask for below which their sum is a rounding error."""


def why_empty(target: Target, nav: float) -> str:
    """The sentence that says why no contract of any market is wanted; "" if none is asked for.

    Parameters
    ----------
    target : Target
    nav : float
        Account currency.

    Notes
    -----
    Sleeves at equal risk that disagree about everything they trade cancel to nothing: a book of one
    market alone has either both of them or none (000, Overlay: conflict nets).
    """
    asked = {name: weights for name, weights in target.sleeve_weights.items() if weights.any()}
    size = sum(float(np.abs(weights).sum()) for weights in asked.values())
    left = float(np.abs(sum(asked.values())).sum())
    if asked and left <= _DUST * size:
        return f"{' and '.join(asked)} ask for opposite positions of the same risk: they cancel"
    if target.optimal.any():
        return f"NAV {nav:,.0f} buys no contract of any market's position"
    return ""
