"""An account value that nothing explains is not decided on (live)."""

from __future__ import annotations

import math

JUMP = 0.25
"""Largest change of NAV in a session that is believed at once: five times a bad day at 10 %
volatility and 20 % VaR; a late or partial answer of the broker is further off."""

COLLAPSE = 0.5
"""A NAV below this share of the last one is believed only when positions explain it, or a person
says so."""

SURGE = 2.0
"""A NAV above this multiple of the last one likewise: every position would double with it, and the
peak that drawdowns are measured from. A deposit as large as the fund comes with a person's word."""

UNEXPLAINED = 0.05
"""Part of the last NAV that may be missing where positions explain a change: fills between two
closes, fees and interest."""

MOST_GROSS = 50.0
"""Gross notional over NAV beyond which positions belong to another NAV: the strategy's gross is
about 4, STIR-heavy books reach 15."""

LEAST = 1000.0
"""Account currency below which no futures account is worth deciding on."""


class NavGuard:
    """Doubts a NAV that is unknown, collapsed, far from the last one, or too small for the book.

    Attributes
    ----------
    confirmed : float
        A NAV that a person has confirmed, NaN without one. Values near it are believed, and it
        follows them from evening to evening, until one is believed without it.
    """

    def __init__(self) -> None:
        self._doubted = math.nan
        self.confirmed = math.nan

    def confirm(self, text: object) -> float:
        """Take a person's word for a NAV.

        Parameters
        ----------
        text : object
            A number, or a text of one.

        Returns
        -------
        float
            What is confirmed.

        Raises
        ------
        ValueError
            If it is no positive number.
        """
        try:
            nav = float(str(text).replace(",", "").replace("_", ""))
        except ValueError:
            nav = math.nan
        if not _is_value(nav):
            raise ValueError(f"confirmed NAV is {text!r}; it must be a number above 0")
        self.confirmed = nav
        return nav

    def doubt(
        self, nav: float, last: float, gross: float = 0.0, explained: float = math.nan
    ) -> str:
        """Why not to act on ``nav``, "" if there is no reason.

        Parameters
        ----------
        nav, last : float
            Account value now and at the last decision; a ``last`` that is not positive compares
            with nothing.
        gross : float
            Sum of the absolute notionals held, in the account's currency.
        explained : float
            What the positions made since ``last``, NaN where it is not known.
        """
        if not _is_value(nav):
            return "an account value must be positive"
        if within_a_jump(nav, self.confirmed):
            self.confirmed = nav
            return ""
        if nav < LEAST:
            return f"no account of less than {LEAST:,.0f} is traded; confirm it if it is right"
        if gross > MOST_GROSS * nav:
            return f"positions of {gross:,.0f} cannot belong to it; confirm it if they do"
        reason = self._jump(nav, last, explained)
        if not reason:
            self._doubted = self.confirmed = math.nan
        return reason

    def _jump(self, nav: float, last: float, explained: float) -> str:
        if not last > 0 or within_a_jump(nav, last):
            return ""
        if abs(nav - last - explained) <= UNEXPLAINED * last:
            return ""
        if nav < COLLAPSE * last:
            return "it has collapsed without a known reason; it waits for a person to confirm it"
        if nav > SURGE * last:
            return "no position explains such a rise; it waits for a person to confirm it"
        if within_a_jump(nav, self._doubted):
            return ""
        self._doubted = nav
        return "it has jumped; the next evening has to confirm it"


def _is_value(nav: float) -> bool:
    return nav > 0 and math.isfinite(nav)


def within_a_jump(nav: float, reference: float) -> bool:
    """Whether a NAV is so near another that it is believed at once."""
    return reference > 0 and abs(nav / reference - 1.0) <= JUMP
