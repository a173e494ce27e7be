"""How far ex-ante volatility has been off, and the correction (bias statistic)."""

from __future__ import annotations

import math
from typing import Any, ClassVar

PRIOR_SHARE = 0.25
"""Sessions of perfect forecasts the statistic starts with, as share of its span."""

MOST = 36.0
"""What a session adds at most to the squares: a move of six volatilities."""


class BiasStatistic:
    """Exponentially weighted root mean square of portfolio return over its ex-ante volatility.

    A portfolio that is chosen with an estimated covariance looks safer in it than it is, because it
    leans on the estimate's errors. The ratio of what its profit did to what the covariance said
    shows by how much; the volatility forecast is multiplied by it (Menchero, Wang and Orr 2011,
    "Improving risk forecasts for optimized portfolios", call it the bias statistic).

    Parameters
    ----------
    span : int
        Sessions.
    low, high : float
        Limits of the correction.
    """

    STATE = ("weight", "squares")
    DEPENDS = ()  # a ratio means the same under another span
    ACCOUNT = STATE
    BOUNDS: ClassVar = {"weight": (0.0, 1e6)}

    def __init__(self, span: int, low: float = 0.8, high: float = 1.5) -> None:
        self._decay = 1.0 - 2.0 / (span + 1.0)
        self._low, self._high = low, high
        self.weight = PRIOR_SHARE * span
        self.squares = PRIOR_SHARE * span

    def from_state(self, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse sums that no sessions add up to.

        Raises
        ------
        ValueError
            Likewise.
        """
        weight, squares = values["weight"], values["squares"]
        if not (weight > 0 and squares >= 0):
            raise ValueError("the bias statistic's weight must be above 0, its squares not below")
        if not squares <= MOST * weight:
            raise ValueError(
                f"the bias statistic's squares are {squares:g}, their weight {weight:g}; a session "
                f"adds at most {MOST:g} times its weight"
            )
        return values

    def update(self, profit: float, vol: float) -> None:
        """Add a session.

        Parameters
        ----------
        profit : float
            Profit over NAV of the portfolio decided the session before.
        vol : float
            Its daily ex-ante volatility, uncorrected; without one nothing is learnt.
        """
        if not (math.isfinite(profit) and math.isfinite(vol)) or vol <= 0:
            return
        ratio = min((profit / vol) ** 2, MOST)
        self.weight = self.weight * self._decay + 1.0
        self.squares = self.squares * self._decay + ratio

    @property
    def value(self) -> float:
        """Multiplier of volatility, 1 if the forecasts were right."""
        return min(max(math.sqrt(self.squares / self.weight), self._low), self._high)
