"""Tables of intermediates against the rules' column twins and the chain's own continuous series."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from algorithm.settings import Settings
from alpha.rules import RULES
from alpha.rules.rule import Style
from research.data.errors import DataError
from research.panels.forecasts import vectorised_forecasts
from research.panels.markets import market_panel
from research.panels.signal_tables import ROLLS, file_name, signal_tables
from research.synthetic.market import synthetic_market
from universe.arrays import to_epoch_day

CODES = ["ES", "ZN", "CL", "GC", "NG"]
SETTINGS = Settings(
    start="2001-01-02",
    end="2002-12-31",
    warmup_days=0,
    cost_by_speed=False,  # the column twins have all speeds
    trend_rules=" ".join(rule.NAME for rule in RULES if rule.STYLE is Style.TREND),
    carry_rules=" ".join(rule.NAME for rule in RULES if rule.STYLE is Style.CARRY),
)


@pytest.fixture(scope="module")
def data():
    return synthetic_market(codes=CODES, seed=3).between(
        to_epoch_day(SETTINGS.first_day), to_epoch_day(SETTINGS.last_day)
    )


@pytest.fixture(scope="module")
def tables(data):
    return signal_tables(data, SETTINGS)


@pytest.fixture(scope="module")
def panel(data):
    return market_panel(data, SETTINGS, SETTINGS.first_day, SETTINGS.last_day, spreads=True)


@pytest.fixture(scope="module")
def twins(panel):
    return vectorised_forecasts(panel, SETTINGS)


def test_each_rule_has_its_intermediates(tables):
    groups = {name.partition("/")[0] for name in tables}
    chosen = {*SETTINGS.trend_rules.split(), *SETTINGS.carry_rules.split()}
    assert groups == chosen | {"prices", "sleeves"}
    for name in ("tsmom/raw", "tsmom/scaled", "tsmom/capped", "tsmom/held", "ewmac/64-raw"):
        assert tables[name].notna().to_numpy().any(), name
    raw, scaled = tables["ewmac/16-raw"], tables["ewmac/16-scaled"]
    ready = scaled.notna().to_numpy()
    assert (np.sign(raw.to_numpy()[ready]) == np.sign(scaled.to_numpy()[ready])).all()
    assert tables["ewmac/16-capped"].equals(scaled.clip(-2, 2))
    assert list(tables["sleeves/trend"].columns) == CODES
    assert tables["sleeves/trend"].index.name == "date"


@pytest.mark.parametrize(
    ("table", "twin"),
    [
        ("ewmac/32-capped", "ewmac 32"),
        ("ewmac/combined", "ewmac"),
        ("breakout/combined", "breakout"),
        ("tsmom/held", "tsmom"),
        ("smoothed/combined", "carry"),
        ("directional/forecast", "directional"),
        ("relative_value/forecast", "relative value"),
        ("cross_section/forecast", "cross section zscore"),
        ("calendar/capped", "calendar"),
    ],
)
def test_tables_agree_with_the_column_twins(tables, twins, table, twin):
    expected = twins[twin]
    assert np.isfinite(expected).any()
    np.testing.assert_allclose(tables[table].to_numpy(), expected, atol=1e-10)


def test_a_raw_breakout_is_the_smoothed_place_in_the_range(tables):
    own = tables["prices/additive"]["GC"].dropna()
    low, high = own.rolling(40).min(), own.rolling(40).max()
    expected = ((own - low) / (high - low) - 0.5).ewm(span=10).mean().dropna()
    raw = tables["breakout/40-raw"]["GC"][expected.index]
    np.testing.assert_allclose(raw, expected, atol=1e-9)
    scaled = tables["breakout/40-scaled"]["GC"][expected.index]
    np.testing.assert_allclose(scaled, 4.0 * 0.926 * expected, atol=1e-9)  # mean 1, not 10


def test_the_additive_series_is_the_one_that_decisions_use(tables, panel):
    mine = tables["prices/additive"].to_numpy()
    known = np.isfinite(mine)
    assert known.mean() > 0.9
    np.testing.assert_allclose(mine[known], panel.adjusted[known], rtol=1e-9)
    rolls = tables[ROLLS]
    assert set(rolls["market"]) == set(CODES)
    assert len(rolls) == panel.rolled.sum()


def test_adjustments_agree_with_each_other(tables):
    ratio, log = tables["prices/ratio"], tables["prices/log"]
    np.testing.assert_allclose(np.log(ratio.to_numpy()), log.to_numpy(), atol=1e-9)
    returns = tables["prices/return"]["GC"].dropna()
    change = ratio["GC"].dropna().pct_change().reindex(returns.index)
    pd.testing.assert_series_equal(change.iloc[1:], returns.iloc[1:], check_names=False, atol=1e-9)


def test_names_are_those_of_files():
    assert file_name("ex-ante Sharpe ratio") == "ex-ante-sharpe-ratio"


def test_no_session_is_named(data):
    late = dataclasses.replace(SETTINGS, start="2010-01-04", end="2010-12-31")
    with pytest.raises(DataError, match="no session between 2010-01-04 and 2010-12-31"):
        signal_tables(data, late)
