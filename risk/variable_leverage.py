"""Variable leverage of a market: ARMA mean over GARCH variance, smoothed and bounded (002).

``l = k E(r) / (21 sigma^2)`` with the month's expected excess return, forward-filled, and the next
session's variance; below 1 it is 0; ``log(l + e)``; an exponential mean; at most a cap. Returns of
futures have paid for their financing already, which those of 002 have not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any, Final

import numpy as np

from risk.leverage_fit import FitError, Garch, fit_arma, fit_garch
from universe.arrays import FloatArray

MONTH_SESSIONS: Final = 21
"""Sessions of a month, by which 002 turns a daily variance into a monthly one."""


@dataclass(frozen=True, slots=True)
class LeveragePlan:
    """How leverage is made.

    Attributes
    ----------
    ar, ma : int
        Orders of the monthly mean.
    least : int
        Whole months before the first fit.
    window : int
        Sessions that a variance is fitted on, at most.
    fraction : float
        Of the Kelly leverage that is taken, 1 is all.
    alpha : float
        Weight of the newest value in the exponential mean.
    cap : float
    """

    ar: int = 1
    ma: int = 1
    least: int = 60
    window: int = 2520
    fraction: float = 1.0
    alpha: float = 0.05
    cap: float = 3.0


def optimal_leverage(month_mean: float, variance: float, fraction: float = 1.0) -> float:
    """Leverage with the greatest expected growth, times a fraction of it.

    Parameters
    ----------
    month_mean : float
        Expected return of the month, after financing.
    variance : float
        Of a session's return, positive.
    fraction : float

    Notes
    -----
    ``E(r) / (21 sigma^2)`` (002), which is Kelly's fraction of a lognormal price (Merton, Review of
    Economics and Statistics 51, 1969; Thorp, "The Kelly criterion", 2006).
    """
    return fraction * month_mean / (MONTH_SESSIONS * variance)


def compressed(leverage: float) -> float:
    """``log(f(l) + e)`` with ``f`` 0 at 1 and below (002): 1, or above ``log(1 + e)``."""
    return math.log((leverage if leverage > 1.0 else 0.0) + math.e)


def adjusted(leverage: FloatArray, alpha: float, cap: float) -> FloatArray:
    """002's transformation of a whole series: ``min(EWM[log(f(l) + e)], cap)``.

    The weights of the exponential mean add up to 1 from the first value on, as pandas' do.
    """
    total = weight = 0.0
    out = np.empty(len(leverage))
    for k, one in enumerate(leverage.tolist()):
        total = (1.0 - alpha) * total + compressed(one)
        weight = (1.0 - alpha) * weight + 1.0
        out[k] = min(total / weight, cap)
    return out


class VariableLeverage:
    """Leverage of one market from one session to the next; fits are made once a month.

    Parameters
    ----------
    plan : LeveragePlan

    Attributes
    ----------
    month : int
        yyyymm of the last session, 0 before the first.
    months : float array of shape (n_months,)
        Returns of whole months.
    days : float array of shape (n_days,)
        Returns of sessions, as many as a fit looks back.
    monthly : float array of shape (2,)
        Growth of 1 since the month began, NaN in a month that was not seen from its beginning; and
        the month's expected return, NaN before the first fit.
    daily : float array of shape (5,)
        Mean, omega, alpha and beta of the last good fit, and the variance of the next session; NaN
        before it.
    ewm : float array of shape (2,)
        Weighted sum and sum of weights.
    """

    STATE = ("month", "months", "days", "monthly", "daily", "ewm")
    GROWS = ("months", "days")
    DEPENDS = (
        "leverage",
        "leverage_of",
        "leverage_ar",
        "leverage_ma",
        "leverage_least",
        "leverage_window",
        "leverage_fraction",
        "leverage_alpha",
    )

    def __init__(self, plan: LeveragePlan) -> None:
        self._plan = plan
        self.month = 0
        self.months: FloatArray = np.zeros(0)
        self.days: FloatArray = np.zeros(0)
        self.monthly: FloatArray = np.full(2, np.nan)
        self.daily: FloatArray = np.full(5, np.nan)
        self.ewm: FloatArray = np.zeros(2)

    @property
    def mean(self) -> float:
        """Expected return of the month, NaN while unknown."""
        return float(self.monthly[1])

    @property
    def variance(self) -> float:
        """Of the next session's return, NaN while unknown."""
        return float(self.daily[4])

    @property
    def optimal(self) -> float:
        """Leverage of the next session before it is bounded and smoothed, NaN while unknown."""
        if not (math.isfinite(self.mean) and self.variance > 0):
            return math.nan
        return optimal_leverage(self.mean, self.variance, self._plan.fraction)

    @property
    def leverage(self) -> float:
        """Bounded and smoothed, from 1 to the cap; NaN while unknown."""
        total, weight = self.ewm.tolist()
        return min(total / weight, self._plan.cap) if weight else math.nan

    def take(self, month: int, ret: float) -> list[str]:
        """Take a session; returns what could not be fitted and why.

        Parameters
        ----------
        month : int
            yyyymm.
        ret : float
            Return of the session, above -1.

        Raises
        ------
        ValueError
            If the return is none.
        """
        if not (math.isfinite(ret) and ret > -1.0):
            raise ValueError(f"return is {ret}; it must be a finite number above -1")
        notes: list[str] = []
        if month != self.month:
            if math.isfinite(self.monthly[0]):
                self.months = np.append(self.months, self.monthly[0] - 1.0)
                notes = self._fit()
            self.monthly[0] = 1.0 if self.month else math.nan
            self.month = month
        self.monthly[0] *= 1.0 + ret
        self.days = np.append(self.days, ret)[-self._plan.window :]
        if self.variance > 0:
            self.daily[4] = Garch(*self.daily.tolist()).following(ret)
        if math.isfinite(self.optimal):
            kept = 1.0 - self._plan.alpha
            self.ewm = kept * self.ewm + np.array([compressed(self.optimal), 1.0])
        return notes

    def _fit(self) -> list[str]:
        """Both models on the months and sessions so far; one that fails keeps what it had."""
        if len(self.months) < self._plan.least:
            return []
        notes = []
        try:
            self.monthly[1] = fit_arma(self.months, self._plan.ar, self._plan.ma)
        except FitError as error:
            notes.append(_kept(error, math.isfinite(self.mean), "expected return"))
        try:
            fitted = fit_garch(self.days)
        except FitError as error:
            notes.append(_kept(error, self.variance > 0, "parameters of the variance"))
        else:
            self.daily = np.array(astuple(fitted))
        return notes

    def from_state(self, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse what no model keeps.

        Raises
        ------
        ValueError
            Likewise.
        """
        months, days = values["months"], values["days"]
        if months.ndim != 1 or days.ndim != 1 or len(days) > self._plan.window:
            raise ValueError("the returns behind variable leverage are not of this window")
        if not _are_returns(months) or not _are_returns(days):
            raise ValueError("a return behind variable leverage is none")
        return values


def _are_returns(values: Sequence[float] | FloatArray) -> bool:
    return bool(np.all(np.isfinite(values) & (np.asarray(values) > -1.0)))


def _kept(error: FitError, there: bool, what: str) -> str:
    return f"{error}; the last {what} stays" if there else f"{error}; there is no {what} yet"
