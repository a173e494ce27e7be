"""Plots as inline SVG that takes its colours and letters from the page."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from research.pages.charts import (
    BLUE,
    GRID,
    INK,
    MUTED,
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
    Mark,
    Plot,
    Ranges,
    Unit,
    Words,
    Zone,
    finite,
)
from research.pages.text import SYNTHETIC, signed
from universe.arrays import FloatArray

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 10.0, 0.78, 0.12, 0.08, 0.3
"""Inches: the same around all axes, so that dates stand below each other."""

ROW_NAMES = 1.5
"""Inches left of axes whose rows have names."""

RASTER_DPI = 160
MOST_POINTS = 1000
_STYLE: dict[Dash, str] = {Dash.SOLID: "solid", Dash.DASHED: "dashed", Dash.DOTTED: "dotted"}
_RC = {
    "svg.fonttype": "none",
    "svg.hashsalt": "report",
    "text.parse_math": False,
    "path.simplify_threshold": 0.6,
    "font.size": 8.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.6,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "grid.linewidth": 0.5,
    "lines.solid_joinstyle": "round",
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
}


def still_svg(plot: Plot, frame: Frame, key: str, title: str, width: float = WIDTH) -> str:
    """The plot as an ``svg`` element.

    Parameters
    ----------
    plot : Plot
    frame : Frame
    key : str
        Prefix of all ids in it, so that plots on one page do not mix.
    title : str
        What a screen reader says.
    width : float
        Inches.
    """
    with mpl.rc_context(_RC):
        height = TOP + plot.height + BOTTOM
        figure = Figure(figsize=(width, height))
        figure.patch.set_visible(False)
        left = ROW_NAMES if max(map(len, plot.rows), default=0) > 8 else LEFT
        box = (left / width, BOTTOM / height, (width - left - RIGHT) / width, plot.height / height)
        axes = figure.add_axes(box)
        axes.yaxis.set_label_coords(-0.62 / (width - LEFT - RIGHT), 0.5)
        for mark in plot.marks:
            _paint(axes, mark, frame)
        _x_axis(axes, plot, frame)
        if plot.rows:
            _row_names(axes, plot.rows)
        else:
            _y_axis(axes, plot.y)
        if frame.synthetic:
            _watermark(figure, height)
        buffer = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", dpi=RASTER_DPI, metadata=nothing)
    return _inline(buffer.getvalue(), key, title)


def _paint(axes: Axes, mark: Mark, frame: Frame) -> None:
    match mark:
        case Line():
            _line(axes, mark, frame)
        case Dots():
            shape = {"dot": ".", "down": "v", "tick": "|", "ring": "D"}[mark.mark]
            axes.plot(
                mark.x,
                mark.y,
                shape,
                color=mark.colour,
                markersize=mark.size,
                linestyle="none",
                fillstyle="none" if mark.mark == "ring" else "full",
                rasterized=len(mark.x) > MOST_POINTS,
            )
        case Bars():
            _bars(axes, mark)
        case Ranges():
            draw = axes.hlines if mark.flat else axes.vlines
            draw(mark.place, mark.low, mark.high, color=mark.colour, linewidth=1.3)
        case Level():
            across = axes.axvline if mark.upright else axes.axhline
            across(mark.value, color=mark.colour, linewidth=mark.width, linestyle=_STYLE[mark.dash])
        case Zone():
            axes.axhspan(mark.low, mark.high, color=mark.colour, alpha=0.18, linewidth=0)
        case Heat():
            _heat(axes, mark)
        case Words():
            side = "top" if mark.below else "bottom"
            axes.text(
                mark.x, mark.y, mark.text, ha="center", va=side, fontsize=8, color=mark.colour
            )


def _bars(axes: Axes, mark: Bars) -> None:
    base = np.zeros(len(mark.x)) if mark.base is None else mark.base
    axes.grid(visible=False, axis="x")
    if isinstance(mark.width, np.ndarray):  # side by side without gaps
        left = mark.x - mark.width / 2
        edges = np.append(left, left[-1] + mark.width[-1])
        axes.stairs(
            base + mark.height,
            edges,
            baseline=base,
            fill=True,
            color=mark.colour,
            alpha=mark.alpha,
            linewidth=0,
        )
        return
    axes.bar(
        mark.x,
        mark.height,
        bottom=base,
        width=mark.width,
        color="none" if mark.hollow else mark.colour,
        edgecolor=mark.colour if mark.hollow else "none",
        hatch="////" if mark.hollow else None,
        alpha=None if mark.hollow else mark.alpha,
    )


def _line(axes: Axes, mark: Line, frame: Frame) -> None:
    x = np.asarray(frame.day if mark.x is None else mark.x, dtype=np.float64)
    y = finite(mark.y)
    x, y = _changes(x, y) if mark.step else _thinned(x, y)
    axes.plot(
        x,
        y,
        color=mark.colour,
        linestyle=_STYLE[mark.dash],
        linewidth=mark.width,
        alpha=mark.alpha,
        drawstyle="steps-post" if mark.step else "default",
    )
    if mark.shade is not None:
        if not mark.step:
            x, y = _farthest(x, y, mark.shade)
        axes.fill_between(
            x,
            y,
            mark.shade,
            color=mark.colour,
            alpha=0.22,
            linewidth=0,
            step="post" if mark.step else None,
        )


def _changes(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Only the places at which the value changes, and the last."""
    kept = np.concatenate([[True], np.nan_to_num(np.diff(y), nan=np.inf) != 0])[: len(y)]
    kept[-1:] = True
    return x[kept], y[kept]


def _thinned(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Least and greatest value of each of ``MOST_POINTS`` / 2 stretches: what an eye can tell."""
    size = -(-2 * len(y) // MOST_POINTS)
    if size < 3:
        return x, y
    starts = np.arange(0, len(y), size)
    low, high = np.where(np.isnan(y), np.inf, y), np.where(np.isnan(y), -np.inf, y)
    rows = {0, len(y) - 1}
    for start in starts.tolist():
        rows |= {
            start + int(np.argmin(low[start : start + size])),
            start + int(np.argmax(high[start : start + size])),
        }
    kept = sorted(rows)
    return x[kept], y[kept]


def _farthest(x: FloatArray, y: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    """Of each of at most ``MOST_POINTS`` stretches the value farthest from the level."""
    size = max(1, -(-len(y) // MOST_POINTS))
    starts = np.arange(0, len(y), size)
    distance = np.abs(np.nan_to_num(y - level))
    rows = [start + int(np.argmax(distance[start : start + size])) for start in starts]
    return x[rows], y[rows]


def _heat(axes: Axes, mark: Heat) -> None:
    axes.pcolormesh(
        mark.edges,
        np.arange(len(mark.rows) + 1) - 0.5,
        mark.shades,
        cmap=_diverging(),
        vmin=-1.0,
        vmax=1.0,
        rasterized=True,
        linewidth=0,
    )
    axes.grid(visible=False)
    for row in range(1, len(mark.groups)):
        if mark.groups[row] != mark.groups[row - 1]:
            axes.axhline(row - 0.5, color=MUTED, linewidth=0.6)


def _row_names(axes: Axes, rows: list[str]) -> None:
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), rows, fontsize=7.5 if len(rows) <= 30 else 5.8)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")


def _diverging() -> LinearSegmentedColormap:
    """Red to blue through transparency, so that zero is the page, light or dark."""
    short, long = to_rgb(RED), to_rgb(BLUE)
    stops = [(0.0, (*short, 1.0)), (0.5, (*short, 0.0)), (0.5, (*long, 0.0)), (1.0, (*long, 1.0))]
    return LinearSegmentedColormap.from_list("diverging", stops)


# --- axes ----------------------------------------------------------------------------------------
def _x_axis(axes: Axes, plot: Plot, frame: Frame) -> None:
    if plot.ticks:
        axes.set_xticks(range(len(plot.ticks)), plot.ticks)
        axes.tick_params(axis="x", length=0)
        axes.set_xlim(-0.55, len(plot.ticks) - 0.45)
    elif plot.x is not None:
        if plot.x.low is not None and plot.x.high is not None:
            axes.set_xlim(plot.x.low, plot.x.high)
        axes.xaxis.set_major_locator(MaxNLocator(12, integer=plot.x.unit is Unit.NUMBER))
        axes.xaxis.set_major_formatter(FuncFormatter(_tick_text(plot.x.unit, grouped=False)))
    else:
        first, last = float(frame.day[0]), float(frame.day[-1])
        if last - first < 2:
            first, last = first - 1, last + 1
        axes.set_xlim(first, last)
        axes.xaxis_date()
        locator = AutoDateLocator(minticks=4, maxticks=12)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(
            ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]
        )


def _y_axis(axes: Axes, axis: Axis) -> None:
    if axis.label:
        axes.set_ylabel(axis.label)
    if axis.low is not None:
        axes.set_ylim(bottom=axis.low)
    if axis.high is not None:
        axes.set_ylim(top=axis.high)
    if axis.log:
        axes.set_yscale("log")
        low, high = axes.get_ylim()
        axes.yaxis.set_major_locator(
            LogLocator(subs=(1.0, 2.0, 5.0)) if high / low > 4 else MaxNLocator(5)
        )
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(_tick_text(axis.unit)))


def _tick_text(unit: Unit, *, grouped: bool = True) -> Callable[[float, int | None], str]:
    def text(value: float, _: int | None = None) -> str:
        if unit is Unit.PERCENT:
            return f"{signed(100 * value, _decimals(100 * value))} %"
        if unit is Unit.MONEY and value >= 1e6:
            return f"{signed(value / 1e6, _decimals(value / 1e6))} m"
        written = signed(value, _decimals(value))
        return written if grouped else written.replace(",", "")

    return text


def _decimals(value: float) -> int:
    """How many of at most three decimals a tick's value needs."""
    return next((n for n in range(3) if abs(value - round(value, n)) < 1e-6), 3)


def _watermark(figure: Figure, height: float) -> None:
    """Light words behind the axes: a copied plot still says what it shows."""
    figure.text(
        0.5,
        0.5,
        SYNTHETIC,
        color=MUTED,
        alpha=0.13,
        fontsize=min(44.0, 20 * height),
        fontweight="bold",
        rotation=6,
        ha="center",
        va="center",
        zorder=-1,
    )


# --- SVG -----------------------------------------------------------------------------------------
_COLOURS = re.compile("|".join(VARIABLE))
_IDS = re.compile(r'(\bid="|url\(#|href="#)')
_PATH = re.compile(r'\bd="[^"]*"')
_DECIMALS = re.compile(r"(\.\d)\d+")
_FONT = re.compile(r"font: ((?:[^;\"]*? )?[\d.]+px) [^;\"]*")
_METADATA = re.compile(r"<metadata>.*?</metadata>\s*|<style.*?</style>\s*", re.DOTALL)
_SIZE = re.compile(r'<svg [^>]*?viewBox="([^"]*)"[^>]*>')


def _inline(svg: str, key: str, title: str) -> str:
    """Strip what a page does not need and let it set letters and colours."""
    svg = _METADATA.sub("", svg[svg.index("<svg") :])
    svg = _PATH.sub(lambda match: _DECIMALS.sub(r"\1", match[0]).replace(" \n", "\n"), svg)
    svg = _IDS.sub(rf"\g<1>{key}-", svg)
    svg = _FONT.sub(r"font: \1 var(--font)", svg)
    svg = _COLOURS.sub(lambda match: f"var({VARIABLE[match[0]]})", svg)
    head = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'role="img" aria-label="{html.escape(title)}" viewBox="'
    )
    return _SIZE.sub(lambda match: f'{head}{match[1]}">', svg, count=1)
