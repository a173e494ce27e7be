"""Carry of each asset class: what a holder earns a year if the market does not change (A3).

Formulas of 000 (section B) in the form of Koijen, Moskowitz, Pedersen and Vrugt (2018, "Carry"). A
*rate* is a fraction of the price a year; times the price of the held contract it is what
:class:`alpha.carry.Carry` takes. All annualisation is that of :func:`alpha.carry.annualised_carry`:
calendar days between last trade dates over :data:`universe.arrays.DAYS_IN_YEAR`.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq

from alpha.carry import annualised_carry
from universe.curves import YieldCurve

BASIS_POINT = 1e-4

COUPONS_A_YEAR = 2.0

LONGEST_MATURITY = 30.0
"""Years: no deliverable of a bond future is longer."""


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
    same: domestic is the currency held. Both must be of the same kind: a bill's rate against an
    interbank rate would make the TED spread a carry.
    """
    return base_rate - quote_rate


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
        Years, at most ``LONGEST_MATURITY``: at high yields no par bond has a long duration, and the
        one returned has a shorter one than was asked for.

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
        :func:`par_maturity`. Where that is the longest there is, the roll-down is that of the par
        bond of this maturity, whose duration is shorter.
    horizon : float
        Years.
    """
    maturity = par_maturity(duration, curve)
    bond_yield = curve.at(maturity)
    if maturity == LONGEST_MATURITY:
        duration = par_duration(maturity, bond_yield)
    return bond_yield - financing + roll_down(curve, maturity, duration, horizon)


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
