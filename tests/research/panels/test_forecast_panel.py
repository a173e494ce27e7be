"""Forecasts in columns against the core's classes driven a day at a time, to 1e-10."""

import functools
from dataclasses import fields, replace
from datetime import date

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis.extra.numpy import arrays

from algorithm.settings import Settings
from alpha.class_carry import bond_carry
from alpha.columns import volatility_columns
from alpha.forecasts import Forecasts
from alpha.rules.comparison import Comparison, cohort_in_buckets, cross_section_forecast
from alpha.rules.cross_section import cross_section_columns
from alpha.rules.tsmom import tsmom_columns
from research.data.dataset import Dataset, MarketHistory
from research.data.errors import DataError
from research.data.macro_series import MacroSeries
from research.engine.feed import Feed
from research.panels.forecasts import vectorised_forecasts
from research.panels.markets import MarketPanel, market_panel
from tests.helpers import (
    MONDAY,
    instrument,
    made_up_dataset,
    made_up_instruments,
    weekdays,
)
from universe.arrays import from_epoch_day
from universe.assets import Assets
from universe.curves import MacroState, YieldCurve
from universe.markets import Markets

START, END = date(2010, 1, 1), date(2030, 1, 1)
SESSIONS = 640
CHOSEN = Settings(
    trend_rules="tsmom ewmac breakout",
    cost_by_speed=False,
    carry_rules="smoothed cross_section relative_value directional",
    ewmac_spans="2 4 8 16 32 64",
    breakout_horizons="10 20 40 80 160 320",
    carry_spans="5 20 60 120",
    carry_max_age=30,
    vol_long_sessions=150,
    tsmom_flip_threshold=0.1,
    cross_section_fraction=0.3,
    directional_minimum=0.2,
)


def changed(history: MarketHistory, **arrays: np.ndarray) -> MarketHistory:
    values = {field.name: getattr(history, field.name) for field in fields(history)}
    return MarketHistory(**{**values, **arrays})


def without(history: MarketHistory, keep: np.ndarray) -> MarketHistory:
    names = ("day", "contract", "open", "high", "low", "close", "volume", "open_interest")
    return changed(history, **{name: getattr(history, name)[keep] for name in names})


@functools.cache
def dataset() -> Dataset:
    """Closed days, a late listing, a gap of weeks, months without a pair, and negative prices."""
    more = [instrument(f"EQ{k}") for k in (3, 4)]
    data = made_up_dataset(
        SESSIONS, 4, [*made_up_instruments(), *more], closed=0.04, starts={"EQ3": 90}
    )
    days, markets = weekdays(MONDAY, SESSIONS), dict(data.markets)
    gap = (markets["MT1"].day >= days[420]) & (markets["MT1"].day < days[445])
    markets["MT1"] = without(markets["MT1"], ~gap)
    history = markets["FX1"]
    alone = (history.day >= days[300]) & (history.day < days[380])
    alone[np.unique(history.day, return_index=True)[1]] = False
    markets["FX1"] = without(history, ~alone)
    sink = np.interp(markets["EN1"].day, days[[0, 250, 330, 350, 430, -1]], [0, 0, 170, 170, 0, 0])
    history = markets["EN1"]
    markets["EN1"] = changed(
        history,
        **{name: getattr(history, name) - sink for name in ("open", "high", "low", "close")},
    )
    return Dataset(data.name, data.synthetic, markets, data.fx)


@functools.cache
def panel() -> MarketPanel:
    return market_panel(dataset(), CHOSEN, START, END)


@functools.cache
def vectorised() -> dict[str, np.ndarray]:
    return vectorised_forecasts(panel(), CHOSEN)


@functools.cache
def incremental() -> dict[str, np.ndarray]:
    """The strategy's own classes, a session at a time."""
    data = dataset()
    feed = Feed(data, 0, 10**6)
    instruments = [history.instrument for history in data.markets.values()]
    markets = Markets.create(CHOSEN, instruments)
    for known, contracts in zip(markets.contracts, feed.contracts(), strict=True):
        known.update((contract.month, contract) for contract in contracts)
    classes = panel().class_index
    forecasts = Forecasts(CHOSEN, instruments, classes)
    assets = Assets(markets, None)
    rows: dict[str, list[np.ndarray]] = {}
    for bars in feed:
        day = bars.session.day
        seen = assets.walk([bars.session])
        when = from_epoch_day(day)
        month = np.array([when.year * 100 + when.month])
        forecasts.walk(np.array([day]), month, seen, [MacroState()])
        alive, rules = markets.alive(day), {rule.NAME: rule for rule in forecasts.rules}
        signals = forecasts.signals()
        now = {name: signals[name] for name in ("tsmom", "ewmac", "breakout")}
        flips = rules["tsmom"].momentum.flips.astype(float)
        now |= {"volatility": markets.sigma(), "flips": flips}
        ewmac, breakout = rules["ewmac"].ewmac, rules["breakout"].breakout
        spans = ewmac.by_span(markets.sigma_price())
        now |= {f"ewmac {k}": f for k, f in zip(ewmac.fast_spans, spans, strict=True)}
        spans = breakout.by_horizon()
        now |= {f"breakout {k}": f for k, f in zip(breakout.horizons, spans, strict=True)}
        spans = forecasts.carry.by_span()
        now |= {f"carry {k}": f for k, f in zip(CHOSEN.carry_smoothing, spans, strict=True)}
        current = forecasts.current(alive)
        now |= {name: current[name] for name in ("carry", "relative value", "directional")}
        value = np.where(alive, forecasts.carry.sharpe(), np.nan)
        for method in Comparison:
            now[f"cross section {method}"] = cross_section_forecast(value, classes, method, 0.3, 2)
        for name, one in now.items():
            rows.setdefault(name, []).append(one)
    return {name: np.array(one) for name, one in rows.items()}


RULES = [
    "tsmom",
    *(f"ewmac {span}" for span in (2, 4, 8, 16, 32, 64)),
    "ewmac",
    *(f"breakout {horizon}" for horizon in (10, 20, 40, 80, 160, 320)),
    "breakout",
    *(f"carry {span}" for span in (5, 20, 60, 120)),
    "carry",
    *(f"cross section {method}" for method in Comparison),
    "relative value",
    "directional",
]


class TestAgainstTheCore:
    def test_every_rule_is_there(self):
        assert list(vectorised()) == RULES

    @pytest.mark.parametrize("rule", RULES)
    def test_incremental_equals_vectorised(self, rule):
        ours, theirs = vectorised()[rule], incremental()[rule]
        assert np.isfinite(theirs).mean() > 0.3
        np.testing.assert_array_equal(np.isfinite(ours), np.isfinite(theirs))
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-10)

    def test_volatility(self):
        ours = volatility_columns(panel(), CHOSEN)
        np.testing.assert_allclose(ours, incremental()["volatility"], rtol=1e-10, atol=1e-14)

    def test_flips(self):
        sigma = volatility_columns(panel(), CHOSEN)
        flipped = tsmom_columns(panel(), CHOSEN, sigma)[2]
        counted = np.cumsum(flipped, axis=0)
        assert counted[-1].sum() > 5
        np.testing.assert_array_equal(counted, incremental()["flips"])

    def test_the_data_has_what_the_comparison_is_for(self):
        data, codes = panel(), panel().codes
        assert (data.price[:, codes.index("EN1")] < 0).any()
        assert np.isnan(data.price[:85, codes.index("EQ3")]).all()
        assert not data.alive[440, codes.index("MT1")]
        assert (~data.seen[200:]).mean() > 0.03
        assert data.rolled.sum() > 20
        carry = incremental()["carry"][:, codes.index("FX1")]
        assert np.isnan(carry[370])
        assert np.isfinite(carry[[290, -1]]).all()


def test_without_flips_the_month_keeps_its_forecast():
    sigma = volatility_columns(panel(), CHOSEN)
    held, fresh, flipped = tsmom_columns(panel(), CHOSEN, sigma, flips=False)
    assert not flipped.any()
    for market in range(held.shape[1]):
        rows = panel().seen[:, market] & np.isfinite(held[:, market])
        for month in np.unique(panel().month[rows]):
            inside = np.flatnonzero(rows & (panel().month == month))
            assert (held[inside, market] == fresh[inside[0], market]).all()


def test_zero_threshold_flips_on_every_change_of_sign():
    chosen = replace(CHOSEN, tsmom_flip_threshold=0.0)
    sigma = volatility_columns(panel(), chosen)
    held, fresh, _ = tsmom_columns(panel(), chosen, sigma)
    known = np.isfinite(held) & panel().seen
    np.testing.assert_array_equal(np.sign(held[known]), np.sign(fresh[known]))


class TestNoLookAhead:
    @pytest.mark.parametrize("rows", [150, 333, 500])
    def test_forecasts_of_a_prefix(self, rows):
        cut = vectorised_forecasts(panel().until(rows), CHOSEN)
        for rule, forecast in cut.items():
            np.testing.assert_allclose(forecast, vectorised()[rule][:rows], rtol=0, atol=1e-12)

    def test_panel_of_a_prefix(self):
        whole, rows = panel(), 400
        last = int(whole.day[rows - 1])
        cut = market_panel(dataset().between(0, last), CHOSEN, START, END)
        for field in fields(whole):
            ours, theirs = getattr(cut, field.name), getattr(whole, field.name)
            if isinstance(ours, np.ndarray):
                np.testing.assert_array_equal(ours, theirs[:rows])


@given(
    value=arrays(
        float, (6, 9), elements=st.one_of(st.just(np.nan), st.integers(-4, 4).map(lambda k: k / 4))
    ),
    classes=arrays(np.int64, 9, elements=st.integers(0, 2)),
    fraction=st.sampled_from([0.1, 0.25, 0.34, 0.5]),
    cap=st.sampled_from([1.0, 2.0]),
)
@hypothesis_settings(max_examples=60, deadline=None)
def test_cross_sections_with_ties_and_tiny_buckets(value, classes, fraction, cap):
    for method in Comparison:
        ours = cross_section_columns(value, classes, method, fraction, cap)
        for day in range(len(value)):
            theirs = cross_section_forecast(value[day], classes, method, fraction, cap)
            np.testing.assert_allclose(ours[day], theirs, rtol=0, atol=1e-12)
    ours = cross_section_columns(value, classes, "relative value", fraction, cap)
    for day in range(len(value)):
        theirs = cohort_in_buckets(value[day], classes, fraction)
        np.testing.assert_allclose(ours[day], theirs, rtol=0, atol=1e-12)


class TestClassCarry:
    def test_rates_count_from_the_day_they_were_known(self):
        days = weekdays(MONDAY, 120)
        chosen = replace(CHOSEN, carry_source="class")
        tenors = {"usd.3m": 0.01, "usd.5y": 0.02, "usd.10y": 0.03}
        macro = {
            name: MacroSeries(name, days[60::5], np.full(12, rate)) for name, rate in tenors.items()
        }
        data = made_up_dataset(120, 4).select(["BD1"]).with_macro(macro, [])
        with_rates = market_panel(data, chosen, START, END)
        curve = YieldCurve((0.25, 5.0, 10.0), (0.01, 0.02, 0.03))
        expected = bond_carry(curve, 0.01, 6.5) * with_rates.price[:, 0]
        known = with_rates.day >= days[60]
        raw = with_rates.raw_carry[:, 0]
        np.testing.assert_allclose(raw[known], expected[known], rtol=1e-12)
        paired = ~known & np.isfinite(raw)
        assert paired.sum() > 40
        assert not np.isclose(raw[paired], expected[paired]).any()

    def test_the_basis_needs_no_sources(self):
        assert panel().raw_carry is None


def test_no_session_is_said():
    with pytest.raises(DataError, match="made up has no session between 1990-01-01 and 1990-12-31"):
        market_panel(dataset(), CHOSEN, date(1990, 1, 1), date(1990, 12, 31))


def test_progress_reaches_the_end():
    calls = []
    market_panel(
        made_up_dataset(70, 4).select(["EQ1"]),
        CHOSEN,
        START,
        END,
        progress=lambda done, total: calls.append((done, total)),
    )
    assert calls[0] == (1, calls[-1][1])
    assert calls[-1][0] == calls[-1][1]
