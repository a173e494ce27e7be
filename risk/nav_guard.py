"""An account value that jumps waits for the next evening to confirm it (live)."""

from __future__ import annotations

import math

JUMP = 0.25
"""Largest change of NAV in a session that is believed at once: five times a bad day at 10 %
volatility and 20 % VaR; a late or partial answer of the broker is further off."""


class NavGuard:
    """Doubts a NAV that is far from the last one until a second one agrees with it."""

    def __init__(self) -> None:
        self._doubted = math.nan

    def trusts(self, nav: float, last: float) -> bool:
        """Whether to act on ``nav``.

        Parameters
        ----------
        nav, last : float
            Account value now and at the last decision; a ``last`` that is not positive compares
            with nothing.
        """
        confirmed = _near(nav, self._doubted) or (nav <= 0 and self._doubted <= 0)
        if not last > 0 or _near(nav, last) or confirmed:
            self._doubted = math.nan
            return True
        self._doubted = nav
        return False


def _near(nav: float, reference: float) -> bool:
    return reference > 0 and abs(nav / reference - 1.0) <= JUMP
