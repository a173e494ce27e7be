"""Books to compare with have their volatility by the calendar they are measured by."""

from types import SimpleNamespace

import numpy as np
import pytest

from research.studies.simple_books import EqualRisk
from tests.helpers import weekdays
from universe.arrays import sessions_a_year


def scaled(days, returns, sigma):
    """Weights of a book at 10 % a year after sessions of those days."""
    book, markets = EqualRisk(2, 0.1, by_trend=False), SimpleNamespace(sigma=lambda: sigma)
    for day, row in zip(days.tolist(), returns, strict=True):
        book.observe(day, markets, row)
    return book.wanted(markets, np.ones(2))


def test_the_target_is_of_the_sessions_a_year_that_there_are():
    """Of all weekdays there are 261 a year, of an exchange that is shut on one in 25 250."""
    rng, sigma = np.random.default_rng(3), np.array([0.01, 0.004])
    every = weekdays(16_000, 800)
    some = every[np.arange(800) % 25 != 7]
    returns = sigma * rng.standard_normal((800, 2))
    all_days, fewer = scaled(every, returns, sigma), scaled(some, returns[: len(some)], sigma)
    assert sessions_a_year(every) == pytest.approx(260.9, abs=0.1)
    assert sessions_a_year(some) == pytest.approx(250.4, abs=0.3)
    same = scaled(every[: len(some)], returns[: len(some)], sigma)
    ratio = np.sqrt(sessions_a_year(every[: len(some)]) / sessions_a_year(some))
    np.testing.assert_allclose(fewer / same, ratio, rtol=1e-12)
    expected = np.sqrt((0.5 * returns[-200:] / sigma).sum(axis=1).var() * 260.9)
    np.testing.assert_allclose(all_days * sigma, 0.1 / expected * 0.5, rtol=0.15)
