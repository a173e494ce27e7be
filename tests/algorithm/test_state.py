"""The state document: restart equals no restart, and damage is told, not guessed at."""

import json

import numpy as np
import pytest

from algorithm.decision import Strategy
from algorithm.settings import Settings
from algorithm.state import VERSION, StateError, load_state, save_state
from research.engine import EmbeddedEngine

SETTINGS = dict(
    vol_span=10,
    vol_long_sessions=60,
    var_window=250,
    var_min_sessions=60,
    corr_span=60,
    carry_spans="5 20",
    ewmac_spans="2 4",
    trend_rule="ewmac",
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
            if key == "last_quotes":
                assert before == after
            else:
                assert np.array_equal(before, after, equal_nan=True), f"{name}.{key}"


def test_callers_values_come_back(engine_after_a_while):
    document = save_state(engine_after_a_while.strategy, {"note": [1, "x"]})
    successor = Strategy(engine_after_a_while.settings, engine_after_a_while.strategy.instruments)
    assert load_state(successor, document) == {"note": [1, "x"]}


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda text: text[: len(text) // 2], "not a document of ours"),
        (lambda text: "", "not a document of ours"),
        (lambda text: "[]", "not a document of ours"),
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


def test_a_document_of_other_markets_names_both(engine_after_a_while):
    document = save_state(engine_after_a_while.strategy)
    fewer = engine_after_a_while.strategy.instruments[:-1]
    successor = Strategy(engine_after_a_while.settings, fewer)
    with pytest.raises(StateError, match=f"now has {len(fewer)} markets"):
        load_state(successor, document)


def test_a_document_of_other_settings_names_both_values(made_up, engine_after_a_while):
    document = save_state(engine_after_a_while.strategy)
    successor = Strategy(
        _settings(made_up, var_window=300), engine_after_a_while.strategy.instruments
    )
    with pytest.raises(
        StateError, match="written with var_window '250'; the settings now say '300'"
    ):
        load_state(successor, document)
