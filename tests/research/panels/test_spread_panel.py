"""Calendar spreads in columns and as books, against the core's classes a day at a time."""

import functools
from dataclasses import fields, replace
from datetime import date
from itertools import pairwise

import numpy as np
import pytest

from algorithm.settings import Settings
from alpha.columns import volatility_columns
from alpha.forecasts import Forecasts
from research.engine.feed import Feed
from research.panels.forecasts import vectorised_forecasts
from research.panels.markets import market_panel
from research.studies.rule_books import cost_per_unit, trade_books
from research.studies.rules import CALENDAR, affordable, rule_study
from tests.helpers import bent, instrument, made_up_dataset, made_up_instruments
from universe.arrays import from_epoch_day
from universe.assets import Assets
from universe.curves import MacroState
from universe.markets import Markets
from universe.spreads import CalendarSpreads

START, END = date(2010, 1, 1), date(2030, 1, 1)
CHOSEN = Settings(carry_rules="smoothed calendar", spread_max_age=60, vol_long_sessions=150)
CHOSEN_WITHOUT_BUFFER = replace(CHOSEN, buffer=0.0)


@functools.cache
def dataset():
    return bent(made_up_dataset(500, 4, [*made_up_instruments(), instrument("EQ3")], closed=0.04))


@functools.cache
def panel():
    return market_panel(dataset(), CHOSEN, START, END, spreads=True)


def calendar():
    return vectorised_forecasts(panel(), CHOSEN)[CALENDAR]


@functools.cache
def incremental():
    """Forecasts, volatilities, changes of price and pairs of the strategy's own classes."""
    data = dataset()
    feed = Feed(data, 0, 10**6)
    instruments = [history.instrument for history in data.markets.values()]
    markets = Markets.create(CHOSEN, instruments)
    spreads = CalendarSpreads.create(CHOSEN, markets)
    for known, contracts in zip(markets.contracts, feed.contracts(), strict=True):
        known.update((contract.month, contract) for contract in contracts)
    forecasts = Forecasts(CHOSEN, instruments, panel().class_index)
    assets = Assets(markets, spreads)
    rows = {"forecast": [], "sigma": [], "change": [], "pair": []}
    for bars in feed:
        when = from_epoch_day(bars.session.day)
        seen = assets.walk([bars.session])
        month = np.array([when.year * 100 + when.month])
        forecasts.walk(np.array([bars.session.day]), month, seen, [MacroState()])
        current = forecasts.current(markets.alive(bars.session.day))
        rows["forecast"].append(current["calendar"])
        rows["sigma"].append(spreads.sigma())
        rows["change"].append(seen.spread_seen.change[0])
        rows["pair"].append(spreads.near * 10**6 + spreads.far)
    return {name: np.array(one) for name, one in rows.items()}


def test_forecasts_equal_the_incremental_ones():
    ours, theirs = calendar(), incremental()["forecast"]
    assert np.isfinite(theirs).mean() > 0.3
    assert (np.abs(theirs) > 0).sum() > 200
    np.testing.assert_array_equal(np.isfinite(ours), np.isfinite(theirs))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-10)


def test_volatilities_equal_the_incremental_ones():
    ours = volatility_columns(panel().spreads, CHOSEN)
    np.testing.assert_allclose(ours, incremental()["sigma"], rtol=1e-10, atol=1e-14)


def test_prices_add_up_the_changes_of_the_pairs_held():
    change = np.diff(panel().spreads.adjusted, axis=0)
    np.testing.assert_allclose(change, incremental()["change"][1:], rtol=0, atol=1e-9)


def test_a_change_of_pair_is_a_roll():
    pair = incremental()["pair"]
    changed = (pair[1:] != pair[:-1]) & (pair[:-1] != 0)
    np.testing.assert_array_equal(panel().spreads.rolled[1:], changed)
    assert changed.sum() > 20


def test_without_spreads_the_panel_is_the_same():
    plain = market_panel(dataset(), CHOSEN, START, END)
    assert plain.spreads is None
    assert CALENDAR not in vectorised_forecasts(plain, CHOSEN)
    for field in fields(plain):
        ours, theirs = getattr(plain, field.name), getattr(panel(), field.name)
        if isinstance(ours, np.ndarray):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("rows", [180, 360])
def test_prefix(rows):
    cut = market_panel(
        dataset().between(0, int(panel().day[rows - 1])), CHOSEN, START, END, spreads=True
    )
    whole = panel().until(rows).spreads
    for field in fields(whole):
        ours, theirs = getattr(cut.spreads, field.name), getattr(whole, field.name)
        if isinstance(ours, np.ndarray):
            np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_allclose(
        vectorised_forecasts(cut, CHOSEN)[CALENDAR], calendar()[:rows], rtol=0, atol=1e-12
    )


def books(forecast, chosen=CHOSEN, **changes):
    spreads = panel().spreads
    sigma = volatility_columns(spreads, CHOSEN)
    cost = 2.0 * cost_per_unit(dataset())
    return trade_books(spreads, {CALENDAR: forecast}, sigma, chosen, cost, {}, **changes)


class TestBreadth:
    def test_half_as_large_forecasts_take_half_the_risk(self):
        """Without a rule for breadth the book would be geared to its whole target either way."""
        large = np.where(np.isfinite(calendar()), 0.8 * np.sign(calendar()), np.nan)
        for by_breadth, share in ((True, 0.5), (False, 1.0)):
            whole = books(large, CHOSEN_WITHOUT_BUFFER, by_breadth=by_breadth).held[:, 0, -1]
            half = books(0.5 * large, CHOSEN_WITHOUT_BUFFER, by_breadth=by_breadth).held[:, 0, -1]
            assert (whole > 0).sum() > 100
            np.testing.assert_allclose(half, share * whole, rtol=1e-9, atol=1e-12)

    def test_it_never_takes_more(self):
        large = np.where(np.isfinite(calendar()), 2.0, np.nan)
        np.testing.assert_array_equal(
            books(large, by_breadth=True).gross, books(large, by_breadth=False).gross
        )

    def test_a_class_by_a_loop(self):
        """A class of one market: its risk is the target times its forecast."""
        spreads, market = panel().spreads, panel().codes.index("EN1")
        sigma = volatility_columns(spreads, CHOSEN)
        forecast = np.where(np.isfinite(calendar()), 0.5, np.nan)
        mine = books(forecast, CHOSEN_WITHOUT_BUFFER, by_breadth=True)
        energy = mine.classes.index("energy")
        seen = np.flatnonzero(spreads.seen[:, market] & spreads.tradable[:, market])
        checked = 0
        for before, now in pairwise(seen.tolist()):
            if np.isfinite(forecast[before, market]) and spreads.alive[before, market]:
                units = 0.5 * 0.10 / (sigma[before, market] * np.sqrt(252))
                units /= spreads.positive_price[before, market]
                risk = units * sigma[now, market] * np.sqrt(252)
                expected = risk * spreads.positive_price[now, market]
                assert mine.held[now, 0, energy] == pytest.approx(expected)
                checked += 1
        assert checked > 100


class TestAffordable:
    def test_judged_when_the_month_begins(self):
        spreads = panel().spreads
        sigma = volatility_columns(spreads, CHOSEN)
        cost = 2.0 * cost_per_unit(dataset())
        ratio = cost / (sigma * spreads.positive_price * np.sqrt(252))
        limit = float(np.nanmedian(ratio))
        ours = affordable(spreads, sigma, cost, limit)
        first = 0
        for t, month in enumerate(spreads.month):
            if month != spreads.month[first]:
                first = t
            np.testing.assert_array_equal(ours[t], ratio[first] <= limit)
        assert 0.1 < ours.mean() < 0.9

    def test_nothing_is_traded_that_is_too_dear(self):
        chosen = replace(CHOSEN, start="2016-01-04", end="2029-12-31", cost_limit=1e-6)
        study = rule_study(dataset(), chosen, samples=20)
        row = study.table.set_index(["rule", "class"]).loc[(CALENDAR, "all")]
        assert row["first"] == -1
        assert np.isnan(row["net_sharpe"])


def test_the_study_has_the_book_of_spreads():
    chosen = replace(
        CHOSEN, start="2016-01-04", end="2029-12-31", cost_limit=50.0, cost_limit_out=50.0
    )
    study = rule_study(dataset(), chosen, samples=50)
    row = study.table.set_index(["rule", "class"]).loc[(CALENDAR, "all")]
    assert np.isfinite(row[["net_sharpe", "low", "high", "mean_abs_forecast"]].astype(float)).all()
    mine = books(calendar(), by_breadth=True)
    first = int(np.searchsorted(panel().day, study.books.day[0]))
    rule = study.books.rules.index(CALENDAR)
    np.testing.assert_allclose(
        study.books.gross[40:, rule], mine.gross[first + 40 :, 0], rtol=1e-6, atol=1e-9
    )
