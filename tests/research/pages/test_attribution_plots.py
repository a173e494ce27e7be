"""The figures of carry and spot show the numbers of the tables, labelled and self-contained."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import date
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from research.pages.style import Panel

from research.engine.result import RunResult
from research.measures.attribution import COMMODITIES, FX, GROUPS, attribute
from research.pages import attribution_plots
from research.pages.attribution_plots import (
    MOST_BINS,
    attribution_panels,
    bin_edges,
    capture_panel,
    carry_spot_panel,
    spread,
)
from tests.research.fake_result import fake_result, small_result

SVG = "{http://www.w3.org/2000/svg}"


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


def texts(panel: Panel) -> list[str]:
    """Words of the drawing; it parses as XML."""
    root = ET.fromstring(panel.svg)
    return ["".join(node.itertext()).strip() for node in root.iter(f"{SVG}text")]


def test_a_synthetic_market_is_named_in_every_figure(panels: list[Panel]) -> None:
    assert [panel.key for panel in panels] == ["carry-spot", "capture"]
    for panel in panels:
        assert panel.title.endswith("[synthetic market]")
        assert "synthetic market" in texts(panel)
    for panel in attribution_panels(quoted(synthetic=False)):
        assert "synthetic" not in panel.title + panel.note + panel.svg


def test_the_figures_need_nothing_and_share_no_ids(panels: list[Panel]) -> None:
    ids = [name for panel in panels for name in re.findall(r'\bid="([^"]+)"', panel.svg)]
    assert len(ids) == len(set(ids))
    for panel in panels:
        links = re.findall(r'href="([^"]*)"|url\(([^)]*)\)', panel.svg)
        assert all((a or b).startswith("#") for a, b in links)
        assert not re.search(r"nan|inf\b", panel.svg)
        assert not re.search(r"#[0-9a-f]{6}\b", panel.svg), "a colour outside the theme"


def test_the_lines_end_at_the_tables_sums(run: RunResult, panels: list[Panel]) -> None:
    total = attribution_row(run)
    for name in ("total", "carry", "spot"):
        (label,) = [text for text in texts(panels[0]) if text.endswith(f"% {name}")]
        shown = float(label.removesuffix(f" % {name}").replace("−", "-"))
        assert shown == pytest.approx(100 * total[name], abs=0.51)
    assert "quarterly returns" in " ".join(texts(panels[0]))
    assert "(003: 3.4 %, 1.5 %)" in panels[0].note
    assert "(003: −0.7 %, 5.5 %)" in panels[0].note


def attribution_row(run: RunResult) -> dict[str, float]:
    return dict(attribute(run).total().loc["all"])


def test_the_bars_are_the_capture_ratios(
    run: RunResult, panels: list[Panel], monkeypatch: pytest.MonkeyPatch
) -> None:
    heights: list[float] = []
    bar = Axes.bar

    def watched(self: Axes, x: float, height: float, *rest: object, **named: object) -> object:
        heights.append(float(height))
        return bar(self, x, height, *rest, **named)

    monkeypatch.setattr(Axes, "bar", watched)
    split = attribute(run)
    capture_panel(run, split)
    classes = split.by_class()["capture"]
    expected = [*(classes[name] for name in GROUPS), split.total().loc["all", "capture"]]
    cut = np.clip(expected, attribution_plots.LEAST_CAPTURE, attribution_plots.MOST_CAPTURE)
    np.testing.assert_allclose(heights[:5], cut)
    assert heights[5:] == [1.0, 1.0, 0.4, 0.4, 0.79]
    words = texts(panels[1])
    assert words.count("above 100 %") == words.count("about 40 %") == 2
    assert {"79 %", "ours", "003", "Fixed income"} <= set(words)
    for value in expected:
        text = f"{100 * value:,.0f} %".replace("-", "−")
        assert text in words or f"{text} (cut)" in words


def test_a_class_without_a_ratio_says_why() -> None:
    losing = quoted(sign=-1.0)
    words = " ".join(texts(capture_panel(losing, attribute(losing))))
    assert words.count("no ratio:") == 5
    assert "carry is" in words
    assert "90 % interval" not in words
    panel = carry_spot_panel(losing, attribute(losing))
    assert "captured" not in panel.title
    one = small_result(
        [1.0] * 3, classes=["energy"], carry_per_contract=np.ones((3, 1)), synthetic=True
    )
    split = attribute(one)
    words = " ".join(texts(capture_panel(one, split)))
    assert list(split.by_class().index) == [COMMODITIES]
    assert words.count("no market of") == 3
    assert words.count("never held") == 2
    assert FX.capitalize() in words
    assert "no whole quarter" in texts(carry_spot_panel(one, split))


def test_a_period_of_the_run_is_drawn_alone(run: RunResult) -> None:
    cut = attribute(run).between(date(1991, 1, 1), date(1991, 9, 30))
    panel, _ = attribution_panels(run, cut)
    assert "Distribution of 3 quarterly returns" in texts(panel)
    assert "Apr" in " ".join(texts(panel))
    (label,) = [text for text in texts(panel) if text.endswith("% carry")]
    carry = float(cut.total().loc["all", "carry"])
    assert float(label.removesuffix(" % carry")) == pytest.approx(100 * carry, abs=0.51)
    assert carry < 0.8 * attribution_row(run)["carry"]
    assert run.day[0] == quoted().day[0]


def test_one_session_has_no_figure() -> None:
    lone = small_result([1.0], carry_per_contract=np.ones((1, 1)))
    with pytest.raises(ValueError, match="attribution of hand-made: a figure needs at least two"):
        attribution_panels(lone)
    with pytest.raises(ValueError, match="is missing"):
        attribution_panels(small_result([1.0, 2.0]))


@given(st.lists(st.floats(-1, 2), min_size=1, max_size=6), st.floats(0.01, 0.3))
def test_labels_keep_their_order_and_distance(places: list[float], gap: float) -> None:
    given_places = sorted(places)
    moved = spread(given_places, gap)
    assert len(moved) == len(given_places)
    assert all(b - a >= gap - 1e-9 for a, b in pairwise(moved))
    assert np.mean(moved) == pytest.approx(np.mean(given_places), abs=1e-9)
    if all(b - a > gap for a, b in pairwise(given_places)):
        assert moved == pytest.approx(given_places)


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=40))
def test_bins_hold_every_quarter_and_break_at_zero(values: list[float]) -> None:
    edges = bin_edges(np.array(values))
    assert 1 <= len(edges) - 1 <= MOST_BINS
    counts, _ = np.histogram(values, edges)
    assert counts.sum() == len(values)
    assert np.ptp(np.diff(edges)) < 1e-9
    if max(values) - min(values) < 1.0:
        assert np.abs(edges).min() < 1e-12
