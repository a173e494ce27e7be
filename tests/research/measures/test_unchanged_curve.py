"""Carry of the attribution: the futures basis, whatever the forecasts' carry is computed from."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from algorithm.state import load_state, save_state
from algorithm.strategy import Strategy
from research.engine.engine import run_backtest
from research.panels.markets import market_panel
from tests.helpers import carry_of_a_contract, instrument, made_up_dataset, session, settings
from universe.instruments import AssetClass
from universe.session import Contract

SHORT = {"vol_span": 20, "var_min_sessions": 100}
JUN, SEP = 201506, 201509
FIRST, SECOND = 16_600, 16_691
START = 16_500


@pytest.fixture(scope="module")
def data():
    """Six markets over three years, so that the gas market's season is known."""
    return made_up_dataset(780)


@pytest.fixture(scope="module")
def runs(data):
    return {
        source: run_backtest(data, settings(**SHORT, carry_source=source))
        for source in ("basis", "class")
    }


def test_the_source_of_the_signal_does_not_move_it(runs):
    by_class, by_basis = runs["class"], runs["basis"]
    gas = by_class.markets.index("EN1")
    carry = [run.forecasts["carry"][-250:, gas] for run in (by_class, by_basis)]
    assert np.nanmax(np.abs(carry[0] - carry[1])) > 0.1, "the season must change the signal"
    recorded = [run.carry_per_contract for run in (by_class, by_basis)]
    np.testing.assert_array_equal(*recorded)
    assert np.isfinite(recorded[0][-250:]).all()


def test_it_is_the_slope_of_the_held_pair_in_money(runs, data):
    """The panel walks the same data by itself; a day without a pair keeps the last slope."""
    run = runs["class"]
    panel = market_panel(data, settings(**SHORT), date(2015, 1, 1), date(2019, 1, 1))
    years = (panel.far_expiry - panel.near_expiry) / 365.25
    first = int(np.searchsorted(panel.day, run.day[0]))
    np.testing.assert_array_equal(panel.day[first:], run.day)
    rates = data.fx["EUR"]
    checked = 0
    for i, market in enumerate(panel.instruments):
        last = np.nan
        for t in range(len(panel.day)):
            if panel.seen[t, i] and years[t, i] > 0:
                slope = (panel.near_price[t, i] - panel.far_price[t, i]) / years[t, i]
                last = slope if np.isfinite(slope) else last
            if t < first:
                continue
            row = int(np.searchsorted(rates.day, panel.day[t], side="right")) - 1
            fx = rates.rate[row] if market.currency == "EUR" else 1.0
            got = run.carry_per_contract[t - first, i]
            assert got == pytest.approx(last * market.multiplier * fx, rel=1e-12, nan_ok=True)
            checked += np.isfinite(got)
    assert checked > 4000


# --- one market by hand --------------------------------------------------------------------------
def one_strategy(currency="USD", **changes):
    market = instrument(
        "NG1",
        asset_class=AssetClass.ENERGY,
        sector="gas",
        multiplier=1000.0,
        currency=currency,
    )
    strategy = Strategy(settings(carry_source="class", **changes), [market])
    for month, expiry in ((JUN, FIRST), (SEP, SECOND)):
        strategy.list_contract(0, Contract(month, expiry, expiry - 5))
    return strategy


def test_a_slope_is_carried_forward_until_it_is_too_old():
    strategy = one_strategy("EUR", carry_max_age=7)
    expected = (50.0 - 49.0) / ((SECOND - FIRST) / 365.25) * 1000.0 * 1.25
    strategy.observe(session(START, {JUN: 50.0}, fx=[1.25]))
    assert np.isnan(carry_of_a_contract(strategy)[0])
    strategy.observe(session(START + 1, {JUN: 50.0, SEP: 49.0}, fx=[1.25]))
    assert carry_of_a_contract(strategy)[0] == pytest.approx(expected, rel=1e-12)
    strategy.observe(session(START + 8, {JUN: 53.0}, fx=[1.25]))
    assert carry_of_a_contract(strategy)[0] == pytest.approx(expected, rel=1e-12)
    strategy.observe(session(START + 9, {JUN: 53.0}, fx=[1.25]))
    assert np.isnan(carry_of_a_contract(strategy)[0])


def test_a_slope_at_negative_prices_counts():
    strategy = one_strategy()
    strategy.observe(session(START, {JUN: 2.0, SEP: 1.0}))
    strategy.observe(session(START + 1, {JUN: -2.0, SEP: -3.0}))
    expected = 1.0 / ((SECOND - FIRST) / 365.25) * 1000.0
    assert carry_of_a_contract(strategy)[0] == pytest.approx(expected, rel=1e-12)


def test_a_restart_keeps_it_and_its_age():
    strategy = one_strategy(carry_max_age=7)
    strategy.observe(session(START, {JUN: 50.0, SEP: 49.0}))
    successor = one_strategy(carry_max_age=7)
    load_state(successor, save_state(strategy))
    for each in (strategy, successor):
        each.observe(session(START + 7, {JUN: 50.5}))
    known = carry_of_a_contract(strategy)
    assert np.isfinite(known).all()
    np.testing.assert_array_equal(carry_of_a_contract(successor), known)
    np.testing.assert_array_equal(successor.forecasts.last_source, strategy.forecasts.last_source)
    successor.observe(session(START + 8, {JUN: 50.5}))
    assert np.isnan(carry_of_a_contract(successor)[0])
