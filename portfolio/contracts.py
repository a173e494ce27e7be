"""From exposures to whole contracts: FX, multiplier, DV01, buffering and cooldown (P6)."""

from __future__ import annotations

import numpy as np

from universe.arrays import BoolArray, FloatArray, IntArray

BASIS_POINT = 1e-4

DIGITS = 9
"""Of fractional contracts that count: the last bits of NAV must not decide a half."""

TEN_YEAR_DURATION = 6.2
"""Modified duration of the deliverable of ten-year note futures (ZN), in years."""


def contract_value(price: FloatArray, multiplier: FloatArray, fx: FloatArray) -> FloatArray:
    """Notional of one contract in account currency; negative at a negative price."""
    return np.asarray(price * multiplier * fx)


def contract_dv01(value: FloatArray, duration: FloatArray) -> FloatArray:
    """Account-currency change of one contract for one basis point of yield.

    Parameters
    ----------
    value : float array
        Notional of one contract.
    duration : float array
        Modified duration in years; 0 for markets that are not rates.
    """
    return np.asarray(np.abs(value) * duration * BASIS_POINT)


def ten_year_equivalent(duration: FloatArray) -> FloatArray:
    """Notional with the DV01 of one unit of ten-year notes; 1 where the market is not a rate."""
    return np.where(duration > 0, TEN_YEAR_DURATION / np.where(duration > 0, duration, 1.0), 1.0)


def contracts_for_weights(
    weights: FloatArray, nav: float, value: FloatArray, duration: FloatArray
) -> FloatArray:
    """Fractional contracts that carry the exposures ``weights``.

    Parameters
    ----------
    weights : float array of shape (n_markets,)
        Signed exposure over NAV.
    nav : float
        Account currency.
    value : float array of shape (n_markets,)
        Notional of one contract, NaN or not positive where unknown: no position then.
    duration : float array of shape (n_markets,)

    Notes
    -----
    Rates are sized by DV01: the exposure becomes a target DV01, w·NAV·D·1bp, divided by the
    contract's. With the same duration on both sides this equals w·NAV / (multiplier·price·FX), the
    rule of the other markets (000, 5); it stays right when the deliverable's duration is updated
    between the two.
    """
    usable = value > 0
    safe = np.where(usable, value, 1.0)
    dv01 = contract_dv01(safe, duration)
    rates = dv01 > 0
    by_dv01 = weights * nav * duration * BASIS_POINT / np.where(rates, dv01, 1.0)
    contracts = np.where(rates, by_dv01, weights * nav / safe)
    return np.where(usable, contracts, 0.0)


def average_position(
    nav: float, target_vol: float, multiplier: float, budget: FloatArray, contract_risk: FloatArray
) -> FloatArray:
    """Contracts held at a forecast of 1: NAV·target·IDM·budget over a contract's annual risk.

    Zero where the contract's risk is unknown (001's sizing without the forecast).
    """
    usable = contract_risk > 0
    return np.where(
        usable, nav * target_vol * multiplier * budget / np.where(usable, contract_risk, 1.0), 0.0
    )


def band_edge(optimal: FloatArray, current: IntArray, width: FloatArray) -> FloatArray:
    """Fractional contracts at the nearer edge of a no-trade band, those held inside of it (001).

    Parameters
    ----------
    optimal : float array of shape (n_markets,)
        Fractional contracts.
    current : int array of shape (n_markets,)
        Contracts held.
    width : float array of shape (n_markets,)
        Half-width of the band in contracts.
    """
    width = np.round(width, DIGITS)
    lower, upper = np.round(optimal - width, DIGITS), np.round(optimal + width, DIGITS)
    return np.minimum(np.maximum(current, lower), upper)


def resting(
    target: FloatArray,
    current: IntArray,
    width: FloatArray,
    sessions_since_trade: IntArray,
    cooldown: int,
) -> BoolArray:
    """Markets that traded a moment ago and would make another small trade (000, cooldowns).

    Parameters
    ----------
    target : float array of shape (n_markets,)
        Contracts that would be held.
    current : int array of shape (n_markets,)
    width : float array of shape (n_markets,)
        Half-width of the no-trade band in contracts.
    sessions_since_trade : int array of shape (n_markets,)
    cooldown : int
        Sessions after a trade in which a market only trades to cross zero or by more than twice
        the band.
    """
    small = np.abs(target - current) <= 2.0 * np.maximum(width, 1.0)
    return np.asarray(small & (target * current > 0) & (sessions_since_trade < cooldown))


def buffered(
    optimal: FloatArray,
    current: IntArray,
    width: FloatArray,
    *,
    sessions_since_trade: IntArray | None = None,
    cooldown: int = 0,
) -> IntArray:
    """Whole contracts, traded only to the nearer edge of a no-trade band (001).

    Parameters
    ----------
    optimal : float array of shape (n_markets,)
        Fractional contracts.
    current : int array of shape (n_markets,)
        Contracts held.
    width : float array of shape (n_markets,)
        Half-width of the band in contracts.
    sessions_since_trade : int array of shape (n_markets,), optional
    cooldown : int
        See ``resting``.

    Returns
    -------
    int array of shape (n_markets,)
        Never further from ``optimal`` than half a contract plus ``width`` unless cooling down.

    Notes
    -----
    A position at its cap has its edge at the same place every day, and that may be half a contract
    (75 less 7.5), which the last bit of NAV would otherwise decide.
    """
    width = np.round(width, DIGITS)
    lower = np.rint(np.round(optimal - width, DIGITS))
    upper = np.rint(np.round(optimal + width, DIGITS))
    target = np.minimum(np.maximum(current, lower), upper)
    if cooldown and sessions_since_trade is not None:
        rests = resting(target, current, width, sessions_since_trade, cooldown)
        target = np.where(rests, current, target)
    return np.where(np.isfinite(target), target, current).astype(np.int64)
