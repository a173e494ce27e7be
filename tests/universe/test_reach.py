"""Chain reach against the contracts that a roll and its carry can need."""

from __future__ import annotations

from dataclasses import replace

import pytest

from universe.arrays import to_epoch_day
from universe.expiry import last_trade_date
from universe.instruments import Instrument
from universe.master import MASTER
from universe.reach import FIRST, LEAST, chain_reach
from universe.rolls import MONTH_LETTERS, carry_contract, choose_contract, roll_window_days
from universe.session import Contract

WHEAT = replace(MASTER["ZW"], hold_months="Z", carry_offset=1)


def contracts(instrument: Instrument, letters: str) -> dict[int, Contract]:
    """All contracts of the given months from 2008 to 2020."""
    found = {}
    for year in range(2008, 2021):
        for letter in letters:
            month = MONTH_LETTERS.index(letter) + 1
            end = to_epoch_day(last_trade_date(instrument.expiry_rule, year, month))
            found[100 * year + month] = Contract(100 * year + month, end, end)
    return found


def rolls(instrument: Instrument, letters: str) -> list[tuple[int, int, int]]:
    """(held contract, session of its roll, contract that carry is then measured against)."""
    listed = contracts(instrument, letters)
    held_months = [m for m in listed if MONTH_LETTERS[m % 100 - 1] in instrument.hold_months]
    out = []
    for held in held_months:
        if held // 100 != 2012:
            continue
        day = listed[held].expiry - int(roll_window_days(instrument))
        quotes = {m: 1.0 for m, c in listed.items() if c.expiry >= day}
        to = choose_contract(instrument, held, quotes, listed, 0, day).month
        assert to > held
        near = {m: q for m, q in quotes.items() if m >= to}  # the old one no longer quoted
        out += [(held, day, carry_contract(instrument, to, q, listed)) for q in (quotes, near)]
    return out


@pytest.mark.parametrize("instrument", [*MASTER, WHEAT], ids=lambda i: f"{i.code}{i.hold_months}")
def test_the_successors_neighbour_is_within_reach_before_the_roll(instrument: Instrument) -> None:
    for letters in (instrument.priced_months, instrument.hold_months):
        listed = contracts(instrument, letters)
        for held, day, neighbour in rolls(instrument, letters):
            for earlier in (1, 20):
                seen = day - earlier
                reach = chain_reach(instrument, listed[held].expiry - seen, spreads=False)
                assert listed[neighbour].expiry - seen <= reach


def test_a_market_of_one_month_reaches_two_years() -> None:
    """The case of wheat held in December: expiry + 400 days missed the December after next."""
    assert chain_reach(WHEAT, 100, spreads=False) >= 100 + 2 * 365
    assert chain_reach(replace(WHEAT, carry_offset=-1), 100, spreads=False) >= 100 + 2 * 365
    assert chain_reach(WHEAT, 100, spreads=True) >= 100 + 3 * 365


def test_other_cycles_keep_a_year_and_a_month() -> None:
    for code in ("ES", "CL", "GC", "VX", "ZS"):
        market = MASTER[code]
        expected = LEAST if len(market.hold_months) > 1 else 2 * 366 + 35
        assert chain_reach(market, 500, spreads=False) == 500 + expected
    assert chain_reach(MASTER["ES"], 500, spreads=True) == 500 + 2 * LEAST


def test_before_there_is_a_contract_and_inside_the_window() -> None:
    assert chain_reach(MASTER["ES"], None, spreads=False) == FIRST
    far = MASTER["SR3"]
    assert chain_reach(far, None, spreads=False) == far.roll_days + LEAST
    assert chain_reach(far, 3, spreads=False) == far.roll_days + LEAST
