"""The figures of agreement and flips show the numbers of the tables, for any run."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from matplotlib.axes import Axes
from research.pages.style import Panel

from research.engine.result import Event, RunResult
from research.measures.sleeve_views import SHOWN, State, agreement, agreement_table
from research.pages.sleeve_plots import agreement_panels, agreement_profit_panel, flips_panel
from research.pages.text import percent, signed
from tests.research.fake_result import fake_result, small_result

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def run() -> RunResult:
    result = fake_result(500, 8, 3)
    result.events.append(Event(int(result.day[9]), "flip", result.markets[0], "x"))
    return result


@pytest.fixture(scope="module")
def panels(run: RunResult) -> list[Panel]:
    return [*agreement_panels(run, agreement(run)), flips_panel(run)]


def texts(panel: Panel) -> list[str]:
    root = ET.fromstring(panel.svg)
    return ["".join(node.itertext()).strip() for node in root.iter(f"{SVG}text")]


def test_titles_hold_the_tables_numbers(run: RunResult, panels: list[Panel]) -> None:
    whole = agreement_table(run, agreement(run))[-1]
    for kind in SHOWN:
        assert f"{percent(whole.share[kind], 0)}" in panels[0].title
    for kind in (State.AGREE, State.CONFLICT):
        profit = whole.profit[kind]
        assert f"{signed(profit.sharpe)} ± {signed(profit.error)} where" in panels[1].title
    assert "recomputations: 1, " in panels[2].title


def test_every_market_and_class_is_named(run: RunResult, panels: list[Panel]) -> None:
    assert set(run.markets) | set(run.classes) <= set(texts(panels[0]))
    assert {*run.classes, "all", "agree", "conflict", "one only"} <= set(texts(panels[1]))
    assert set(run.classes) <= set(texts(panels[2]))


def test_a_synthetic_market_is_named_and_colours_follow_the_page(panels: list[Panel]) -> None:
    ids = [name for panel in panels for name in re.findall(r'\bid="([^"]+)"', panel.svg)]
    assert len(ids) == len(set(ids))
    for panel in panels:
        assert "synthetic market" in texts(panel)
        assert panel.title.endswith("[synthetic market]")
        assert not re.search(r"(?:fill|stroke): #[0-9a-f]{6}", panel.svg)
        assert not re.search(r"\bnan\b", panel.svg)


def test_bars_are_the_sharpe_ratios(run: RunResult, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[np.ndarray] = []
    bar = Axes.bar

    def watched(
        self: Axes, x: object, height: np.ndarray, *rest: object, **named: object
    ) -> object:
        drawn.append(np.asarray(height, dtype=float))
        return bar(self, x, height, *rest, **named)

    monkeypatch.setattr(Axes, "bar", watched)
    found = agreement(run)
    agreement_profit_panel(run, found)
    rows = agreement_table(run, found)
    for heights, kind in zip(drawn, (State.AGREE, State.CONFLICT), strict=True):
        np.testing.assert_allclose(heights, [row.profit[kind].sharpe for row in rows])


@pytest.mark.parametrize("sessions", [1, 2, 40])
def test_runs_without_forecasts_or_profit_are_drawn(sessions: int) -> None:
    empty = small_result([100.0] * sessions)
    for panel in agreement_panels(empty, agreement(empty)):
        assert not re.search(r"\bnan\b", panel.svg)
        assert "–" in panel.title
    assert "recomputations: 0, 0.0 per" in flips_panel(empty).title
