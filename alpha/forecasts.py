"""Forecasts of both sleeves for all markets, a session at a time."""

from __future__ import annotations

import numpy as np

from alpha.carry import Carry, annualised_carry
from alpha.trend import Ewmac, Tsmom
from universe.arrays import TRADING_DAYS, FloatArray
from universe.markets import Markets, Observation

TREND, CARRY = "trend", "carry"
SLEEVES = (TREND, CARRY)
"""Names of the sleeves, which the LEAN alpha models put into ``Insight.source_model``."""


class Forecasts:
    """The trend and carry rules that the settings select.

    Parameters
    ----------
    trend_rule : str
        "tsmom" (000), "ewmac" (001) or "both" (their mean).
    tsmom : Tsmom
    ewmac : Ewmac
    carry : Carry
    """

    def __init__(self, trend_rule: str, tsmom: Tsmom, ewmac: Ewmac, carry: Carry) -> None:
        self.trend_rule = trend_rule
        self.tsmom, self.ewmac, self.carry = tsmom, ewmac, carry

    def update(self, day: int, month: int, seen: Observation, markets: Markets) -> list[int]:
        """Take one session; returns the markets whose trend was flipped by the daily check.

        Parameters
        ----------
        day : int
            Epoch day.
        month : int
            yyyymm of the session.
        seen : Observation
        markets : Markets
            After it observed the session.
        """
        sigma = markets.sigma()
        flipped = self.tsmom.update(seen.ret, sigma, month, seen.seen)
        self.ewmac.update(markets.adjusted, seen.seen)
        raw = annualised_carry(seen.near_price, seen.far_price, seen.near_expiry, seen.far_expiry)
        annual = markets.sigma_price() * np.sqrt(TRADING_DAYS)
        self.carry.update(raw, annual, day, seen.seen)
        return [int(market) for market in np.flatnonzero(flipped)]

    def current(self, markets: Markets) -> dict[str, FloatArray]:
        """Forecasts by sleeve, (n_markets,) each, mean 1, cap 2, NaN where there is none."""
        return {TREND: self._trend(markets), CARRY: self.carry.forecast()}

    def _trend(self, markets: Markets) -> FloatArray:
        if self.trend_rule == "tsmom":
            return self.tsmom.forecast()
        ewmac = self.ewmac.forecast(markets.sigma_price())
        if self.trend_rule == "ewmac":
            return ewmac
        return np.asarray((self.tsmom.forecast() + ewmac) / 2.0)
