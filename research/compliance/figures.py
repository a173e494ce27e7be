"""Drawings of the pack: VaR against limit and losses, exposure, drawdown (O2)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from research.compliance.blocks import Figure
from research.compliance.nport import binding_var
from research.compliance.records import DayEntry, Number
from universe.arrays import FloatArray

INK, BLUE, RED, ORANGE = "#1b1f24", "#0072b2", "#d55e00", "#e69f00"
COLOURS = (BLUE, ORANGE, "#009e73", RED, "#cc79a7", "#56b4e9", "#5e3c99")
LEGEND: dict[str, Any] = {
    "loc": "lower left",
    "bbox_to_anchor": (0.0, 1.0),
    "fontsize": 6,
    "frameon": False,
}
"""Above the drawing, where no line runs."""

SIZE, DPI = (7.2, 2.5), 150


def var_history(days: Sequence[DayEntry], limit: float) -> Figure:
    """20-day VaR by session, with the absolute limit."""
    canvas, axes = canvas_of()
    axes.plot(_dates(days), 100 * _series([binding_var(e) for e in days]), color=BLUE, lw=0.7)
    axes.axhline(100 * limit, color=RED, lw=0.9, ls="--")
    axes.set_ylim(bottom=0)
    axes.set_ylabel("% of NAV")
    return drawn(canvas, f"99 %/20-day VaR; dashed the absolute limit of {100 * limit:g} %.")


def relative_history(days: Sequence[DayEntry], limit: float) -> Figure:
    """20-day VaR over the reference portfolio's by session, with the relative limit."""
    canvas, axes = canvas_of()
    axes.plot(_dates(days), _series([entry.var_relative for entry in days]), color=BLUE, lw=0.7)
    axes.axhline(limit, color=RED, lw=0.9, ls="--")
    axes.set_ylim(bottom=0)
    axes.set_ylabel("times the reference's")
    return drawn(
        canvas,
        f"99 %/20-day VaR over that of the reference portfolio; dashed the relative limit of "
        f"{limit:g}.",
    )


def exceptions(days: Sequence[DayEntry]) -> Figure:
    """Gain or loss of each tested session against one-day VaR."""
    canvas, axes = canvas_of()
    tested = [entry for entry in days if entry.is_exception is not None]
    when = _dates(tested)
    result = 100 * _series([entry.result for entry in tested])
    hit = np.array([entry.is_exception is True for entry in tested], dtype=bool)
    axes.vlines(when[~hit], 0, result[~hit], color="#9aa4af", lw=0.4)
    axes.vlines(when[hit], 0, result[hit], color=RED, lw=1.1)
    axes.plot(when, -100 * _series([entry.var_tested for entry in tested]), color=BLUE, lw=0.7)
    axes.set_ylabel("% of NAV")
    return drawn(
        canvas,
        f"Each session's gain or loss (grey), one-day VaR held into it (blue), the {hit.sum()} "
        "exceptions in red.",
    )


def exposure(days: Sequence[DayEntry], classes: Sequence[str]) -> Figure:
    """Absolute exposure by asset class."""
    canvas, axes = canvas_of()
    values = np.array([entry.exposure for entry in days]).T
    if values.size:
        axes.stackplot(_dates(days), values, labels=classes, colors=COLOURS, lw=0)
        axes.legend(**LEGEND, ncols=len(classes))
    axes.set_ylabel("times NAV")
    return drawn(
        canvas,
        "Absolute notional of the futures held by asset class, rates in ten-year equivalents.",
    )


def collateral(days: Sequence[DayEntry]) -> Figure:
    """Initial margin, cash and bills over net assets."""
    canvas, axes = canvas_of()
    when = _dates(days)
    for name, colour in (("margin", RED), ("cash", BLUE), ("bills", ORANGE)):
        values = 100 * _series([getattr(entry, name) for entry in days])
        axes.plot(when, values, color=colour, lw=0.8, label=name)
    axes.legend(**LEGEND, ncols=3)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("% of NAV")
    return drawn(canvas, "Initial margin of the positions held, cash and bills.")


def drawdown(days: Sequence[DayEntry]) -> Figure:
    """Fall of NAV from its highest."""
    canvas, axes = canvas_of()
    axes.fill_between(_dates(days), -100 * _series([e.drawdown for e in days]), color=BLUE, lw=0)
    axes.set_ylabel("% of NAV")
    return drawn(canvas, "Fall of NAV from the governor's highest.")


def canvas_of(size: tuple[float, float] = SIZE) -> tuple[Canvas, Axes]:
    """A drawing and its axes in the style of all."""
    canvas = Canvas(figsize=size, layout="constrained")
    axes = canvas.add_subplot()
    axes.tick_params(labelsize=7, colors=INK)
    axes.yaxis.label.set_fontsize(7)
    axes.spines[["top", "right"]].set_visible(False)
    return canvas, axes


def drawn(canvas: Canvas, caption: str) -> Figure:
    """The drawing as PNG."""
    buffer = io.BytesIO()
    canvas.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return Figure(buffer.getvalue(), caption)


def _dates(days: Sequence[DayEntry]) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    return np.array([date.fromisoformat(entry.day) for entry in days], dtype="datetime64[D]")


def _series(values: Sequence[Number]) -> FloatArray:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
