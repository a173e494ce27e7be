"""Hierarchical risk parity in either order of the leaves (P3; López de Prado 2016)."""

from __future__ import annotations

import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from universe.arrays import FloatArray, IntArray

LINKAGES = ("single", "complete", "average", "ward")
ORDERS = ("optimal", "plain")


def hierarchical_risk_parity(
    cov: FloatArray, method: str = "single", order: str = "optimal"
) -> FloatArray:
    """Long weights that sum to 1, split down the halves of a sorted tree by inverse variance.

    Parameters
    ----------
    cov : float array of shape (n, n)
        Covariance; markets without a positive variance get no weight.
    method : str
        Linkage: "single" (the paper's), "complete", "average" or "ward".
    order : str
        "optimal" puts the most similar leaves next to each other (Bar-Joseph and others 2001), as
        skfolio and riskfolio-lib do; "plain" keeps the linkage's, as PyPortfolioOpt does. Halves,
        and with them weights, depend on it.

    Notes
    -----
    Distance √((1 - ρ) / 2), used as it is; a cluster's variance is that of its inverse-variance
    portfolio; a list of n is split at n // 2. Correlations outside of [-1, 1] are clipped.

    Raises
    ------
    ValueError
        For an unknown linkage or order.
    """
    if method not in LINKAGES:
        raise ValueError(f"linkage is '{method}'; it must be one of {', '.join(LINKAGES)}")
    if order not in ORDERS:
        raise ValueError(f"leaf order is '{order}'; it must be one of {', '.join(ORDERS)}")
    variance = np.diagonal(cov)
    used = np.flatnonzero((variance > 0) & np.isfinite(variance))
    weights = np.zeros(len(cov))
    if len(used) < 2:
        weights[used] = 1.0
        return weights
    part = cov[used[:, None], used]
    sigma = np.sqrt(variance[used])
    correlation = np.clip(part / np.multiply.outer(sigma, sigma), -1.0, 1.0)
    np.fill_diagonal(correlation, 1.0)
    distance = squareform(np.sqrt((1.0 - correlation) / 2.0), checks=False)
    tree = linkage(distance, method=method, optimal_ordering=order == "optimal")
    weights[used] = _bisected(part, leaves_list(tree))
    return weights


def _bisected(cov: FloatArray, leaves: IntArray) -> FloatArray:
    sorted_cov = cov[leaves[:, None], leaves]
    inverse = 1.0 / np.diagonal(sorted_cov)
    share = np.ones(len(leaves))
    waiting = [(0, len(leaves))]
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        middle = first + (last - first) // 2
        left = _cluster_variance(sorted_cov, inverse, slice(first, middle))
        right = _cluster_variance(sorted_cov, inverse, slice(middle, last))
        total = left + right
        part = right / total if total > 0 else 0.5
        share[first:middle] *= part
        share[middle:last] *= 1.0 - part
        waiting += [(first, middle), (middle, last)]
    weights = np.empty_like(share)
    weights[leaves] = share
    return weights


def _cluster_variance(cov: FloatArray, inverse: FloatArray, cluster: slice) -> float:
    weights = inverse[cluster]
    total = float(weights.sum())
    return max(float(weights @ cov[cluster, cluster] @ weights), 0.0) / total**2
