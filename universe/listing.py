"""Contracts with the last session on which they may be held."""

from __future__ import annotations

from math import ceil

import numpy as np

from universe.arrays import IntArray, from_epoch_day, to_epoch_day
from universe.expiry import add_business_days, last_holding_date, last_trade_date
from universe.instruments import Instrument
from universe.rolls import MONTH_LETTERS, next_weekday, roll_window_days
from universe.session import Contract

PERPETUAL_MONTH = 999912
"""Pseudo-contract of a market that has only a continuous series."""

HOLIDAYS = 2
"""Business days kept in hand before the last holding day."""


def contract_of(instrument: Instrument, month: int, expiry: int) -> Contract:
    """A contract from its month (yyyymm) and last trade date (epoch day).

    Exchange holidays are not consulted; the day is drawn two business days forward instead, which
    covers any run of holidays before first notice or the last trade.
    """
    if month == PERPETUAL_MONTH:
        return Contract(month, expiry, expiry)
    last = last_holding_date(instrument.notice, from_epoch_day(expiry), month // 100, month % 100)
    return Contract(month, expiry, to_epoch_day(add_business_days(last, -HOLIDAYS)))


def estimated_rolls(instrument: Instrument, days: IntArray) -> IntArray:
    """Sessions in which a market known by its continuous series alone would trade its rolls.

    Its one pseudo-contract never ends, so that a position would never pay for a roll. The calendar
    of the market's own contracts says when it does: in the session after the one on which the roll
    window opens, or the last holding day comes.

    Parameters
    ----------
    instrument : Instrument
    days : int array of shape (n_sessions,)
        The market's sessions, ascending.

    Returns
    -------
    int array
        Some of ``days``, ascending: as many a year as the market has ``hold_months``.
    """
    if not len(days):
        return days
    window = roll_window_days(instrument)
    first, last = from_epoch_day(int(days[0])).year, from_epoch_day(int(days[-1])).year
    due = []
    for year in range(first, last + 3):  # deep positions roll long before the contract's year
        for month in (MONTH_LETTERS.index(letter) + 1 for letter in instrument.hold_months):
            expiry = to_epoch_day(last_trade_date(instrument.expiry_rule, year, month))
            contract = contract_of(instrument, 100 * year + month, expiry)
            eve = contract.last_holding - 1
            while next_weekday(eve - 1) >= contract.last_holding:
                eve -= 1
            due.append(min(ceil(expiry - window), eve))
    decided = np.array([day for day in due if days[0] < day <= days[-1]], dtype=np.int64)
    traded = np.searchsorted(days, decided) + 1
    sessions: IntArray = np.unique(days[traded[traded < len(days)]])
    return sessions
