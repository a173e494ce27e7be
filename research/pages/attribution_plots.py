"""Figures of carry and spot beside 003: its Exhibits H and I with a run's numbers."""

from __future__ import annotations

import math
import textwrap
from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from research.engine.result import RunResult
from research.measures.attribution import GROUPS, Attribution, attribute
from research.measures.campbell import CAMPBELL
from research.measures.capture_interval import CaptureInterval, capture_interval
from research.pages.style import (
    BLUE,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    Panel,
    draw,
    legend,
    percent_axis,
)
from research.pages.text import percent
from universe.arrays import FloatArray

COLOUR = {"total": BLUE, "carry": GREEN, "spot": ORANGE}
BIN_WIDTHS = (0.0025, 0.005, 0.01, 0.02, 0.03, 0.06, 0.12)
MOST_BINS = 16
LEAST_CAPTURE, MOST_CAPTURE = -0.6, 2.0
"""Ends of the axis of capture ratios, as shares; a bar beyond is cut and its label says so."""

LABEL_GAP = 0.075
"""Least distance of two end labels, as share of the axis."""


def attribution_panels(result: RunResult, attribution: Attribution | None = None) -> list[Panel]:
    """Both figures, of the whole run unless an attribution of a part of it is given.

    Raises
    ------
    ValueError
        As ``attribute``, or if there is no session to show.
    """
    split = attribute(result) if attribution is None else attribution
    if not len(split.day):
        raise ValueError(f"attribution of {split.name}: a figure needs at least two sessions")
    return [carry_spot_panel(result, split), capture_panel(result, split)]


def carry_spot_panel(result: RunResult, attribution: Attribution) -> Panel:
    """Cumulative total, carry and spot over the distribution of their quarters (Exhibit H)."""
    row = attribution.total().loc["all"].to_dict()
    quarters, stats = attribution.quarterly_returns(), attribution.quarterly().T.to_dict()
    day = np.concatenate([[attribution.base], attribution.day])
    carry, spot = attribution.carry.sum(axis=1), attribution.spot.sum(axis=1)
    series = {"total": carry + spot, "carry": carry, "spot": spot}
    lines = {name: np.cumsum(np.concatenate([[0.0], part])) for name, part in series.items()}

    def paint(figure: Figure, axes: list[Axes]) -> None:
        top, shared = axes
        for name, line in lines.items():
            width = 1.5 if name == "total" else 1.1
            top.plot(day, line, color=COLOUR[name], linewidth=width)
        top.axhline(0.0, color=MUTED, linewidth=0.6)
        top.tick_params(labelbottom=True)
        percent_axis(top, "cumulative, of NAV")
        legend(top, "Cumulative performance")
        _end_labels(top, {name: float(line[-1]) for name, line in lines.items()})
        # panels share an axis of dates: the quarters need one of their own in the second's place
        shared.set_visible(False)
        place = shared.get_position()
        lower = figure.add_axes((place.x0, place.y0, place.width, place.height * 0.88))
        lower.yaxis.set_label_coords(*shared.yaxis.label.get_position())
        _histogram(lower, quarters["carry"].to_numpy(float), quarters["spot"].to_numpy(float))
        legend(lower, f"Distribution of {len(quarters)} quarterly returns")

    def words(part: str) -> str:
        mean, stdev = getattr(CAMPBELL, f"quarter_{part}")
        return (
            f"{part} mean {percent(stats[part]['mean'])}, stdev {percent(stats[part]['stdev'])} "
            f"(003: {percent(mean)}, {percent(stdev)})"
        )

    ratio = f"; {_share(row['capture'])} of the carry captured" if not row["capture_note"] else ""
    return draw(
        replace(result, day=day),
        "carry-spot",
        f"Carry and spot: carry {_plus(row['carry'])}, spot {_plus(row['spot'])}, "
        f"total {_plus(row['total'])} of NAV{ratio}",
        "After Exhibit H of 003. Price profit before costs over the NAV before, added up without "
        "compounding. Carry is what the positions held overnight earn at an unchanged curve, spot "
        f"the rest. Whole calendar quarters: {words('carry')}; {words('spot')}. "
        f"{percent(row['unquoted_risk'])} of the risk had no carry quote and counts as spot.",
        paint,
        heights=(3.0, 2.3),
        right=1.25,
    )


def capture_panel(result: RunResult, attribution: Attribution) -> Panel:
    """Capture ratio by asset class beside the published ones (Exhibit I)."""
    total, classes = attribution.total(), attribution.by_class()
    interval = capture_interval(attribution)
    names = [*GROUPS, "all"]
    ratio, reason = [], []
    for name in names:
        table = total if name == "all" else classes
        known = name in table.index
        ratio.append(float(table["capture"].get(name, np.nan)))
        reason.append(str(table.at[name, "capture_note"]) if known else "no market of the class")
    published = [*(CAMPBELL.capture_by_class[n] for n in GROUPS), (CAMPBELL.capture, "")]

    def paint(_: Figure, axes: list[Axes]) -> None:
        (ax,) = axes
        for x, (value, why) in enumerate(zip(ratio, reason, strict=True)):
            aside = 0.04 if names[x] == "all" and math.isfinite(interval.low) else 0.0
            _capture_bar(ax, x - 0.21, value, why, "ours" if x == 0 else "", aside)
        for x, (value, words) in enumerate(published):
            _published_bar(ax, x + 0.21, value, words, "003" if x == 0 else "")
        if math.isfinite(interval.low):
            low, high = np.clip([interval.low, interval.high], LEAST_CAPTURE, MOST_CAPTURE)
            place = len(names) - 1 - 0.35
            ax.plot([place, place], [low, high], color=INK, linewidth=1.2, label="90 % interval")
        ax.axhline(1.0, color=INK, linewidth=0.9, linestyle="dashed")
        ax.axhline(0.0, color=MUTED, linewidth=0.6)
        ax.set_xticks(range(len(names)), [name.capitalize() for name in names], fontsize=8.5)
        ax.tick_params(axis="x", length=0)
        ax.grid(visible=False, axis="x")
        ax.set_xlim(-0.55, len(names) - 0.45)
        ends = [max(v, LEAST_CAPTURE) for v in (*ratio, interval.low) if math.isfinite(v)]
        least = min([0.0, *ends])
        ax.set_ylim(least - 0.16 if least < 0 else 0.0, MOST_CAPTURE + 0.16)
        percent_axis(ax, "total over carry")
        legend(ax, "Above 100 % the move of spot added to the carry")

    whole = f"{_share(ratio[-1])} of all carry" if math.isfinite(ratio[-1]) else "no ratio of all"
    return draw(
        result,
        "capture",
        f"Carry capture by asset class: {whole} (003: {_share(CAMPBELL.capture)})",
        "After Exhibit I of 003: gross price profit over carry, no ratio where carry is not "
        "positive. 003 says only “above 100 %” of two classes (arrows) and “roughly 60 %” eroded "
        f"of the others. {_interval_text(interval)}",
        paint,
        heights=(3.1,),
        dates=False,
    )


def _interval_text(got: CaptureInterval) -> str:
    if got.note:
        return f"No interval: {got.note}."
    return (
        f"{percent(got.coverage, 0)} interval of all: {_share(got.low)} to {_share(got.high)}, by "
        "stationary bootstrap in blocks of a quarter."
    )


def _end_labels(ax: Axes, ends: dict[str, float]) -> None:
    """Names and last values at the right of the lines, moved apart where they would overlap."""
    low, high = ax.get_ylim()
    order = sorted(ends, key=ends.__getitem__)
    places = spread([(ends[name] - low) / (high - low) for name in order], LABEL_GAP)
    for name, place in zip(order, places, strict=True):
        ax.text(
            1.01,
            place,
            f"{_plus(ends[name])} {name}",
            transform=ax.transAxes,
            color=COLOUR[name],
            fontsize=9,
            fontweight="bold",
            va="center",
        )


def spread(places: list[float], gap: float) -> list[float]:
    """Ascending places moved apart to at least ``gap``, each cluster about its own middle."""
    clusters: list[list[float]] = []
    for place in places:
        clusters.append([place])
        while len(clusters) > 1 and _top(clusters[-2], gap) + gap > _bottom(clusters[-1], gap):
            last = clusters.pop()
            clusters[-1] += last
    return [_bottom(group, gap) + gap * i for group in clusters for i in range(len(group))]


def _bottom(group: list[float], gap: float) -> float:
    return sum(group) / len(group) - gap * (len(group) - 1) / 2


def _top(group: list[float], gap: float) -> float:
    return _bottom(group, gap) + gap * (len(group) - 1)


def bin_edges(values: FloatArray) -> FloatArray:
    """Edges at multiples of a round width, zero among them, that hold all values."""
    low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
    for width in BIN_WIDTHS:
        first, last = math.floor(low / width - 1e-9), math.floor(high / width + 1e-9) + 1
        if last - first <= MOST_BINS:
            return np.arange(first, last + 1) * width
    return np.linspace(low, high + 1e-9, MOST_BINS + 1)


def _histogram(ax: Axes, carry: FloatArray, spot: FloatArray) -> None:
    percent_axis(ax, "share of quarters")
    if not len(carry):
        ax.text(0.5, 0.5, "no whole quarter", transform=ax.transAxes, ha="center", color=MUTED)
        ax.set_xticks([])
        return
    edges = bin_edges(np.concatenate([carry, spot]))
    middle, width = (edges[1:] + edges[:-1]) / 2, edges[1] - edges[0]
    for values, name, shift in ((carry, "carry", -0.2), (spot, "spot", 0.2)):
        share = np.histogram(values, edges)[0] / len(values)
        x = middle + shift * width
        ax.bar(x, share, width=0.38 * width, color=COLOUR[name], label=f"{name} return")
    ax.grid(visible=False, axis="x")
    ax.set_xticks(edges)
    digits = 0 if round(100 * width, 6).is_integer() else 2
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: percent(value, digits)))
    ax.set_xlim(edges[0], edges[-1])


def _capture_bar(
    ax: Axes, x: float, value: float, why: str, label: str, aside: float = 0.0
) -> None:
    """A bar of ours with its label, moved ``aside``; words where there is no ratio."""
    if not math.isfinite(value):
        ax.bar(x, 0.0, color=BLUE, label=label)
        text = "no ratio:\n" + textwrap.fill(why.replace(" %", "\N{NO-BREAK SPACE}%"), 17)
        ax.text(x, 0.03, text, ha="center", va="bottom", fontsize=7.5, color=MUTED)
        return
    shown = min(max(value, LEAST_CAPTURE), MOST_CAPTURE)
    ax.bar(x, shown, width=0.38, color=BLUE, label=label)
    cut = "" if shown == value else " (cut)"
    _bar_label(ax, x + aside, shown, f"{_share(value)}{cut}")


def _published_bar(ax: Axes, x: float, value: float, words: str, label: str) -> None:
    shown = value if math.isfinite(value) else 1.0
    ax.bar(x, shown, width=0.38, color="none", edgecolor=MUTED, hatch="////", label=label)
    if math.isfinite(value):
        _bar_label(ax, x, value, words or _share(value))
        return
    arrow = {"arrowstyle": "->", "color": MUTED, "linewidth": 1.2}
    ax.annotate("", (x, 1.28), (x, 1.0), arrowprops=arrow)
    _bar_label(ax, x, 1.27, words)


def _bar_label(ax: Axes, x: float, y: float, text: str) -> None:
    if 0.86 < y < 1.0:
        y = 1.0  # clear of the line at 100 %
    place, side = (y - 0.03, "top") if y < 0 else (y + 0.03, "bottom")
    ax.text(x, place, text, ha="center", va=side, fontsize=8, color=INK)


def _plus(value: float) -> str:
    text = percent(value, 1 if abs(value) < 0.1 else 0)
    return f"+{text}" if value > 0 and text[0] not in "–−" else text


def _share(value: float) -> str:
    return percent(value, 0)
