"""Expected shortfall beside VaR, both split into the parts of the markets (R1).

The parts are Euler's: of a risk that is homogeneous in the exposures, market i's is its exposure
times the derivative by it, and they add up to the whole. Of a quantile of scenarios it is what the
market lost in the quantile's scenario, of the shortfall the mean of what it lost in the scenarios
beyond (Tasche, Risk contributions and performance measurement, 1999; McNeil, Frey and Embrechts,
Quantitative Risk Management, 2015, 8.5).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from risk.horizon_law import ProfitLaw, overlapping_sums
from risk.var import VarModel, quantile, tail_ratio
from universe.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class TailRisk:
    """VaR and expected shortfall of one set of exposures, positive fractions of NAV.

    Attributes
    ----------
    var, shortfall : float
        NaN where history is too short, infinite where an input is not a number.
    var_parts, shortfall_parts : float arrays of shape (n_markets,)
        Adding up to ``var`` and ``shortfall``; negative for a market that hedges. Zero where the
        figure is zero, NaN where it is not finite.
    """

    var: float
    shortfall: float
    var_parts: FloatArray
    shortfall_parts: FloatArray


def parametric(model: VarModel, exposure: FloatArray, horizon: int) -> TailRisk:
    """Under the model's law: a market's part is its exposure times its covariance with the book.

    Parameters
    ----------
    model : VarModel
    exposure : float array of shape (n_markets,)
        Signed exposure over NAV.
    horizon : int
        Sessions.
    """
    var, beyond = model.parametric(exposure, horizon), tail_ratio(model.confidence, model.tail)
    if not np.isfinite(var) or var == 0:
        return _undivided(var, var * beyond, exposure)
    marginal = exposure * model.cov_daily.dot(exposure)
    unit = marginal / np.sqrt(marginal.sum())
    parts = quantile(model.confidence, model.tail) * np.sqrt(horizon) * unit
    return TailRisk(var, var * beyond, parts, parts * beyond)


def historical(model: VarModel, exposure: FloatArray, horizon: int) -> TailRisk:
    """Of the filtered historical scenarios of ``VarModel.historical``, by its law of the horizon.

    Where a scenario was scaled for markets that were not listed yet, so is every market's part.
    Sums of successive sessions: the shortfall is the mean of the quantile's scenario and the ones
    worse than it.

    Parameters
    ----------
    model : VarModel
    exposure : float array of shape (n_markets,)
    horizon : int
    """
    var = model.historical(exposure, horizon)
    if not np.isfinite(var) or not exposure.any():
        return _undivided(var, var, exposure)
    profit, scale, telling = model.past_profit(exposure)
    unit = exposure * model.sigma_daily
    if model.horizon_law == "bootstrap" and horizon > 1:
        losses = -model.standardised * unit * scale[:, None]
        use = telling | (profit < 0)
        at, beyond = ProfitLaw(profit[use], horizon).tail_weights(model.confidence)
        shortfall_parts = beyond @ losses[use]
        return _held(var, float(shortfall_parts.sum()), at @ losses[use], shortfall_parts)
    sums = overlapping_sums(profit, horizon)
    count = model.rank(np.count_nonzero(telling), horizon) + 1
    worst = np.argpartition(sums, count - 1)[:count]
    worst = worst[np.argsort(sums[worst], kind="stable")]
    rows = worst[:, None] + np.arange(horizon)  # of every scenario, (count, horizon)
    moves = (scale[rows][:, :, None] * model.standardised[rows]).sum(axis=1)
    parts = -moves * unit
    shortfall = float(-sums[worst].mean())
    return _held(var, shortfall, parts[-1], parts.mean(axis=0))


def binding(model: VarModel, exposure: FloatArray, horizon: int) -> TailRisk:
    """The one of both with the larger VaR, as the gate has it; kept: limits and record ask."""
    key = exposure.tobytes(), horizon
    if key not in model.tails:
        normal, past = parametric(model, exposure, horizon), historical(model, exposure, horizon)
        model.tails[key] = past if past.var > normal.var else normal
    found: TailRisk = model.tails[key]
    return found


def _held(
    var: float, shortfall: float, var_parts: FloatArray, shortfall_parts: FloatArray
) -> TailRisk:
    """With the parts brought to the figures; a quantile that gains is no risk."""
    shortfall = max(shortfall, var)
    return TailRisk(var, shortfall, _scaled(var_parts, var), _scaled(shortfall_parts, shortfall))


def _scaled(parts: FloatArray, total: float) -> FloatArray:
    whole = float(parts.sum())
    return parts * (total / whole) if whole > 0 and total > 0 else np.zeros_like(parts)


def _undivided(var: float, shortfall: float, exposure: FloatArray) -> TailRisk:
    parts = np.zeros(len(exposure)) if var == 0 else np.full(len(exposure), np.nan)
    return TailRisk(var, shortfall, parts, parts)
