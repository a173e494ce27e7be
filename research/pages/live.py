"""Plots that answer a reader: values under the pointer, zoom in time on all of them at once.

Bokeh draws them in the browser; its library goes into the page, so that the page needs nothing from
elsewhere.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
from bokeh.document import Document
from bokeh.embed.util import standalone_docs_json_and_render_items
from bokeh.models import (
    BasicTickFormatter,
    BoxZoomTool,
    ColumnDataSource,
    CrosshairTool,
    CustomJSHover,
    DatetimeTickFormatter,
    FixedTicker,
    HoverTool,
    LinearColorMapper,
    NumeralTickFormatter,
    PanTool,
    Range1d,
    ResetTool,
    SaveTool,
    TickFormatter,
    WheelZoomTool,
)
from bokeh.models.annotations import BoxAnnotation, Label, Span
from bokeh.plotting import figure
from bokeh.resources import Resources

from research.pages.charts import (
    BLUE,
    GRID,
    INK,
    MUTED,
    RED,
    Axis,
    Bars,
    Dots,
    Frame,
    Heat,
    Level,
    Line,
    Mark,
    Panel,
    Plot,
    Ranges,
    Unit,
    Words,
    Zone,
    finite,
)
from research.pages.text import SYNTHETIC
from universe.arrays import FloatArray

MS_PER_DAY = 86_400_000.0
INCH = 92
"""Pixels of height per inch of the still drawing."""

ROW_PIXELS = 13
"""Least height of a row of a heat map whose name can be read."""

LEFT = 56
"""Pixels left of the axes, the same in all plots, so that dates stand below each other."""

_HOVER = {Unit.PERCENT: "0.00 %", Unit.NUMBER: "0,0.00", Unit.MONEY: "0.00 a"}
_TICKS = {Unit.PERCENT: "0[.]0 %", Unit.NUMBER: "0,0[.]00", Unit.MONEY: "0[.]0 a"}
_SHADES = 64


@dataclass(frozen=True, slots=True)
class Live:
    """Interactive plots of a page.

    Attributes
    ----------
    library : str
        JavaScript that draws them.
    documents, items : str
        JSON for ``Bokeh.embed.embed_items``: what to draw, and into which elements.
    """

    library: str
    documents: str
    items: str


def live_plots(panels: Mapping[str, Panel], frame: Frame) -> Live:
    """All plots of a page; plot i of a panel goes into the element ``live-KEY-i``.

    The same panels give the same text. Marks are named ``KEY-i-j`` for the legend to find.
    """
    shared = _Shared(frame)
    document = Document()
    places = {}
    with document.models.freeze():
        for key, panel in panels.items():
            for i, plot in enumerate(panel.plots):
                root = _draw(plot, f"{key}-{i}", shared)
                document.add_root(root)
                places[root.id] = f"live-{key}-{i}"
    documents, items = standalone_docs_json_and_render_items(list(document.roots))
    (found,) = [item.to_json() for item in items]
    found["roots"] = {root: places[root] for root in found["roots"]}
    return Live(_library(), *_settled(json.dumps(documents), json.dumps([found]), found["docid"]))


def _library() -> str:
    """Bokeh's core, safe inside a script element."""
    (text,) = Resources(mode="inline", components=["bokeh"]).js_raw[:1]
    return text.replace("</script", "<\\/script")


def _settled(documents: str, items: str, docid: str) -> tuple[str, str]:
    """Both texts with numbers in place of the ids that differ from call to call."""
    names: dict[str, str] = {}
    numbers = count(1)

    def settle(match: re.Match[str]) -> str:
        return f'"{names.setdefault(match[1], f"p{next(numbers)}")}"'

    out = [
        re.sub(r'"(p\d{4,})"', settle, text.replace(docid, "report")).replace("<", "\\u003c")
        for text in (documents, items)
    ]
    return out[0], out[1]


class _Shared:
    """The time axis and the values of all plots over it."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        day = np.asarray(frame.day, dtype=np.float64)
        first, last = float(day[0]), float(day[-1])
        if last - first < 2:
            first, last = first - 1, last + 1
        self.time = Range1d(first * MS_PER_DAY, last * MS_PER_DAY, bounds="auto")
        self.source = ColumnDataSource({"day": day * MS_PER_DAY})
        self._names: dict[bytes, str] = {}
        self.crosshair = Span(
            dimension="height", line_color=MUTED, line_width=0.8, line_dash="dotted"
        )

    def holds(self, line: Line) -> bool:
        """Whether a line has a value for every session of the run."""
        return line.x is None or np.array_equal(line.x, self.frame.day)

    def column(self, values: FloatArray) -> str:
        """Name of the column that holds these values."""
        drawn = np.asarray(finite(values), dtype=np.float32)
        name = self._names.setdefault(drawn.tobytes(), f"c{len(self._names)}")
        if name not in self.source.data:
            self.source.data[name] = drawn
        return name


def _draw(plot: Plot, name: str, shared: _Shared) -> figure:
    height = max(round(plot.height * INCH) + 30, ROW_PIXELS * len(plot.rows) + 40)
    options: dict[str, Any] = {"x_range": shared.time} if plot.dates else {}
    if plot.y.log:
        options["y_axis_type"] = "log"
    if plot.dates:
        options["x_axis_type"] = "datetime"
    fig = figure(
        name=name,
        height=height,
        sizing_mode="stretch_width",
        tools=[],
        toolbar_location="below",
        output_backend="canvas",
        **options,
    )
    _style(fig, shared.frame)
    _axes(fig, plot)
    if plot.rows:
        _rows(fig, plot)
    lines = []
    for j, mark in enumerate(plot.marks):
        renderer = _mark(fig, mark, shared, plot)
        if renderer is not None:
            renderer.name = f"{name}-{j}"
        if isinstance(mark, Line) and shared.holds(mark):
            lines.append((mark, renderer))
    _tools(fig, plot, shared, lines)
    return fig


def _style(fig: Any, frame: Frame) -> None:
    fig.background_fill_alpha = fig.border_fill_alpha = 0.0
    fig.outline_line_color = None
    fig.min_border_left = LEFT
    fig.min_border_right = 8
    fig.toolbar.logo = None
    fig.toolbar.autohide = True
    fig.grid.grid_line_color = GRID
    fig.axis.axis_line_color = fig.axis.major_tick_line_color = MUTED
    fig.axis.minor_tick_line_color = None
    fig.axis.major_label_text_color = fig.axis.axis_label_text_color = INK
    fig.axis.major_label_text_font_size = "11px"
    fig.axis.axis_label_text_font_size = "11px"
    fig.axis.axis_label_text_font_style = "normal"
    fig.axis.axis_label_text_font = fig.axis.major_label_text_font = "system-ui, sans-serif"
    if frame.synthetic:
        fig.title.text = SYNTHETIC
        fig.title.align = "right"
        fig.title.text_color = RED
        fig.title.text_font = "system-ui, sans-serif"
        fig.title.text_font_size = "11px"


def _axes(fig: Any, plot: Plot) -> None:
    fig.yaxis.formatter = NumeralTickFormatter(format=_TICKS[plot.y.unit])
    if plot.height < 2.0 and not plot.y.log:
        fig.yaxis.ticker.desired_num_ticks = 4
    if plot.dates:
        fig.xaxis.formatter = DatetimeTickFormatter(years="%Y", months="%b %Y", days="%d %b %Y")
        fig.xaxis.ticker.desired_num_ticks = 4
    elif plot.ticks:
        fig.x_range = Range1d(-0.55, len(plot.ticks) - 0.45)
        fig.xaxis.ticker = FixedTicker(ticks=list(range(len(plot.ticks))))
        fig.xaxis.major_label_overrides = dict(enumerate(plot.ticks))
        fig.xgrid.grid_line_color = None
    elif plot.x is not None:
        fig.xaxis.axis_label = plot.x.label or None
        fig.xaxis.formatter = _x_formatter(plot.x)
        if plot.x.low is not None and plot.x.high is not None:
            fig.x_range = Range1d(plot.x.low, plot.x.high)
    _y_range(fig, plot.y)


def _rows(fig: Any, plot: Plot) -> None:
    """Names down the y axis, the first on top."""
    fig.y_range = Range1d(len(plot.rows) - 0.5, -0.5)
    fig.yaxis.ticker = FixedTicker(ticks=list(range(len(plot.rows))))
    fig.yaxis.major_label_overrides = dict(enumerate(plot.rows))
    fig.yaxis.major_label_text_font_size = "10px"
    fig.yaxis.major_tick_line_color = None
    fig.ygrid.grid_line_color = None
    if plot.dates:
        fig.xgrid.grid_line_color = None


def _x_formatter(axis: Axis) -> TickFormatter:
    if axis.unit is Unit.NUMBER:
        return BasicTickFormatter(use_scientific=False)
    return NumeralTickFormatter(format=_TICKS[axis.unit])


def _y_range(fig: Any, axis: Axis) -> None:
    if axis.low is not None and axis.high is not None:
        fig.y_range = Range1d(axis.low, axis.high)
        return
    if axis.low is not None:
        fig.y_range.start = axis.low
    if axis.high is not None:
        fig.y_range.end = axis.high
    fig.y_range.range_padding = 0.05


def _tools(fig: Any, plot: Plot, shared: _Shared, lines: list[tuple[Line, Any]]) -> None:
    zoom = BoxZoomTool(dimensions="auto")
    pan = PanTool(dimensions="width" if plot.dates else "both")
    wheel = WheelZoomTool(dimensions="width" if plot.dates else "both")
    fig.add_tools(zoom, pan, wheel, ResetTool(), SaveTool())
    # a finger on a plot scrolls the page: the page turns the zoom on where there is a mouse
    fig.toolbar.active_drag = fig.toolbar.active_scroll = None
    if plot.dates:
        fig.add_tools(CrosshairTool(overlay=shared.crosshair))
    if not lines:
        return
    unit = _HOVER[plot.y.unit]
    fig.add_tools(
        HoverTool(
            renderers=[lines[0][1]],
            mode="vline",
            tooltips=_tooltip(
                "@day{%F}",
                *((mark.name, f"@{renderer.glyph.y}{{{unit}}}") for mark, renderer in lines),
            ),
            formatters={"@day": "datetime"},
            line_policy="nearest",
        )
    )


# --- marks ---------------------------------------------------------------------------------------
def _mark(fig: Any, mark: Mark, shared: _Shared, plot: Plot) -> Any:
    match mark:
        case Line():
            return _line(fig, mark, shared, plot)
        case Dots():
            return _dots(fig, mark, plot)
        case Bars():
            return _bars(fig, mark, plot)
        case Ranges():
            data = {"at": mark.place, "low": finite(mark.low), "high": finite(mark.high)}
            ends = ("low", "at", "high", "at") if mark.flat else ("at", "low", "at", "high")
            return fig.segment(*ends, source=data, line_color=mark.colour, line_width=1.4)
        case Level():
            span = Span(
                dimension="height" if mark.upright else "width",
                location=mark.value,
                line_color=mark.colour,
                line_width=mark.width,
                line_dash=mark.dash.value,
            )
            fig.add_layout(span)
            return span
        case Zone():
            return _zone(fig, mark)
        case Heat():
            return _heat(fig, mark)
        case Words():
            return _words(fig, mark)


def _line(fig: Any, mark: Line, shared: _Shared, plot: Plot) -> Any:
    ours = shared.holds(mark)
    if ours:
        source, x, y = shared.source, "day", shared.column(mark.y)
    else:
        scale = MS_PER_DAY if plot.dates else 1.0
        source = ColumnDataSource(
            {"x": np.asarray(mark.x, dtype=np.float64) * scale, "y": finite(mark.y)}
        )
        x, y = "x", "y"
    look = {
        "source": source,
        "line_color": mark.colour,
        "line_width": mark.width,
        "line_dash": mark.dash.value,
        "line_alpha": mark.alpha,
    }
    drawn = fig.step(x, y, mode="after", **look) if mark.step else fig.line(x, y, **look)
    drawn.nonselection_glyph = drawn.selection_glyph = None
    if mark.shade is not None and not mark.step:
        fig.varea(
            x=x,
            y1=y,
            y2=_level(source, mark.shade),
            source=source,
            fill_color=mark.colour,
            fill_alpha=0.22,
        )
    if not ours:
        _own_hover(fig, drawn, mark.name, plot, "@x", "@y")
    return drawn


def _level(source: ColumnDataSource, value: float) -> str:
    """Name of a column that holds one value throughout."""
    name = f"level {value}"
    if name not in source.data:
        length = len(next(iter(source.data.values())))
        source.data[name] = np.full(length, value, dtype=np.float32)
    return name


def _dots(fig: Any, mark: Dots, plot: Plot) -> Any:
    scale = MS_PER_DAY if plot.dates else 1.0
    source = ColumnDataSource(
        {
            "x": np.asarray(mark.x, dtype=np.float64) * scale,
            "y": np.asarray(finite(mark.y), dtype=np.float32),
        }
    )
    shape = {"dot": "circle", "down": "inverted_triangle", "tick": "dash", "ring": "diamond"}[
        mark.mark
    ]
    angle = np.pi / 2 if mark.mark == "tick" else 0.0
    size = {"dot": 1.0, "down": 1.6, "tick": 1.2, "ring": 2.0}[mark.mark] * mark.size
    drawn = fig.scatter(
        "x",
        "y",
        source=source,
        marker=shape,
        size=size,
        angle=angle,
        color=mark.colour,
        line_width=1.4 if mark.mark in ("tick", "ring") else 0.0,
        fill_alpha=0.0 if mark.mark == "ring" else 1.0,
    )
    if mark.mark != "dot" or len(mark.x) < 200:
        _own_hover(fig, drawn, mark.name, plot, "@x", "@y")
    return drawn


def _bars(fig: Any, mark: Bars, plot: Plot) -> Any:
    scale = MS_PER_DAY if plot.dates else 1.0
    x = np.asarray(mark.x, dtype=np.float64)
    base = np.zeros(len(x)) if mark.base is None else mark.base
    height = np.nan_to_num(mark.height)
    data: dict[str, Any] = {
        "left": (x - np.asarray(mark.width) / 2) * scale,
        "right": (x + np.asarray(mark.width) / 2) * scale,
        "bottom": base,
        "top": base + height,
        "value": height,
        "x": x * scale,
    }
    if mark.labels:
        data["label"] = list(mark.labels)
    look = (
        {
            "fill_alpha": 0.0,
            "line_color": mark.colour,
            "hatch_pattern": "/",
            "hatch_scale": 8.0,
            "hatch_color": mark.colour,
            "hatch_alpha": 0.6,
        }
        if mark.hollow
        else {"fill_color": mark.colour, "fill_alpha": mark.alpha, "line_color": None}
    )
    drawn = fig.quad("left", "right", "top", "bottom", source=ColumnDataSource(data), **look)
    where = "@label" if mark.labels else "@x"
    _own_hover(fig, drawn, mark.name, plot, where, "@value")
    return drawn


def _tooltip(place: str, *values: tuple[str, str]) -> str:
    """Place in bold, then names and values; the box is white on any page."""
    cell = f'<td style="padding: 0 0 0 8px; text-align: right; color: {INK}">'
    rows = "".join(
        f'<tr><td style="color: {MUTED}">{html.escape(name)}</td>{cell}{value}</td></tr>'
        for name, value in values
    )
    return (
        f'<div style="color: {INK}; font: 12px/1.4 system-ui, sans-serif"><b>{place}</b>'
        f"<table>{rows}</table></div>"
    )


def _own_hover(fig: Any, drawn: Any, name: str, plot: Plot, where: str, value: str) -> None:
    """Show the place and the value of the mark below the pointer."""
    dated = plot.dates and where == "@x"
    place = f"{where}{{%F}}" if dated else where
    if where == "@x" and not plot.dates:
        place = f"@x{{{_HOVER[plot.x.unit if plot.x else Unit.NUMBER]}}}"
    fig.add_tools(
        HoverTool(
            renderers=[drawn],
            tooltips=_tooltip(place, (name, f"{value}{{{_HOVER[plot.y.unit]}}}")),
            formatters={"@x": "datetime"} if dated else {},
            visible=False,
        )
    )


def _zone(fig: Any, mark: Zone) -> Any:
    zone = BoxAnnotation(
        bottom=mark.low, top=mark.high, fill_color=mark.colour, fill_alpha=0.18, line_color=None
    )
    fig.add_layout(zone)
    return zone


def _words(fig: Any, mark: Words) -> Any:
    label = Label(
        x=mark.x,
        y=mark.y,
        text=mark.text,
        text_align="center",
        text_baseline="top" if mark.below else "bottom",
        text_font_size="10px",
        text_font="system-ui, sans-serif",
        text_color=mark.colour,
    )
    fig.add_layout(label)
    return label


def _heat(fig: Any, mark: Heat) -> Any:
    first, last = float(mark.edges[0]) * MS_PER_DAY, float(mark.edges[-1]) * MS_PER_DAY
    mapper = LinearColorMapper(palette=_palette(), low=-1.0, high=1.0, nan_color="rgba(0, 0, 0, 0)")
    source = ColumnDataSource(
        {
            "image": [np.asarray(mark.shades, dtype=np.float32)],
            "x": [first],
            "dw": [last - first],
        }
    )
    drawn = fig.image(
        "image",
        x="x",
        y=-0.5,
        dw="dw",
        dh=float(len(mark.rows)),
        source=source,
        color_mapper=mapper,
    )
    for row in range(1, len(mark.groups)):
        if mark.groups[row] != mark.groups[row - 1]:
            fig.add_layout(
                Span(dimension="width", location=row - 0.5, line_color=MUTED, line_width=0.8)
            )
    names = [f"{row}, {group}" for row, group in zip(mark.rows, mark.groups, strict=True)]
    row_name = CustomJSHover(args={"rows": names}, code="return rows[Math.round(special_vars.y)];")
    written = CustomJSHover(args=_scale(mark), code=_SHADE_VALUE)
    fig.add_tools(
        HoverTool(
            renderers=[drawn],
            tooltips=_tooltip("$x{%F}", ("$y{custom}", "@image{custom}")),
            formatters={"$x": "datetime", "$y": row_name, "@image": written},
        )
    )
    return drawn


_SHADE_VALUE = """
if (Number.isNaN(value)) return "none";
const size = full * (root ? value * Math.abs(value) : value);
return (percent ? (100 * size).toFixed(2) + " %" : size.toFixed(2)).replace("-", "\u2212");
"""


def _scale(mark: Heat) -> dict[str, Any]:
    """What turns a shade back into its value."""
    return {"full": mark.full, "root": mark.root, "percent": mark.unit is Unit.PERCENT}


def _palette() -> list[str]:
    """Red to blue through transparency, so that zero is the page, light or dark."""
    half = [f"{round(255 * (k + 0.5) / _SHADES):02x}" for k in range(_SHADES)]
    return [*(RED + alpha for alpha in reversed(half)), *(BLUE + alpha for alpha in half)]
