"""Both drawings of a plot hold its marks: the still one in SVG, the live one for Bokeh."""

from __future__ import annotations

import base64
import json
import re
import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.pages.charts import (
    BLUE,
    DARK,
    GREEN,
    INK,
    ORANGE,
    RED,
    VARIABLE,
    Axis,
    Bars,
    Dash,
    Dots,
    Frame,
    Heat,
    Level,
    Line,
    Panel,
    Plot,
    Ranges,
    Unit,
    Words,
    Zone,
    stacked,
)
from research.pages.live import live_plots
from research.pages.markup import drawn_panels
from research.pages.still import still_svg

DAY = np.arange(11_000, 11_400)
FRAME = Frame(DAY, False)
SVG = "{http://www.w3.org/2000/svg}"
VALUES = np.sin(np.arange(len(DAY)) / 9)


def every_mark() -> dict[str, Panel]:
    heat = Heat(
        ["AA", "BB"],
        ["x", "y"],
        np.linspace(11_000, 11_400, 5),
        np.array([[0.5, -2.0, np.nan, 0.0], [1.0, 0.25, -0.25, 3.0]]),
        1.0,
        "low",
        "high",
        root=True,
    )
    dated = Plot(
        "dated",
        Axis("y", Unit.PERCENT),
        (
            Zone("zone", -0.5, 0.5, GREEN),
            Line("line", VALUES, BLUE, shade=0.0),
            Line("steps", np.sign(VALUES), ORANGE, dash=Dash.DASHED, step=True, shade=1.0),
            Line("own dates", VALUES[:9], RED, x=DAY[:9]),
            Dots("ticks", DAY[::50], VALUES[::50], RED, "tick"),
            Dots("many", DAY, VALUES, RED),
            Level(0.25, "level", INK, Dash.DOTTED),
        ),
    )
    named = Plot(
        "named",
        Axis("", low=0.0, high=2.0),
        (
            Bars("bars", np.arange(2), np.array([1.0, 2.0]), BLUE, labels=["p", "q"]),
            Bars("hollow", np.arange(2), np.array([1.0, 2.0]), RED, hollow=True),
            Ranges("range", np.array([0.5]), np.array([0.2]), np.array([0.8])),
            Words(0.5, 1.0, "told\nhere", colour=INK),
        ),
        ticks=["p", "q"],
    )
    rows = Plot(
        "rows",
        Axis(""),
        (
            Level(0.0, upright=True),
            Ranges("", np.array([0.0]), np.array([-1.0]), np.array([1.0]), flat=True),
            Dots("rings", np.array([0.3]), np.array([1.0]), ORANGE, "ring"),
        ),
        x=Axis("", low=-1.0, high=1.0),
        rows=["first", "second"],
    )
    mapped = Plot("mapped", Axis(""), (heat,), rows=heat.rows)
    money = Plot("log", Axis("", Unit.MONEY, log=True), (Line("nav", VALUES + 2, BLUE),))
    return {
        "a": Panel("a", "A", "note", (dated, named, rows)),
        "b": Panel("b", "B", "note", (mapped, money), columns=2),
    }


@pytest.fixture(scope="module")
def document() -> Any:
    live = live_plots(every_mark(), FRAME)
    (found,) = json.loads(live.documents).values()
    return found


def objects(node: Any, name: str) -> list[dict[str, Any]]:
    """Attributes of all models of a type."""
    if isinstance(node, dict):
        own = [node["attributes"]] if node.get("name") == name and "attributes" in node else []
        return own + [found for value in node.values() for found in objects(value, name)]
    if isinstance(node, list):
        return [found for value in node for found in objects(value, name)]
    return []


def numbers(array: Any) -> np.ndarray:
    return np.frombuffer(base64.b64decode(array["array"]["data"]), dtype=array["dtype"])


def test_the_live_lines_hold_the_values(document: Any) -> None:
    columns = [dict(source["data"]["entries"]) for source in objects(document, "ColumnDataSource")]
    (shared,) = [data for data in columns if "day" in data]
    np.testing.assert_allclose(numbers(shared["day"]), DAY * 86_400_000.0)
    drawn = [numbers(values) for name, values in shared.items() if name.startswith("c")]
    assert any(np.allclose(values, VALUES, atol=1e-6) for values in drawn)
    assert len(drawn) == 3, "equal series are kept once"
    assert len(objects(document, "Figure")) == 5


def test_every_named_mark_can_be_found_by_the_legend(document: Any) -> None:
    names = re.findall(r'"name": ?"([ab]-\d-\d)"', json.dumps(document))
    drawn, _ = drawn_panels(every_mark(), FRAME)
    legend = [item for panel in drawn.values() for plot in panel.plots for item in plot.legend]
    assert {item.mark for item in legend} <= set(names)
    assert [item.name for item in drawn["a"].plots[0].legend][:3] == ["zone", "line", "steps"]
    assert drawn["b"].plots[0].ramp == ("low", "high")
    assert all(item.colour in VARIABLE.values() for item in legend)


def test_a_finger_scrolls_the_page(document: Any) -> None:
    for toolbar in objects(document, "Toolbar"):
        assert toolbar["active_drag"] is None
        assert toolbar["active_scroll"] is None
        assert toolbar.get("logo", "none") is None


def test_all_dates_zoom_together(document: Any) -> None:
    ranges = [figure["x_range"] for figure in objects(document, "Figure")]
    ids = [found["id"] for found in ranges]
    assert ids[0] == ids[3] == ids[4]
    assert len(set(ids)) == 3


def test_equal_panels_give_equal_texts_without_tags() -> None:
    first, second = live_plots(every_mark(), FRAME), live_plots(every_mark(), FRAME)
    assert (first.documents, first.items) == (second.documents, second.items)
    assert "<" not in first.documents + first.items
    assert "</script" not in first.library
    assert set(json.loads(first.items)[0]["roots"].values()) == {
        *(f"live-a-{i}" for i in range(3)),
        *(f"live-b-{i}" for i in range(2)),
    }


def test_the_still_drawing_is_svg_in_the_pages_colours() -> None:
    for panel in every_mark().values():
        for i, plot in enumerate(panel.plots):
            svg = still_svg(plot, FRAME, f"{panel.key}-{i}", "said <here>")
            root = ET.fromstring(svg)
            assert root.attrib["aria-label"] == "said <here>"
            assert all(
                found.startswith(f"{panel.key}-{i}-")
                for found in re.findall(r'\bid="([^"]+)"', svg)
            )
            assert not re.search(r"(?:fill|stroke): #(?!ffffff)[0-9a-f]{6}", svg)
            assert not re.search(r"\bnan\b", svg)
            words = ["".join(node.itertext()).strip() for node in root.iter(f"{SVG}text")]
            assert set(plot.ticks) | set(plot.rows) <= set(words)
            assert "synthetic market" not in words
    simulated = still_svg(every_mark()["a"].plots[0], Frame(DAY, True), "k", "t")
    assert "synthetic market" in simulated


def test_shades_follow_the_root_of_the_size() -> None:
    (heat,) = every_mark()["b"].plots[0].marks
    assert isinstance(heat, Heat)
    np.testing.assert_allclose(heat.shades[1], [1.0, 0.5, -0.5, 1.0])
    assert np.isnan(heat.shades[0, 2])


@given(st.lists(st.lists(st.floats(-5, 5), min_size=3, max_size=3), min_size=1, max_size=6))
def test_stacked_bars_add_up_on_either_side_of_zero(heights: list[list[float]]) -> None:
    years = (2001, 2002, 2003)
    bars = stacked({f"s{k}": dict(zip(years, row, strict=True)) for k, row in enumerate(heights)})
    for column in range(3):
        tops = [float(bar.base[column] + bar.height[column]) for bar in bars]  # type: ignore[index]
        ups = sum(max(row[column], 0.0) for row in heights)
        downs = sum(min(row[column], 0.0) for row in heights)
        assert max([0.0, *tops]) == pytest.approx(ups, abs=1e-12)
        assert min([0.0, *tops]) == pytest.approx(downs, abs=1e-12)


def test_every_colour_has_a_dark_one_and_a_variable() -> None:
    assert set(DARK) == set(VARIABLE)
    assert len(set(DARK.values())) == len(DARK)
    assert not set(DARK) & set(DARK.values())


def test_the_library_of_the_live_charts_keeps_its_licence() -> None:
    from research.pages.live import _library

    head = _library()[:3000]
    assert "Copyright (c) Anaconda, Inc., and Bokeh Contributors" in head
    assert "this list of conditions and the following disclaimer" in head
