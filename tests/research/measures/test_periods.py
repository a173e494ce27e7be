"""Sub-periods, crises and time under water by hand; the rolling ratio against pandas."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from research.measures import periods
from research.measures.benchmark import Benchmark
from research.measures.performance import sharpe
from tests.research.fake_result import fake_result, small_result, weekdays
from universe.arrays import to_epoch_day


def long_run(years: int = 12, start: int = 1998):
    rng = np.random.default_rng(8)
    day = weekdays(date(start, 1, 1), 261 * years)
    nav = 100 * np.cumprod(1 + 0.0004 + 0.006 * rng.standard_normal(len(day)))
    return small_result(nav.tolist(), day=day)


def test_sub_periods_are_calendar_blocks_that_multiply_to_the_run() -> None:
    run = long_run()
    *rows, whole = periods.sub_periods(run)
    assert [row.label for row in rows] == ["1998-1999", "2000-2004", "2005-2009", "2010"]
    assert sum(row.sessions for row in rows) == whole.sessions == len(run.day) - 1
    year = pd.to_datetime(run.day[1:], unit="D").year
    inside = np.asarray((year >= 2000) & (year <= 2004))
    assert rows[1].sharpe == pytest.approx(sharpe(run.returns[inside], run.sessions_a_year))
    before = run.nav[1:][year <= 1999][-1]
    span = (run.day[1:][inside][-1] - run.day[1:][year <= 1999][-1]) / 365.25
    growth = run.nav[1:][inside][-1] / before
    assert rows[1].ret == pytest.approx(growth ** (1 / span) - 1)
    assert np.isnan(rows[-1].ret) == (rows[-1].sessions < 60)
    assert max(row.drawdown for row in rows) <= whole.drawdown + 1e-12


def test_the_interval_covers_a_known_ratio_at_its_rate() -> None:
    """Of independent normal returns with ratio 1 about 90 % of the intervals hold 1."""
    rng = np.random.default_rng(1)
    hits, tries = 0, 60
    for _ in range(tries):
        low, high = periods.sharpe_interval(
            (1 / 252 + rng.standard_normal(1000) / 252**0.5) * 0.1, 252.0, samples=200
        )
        hits += low < 1 < high
    assert 0.78 <= hits / tries <= 0.98
    assert all(np.isnan(periods.sharpe_interval(rng.standard_normal(100), 252.0)))


def test_crises_are_measured_from_the_close_of_the_high() -> None:
    run = long_run(12, 2000)
    run.benchmark = Benchmark("x", np.concatenate([[0.0], run.returns / 2]))
    rows = periods.crisis_table(run)
    assert [row.crisis.name for row in rows] == ["2008", "2011"]
    first = int(np.flatnonzero(run.day == to_epoch_day(date(2007, 10, 9)))[0])
    last = int(np.flatnonzero(run.day == to_epoch_day(date(2009, 3, 9)))[0])
    assert rows[0].ret == pytest.approx(run.nav[last] / run.nav[first] - 1)
    assert rows[0].benchmark == pytest.approx(np.prod(1 + run.returns[first:last] / 2) - 1)
    assert rows[0].last == run.day[last]
    assert periods.crisis_table(fake_result(60, 2)) == []


def test_the_best_and_the_worst_class_of_a_crisis() -> None:
    run = long_run(12, 2000)
    inside = np.flatnonzero(run.day == to_epoch_day(date(2008, 6, 2)))[0]
    pnl = np.zeros((len(run.day), 3))
    pnl[inside] = np.array([0.02, -0.03, 0.0]) * run.nav[inside - 1]
    run = replace(
        run, markets=["A", "B", "C"], classes=["bond", "fx", "metal"], pnl=pnl, cost=0 * pnl
    )
    row = periods.crisis_table(run)[0]
    assert row.best == ("bond", pytest.approx(0.02))
    assert row.worst == ("fx", pytest.approx(-0.03))
    assert np.isnan(row.benchmark)


def test_time_under_water() -> None:
    day = np.array([0, 1, 2, 10, 11, 30, 31])
    water = periods.under_water(small_result([10, 9, 11, 10, 12, 11, 11.5], day=day))
    assert water.share == pytest.approx(4 / 7)
    assert (water.longest, water.present) == (20, 20)
    risen = periods.under_water(small_result([1.0, 2.0]))
    assert (risen.share, risen.longest, risen.present) == (0.0, 0, 0)


def test_the_rolling_ratio_is_pandas() -> None:
    run = fake_result(500, 5)
    rolling = pd.Series(run.returns).rolling(100)
    expected = (rolling.mean() / rolling.std() * run.sessions_a_year**0.5).to_numpy()
    got = periods.rolling_sharpe(run, 100)
    np.testing.assert_allclose(got[1:], expected, rtol=1e-8)
    assert np.isnan(periods.rolling_sharpe(run, 501)).all()
