"""Portfolios whose positions contribute to risk in given proportions, on either side (P3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dposv

from universe.arrays import FloatArray

STEPS = 60
"""Newton steps; random budgets down to 1e-6 take 17 at most."""

CONVERGED = 1e-8
"""Largest relative change of a position in the last step; its error is of the square of this."""

DAMPED = 0.1
"""Relative change of a position above which the length of a step is searched for."""

LINE_STEPS = 30

SHRINKAGE = (0.0, 1e-6, 1e-4, 1e-2, 0.1, 0.5)
"""Tried in turn towards no correlation, where a matrix has no such portfolio."""

ACCEPTED = 1e-6
"""Relative spread above which an answer is not one."""


@dataclass(frozen=True, slots=True)
class RiskParity:
    """Weights, and how far their contributions are from the budgets.

    Attributes
    ----------
    weights : float array of shape (n,)
        Absolute values sum to 1; all 0 without a market that has a volatility and a budget.
    spread : float
        Largest less smallest contribution over budget, relative to their mean; NaN without weights.
    steps : int
        Newton steps taken.
    shrunk : float
        Share by which correlations had to be shrunk towards zero; ``spread`` is then that in the
        shrunk matrix.
    """

    weights: FloatArray
    spread: float
    steps: int
    shrunk: float


def risk_parity(
    cov: FloatArray, budgets: FloatArray | None = None, signs: FloatArray | None = None
) -> RiskParity:
    """Weights whose contributions w∘Σw are proportional to ``budgets``.

    Parameters
    ----------
    cov : float array of shape (n, n)
        Covariance. A market without a positive variance gets no weight.
    budgets : float array of shape (n,), optional
        Not negative; equal without. A market without budget gets no weight.
    signs : float array of shape (n,), optional
        Side of each market; long without. 0 gives no weight.

    Notes
    -----
    In units of risk, z = σ∘|w|, and with the signs in the correlations C the portfolio minimises
    ½ zᵀCz - Σ bᵢ ln zᵢ (Spinu 2013, "An algorithm for computing risk parity weights"), a convex
    function if C is positive semi-definite. Newton's step, (C + diag b/z²) Δz = b/z - Cz, is one
    Cholesky solution, taken relative to z. The length of a long step is
    searched exactly: damping by the Newton decrement takes many steps with small budgets.
    A matrix that is indefinite, or lets a portfolio of these signs have no risk, may have no such
    weights; its correlations are then shrunk, and ``shrunk`` says by how much.

    Raises
    ------
    ValueError
        If a budget is negative or not a number.
    """
    n = len(cov)
    budget = np.ones(n) if budgets is None else np.asarray(budgets, dtype=np.float64)
    if not (budget >= 0).all():
        worst = int(np.flatnonzero(~(budget >= 0))[0])
        raise ValueError(f"budget {worst} is {budget[worst]:g}; budgets must be 0 or above")
    variance = cov.diagonal()
    usable = (variance > 0) & (variance < np.inf) & (budget > 0)
    if signs is not None:
        usable &= signs != 0
    used = usable.nonzero()[0]
    weights = np.zeros(n)
    if not len(used):
        return RiskParity(weights, float("nan"), 0, 0.0)
    sigma = np.sqrt(variance[used])
    scale = (1.0 if signs is None else np.sign(signs)[used]) / sigma
    correlation = np.asfortranarray(cov[used[:, None], used] * (scale[:, None] * scale))
    share = budget[used] * (len(used) / budget[used].sum())
    total = 0
    for shrunk in SHRINKAGE:
        tried = correlation if shrunk == 0 else _shrunk(correlation, shrunk)
        z, spread, steps = _newton(tried, share)
        total += steps
        if spread <= ACCEPTED:
            break
    else:
        shrunk, z = 1.0, np.sqrt(share)
        spread = 0.0
    raw = z * scale
    weights[used] = raw / np.abs(raw).sum()
    return RiskParity(weights, spread, total, shrunk)


def _shrunk(correlation: FloatArray, share: float) -> FloatArray:
    out = np.where(np.isfinite(correlation), correlation, 0.0) * (1.0 - share)
    np.fill_diagonal(out, 1.0)
    return out


def _newton(correlation: FloatArray, budget: FloatArray) -> tuple[FloatArray, float, int]:
    """Risk units, the relative spread of their contributions over budget, and the steps taken."""
    z = np.sqrt(budget)
    level = float(z.dot(correlation).dot(z))
    if not level > 0:
        return z, float("inf"), 0
    z = z * np.sqrt(budget.sum() / level)
    step = 0
    hessian = np.empty_like(correlation, order="F")
    diagonal = hessian.ravel(order="K")[:: len(z) + 1]
    for step in range(1, STEPS + 1):
        pull = correlation.dot(z)
        inverse = budget / z
        hessian[:] = correlation
        diagonal += inverse / z
        _, u, failed = dposv(hessian, inverse - pull, overwrite_a=1)
        if failed:
            return z, float("inf"), step
        u /= z
        largest = float(np.maximum.reduce(np.abs(u)))
        if not largest < np.inf:
            return z, float("inf"), step
        if largest > DAMPED:
            u *= _length(z, u, pull, correlation, budget)
        u += 1.0
        z = z * u
        if largest < CONVERGED:
            break
    ratio = (z * correlation.dot(z) / budget).tolist()
    mean = sum(ratio) / len(ratio)
    return z, (max(ratio) - min(ratio)) / mean if mean > 0 else float("inf"), step


def _length(
    z: FloatArray, u: FloatArray, pull: FloatArray, correlation: FloatArray, budget: FloatArray
) -> float:
    """Minimiser of the objective along ``u``, by Newton's method inside a bracket."""
    change = z * u
    linear, square = float(change.dot(pull)), float(change.dot(correlation).dot(change))
    lowest = float(u.min())
    low, high = 0.0, -1.0 / lowest if lowest < 0 else np.inf
    length = min(1.0, 0.99 * high)
    for _ in range(LINE_STEPS):
        ratio = u / (1.0 + length * u)
        slope = linear + length * square - float(budget.dot(ratio))
        if slope > 0:
            high = length
        else:
            low = length
        curve = square + float(budget.dot(ratio * ratio))
        trial = length - slope / curve if curve > 0 else 2.0 * length
        if not low < trial < high:
            trial = 0.5 * (low + high) if high < np.inf else 2.0 * length
        if abs(trial - length) <= 1e-3 * length:
            return float(trial)
        length = trial
    return float(length)
