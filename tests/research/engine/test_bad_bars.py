"""A bad bar never becomes a trade: not through the market itself, its successor, or NAV (U4)."""

import copy
from dataclasses import replace

import numpy as np
import pytest

from algorithm.decision import Account
from research.engine.engine import EmbeddedEngine, run_backtest
from tests.helpers import settings
from universe.rolls import next_weekday

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


@pytest.mark.parametrize("nav", [-5e7, 0.0, float("nan"), -float("inf")])
def test_without_a_nav_nothing_is_ordered(made_up, nav):
    engine = EmbeddedEngine(made_up, settings())
    for number, bars in enumerate(engine.feed):
        engine.step(bars)
        if number == 250:
            break
    strategy, ledger = engine.strategy, engine.ledger
    assert ledger.holdings
    assert not strategy.snapshot.must_exit.any()
    decision = strategy.begin(Account(nav, ledger.holdings)).finish()
    np.testing.assert_array_equal(decision.contracts, decision.held)
    assert decision.orders == []
    assert not decision.target.optimal.any()


def test_without_a_nav_what_may_not_be_held_longer_is_left(made_up):
    """The close of an expiring contract, and the leg it rolls to, outrank an unknown account."""
    engine = EmbeddedEngine(made_up, settings(follow_mapping=False, roll_open_interest_ratio=0.0))
    forced = 0
    for bars in engine.feed:
        strategy, ledger = engine.strategy, engine.ledger
        engine.step(bars)
        day = strategy.day
        due = {
            (market, month)
            for market, month in ledger.holdings
            if strategy.markets.contracts[market][month].last_holding <= next_weekday(day)
        }
        decision = copy.deepcopy(strategy).begin(Account(float("nan"), ledger.holdings)).finish()
        assert {order.market for order in decision.orders} <= {market for market, _ in due}
        closed = {(o.market, o.month): o.quantity for o in decision.orders}
        for key in due:
            assert closed[key] == -ledger.holdings[key]
            forced += 1
    assert forced > 0
