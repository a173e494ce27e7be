"""The state document: restart equals no restart, and damage is told, not guessed at."""

import json
import re

import numpy as np
import pytest

from algorithm.settings import Settings
from algorithm.state import (
    PREVIOUS_STATE_KEY,
    STATE_KEY,
    VERSION,
    StateError,
    load_state,
    save_state,
)
from algorithm.strategy import Strategy
from execution.orders import plan_orders
from research.engine.engine import EmbeddedEngine
from tests.helpers import construct, forecasts_of

SETTINGS = dict(
    vol_span=10,
    vol_long_sessions=60,
    var_years=1.0,
    var_min_sessions=60,
    corr_span=60,
    carry_spans="5 20",
    ewmac_spans="2 4",
    trend_rules="tsmom ewmac breakout",
    breakout_horizons="10 20",
    forecast_multiplier="estimated",
    carry_rules="smoothed cross_section relative_value calendar directional",
    carry_source="class",
    cost_limit=10.0,
    cost_limit_out=10.0,
)


def _settings(dataset, **changes):
    days = np.unique(np.concatenate([m.day for m in dataset.markets.values()]))
    first, last = (str(np.datetime64(int(day), "D")) for day in (days[20], days[-1]))
    return Settings(start=first, end=last, **{**SETTINGS, **changes})


def _successor(engine):
    """A new strategy that knows nothing but the document of the old one."""
    document = save_state(engine.strategy)
    successor = Strategy(engine.settings, engine.strategy.instruments)
    load_state(successor, document)
    return successor


@pytest.fixture(scope="module")
def engine_after_a_while(made_up):
    engine = EmbeddedEngine(made_up, _settings(made_up))
    for number, bars in enumerate(engine.feed):
        engine.step(bars)
        if number == 200:
            break
    return engine


@pytest.mark.slow
def test_restart_on_every_day_equals_no_restart(made_up):
    unbroken = EmbeddedEngine(made_up, _settings(made_up)).run()
    engine = EmbeddedEngine(made_up, _settings(made_up))
    listed = engine.strategy.markets.contracts
    for bars in engine.feed:
        engine.step(bars)
        engine.strategy = _successor(engine)
        # the feed lists contracts once, before the first bar; a live start lists them again
        for market, known in enumerate(listed):
            for contract in known.values():
                engine.strategy.list_contract(market, contract)
    broken = engine.result(0.0)
    assert np.array_equal(broken.nav, unbroken.nav)
    assert np.array_equal(broken.targets, unbroken.targets)
    assert broken.fills == unbroken.fills
    assert broken.fills, "the stretch must trade"


def test_every_array_comes_back_bit_for_bit(engine_after_a_while):
    successor = _successor(engine_after_a_while)
    for name, component in engine_after_a_while.strategy.components().items():
        other = successor.components()[name]
        for key in component.STATE:
            before, after = getattr(component, key), getattr(other, key)
            if not isinstance(before, np.ndarray):
                assert before == after
            else:
                assert np.array_equal(before, after, equal_nan=True), f"{name}.{key}"


def test_callers_values_come_back(engine_after_a_while):
    document = save_state(engine_after_a_while.strategy, {"note": [1, "x"]})
    successor = Strategy(engine_after_a_while.settings, engine_after_a_while.strategy.instruments)
    assert load_state(successor, document).extra == {"note": [1, "x"]}


class TestStoppedUntilTheHeldContractExpired:
    """The state names a contract that nobody lists any more when the strategy starts again."""

    @pytest.fixture
    def restarted(self, made_up):
        """Strategy before the stop, the one after it, and the market whose contract ended."""
        engine = EmbeddedEngine(made_up, _settings(made_up))
        bars = iter(engine.feed)
        for _ in range(200):
            engine.step(next(bars))
        before = engine.strategy
        market = int(np.argmax(np.abs(before.last_contracts)))
        expiry = int(before.markets.held_expiry[market])
        later = next(b.session for b in bars if b.session.day > expiry and b.session.quotes[market])
        successor = Strategy(engine.settings, before.instruments)
        load_state(successor, save_state(before))
        for number, contracts in enumerate(engine.feed.contracts()):
            for contract in contracts:
                if contract.expiry >= later.day:
                    successor.list_contract(number, contract)
        return before, successor, market, later

    def test_it_goes_on_in_the_next_contract_without_a_return(self, restarted):
        before, after, market, session = restarted
        old, adjusted = int(before.markets.held[market]), before.markets.adjusted[market]
        seen = after.observe(session)
        roll = next(r for r in seen.rolls if r.market == after.instruments[market].code)
        assert (roll.old, roll.reason) == (old, "lost")
        assert roll.new == after.markets.held[market] != old
        assert after.markets.held_expiry[market] > session.day
        assert after.markets.adjusted[market] == adjusted
        assert seen.ret[market] == 0.0
        assert after.markets.price[market] == session.quotes[market][roll.new]

    def test_as_if_it_had_run_without_data(self, restarted):
        before, after, _, session = restarted
        plans = []
        for strategy in (before, after):
            strategy.observe(session)
            plans.append(construct(strategy, forecasts_of(strategy), 5e7))
        np.testing.assert_array_equal(plans[0].contracts, plans[1].contracts)
        np.testing.assert_array_equal(before.markets.held, after.markets.held)
        assert plans[1].contracts.any()

    @pytest.mark.parametrize("still_there", [False, True])
    def test_the_ended_contract_is_closed_once_and_never_ordered(self, restarted, still_there):
        """The broker has settled it, or reports it still: then it counts toward the target."""
        before, after, market, session = restarted
        old, held = int(before.markets.held[market]), int(before.last_contracts[market])
        after.observe(session)
        plan = construct(after, forecasts_of(after), 5e7)
        target = int(plan.contracts[market])
        assert held * target > 0, "the market must be held on the same side before and after"
        holdings = {(market, old): held} if still_there else {}
        targets = {market: after.snapshot.legs.target_contracts(plan.contracts)[market]}
        orders = plan_orders(targets, holdings, {}, after.snapshot.legs.stuck_contracts())
        by_month = {order.month: order.quantity for order in orders}
        assert by_month.get(old, 0) == (-held if still_there else 0)
        new = int(after.markets.held[market])
        rest = max(abs(target) - abs(held), 0) if still_there else abs(target)
        assert by_month.get(new, 0) == np.sign(target) * rest
        assert set(by_month) <= {old, new}


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda text: text[: len(text) // 2], "not a document of ours"),
        (lambda text: "", "not a document of ours"),
        (lambda text: "[]", "not a document of ours"),
        (lambda text: "[" * 100_000, "not a document of ours"),
        (lambda text: '{"a":' * 100_000, "not a document of ours"),
        (lambda text: "null", "not a document of ours"),
        (lambda text: json.dumps({**json.loads(text), "version": VERSION + 1}), "has version"),
        (lambda text: json.dumps({**json.loads(text), "version": 0}), f"reads version {VERSION}"),
        (lambda text: text.replace("A", "B", 1), "does not match its checksum"),
        (lambda text: json.dumps({**json.loads(text), "body": 5}), "does not match its checksum"),
    ],
)
def test_a_damaged_or_old_document_is_refused_and_changes_nothing(
    engine_after_a_while, damage, sentence
):
    document = save_state(engine_after_a_while.strategy)
    successor = Strategy(engine_after_a_while.settings, engine_after_a_while.strategy.instruments)
    before = save_state(successor)
    with pytest.raises(StateError, match=sentence):
        load_state(successor, damage(document))
    assert save_state(successor) == before


@pytest.mark.parametrize("key", [STATE_KEY, PREVIOUS_STATE_KEY])
def test_the_object_store_takes_the_key(key):
    """LEAN's LocalObjectStore refuses others with an exception: one full stop, no commas."""
    assert re.fullmatch(r"\.?[a-zA-Z0-9\\/_#\-$= ]+\.?[a-zA-Z0-9]*", key)
