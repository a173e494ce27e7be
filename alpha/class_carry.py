"""Carry of each asset class: what a holder earns a year if the market does not change (A3).

Formulas of 000 (section B) in the form of Koijen, Moskowitz, Pedersen and Vrugt (2018, "Carry"). A
*rate* is a fraction of the price a year; times the price of the held contract it is what
:class:`alpha.carry.Carry` takes. All annualisation is that of :func:`alpha.carry.annualised_carry`:
calendar days between last trade dates over 365.25.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq

from alpha.carry import annualised_carry
from universe.arrays import BoolArray, FloatArray, IntArray
from universe.curves import YieldCurve

BASIS_POINT = 1e-4

COUPONS_A_YEAR = 2.0

LONGEST_MATURITY = 30.0
"""Years: no deliverable of a bond future is longer."""

MONTHS_IN_YEAR = 12

FEWEST_SESSIONS = 5
"""Observations of a contract below which it does not count as a year of its calendar month."""


def annual_slope(near: float, far: float, near_expiry: int, far_expiry: int) -> float:
    """:func:`alpha.carry.annualised_carry` of one pair of contracts."""
    return float(
        annualised_carry(
            np.array([near]), np.array([far]), np.array([near_expiry]), np.array([far_expiry])
        )[0]
    )


def basis_rate(near: float, far: float, near_expiry: int, far_expiry: int, price: float) -> float:
    """Carry rate implied by a pair of futures: annualised (near - far) over the held price.

    NaN where the price is not positive, a price is missing or no time is between the contracts.
    """
    if not price > 0:
        return math.nan
    return annual_slope(near, far, near_expiry, far_expiry) / price


# --- equity and foreign exchange -----------------------------------------------------------------
def equity_carry(dividend_yield: float, financing: float) -> float:
    """Carry rate of an index future: dividend yield less the financing rate (000, B)."""
    return dividend_yield - financing


def fx_carry(base_rate: float, quote_rate: float) -> float:
    """Carry rate of a currency future: short rate of the currency bought less that paid with.

    For 6E, dollars per euro, that is euro less dollar. 000 writes i_domestic - i_foreign for the
    same: domestic is the currency held.
    """
    return base_rate - quote_rate


def fx_implied_carry(near: float, far: float, near_expiry: int, far_expiry: int) -> float:
    """Rate difference implied by two futures under covered interest parity.

    Exactly base less quote rate, continuously compounded: ln(near / far) a year. NaN where a price
    is not positive.
    """
    if not (near > 0 and far > 0):
        return math.nan
    return annual_slope(math.log(near), math.log(far), near_expiry, far_expiry)


# --- bonds ---------------------------------------------------------------------------------------
def par_duration(maturity: float, bond_yield: float) -> float:
    """Modified duration in years of a bond at par with two coupons a year.

    Parameters
    ----------
    maturity : float
        Years, 0 or more; exact where it is a whole number of half years, smooth in between.
    bond_yield : float
        Fraction a year, above -1; also the coupon.

    Notes
    -----
    (1 - (1 + y/2)^(-2T)) / y, whose limit at y = 0 is T.
    """
    if abs(bond_yield) < 1e-12:
        return maturity
    discount = -COUPONS_A_YEAR * maturity * math.log1p(bond_yield / COUPONS_A_YEAR)
    return -math.expm1(discount) / bond_yield


@lru_cache(maxsize=4096)
def par_maturity(duration: float, curve: YieldCurve) -> float:
    """Maturity of the par bond on ``curve`` whose modified duration is ``duration``.

    Parameters
    ----------
    duration : float
        Years, above 0.
    curve : YieldCurve

    Returns
    -------
    float
        Years, at most ``LONGEST_MATURITY``: at high yields no par bond has a long duration.

    Raises
    ------
    ValueError
        If the duration is not positive.

    Notes
    -----
    An instrument is known by the duration of its deliverable, the curve by maturity. A par bond is
    what the curve's yields belong to, and the deliverable of that duration sits close to it on the
    curve whatever its coupon.
    """
    if not 0 < duration < math.inf:
        raise ValueError(f"duration is {duration} years; it must be a positive number")

    def excess(maturity: float) -> float:
        return par_duration(maturity, curve.at(maturity)) - duration

    if excess(LONGEST_MATURITY) <= 0:
        return LONGEST_MATURITY
    return float(brentq(excess, 0.0, LONGEST_MATURITY, xtol=1e-10))


def roll_down(curve: YieldCurve, maturity: float, duration: float, horizon: float = 1.0) -> float:
    """Gain a year from ageing along an unchanged curve: duration x fall of the yield over it.

    Parameters
    ----------
    curve : YieldCurve
    maturity, duration : float
        Of the bond, in years.
    horizon : float
        Years over which the fall of the yield is measured; at most the maturity is used.

    Notes
    -----
    D·(y(T) - y(T - h)) / h, the first-order form of Koijen et al. (2018).
    """
    if not horizon > 0:
        raise ValueError(f"horizon is {horizon} years; it must be above 0")
    step = min(horizon, maturity)
    return duration * (curve.at(maturity) - curve.at(maturity - step)) / step


def bond_carry(curve: YieldCurve, financing: float, duration: float, horizon: float = 1.0) -> float:
    """Carry rate of a bond future: yield less financing plus roll-down (000, B).

    Parameters
    ----------
    curve : YieldCurve
        Par yields of the bond's issuer.
    financing : float
        Short rate, fraction a year.
    duration : float
        Modified duration of the deliverable in years; it fixes the maturity, see
        :func:`par_maturity`.
    horizon : float
        Years.
    """
    maturity = par_maturity(duration, curve)
    return curve.at(maturity) - financing + roll_down(curve, maturity, duration, horizon)


def bond_carry_per_dv01(rate: float, duration: float) -> float:
    """Annual carry per DV01: the rise of yield, in basis points, that a year's carry pays for.

    Carry rate over duration x 1 basis point. It makes bonds of all maturities comparable (000, B:
    DV01-aware), as carry and DV01 of a contract scale with its value alike.
    """
    if not duration > 0:
        raise ValueError(f"duration is {duration} years; it must be above 0")
    return rate / (duration * BASIS_POINT)


def implied_per_dv01(
    near: float, far: float, near_expiry: int, far_expiry: int, price: float, duration: float
) -> float:
    """:func:`bond_carry_per_dv01` of the carry that a pair of bond futures implies."""
    rate = basis_rate(near, far, near_expiry, far_expiry, price)
    return bond_carry_per_dv01(rate, duration)


# --- volatility and commodities ------------------------------------------------------------------
def volatility_carry(near: float, far: float, near_days: int, far_days: int) -> float:
    """Minus the annualised slope of the volatility term structure, in points a year.

    Parameters
    ----------
    near, far : float
        Two neighbouring points; the near one may be the spot index.
    near_days, far_days : int
        Calendar days to their expiries, 0 for spot.

    Returns
    -------
    float
        NaN where the near point is not the earlier one or has expired.
    """
    if near_days < 0:
        return math.nan
    return annual_slope(near, far, near_days, far_days)


def same_month_carry(
    held_month: int, prices: Mapping[int, float], expiries: Mapping[int, int]
) -> float:
    """Annual carry between the held contract and the one of the same month a year apart.

    Both belong to the same season, so no seasonality is in it.

    Parameters
    ----------
    held_month : int
        yyyymm.
    prices : mapping of yyyymm to float
    expiries : mapping of yyyymm to int
        Last trade dates as epoch days.

    Returns
    -------
    float
        Price units, by the exact dates, against the contract a year later or else a year earlier;
        NaN if neither is quoted.
    """
    for near, far in ((held_month, held_month + 100), (held_month - 100, held_month)):
        if near in expiries and far in expiries:
            carry = annual_slope(
                prices.get(near, math.nan), prices.get(far, math.nan), expiries[near], expiries[far]
            )
            if math.isfinite(carry):
                return carry
    return math.nan


class SeasonalAdjuster:
    """Takes out of carry what is usual for the calendar month of the near contract.

    Parameters
    ----------
    n_markets : int
    shrinkage_years : float
        Years of a calendar month at which half of its deviation is believed. The default keeps most
        of a strong season (gas, hogs) and adds little noise where there is hardly one (crude).

    Notes
    -----
    Adjusted = ratio - n/(n + k)·(mean of the near contract's calendar month - mean of all months),
    with n the earlier years of that month and k ``shrinkage_years``. A year of a month is the mean
    ratio while one contract was the near one, and counts once that is past: today's contract never
    explains itself away, and a month without an earlier year is left as it is. A market whose near
    contract always has the same month has no seasonal variation and is left as it is too.
    """

    STATE = ("sums", "years", "contract", "pending", "sessions")

    def __init__(self, n_markets: int, shrinkage_years: float = 5.0) -> None:
        if not shrinkage_years >= 0:
            raise ValueError(f"shrinkage_years is {shrinkage_years}; it must be 0 or more")
        self.shrinkage_years = shrinkage_years
        shape = (MONTHS_IN_YEAR, n_markets)
        self.sums: FloatArray = np.zeros(shape)  # of the contracts' mean ratios
        self.years: IntArray = np.zeros(shape, dtype=np.int64)
        self.contract: IntArray = np.zeros(n_markets, dtype=np.int64)  # present near one, yyyymm
        self.pending: FloatArray = np.zeros(n_markets)  # sum of its ratios
        self.sessions: IntArray = np.zeros(n_markets, dtype=np.int64)

    def update(self, ratio: FloatArray, near_month: IntArray, seen: BoolArray) -> FloatArray:
        """Adjust a session's carry by the sessions before it, then learn from it.

        Parameters
        ----------
        ratio : float array of shape (n_markets,)
            Annual carry over price.
        near_month : int array of shape (n_markets,)
            yyyymm of the near contract of the pair; anything else is no month.
        seen : bool array of shape (n_markets,)

        Returns
        -------
        float array of shape (n_markets,)
            Adjusted ratio, equal to ``ratio`` where nothing is known of the month.
        """
        usable = seen & np.isfinite(ratio) & _is_month(near_month)
        self._close(usable & (near_month > self.contract), near_month)
        adjusted = ratio - np.where(usable, self.deviation(near_month), 0.0)
        present = usable & (near_month == self.contract)
        self.pending[present] += ratio[present]
        self.sessions[present] += 1
        return np.asarray(adjusted)

    def deviation(self, near_month: IntArray) -> FloatArray:
        """What is usual for the month above the mean over the months, shrunk, 0 where unknown."""
        known = self.years > 0
        mean = self.sums / np.maximum(self.years, 1)
        overall = mean.sum(axis=0, where=known) / np.maximum(known.sum(axis=0), 1)
        row, column = (near_month - 1) % 100 % MONTHS_IN_YEAR, np.arange(len(near_month))
        years = self.years[row, column]
        trusted = _is_month(near_month) & (years > 0)
        weight = years / np.where(trusted, years + self.shrinkage_years, 1.0)
        return np.where(trusted, weight * (mean[row, column] - overall), 0.0)

    def _close(self, turned: BoolArray, near_month: IntArray) -> None:
        """Book the contract that is no longer the near one as a year of its month."""
        full = np.flatnonzero(turned & (self.sessions >= FEWEST_SESSIONS))
        row = self.contract[full] % 100 - 1
        self.sums[row, full] += self.pending[full] / self.sessions[full]
        self.years[row, full] += 1
        self.contract[turned] = near_month[turned]
        self.pending[turned] = 0.0
        self.sessions[turned] = 0


def _is_month(month: IntArray) -> BoolArray:
    """Whether ``month`` is a yyyymm."""
    return np.asarray((month > 0) & (month % 100 >= 1) & (month % 100 <= MONTHS_IN_YEAR))
