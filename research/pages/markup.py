"""Figures as parts of a page: legend, place for the interactive plot, and the still one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from research.pages.charts import (
    VARIABLE,
    Bars,
    Dots,
    Frame,
    Heat,
    Level,
    Line,
    Named,
    Panel,
    Plot,
    Ranges,
    Zone,
)
from research.pages.live import Live, live_plots
from research.pages.still import WIDTH, still_svg
from research.pages.text import day_text, percent, signed


@dataclass(frozen=True, slots=True)
class LegendItem:
    """One mark in the legend: its name, CSS variable and shape, and what the script calls it."""

    name: str
    colour: str
    shape: str
    mark: str


@dataclass(frozen=True, slots=True)
class DrawnPlot:
    """A plot ready for the page; ``ramp`` are the ends of a heat map's colours."""

    title: str
    place: str
    svg: Markup
    legend: list[LegendItem]
    ramp: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class DrawnPanel:
    """A figure ready for the page."""

    panel: Panel
    plots: list[DrawnPlot]

    @property
    def whole(self) -> bool:
        """Whether the figure fits a printed page."""
        rows = -(-len(self.plots) // self.panel.columns)
        most = max(plot.height for plot in self.panel.plots)
        return sum(plot.height for plot in self.panel.plots) <= 6.0 or rows * most <= 6.0


def drawn_panels(
    panels: Mapping[str, Panel], frame: Frame
) -> tuple[dict[str, DrawnPanel], dict[str, Markup]]:
    """Figures by key, and the script, documents and places of their interactive plots."""
    drawn = {
        key: DrawnPanel(
            panel, [_drawn(plot, panel, i, frame) for i, plot in enumerate(panel.plots)]
        )
        for key, panel in panels.items()
    }
    return drawn, _marked(live_plots(panels, frame))


def _marked(live: Live) -> dict[str, Markup]:
    return {
        "library": Markup(live.library),
        "documents": Markup(live.documents),
        "places": Markup(live.items),
    }


def _drawn(plot: Plot, panel: Panel, i: int, frame: Frame) -> DrawnPlot:
    name = f"{panel.key}-{i}"
    said = f"{panel.title}: {plot.title}"
    heat = next((mark for mark in plot.marks if isinstance(mark, Heat)), None)
    return DrawnPlot(
        plot.title,
        f"live-{name}",
        Markup(still_svg(plot, frame, name, said, WIDTH / panel.columns)),
        [
            LegendItem(mark.name, VARIABLE[mark.colour], _shape(mark), f"{name}-{j}")
            for j, mark in plot.legend()
        ],
        None if heat is None else (heat.low, heat.high),
    )


def _shape(mark: Named) -> str:
    match mark:
        case Line() | Level():
            return f"line {mark.dash.value}"
        case Bars():
            return "hollow" if mark.hollow else "box"
        case Zone():
            return "box"
        case Dots():
            return "dot"
        case Ranges():
            return "line"


def template(name: str, **filters: Callable[..., str]) -> Template:
    """A page's template, with the filters of all pages and its own."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(percent=percent, signed=signed, day=day_text, **filters)
    return environment.get_template(name)


def page_style() -> Markup:
    """The style sheet of all pages."""
    return Markup((Path(__file__).parent / "report_style.css").read_text(encoding="utf-8"))
