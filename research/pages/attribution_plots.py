"""Figures of carry and spot beside Roberts (2017): its Exhibits H and I with a run's numbers."""

from __future__ import annotations

import math
import textwrap

import numpy as np

from research.engine.result import RunResult
from research.measures.attribution import GROUPS, Attribution, attribute
from research.measures.campbell import CAMPBELL, SHORT
from research.measures.capture_interval import CaptureInterval, capture_interval
from research.pages.charts import (
    BLUE,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    Axis,
    Bars,
    Dash,
    Level,
    Line,
    Mark,
    Panel,
    Plot,
    Ranges,
    Unit,
    Words,
)
from research.pages.text import percent
from universe.arrays import FloatArray

COLOUR = {"total": BLUE, "carry": GREEN, "spot": ORANGE}
BIN_WIDTHS = (0.0025, 0.005, 0.01, 0.02, 0.03, 0.06, 0.12)
MOST_BINS = 16
LEAST_CAPTURE, MOST_CAPTURE = -0.6, 2.0
"""Ends of the axis of capture ratios, as shares; a bar beyond is cut and its label says so."""


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
    return [carry_spot_panel(split), capture_panel(split)]


def carry_spot_panel(attribution: Attribution) -> Panel:
    """Cumulative total, carry and spot over the distribution of their quarters (Exhibit H)."""
    row = attribution.total().loc["all"].to_dict()
    quarters, stats = attribution.quarterly_returns(), attribution.quarterly().T.to_dict()
    day = np.concatenate([[attribution.base], attribution.day])
    carry, spot = attribution.carry.sum(axis=1), attribution.spot.sum(axis=1)
    lines = [
        Line(
            f"{name} {_plus(float(part.sum()))}",
            np.cumsum(np.concatenate([[0.0], part])),
            COLOUR[name],
            x=day,
            width=1.7 if name == "total" else 1.3,
        )
        for name, part in (("total", carry + spot), ("carry", carry), ("spot", spot))
    ]

    def words(part: str) -> str:
        mean, stdev = getattr(CAMPBELL, f"quarter_{part}")
        return (
            f"{part} mean {percent(stats[part]['mean'])}, stdev {percent(stats[part]['stdev'])} "
            f"({SHORT}: {percent(mean)}, {percent(stdev)})"
        )

    ratio = f"; {_share(row['capture'])} of the carry captured" if not row["capture_note"] else ""
    return Panel(
        "carry-spot",
        f"Carry and spot: carry {_plus(row['carry'])}, spot {_plus(row['spot'])}, "
        f"total {_plus(row['total'])} of NAV{ratio}",
        f"After Exhibit H of {SHORT}. Price profit before costs over the NAV before, added up "
        "without compounding. Carry is what the positions held overnight earn at an unchanged "
        f"curve, spot the rest. Whole calendar quarters: {words('carry')}; {words('spot')}. "
        f"{percent(row['unquoted_risk'])} of the risk had no carry quote and counts as spot.",
        (
            Plot(
                "Cumulative performance",
                Axis("cumulative, of NAV", Unit.PERCENT),
                (Level(0.0), *lines),
                height=3.0,
            ),
            _quarters(quarters["carry"].to_numpy(float), quarters["spot"].to_numpy(float)),
        ),
    )


def _quarters(carry: FloatArray, spot: FloatArray) -> Plot:
    if not len(carry):
        return Plot(
            "Distribution of quarterly returns: no whole quarter",
            Axis("share of quarters", Unit.PERCENT, 0.0, 1.0),
            (),
            x=Axis("", Unit.PERCENT, -0.05, 0.05),
            height=1.0,
        )
    edges = bin_edges(np.concatenate([carry, spot]))
    middle, width = (edges[1:] + edges[:-1]) / 2, float(edges[1] - edges[0])
    bars = []
    for values, name, shift in ((carry, "carry", -0.2), (spot, "spot", 0.2)):
        share = np.histogram(values, edges)[0] / len(values)
        places = [
            f"{percent(a, 2)} to {percent(b, 2)}"
            for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
        ]
        x = middle + shift * width
        bars.append(
            Bars(f"{name} return", x, share, COLOUR[name], width=0.38 * width, labels=places)
        )
    return Plot(
        f"Distribution of {len(carry)} quarterly returns",
        Axis("share of quarters", Unit.PERCENT, low=0.0),
        tuple(bars),
        x=Axis("return of a quarter", Unit.PERCENT, float(edges[0]), float(edges[-1])),
        height=2.0,
    )


def capture_panel(attribution: Attribution) -> Panel:
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
    place = np.arange(len(names), dtype=np.float64)
    marks: list[Mark] = [
        Level(1.0, "", INK, Dash.DASHED, 1.0),
        Level(0.0),
        Bars(
            "this run",
            place - 0.21,
            np.clip(np.nan_to_num(ratio), LEAST_CAPTURE, MOST_CAPTURE),
            BLUE,
            width=0.38,
            labels=names,
        ),
        Bars(
            SHORT,
            place + 0.21,
            np.array([value if math.isfinite(value) else 1.0 for value, _ in published]),
            MUTED,
            width=0.38,
            hollow=True,
            labels=names,
        ),
        *(_own_label(x - 0.21, v, why) for x, v, why in zip(place, ratio, reason, strict=True)),
        *(_published_label(x + 0.21, *found) for x, found in zip(place, published, strict=True)),
    ]
    if math.isfinite(interval.low):
        low, high = np.clip([interval.low, interval.high], LEAST_CAPTURE, MOST_CAPTURE)
        x = np.array([len(names) - 1 - 0.36])
        marks.append(Ranges("90 % interval", x, np.array([low]), np.array([high])))
    ends = [max(v, LEAST_CAPTURE) for v in (*ratio, interval.low) if math.isfinite(v)]
    least = min([0.0, *ends])
    whole = f"{_share(ratio[-1])} of all carry" if math.isfinite(ratio[-1]) else "no ratio of all"
    return Panel(
        "capture",
        f"Carry capture by asset class: {whole} ({SHORT}: {_share(CAMPBELL.capture)})",
        f"After Exhibit I of {SHORT}: gross price profit over carry, no ratio where carry is not "
        "positive. It says only “above 100 %” of two classes and “roughly 60 %” eroded of the "
        "others. Volatility futures count as equity indices, as they do there. "
        f"{_interval_text(interval)}",
        (
            Plot(
                "Gross profit over carry; above 100 % the move of spot added to it",
                Axis(
                    "total over carry",
                    Unit.PERCENT,
                    least - 0.16 if least < 0 else 0.0,
                    MOST_CAPTURE + 0.16,
                ),
                tuple(marks),
                ticks=[name.capitalize() for name in names],
                height=3.1,
            ),
        ),
    )


def _interval_text(got: CaptureInterval) -> str:
    if got.note:
        return f"No interval: {got.note}."
    return (
        f"{percent(got.coverage, 0)} interval of all: {_share(got.low)} to {_share(got.high)}, by "
        "stationary bootstrap in blocks of a quarter."
    )


def bin_edges(values: FloatArray) -> FloatArray:
    """Edges at multiples of a round width, zero among them, that hold all values."""
    low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
    for width in BIN_WIDTHS:
        first, last = math.floor(low / width - 1e-9), math.floor(high / width + 1e-9) + 1
        if last - first <= MOST_BINS:
            return np.arange(first, last + 1) * width
    return np.linspace(low, high, MOST_BINS + 1)


def _own_label(x: float, value: float, why: str) -> Words:
    """The ratio above or below its bar; the reason where there is none."""
    if not math.isfinite(value):
        text = "no ratio:\n" + textwrap.fill(why.replace(" %", "\N{NO-BREAK SPACE}%"), 14)
        return Words(x, 0.03, text, colour=MUTED)
    shown = min(max(value, LEAST_CAPTURE), MOST_CAPTURE)
    return _label(x, shown, f"{_share(value)}{'' if shown == value else ' (cut)'}")


def _published_label(x: float, value: float, words: str) -> Words:
    return _label(x, value if math.isfinite(value) else 1.0, words or _share(value))


def _label(x: float, y: float, text: str) -> Words:
    if 0.86 < y < 1.0:
        y = 1.0  # clear of the line at 100 %
    return Words(x, y - 0.03 if y < 0 else y + 0.03, text, below=y < 0)


def _plus(value: float) -> str:
    text = percent(value, 1 if abs(value) < 0.1 else 0)
    return f"+{text}" if value > 0 and text[0] not in "–−" else text


def _share(value: float) -> str:
    return percent(value, 0)
