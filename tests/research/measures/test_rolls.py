"""The table of rolls, from fills by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from execution.fills import ROLL, SPREAD, Fill
from research.engine.result import Event
from research.measures.rolls import roll_records, roll_table, rolls_frame

MAR, JUN = 202003, 202006
DAYS = np.arange(18_330, 18_340)


def run(*fills, chosen=(0,)):
    """A run of ES with fills of (session, month, quantity, reason) at 0.25 points each, no fee."""
    made = [
        Fill(int(DAYS[session]), "ES", month, n, 3000.0, 12.5 * abs(n), 0.0, reason, 25.0 * abs(n))
        for session, month, n, reason in fills
    ]
    return SimpleNamespace(
        fills=made,
        events=[Event(int(DAYS[session]), "roll", "ES", "") for session in chosen],
        day=DAYS,
        markets=["ES"],
        point_value=np.full((len(DAYS), 1), 50.0),
    )


def rows(result):
    return [(int(r.day - DAYS[0]), r.near, r.far, r.contracts) for r in roll_records(result)]


def test_a_plain_roll():
    result = run((1, MAR, -7, ROLL), (1, JUN, 7, ROLL))
    assert rows(result) == [(1, MAR, JUN, 7)]
    (record,) = roll_records(result)
    assert (record.sessions, record.ticks) == (1, 2.0)  # a tick a leg


def test_what_the_target_adds_is_not_rolled():
    result = run((1, MAR, -7, ROLL), (1, JUN, 10, ROLL))
    assert rows(result) == [(1, MAR, JUN, 7)]
    assert roll_table(result)[-1].paid == 17 * 12.5


def test_a_close_in_one_contract_rolls_nothing():
    """As on a day of a roll in parts: 3 close in the month that is left, 4 go on the day after."""
    result = run((1, MAR, -3, ROLL), (2, MAR, -4, ROLL), (2, JUN, 1, ROLL))
    assert rows(result) == [(1, MAR, 0, 0), (2, MAR, JUN, 1)]
    market, total = roll_table(result)
    assert (market.rolls, market.contracts, total.contracts) == (1, 1, 1)
    assert market.paid == 8 * 12.5
    assert market.ticks == 2.0
    assert list(rolls_frame(result)["far"]) == ["", JUN]


def test_a_market_that_closed_alone():
    market, _ = roll_table(run((1, MAR, -3, ROLL)))
    assert (market.rolls, market.contracts, market.spread_share) == (0, 0, 0.0)


def test_a_reversal_rolls_nothing():
    assert rows(run((1, MAR, -7, ROLL), (1, JUN, -2, ROLL))) == [(1, MAR, JUN, 0)]


def test_legs_that_fill_in_different_sessions_are_one_roll():
    result = run((1, MAR, -5, ROLL), (3, JUN, 5, ROLL))
    assert rows(result) == [(1, MAR, 0, 0), (3, MAR, JUN, 5)]
    assert roll_table(result)[-1].contracts == 5


def test_the_next_roll_begins_anew():
    result = run((1, MAR, -5, ROLL), (6, JUN, 5, ROLL), chosen=(0, 5))
    assert sum(record.contracts for record in roll_records(result)) == 0


@pytest.mark.parametrize("outright", [0, 4])
def test_spreads_beside_legs(outright):
    """Legs and spreads of one day are told apart; a spread is always whole."""
    fills = [(1, MAR, -6, SPREAD), (1, JUN, 6, SPREAD)]
    if outright:
        fills += [(1, MAR, -outright, ROLL), (1, JUN, outright, ROLL)]
    market, _ = roll_table(run(*fills))
    assert market.contracts == 6 + outright
    assert market.spread_share == pytest.approx(6 / (6 + outright))
    assert market.rolls == 1
    assert market.ratio == pytest.approx(
        (150 + 100 * bool(outright)) / (300 + 100 * bool(outright))
    )
