"""What a figure of the report shows, as data: plots and the marks in them.

One description has two drawings: an interactive one (``live``) and a still one (``still``), which
is what a page shows on paper and where scripts do not run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from universe.arrays import FloatArray, IntArray

INK, MUTED, GRID = "#1b1f24", "#57606a", "#d8dce2"
BLUE, ORANGE, GREEN, RED = "#0072b2", "#d98e00", "#009e73", "#d55e00"
PINK, SKY, VIOLET, BROWN = "#cc79a7", "#56b4e9", "#5e3c99", "#8a5a2b"
SERIES = (BLUE, ORANGE, GREEN, RED, PINK, SKY, VIOLET, BROWN)
"""Okabe and Ito's colours, which readers with any colour vision tell apart."""

DARK = {
    INK: "#e6e9ee",
    MUTED: "#a3adb8",
    GRID: "#343b45",
    BLUE: "#4ea8de",
    ORANGE: "#f0b429",
    GREEN: "#2fc79a",
    RED: "#ff8a4c",
    PINK: "#e3a1c6",
    SKY: "#9bd4f5",
    VIOLET: "#a98ee0",
    BROWN: "#c79a6b",
}
"""What each colour is on a dark page."""

VARIABLE = {
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
"""The page's CSS variable of each colour."""


class Unit(StrEnum):
    """How the numbers of an axis are written."""

    PERCENT = "percent"  # a fraction
    NUMBER = "number"
    MONEY = "money"


class Dash(StrEnum):
    """How a line is drawn."""

    SOLID = "solid"
    DASHED = "dashed"
    DOTTED = "dotted"


@dataclass(frozen=True, slots=True)
class Axis:
    """The y axis, or the x axis of a plot of numbers; None is wherever the data end."""

    label: str
    unit: Unit = Unit.NUMBER
    low: float | None = None
    high: float | None = None
    log: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """Values joined by a line; ``x`` None is the sessions of the run.

    ``step`` holds a value until the next; ``shade`` fills to that level.
    """

    name: str
    y: FloatArray
    colour: str
    x: FloatArray | IntArray | None = None
    dash: Dash = Dash.SOLID
    width: float = 1.3
    step: bool = False
    shade: float | None = None
    alpha: float = 1.0


@dataclass(frozen=True, slots=True)
class Dots:
    """Values by themselves; ``mark`` is dot, down (a triangle), tick (upright) or ring (hollow)."""

    name: str
    x: FloatArray | IntArray
    y: FloatArray
    colour: str
    mark: str = "dot"
    size: float = 3.0


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars from ``base`` to ``base + height`` at ``x``; ``labels`` name them for the reader."""

    name: str
    x: FloatArray | IntArray
    height: FloatArray
    colour: str
    base: FloatArray | None = None
    width: float | FloatArray = 0.72
    alpha: float = 1.0
    hollow: bool = False
    labels: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Ranges:
    """Lines from ``low`` to ``high`` at ``place``, as of an interval: upright, or flat in rows."""

    name: str
    place: FloatArray
    low: FloatArray
    high: FloatArray
    colour: str = INK
    flat: bool = False


@dataclass(frozen=True, slots=True)
class Level:
    """A line across the plot, horizontal or upright; without a name it is not in the legend."""

    value: float
    name: str = ""
    colour: str = MUTED
    dash: Dash = Dash.SOLID
    width: float = 0.8
    upright: bool = False


@dataclass(frozen=True, slots=True)
class Zone:
    """A horizontal band across the plot."""

    name: str
    low: float
    high: float
    colour: str


@dataclass(frozen=True, slots=True)
class Heat:
    """A map of values by row and by time, blue above zero, red below, clear at zero.

    Attributes
    ----------
    rows, groups : list of str
        Name and group of each row, rows of a group together.
    edges : float array of shape (n_columns + 1,)
        Epoch days.
    values : float array of shape (n_rows, n_columns)
        NaN is left clear.
    full : float
        Size at which the colour is full.
    root : bool
        Whether the colour follows the square root of the size.
    unit : Unit
    low, high : str
        What the two ends of the colours mean.
    """

    rows: list[str]
    groups: list[str]
    edges: FloatArray
    values: FloatArray
    full: float
    low: str
    high: str
    root: bool = False
    unit: Unit = Unit.PERCENT

    @property
    def shades(self) -> FloatArray:
        """Values as colours: -1 to 1, NaN where there is none."""
        share = np.clip(self.values / self.full, -1.0, 1.0)
        return np.asarray(np.sign(share) * np.sqrt(np.abs(share))) if self.root else share


@dataclass(frozen=True, slots=True)
class Words:
    """Text at a place of the plot, in lines, above or below it."""

    x: float
    y: float
    text: str
    below: bool = False
    colour: str = INK


Named = Line | Dots | Bars | Ranges | Level | Zone
Mark = Named | Heat | Words


@dataclass(frozen=True, slots=True)
class Plot:
    """Axes and the marks in them, from the back to the front.

    Attributes
    ----------
    title : str
    y : Axis
    marks : tuple of Mark
    x : Axis or None
        None: the x axis is the time of the run.
    ticks, rows : list of str
        Names of the places 0, 1, ... of the x axis, or of the y axis from the top, where it is of
        names.
    height : float
        Inches in the still drawing, of 10 inches width.
    """

    title: str
    y: Axis
    marks: tuple[Mark, ...]
    x: Axis | None = None
    ticks: list[str] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    height: float = 2.4

    @property
    def dates(self) -> bool:
        """Whether the x axis is time."""
        return self.x is None and not self.ticks

    def legend(self) -> list[tuple[int, Named]]:
        """Marks that have a name, with their places among all marks."""
        named = [(i, mark) for i, mark in enumerate(self.marks) if isinstance(mark, Named)]
        return [(i, mark) for i, mark in named if mark.name]


@dataclass(frozen=True, slots=True)
class Panel:
    """A figure: plots below or beside each other, and a note that says how to read them."""

    key: str
    title: str
    note: str
    plots: tuple[Plot, ...]
    columns: int = 1


@dataclass(frozen=True, slots=True)
class Frame:
    """What a drawing needs to know of the run: its sessions and whether its market is simulated."""

    day: IntArray
    synthetic: bool


def finite(values: FloatArray) -> FloatArray:
    """The same with infinities as NaN, which a line skips."""
    return np.where(np.isfinite(values), values, np.nan)


def line_style(index: int) -> tuple[str, Dash]:
    """Colour and dash of the n-th series: dashes change when the colours start again."""
    return SERIES[index % len(SERIES)], list(Dash)[index // len(SERIES) % len(Dash)]


def stacked(bars: dict[str, dict[int, float]], width: float = 0.72) -> tuple[Bars, ...]:
    """Bars by calendar year, one series upon the other, negative ones below zero."""
    above: dict[int, float] = {}
    below: dict[int, float] = {}
    out = []
    for index, (name, values) in enumerate(bars.items()):
        base = []
        for year, value in values.items():
            side = above if value >= 0 else below
            base.append(side.get(year, 0.0))
            side[year] = base[-1] + value
        out.append(
            Bars(
                name,
                np.array(list(values), dtype=np.float64),
                np.array(list(values.values())),
                SERIES[index % len(SERIES)],
                np.array(base),
                width,
                labels=[str(year) for year in values],
            )
        )
    return tuple(out)
