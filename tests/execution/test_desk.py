"""Parents through a session: never past the target, whatever comes back, and fast enough."""

from __future__ import annotations

import json
import random
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.blotter import Event
from execution.desk import Desk, Seen
from execution.desk_document import desk_of, plans_of, work_of
from execution.planning import Past, Terms, plan_of
from execution.schedules import Algorithm, twap_curve
from execution.settings import MinuteSettings
from execution.worker import Plan, Quote
from tests.helpers import instrument

FIRST = 1_000
KEY = (3, 202003)
QUOTE = Quote(100.0, 100.25)
PLAIN = Terms(0.25, 2.0, 50.0, 0)


def at_work(quantity=10, minutes=11, *, curve=None, **changes):
    desk = Desk()
    plan = Plan(twap_curve(minutes - 1) if curve is None else curve, 0.25, **changes)
    parent = desk.take(20_000, KEY, quantity, plan, np.arange(FIRST, FIRST + minutes))
    return desk, parent


def fill_all(desk, moves, price=None):
    for _, wish in moves.send:
        desk.apply(Event("fill", wish.child, "0", abs(wish.quantity)))


def test_a_session_from_its_first_quote_to_its_last_minute():
    desk, parent = at_work()
    assert desk.step(FIRST, {KEY: Seen(QUOTE)}).send == []  # of before the session
    for minute in range(FIRST + 1, FIRST + 11):
        moves = desk.step(minute, {KEY: Seen(QUOTE, 5)})
        assert [wish.quantity for _, wish in moves.send] == [1]
        assert desk.step(minute, {KEY: Seen(QUOTE, 5)}).send == []  # the same minute once more
        assert desk.step(minute - 1, {KEY: Seen(QUOTE, 5)}).send == []  # the clock jumps back
        fill_all(desk, moves)
    assert desk.step(FIRST + 11, {}).done == [parent]
    assert desk.finish(parent) == ""
    assert desk.contracts == set()


def test_a_clock_that_jumps_ahead_is_caught_up_with():
    desk, _ = at_work()
    assert desk.step(FIRST + 6, {KEY: Seen(QUOTE)}).send[0][1].quantity == 6


def test_a_quote_from_before_a_break_is_none():
    desk = Desk()
    minutes = np.concatenate([np.arange(FIRST, FIRST + 5), np.arange(FIRST + 65, FIRST + 70)])
    parent = desk.take(1, KEY, 90, Plan(twap_curve(9), 0.25), minutes)
    sent = {}
    for now in range(FIRST, FIRST + 70):
        moves = desk.step(now, {KEY: Seen(QUOTE, 1)})
        fill_all(desk, moves)
        for _, wish in moves.send:
            sent[now - FIRST] = wish.quantity
    assert sent == {1: 10, 2: 10, 3: 10, 4: 10, 66: 20, 67: 10, 68: 10, 69: 10}
    assert desk.jobs[parent].worker.waits == {"no quotes": 1}


def test_what_is_left_undone_says_why():
    desk, parent = at_work(collar_ticks=1)
    fill_all(desk, desk.step(FIRST + 1, {KEY: Seen(QUOTE)}))
    desk.step(FIRST + 2, {KEY: Seen(Quote(101.0, 101.25))})
    desk.step(FIRST + 3, {})
    assert desk.step(FIRST + 60, {}).done == [parent]
    sentence = "1 of 10 done; no data in 7 minutes; no quotes in 1 minutes; "
    assert desk.finish(parent) == sentence + "outside the collar in 1 minutes"


def test_an_expiry_crosses_without_quotes_in_a_frozen_market_and_at_the_end():
    desk, _ = at_work(forced=True, collar_ticks=1)
    desk.halt("the switch is tripped")
    moves = desk.step(FIRST + 5, {})
    assert [(wish.quantity, wish.limit) for _, wish in moves.send] == [(5, None)]
    fill_all(desk, moves)
    moves = desk.step(FIRST + 500, {})
    assert [(wish.quantity, wish.limit) for _, wish in moves.send] == [(5, None)]
    assert moves.done


def test_limits_are_withdrawn_and_sent_anew_once_that_is_known():
    desk, _ = at_work(passive=1.0)
    first = desk.step(FIRST + 1, {KEY: Seen(QUOTE)}).send[0][1]
    assert first.limit == 100.0
    moves = desk.step(FIRST + 2, {KEY: Seen(QUOTE)})
    assert moves.withdraw == [first.child]
    assert [wish.quantity for _, wish in moves.send] == [1]  # not what may still fill
    desk.apply(Event("cancelled", first.child))
    assert [wish.quantity for _, wish in desk.step(FIRST + 3, {KEY: Seen(QUOTE)}).send] == [2]


def test_nothing_is_sent_while_the_broker_cannot_be_heard():
    desk, _ = at_work()
    desk.paused = "disconnected"
    assert desk.step(FIRST + 3, {KEY: Seen(QUOTE)}).send == []
    desk.paused = ""
    assert desk.step(FIRST + 4, {KEY: Seen(QUOTE)}).send[0][1].quantity == 4


def test_a_limit_is_withdrawn_once_the_broker_is_heard_again():
    desk, _ = at_work(passive=1.0)
    first = desk.step(FIRST + 1, {KEY: Seen(QUOTE)}).send[0][1]
    desk.paused = "disconnected"
    for minute in (2, 3):
        assert desk.step(FIRST + minute, {KEY: Seen(QUOTE)}).withdraw == []
    desk.paused = ""
    assert desk.step(FIRST + 4, {KEY: Seen(QUOTE)}).withdraw == [first.child]


def test_a_live_minute_waits_for_bars_that_may_still_come():
    desk, _ = at_work()
    assert desk.step(FIRST + 1, {}, patient=True).send == []
    assert len(desk.step(FIRST + 1, {KEY: Seen(QUOTE)}, patient=True).send) == 1


def test_a_restart_in_the_middle_goes_on_with_the_schedule():
    desk, parent = at_work(passive=0.5)
    for minute in (1, 2, 3):
        moves = desk.step(FIRST + minute, {KEY: Seen(QUOTE, 7)})
        if minute < 3:
            fill_all(desk, moves)
    documents = json.loads(json.dumps([plans_of(desk), work_of(desk)]))
    again = desk_of(*documents)
    assert work_of(again) == work_of(desk)
    assert plans_of(again) == plans_of(desk)
    again.blotter.settle([], {KEY: 3})  # the third filled while nobody listened
    assert again.jobs[parent].filled == 3
    assert [wish.quantity for _, wish in again.step(FIRST + 4, {KEY: Seen(QUOTE)}).send] == [1]


def test_a_position_that_no_child_explains_freezes_its_market():
    desk, _ = at_work()
    desk.step(FIRST + 2, {KEY: Seen(QUOTE)})
    desk.blotter.settle([], {KEY: 5})
    assert desk.blotter.frozen == {3: "the broker holds 5 of 202003, not 0"}
    assert desk.step(FIRST + 5, {KEY: Seen(QUOTE)}).send == []


def test_a_plan_of_another_length_than_the_session_is_refused():
    with pytest.raises(ValueError, match="a plan of 5 minutes for a session of 11"):
        at_work(curve=twap_curve(5))


def day(seed: int) -> None:
    """A session with a broker that fills, refuses, loses and restarts as it likes."""
    dice = random.Random(seed)
    quantity = dice.choice([-1, 1]) * dice.randint(1, 40)
    base = dice.randint(-5, 5)
    desk = Desk()
    minutes = np.arange(FIRST, FIRST + 21)
    curve = twap_curve(20)
    plan = Plan(curve, 0.25, dice.choice([0.0, 0.2]), dice.choice([0.0, 0.7]))
    parent = desk.take(1, KEY, quantity, plan, minutes, base=base)
    side, position = (1 if quantity > 0 else -1), base
    there: dict[str, int] = {}  # contracts that may still fill
    lost: list[Event] = []
    for minute in range(1, 22):
        moves = desk.step(FIRST + minute, {KEY: Seen(QUOTE, dice.randint(0, 30))})
        for _, wish in moves.send:
            assert wish.child not in there
            if dice.random() < 0.9:  # else it never arrives
                there[wish.child] = abs(wish.quantity)
        for child in [*there]:
            size = dice.randint(0, there[child])
            if size:
                there[child] -= size
                position += side * size
                event = Event("fill", child, f"{minute}", size)
                (desk.apply if dice.random() < 0.8 else lost.append)(event)
        for child in moves.withdraw:
            if child in there and dice.random() < 0.8:
                done = desk.blotter.parents[parent].children[child].quantity - there.pop(child)
                desk.apply(Event("cancelled", child, quantity=done))
        if lost and dice.random() < 0.5:
            for _ in range(dice.choice([1, 2])):
                desk.apply(lost[-1])
            lost.pop()
        if dice.random() < 0.1:
            desk = desk_of(*json.loads(json.dumps([plans_of(desk), work_of(desk)])))
            desk.blotter.settle(there, {KEY: position})
            lost.clear()  # another process hears nothing of before
        assert 0 <= side * (position - base) <= abs(quantity)
    for event in lost:
        desk.apply(event)
    assert not desk.blotter.frozen
    assert side * desk.blotter.parents[parent].filled <= side * (position - base)


def test_some_days():
    for seed in range(200):
        day(seed)


@pytest.mark.slow
def test_many_days():
    for seed in range(1_000, 11_000):
        day(seed)


class TestNumbers:
    @given(st.integers(1, 400), st.integers(2, 60))
    @settings(max_examples=30, deadline=None)
    def test_slices_of_twap_differ_by_one_at_most(self, quantity, minutes):
        desk, _ = at_work(quantity, minutes + 1)
        sizes = []
        for minute in range(1, minutes + 1):
            moves = desk.step(FIRST + minute, {KEY: Seen(QUOTE)})
            fill_all(desk, moves)
            sizes.append(sum(wish.quantity for _, wish in moves.send))
        assert sum(sizes) == quantity
        assert max(sizes) - min(sizes) <= 1

    @given(st.lists(st.integers(0, 500), min_size=3, max_size=40), st.integers(1, 300))
    @settings(max_examples=30, deadline=None)
    def test_vwap_follows_its_profile_within_a_contract(self, profile, quantity):
        n = len(profile)
        volumes = np.array([profile], dtype=float)
        past = Past(volumes, np.array([0]))
        chosen = MinuteSettings(execution_algorithm="vwap")
        algorithm, plan = plan_of(Sets(chosen), instrument(), quantity, n, PLAIN, past)
        assert algorithm is Algorithm.VWAP
        desk, parent = at_work(quantity, n + 1, curve=plan.curve)
        share = np.cumsum(volumes[0]) / (volumes.sum() or 1.0)
        for minute in range(n):
            fill_all(desk, desk.step(FIRST + 1 + minute, {KEY: Seen(QUOTE)}))
            if volumes.sum():
                done = desk.blotter.parents[parent].filled
                assert abs(done - quantity * share[minute]) <= 1.0

    @given(st.lists(st.integers(0, 60), min_size=3, max_size=40), st.floats(0.01, 0.4))
    @settings(max_examples=30, deadline=None)
    def test_pov_is_never_above_its_cap(self, volumes, cap):
        desk, parent = at_work(10_000, len(volumes) + 1, cap=cap)
        traded = 0.0
        for minute, volume in enumerate(volumes):
            traded += volume
            fill_all(desk, desk.step(FIRST + 1 + minute, {KEY: Seen(QUOTE, volume)}))
            own = desk.blotter.parents[parent].filled
            assert own <= cap * (traded + own) + 1

    def test_sixty_markets_take_a_few_milliseconds_a_minute(self):
        desk, minutes = Desk(), np.arange(FIRST, FIRST + 121)
        for market in range(60):
            desk.take(1, (market, 202003), 600, Plan(twap_curve(120), 0.25, passive=0.5), minutes)
        seen = {(market, 202003): Seen(QUOTE, 9) for market in range(60)}
        took = []
        for minute in range(1, 121):
            start = time.process_time()
            moves = desk.step(FIRST + minute, seen)
            took.append(time.process_time() - start)
            fill_all(desk, moves)
        assert np.median(took) < 0.005


class Sets:
    """The settings with the impact of the cost model."""

    impact = 0.1

    def __init__(self, minutes: MinuteSettings) -> None:
        self._minutes = minutes

    def __getattr__(self, name):
        return getattr(self._minutes, name)


class TestPlans:
    def plan(self, name, *, terms=PLAIN, past=None, quantity=100, **changes):
        chosen = Sets(MinuteSettings(execution_algorithm=name, **changes))
        return plan_of(chosen, instrument(), quantity, 60, terms, past)[1]

    def test_shortfall_without_aversion_or_risk_is_twap(self):
        even = twap_curve(60)
        assert np.allclose(self.plan("shortfall", shortfall_aversion=0.0).curve, even)
        unknown = Terms(0.25, float("nan"), 50.0, 0)
        assert np.allclose(self.plan("shortfall", terms=unknown).curve, even)
        hasty = self.plan("shortfall", shortfall_aversion=1e-3).curve
        assert np.all(np.diff(hasty) >= 0)
        assert hasty[10] > even[10]

    def test_without_a_profile_vwap_is_twap(self):
        assert np.allclose(self.plan("vwap").curve, twap_curve(60))
        short = Past(np.ones((3, 59)), np.zeros(3, dtype=np.int64))
        assert np.allclose(self.plan("vwap", past=short).curve, twap_curve(60))

    def test_what_an_expiry_forces_waits_for_no_volume_and_sends_no_limits(self):
        terms = Terms(0.25, 2.0, 50.0, 0, forced=True)
        plan = self.plan("pov", terms=terms, passive_share=0.8)
        assert (plan.cap, plan.passive, plan.forced) == (0.0, 0.0, True)

    def test_the_algorithm_is_that_of_the_size_then_of_the_class(self):
        chosen = MinuteSettings(
            execution_algorithm="open equity twap bond vwap",
            execution_by_size="pov 0.1 shortfall 0.01",
        )
        big = instrument(adv_contracts=1_000.0)
        found = [chosen.algorithm_of(big, n) for n in (5, -10, 99, -100)]
        assert found == ["twap", "shortfall", "shortfall", "pov"]
