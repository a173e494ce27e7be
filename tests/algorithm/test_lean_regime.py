"""The regime model in LEAN: macro series in, trained on schedule, kept and taken up as text."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from algorithm.lean_regime import model_key
from algorithm.state import load_state, save_state
from algorithm.strategy import Strategy
from alpha.regime import train
from research.engine.engine import EmbeddedEngine
from tests.helpers import made_up_dataset, regime_markets, settings, with_macro
from tests.stand_ins.at_work import start
from tests.stand_ins.engine import Store
from universe.arrays import from_epoch_day

SESSIONS, DECIDED = 620, 30
KEY = model_key("trend-carry")


@pytest.fixture(scope="module", autouse=True)
def one_year():
    """A year is enough to train on, so that histories are short."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "LEAST_YEARS", 1)
        yield


@pytest.fixture(scope="module")
def data():
    return with_macro(made_up_dataset(SESSIONS, seed=2, markets=regime_markets(), closed=0.0))


@pytest.fixture(scope="module")
def chosen(data):
    days = np.unique(next(iter(data.markets.values())).day)
    return settings(
        start=from_epoch_day(int(days[-DECIDED])).isoformat(),
        end=from_epoch_day(int(days[-1])).isoformat(),
        warmup_days=1200,
        regime_least=540,
        regime_refit=20,
        regime_full=0.2,
        carry_rules="smoothed",
        var_min_sessions=60,
        state="always",
    )


@pytest.fixture(scope="module")
def own(data, chosen):
    engine = EmbeddedEngine(data, chosen)
    return engine, engine.run()


@pytest.fixture(scope="module")
def lean(data, chosen):
    return start(data, chosen).run().finish()


def scale_of(engine):
    return engine.algorithm._context.strategy.scale_named("regime")


def test_both_engines_say_the_same(own, lean):
    engine, result = own
    mine = engine.strategy.scale_named("regime")
    theirs = scale_of(lean)
    assert mine.text
    assert theirs.text == mine.text
    np.testing.assert_array_equal(theirs.history.table, mine.history.table)
    assert np.isfinite(result.figures["p_off"]).all()
    assert lean.algorithm._context.strategy.last_contracts.tolist() == result.targets[-1].tolist()


def test_what_stopped_is_a_note_in_both(own, lean):
    sentence = "ted: usd.ted stopped on"
    assert any(sentence in event.detail for event in own[1].events)
    assert any(sentence in line for line in lean.lines)


def test_the_document_is_in_the_store_and_the_log(lean):
    assert lean.object_store[KEY] == scale_of(lean).text
    assert sum(line.startswith(f"{KEY}: regime model of") for line in lean.lines) >= 2


def test_the_state_has_it_all(own, chosen):
    strategy = own[0].strategy
    again = Strategy(chosen, strategy.instruments)
    assert load_state(again, save_state(strategy)).whole
    before, after = strategy.scale_named("regime"), again.scale_named("regime")
    assert after.text == before.text
    np.testing.assert_array_equal(after.history.table, before.history.table)
    np.testing.assert_array_equal(again.observer.regime.index, strategy.observer.regime.index)


def restarted(data, chosen, text):
    store = Store({KEY: text})
    days = np.unique(next(iter(data.markets.values())).day)
    today = from_epoch_day(int(days[-1]) + 1)
    return start(data, chosen, live=True, store=store, today=today)


def test_a_live_start_takes_the_document_up_or_says_why_not(data, chosen, lean):
    text = lean.object_store[KEY]
    live = restarted(data, chosen, text)
    assert scale_of(live).text == text
    assert not live.errors
    broken = restarted(data, chosen, text.replace("0", "1"))
    assert scale_of(broken).text == ""
    assert any(KEY in line for line in broken.errors)


def test_without_the_series_nothing_is_scaled_and_the_log_names_them(data, chosen):
    days = np.unique(next(iter(data.markets.values())).day)
    early = replace(chosen, start=from_epoch_day(int(days[0])).isoformat(), warmup_days=0)
    bare = start(data.with_macro({}, []), early).run(int(days[4]))
    assert any("macro series left out" in line and "vix.spot" in line for line in bare.lines)
    assert "regime: exposure is not scaled: no macro series is there" in bare.lines
    assert KEY not in bare.object_store
