"""When the positions of a fund will roll, and what into."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from universe.arrays import DAYS_IN_YEAR, FloatArray, IntArray
from universe.instruments import Instrument
from universe.rolls import in_cycle, roll_window_days
from universe.session import Contract

WEEKDAYS = 5.0 / 7.0
"""Sessions a calendar day."""


REACH = 24
"""Calendar months in which the next contract of a cycle is looked for; a cycle has one a year."""


def _next_listed(month: int, letters: str, chain: Mapping[int, Contract]) -> Contract | None:
    """The first contract of the cycle after a month (yyyymm) that is listed."""
    for later in _cycle_after(month, letters):
        if later in chain:
            return chain[later]
    return None


@cache
def _cycle_after(month: int, letters: str) -> tuple[int, ...]:
    """Contract months of a cycle within reach after a month, rising."""
    out = []
    for _ in range(REACH):
        month += 89 if month % 100 == 12 else 1
        if in_cycle(month, letters):
            out.append(month)
    return tuple(out)


def rolls_ahead(
    markets: Iterable[int],
    instruments: Sequence[Instrument],
    contracts: Sequence[Mapping[int, Contract]],
    day: int,
    held: IntArray,
    price: FloatArray,
    basis: FloatArray,
) -> dict[int, tuple[int, float]]:
    """Sessions until the roll, and value of the next contract over that of the one held.

    Parameters
    ----------
    markets : iterable of int
        Asked for; one without a contract is left out.
    instruments : sequence of Instrument
    contracts : sequence of mapping of contract month to Contract
        By market.
    day : int
        Epoch day.
    held : int array of shape (n_markets,)
        Contract months, 0 for none.
    price, basis : float arrays, at least over the markets
        Price of the contract held, and its annualised carry in price units: the value is what an
        unchanged curve makes of the price, 1 where none is known.
    """
    out = {}
    months, prices, carried = held.tolist(), price.tolist(), basis.tolist()
    for market in markets:
        instrument, chain = instruments[market], contracts[market]
        contract = chain.get(months[market])
        if contract is None:
            continue
        left = contract.expiry - day - roll_window_days(instrument)
        later = _next_listed(contract.month, instrument.hold_months, chain)
        years = (later.expiry - contract.expiry) / DAYS_IN_YEAR if later else 0.0
        one = prices[market]
        step = carried[market] * years / one if one else math.nan
        ratio = 1.0 - step if abs(step) < 1.0 else 1.0
        out[market] = max(math.ceil(left * WEEKDAYS), 0), ratio
    return out
