"""An account value that nothing explains is not decided on (live)."""

from __future__ import annotations

import math

JUMP = 0.25
"""Largest change of NAV in a session that is believed at once: five times a bad day at 10 %
volatility and 20 % VaR; a late or partial answer of the broker is further off."""

COLLAPSE = 0.5
"""A NAV below this share of the last one is believed only when a person says so."""

MOST_GROSS = 50.0
"""Gross notional over NAV beyond which positions belong to another NAV: the strategy's gross is
about 4, STIR-heavy books reach 15."""


class NavGuard:
    """Doubts a NAV that is unknown, collapsed, far from the last one, or too small for the book.

    Attributes
    ----------
    confirmed : float
        A NAV that a person has confirmed, NaN without one: values near it are believed.
    """

    def __init__(self) -> None:
        self._doubted = math.nan
        self.confirmed = math.nan

    def doubt(self, nav: float, last: float, gross: float = 0.0) -> str:
        """Why not to act on ``nav``, "" if there is no reason.

        Parameters
        ----------
        nav, last : float
            Account value now and at the last decision; a ``last`` that is not positive compares
            with nothing.
        gross : float
            Sum of the absolute notionals held, in the account's currency.
        """
        if not nav > 0 or not math.isfinite(nav):
            return "an account value must be positive"
        if _near(nav, self.confirmed):
            return ""
        if gross > MOST_GROSS * nav:
            return f"positions of {gross:,.0f} cannot belong to it; confirm it if they do"
        if not last > 0 or _near(nav, last):
            self._doubted = math.nan
            return ""
        if nav < COLLAPSE * last:
            return "it has collapsed without a known reason; it waits for a person to confirm it"
        if _near(nav, self._doubted):
            self._doubted = math.nan
            return ""
        self._doubted = nav
        return "it has jumped; the next evening has to confirm it"


def _near(nav: float, reference: float) -> bool:
    return reference > 0 and abs(nav / reference - 1.0) <= JUMP
