"""A bad bar never becomes a trade: not through the market itself, its successor, or NAV (U4)."""

import copy
from dataclasses import replace
from itertools import islice

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
def clean(made_up_run):
    return made_up_run


@pytest.fixture(scope="module")
def halfway(made_up):
    """The engine after 251 sessions."""
    engine = EmbeddedEngine(made_up, settings())
    for bars in islice(engine.feed, 251):
        engine.step(bars)
    return engine


def column(result):
    return result.markets.index(MARKET)


def test_one_wild_bar_is_in_no_account_and_changes_no_target_of_the_others(made_up, clean):
    day = int(clean.day[250])
    assert clean.contracts[250, column(clean)] != 0
    result = run_backtest(spoilt(made_up, made_up.markets[MARKET].day == day, 10.0), settings())
    others = [i for i in range(len(clean.markets)) if i != column(clean)]
    assert result.nav[250] == pytest.approx(clean.nav[250], rel=0.01)
    assert np.abs(result.drawdown - clean.drawdown).max() < 0.02
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


def first_order(result, after):
    """Session, contract and number of the market's first plain order decided after ``after``."""
    return next(
        (day, month, quantity)
        for day, market, month, quantity in result.orders
        if market == MARKET and day > after
    )


@pytest.mark.parametrize("factor", [0.01, 1.9, 100.0])
def test_an_order_waits_while_its_bar_is_held_back(made_up, clean, factor):
    decided, month, _ = first_order(clean, int(clean.day[200]))
    days = np.unique(made_up.markets[MARKET].day)
    bad, following = days[np.searchsorted(days, decided, side="right") :][:2].tolist()
    result = run_backtest(spoilt(made_up, made_up.markets[MARKET].day == bad, factor), settings())
    fills = [f for f in result.fills if f.market == MARKET and f.epoch_day in (bad, following)]
    assert {f.epoch_day for f in fills} == {following}
    history = made_up.markets[MARKET]
    row = (history.day == following) & (history.contract_month[history.contract] == month)
    first = next(f for f in fills if f.month == month)
    assert first.price == pytest.approx(history.open[row][0], rel=0.002)
    at = int(np.searchsorted(clean.day, following))
    assert result.nav[at] == pytest.approx(clean.nav[at], rel=0.005)


@pytest.mark.parametrize("value", [0.0, -1.0, 1.5])
def test_no_order_fills_at_an_open_that_is_no_price(made_up, clean, value):
    """As in a LEAN folder, whose bars stay as they are: the order waits."""
    decided, _, _ = first_order(clean, int(clean.day[200]))
    history = made_up.markets[MARKET]
    days = np.unique(history.day)
    bad = int(days[np.searchsorted(days, decided, side="right")])
    opens = np.where(history.day == bad, history.open * value, history.open)
    markets = {**made_up.markets, MARKET: replace(history, open=opens)}
    result = run_backtest(replace(made_up, markets=markets), settings())
    assert not any(f.market == MARKET and f.epoch_day == bad for f in result.fills)
    assert np.abs(result.nav / clean.nav - 1).max() < 0.01


@pytest.mark.parametrize("bad", [-99.0, -9999.0, 99999.0, 0.00001])
@pytest.mark.parametrize("first", [10, 250])
def test_a_repeated_sign_for_none_is_held_back_as_long_as_it_stands(made_up, clean, bad, first):
    days = np.unique(made_up.markets[MARKET].day)[first : first + 3]
    history = made_up.markets[MARKET]
    rows = np.isin(history.day, days)
    columns = {
        name: np.where(rows, bad, getattr(history, name))
        for name in ("open", "high", "low", "close")
    }
    data = replace(made_up, markets={**made_up.markets, MARKET: replace(history, **columns)})
    result = run_backtest(data, settings())
    assert result.nav.min() > 0.95 * clean.nav.min()
    assert result.nav[-1] == pytest.approx(clean.nav[-1], rel=0.03)
    size = np.abs(result.contracts[:, column(clean)]).mean()
    assert size == pytest.approx(np.abs(clean.contracts[:, column(clean)]).mean(), rel=0.2)


@pytest.mark.parametrize("factor", [0.1, 100.0])
def test_a_change_of_unit_makes_no_profit_and_ends_the_trade(made_up, clean, factor):
    day = int(clean.day[250])
    result = run_backtest(spoilt(made_up, made_up.markets[MARKET].day >= day, factor), settings())
    assert result.nav[250:253] == pytest.approx(clean.nav[250:253], rel=0.01)
    assert np.abs(np.diff(result.nav) / result.nav[:-1]).max() < 0.05
    assert not any(
        f.market == MARKET and f.epoch_day >= day for f in result.fills if f.reason != "expiry"
    )
    (event,) = [e for e in result.events if f"about {factor:g} times" in e.detail]
    assert event.market == MARKET
    assert event.epoch_day > day


@pytest.mark.parametrize("factor", [0.1, 10.0])
def test_a_rate_off_for_a_day_changes_no_target_and_no_account(made_up, clean, factor):
    """As in a LEAN folder; the importers leave such a rate out before."""
    rates = made_up.fx["EUR"]
    wrong = np.where(np.arange(len(rates.day)) == 260, rates.rate * factor, rates.rate)
    data = replace(made_up, fx={"EUR": replace(rates, rate=wrong)})
    result = run_backtest(data, settings())
    here = int(np.searchsorted(clean.day, rates.day[260]))
    assert result.nav[here] == pytest.approx(clean.nav[here], rel=0.005)
    others = [i for i, code in enumerate(clean.markets) if code != "EQ2"]
    assert np.array_equal(result.targets[here, others], clean.targets[here, others])
    assert abs(result.targets[here] - clean.targets[here]).max() <= 1
    assert any("EUR moved" in event.detail for event in result.events)


def test_no_new_position_on_a_rate_that_is_too_old(made_up, clean):
    rates = made_up.fx["EUR"]
    data = replace(made_up, fx={"EUR": replace(rates, day=rates.day[:200], rate=rates.rate[:200])})
    euro = clean.markets.index("EQ2")
    engine = EmbeddedEngine(data, settings())
    wanted = []
    for bars in engine.feed:
        engine.step(bars)
        wanted.append(int(engine.strategy.trading.model_contracts[euro]))
    result = engine.result(0.0)
    too_old = result.day > rates.day[199] + 14
    assert len(set(np.array(wanted)[too_old].tolist())) == 1, "but for governor and gate"
    (event,) = [e for e in result.events if "too old" in e.detail]
    assert (event.market, event.epoch_day) == ("EQ2", int(result.day[too_old][0]))


@pytest.mark.parametrize("nav", [-5e7, 0.0, float("nan"), -float("inf")])
def test_without_a_nav_nothing_is_ordered(halfway, nav):
    strategy, ledger = copy.deepcopy(halfway.strategy), halfway.ledger
    assert ledger.holdings
    assert not strategy.snapshot.must_exit.any()
    decision = strategy.begin(Account(nav, ledger.holdings)).finish()
    np.testing.assert_array_equal(decision.contracts, decision.held)
    assert decision.orders == []
    assert not decision.target.optimal.any()


def test_without_a_nav_what_may_not_be_held_longer_is_left(made_up):
    """The close of an expiring contract, and the leg it rolls to, outrank an unknown account."""
    engine = EmbeddedEngine(made_up, settings())
    forced = 0
    for bars in engine.feed:
        engine.step(bars)
        strategy = engine.strategy
        if strategy.day < engine.first_day:
            continue
        for market, contracts in enumerate(strategy.markets.contracts):
            held = int(strategy.markets.held[market])
            for month, contract in contracts.items():
                due = contract.expiry >= strategy.day and month != held != 0
                if not due or contract.last_holding > next_weekday(strategy.day):
                    continue
                account = Account(float("nan"), {(market, month): 5})
                orders = copy.deepcopy(strategy).begin(account).finish().orders
                found = [(o.market, o.month, o.quantity) for o in orders]
                assert sorted(found) == sorted([(market, month, -5), (market, held, 5)])
                forced += 1
        if forced > 20:
            break
    assert forced > 20
