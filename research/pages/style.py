"""How the report's figures look: palette, date axes, and SVG that follows the page's theme.

Colours are Okabe and Ito's, which readers with any colour vision tell apart; the SVG names them as
CSS variables, so that one drawing serves light, dark and print.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from research.engine.result import RunResult
from research.pages.text import SYNTHETIC, signed, titled
from universe.arrays import FloatArray, IntArray

INK, MUTED, GRID = "#1b1f24", "#6a737d", "#d8dce2"
BLUE, ORANGE, GREEN, RED = "#0072b2", "#e69f00", "#009e73", "#d55e00"
PINK, SKY, VIOLET, BROWN = "#cc79a7", "#56b4e9", "#5e3c99", "#8a5a2b"
SERIES = (BLUE, ORANGE, GREEN, RED, PINK, SKY, VIOLET, BROWN)
Dash = str | tuple[float, tuple[float, float]]
DASHES: tuple[Dash, ...] = ("solid", (0, (5, 1.5)), (0, (1.5, 1.5)))
THEME = {
    INK: "--ink",
    MUTED: "--muted",
    GRID: "--grid",
    BLUE: "--blue",
    ORANGE: "--orange",
    GREEN: "--green",
    RED: "--red",
    PINK: "--pink",
    SKY: "--sky",
    VIOLET: "--violet",
    BROWN: "--brown",
}
WIDTH = 10.0
LEFT, RIGHT, TITLE, HEAD, FOOT = 0.78, 0.12, 0.3, 0.32, 0.3
"""Inches around the axes: the same in all figures, so that dates stand below each other."""

RASTER_DPI = 160
_RC = {
    "svg.fonttype": "none",
    "svg.hashsalt": "report",
    "text.parse_math": False,
    "path.simplify_threshold": 0.4,
    "font.size": 8.0,
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
    "lines.linewidth": 1.0,
    "lines.solid_joinstyle": "round",
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "legend.borderaxespad": 0.1,
    "legend.borderpad": 0.1,
    "legend.handlelength": 2.2,
}


@dataclass(frozen=True, slots=True)
class Panel:
    """A finished figure: ``svg`` is inline SVG, ``note`` says how to read it."""

    key: str
    title: str
    note: str
    svg: str


def draw(
    result: RunResult,
    key: str,
    title: str,
    note: str,
    paint: Callable[[Figure, list[Axes]], None],
    *,
    heights: Sequence[float] = (2.6,),
    dates: bool = True,
    right: float = RIGHT,
    below: float = 0.0,
) -> Panel:
    """Lay out panels below each other, let ``paint`` fill them, and return inline SVG.

    Parameters
    ----------
    result : RunResult
    key : str
        Prefix of all ids in the SVG, so that figures on one page do not mix.
    title, note : str
    paint : callable
        Takes the figure and its axes, from the top.
    heights : sequence of float
        Inches of each panel.
    dates : bool
        Whether the x axis, which all panels share, is the dates of the whole run.
    right, below : float
        Inches kept free at the right and below the last axis.
    """
    title = titled(result, title)
    with mpl.rc_context(_RC):
        height = TITLE + sum(heights) + HEAD * len(heights) + FOOT + below
        figure = Figure(figsize=(WIDTH, height))
        figure.patch.set_visible(False)
        left = 0.07 / WIDTH
        figure.text(left, 1 - 0.18 / height, title, fontsize=10.5, fontweight="bold", va="center")
        axes: list[Axes] = []
        top = height - TITLE
        for size in heights:
            top -= HEAD + size
            box = (LEFT / WIDTH, top / height, (WIDTH - LEFT - right) / WIDTH, size / height)
            axes.append(figure.add_axes(box, sharex=axes[0] if axes else None))
            axes[-1].yaxis.set_label_coords(-0.62 / (WIDTH - LEFT - right), 0.5)
        for ax in axes[:-1]:
            ax.tick_params(labelbottom=False)
        paint(figure, axes)
        if dates:
            _date_axis(axes[-1], result.day)
        if result.synthetic:
            _watermark(figure)
        buffer = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", dpi=RASTER_DPI, metadata=nothing)
    return Panel(key, title, note, _inline(buffer.getvalue(), key, title))


def _watermark(figure: Figure) -> None:
    """Light words behind the axes: a copied figure still says what it shows."""
    figure.text(
        0.5,
        0.5,
        SYNTHETIC,
        color=MUTED,
        alpha=0.13,
        fontsize=44,
        fontweight="bold",
        rotation=12,
        ha="center",
        va="center",
        zorder=-1,
    )


def _date_axis(ax: Axes, day: IntArray) -> None:
    first, last = float(day[0]), float(day[-1])
    if last - first < 2:
        first, last = first - 1, last + 1
    ax.set_xlim(first, last)
    ax.xaxis_date()
    locator = AutoDateLocator(minticks=4, maxticks=12)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def percent_axis(ax: Axes, label: str) -> None:
    """Fractions as per cent on the y axis."""

    def text(value: float, _: int | None = None) -> str:
        return f"{signed(100 * value, decimals(100 * value))} %"

    ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    ax.yaxis.set_major_formatter(FuncFormatter(text))
    ax.set_ylabel(label)


def decimals(value: float) -> int:
    """How many of at most three decimals a tick's value needs."""
    return next((n for n in range(3) if abs(value - round(value, n)) < 1e-6), 3)


def number_axis(ax: Axes, label: str) -> None:
    """Plain numbers on the y axis."""
    ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−")))
    ax.set_ylabel(label)


def legend(ax: Axes, title: str = "") -> None:
    """Panel title at the left and the legend at the right, both above the axes."""
    if title:
        ax.set_title(title, loc="left", fontsize=8.5, color=INK)
    handles, labels = ax.get_legend_handles_labels()
    if handles:
        ax.legend(loc="lower right", bbox_to_anchor=(1.0, 1.005), ncol=min(len(labels), 9))


def line_style(index: int) -> tuple[str, Dash]:
    """Colour and dash of the n-th series: dashes change when the colours start again."""
    return SERIES[index % len(SERIES)], DASHES[index // len(SERIES) % len(DASHES)]


def steps(
    ax: Axes, day: IntArray, values: FloatArray, colour: str, *, label: str = "", width: float = 1.0
) -> tuple[FloatArray, FloatArray]:
    """A line of steps through the days on which the value changes; returns what was drawn."""
    values = finite(values)
    moved = np.nan_to_num(np.diff(values), nan=np.inf) != 0
    kept = np.concatenate([[True], moved])
    kept[-1] = True
    x, y = day[kept].astype(np.float64), values[kept]
    ax.plot(x, y, color=colour, drawstyle="steps-post", linewidth=width, label=label)
    return x, y


def deepest(day: IntArray, values: FloatArray, points: int = 1500) -> tuple[FloatArray, FloatArray]:
    """Least value of each of at most ``points`` equal stretches: a fill that keeps its lows."""
    size = max(1, -(-len(values) // points))
    starts = np.arange(0, len(values), size)
    return day[starts].astype(np.float64), np.minimum.reduceat(values, starts)


def class_bands(ax: Axes, classes: list[str]) -> None:
    """Lines between asset classes and their names at the right."""
    for name in dict.fromkeys(classes):
        rows = [i for i, other in enumerate(classes) if other == name]
        if rows[0]:
            ax.axhline(rows[0] - 0.5, color=MUTED, linewidth=0.6)
        ax.text(
            1.006,
            float(np.mean(rows)),
            name,
            transform=ax.get_yaxis_transform(),
            va="center",
            fontsize=7.5,
            color=INK,
        )


def diverging() -> LinearSegmentedColormap:
    """Orange to blue through transparency, so that zero is the page, light or dark."""
    short, long = to_rgb(RED), to_rgb(BLUE)
    stops = [(0.0, (*short, 1.0)), (0.5, (*short, 0.0)), (0.5, (*long, 0.0)), (1.0, (*long, 1.0))]
    return LinearSegmentedColormap.from_list("exposure", stops)


def finite(values: FloatArray) -> FloatArray:
    """The same with infinities as NaN, which a line skips."""
    return np.where(np.isfinite(values), values, np.nan)


# --- SVG -----------------------------------------------------------------------------------------
_COLOURS = re.compile("|".join(THEME))
_IDS = re.compile(r'(\bid="|url\(#|href="#)')
_PATH = re.compile(r'\bd="[^"]*"')
_DECIMALS = re.compile(r"(\.\d)\d+")
_FONT = re.compile(r"font: ((?:[^;\"]*? )?[\d.]+px) [^;\"]*")
_METADATA = re.compile(r"<metadata>.*?</metadata>\s*|<style.*?</style>\s*", re.DOTALL)
_SIZE = re.compile(r'<svg [^>]*?viewBox="([^"]*)"[^>]*>')


def _inline(svg: str, key: str, title: str) -> str:
    """Strip what a page does not need and let it set font and colours."""
    svg = _METADATA.sub("", svg[svg.index("<svg") :])
    svg = _PATH.sub(lambda match: _DECIMALS.sub(r"\1", match[0]).replace(" \n", "\n"), svg)
    svg = _IDS.sub(rf"\g<1>{key}-", svg)
    svg = _FONT.sub(r"font: \1 var(--font)", svg)
    svg = _COLOURS.sub(lambda match: f"var({THEME[match[0]]})", svg)
    head = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'role="img" aria-label="{html.escape(title)}" viewBox="'
    )
    return _SIZE.sub(lambda match: f'{head}{match[1]}">', svg, count=1)
