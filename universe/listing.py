"""Contracts with the last session on which they may be held."""

from __future__ import annotations

from universe.arrays import from_epoch_day, to_epoch_day
from universe.expiry import add_business_days, last_holding_date
from universe.instruments import Instrument
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
