"""Prices, ranges, volume and open interest of the synthetic market's contracts."""

from __future__ import annotations

import numpy as np

from research.synthetic.contracts import ContractCycle
from research.synthetic.models import MarketModel
from research.synthetic.paths import Path, stream, weekdays
from universe.arrays import FloatArray, IntArray, years_between
from universe.instruments import Instrument

_SIDE_SHARE, _LEAST_SHARE = 0.04, 0.004  # volume of contracts off the holding cycle, of all others
_INTEREST_TO_VOLUME = 3.0
_MIGRATION_DAYS = 2.5  # width of the hand-over, calendar days
_MIGRATION_LEAD = 2.0  # calendar days by which it precedes the roll
_PLACES = 10


def log_price(
    cycle: ContractCycle, model: MarketModel, path: Path, row: IntArray, contract: IntArray
) -> FloatArray:
    """Logarithm of contract prices.

    With time to expiry ``t``, mean carry ``c``, its deviation ``x`` with speed ``k``, the priced
    reversion ``r`` of the spot to ``m``, a premium ``p`` of far contracts and the season ``g`` of
    the delivery month::

        log F = m + (log S - m) exp(-r t) + p (1 - exp(-r t)) - c t - x (1 - exp(-k t)) / k + g

    so that a contract gains its carry as it nears the spot, that the spot's reversion is priced
    and no contract inherits it, and that far contracts move less than near ones.

    Parameters
    ----------
    cycle : ContractCycle
    model : MarketModel
    path : Path
    row : int array of shape (n_bars,)
        Index into the grid of weekdays.
    contract : int array of shape (n_bars,)
        Index into the cycle.

    Returns
    -------
    float array of shape (n_bars,)
    """
    years = years_between(weekdays()[row], cycle.expiry[contract])
    speed = np.log(2.0) / model.carry_years
    spot = path.log_spot[row]
    left = np.exp(-(model.priced_reversion or model.reversion) * years)
    spot = path.centre + (spot - path.centre) * left + model.far_premium * (1.0 - left)
    carry = path.carry[row] * -np.expm1(-speed * years) / speed
    phase = 2.0 * np.pi * (cycle.month % 100 - model.peak_month) / 12.0
    season = model.season * np.cos(phase)
    return np.asarray(spot - model.carry * model.vol * years - carry + season[contract])


def daily_bars(
    seed: int, instrument: Instrument, path: Path, row: IntArray, close: FloatArray
) -> dict[str, FloatArray]:
    """Open, high, low and close around the given closes, in whole ticks.

    The open lies between the close and the close of the day before.
    """
    noise = stream(seed, f"bars {instrument.code}").standard_normal((len(path.log_spot), 3))
    change = np.diff(path.log_spot, prepend=path.log_spot[0])
    to_open = np.exp(-0.7 * change + 0.3 * path.vol * noise[:, 0])
    above = np.exp(0.4 * path.vol * np.abs(noise[:, 1]))
    below = np.exp(-0.4 * path.vol * np.abs(noise[:, 2]))
    first = close * to_open[row]
    prices = {
        "open": first,
        "high": np.maximum(first, close) * above[row],
        "low": np.minimum(first, close) * below[row],
        "close": close,
    }
    tick = instrument.tick
    return {
        name: np.round(np.maximum(np.round(price / tick), 1.0) * tick, _PLACES)
        for name, price in prices.items()
    }


def volume_and_interest(
    seed: int, instrument: Instrument, cycle: ContractCycle, row: IntArray, contract: IntArray
) -> dict[str, FloatArray]:
    """Volume and open interest, which leave a contract shortly before it stops being in front."""
    day = weekdays()
    noise = stream(seed, f"volume {instrument.code}").standard_normal((len(day), 2))
    arrived = day[row] - cycle.front_from[contract] + _MIGRATION_LEAD
    left = cycle.front_until[contract] - _MIGRATION_LEAD - day[row]
    share = _logistic(arrived / _MIGRATION_DAYS) * _logistic(left / _MIGRATION_DAYS)
    share = np.where(cycle.front_until[contract] < 0, _SIDE_SHARE, share) + _LEAST_SHARE
    typical = instrument.adv_contracts * share
    return {
        "volume": np.round(typical * np.exp(0.35 * noise[row, 0])),
        "open_interest": np.round(_INTEREST_TO_VOLUME * typical * np.exp(0.05 * noise[row, 1])),
    }


def _logistic(x: FloatArray) -> FloatArray:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))
