"""A study as a page and as ``result.json``: figures beside each other with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from research.measures.bootstrap import BLOCK
from research.measures.paired import COVERAGE
from research.pages.files import write_atomically
from research.pages.text import NONE, percent, signed
from research.studies.comparison import SAMPLES, Comparison, as_json

PLOT_WIDTH, ROW_HEIGHT = 220.0, 22.0


@dataclass(frozen=True, slots=True)
class Section:
    """A further table of a study's page.

    Attributes
    ----------
    title, text : str
    head : sequence of str
    rows : sequence of sequences of str
    """

    title: str
    text: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def line_table(comparison: Comparison) -> Section:
    """The lines of a study in one table, as documents show them."""
    decades = comparison.decades
    lines = [
        (
            row["name"],
            signed(row["net_sharpe"]),
            *_differs(row, row["name"] != comparison.base),
            percent(row["annual_vol"]),
            percent(row["max_drawdown"]),
            percent(row["cost"], 2),
            *(signed(parts[k].value["sharpe"]) for parts in decades.values()),
        )
        for k, row in enumerate(comparison.rows())
    ]
    return Section(
        "The lines",
        f"Against {comparison.base}; by decade the net Sharpe ratio.",
        (
            "",
            "net Sharpe",
            "difference",
            f"{percent(COVERAGE, 0)} interval",
            "volatility",
            "largest fall",
            "cost a year",
            *decades,
        ),
        lines,
    )


def _differs(row: dict[str, Any], other: bool) -> tuple[str, str]:
    if not other:
        return NONE, NONE
    return signed(row["delta"]), f"{signed(row['low'])} to {signed(row['high'])}"


def write_study(
    comparison: Comparison,
    out: Path,
    title: str,
    text: str,
    sections: Sequence[Section] = (),
    extra: dict[str, Any] | None = None,
) -> Path:
    """Write ``<command>.html`` and ``result.json`` into a folder; returns the page's path.

    Parameters
    ----------
    comparison : Comparison
    out : Path
    title, text : str
        Heading, and what was done.
    sections : sequence of Section
    extra : dict, optional
        Further entries of ``result.json``.

    Raises
    ------
    ReportError
        If a file cannot be written.
    """
    write_atomically(out / "result.json", as_json({**comparison.document(), **(extra or {})}))
    page = render_study(comparison, title, text, sections)
    return write_atomically(out / f"{comparison.command}.html", page)


def render_study(
    comparison: Comparison, title: str, text: str, sections: Sequence[Section] = ()
) -> str:
    """The page's HTML; it needs nothing from elsewhere."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update({"percent": percent, "signed": signed})
    rows = comparison.rows()
    ends = [row[key] for row in rows for key in ("low", "high", "delta")]
    finite = [end for end in ends if end == end]
    edge = max((abs(end) for end in finite), default=1.0) or 1.0

    def place(value: float) -> float:
        return round(PLOT_WIDTH / 2 * (1.0 + 0.96 * value / edge), 1)

    return environment.get_template("study_template.html").render(
        title=title,
        text=text,
        comparison=comparison,
        document=comparison.document(),
        rows=rows,
        number={name: k for k, name in enumerate(comparison.books.names)},
        place=place,
        width=PLOT_WIDTH,
        height=ROW_HEIGHT,
        sections=sections,
        block=BLOCK,
        samples=SAMPLES,
        coverage=COVERAGE,
        trials=rows[0]["trials"],
    )
