"""The report people look at: one HTML file that works by itself, offline and printed (O1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from algorithm.decision_line import Event
from algorithm.settings import Settings
from research.data.dataset import DataIssue
from research.engine.result import RunResult
from research.measures.activity import activity_table
from research.measures.attribution import attribute, has_carry
from research.measures.campbell import CAMPBELL, SHORT, comparison
from research.measures.dependence import (
    beta,
    class_correlations,
    class_risk,
    correlation,
    market_risk_shares,
    sleeve_correlations,
    sleeve_risk,
    weekly,
)
from research.measures.held_risk import held_breaches, var_held
from research.measures.performance import (
    drawdowns,
    monthly_returns,
    returns_of,
    var_confidence,
    var_exceptions,
    var_periods,
    worst_days,
)
from research.measures.periods import COVERAGE, crisis_table, sub_periods, under_water
from research.measures.plausible import implausible
from research.measures.positions import latest_positions
from research.measures.programmes import programme_table
from research.measures.rolls import roll_table
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
from research.measures.trades import trade_table
from research.pages.charts import DARK, Frame
from research.pages.files import ReportError, write_atomically
from research.pages.markup import drawn_panels, page_style, template
from research.pages.plots import report_panels
from research.pages.text import (
    CURRENCY,
    SYNTHETIC,
    data_text,
    day_text,
    percent,
    signed,
)
from universe.counts import count_text

__all__ = ["ReportError", "render_report", "write_report"]

LAST_EVENTS = 15
FULL_LINES = 15_000
"""Events listed per kind, and data issues; the page would become too big to open with more."""

FULL_ROWS = 2_000
"""Rows of a table of events, which are larger than lines."""

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
CONTENTS = (
    ("return", "Return"),
    ("crises", "Crises and benchmark"),
    ("risk", "Risk"),
    ("book", "Book"),
    ("contributions", "Where the return came from"),
    ("carry", "Carry and spot"),
    ("agreement", "Do the sleeves agree?"),
    ("flips", "Trend flips and carry sources"),
    ("trading", "Trading and cost"),
    ("events", "Events"),
    ("data", "Data issues"),
    ("settings", "Settings"),
    ("figures", "What the figures mean"),
)


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


def write_report(result: RunResult, path: Path, files: Mapping[str, str] | None = None) -> Path:
    """Write the report of a run as one self-contained HTML file.

    Parameters
    ----------
    result : RunResult
        Of either engine, with at least one session.
    path : Path
        Replaced only when the new file is complete.
    files : mapping of str to str, optional
        Names of tables beside the page and links to them.

    Returns
    -------
    Path

    Raises
    ------
    ReportError
        If the file cannot be written.
    """
    return write_atomically(Path(path), render_report(result, files))


def render_report(result: RunResult, files: Mapping[str, str] | None = None) -> str:
    """The report as HTML text; parameters as in :func:`write_report`."""
    page = template("report_template.html", chance=_chance, shade=shade, raw=_raw)
    return page.render(
        **_page(result),
        **_returns(result),
        **_risk(result),
        **_book(result),
        **_record(result),
        files=list((files or {}).items()),
    )


def _page(result: RunResult) -> dict[str, Any]:
    figures = headline_figures(result)
    frame = Frame(result.day, result.synthetic)
    drawn, live = drawn_panels({panel.key: panel for panel in report_panels(result)}, frame)
    return {
        "result": result,
        "name": data_text(result),
        "label": SYNTHETIC if result.synthetic else "",
        "period": (int(result.day[0]), int(result.day[-1])),
        "currency": CURRENCY,
        "engine_seconds": result.timings.get("engine"),
        "warnings": implausible(result),
        "contents": CONTENTS,
        "tiles": [figure for figure in figures if figure.tile],
        "figures_told": figures,
        "figures": drawn,
        "live": live,
        "shades": DARK,
        "style": page_style(),
        "count_text": count_text,
        "short": SHORT,
        "zip": zip,
    }


def _returns(result: RunResult) -> dict[str, Any]:
    return {
        "periods": sub_periods(result),
        "coverage": percent(COVERAGE, 0),
        "water": under_water(result),
        "months": MONTHS,
        "monthly": _monthly_rows(result),
        "falls": drawdowns(result.nav, result.day),
        "worst": worst_days(result),
        "crises": crisis_table(result),
        "benchmark": _benchmark(result),
    }


def _benchmark(result: RunResult) -> dict[str, Any] | None:
    benchmark = result.benchmark
    if benchmark is None:
        return None
    net, market = weekly(returns_of(result)), weekly(benchmark.returns[1:])
    fell = market < 0
    return {
        "name": benchmark.name,
        "correlation": correlation(net, market),
        "beta": beta(net, market),
        "falling": correlation(net[fell], market[fell]),
    }


def _risk(result: RunResult) -> dict[str, Any]:
    return {
        "activity": activity_table(result),
        "windows": vol_windows(result),
        "held": None if var_held(result) is None else held_breaches(result),
        "decades": var_periods(result, 10),
        "var_years": var_periods(result, 1),
        "exceptions": var_exceptions(result),
        "confidence": percent(var_confidence(result), 0),
        "class_risk": class_risk(result),
        "sleeve_risk": sleeve_risk(result),
        "programmes": programme_table(result),
        "class_correlations": class_correlations(result),
        "sleeve_correlations": sleeve_correlations(result),
        "classes": set(result.classes),
    }


def _book(result: RunResult) -> dict[str, Any]:
    spread = ("m", 1e6, 2) if float(np.max(result.nav)) >= 1e7 else ("", 1.0, 0)
    return {
        "positions": latest_positions(result),
        "has_risk_share": result.risk_share is not None,
        "forecast_names": list(result.forecasts),
        "markets": market_table(result),
        "market_risk": market_risk_shares(result),
        "unexplained": UNEXPLAINED,
        "unit": (f"{CURRENCY} {spread[0]}".strip(), spread[1], spread[2]),
        "carry_spot": _carry_spot(result),
        "sleeves": _sleeves(result),
        "flip_rows": flip_table(result),
        "source_rows": source_table(result),
        "carry_events": [e for e in result.events if e.kind == "carry"][-FULL_ROWS:],
    }


def _record(result: RunResult) -> dict[str, Any]:
    kinds = Counter(event.kind for event in result.events)
    issue_kinds = Counter(issue.kind for issue in result.issues)
    return {
        "trades": trade_table(result),
        "years": year_table(result),
        "rolls": roll_table(result),
        "kinds": kinds.most_common(),
        "last_events": result.events[-LAST_EVENTS:][::-1],
        "event_lines": {kind: _event_lines(result.events, kind) for kind in kinds},
        "full_lines": FULL_LINES,
        "issue_kinds": issue_kinds.most_common(),
        "issue_lines": _issue_lines(result.issues),
        "settings": setting_rows(result.settings),
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
    """The comparison's figures as text: published words in place of a number, reasons for ours."""
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
        in_run = known["name"] in values
        value = values.get(known["name"], "not recorded")
        changed = in_run and not _same(value, known["default"])
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


def shade(value: float, full: float) -> str:
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
