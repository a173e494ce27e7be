"""Figures of the documents: written by a command from a run, never by hand.

``docs/figures.json`` keeps the run's figures as the run printed them; a block of a document between
two marks is made of that file and of nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from research.engine.result import RunResult
from research.measures.periods import COVERAGE, sub_periods
from research.measures.summary import headline_figures
from research.pages.doc_records import book_figures
from research.pages.doc_rolls import rolls_block, rolls_figures
from research.pages.files import write_atomically
from research.pages.text import data_text, day_text, percent, signed

FIGURES = Path("docs/figures.json")
PAGES = tuple(
    Path(name)
    for name in (
        "README.md",
        "docs/attribution.md",
        "docs/choices.md",
        "docs/execution.md",
        "docs/risk.md",
        "docs/studies.md",
    )
)
STUDIES = ("sizes", "capacity", "choices", "ablation", "peers", "walkforward")
"""Commands whose tables documents show."""
SHOWN = (
    "Annual return, net",
    "Annual return in excess of interest, net",
    "Sharpe ratio, net",
    "Annual volatility",
    "Maximum drawdown",
    "Time under water",
    "Cost per year, % of NAV",
    "Highest VaR",
    "Sessions above the VaR limit",
    "One-day VaR exceptions",
    "Correlation with the benchmark",
)
"""Beginnings of the labels of the headline figures that documents show."""

_BLOCK = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end of figures -->)", re.DOTALL)


class DocumentError(ValueError):
    """A document names a block of figures that does not exist, or the figures are missing."""


def figures_of(result: RunResult, by_spread: RunResult) -> dict[str, Any]:
    """What documents show of a run, as text and as it is printed everywhere else.

    Parameters
    ----------
    result, by_spread : RunResult
        Of the defaults, and of the same with rolls as calendar spreads.
    """
    figures = headline_figures(result)
    return {
        "data": data_text(result),
        "data_hash": result.data_hash,
        "settings_hash": result.settings_hash,
        "first": day_text(int(result.day[0])),
        "last": day_text(int(result.day[-1])),
        "headline": {
            figure.label: figure.text
            for start in SHOWN
            for figure in figures
            if figure.label.startswith(start)
        },
        "periods": [
            {
                "years": row.label,
                "return": percent(row.ret),
                "volatility": percent(row.vol),
                "sharpe": signed(row.sharpe),
                "interval": f"{signed(row.low)} to {signed(row.high)}",
                "drawdown": percent(row.drawdown),
            }
            for row in sub_periods(result)
        ],
        **book_figures(result),
        "rolls": rolls_figures(result, by_spread),
    }


def run_block(record: dict[str, Any]) -> str:
    """The figures of a run as Markdown."""
    lines = [f"{record['data']}, {record['first']} to {record['last']}:", "", "| | |", "|---|---|"]
    lines += [f"| {label} | {text} |" for label, text in record["headline"].items()]
    lines += [
        "",
        f"| years | return a year, net | volatility | Sharpe ratio, net | {percent(COVERAGE, 0)} "
        "interval | drawdown in them |",
        "|---|---|---|---|---|---|",
    ]
    for row in record["periods"]:
        lines.append(f"| {' | '.join(row.values())} |")
    return "\n".join([*lines, "", _written(record)])


def now_block(record: dict[str, Any]) -> str:
    """What the run of the documents came to, in a sentence."""
    told: dict[str, str] = {
        label: text.partition(" (")[0] for label, text in record["headline"].items()
    }

    def figure(start: str) -> str:
        return next(text for label, text in told.items() if label.startswith(start))

    return (
        f"The defaults as README.md has them (settings {record['settings_hash']}): net Sharpe ratio"
        f" {figure('Sharpe ratio, net')}, volatility {figure('Annual volatility')}, drawdown"
        f" {figure('Maximum drawdown')}, held VaR above the limit on"
        f" {figure('Sessions above the VaR limit')} sessions, highest {figure('Highest VaR')}.\n"
    )


def coverage_block(record: dict[str, Any]) -> str:
    """The backtest of one-day VaR by decade."""
    heads = ("years", "sessions", "exceptions", "share", "Kupiec p", "independence p", "joint p")
    lines = [f"{record['data']}, {record['first']} to {record['last']}, defaults:", ""]
    lines += [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    lines += [f"| {' | '.join(row.values())} |" for row in record["coverage"]]
    return "\n".join([*lines, "", _written(record)])


def sleeves_block(record: dict[str, Any]) -> str:
    """Carry and spot of the defaults' run, and whether its sleeves agree."""
    made, agreed = record["carry"], record["agreement"]
    heads = ("profit of", "agree", "conflict", "one only", "Sharpe, agree", "Sharpe, conflict")
    names = ("share AGREE", "share CONFLICT", "share ONE_ONLY", "agree", "conflict")
    span = f"{record['first']} to {record['last']}"
    lines = [
        f"The defaults, {span}, made {made['carry']} carry, {made['spot']} spot and"
        f" {made['total']} in total, capture {made['capture']} ({made['interval']}).",
        "",
        f"| {' | '.join(heads)} |",
        "|---" * len(heads) + "|",
        f"| all outright positions | {' | '.join(agreed[name] for name in names)} |",
        f"| the trend sleeve | | | | {agreed['trend agree']} | {agreed['trend conflict']} |",
    ]
    return "\n".join([*lines, "", _written(record)])


def _written(record: dict[str, Any]) -> str:
    hashes = f"Settings {record['settings_hash']}, data {record['data_hash'][:12]}"
    return f"{hashes}; written by `python -m research docs`.\n"


def study_block(record: dict[str, Any], command: str) -> str:
    """The table of a study as Markdown."""
    of = record.get("studies", {}).get(command)
    if of is None:
        raise DocumentError(f"docs/figures.json has no study {command!r}; docs --study adds it")
    head, rows = of["head"], of["rows"]
    lines = [f"{of['data']}, {of['first']} to {of['last']}:", ""]
    lines += [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
    lines += [
        "",
        f"Data {of['data_hash'][:12]}; written by `python -m research docs --study` from what"
        f" `python -m research {command}` leaves.",
    ]
    return "\n".join(lines) + "\n"


_BLOCKS: dict[str, Callable[[dict[str, Any]], str]] = {
    "run": run_block,
    "now": now_block,
    "coverage": coverage_block,
    "sleeves": sleeves_block,
    "rolls": rolls_block,
    **{name: partial(study_block, command=name) for name in STUDIES},
}


def filled(text: str, record: dict[str, Any]) -> str:
    """A document with its blocks of figures as they follow from the record.

    Raises
    ------
    DocumentError
        If it names a block that does not exist.
    """

    def block(match: re.Match[str]) -> str:
        if match[2] not in _BLOCKS:
            known = ", ".join(_BLOCKS)
            raise DocumentError(f"figures: {match[2]} in a document; there are {known}")
        return f"{match[1]}{_BLOCKS[match[2]](record)}{match[3]}"

    return _BLOCK.sub(block, text)


def read_figures(root: Path) -> dict[str, Any]:
    """The figures kept in the repository.

    Raises
    ------
    DocumentError
        If they are missing or no JSON.
    """
    try:
        record: dict[str, Any] = json.loads((root / FIGURES).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DocumentError(f"{root / FIGURES}: cannot be read ({error})") from None
    return record


def write_figures(result: RunResult, by_spread: RunResult, root: Path) -> list[Path]:
    """Write ``docs/figures.json`` and the blocks of the documents; returns what was written.

    Parameters
    ----------
    result, by_spread : RunResult
        As ``figures_of``.
    root : Path
        Of the repository.

    Raises
    ------
    DocumentError
        As ``filled`` and ``read_figures``.
    research.pages.files.ReportError
        If a file cannot be written.
    """
    studies = read_figures(root).get("studies", {}) if (root / FIGURES).exists() else {}
    return _write({**figures_of(result, by_spread), "studies": studies}, root)


def write_study_figures(folder: Path, root: Path) -> list[Path]:
    """The same with the table of a study that its command has left in a folder.

    Raises
    ------
    DocumentError
        As ``write_figures``, or if the folder holds no such study.
    """
    try:
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        told = {
            "data": result["data"]["name"],
            "data_hash": result["data"]["hash"],
            "first": result["first"],
            "last": result["last"],
            **result["table"],
        }
        command = result["command"]
    except (OSError, ValueError, KeyError, TypeError):
        allowed = " or ".join(STUDIES)
        raise DocumentError(
            f"{folder}: not what {allowed} writes: no result.json with a table"
        ) from None
    record = read_figures(root)
    record["studies"] = {**record.get("studies", {}), command: told}
    return _write(record, root)


def _write(record: dict[str, Any], root: Path) -> list[Path]:
    texts = {path: filled((root / path).read_text(encoding="utf-8"), record) for path in PAGES}
    texts[FIGURES] = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    return [write_atomically(root / path, text) for path, text in texts.items()]
