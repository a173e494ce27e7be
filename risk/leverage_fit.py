"""ARMA means and GARCH variances, fitted by statsmodels and arch where these are there (002).

Both come with QuantConnect's image; they are imported when a fit is asked for, and a home without
them goes on without variable leverage.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from threadpoolctl import threadpool_limits

from universe.arrays import FloatArray
from universe.counts import count_text

PER_CENT = 100.0
"""What daily returns are multiplied with before a fit: arch's optimiser wants numbers near 1."""


class FitError(ValueError):
    """A model that could not be fitted, with the reason."""


@dataclass(frozen=True, slots=True)
class Garch:
    """A constant mean with GARCH(1,1) variance (Bollerslev, Journal of Econometrics 31, 1986).

    Attributes
    ----------
    mean : float
        Daily return, a fraction.
    omega, alpha, beta : float
        ``variance' = omega + alpha (return - mean)^2 + beta variance``, of fractions.
    variance : float
        Of the session after the last one fitted.
    """

    mean: float
    omega: float
    alpha: float
    beta: float
    variance: float

    def following(self, ret: float) -> float:
        """Variance of the session after that of ``variance``, whose return is ``ret``."""
        return self.omega + self.alpha * (ret - self.mean) ** 2 + self.beta * self.variance


def missing_libraries() -> str:
    """Names of what is not installed, "" where both are there."""
    return " and ".join(name for name in ("arch", "statsmodels") if find_spec(name) is None)


def fit_arma(returns: FloatArray, ar: int, ma: int) -> float:
    """Mean of the next period by maximum likelihood over the periods so far.

    Parameters
    ----------
    returns : float array of shape (n,)
        Oldest first.
    ar, ma : int
        Orders; a constant mean is fitted too.

    Raises
    ------
    FitError
        If the returns do not move, or the fit fails or does not converge.
    """
    _check(returns, "monthly")
    from statsmodels.tsa.arima.model import ARIMA

    name = f"ARMA({ar},{ma}) of {len(returns)} months"
    try:
        with warnings.catch_warnings(), threadpool_limits(limits=1):
            warnings.simplefilter("ignore")
            fitted = ARIMA(returns, order=(ar, 0, ma), trend="c").fit()
            mean = float(fitted.forecast(1)[0])
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        raise FitError(f"{name} failed: {error}") from error
    if not fitted.mle_retvals["converged"]:
        raise FitError(f"{name} did not converge")
    if not math.isfinite(mean):
        raise FitError(f"{name} has no finite forecast")
    return mean


def fit_garch(returns: FloatArray) -> Garch:
    """GARCH(1,1) with a constant mean by maximum likelihood.

    Parameters
    ----------
    returns : float array of shape (n,)
        Daily, fractions, oldest first.

    Raises
    ------
    FitError
        If the returns do not move, or the fit fails, does not converge or has no stationary
        variance.
    """
    _check(returns, "daily")
    from arch import arch_model

    name = f"GARCH(1,1) of {count_text(len(returns), 'session')}"
    try:
        with warnings.catch_warnings(), threadpool_limits(limits=1):
            warnings.simplefilter("ignore")
            model = arch_model(returns * PER_CENT, mean="Constant", vol="GARCH", rescale=False)
            fitted = model.fit(disp="off", show_warning=False)
            ahead = float(fitted.forecast(horizon=1).variance.to_numpy()[-1, 0])
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        raise FitError(f"{name} failed: {error}") from error
    if fitted.convergence_flag:
        raise FitError(f"{name} did not converge")
    mean, omega, alpha, beta = (float(value) for value in fitted.params.to_numpy())
    if not (math.isfinite(ahead) and ahead > 0 and alpha + beta < 1.0):
        raise FitError(f"{name} has no stationary variance: alpha {alpha:.3f}, beta {beta:.3f}")
    square = PER_CENT**2
    return Garch(mean / PER_CENT, omega / square, alpha, beta, ahead / square)


def _check(returns: FloatArray, what: str) -> None:
    if not np.all(np.isfinite(returns)):
        raise FitError(f"{what} returns are not all finite")
    if len(returns) < 2 or float(np.ptp(returns)) == 0.0:
        raise FitError(f"{what} returns do not move")
