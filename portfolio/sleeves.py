"""Trend and carry sleeves at equal risk by class, overlaid to their risk budgets (P2, P5)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from portfolio.covariance import portfolio_vol
from universe.arrays import BoolArray, FloatArray, IntArray

MAX_DIVERSIFICATION = 2.5
"""Cap of the instrument diversification multiplier (Carver 2023)."""


def class_budgets(class_index: IntArray, member: BoolArray) -> FloatArray:
    """Risk budgets that are equal across classes and, inside a class, across its members.

    Parameters
    ----------
    class_index : int array of shape (n_markets,)
        Number of each market's class, from 0.
    member : bool array of shape (n_markets,)

    Returns
    -------
    float array of shape (n_markets,)
        Sums to 1 over the members, 0 elsewhere (all 0 without members).
    """
    size = np.bincount(class_index[member], minlength=int(class_index.max(initial=0)) + 1)
    classes = np.count_nonzero(size)
    return np.where(member, 1.0 / np.maximum(size[class_index] * max(classes, 1), 1), 0.0)


def sleeve_weights(forecast: FloatArray, sigma: FloatArray, budget: FloatArray) -> FloatArray:
    """Exposure over NAV before scaling: forecast x budget / volatility, 0 where unknown.

    Parameters
    ----------
    forecast : float array of shape (n_markets,)
        Mean 1, NaN where the market has none.
    sigma : float array of shape (n_markets,)
        Annual volatility.
    budget : float array of shape (n_markets,)
    """
    usable = np.isfinite(forecast) & (sigma > 0) & (budget > 0)
    return np.where(usable, forecast * budget / np.where(usable, sigma, 1.0), 0.0)


def overlay(
    sleeves: Mapping[str, FloatArray], shares: Mapping[str, float], cov: FloatArray
) -> dict[str, FloatArray]:
    """Scale every sleeve to unit volatility times its share of risk.

    Parameters
    ----------
    sleeves : mapping of str to float array of shape (n_markets,)
    shares : mapping of str to float
        Risk shares, adding up to 1 over the sleeves.
    cov : float array of shape (n_markets, n_markets)
        Annual covariance.

    Returns
    -------
    dict of str to float array
        They are added: agreement raises conviction, conflict nets (000, Overlay). An empty sleeve
        stays empty.
    """
    out = {}
    for name, weights in sleeves.items():
        vol = portfolio_vol(weights, cov)
        out[name] = weights * (shares[name] / vol) if vol > 0 else np.zeros_like(weights)
    return out


def vol_target_scale(vol: float, target: float, floor: float) -> float:
    """Multiplier that brings ``vol`` to ``target``: k = target / max(vol, floor) (000, 3).

    Zero for an empty portfolio.
    """
    return target / max(vol, floor) if vol > 0 else 0.0


def diversification_multiplier(budget: FloatArray, correlation: FloatArray) -> float:
    """1 / sqrt(bᵀ C⁺ b) with negative correlations floored at 0, at most 2.5 (Carver 2023)."""
    variance = float(budget @ np.maximum(correlation, 0.0) @ budget)
    return min(1.0 / np.sqrt(variance), MAX_DIVERSIFICATION) if variance > 0 else 1.0
