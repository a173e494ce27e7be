"""The study of the rules as a page, a CSV and a table on the terminal."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from research.engine.result import RunResult
from research.measures.bootstrap import BLOCK
from research.pages.charts import (
    BLUE,
    DARK,
    MUTED,
    ORANGE,
    Axis,
    Dots,
    Frame,
    Level,
    Line,
    Mark,
    Panel,
    Plot,
    Ranges,
)
from research.pages.files import write_atomically
from research.pages.markup import drawn_panels, page_style, template
from research.pages.text import NONE, SYNTHETIC, day_text, percent, signed, titled
from research.studies.bond_comparison import SMOOTHING, BondComparison
from research.studies.rule_books import ALL
from research.studies.rules import RuleStudy
from universe.arrays import FloatArray

PAGE = "rules.html"
ROW_INCHES = 0.2
FOREST_COLUMNS = 2
AXIS_ENDS = (-2.0, 3.0)
"""Widest Sharpe ratios that the forest plot shows; an interval beyond is cut."""


def write_rules(study: RuleStudy, out: Path, bonds: Sequence[BondComparison] = ()) -> Path:
    """Write ``rules.html`` and ``rules.csv`` into a folder; returns the page's path.

    Raises
    ------
    ReportError
        If a file cannot be written.
    """
    write_atomically(out / "rules.csv", rules_csv(study))
    return write_atomically(out / PAGE, render_rules(study, bonds))


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


def has_anchors(study: RuleStudy) -> bool:
    """Whether published figures of these very data stand beside the study's own."""
    return bool(np.isfinite(study.table["anchor"].to_numpy(float)).any())


# --- figures -------------------------------------------------------------------------------------
def forest_panel(study: RuleStudy) -> Panel:
    """Net Sharpe ratio and its interval of every rule, a plot per class."""
    names = [ALL, *study.books.classes[:-1]]
    ends = study.table[["low", "high", "anchor"]].to_numpy(float)
    finite = ends[np.isfinite(ends)]
    low = max(min(finite.min(initial=0.0) - 0.1, -0.2), AXIS_ENDS[0])
    high = min(max(finite.max(initial=0.0) + 0.1, 1.0), AXIS_ENDS[1])
    beside = (
        " Rings: an independent rough computation on the same public data, 2000 to 2022-06, all "
        "classes; nothing is fitted to it."
        if has_anchors(study)
        else ""
    )
    return Panel(
        "forest",
        f"Net Sharpe ratio by rule and class, with {percent(study.coverage, 0)} intervals",
        f"Stationary bootstrap, blocks of {BLOCK} sessions on average, {study.samples:,} samples, "
        f"the same draws for all books.{beside} A rule that never holds anything in a class has "
        "no mark there.",
        tuple(
            _forest(name, study.table[study.table["class"] == name], low, high) for name in names
        ),
        columns=FOREST_COLUMNS,
    )


def _forest(name: str, table: pd.DataFrame, low: float, high: float) -> Plot:
    place = np.arange(len(table), dtype=np.float64)
    columns = ("net_sharpe", "low", "high", "anchor")
    point, least, most, anchor = (table[column].to_numpy(float) for column in columns)
    known, beside = np.isfinite(point), np.isfinite(anchor)
    marks: list[Mark] = [
        Level(0.0, upright=True),
        Ranges("interval", place[known], least[known], most[known], BLUE, flat=True),
        Dots("net Sharpe ratio", point[known], place[known], BLUE, size=7.0),
    ]
    if beside.any():
        marks.append(Dots("anchor", anchor[beside], place[beside], ORANGE, "ring", 6.0))
    return Plot(
        name if name != ALL else "all classes",
        Axis(""),
        tuple(marks),
        x=Axis("", low=low, high=high),
        rows=list(table["rule"]),
        height=ROW_INCHES * len(table),
    )


def bond_panel(bonds: Sequence[BondComparison]) -> Panel:
    """Both measures of bond carry through time, a plot per market."""
    return Panel(
        "bond-carry",
        "Bond carry per DV01: from the yield curve and from the futures",
        "The rise of yield, in basis points, that a year's carry pays for. Lines are trailing "
        f"means over {SMOOTHING} sessions, the pale one is daily and cut at its extremes. The "
        "futures' version also holds the delivery option and what a change of the cheapest bond "
        "between two contracts does to their prices.",
        tuple(_bond(bond) for bond in bonds),
    )


def _bond(bond: BondComparison) -> Plot:
    low, high = np.quantile(np.concatenate([bond.implied, bond.formula]), [0.002, 0.998]).tolist()
    return Plot(
        f"{bond.code}, basis points a year",
        Axis("bp a year", low=low - 0.1 * (high - low), high=high + 0.1 * (high - low)),
        (
            Line("daily, futures", bond.implied, ORANGE, x=bond.day, width=0.5, alpha=0.4),
            Line("implied by the futures", _smooth(bond.implied), ORANGE, x=bond.day),
            Line("yield and roll-down", _smooth(bond.formula), BLUE, x=bond.day),
            Level(0.0, colour=MUTED),
        ),
        height=2.0,
    )


def _smooth(values: FloatArray) -> FloatArray:
    return pd.Series(values).rolling(SMOOTHING).mean().to_numpy(dtype=np.float64)


# --- tables --------------------------------------------------------------------------------------
def print_rules(study: RuleStudy, console: Console | None = None) -> None:
    """Print the books of all classes, then net Sharpe ratios by class, to ``console``."""
    console = console or Console()
    all_classes = study.table[study.table["class"] == ALL]
    first, last = day_text(int(study.books.day[0])), day_text(int(study.books.day[-1]))
    anchored = has_anchors(study)
    table = Table(
        title=Text(f"{_name(study)}, {first} to {last}, all classes"), title_justify="left"
    )
    heads = ["rule", "net SR", percent(study.coverage, 0), *(["anchor"] if anchored else [])]
    for head in (*heads, "gross", "fall", "turns", "cost", "|f|"):
        table.add_column(head, justify="left" if head == "rule" else "right", no_wrap=True)
    for row in _records(all_classes):
        table.add_row(
            row["rule"],
            signed(row["net_sharpe"]),
            _range(row),
            *([signed(row["anchor"])] if anchored else []),
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
    panels = [forest_panel(study), *([bond_panel(bonds)] if bonds else [])]
    days = [study.books.day, *(bond.day for bond in bonds)]
    frame = Frame(np.unique(np.concatenate(days)), study.synthetic)
    drawn, live = drawn_panels({panel.key: panel for panel in panels}, frame)
    return template("rule_study_template.html", range=_range).render(
        study=study,
        name=_name(study),
        label=SYNTHETIC if study.synthetic else "",
        style=page_style(),
        figures=drawn,
        live=live,
        shades=DARK,
        classes=[ALL, *study.books.classes[:-1]],
        books=_records(study.table),
        flips=_records(study.flips),
        sizes=_records(study.sizes),
        bonds=bonds,
        anchored=has_anchors(study),
        first=int(study.books.day[0]),
        last=int(study.books.day[-1]),
        history=int(study.panel.day[0]),
        smoothing=SMOOTHING,
    )
