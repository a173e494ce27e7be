"""Markets that cannot be traded at the start are named; without any, an error."""

from __future__ import annotations

from datetime import date

import numpy as np

from algorithm.first_look import none_trades, start_time, untraded_markets
from universe.arrays import to_epoch_day
from universe.master import MASTER

TODAY = to_epoch_day(date(2020, 6, 1))


def look(last_bar, **rates):
    instruments = [MASTER[code] for code in ("ES", "FESX", "GC")]
    known = {"USD": 1.0, "EUR": 1.1, **rates}
    return untraded_markets(instruments, np.array(last_bar), known, TODAY, 14)


def test_nothing_is_said_of_markets_with_bars_and_a_rate():
    assert look([TODAY, TODAY - 14, TODAY - 1]) == []


def test_each_reason_has_its_line():
    said = look([-1, TODAY, TODAY - 15], EUR=float("nan"))
    assert said == [
        "ES: no bar after the warm-up; it is not traded",
        "FESX: no rate of EUR after the warm-up; it is not traded",
        "GC: no bar since 2020-05-17 after the warm-up; it is not traded",
    ]


def test_both_reasons_of_a_market_are_in_one_line():
    assert look([TODAY, -1, TODAY], EUR=0.0) == [
        "FESX: no bar and no rate of EUR after the warm-up; it is not traded"
    ]


def test_the_other_sentences():
    assert "none of 3 markets" in none_trades(3)
    assert start_time(8.84, 0.4).startswith("started in 9.2 s of LEAN's 90 s: 8.8 s to load")
