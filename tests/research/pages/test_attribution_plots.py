"""The figures of carry and spot show the numbers of the tables."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.engine.result import RunResult
from research.measures.attribution import COMMODITIES, FX, GROUPS, attribute
from research.pages.attribution_plots import (
    LEAST_CAPTURE,
    MOST_BINS,
    MOST_CAPTURE,
    attribution_panels,
    bin_edges,
    capture_panel,
    carry_spot_panel,
)
from research.pages.charts import Bars, Line, Panel, Ranges, Words
from tests.research.fake_result import fake_result, small_result


def quoted(days: int = 500, *, synthetic: bool = True, sign: float = 1.0) -> RunResult:
    """The fake run whose positions all earn carry, or all pay it."""
    result = fake_result(days, 8, 3, synthetic=synthetic)
    result.carry_per_contract = sign * 3000.0 * np.sign(result.contracts)
    return result


@pytest.fixture(scope="module")
def run() -> RunResult:
    return quoted()


@pytest.fixture(scope="module")
def panels(run: RunResult) -> list[Panel]:
    return attribution_panels(run)


def words(panel: Panel) -> list[str]:
    """Texts in the plots and what their legends and axes say."""
    out = []
    for plot in panel.plots:
        out += [plot.title, *plot.ticks, *(mark.name for _, mark in plot.legend())]
        out += [mark.text for mark in plot.marks if isinstance(mark, Words)]
    return out


def bars_of(panel: Panel, plot: int = 0) -> list[Bars]:
    return [mark for mark in panel.plots[plot].marks if isinstance(mark, Bars)]


def test_the_lines_end_at_the_tables_sums(run: RunResult, panels: list[Panel]) -> None:
    total = attribute(run).total().loc["all"]
    lines = [mark for mark in panels[0].plots[0].marks if isinstance(mark, Line)]
    for name, line in zip(("total", "carry", "spot"), lines, strict=True):
        assert line.y[-1] == pytest.approx(total[name])
        shown = line.name.removeprefix(f"{name} ").removesuffix(" %").replace("−", "-")
        assert float(shown) == pytest.approx(100 * total[name], abs=0.51)
    assert "(Roberts (2017): 3.4 %, 1.5 %)" in panels[0].note
    assert "(Roberts (2017): −0.7 %, 5.5 %)" in panels[0].note
    assert "Volatility futures count as equity indices" in panels[1].note


def test_the_shares_of_the_quarters_add_up(panels: list[Panel]) -> None:
    for bars in bars_of(panels[0], 1):
        assert bars.height.sum() == pytest.approx(1.0)


def test_the_bars_are_the_capture_ratios(run: RunResult, panels: list[Panel]) -> None:
    split = attribute(run)
    ours, published = bars_of(panels[1])
    classes = split.by_class()["capture"]
    expected = [*(classes[name] for name in GROUPS), split.total().loc["all", "capture"]]
    np.testing.assert_allclose(ours.height, np.clip(expected, LEAST_CAPTURE, MOST_CAPTURE))
    assert list(published.height) == [1.0, 1.0, 0.4, 0.4, 0.79]
    said = words(panels[1])
    assert said.count("above 100 %") == said.count("about 40 %") == 2
    assert {"79 %", "this run", "Roberts (2017)", "Fixed income"} <= set(said)
    for value in expected:
        text = f"{100 * value:,.0f} %".replace("-", "−")
        assert text in said or f"{text} (cut)" in said


def test_a_class_without_a_ratio_says_why() -> None:
    losing = quoted(sign=-1.0)
    split = attribute(losing)
    panel = capture_panel(split)
    said = " ".join(words(panel))
    assert said.count("no ratio:") == 5
    assert "carry is" in said
    assert not any(isinstance(mark, Ranges) for mark in panel.plots[0].marks)
    assert "captured" not in carry_spot_panel(split).title
    one = small_result([1.0] * 3, classes=["energy"], carry_per_contract=np.ones((3, 1)))
    split = attribute(one)
    said = " ".join(words(capture_panel(split)))
    assert list(split.by_class().index) == [COMMODITIES]
    assert said.count("no market of") == 3
    assert said.count("never held") == 2
    assert FX.capitalize() in said
    assert "no whole quarter" in carry_spot_panel(split).plots[1].title


def test_a_period_of_the_run_is_drawn_alone(run: RunResult) -> None:
    cut = attribute(run).between(date(1991, 1, 1), date(1991, 9, 30))
    panel, _ = attribution_panels(run, cut)
    assert panel.plots[1].title == "Distribution of 3 quarterly returns"
    line = panel.plots[0].marks[1]
    assert isinstance(line, Line)
    assert line.x is not None
    assert (line.x[0], line.x[-1]) == (cut.base, cut.end)
    assert len(line.x) == len(line.y)


def test_one_session_has_no_figure() -> None:
    lone = small_result([1.0], carry_per_contract=np.ones((1, 1)))
    with pytest.raises(ValueError, match="attribution of hand-made: a figure needs at least two"):
        attribution_panels(lone)
    with pytest.raises(ValueError, match="is missing"):
        attribution_panels(small_result([1.0, 2.0]))


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=40))
def test_bins_hold_every_quarter_and_break_at_zero(values: list[float]) -> None:
    edges = bin_edges(np.array(values))
    assert 1 <= len(edges) - 1 <= MOST_BINS
    counts, _ = np.histogram(values, edges)
    assert counts.sum() == len(values)
    assert np.ptp(np.diff(edges)) < 1e-9
    if max(values) - min(values) < 1.0:
        assert np.abs(edges).min() < 1e-12
