"""The figures of agreement and flips show the numbers of the tables, for any run."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from research.engine.result import Event, RunResult
from research.measures.sleeve_views import SHOWN, STATE_TEXT, State, agreement, agreement_table
from research.pages.charts import Bars, Heat, Panel, Ranges
from research.pages.sleeve_plots import agreement_panels, agreement_profit_panel, flips_panel
from research.pages.text import percent, signed
from tests.research.fake_result import fake_result, small_result


@pytest.fixture(scope="module")
def run() -> RunResult:
    result = fake_result(500, 8, 3)
    result.events.append(Event(int(result.day[9]), "flip", result.markets[0], "x"))
    return result


@pytest.fixture(scope="module")
def panels(run: RunResult) -> list[Panel]:
    return [*agreement_panels(run, agreement(run)), flips_panel(run)]


def test_titles_hold_the_tables_numbers(run: RunResult, panels: list[Panel]) -> None:
    whole = agreement_table(run, agreement(run))[-1]
    for kind in SHOWN:
        assert f"{percent(whole.share[kind], 0)}" in panels[0].title
    for kind in (State.AGREE, State.CONFLICT):
        profit = whole.profit[kind]
        assert f"{signed(profit.sharpe)} ± {signed(profit.error)} where" in panels[1].title
    assert "recomputations: 1, " in panels[2].title


def test_every_market_and_class_is_named(run: RunResult, panels: list[Panel]) -> None:
    shares, strength = panels[0].plots
    (heat,) = strength.marks
    assert isinstance(heat, Heat)
    assert sorted(heat.rows) == sorted(run.markets)
    assert strength.rows == heat.rows
    assert [group for group in dict.fromkeys(heat.groups)] == sorted(set(run.classes))
    assert all(name in strength.title for name in run.classes)
    assert {mark.name for _, mark in shares.legend()} == {STATE_TEXT[kind] for kind in SHOWN}
    assert panels[1].plots[1].ticks == [*sorted(set(run.classes)), "all"]


def test_the_shares_of_a_month_fill_it(panels: list[Panel]) -> None:
    bars = [mark for mark in panels[0].plots[0].marks if isinstance(mark, Bars)]
    top = np.asarray(bars[-1].base) + bars[-1].height
    known = top > 0
    np.testing.assert_allclose(top[known], 1.0)
    for lower, upper in pairwise(bars):
        np.testing.assert_allclose(np.asarray(lower.base) + lower.height, upper.base)


def test_bars_are_the_sharpe_ratios(run: RunResult) -> None:
    found = agreement(run)
    marks = agreement_profit_panel(run, found).plots[1].marks
    rows = agreement_table(run, found)
    bars = [mark for mark in marks if isinstance(mark, Bars)]
    lines = [mark for mark in marks if isinstance(mark, Ranges)]
    for bar, line, kind in zip(bars, lines, (State.AGREE, State.CONFLICT), strict=True):
        np.testing.assert_allclose(bar.height, [row.profit[kind].sharpe for row in rows])
        errors = [row.profit[kind].error for row in rows]
        np.testing.assert_allclose(line.high - line.low, 2 * np.array(errors))


@pytest.mark.parametrize("sessions", [1, 2, 40])
def test_runs_without_forecasts_or_profit_are_drawn(sessions: int) -> None:
    empty = small_result([100.0] * sessions)
    for panel in agreement_panels(empty, agreement(empty)):
        assert "–" in panel.title
    assert "recomputations: 0, 0.0 per" in flips_panel(empty).title
