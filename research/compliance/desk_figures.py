"""Drawings of the risk desk's page: limits as bars, parts of risk, exposure and flows (R4, O1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from research.compliance.blocks import Figure
from research.compliance.figures import BLUE, COLOURS, INK, LEGEND, ORANGE, RED, canvas_of, drawn
from risk.limits import Reading, Status
from universe.arrays import FloatArray, IntArray
from universe.counts import count_text

STATUS_COLOUR = {
    Status.OK: "#009e73",
    Status.WARN: ORANGE,
    Status.BREACH: RED,
    Status.UNKNOWN: "#9aa4af",
}
"""Green, orange, vermilion, grey: told apart without red and green too."""

_MAP = LinearSegmentedColormap.from_list("long and short", [ORANGE, "#ffffff", BLUE])

Days = np.ndarray[tuple[int], np.dtype[np.datetime64]]


def dates_of(days: IntArray) -> Days:
    """Epoch days as dates for an axis."""
    return days.astype("datetime64[D]")


def limit_bars(readings: Sequence[Reading]) -> Figure:
    """The fullest bucket of every limit as a share of its level."""
    fullest: dict[str, Reading] = {}
    for reading in readings:
        other = fullest.get(reading.limit)
        if other is None or not other.value >= reading.value:
            fullest[reading.limit] = reading
    rows = list(fullest.values())[::-1]
    canvas, axes = canvas_of((7.2, 0.6 + 0.22 * len(rows)))
    used = [100.0 * float(np.nan_to_num(one.value / one.breach)) for one in rows]
    colours = [STATUS_COLOUR[one.status] for one in rows]
    places = range(len(rows))
    axes.barh(places, [min(value, 130.0) for value in used], color=colours, height=0.65)
    for k, one in enumerate(rows):
        axes.plot([100 * one.warn / one.breach] * 2, [k - 0.4, k + 0.4], color=INK, lw=0.8)
        text = f"{one.value:.4g} of {one.breach:g}" if np.isfinite(one.value) else "unknown"
        axes.text(min(used[k], 130.0) + 1, k, text, va="center", fontsize=6.5, color=INK)
    axes.axvline(100, color=RED, lw=0.9, ls="--")
    axes.set_yticks(list(places), [_name(one) for one in rows])
    axes.set_xlim(0, 150)
    axes.set_xlabel("% of the limit", fontsize=7)
    return drawn(
        canvas,
        "The fullest bucket of every limit: green within, orange beyond the level to warn at "
        "(line), red in breach, grey unknown.",
    )


def _name(reading: Reading) -> str:
    name = reading.limit.replace("_", " ")
    return name if reading.bucket == "fund" else f"{name}: {reading.bucket}"


def parts_bars(names: Sequence[str], var: FloatArray, shortfall: FloatArray) -> Figure:
    """What every class adds to one-day VaR and expected shortfall."""
    canvas, axes = canvas_of((7.2, 0.7 + 0.32 * len(names)))
    places = np.arange(len(names))
    axes.barh(places + 0.2, 1e4 * var[::-1], height=0.38, color=BLUE, label="VaR")
    axes.barh(
        places - 0.2, 1e4 * shortfall[::-1], height=0.38, color=ORANGE, label="expected shortfall"
    )
    axes.axvline(0, color=INK, lw=0.6)
    axes.set_yticks(places, list(names)[::-1])
    axes.set_xlabel("basis points of NAV", fontsize=7)
    axes.legend(**LEGEND, ncols=2)
    return drawn(
        canvas, "Parts of the one-day 99 % figures by asset class; negative where a class hedges."
    )


def lines(days: IntArray, series: Mapping[str, FloatArray], unit: str, caption: str) -> Figure:
    """A line for every series."""
    canvas, axes = canvas_of()
    for colour, (name, values) in zip(COLOURS * 3, series.items(), strict=False):
        axes.plot(dates_of(days), values, color=colour, lw=0.9, label=name)
    if len(series) > 1:
        axes.legend(**LEGEND, ncols=min(len(series), 6))
    axes.set_ylabel(unit)
    return drawn(canvas, caption)


def exposure_map(days: IntArray, codes: Sequence[str], exposure: FloatArray) -> Figure:
    """Signed exposure over NAV by market and session, blue long and orange short."""
    canvas, axes = canvas_of((7.2, 0.8 + 0.14 * max(len(codes), 4)))
    sizes = np.abs(exposure[exposure != 0])
    full = float(np.quantile(sizes, 0.95)) if len(sizes) else 1.0
    shade = np.sign(exposure) * np.sqrt(np.minimum(np.abs(exposure) / full, 1.0))
    axes.imshow(shade.T, aspect="auto", cmap=_MAP, vmin=-1, vmax=1, interpolation="nearest")
    axes.set_yticks(range(len(codes)), list(codes), fontsize=5.5)
    ticks = np.linspace(0, len(days) - 1, min(len(days), 6)).astype(np.int64)
    axes.set_xticks(ticks, [str(day) for day in dates_of(days[ticks])], fontsize=6)
    return drawn(
        canvas,
        f"Exposure held by market, last {count_text(len(days), 'session')}: blue long, orange "
        "short, full colour "
        f"from {full:.0%} of NAV on; the colour follows the root.",
    )


def flow_bars(days: IntArray, bought: FloatArray, sold: FloatArray) -> Figure:
    """What was bought and sold by session, rolls included."""
    canvas, axes = canvas_of()
    axes.bar(dates_of(days), 100 * bought, color=BLUE, width=0.8, label="bought")
    axes.bar(dates_of(days), -100 * sold, color=ORANGE, width=0.8, label="sold")
    axes.axhline(0, color=INK, lw=0.6)
    axes.legend(**LEGEND, ncols=2)
    axes.set_ylabel("% of NAV")
    return drawn(canvas, "Notional bought and sold by session, rolls included.")
