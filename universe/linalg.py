"""Linear algebra that portfolio and risk share."""

from __future__ import annotations

import numpy as np

from universe.arrays import FloatArray

RIDGES = (1e-9, 1e-6, 1e-3)
"""Added to the diagonal, relative to it, in turn until a matrix is positive definite."""


def covariance_root(cov: FloatArray) -> FloatArray:
    """Upper triangular R with RᵀR = ``cov``, of the matrix nearest by diagonal that has one.

    Parameters
    ----------
    cov : float array of shape (n, n)
        With a positive diagonal; singular and indefinite matrices get a larger diagonal, and one
        that is far from a covariance counts as its diagonal.
    """
    for ridge in RIDGES:
        try:
            return np.asarray(np.linalg.cholesky(cov + np.diag(ridge * np.diagonal(cov))).T)
        except np.linalg.LinAlgError:
            continue
    return np.diag(np.sqrt(np.diagonal(cov)))
