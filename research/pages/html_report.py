"""The report people look at: one HTML file, without anything from elsewhere (O1)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from algorithm.settings import Settings
from research.data.dataset import DataIssue
from research.engine.result import Event, RunResult
from research.measures.attribution import attribute, has_carry
from research.measures.campbell import CAMPBELL, comparison
from research.measures.performance import (
    drawdowns,
    monthly_returns,
    var_confidence,
    var_exceptions,
    var_periods,
    worst_days,
)
from research.measures.signal_events import flip_table, source_table
from research.measures.sleeve_views import (
    SHOWN,
    STATE_TEXT,
    agreement,
    agreement_table,
    can_agree,
)
from research.measures.summary import headline_figures
from research.measures.tables import (
    UNEXPLAINED,
    market_table,
    over_nav,
    vol_windows,
    year_table,
)
from research.pages.files import ReportError, write_atomically
from research.pages.plots import report_panels
from research.pages.text import (
    SYNTHETIC,
    count_text,
    data_text,
    day_text,
    percent,
    signed,
)

__all__ = ["ReportError", "render_report", "write_report"]

LAST_EVENTS = 15
FULL_LINES = 15_000
"""Events listed per kind, and data issues; the page would become too big to open with more."""

FULL_ROWS = 2_000
"""Rows of a table of events, which are larger than lines."""

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting of the run beside its default."""

    name: str
    value: str
    default: str
    unit: str
    allowed: str
    meaning: str
    changed: bool


def write_report(result: RunResult, path: Path) -> Path:
    """Write the report of a run as one self-contained HTML file.

    Parameters
    ----------
    result : RunResult
        Of either engine, with at least one session.
    path : Path
        Replaced only when the new file is complete.

    Returns
    -------
    Path

    Raises
    ------
    ReportError
        If the file cannot be written.
    """
    return write_atomically(Path(path), render_report(result))


def render_report(result: RunResult) -> str:
    """The report as HTML text."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=percent, signed=signed, chance=_chance, day=day_text, shade=_shade, raw=_raw
    )
    return environment.get_template("report_template.html").render(**_context(result))


def _context(result: RunResult) -> dict[str, Any]:
    figures = headline_figures(result)
    panels = {panel.key: panel for panel in report_panels(result)}
    kinds = Counter(event.kind for event in result.events)
    issue_kinds = Counter(issue.kind for issue in result.issues)
    return {
        "result": result,
        "name": data_text(result),
        "label": SYNTHETIC if result.synthetic else "",
        "period": (int(result.day[0]), int(result.day[-1])),
        "engine_seconds": result.timings.get("engine"),
        "tiles": [figure for figure in figures if figure.tile],
        "figures": figures,
        "panels": panels,
        "svg": {key: Markup(panel.svg) for key, panel in panels.items()},
        "months": MONTHS,
        "monthly": _monthly_rows(result),
        "years": year_table(result),
        "windows": vol_windows(result),
        "markets": market_table(result),
        "falls": drawdowns(result.nav, result.day),
        "worst": worst_days(result),
        "decades": var_periods(result, 10),
        "var_years": var_periods(result, 1),
        "exceptions": var_exceptions(result),
        "confidence": percent(var_confidence(result), 0),
        "kinds": kinds.most_common(),
        "last_events": result.events[-LAST_EVENTS:][::-1],
        "event_lines": {kind: _event_lines(result.events, kind) for kind in kinds},
        "full_lines": FULL_LINES,
        "issue_kinds": issue_kinds.most_common(),
        "issue_lines": _issue_lines(result.issues),
        "settings": setting_rows(result.settings),
        "unexplained": UNEXPLAINED,
        "carry_spot": _carry_spot(result),
        "sleeves": _sleeves(result),
        "flip_rows": flip_table(result),
        "source_rows": source_table(result),
        "carry_events": [e for e in result.events if e.kind == "carry"][-FULL_ROWS:],
        "unit": ("m", 1e6, 2) if float(np.max(result.nav)) >= 1e7 else ("money", 1.0, 0),
        "count_text": count_text,
    }


def _carry_spot(result: RunResult) -> dict[str, Any] | None:
    if not has_carry(result):
        return None
    split = attribute(result)
    table = comparison(split)
    spreads = result.spread_pnl
    return {
        "total": split.total().to_dict(orient="index")["all"],
        "classes": split.by_class().to_dict(orient="index").items(),
        "markets": split.by_market().to_dict(orient="index").items(),
        "beside": _beside(table),
        "differences": table.attrs["differences"],
        "source": CAMPBELL.source,
        "spreads": None if spreads is None else float(over_nav(result, spreads).sum()),
    }


def _beside(table: pd.DataFrame) -> list[dict[str, str]]:
    """The comparison's figures as text: words of 003 in place of a number, reasons for ours."""
    rows = []
    for name, row in table.to_dict(orient="index").items():

        def text(value: float, name: str = str(name)) -> str:
            if name == "markets":
                return signed(value, 0)
            return (
                signed(value, 1)
                if name == "years"
                else percent(value, 0 if "capture" in name else 1)
            )

        published = text(row["published"])
        words = str(row["published_text"])
        if words and name != "annual volatility":
            published, words = words, ""
        note = "; ".join(part for part in (str(row["note"]), words) if part)
        rows.append(
            {"name": str(name), "ours": text(row["ours"]), "published": published, "note": note}
        )
    return rows


def _sleeves(result: RunResult) -> dict[str, Any] | None:
    if not can_agree(result):
        return None
    found = agreement(result)
    return {
        "name": found.name,
        "others": found.others,
        "rows": agreement_table(result, found),
        "kinds": SHOWN,
        "text": STATE_TEXT,
    }


def setting_rows(values: dict[str, str]) -> list[SettingRow]:
    """All settings with their values in the run; names this version does not know come last."""
    table = Settings.table()
    rows = []
    for known in table:
        recorded = known["name"] in values
        value = values.get(known["name"], "not recorded")
        changed = recorded and not _same(value, known["default"])
        rows.append(
            SettingRow(
                known["name"],
                value,
                known["default"],
                known["unit"],
                known["allowed"],
                known["meaning"],
                changed,
            )
        )
    names = {known["name"] for known in table}
    for name in sorted(set(values) - names):
        rows.append(SettingRow(name, values[name], "", "", "", "unknown to this version", True))
    return rows


def _same(value: str, default: str) -> bool:
    try:
        return float(value) == float(default)
    except ValueError:
        return value.strip() == default.strip()


def _monthly_rows(result: RunResult) -> list[tuple[int, list[float], float]]:
    table = monthly_returns(result)
    return [
        (int(year), months.tolist(), float(whole))
        for year, months, whole in zip(table.years, table.months, table.year, strict=True)
    ]


def _event_lines(events: list[Event], kind: str) -> str:
    chosen = [event for event in events if event.kind == kind][-FULL_LINES:]
    width = max((len(event.market) for event in chosen), default=0)
    return "\n".join(
        f"{day_text(event.epoch_day)}  {event.market:<{width}}  {event.detail}" for event in chosen
    )


def _issue_lines(issues: list[DataIssue]) -> str:
    chosen = issues[:FULL_LINES]
    market = max((len(issue.market) for issue in chosen), default=0)
    kind = max((len(issue.kind) for issue in chosen), default=0)
    return "\n".join(
        f"{issue.market:<{market}}  {day_text(issue.epoch_day):<10}  {issue.kind:<{kind}}  "
        f"{issue.detail}"
        for issue in chosen
    )


def _shade(value: float, full: float) -> str:
    """Background of a heat table's cell: blue for gains, orange for losses, clear at zero."""
    if not np.isfinite(value):
        return ""
    strength = min(abs(value) / full, 1.0) * 0.6
    colour = "0, 114, 178" if value > 0 else "213, 94, 0"
    return f"background: rgba({colour}, {strength:.2f})"


def _chance(value: float) -> str:
    """A probability in per cent that never rounds to 0 or 100."""
    if not np.isfinite(value):
        return percent(value)
    if value < 5e-5:
        return "< 0.01 %"
    return "> 99.99 %" if value > 0.99995 else percent(value, 2)


def _raw(value: float) -> str:
    """Sort key of a number: those that are not known sort last."""
    return f"{value:.8g}" if np.isfinite(value) else ""
