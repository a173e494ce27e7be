from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.data.import_pysystemtrade import load_pysystemtrade
from universe.arrays import from_epoch_day, to_epoch_day
from universe.continuous import Anchor, Method, StitchError, stitch
from universe.market_state import Roll
from universe.master import MASTER

DAY = np.array([100, 101, 102, 103, 104])
# contract 1 at 10, 12; rolls after day 101 at 12 -> 15; contract 2 at 18, 20; 20 -> 16; then 12
HELD = np.array([10.0, 12.0, 18.0, 20.0, 12.0])


def roll(day, old_close, new_close, old=1, new=2):
    return Roll(day, 0, old, new, old_close, new_close, "mapping")


ROLLS = [roll(101, 12.0, 15.0), roll(103, 20.0, 16.0, 2, 3)]


@pytest.mark.parametrize(
    ("method", "anchor", "level"),
    [
        ("additive", "forward", [10, 12, 15, 17, 13]),
        ("additive", "backward", [9, 11, 14, 16, 12]),
        ("ratio", "forward", [10, 12, 14.4, 16, 12]),
        ("ratio", "backward", [10, 12, 14.4, 16, 12]),
        ("log", "forward", np.log([10, 12, 14.4, 16, 12])),
    ],
)
def test_closed_forms_by_hand(method, anchor, level):
    series = stitch(DAY, HELD, ROLLS, method, anchor)
    np.testing.assert_allclose(series.level, level, rtol=0, atol=1e-12)
    assert series.rolls == tuple(ROLLS)


def test_ratio_backward_ends_at_the_last_price():
    series = stitch(DAY, HELD, ROLLS[:1], Method.RATIO, Anchor.BACKWARD)
    np.testing.assert_allclose(series.level, [12.5, 15, 18, 20, 12], rtol=0, atol=1e-12)
    np.testing.assert_allclose(series.step, [1.25], rtol=1e-15)


def test_changes_and_returns_are_those_of_the_contract_held():
    series = stitch(DAY, HELD, ROLLS)
    np.testing.assert_array_equal(series.changes()[1:], [2, 3, 2, -4])
    np.testing.assert_allclose(series.returns()[1:], [0.2, 0.2, 2 / 18, -0.25])
    assert np.isnan(series.returns()[0])


def test_a_roll_on_the_last_session_waits_for_the_next():
    series = stitch(DAY[:4], HELD[:4], ROLLS, anchor=Anchor.BACKWARD)
    assert series.rolls == (ROLLS[0],)
    assert series.level[-1] == HELD[3]


def test_the_additive_series_survives_a_price_below_zero():
    held = np.array([18.27, -37.63, 10.01])
    series = stitch(DAY[:3], held, [])
    np.testing.assert_allclose(series.level, held)
    np.testing.assert_allclose(series.returns()[1:], [-55.9 / 18.27, 47.64 / 37.63])


@pytest.mark.parametrize("method", ["ratio", "log"])
def test_ratio_and_log_name_the_day_of_a_price_below_zero(method):
    day = np.array([to_epoch_day(date(2020, 4, 17)), to_epoch_day(date(2020, 4, 20))])
    with pytest.raises(StitchError, match=f"2020-04-20 is -37.63: {method} adjustment"):
        stitch(day, np.array([18.27, -37.63]), [], method)
    with pytest.raises(StitchError, match="2020-04-17 is 0: "):
        stitch(day, np.array([18.27, 20.0]), [roll(int(day[0]), 18.27, 0.0)], method)


def test_unusable_input_is_refused_in_a_sentence():
    with pytest.raises(StitchError, match="5 days but 2 closes"):
        stitch(DAY, HELD[:2], [])
    with pytest.raises(StitchError, match="sessions must ascend, 1970-04-13"):
        stitch(DAY[[0, 2, 2]], HELD[:3], [])
    with pytest.raises(StitchError, match="1970-04-13 is nan"):
        stitch(DAY[:3], np.array([1.0, 2.0, np.nan]), [])
    with pytest.raises(StitchError, match="on no session"):
        stitch(DAY[[0, 2, 4]], HELD[:3], ROLLS)
    with pytest.raises(StitchError, match="out of order"):
        stitch(DAY, HELD, ROLLS[::-1])
    with pytest.raises(ValueError, match="harmonic"):
        stitch(DAY, HELD, ROLLS, "harmonic")


def test_nothing_gives_nothing():
    empty = stitch(np.zeros(0, np.int64), np.zeros(0), [])
    assert len(empty.level) == len(empty.returns()) == 0


DIFFERING_ROLLS = {
    "2018-06-12",
    "2019-06-11",
    "2019-09-11",
    "2019-12-10",
    "2020-03-10",
    "2020-06-10",
    "2020-09-10",
    "2020-12-10",
    "2021-03-10",
    "2021-09-10",
    "2022-03-08",
}

prices = st.floats(5, 50)


@st.composite
def held_and_rolls(draw):
    n = draw(st.integers(1, 25))
    day = 10_000 + np.cumsum(draw(st.lists(st.integers(1, 4), min_size=n, max_size=n)))
    held = np.array(draw(st.lists(prices, min_size=n, max_size=n)))
    at = draw(st.sets(st.integers(0, n - 1), max_size=6))
    rolls = [roll(int(day[k]), held[k], draw(prices)) for k in sorted(at)]
    return day, held, rolls


@given(held_and_rolls(), st.sampled_from(list(Method)), st.integers(1, 24))
def test_forward_levels_never_change_and_backward_changes_do_not(made, method, cut):
    day, held, rolls = made
    whole = stitch(day, held, rolls, method, Anchor.FORWARD)
    part = stitch(day[:cut], held[:cut], rolls_until(rolls, day[:cut]), method, Anchor.FORWARD)
    np.testing.assert_array_equal(part.level, whole.level[:cut])
    np.testing.assert_array_equal(part.returns(), whole.returns()[:cut])

    backward = stitch(day, held, rolls, method, Anchor.BACKWARD)
    if method is Method.RATIO:
        moves = [np.diff(np.log(s.level)) for s in (whole, backward)]
    else:
        moves = [np.diff(s.level) for s in (whole, backward)]
    np.testing.assert_allclose(moves[0], moves[1], rtol=0, atol=1e-9)
    expected = np.log(held[-1]) if method is Method.LOG else held[-1]
    assert backward.level[-1] == pytest.approx(expected, abs=1e-9)


def rolls_until(rolls, day):
    return [r for r in rolls if r.day <= day[-1]]


@given(held_and_rolls())
def test_the_methods_agree_on_what_was_earned(made):
    day, held, rolls = made
    additive, ratio, log = (stitch(day, held, rolls, method) for method in Method)
    np.testing.assert_allclose(np.diff(additive.level), additive.changes()[1:], atol=1e-9)
    growth = ratio.level[1:] / ratio.level[:-1]
    np.testing.assert_allclose(growth - 1, ratio.returns()[1:], atol=1e-12)
    np.testing.assert_allclose(np.expm1(np.diff(log.level)), log.returns()[1:], atol=1e-12)


@pytest.mark.realdata
def test_sp500_stitched_with_the_sources_rolls_is_its_adjusted_series(futures_data):
    """Exact but for eleven rolls since 2018, when the source recorded several snapshots a day.

    It took the gap of these at a snapshot that its file of contract prices does not hold: on
    2019-09-11 a gap of 1.50 where the last quotes of the day before are 3.75 apart the other way.
    """
    history = load_pysystemtrade(futures_data, MASTER, ["ES"]).markets["ES"]
    close = {
        (int(d), int(c)): float(p)
        for d, c, p in zip(history.day, history.contract, history.close, strict=True)
    }
    sessions = np.unique(history.day)
    front = history.mapped_contract[
        np.searchsorted(history.mapped_from, sessions, side="right") - 1
    ]
    held = np.array([close[d, c] for d, c in zip(sessions.tolist(), front.tolist(), strict=True)])
    rolls = []
    for k in (np.flatnonzero(np.diff(front))).tolist():
        day, old, new = int(sessions[k]), int(front[k]), int(front[k + 1])
        rolls.append(Roll(day, 0, old, new, close[day, old], close[day, new], "mapping"))
    assert len(rolls) == 159

    frame = pd.read_csv(futures_data / "adjusted_prices_csv" / "SP500.csv")
    adjusted = pd.Series(
        frame["price"].to_numpy(), pd.to_datetime(frame["DATETIME"].str[:10]).to_numpy()
    )
    source = adjusted.reindex(sessions.astype("datetime64[D]")).to_numpy()
    assert np.isfinite(source).all()
    series = stitch(sessions, held, rolls, Method.ADDITIVE, Anchor.BACKWARD)
    error = np.diff(series.level) - np.diff(source)
    differing = np.flatnonzero(np.abs(error) > 1e-9)
    assert {str(from_epoch_day(d)) for d in sessions[differing + 1]} == DIFFERING_ROLLS
    assert set(sessions[differing].tolist()) <= {r.day for r in rolls}
    assert np.abs(error).max() < 6.0
    assert sessions[differing + 1].min() > to_epoch_day(date(2018, 1, 1))
