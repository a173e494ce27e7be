"""Which contracts of a synthetic market are quoted when, and which one is in front."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from research.synthetic.exchange_holidays import bank_holidays, closed_days
from universe.arrays import IntArray, from_epoch_day, to_epoch_day
from universe.expiry import last_holding_date, last_trade_date
from universe.instruments import Instrument
from universe.rolls import MONTH_LETTERS, roll_window_days

NEAREST = 3
"""Contracts of the priced cycle that are quoted at any time, at least."""

_BEFORE, _BEHIND = 1100, 1200  # calendar days around the dates wanted, for neighbours of contracts
_LEAD = 7


@dataclass(frozen=True, slots=True)
class ContractCycle:
    """Contracts of a market by ascending expiry, in epoch days.

    Attributes
    ----------
    month : int array of shape (n,)
        yyyymm.
    expiry : int array of shape (n,)
        Last trade dates.
    first_quote : int array of shape (n,)
        Quoted from this day to the expiry.
    front_from, front_until : int arrays of shape (n,)
        In front (held) from the first of these days until before the second; both are -1 for a
        contract outside the holding cycle.
    """

    month: IntArray
    expiry: IntArray
    first_quote: IntArray
    front_from: IntArray
    front_until: IntArray


def contract_cycle(instrument: Instrument, first_day: int, last_day: int) -> ContractCycle:
    """All contracts that are quoted between two epoch days.

    The front contract is the first of the holding cycle outside its roll window, as
    ``universe.rolls`` chooses it. Quoted are the nearest three of the priced cycle, the front one,
    the next of the holding cycle, and both neighbours of the front one in the priced cycle.
    """
    window = roll_window_days(instrument)
    month, expiry, leave = _calendar(
        instrument, first_day - _BEFORE, last_day + int(window) + _BEHIND, window
    )
    order = np.lexsort((month, expiry))
    month, expiry, leave = month[order], expiry[order], leave[order]
    letters = np.array([MONTH_LETTERS[m % 100 - 1] for m in month.tolist()])
    priced = np.isin(letters, list(instrument.priced_months))
    holding = np.flatnonzero(np.isin(letters, list(instrument.hold_months)))

    never = np.iinfo(np.int64).max
    first_quote = np.full(len(month), never, dtype=np.int64)
    near = np.flatnonzero(priced)
    first_quote[near[NEAREST:]] = expiry[near[:-NEAREST]] + 1

    front_from = np.full(len(month), -1, dtype=np.int64)
    front_until = np.full(len(month), -1, dtype=np.int64)
    until = np.maximum.accumulate(leave[holding])
    front_until[holding] = until
    front_from[holding[1:]] = until[:-1]
    front_from[holding[0]] = until[0]
    np.minimum.at(first_quote, holding[2:], until[:-2] - _LEAD)
    place = np.searchsorted(near, holding)
    for side in (-1, 1):
        behind = np.where(np.isin(holding, near), place + (side > 0), place)
        other = behind if side > 0 else place - 1
        valid = (other >= 0) & (other < len(near)) & (np.arange(len(holding)) > 0)
        np.minimum.at(first_quote, near[other[valid]], front_from[holding[valid]] - _LEAD)

    keep = (expiry >= first_day) & (first_quote <= last_day)
    return ContractCycle(
        month[keep], expiry[keep], first_quote[keep], front_from[keep], front_until[keep]
    )


def front_contract(cycle: ContractCycle, day: IntArray) -> IntArray:
    """Index of the contract in front on each day; the last one known on days after all."""
    holding = np.flatnonzero(cycle.front_until >= 0)
    place = np.searchsorted(cycle.front_until[holding], day, side="right")
    return np.asarray(holding[np.minimum(place, len(holding) - 1)])


def quoted_contracts(
    cycle: ContractCycle, sessions: IntArray, grid: IntArray
) -> tuple[IntArray, IntArray]:
    """All pairs of session and quoted contract.

    Parameters
    ----------
    cycle : ContractCycle
    sessions : int array of shape (n_sessions,)
        Ascending indices into ``grid``.
    grid : int array
        Epoch days.

    Returns
    -------
    row, contract : int arrays of shape (n_bars,)
        Indices into ``grid`` and into the cycle, ascending in this order.
    """
    low = np.searchsorted(grid[sessions], cycle.first_quote)
    high = np.searchsorted(grid[sessions], cycle.expiry, side="right")
    count = np.maximum(high - low, 0)
    contract = np.repeat(np.arange(len(count)), count)
    place = np.arange(len(contract)) - np.repeat(np.cumsum(count) - count - low, count)
    order = np.argsort(place * len(count) + contract)
    return sessions[place[order]], contract[order]


def _calendar(
    instrument: Instrument, first_day: int, last_day: int, window: float
) -> tuple[IntArray, IntArray, IntArray]:
    """Months, last trade dates and first days on which a contract may no longer be in front."""
    letters = sorted(set(instrument.hold_months + instrument.priced_months))
    years = range(from_epoch_day(first_day).year, from_epoch_day(last_day).year + 2)
    holidays = holidays_of(instrument.market, years)
    rows = []
    for year in years:
        for letter in letters:
            month = MONTH_LETTERS.index(letter) + 1
            end = last_trade_date(instrument.expiry_rule, year, month, holidays)
            stop = last_holding_date(instrument.notice, end, year, month, holidays)
            expiry = to_epoch_day(end)
            leave = min(int(np.ceil(expiry - window)), to_epoch_day(stop))
            rows.append((100 * year + month, expiry, leave))
    month_, expiry_, leave_ = np.array(rows, dtype=np.int64).T
    return month_, expiry_, leave_


def holidays_of(market: str, years: range) -> frozenset[date]:
    """Days that are no business days for expiries, with a year to spare on both sides."""
    spared = range(years.start - 1, years.stop + 1)
    return frozenset().union(
        *(bank_holidays(market, year) | closed_days(market, year) for year in spared)
    )
