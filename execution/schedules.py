"""From a parent order to its children: how much should be done by when (E1).

A schedule is a curve: the share of the parent that should be done by the end of every minute of its
session. Children are what the rounded curve asks for beyond what is done already, so that a late
fill, a refused child or a restart in the middle shifts nothing: the curve says where to be.
"""

from __future__ import annotations

from enum import StrEnum
from math import acosh, floor, sqrt

import numpy as np

from universe.arrays import FloatArray, IntArray


class Algorithm(StrEnum):
    """How a parent order is worked."""

    OPEN = "open"
    TWAP = "twap"
    VWAP = "vwap"
    POV = "pov"
    SHORTFALL = "shortfall"
    HORIZON = "horizon"


def open_curve(minutes: int) -> FloatArray:
    """All of it in the first minute."""
    return np.ones(_checked(minutes))


def twap_curve(minutes: int) -> FloatArray:
    """The same in every minute."""
    n = _checked(minutes)
    return np.arange(1, n + 1) / n


def horizon_curve(minutes: int, share: float) -> FloatArray:
    """The same in every minute of the first ``share`` of the session, which is above 0."""
    if not 0 < share <= 1:
        raise ValueError(f"a horizon of {share} of the session; above 0 to 1 is allowed")
    return np.minimum(twap_curve(minutes) / share, 1.0)


def vwap_curve(profile: FloatArray) -> FloatArray:
    """As the market's volume is expected to come.

    Parameters
    ----------
    profile : float array of shape (minutes,)
        Expected volume by minute, in any unit.

    Raises
    ------
    ValueError
        If it is negative or not finite somewhere; all zeros are spread evenly.
    """
    n = _checked(len(profile))
    if not np.all(np.isfinite(profile)) or np.any(profile < 0):
        raise ValueError(
            "a volume profile has a negative or unknown minute; 0 and above is allowed"
        )
    total = float(profile.sum())
    return np.cumsum(profile) / total if total > 0 else twap_curve(n)


def shortfall_curve(minutes: int, kappa: float) -> FloatArray:
    """Least risk-adjusted implementation shortfall under linear impact (Almgren and Chriss 2000).

    Parameters
    ----------
    minutes : int
    kappa : float
        Decay of what is left per minute, see :func:`decay`; 0 is TWAP.

    Notes
    -----
    What is left after minute j of T is sinh(κ(T - j)) / sinh(κT).
    """
    n = _checked(minutes)
    if not (np.isfinite(kappa) and kappa >= 0):
        raise ValueError(f"kappa is {kappa}; 0 or above is allowed")
    if kappa * n < 1e-6:
        return twap_curve(n)
    left = np.arange(n - 1, -1, -1.0)
    # sinh(a)/sinh(b) without overflow
    share = np.exp(-kappa * (n - left)) * np.expm1(-2 * kappa * left) / np.expm1(-2 * kappa * n)
    return np.asarray(1.0 - share)


def decay(risk_aversion: float, sigma: float, eta: float) -> float:
    """κ per minute of the optimal trajectory in discrete time.

    Parameters
    ----------
    risk_aversion : float
        λ, per unit of money.
    sigma : float
        Volatility of the price over a minute.
    eta : float
        Temporary impact: price concession per contract a minute, above 0.

    Notes
    -----
    2(cosh κ - 1) = λσ²/η, with minutes as the unit of time and no permanent impact.
    """
    if not eta > 0 or risk_aversion < 0 or sigma < 0:
        raise ValueError(
            f"risk aversion {risk_aversion}, sigma {sigma}, eta {eta}; "
            "0 or above is allowed, of eta above 0"
        )
    return acosh(1.0 + risk_aversion * sigma**2 / eta / 2.0)


def linear_impact(
    quantity: float, minutes: int, alpha: float, sigma_day: float, volume_day: float
) -> float:
    """η of the square-root law, linearised at the mean rate of the parent.

    Parameters
    ----------
    quantity : float
        Contracts, either sign.
    minutes : int
        Of the schedule.
    alpha, sigma_day, volume_day : float
        Of α·σ·sqrt(participation), as in ``execution.costs``.

    Notes
    -----
    Trading v contracts a minute is a participation of v·minutes / volume; the concession at the
    mean rate q / minutes over that rate is η.
    """
    size = abs(quantity)
    if not size or not volume_day > 0:
        raise ValueError(f"quantity {quantity} of a volume of {volume_day}; both must not be 0")
    return alpha * sigma_day * sqrt(size / volume_day) / (size / _checked(minutes))


def due(curve: FloatArray, minute: int, quantity: int, done: int) -> int:
    """Contracts of the child to be sent in a minute.

    Parameters
    ----------
    curve : float array of shape (minutes,)
    minute : int
        Of the schedule; beyond its end all of the parent is due.
    quantity : int
        Of the parent, bought positive.
    done : int
        Filled or on its way, with the parent's sign.

    Returns
    -------
    int
        With the parent's sign; 0 where the curve is behind what is done.
    """
    size, sign = abs(quantity), 1 if quantity > 0 else -1
    share = float(curve[min(minute, len(curve) - 1)]) if minute >= 0 else 0.0
    asked = min(floor(size * share + 0.5 + 1e-9), size)
    return sign * max(asked - sign * done, 0)


def due_in_volume(traded: float, cap: float, quantity: int, done: int) -> int:
    """Contracts of a POV child, so that the parent stays within its share of volume.

    Parameters
    ----------
    traded : float
        Contracts that the market has traded since the parent's start, up to the last full minute.
    cap : float
        Largest share, above 0 and below 1.
    quantity, done : int
        As for :func:`due`.

    Notes
    -----
    done <= cap·traded, so that with its own trades in the volume it is below the cap too.
    """
    if not 0 < cap < 1:
        raise ValueError(f"participation is {cap}; it must be above 0 and below 1")
    size, sign = abs(quantity), 1 if quantity > 0 else -1
    asked = min(floor(cap * max(traded, 0.0) + 1e-9), size)
    return sign * max(asked - sign * done, 0)


def learned_profile(
    volumes: FloatArray, weekday: IntArray, today: int, least: int = 4
) -> FloatArray:
    """Expected share of volume by minute, from past sessions of the same length.

    Parameters
    ----------
    volumes : float array of shape (sessions, minutes)
        Past sessions only.
    weekday : int array of shape (sessions,)
    today : int
        Weekday of the session to come; its own sessions are used where there are ``least`` of them.
    least : int

    Returns
    -------
    float array of shape (minutes,)
        Adds up to 1; even without any volume.
    """
    same = volumes[weekday == today]
    used = same if len(same) >= least else volumes
    total = used.sum(axis=1, keepdims=True)
    shares = used[total[:, 0] > 0] / total[total[:, 0] > 0]
    n = volumes.shape[1]
    if not len(shares):
        return np.full(n, 1.0 / n)
    return np.asarray(shares.mean(axis=0))


def _checked(minutes: int) -> int:
    if minutes < 1:
        raise ValueError(f"a schedule of {minutes} minutes; 1 or more is allowed")
    return minutes
