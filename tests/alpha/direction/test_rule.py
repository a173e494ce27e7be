"""The direction sleeve: exposures of a session after the other, in the rule and in the chain."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from algorithm.observer import data_settings, series_wanted
from algorithm.settings import Settings
from algorithm.state import load_state, save_state
from algorithm.strategy import Strategy
from alpha.direction.allocation import allocation
from alpha.direction.sleeve import COLUMNS
from alpha.direction.votes import AGES
from alpha.rules.direction import DirectionRule
from alpha.rules.rule import Inputs
from research.data.dataset import Dataset
from research.data.macro_series import MacroSeries
from research.engine.engine import EmbeddedEngine
from tests.helpers import instrument, made_up_dataset, made_up_instruments, settings
from universe.arrays import from_epoch_day
from universe.curves import MacroState
from universe.instruments import AssetClass
from universe.setting import SettingsError

CHOSEN = Settings(other_rules="direction", other_budget=0.2)
MARKETS = [instrument("FX1", asset_class=AssetClass.FX), instrument("FESX")]
N = 420


def rule(**changes: object) -> DirectionRule:
    return DirectionRule(Inputs(replace(CHOSEN, **changes), MARKETS, np.array([1, 0])))


def macro_values(count: int = N, seed: int = 2) -> dict[str, np.ndarray]:
    """Rates and spreads that wander, valuations that change by month."""
    rng = np.random.default_rng(seed)
    paths = {name: 0.03 + 0.002 * rng.standard_normal(count).cumsum() * 0.2 for name in AGES}
    return paths | {"us.cape": np.repeat(rng.uniform(15, 45, count // 21 + 1), 21)[:count]}


def views(count: int = N, seed: int = 3, without: tuple[str, ...] = (), drift: float = 4e-4):
    rng = np.random.default_rng(seed)
    returns = drift + 0.008 * rng.standard_normal(count)
    values, macro = macro_values(count), MacroState()
    for k in range(count):
        day = 9_000 + k
        told = {name: float(path[k]) for name, path in values.items() if name not in without}
        macro.update(day, told)
        ret = np.array([0.0, returns[k]])
        seen = SimpleNamespace(seen=np.array([True, True]), ret=ret, low=np.ones(2))
        yield SimpleNamespace(day=day, seen=seen, macro=macro)


def walked(one: DirectionRule, days) -> tuple[np.ndarray, list]:
    notes, out = [], []
    for view in days:
        notes += [(view.day, *note) for note in one.update(view)]
        if len(one.direction.known):
            out.append([one.signal(view)[1], *one.direction.known[0]])
    return np.array(out), notes


@pytest.fixture(scope="module")
def run() -> tuple[DirectionRule, np.ndarray, list]:
    one = rule()
    return one, *walked(one, views(drift=0.0, seed=5))


def test_exposures_follow_from_the_indicators(run):
    _, table, _ = run
    assert set(np.unique(table[np.isfinite(table[:, 0]), 0])) >= {0.0, 1.0, 2.0}
    for signal, phase, turning, uncertain, first, second, third, exposure in table:
        assert signal == exposure or math.isnan(exposure)
        bare = allocation(phase, bool(turning), bool(uncertain), first, second, third, 1.0)
        assert np.sign(exposure) == np.sign(bare) or (math.isnan(bare) and math.isnan(exposure))
        assert not abs(exposure) > 1.0 or (phase == 1.0 and not turning and not uncertain)


def test_other_markets_have_no_forecast(run):
    one, _, _ = run
    assert np.isnan(one.signal(None)[0])  # type: ignore[arg-type]
    assert set(one.explain(None)) == set(COLUMNS)  # type: ignore[arg-type]


def test_every_change_of_exposure_is_told(run):
    _, table, notes = run
    told = [text for _, _, kind, text in notes if kind == "direction" and "exposure" in text]
    exposures = table[np.isfinite(table[:, 0]), 0]
    assert len(told) == 1 + np.count_nonzero(np.diff(exposures))
    assert told[0].startswith("exposure nothing to ")


def test_nothing_later_changes_what_was_said(run):
    _, table, _ = run
    cut = 350
    other = rule()
    for k, (view, later) in enumerate(zip(views(drift=0.0, seed=5), views(seed=8), strict=True)):
        other.update(view if k < cut else later)
        if k < cut:
            np.testing.assert_array_equal(other.direction.known[0], table[k, 1:])
    assert not np.array_equal(other.direction.price, run[0].direction.price)


def test_an_absent_input_makes_its_indicators_absent_and_says_so_once():
    one = rule()
    table, notes = walked(one, views(without=("us.cape",)))
    assert np.isnan(table[:, 4:6]).all()
    assert np.isfinite(table[-1, 6])
    last = [text for _, _, _, text in notes if text.startswith("indicator I is absent")][-1]
    assert last == "indicator I is absent: us.cape is not there"
    assert sum(text == "indicator II is absent: us.cape is not there" for *_, text in notes) == 1
    up = table[:, 1] == 1.0
    assert np.isnan(table[up & (table[:, 2] == 0) & (table[:, 3] == 0), 0]).all()


@pytest.mark.parametrize("within", [False, True])
def test_a_fall_resets_leverage_until_the_signal_changes(within):
    one = rule(direction_reset=0.05)
    plain, told, levered = rule(direction_reset=1.0), [], 0
    for k, (view, same) in enumerate(zip(views(drift=1e-3), views(drift=1e-3), strict=True)):
        before = one.direction.known[0, -1]
        if before == 2.0 and not told and k > 300:
            if within:  # the close is where it was
                view.seen.low[1] = (1.0 - 0.026) / (1.0 + view.seen.ret[1])
            else:
                view.seen.ret[1] = same.seen.ret[1] = -0.026
        told += [text for _, _, text in one.update(view) if "reset to 1" in text]
        plain.update(same)
        assert (len(told) == 0) == (np.isnan(one.direction.ended[0]) and not told)
        if not np.isnan(one.direction.ended[0]):
            levered += plain.direction.known[0, -1] == 2.0
            assert one.direction.known[0, -1] == 1.0
        else:
            np.testing.assert_array_equal(one.direction.known[0, -1], plain.direction.known[0, -1])
    assert told == ["the index at exposure 2 fell by 5.2% within a session: reset to 1"]
    assert levered > 0


def test_markets_that_cannot_be():
    with pytest.raises(SettingsError, match="names FX1, of class fx; it must name futures of"):
        rule(direction_markets="FESX FX1")
    for wrong in ("", "FESX FESX"):
        with pytest.raises(SettingsError, match="it must name different markets"):
            Settings(direction_markets=wrong)
    absent = rule(direction_markets="DAX")
    _, notes = walked(absent, views(3))
    assert [note[3] for note in notes] == ["DAX is not traded: no direction"]


def test_what_is_read():
    assert set(AGES) <= set(series_wanted(CHOSEN, MARKETS))
    assert not {"us.cape", "eur.euribor"} & set(series_wanted(Settings(), MARKETS))
    assert "direction_markets" in data_settings(CHOSEN)
    assert "direction_markets" not in data_settings(Settings())
    assert CHOSEN.levies == {"FESX": 0.00015}
    assert Settings().levies == {}


# --- in the chain --------------------------------------------------------------------------------
def with_series(dataset: Dataset) -> Dataset:
    days = np.unique(next(iter(dataset.markets.values())).day)
    values = macro_values(len(days))
    macro = {name: MacroSeries(name, days, values[name]) for name in AGES}
    return dataset.with_macro(macro, [])


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    made = made_up_instruments()
    named = [replace(made[0], code="FESX"), *made[1:]]
    return with_series(made_up_dataset(290, markets=named))


@pytest.fixture(scope="module")
def engine(dataset) -> EmbeddedEngine:
    start = from_epoch_day(int(np.unique(dataset.markets["FESX"].day)[215])).isoformat()
    chosen = settings(
        other_rules="direction", other_budget=0.3, start=start, warmup_days=400, var_min_sessions=60
    )
    engine = EmbeddedEngine(dataset, chosen)
    engine.result_of = engine.run()  # type: ignore[attr-defined]
    return engine


def test_the_sleeve_trades_its_market_alone(engine, dataset):
    result = engine.result_of
    codes = list(dataset.markets)
    pnl = np.abs(result.sleeve_pnl["direction"]).sum(axis=0)
    assert pnl[codes.index("FESX")] > 0
    assert pnl.sum() == pnl[codes.index("FESX")]
    assert any(event.kind == "direction" for event in result.events)


def test_its_share_of_risk_follows_the_exposure(engine):
    strategy = engine.strategy
    member = np.ones(len(strategy.names), dtype=bool)
    forecasts = np.full(len(strategy.names), np.nan)
    for exposure, share in ((2.0, 1.0), (1.5, 0.75), (-1.0, 0.5), (0.0, 0.0)):
        forecasts[0] = exposure
        assert strategy.builder._breadth(forecasts, member, DirectionRule.FULL) == share


def test_a_restored_sleeve_goes_on(engine):
    again = Strategy(engine.settings, engine.strategy.instruments)
    load_state(again, save_state(engine.strategy))
    parts = again.components()
    for name, part in engine.strategy.components().items():
        if name.startswith("direction"):
            for attribute in part.STATE:
                np.testing.assert_array_equal(
                    getattr(parts[name], attribute), getattr(part, attribute)
                )
