"""The two legs of a roll: neither alone for longer than is said, and never past what was asked."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest

from execution.blotter import Event
from execution.desk import Desk, Seen
from execution.desk_document import desk_of, plans_of, work_of
from execution.fills import ROLL
from execution.schedules import twap_curve
from execution.worker import Plan, Quote

FIRST, LEAVE = 1_000, 3
NEAR, FAR = (0, 202003), (0, 202006)
QUOTE, BLIND = Seen(Quote(100.0, 100.25), 50.0), Seen(None, 50.0)


def rolling(sold=-10, bought=10, *, minutes=41, reason=ROLL, near=None, far=None, leave=LEAVE):
    desk = Desk(leave)
    names = []
    for key, quantity, changes in ((NEAR, sold, near or {}), (FAR, bought, far or {})):
        plan = Plan(twap_curve(minutes - 1), 0.25, **changes)
        span = np.arange(FIRST, FIRST + minutes)
        names.append(desk.take(1, key, quantity, plan, span, reason=reason))
    return desk, *names


def filled(desk, *names):
    return [desk.blotter.parents[name].filled for name in names]


def fill(desk, moves, contracts=(NEAR, FAR)):
    """Children at the market of some contracts fill at once; limits do not."""
    sent = []
    for job, wish in moves.send:
        if wish.limit is None and job.key in contracts:
            desk.apply(Event("fill", wish.child, "0", abs(wish.quantity)))
            sent.append((job.key[1], wish.quantity))
    for child in moves.withdraw:
        desk.apply(Event("cancelled", child))
    return sent


def run(desk, shown, minutes, first=1):
    """Step through minutes; the widest gap, and the longest time in a row that there was one."""
    widest = longest = since = 0
    for minute in range(first, minutes + 1):
        moves = desk.step(FIRST + minute, shown(minute))
        fill(desk, moves)
        gap = abs(sum(parent.filled for parent in desk.blotter.parents.values()))
        widest, since = max(widest, gap), since + 1 if gap else 0
        longest = max(longest, since)
        for parent in moves.done:
            desk.finish(parent)
    return widest, longest


@pytest.mark.parametrize("far", [{"passive": 1.0}, {"cap": 0.001}])
def test_the_leg_behind_is_sent_at_the_market(far):
    """Its limits do not fill, or its share of volume lets nothing pass."""
    desk, near, other = rolling(far=far)
    both = {NEAR: QUOTE, FAR: QUOTE}
    _, longest = run(desk, lambda _: both, 40)
    assert filled(desk, near, other) == [-10, 10]
    assert longest <= LEAVE + 2  # a limit is withdrawn in one minute and replaced in the next
    free, near, other = rolling(far=far, leave=0)
    run(free, lambda _: both, 40)
    assert filled(free, near, other) == [-10, 0 if "passive" in far else 2]


def test_the_leg_ahead_waits_meanwhile():
    desk, near, _ = rolling(far={"cap": 0.001})
    both = {NEAR: QUOTE, FAR: Seen(None)}
    desk.guard.minutes = 1
    fill(desk, desk.step(FIRST + 4, both))
    job = desk.jobs[near]
    with_quote = {NEAR: Seen(None), FAR: Seen(None)}
    assert desk.step(FIRST + 5, with_quote).send == []  # neither can be traded
    assert not job.stopped
    desk.step(FIRST + 20, with_quote)
    assert job.worker.waits == {"one leg alone": 1}
    assert job.filled == -1


def test_what_stands_alone_is_taken_back_where_the_other_has_no_quote():
    desk, near, far = rolling()
    shown = {NEAR: QUOTE, FAR: BLIND}
    sent = [fill(desk, desk.step(FIRST + minute, shown)) for minute in range(1, 11)]
    assert [one for some in sent for one in some] == [(202003, -1), (202003, 1)]
    assert filled(desk, near, far) == [0, 0]
    moves = desk.step(FIRST + 11, {NEAR: QUOTE, FAR: QUOTE})  # the next decision rolls anew
    assert (moves.send, sorted(moves.done)) == ([], [near, far])
    assert desk.finish(near).startswith("0 of -10 done; ")


def test_a_change_of_the_target_is_no_leg():
    """Of 4 sold and 10 bought, 6 have no counterpart."""
    desk, near, far = rolling(-4, 10)
    moves = [desk.step(FIRST + minute, {NEAR: QUOTE, FAR: QUOTE}) for minute in (40,)]
    fill(desk, moves[0], (NEAR, FAR))
    assert desk.guard.overdue(FIRST + 90, desk.blotter.parents) == []
    assert filled(desk, near, far) == [-4, 10]


def test_what_an_expiry_forces_neither_waits_nor_comes_back():
    desk, near, far = rolling(near={"forced": True})
    run(desk, lambda _: {NEAR: QUOTE, FAR: BLIND}, 40)
    assert filled(desk, near, far) == [-10, 0]


def test_orders_that_are_no_roll_are_left_alone():
    desk, near, far = rolling(reason="rebalance")
    run(desk, lambda _: {NEAR: QUOTE, FAR: BLIND}, 40)
    assert filled(desk, near, far) == [-10, 0]


def again(desk):
    """The desk after a restart."""
    out = desk_of(*json.loads(json.dumps([plans_of(desk), work_of(desk)])))
    out.guard.minutes = desk.guard.minutes
    return out


def test_a_restart_keeps_the_time_and_what_was_undone():
    desk, near, far = rolling()
    shown = {NEAR: QUOTE, FAR: BLIND}
    for minute in range(1, 5):
        fill(desk, desk.step(FIRST + minute, shown))
    desk = again(desk)
    moves = desk.step(FIRST + 6, shown)
    assert [(job.key, wish.quantity) for job, wish in moves.send] == [(NEAR, 1)]
    desk = again(desk)
    desk.blotter.settle([], {NEAR: 0, FAR: 0})  # the child was filled while nobody listened
    assert filled(desk, near, far) == [0, 0]
    assert not desk.blotter.frozen
    assert desk.step(FIRST + 7, {NEAR: QUOTE, FAR: QUOTE}).send == []


def day(seed: int) -> None:
    """A roll with quotes that come and go, fills in parts, late cancels and restarts."""
    dice = random.Random(seed)
    size = dice.randint(1, 12)
    extra = dice.choice([0, 0, dice.randint(1, 5)])
    desk, *names = rolling(
        -size,
        size + extra,
        near={"passive": dice.choice([0.0, 0.8])},
        far={"passive": dice.choice([0.0, 0.8]), "cap": dice.choice([0.0, 0.01])},
    )
    there: dict[str, int] = {}
    position = dict.fromkeys((NEAR, FAR), 0)
    wanted = {NEAR: -size, FAR: size + extra}
    signs: dict[str, tuple[tuple[int, int], int]] = {}
    for minute in range(1, 42):
        shown = {key: dice.choice([QUOTE, QUOTE, BLIND]) for key in (NEAR, FAR)}
        moves = desk.step(FIRST + minute, shown)
        for job, wish in moves.send:
            assert wish.child not in signs
            there[wish.child] = abs(wish.quantity)
            signs[wish.child] = job.key, 1 if wish.quantity > 0 else -1
        for child in [*there]:
            key, side = signs[child]
            part = dice.randint(0, there[child])
            if part:
                there[child] -= part
                position[key] += side * part
                desk.apply(Event("fill", child, str(minute), part))
            assert 0 <= position[key] * (1 if wanted[key] > 0 else -1) <= abs(wanted[key])
        for child in moves.withdraw:
            if child in there:
                del there[child]
                whole = desk.blotter.parents[child.rpartition(".")[0]]
                desk.apply(Event("cancelled", child, quantity=whole.children[child].filled))
        if dice.random() < 0.1:
            desk = again(desk)
            open_ = [child for child, rest in there.items() if rest]
            desk.blotter.settle(open_, position)
        assert filled(desk, *names) == [position[NEAR], position[FAR]]
    assert not desk.blotter.frozen


def test_some_days():
    for seed in range(60):
        day(seed)


@pytest.mark.slow
def test_many_days():
    for seed in range(1_000, 6_000):
        day(seed)
