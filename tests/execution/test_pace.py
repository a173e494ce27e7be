"""Rolls over several sessions and trades within a share of volume."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from execution.contract_volume import ContractVolumes
from execution.fills import ROLLS
from execution.orders import plan_orders
from execution.pace import Pace
from research.engine.engine import run_backtest
from research.engine.volume_history import VolumeHistory
from tests.helpers import MONDAY, chain, instrument, made_up_dataset, settings
from universe.rolls import next_weekday

OLD, NEW = 201503, 201506


def filled(pace, holdings, target, days, last, first=MONDAY):
    """Positions of every evening when all orders fill, the target being a list or a number."""
    contracts = [chain((OLD, last + 1, last), (NEW, last + 90))]
    day, out = first, []
    for k in range(days):
        wanted = {0: {NEW: target[k] if isinstance(target, list) else target}}
        staged = pace.stage(wanted, holdings, {}, day, contracts)
        for order in plan_orders(staged.targets, holdings, {}, {}, staged.rolling):
            key = (order.market, order.month)
            holdings[key] = holdings.get(key, 0) + order.quantity
        out.append((holdings.get((0, OLD), 0), holdings.get((0, NEW), 0)))
        day = next_weekday(day)
    return out


def test_a_roll_in_equal_parts():
    """100 contracts in five sessions by hand; the odd one goes first."""
    pace = Pace([instrument()], 5, 1.0)
    got = filled(pace, {(0, OLD): 102}, 102, 6, MONDAY + 30)
    assert got == [(81, 21), (60, 42), (40, 62), (20, 82), (0, 102), (0, 102)]
    assert pace.since[0] == 0


def test_one_session_is_all_at_once():
    got = filled(Pace([instrument()], 1, 1.0), {(0, OLD): -7}, -7, 1, MONDAY + 30)
    assert got == [(0, -7)]


def test_the_last_day_outranks_window_and_volume():
    """Four evenings are left before the last holding day, a Friday."""
    got = filled(Pace([instrument()], 20, 1.0), {(0, OLD): 40}, 40, 4, MONDAY + 4)
    assert [old for old, _ in got] == [26, 13, 0, 0]  # Wednesday evening is the last before it
    slow = Pace([instrument(adv_contracts=100.0)], 1, 0.05)
    got = filled(slow, {(0, OLD): 40}, 40, 4, MONDAY + 4)
    assert [old for old, _ in got] == [35, 30, 25, 0]


def test_a_change_of_the_target_is_netted_with_the_roll():
    """Halved on the second evening: what is left of the old contract is closed, not rolled."""
    got = filled(Pace([instrument()], 4, 1.0), {(0, OLD): 40}, [40, 20, 20, 20], 4, MONDAY + 30)
    assert got == [(30, 10), (20, 0), (10, 10), (0, 20)]
    got = filled(Pace([instrument()], 4, 1.0), {(0, OLD): 40}, [-8, -8], 2, MONDAY + 30)
    assert got[0] == (0, -8)


def test_it_may_be_asked_twice_a_day():
    """LEAN's execution model asks again, after the chain has."""
    once, twice = (Pace([instrument()], 5, 1.0) for _ in range(2))
    ahead = chain((OLD, MONDAY + 31, MONDAY + 30), (NEW, MONDAY + 90))
    for day, old in ((MONDAY, 100), (MONDAY + 1, 80)):
        asked = {0: {NEW: 100}}, {(0, OLD): old, (0, NEW): 100 - old}, {}, day, [ahead]
        first = once.stage(*asked)
        assert [twice.stage(*asked) for _ in range(2)] == [first, first]
    assert first.targets == {0: {NEW: 40, OLD: 60}}


def test_a_large_trade_takes_days():
    pace = Pace([instrument(adv_contracts=1000.0)], 1, 0.02)
    assert filled(pace, {}, 50, 4, MONDAY + 90) == [(0, 20), (0, 40), (0, 50), (0, 50)]


def at_once(pace, target=40, held=40, day=MONDAY, last=MONDAY + 40, **told):
    """Contracts of the old and the new month that an evening asks for."""
    contracts = [chain((OLD, last + 1, last), (NEW, last + 90))]
    staged = pace.stage({0: {NEW: target}}, {(0, OLD): held}, {}, day, contracts, **told)
    return staged.targets[0].get(OLD, 0), staged.targets[0][NEW]


@pytest.mark.parametrize(
    ("old", "new", "growth", "moved"),
    [
        (200.0, 900.0, 1.0, 20),
        (900.0, 150.0, 1.0, 15),  # the next contract is the thin one
        (200.0, 900.0, 1.5, 30),
        (np.nan, 900.0, 1.0, 30),  # of what is not known the market's stands in: 300
        (np.nan, np.nan, 1.0, 30),
        (3.0, 900.0, 1.0, 1),  # something moves
    ],
)
def test_a_roll_is_throttled_by_the_thinner_of_both_contracts(old, new, growth, moved):
    """A tenth of a day's volume of either."""
    pace = Pace([instrument(adv_contracts=300.0)], 1, 1.0, 0.1)
    volume = {OLD: old, NEW: new}
    told = {"growth": growth, "volume_of": lambda market, month: volume[month]}
    assert at_once(pace, **told) == (40 - moved, moved)
    assert at_once(pace, last=MONDAY + 1, **told) == (0, 40)


def test_a_roll_waits_while_the_contract_held_has_the_better_carry():
    """Long: the curve was at +5 a year for the old contract, the next one has +2."""
    pace = Pace([instrument()], 1, 1.0, 0.0, 3)
    quiet = [chain((OLD, MONDAY + 41, MONDAY + 40))]
    pace.stage({0: {OLD: 40}}, {(0, OLD): 40}, {}, MONDAY - 3, quiet, carry=np.array([5.0]))
    better = {"carry": np.array([2.0])}
    assert at_once(pace, day=MONDAY, **better) == (40, 0)
    assert at_once(pace, day=MONDAY, **better) == (40, 0)  # asked again
    assert at_once(pace, 25, day=MONDAY + 1, **better) == (25, 0)  # what the target leaves
    assert at_once(pace, 50, day=MONDAY + 1, **better) == (40, 10)
    assert at_once(pace, day=MONDAY + 2, **better) == (40, 0)
    assert at_once(pace, day=MONDAY + 3, **better) == (0, 40)  # three sessions are over
    assert pace.since.tolist() == [MONDAY]
    assert pace.left.tolist() == [MONDAY + 3]


@pytest.mark.parametrize(
    ("told", "held", "last", "waits"),
    [
        ({"carry": np.array([6.0])}, 40, MONDAY + 40, False),  # the next one has more
        ({"carry": np.array([6.0])}, -40, MONDAY + 40, True),  # which is worse for a short
        ({"carry": np.array([np.nan])}, 40, MONDAY + 40, False),
        ({"carry": np.array([2.0])}, 40, MONDAY + 3, False),  # the window has no room
        ({"carry": np.array([2.0])}, 40, MONDAY + 4, True),
        ({"carry": np.array([2.0]), "volume_of": lambda _, m: {OLD: 9.0, NEW: 10.0}[m]}, 40,
         MONDAY + 40, False),  # liquidity has moved on
        ({"carry": np.array([2.0]), "volume_of": lambda _, m: {OLD: 10.0, NEW: np.nan}[m]}, 40,
         MONDAY + 40, True),
    ],
)  # fmt: skip
def test_what_a_roll_waits_for(told, held, last, waits):
    pace = Pace([instrument()], 2, 1.0, 0.0, 3)
    pace.carry[:] = 5.0
    expected = (held, 0) if waits else (held // 2, held // 2)
    assert at_once(pace, held, held, last=last, **told) == expected


def test_once_it_leaves_it_waits_no_more():
    pace = Pace([instrument()], 4, 1.0, 0.0, 3)
    pace.carry[:] = 5.0
    assert at_once(pace, day=MONDAY, carry=np.array([6.0])) == (30, 10)
    assert at_once(pace, held=30, day=MONDAY + 1, carry=np.array([2.0])) == (20, 20)


def test_volumes_of_contracts_from_data_and_as_bars_bring_them():
    """Both are the mean of the last five sessions in which a contract traded."""
    data = made_up_dataset(60, seed=2)
    code, history = next(iter(data.markets.items()))
    rng = np.random.default_rng(0)
    volume = rng.integers(0, 4, len(history.day)) * 10.0
    volume[rng.random(len(volume)) < 0.1] = np.nan
    data = replace(data, markets={**data.markets, code: replace(history, volume=volume)})
    known, bars = VolumeHistory(data), ContractVolumes()
    months = history.contract_month[history.contract]
    for day in np.unique(history.day):
        for row in np.flatnonzero(history.day == day):
            bars.take((0, int(months[row])), float(volume[row]))
        for month in {*months.tolist(), 209912}:
            np.testing.assert_equal(known.at(int(day))(0, month), bars.of(0, month))
    assert np.isnan(known.at(int(history.day[-1]))(1, int(months[-1])))  # no volumes at all
    assert np.isnan(known.at(int(history.day[-1]))(99, 202003))  # a second size


@limits(max_examples=200, deadline=None)
@given(
    st.integers(-300, 300),
    st.lists(st.integers(-300, 300), min_size=12, max_size=12),
    st.integers(1, 8),
    st.sampled_from([0.01, 0.05, 1.0]),
    st.integers(2, 11),
)
def test_the_pace_of_any_roll(start, targets, sessions, share, left):
    """Volume, last day, and a position always between the one before and the target."""
    pace = Pace([instrument(adv_contracts=1000.0)], sessions, share)
    most = max(int(share * 1000.0), 1)
    last = MONDAY
    for _ in range(left):
        last = next_weekday(last)
    holdings = {(0, OLD): start}
    before, rolled_before = start, start
    for k, (old, new) in enumerate(filled(pace, holdings, targets, 12, last)):
        urgent = k >= left - 1
        total = old + new
        low, high = sorted((before, targets[k]))
        assert low <= total <= high
        if not urgent or rolled_before == 0:
            assert urgent or abs(total - before) <= most
            assert abs(old - rolled_before) <= 2 * most
        assert abs(old) <= abs(rolled_before)
        assert old * start >= 0
        if urgent:
            assert old == 0
        before, rolled_before = total, old


@pytest.mark.parametrize("orders", ["legs", "spread"])
def test_a_run_that_rolls_in_five_sessions(orders):
    """The same targets at first, the same contracts in the end; spreads keep both legs even."""
    data = made_up_dataset(200, seed=4)
    runs = {
        n: run_backtest(
            data, settings(trend_rules="tsmom", roll_sessions=n, roll_orders=orders, impact=0.0)
        )
        for n in (1, 5)
    }
    once, five = ([f for f in runs[n].fills if f.reason in ROLLS] for n in (1, 5))
    assert len({(f.market, f.epoch_day) for f in five}) > 2 * len(
        {(f.market, f.epoch_day) for f in once}
    )
    assert max(abs(f.quantity) for f in five) < max(abs(f.quantity) for f in once)
    np.testing.assert_allclose(runs[5].nav[-1], runs[1].nav[-1], rtol=0.05)
