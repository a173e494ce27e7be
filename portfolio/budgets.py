"""How a sleeve's forecasts become exposures: ways to share risk among markets, by name (P2, P3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from portfolio.covariance import covariance, portfolio_vol
from portfolio.hrp import hierarchical_risk_parity
from portfolio.risk_parity import RiskParity, risk_parity
from portfolio.sleeves import class_budgets, sleeve_weights
from universe.arrays import BoolArray, FloatArray, IntArray

SMALLEST_EIGENVALUE = 1e-6
"""Of a correlation matrix whose inverse root is taken."""


@dataclass(frozen=True, slots=True)
class SleeveView:
    """What a budget rule sees of a sleeve on one day.

    Attributes
    ----------
    forecast : float array of shape (n_assets,)
        NaN where the sleeve has none.
    sigma : float array of shape (n_assets,)
        Annual volatility, NaN where unknown.
    correlation : float array of shape (n_assets, n_assets)
    class_index : int array of shape (n_assets,)
        Number of each asset's class, from 0.
    member : bool array of shape (n_assets,)
        Assets that may have a risk budget.
    """

    forecast: FloatArray
    sigma: FloatArray
    correlation: FloatArray
    class_index: IntArray
    member: BoolArray

    @property
    def covered(self) -> BoolArray:
        """Members with a forecast."""
        return np.asarray(self.member & np.isfinite(self.forecast))

    @property
    def active(self) -> BoolArray:
        """Covered assets whose volatility is known."""
        return np.asarray(self.covered & (self.sigma > 0) & (self.sigma < np.inf))


@dataclass(frozen=True, slots=True)
class BudgetOptions:
    """What single budget rules need besides.

    Attributes
    ----------
    shrinkage : float
        Share by which "agnostic" shrinks correlations towards zero, 0 to 1.
    linkage, leaf_order : str
        Of "hrp", see ``portfolio.hrp``.
    class_shares : float array of shape (n_classes,), optional
        Of "own": relative standalone risk of each class, 0 or above.
    """

    shrinkage: float = 0.3
    linkage: str = "single"
    leaf_order: str = "optimal"
    class_shares: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class SleeveExposures:
    """A sleeve before it is scaled to its share of risk.

    Attributes
    ----------
    weights : float array of shape (n_assets,)
        Exposure over NAV, 0 where unknown.
    reason : str
        Why these are not quite what the budgets ask for, where they are not.
    """

    weights: FloatArray
    reason: str = ""


BudgetRule = Callable[[SleeveView, BudgetOptions], SleeveExposures]


def sleeve_exposures(
    name: str, view: SleeveView, options: BudgetOptions | None = None
) -> SleeveExposures:
    """Exposure over NAV of a sleeve before it is scaled to its share of risk.

    Parameters
    ----------
    name : str
        A key of ``BUDGETS``.
    view : SleeveView
    options : BudgetOptions, optional

    Raises
    ------
    ValueError
        For an unknown name.
    """
    if name not in BUDGETS:
        raise ValueError(f"budgets is '{name}'; it must be one of {', '.join(BUDGETS)}")
    return BUDGETS[name](view, options or BudgetOptions())


def equal(view: SleeveView, options: BudgetOptions) -> SleeveExposures:
    """Equal standalone risk of classes and, in a class, of markets, times the forecast."""
    budget = class_budgets(view.class_index, view.covered)
    return SleeveExposures(sleeve_weights(view.forecast, view.sigma, budget))


def own(view: SleeveView, options: BudgetOptions) -> SleeveExposures:
    """Standalone risk of classes as ``class_shares`` say, equal in a class, times the forecast."""
    if options.class_shares is None:
        raise ValueError("budgets is 'own'; it needs a share of risk for each class")
    shares = np.asarray(options.class_shares, dtype=np.float64)
    size = np.bincount(view.class_index[view.covered], minlength=len(shares))
    share = np.where(size > 0, shares, 0.0)
    each = share / np.maximum(size, 1) / max(float(share.sum()), 1e-300)
    budget = np.where(view.covered, each[view.class_index], 0.0)
    return SleeveExposures(sleeve_weights(view.forecast, view.sigma, budget))


def contribution(view: SleeveView, options: BudgetOptions) -> SleeveExposures:
    """Equal contributions to risk of classes and, in a class, of markets, whatever the conviction.

    The forecast decides the side alone.
    """
    used = view.active & (view.forecast != 0)
    signs = np.where(used, np.sign(view.forecast), 0.0)
    cov = covariance(view.correlation, view.sigma)
    return _balanced(risk_parity(cov, class_budgets(view.class_index, used), signs), None, cov)


def conviction(view: SleeveView, options: BudgetOptions) -> SleeveExposures:
    """Contributions to risk of classes in proportion to what each class says.

    Notes
    -----
    A class's portfolio is B = (f / σ) / √Σ|ρ| over its markets, its conviction b = BᵀΣB: 1 where
    all markets have a forecast of one and agree with how they move together, little where they say
    little or contradict one another. The class portfolios' contributions to risk are as b.
    """
    used = view.active
    scaled = np.where(used, view.forecast, 0.0) / np.where(used, view.sigma, 1.0)
    correlation, classes = view.correlation, _classes(view.class_index.tobytes(), used.tobytes())
    if not used.all():
        correlation = np.where(np.multiply.outer(used, used), correlation, 0.0)
    together = np.add.reduce(classes.dot(np.abs(correlation)) * classes, axis=1)
    portfolios = classes * scaled / np.sqrt(np.maximum(together, 1e-300))[:, None]
    cov = covariance(correlation, view.sigma)
    between = portfolios.dot(cov).dot(portfolios.T)
    budgets = np.maximum(between.diagonal(), 0.0)
    return _balanced(risk_parity(between, budgets), portfolios, cov)


@lru_cache(maxsize=64)
def _classes(class_index: bytes, used: bytes) -> FloatArray:
    """1 for the assets used of every class that has one, (n_classes, n_assets).

    They are the same from one session to the next, but for markets that come or go.
    """
    index, there = np.frombuffer(class_index, dtype=np.int64), np.frombuffer(used, dtype=bool)
    classes = np.equal.outer(np.unique(index[there]), index) & there
    return np.asarray(classes, dtype=np.float64)


def agnostic(view: SleeveView, options: BudgetOptions) -> SleeveExposures:
    """D⁻¹C⁻¹ᐟ²f: every principal component at the risk its forecast asks for.

    Agnostic risk parity (Benichou and others 2016, "Agnostic risk parity: taming known and
    unknown-unknowns"), with the correlations shrunk towards zero.
    """
    used = np.flatnonzero(view.active)
    exposure = np.zeros(len(view.forecast))
    if not len(used):
        return SleeveExposures(exposure)
    shrunk = (1.0 - options.shrinkage) * view.correlation[used[:, None], used]
    np.fill_diagonal(shrunk, 1.0)
    values, vectors = np.linalg.eigh(shrunk)
    root = 1.0 / np.sqrt(np.maximum(values, SMALLEST_EIGENVALUE))
    forecast = view.forecast[used]
    exposure[used] = vectors @ (root * (vectors.T @ forecast)) / view.sigma[used]
    return _unit_risk(exposure, covariance(view.correlation, view.sigma))


def hrp(view: SleeveView, options: BudgetOptions) -> SleeveExposures:
    """Standalone risk by hierarchical risk parity of the positions, times the forecast.

    The tree is built on the correlations of positions, so that a short in one market and a long in
    another that move together are a hedge, not a cluster.
    """
    used = view.active & (view.forecast != 0)
    side = np.where(used, np.sign(view.forecast), 0.0)
    positions = view.correlation * np.multiply.outer(side, side)
    budget = hierarchical_risk_parity(positions, options.linkage, options.leaf_order)
    return SleeveExposures(sleeve_weights(view.forecast, view.sigma, budget))


def _balanced(found: RiskParity, portfolios: FloatArray | None, cov: FloatArray) -> SleeveExposures:
    """Unit risk of weights of assets, or of portfolios of them, that share risk as they should."""
    weights = found.weights if portfolios is None else found.weights.dot(portfolios)
    if portfolios is not None and not weights.any():  # none of the portfolios has any risk
        weights = np.add.reduce(portfolios)
    out = _unit_risk(weights, cov)
    if out.reason or not found.shrunk > 0:
        return out
    return SleeveExposures(
        out.weights,
        f"contributions to risk are as asked for with correlations shrunk by {found.shrunk:.2g}, "
        "no weights have them with those of the day",
    )


def _unit_risk(weights: FloatArray, cov: FloatArray) -> SleeveExposures:
    vol = portfolio_vol(weights, cov)
    if vol > 0:
        return SleeveExposures(weights / vol)
    wanted = int(np.count_nonzero(weights))
    reason = f"correlations give its {wanted} positions no risk together, it holds none"
    return SleeveExposures(np.zeros_like(weights), reason if wanted else "")


BUDGETS: dict[str, BudgetRule] = {
    "equal": equal,
    "contribution": contribution,
    "conviction": conviction,
    "agnostic": agnostic,
    "hrp": hrp,
    "own": own,
}
