"""Margin, cash and bills of hand-made runs."""

from datetime import date

import numpy as np
import pytest

from algorithm.decision_line import MarketFacts
from portfolio.cash import CashSettings
from portfolio.collateral import discount_rate
from research.compliance.collateral import (
    collateral_path,
    margin_path,
)
from risk.margin import INITIAL, MULTIPLE, MarginDates
from tests.research.fake_result import small_result
from universe.arrays import to_epoch_day
from universe.instruments import AssetClass

CASH = CashSettings()
DAYS = 40
FIRST = to_epoch_day(date(2020, 1, 1))


def run(**changes):
    """Two contracts of 50,000 each held in a fund of a million, sessions of 1 % up and down."""
    swing = np.where(np.arange(100) % 2, 0.01, -0.01)[:, None]
    values = {
        "contracts": np.full((DAYS, 1), 2), "unit_value": np.full((DAYS, 1), 50_000.0),
        "facts": [MarketFacts("M0", "equity", "EUR", 50.0, 2.0, "EUR")],
        "history_ret": swing, "history_seen": np.ones((100, 1), dtype=bool),
        "rate": np.full((DAYS, 1), 1.25), "es_one_day": np.full(DAYS, 0.02),
        "sigma": np.full((DAYS, 1), 0.01),
    }  # fmt: skip
    return small_result([1e6] * DAYS, **{**values, **changes})


def test_margin_by_the_model():
    initial, maintenance = margin_path(run())
    expected = 2 * MULTIPLE[AssetClass.EQUITY] * 50_000 * 0.01 / 1e6
    np.testing.assert_allclose(maintenance[:, 0], expected)
    np.testing.assert_allclose(initial[:, 0], expected * INITIAL)


def test_a_dated_margin_in_the_quote_s_currency_from_its_day_on():
    result = run()
    day = int(result.day[10])
    dates = {"M0": MarginDates(np.array([day]), np.array([4400.0]), np.array([4000.0]))}
    initial, _ = margin_path(result, dates)
    assert initial[9, 0] == pytest.approx(0.0044)
    assert initial[10, 0] == pytest.approx(2 * 4400 * 1.25 / 1e6)


def test_a_margin_that_is_not_known_is_not_zero():
    unknown = run(unit_value=np.full((DAYS, 1), np.nan))
    assert np.isnan(margin_path(unknown)[0]).all()
    flat = run(contracts=np.zeros((DAYS, 1), dtype=np.int64))
    assert not margin_path(flat)[0].any()


def test_without_a_rate_all_is_cash():
    path = collateral_path(run())
    np.testing.assert_allclose(path.cash, 1.0)
    assert not path.bills.any()
    assert not path.earned.any()


def test_bills_earn_their_yield_and_cash_covers_the_shock():
    days = int(run().day[-1]) - FIRST
    path = collateral_path(run(), (np.array([FIRST - 10]), np.array([0.04])))
    np.testing.assert_allclose(path.cash + path.bills - path.earned, 1.0, atol=1e-9)
    assert np.all(path.cash >= max(CASH.least_cash, 1.1 * CASH.stress_shortfalls * 0.02) - 0.003)
    assert path.variation[0] == pytest.approx(CASH.stress_shortfalls * 0.02)
    held = float(path.bills.mean())
    assert path.earned.sum() == pytest.approx(0.04 * held * days / 365, rel=0.03)
    assert not path.short.any()


def test_a_shock_beyond_cash_and_bills_is_short():
    crash = run(es_one_day=np.full(DAYS, 0.6))
    path = collateral_path(crash)
    needed = CASH.margin_raise * path.margin + CASH.stress_shortfalls * 0.6 - 1.0
    np.testing.assert_allclose(path.short, needed)


def test_discount_rate_gives_the_yield_back():
    """365 d / (360 - d t) is the bond-equivalent yield of a discount d (Federal Reserve, H.15)."""
    for discount in (0.0, 0.0237, 0.15):
        bond_equivalent = 365 * discount / (360 - 91 * discount)
        assert discount_rate(bond_equivalent) == pytest.approx(discount)
