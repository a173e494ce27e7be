"""A bad bar never becomes a trade: not through the market itself, its successor, or NAV (U4)."""

from dataclasses import replace

import numpy as np
import pytest

from research.engine.engine import EmbeddedEngine, run_backtest
from tests.helpers import settings

MARKET = "FX1"


def spoilt(dataset, rows, factor):
    """The data with the bars ``rows`` of the market multiplied."""
    history = dataset.markets[MARKET]
    columns = {
        name: np.where(rows, getattr(history, name) * factor, getattr(history, name))
        for name in ("open", "high", "low", "close")
    }
    markets = {**dataset.markets, MARKET: replace(history, **columns)}
    return replace(dataset, markets=markets)


@pytest.fixture(scope="module")
def clean(made_up):
    return run_backtest(made_up, settings())


def column(result):
    return result.markets.index(MARKET)


def test_one_wild_bar_changes_no_target_of_the_others_through_nav(made_up, clean):
    day = int(clean.day[250])
    assert clean.contracts[250, column(clean)] != 0
    result = run_backtest(spoilt(made_up, made_up.markets[MARKET].day == day, 10.0), settings())
    others = [i for i in range(len(clean.markets)) if i != column(clean)]
    assert result.nav[250] != pytest.approx(clean.nav[250], rel=0.01), "the bar is in the account"
    assert np.abs(result.weight[250, others] - clean.weight[250, others]).max() < 0.01
    assert result.targets[250, column(clean)] == result.targets[249, column(clean)]
    assert result.governor_scale[251:].max() >= clean.governor_scale[251:].max() - 0.21
    assert any("held back" in event.detail for event in result.events)


@pytest.mark.parametrize("factor", [0.01, 100.0])
def test_a_wild_successor_price_on_the_roll_day_postpones_the_roll(made_up, clean, factor):
    roll = next(
        e
        for e in clean.events
        if e.kind == "roll" and e.market == MARKET and e.epoch_day > clean.day[150]
    )
    new = int(roll.detail.split("-> ")[1].split()[0])
    history = made_up.markets[MARKET]
    month = history.contract_month[history.contract]
    rows = (history.day == roll.epoch_day) & (month == new)
    assert rows.any()
    result = run_backtest(spoilt(made_up, rows, factor), settings())
    assert (
        np.abs(result.targets[:, column(clean)]).max()
        <= 1.5 * np.abs(clean.targets[:, column(clean)]).max()
    )
    later = [e for e in result.events if e.kind == "roll" and e.market == MARKET]
    assert any(e.epoch_day > roll.epoch_day and f"-> {new} " in e.detail for e in later)
    assert any("not trusted" in event.detail for event in result.events)


@pytest.mark.parametrize(("nav", "flat"), [(-5e7, True), (0.0, True), (float("nan"), False)])
def test_without_a_nav_nothing_is_sized(made_up, nav, flat):
    engine = EmbeddedEngine(made_up, settings())
    for number, bars in enumerate(engine.feed):
        engine.step(bars)
        if number == 250:
            break
    held = engine.strategy.model_contracts.copy()
    assert held.any()
    plan = engine.strategy.construct(engine.strategy.forecast(), nav)
    assert np.array_equal(plan.contracts, np.zeros_like(held) if flat else held)
