"""The common scale of all forecasts: mean absolute value 1, and what brings a rule there."""

from __future__ import annotations

import numpy as np

from universe.arrays import FloatArray

CARVER_UNIT = 10.0
"""Mean absolute forecast on Carver's scale; ours is 1."""

NORMAL_MEAN_ABS = float(np.sqrt(2.0 / np.pi))
"""Mean absolute value of a standard normal variable."""

DIVERSIFICATION_MULTIPLIER = {
    1: 1.0,
    2: 1.02,
    3: 1.03,
    4: 1.23,
    5: 1.25,
    6: 1.27,
    7: 1.29,
    8: 1.32,
    9: 1.34,
}
"""Forecast diversification multiplier by number of rules (001; Carver 2023, table 52)."""


def multiplier_table(n_rules: int) -> FloatArray:
    """Multiplier by number of available rules, of shape (n_rules + 1,); entry 0 is 0.

    Beyond the nine rules of the table the last entry stays.
    """
    most = max(DIVERSIFICATION_MULTIPLIER)
    return np.array(
        [0.0] + [DIVERSIFICATION_MULTIPLIER[min(n, most)] for n in range(1, n_rules + 1)]
    )


def combine(forecasts: FloatArray, multiplier: FloatArray, cap: float) -> FloatArray:
    """Mean over the available rules x multiplier by their number, capped.

    Parameters
    ----------
    forecasts : float array of shape (..., n_rules, n_markets)
        NaN where a rule has none; of one session, or with a leading axis of sessions.
    multiplier : float array of shape (n_rules + 1,)
        By number of available rules.
    cap : float

    Returns
    -------
    float array of shape (..., n_markets)
    """
    have = np.isfinite(forecasts)
    number = have.sum(axis=-2)
    total = np.where(have, forecasts, 0.0).sum(axis=-2)
    mean = total / np.maximum(number, 1) * multiplier[number]
    return np.where(number > 0, np.clip(mean, -cap, cap), np.nan)
