"""Forecast diversification multiplier estimated from past forecasts (Carver 2023, strategy 9)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from universe.arrays import FloatArray, IntArray


class ForecastMultiplier:
    """Multiplier that brings the mean of several rules' forecasts back to the size of one.

    Parameters
    ----------
    n_rules : int
    span : float
        Sessions of the exponential weights.
    cap : float
        Largest multiplier (Carver 2023: 2.5).
    minimum : int
        Sessions in which a pair of rules must have met before its correlation counts.

    Raises
    ------
    ValueError
        If a parameter is below 1.

    Notes
    -----
    The correlation of two rules is Σ f g / sqrt(Σ f² Σ g²), exponentially weighted over sessions
    and pooled over the markets in which both have a forecast; negative ones count as 0. No mean is
    taken off: a bias that two rules share adds to the size of their mean, which is what the
    multiplier corrects. A pair without ``minimum`` sessions counts as fully correlated, so that it
    never raises the multiplier. ``value`` read before a session's ``update`` depends on earlier
    sessions alone.
    """

    STATE = ("product", "square", "sessions")
    BOUNDS: ClassVar = {"square": (0.0, 1e12)}
    DEPENDS = (
        "trend_rules",
        "carry_rules",
        "other_rules",
        "forecast_multiplier",
        "multiplier_span",
    )

    def __init__(self, n_rules: int, span: float, cap: float = 2.5, minimum: int = 250) -> None:
        for name, number in (("n_rules", n_rules), ("span", span), ("cap", cap)):
            if not number >= 1:
                raise ValueError(f"multiplier's {name} is {number}; it must be at least 1")
        if not minimum >= 1:
            raise ValueError(f"multiplier's minimum is {minimum} sessions; it must be at least 1")
        self.n_rules, self.cap, self.minimum = n_rules, cap, minimum
        self._decay = 1.0 - 2.0 / (span + 1.0)
        shape = (n_rules, n_rules)
        self.product: FloatArray = np.zeros(shape)  # Σ f g of rules (row, column)
        self.square: FloatArray = np.zeros(shape)  # Σ f² of the row's rule where both forecast
        self.sessions: IntArray = np.zeros(shape, dtype=np.int64)  # in which both forecast

    def update(self, forecasts: FloatArray) -> None:
        """Take a session's forecasts.

        Parameters
        ----------
        forecasts : float array of shape (n_rules, n_markets)
            Not finite where a rule has none.

        Raises
        ------
        ValueError
            If the number of rules is another.
        """
        if forecasts.ndim != 2 or forecasts.shape[0] != self.n_rules:
            raise ValueError(
                f"forecasts have shape {forecasts.shape}; it must be ({self.n_rules}, n_markets)"
            )
        have = np.isfinite(forecasts)
        values = np.where(have, forecasts, 0.0)
        both = have.astype(np.float64)
        self.product = self.product * self._decay + values @ values.T
        self.square = self.square * self._decay + (values * values) @ both.T
        self.sessions = self.sessions + (both @ both.T > 0)

    def correlation(self) -> FloatArray:
        """Correlations floored at 0, (n_rules, n_rules), 1 where they are not known."""
        root = np.sqrt(self.square)
        scale = root * root.T
        known = (self.sessions >= self.minimum) & (scale > 0)
        out = np.where(known, self.product / np.where(known, scale, 1.0), 1.0)
        out = np.clip(out, 0.0, 1.0)
        np.fill_diagonal(out, 1.0)
        return out

    def value(self, weights: FloatArray | None = None) -> float:
        """min(1 / sqrt(wᵀ C⁺ w), cap), never below 1.

        Parameters
        ----------
        weights : float array of shape (n_rules,), optional
            Forecast weights relative to their sum, 0 for a rule that takes no part; equal unless
            given.

        Raises
        ------
        ValueError
            If the weights have another shape, if one is negative or not finite, or all are 0.
        """
        given = np.ones(self.n_rules) if weights is None else weights
        if given.shape != (self.n_rules,):
            raise ValueError(f"weights have shape {given.shape}; it must be ({self.n_rules},)")
        if not (np.isfinite(given).all() and (given >= 0).all() and given.sum() > 0):
            raise ValueError(f"weights are {given}; they must be finite, at least 0 and not all 0")
        share = given / given.sum()
        return self._bounded(float(share @ self.correlation() @ share))

    def multiplier_by_number(self) -> FloatArray:
        """Multiplier by the number of rules at hand, equally weighted, for ``scaling.combine``.

        Returns
        -------
        float array of shape (n_rules + 1,)
            Entry k takes the mean variance over all choices of k rules, which is
            (1 + (k - 1) ρ) / k with ρ the mean correlation of two rules; entry 0 is 0 and the last
            one is ``value()``.
        """
        pairs = self.n_rules * (self.n_rules - 1)
        mean = (float(self.correlation().sum()) - self.n_rules) / max(pairs, 1)
        variance = ((1.0 + (k - 1) * mean) / k for k in range(1, self.n_rules + 1))
        return np.array([0.0] + [self._bounded(v) for v in variance])

    def _bounded(self, variance: float) -> float:
        return min(max(1.0 / float(np.sqrt(variance)), 1.0), self.cap)
