"""Rolls of a market that only a continuous series is known of: when they are due, and who pays."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from research.data.dataset import Dataset, MarketHistory
from research.engine.feed import Feed
from universe.arrays import FloatArray, IntArray, from_epoch_day
from universe.listing import PERPETUAL_MONTH, estimated_rolls
from universe.master import MASTER


def weekdays(first: str, last: str) -> IntArray:
    days = pd.date_range(first, last, freq="B").values.astype("datetime64[D]").astype(np.int64)
    return np.asarray(days)


@pytest.mark.parametrize("code", ["6C", "6S", "SI"])
def test_as_many_rolls_a_year_as_contracts_are_held(code: str) -> None:
    """The markets whose real data are a continuous series."""
    rolls = estimated_rolls(MASTER[code], weekdays("2001-01-01", "2010-12-31"))
    years = [from_epoch_day(int(day)).year for day in rolls]
    assert np.bincount(years)[2001:].tolist() == [len(MASTER[code].hold_months)] * 10


@pytest.mark.parametrize("code", ["6C", "6S"])
def test_currencies_roll_in_the_week_before_the_third_wednesday_of_a_quarter(code: str) -> None:
    for day in estimated_rolls(MASTER[code], weekdays("2001-01-01", "2010-12-31")).tolist():
        traded = from_epoch_day(day)
        assert traded.month in (3, 6, 9, 12)
        first = date(traded.year, traded.month, 1)
        third_wednesday = first + timedelta(days=(2 - first.weekday()) % 7 + 14)
        assert 5 <= (third_wednesday - traded).days <= 10


def test_silver_rolls_before_the_month_of_delivery() -> None:
    for day in estimated_rolls(MASTER["SI"], weekdays("2001-01-01", "2010-12-31")).tolist():
        month = from_epoch_day(day).month % 12 + 1
        assert month in (3, 5, 7, 9, 12)


def test_the_feed_has_positions_pay_on_these_days() -> None:
    days = weekdays("2001-01-01", "2002-12-31")
    none: FloatArray = np.full(len(days), np.nan)
    close = np.linspace(0.6, 0.7, len(days))
    first = np.zeros(len(days), dtype=np.int64)
    history = MarketHistory(
        instrument=MASTER["6C"],
        contract_month=np.array([PERPETUAL_MONTH]),
        expiry=np.array([10**6]),
        day=days,
        contract=first,
        open=close,
        high=close,
        low=close,
        close=close,
        volume=none,
        open_interest=none,
        mapped_from=days[:1],
        mapped_contract=first[:1],
    )
    feed = Feed(Dataset("made up", True, {"6C": history}, {}), int(days[0]), int(days[-1]))
    paying = [bars.session.day for bars in feed if bars.rolling == [0]]
    assert paying == estimated_rolls(MASTER["6C"], days).tolist()
    assert len(paying) == 8
