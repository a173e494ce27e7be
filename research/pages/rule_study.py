"""The study of the rules as a page, a CSV and a table on the terminal."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table
from rich.text import Text

from research.engine.result import RunResult
from research.measures.bootstrap import BLOCK
from research.pages.files import write_atomically
from research.pages.style import BLUE, INK, MUTED, ORANGE, Panel, draw, legend, number_axis
from research.pages.text import NONE, SYNTHETIC, day_text, percent, signed, titled
from research.studies.bond_comparison import SMOOTHING, BondComparison
from research.studies.rule_books import ALL
from research.studies.rules import ANCHORS, RuleStudy
from universe.arrays import FloatArray, IntArray

ROW_INCHES, GAP_INCHES, NAME_INCHES = 0.2, 0.5, 1.55
FOREST_COLUMNS = 4
AXIS_ENDS = (-2.0, 3.0)
"""Widest Sharpe ratios that the forest plot shows; an interval beyond is cut."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a figure's frame needs to know of its subject."""

    data_name: str
    synthetic: bool
    day: IntArray


def write_rules(study: RuleStudy, out: Path, bonds: Sequence[BondComparison] = ()) -> Path:
    """Write ``rules.html`` and ``rules.csv`` into a folder; returns the page's path.

    Raises
    ------
    ReportError
        If a file cannot be written.
    """
    write_atomically(out / "rules.csv", rules_csv(study))
    return write_atomically(out / "rules.html", render_rules(study, bonds))


def rules_csv(study: RuleStudy) -> str:
    """Every number of the table of books, unrounded; the last column names the data."""
    data = _name(study)
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([*study.table.columns, "data"])
    for row in _records(study.table):
        row["first"] = day_text(row["first"]) if row["first"] >= 0 else ""
        cells = [_cell(value) for value in row.values()]
        writer.writerow([*cells, data])
    return buffer.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.10g}" if math.isfinite(value) else ""
    return str(value)


# --- figures -------------------------------------------------------------------------------------
def forest_panel(study: RuleStudy) -> Panel:
    """Net Sharpe ratio and its interval of every rule, a box per class."""
    books = study.books
    names = [ALL, *books.classes[:-1]]
    rows = math.ceil(len(names) / FOREST_COLUMNS)
    height = ROW_INCHES * len(books.rules)
    ends = study.table[["low", "high", "anchor"]].to_numpy(float)
    finite = ends[np.isfinite(ends)]
    low = max(min(finite.min(initial=0.0) - 0.1, -0.2), AXIS_ENDS[0])
    high = min(max(finite.max(initial=0.0) + 0.1, 1.0), AXIS_ENDS[1])

    def paint(figure: Figure, axes: list[Axes]) -> None:
        axes[0].set_visible(False)
        width, total = figure.get_size_inches()
        box = axes[0].get_position()
        step = (width - NAME_INCHES - 0.15) / FOREST_COLUMNS
        for k, name in enumerate(names):
            row, column = divmod(k, FOREST_COLUMNS)
            top = box.y1 * total - row * (height + GAP_INCHES)
            place = (NAME_INCHES + column * step, top - height, step - 0.15, height)
            ax = figure.add_axes(tuple(np.array(place) / [width, total, width, total]))
            ax.set_xlim(low, high)
            _forest(ax, study.table[study.table["class"] == name], names_shown=column == 0)
            ax.set_title(name, loc="left", fontsize=8.5, color=INK)

    return _frame(
        study,
        "forest",
        f"Net Sharpe ratio by rule and class, with {percent(study.coverage, 0)} intervals",
        f"Stationary bootstrap, blocks of {BLOCK} sessions on average, {study.samples:,} samples, "
        "the same draws for all books. Open diamonds: an independent rough computation on the same "
        "public data, 2000 to 2022-06, all classes; nothing is fitted to it. A rule that never "
        "holds anything in a class has no mark there.",
        paint,
        (rows * (height + GAP_INCHES) - GAP_INCHES + 0.1,),
    )


def _forest(ax: Axes, table: pd.DataFrame, *, names_shown: bool) -> None:
    place = np.arange(len(table))[::-1]
    point, low, high, anchor = (
        table[name].to_numpy(float) for name in ("net_sharpe", "low", "high", "anchor")
    )
    ax.axvline(0.0, color=MUTED, linewidth=0.8)
    ax.hlines(place, low, high, color=BLUE, linewidth=1.4)
    ax.plot(point, place, "o", color=BLUE, markersize=4)
    ax.plot(anchor, place, "D", color=ORANGE, markersize=6, fillstyle="none", markeredgewidth=1.2)
    ax.set_ylim(-0.6, len(table) - 0.4)
    ax.set_yticks(place, table["rule"] if names_shown else [""] * len(table))
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")


def bond_panel(study: RuleStudy, bonds: Sequence[BondComparison]) -> Panel:
    """Both measures of bond carry through time, a box per market."""
    days = np.unique(np.concatenate([bond.day for bond in bonds]))

    def paint(figure: Figure, axes: list[Axes]) -> None:
        for ax, bond in zip(axes, bonds, strict=True):
            x = bond.day.astype(np.float64)
            ax.plot(x, bond.implied, color=ORANGE, linewidth=0.4, alpha=0.35)
            ax.plot(x, _smooth(bond.implied), color=ORANGE, label="implied by the futures")
            ax.plot(x, _smooth(bond.formula), color=BLUE, label="yield and roll-down")
            ax.axhline(0.0, color=MUTED, linewidth=0.6)
            both = np.concatenate([bond.implied, bond.formula])
            low, high = np.quantile(both, [0.002, 0.998])
            ax.set_ylim(low - 0.1 * (high - low), high + 0.1 * (high - low))
            number_axis(ax, "bp a year")
            legend(ax, bond.code)

    return _frame(
        study,
        "bond-carry",
        "Bond carry per DV01: from the yield curve and from the futures",
        "The rise of yield, in basis points, that a year's carry pays for. Lines are trailing "
        f"means over {SMOOTHING} sessions, the pale one is daily and cut at its extremes. The "
        "futures' version also holds the delivery option and what a change of the cheapest bond "
        "between two contracts does to their prices.",
        paint,
        (2.0,) * len(bonds),
        days,
    )


def _smooth(values: FloatArray) -> FloatArray:
    return pd.Series(values).rolling(SMOOTHING).mean().to_numpy(dtype=np.float64)


def _frame(
    study: RuleStudy,
    key: str,
    title: str,
    note: str,
    paint: Callable[[Figure, list[Axes]], None],
    heights: tuple[float, ...],
    days: IntArray | None = None,
) -> Panel:
    day = study.books.day if days is None else days
    shown = _Shown(study.data_name, study.synthetic, day)
    # the frame of a figure asks a run for its dates and whether it is synthetic, no more
    result = cast(RunResult, shown)
    return draw(result, key, title, note, paint, heights=heights, dates=days is not None)


# --- tables --------------------------------------------------------------------------------------
def print_rules(study: RuleStudy, console: Console | None = None) -> None:
    """Print the books of all classes, then net Sharpe ratios by class, to ``console``."""
    console = console or Console()
    all_classes = study.table[study.table["class"] == ALL]
    first, last = day_text(int(study.books.day[0])), day_text(int(study.books.day[-1]))
    table = Table(
        title=Text(f"{_name(study)}, {first} to {last}, all classes"), title_justify="left"
    )
    heads = ("rule", "net SR", percent(study.coverage, 0), "anchor", "gross", "fall")
    for head in (*heads, "turns", "cost", "|f|"):
        table.add_column(head, justify="left" if head == "rule" else "right", no_wrap=True)
    for row in _records(all_classes):
        table.add_row(
            row["rule"],
            signed(row["net_sharpe"]),
            _range(row),
            signed(row["anchor"]),
            signed(row["gross_sharpe"]),
            percent(row["drawdown"], 0),
            signed(row["turnover"], 1),
            percent(row["cost"]),
            signed(row["mean_abs_forecast"]),
        )
    console.print(table)
    names = study.books.classes[:-1]
    by_class = Table(title="net Sharpe ratio by class", title_justify="left")
    by_class.add_column("rule", no_wrap=True)
    for name in names:
        by_class.add_column(name, justify="right")
    ratio = {(row["rule"], row["class"]): row["net_sharpe"] for row in _records(study.table)}
    for rule in study.books.rules:
        by_class.add_row(rule, *(signed(ratio[rule, name]) for name in names))
    console.print(by_class)
    flips = next(row for row in _records(study.flips) if row["class"] == ALL)
    console.print(
        f"daily flip check of tsmom: {signed(flips['a_market_year'], 1)} flips a market and year; "
        f"net Sharpe {signed(flips['sharpe'])} with it, {signed(flips['sharpe_without'])} without, "
        f"difference {signed(flips['difference'], 3)} ({signed(flips['low'], 3)} to "
        f"{signed(flips['high'], 3)})"
    )


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as dictionaries by column."""
    return [dict(zip(table.columns, row, strict=True)) for row in table.itertuples(index=False)]


def _range(row: dict[str, float]) -> str:
    if not math.isfinite(row["low"]):
        return NONE
    return f"{signed(row['low'])} to {signed(row['high'])}"


def _name(study: RuleStudy) -> str:
    return titled(cast(RunResult, study), study.data_name)


def render_rules(study: RuleStudy, bonds: Sequence[BondComparison] = ()) -> str:
    """The page as HTML text, self-contained and in the report's style."""
    folder = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(percent=percent, signed=signed, day=day_text, range=_range)
    panels = [forest_panel(study), *([bond_panel(study, bonds)] if bonds else [])]
    report = (folder / "report_template.html").read_text(encoding="utf-8")
    style = re.search(r"<style>.*?</style>", report, re.DOTALL)
    return environment.get_template("rule_study_template.html").render(
        study=study,
        name=_name(study),
        label=SYNTHETIC if study.synthetic else "",
        style=Markup(style[0] if style else ""),
        figures=[(panel, Markup(panel.svg)) for panel in panels],
        classes=[ALL, *study.books.classes[:-1]],
        books=_records(study.table),
        flips=_records(study.flips),
        sizes=_records(study.sizes),
        bonds=bonds,
        anchors=ANCHORS,
        first=int(study.books.day[0]),
        last=int(study.books.day[-1]),
        history=int(study.panel.day[0]),
        block=BLOCK,
        smoothing=SMOOTHING,
    )
