"""The page and the document of a run's transaction costs (E3)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from algorithm.decision_line import Header
from research.compliance.blocks import Block, Heading, Paragraph, Table
from research.pages.text import day_text, money, signed
from research.tca.fills import BENCHMARKS, NO_HOUR
from research.tca.impact import COVERAGE, ImpactFit
from research.tca.summary import GroupRow, Outlier, by_size, group_rows
from universe.counts import count_text

NAMES = {
    "decision": "close decided on",
    "arrival": "open",
    "vwap": "VWAP",
    "close": "close",
}
TOLD = 30
"""Outliers on the page; the document has all."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What a run's fills paid.

    Attributes
    ----------
    header : Header
    table : DataFrame
        See ``research.tca.fills.fill_table``.
    fits : dict of str to ImpactFit
        By asset class, and of all.
    outliers : sequence of Outlier
    half_lives : dict of str to float
        Of the sleeves' forecasts, in sessions.
    """

    header: Header
    table: pd.DataFrame
    fits: dict[str, ImpactFit]
    outliers: Sequence[Outlier]
    half_lives: dict[str, float]

    @property
    def groups(self) -> dict[str, list[GroupRow]]:
        """Rows by title."""
        named = self.table.assign(size=by_size(self.table))
        return {
            "All": group_rows(named),
            "By kind of order": group_rows(named, "reason"),
            "By size against the average daily volume": group_rows(named, "size"),
            "By asset class": group_rows(named, "asset_class"),
            "By algorithm": group_rows(named, "algorithm"),
            "By hour in New York": group_rows(named.sort_values("hour", kind="stable"), "hour"),
            "By market": group_rows(named, "market"),
        }


def document(costs: Costs) -> dict[str, Any]:
    """What ``tca.json`` holds; numbers that are not known are None."""
    groups = {title: [asdict(row) for row in rows] for title, rows in costs.groups.items()}
    return {
        "engine": costs.header.engine,
        "data": costs.header.data_name,
        "settings": costs.header.settings_hash,
        "groups": _known(groups),
        "impact": _known({name: asdict(fit) for name, fit in costs.fits.items()}),
        "outliers": _known([asdict(one) for one in costs.outliers]),
        "half_lives": _known(costs.half_lives),
    }


def _known(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _known(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_known(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def page(costs: Costs) -> list[Block]:
    """All parts of the page."""
    header, table = costs.header, costs.table
    sessions = int(table["day"].nunique())
    blocks: list[Block] = [
        Heading("Transaction costs"),
        Paragraph(
            f"{count_text(len(table), 'fill')} in {count_text(sessions, 'session')}, "
            f"{header.engine} engine, {header.data_name}, settings {header.settings_hash}."
        ),
        Paragraph(
            "Basis points of what was traded, paid above the benchmark when buying and below it"
            " when selling; ± is half of a 90 % interval with sessions as independent draws. The"
            " close decided on contains the night's move, which is noise and, where the signal"
            " decays, the price of waiting; the open is where the order met the market; the close"
            " of the day of the fill says whether the price came back. Expected is the slippage of"
            " the cost model."
        ),
    ]
    missing = [NAMES[name] for name in BENCHMARKS if not table[name].notna().any()]
    if missing:
        blocks.append(
            Paragraph(
                f"Not known of this run: {', '.join(missing)}. DATA=folder brings opens and closes,"
                " MINUTES=folder the VWAP of the regular session."
            )
        )
    if set(table["hour"]) == {NO_HOUR}:
        blocks.append(
            Paragraph(
                "No hour is known: by the day a simulation fills at the open of a session. Live,"
                " and by the minute, fills have one."
            )
        )
    if header.volumes:
        blocks.append(Paragraph(f"Volumes: {header.volumes}."))
    for title, rows in costs.groups.items():
        blocks += [Heading(title, 2), _group_table(rows)]
    return [*blocks, *_impact(costs), *_signals(costs), *_outliers(costs)]


def _group_table(rows: Sequence[GroupRow]) -> Table:
    names = ["", "fills", "traded", *(f"over the {NAMES[name]}" for name in BENCHMARKS)]
    return Table(
        [*names, "expected", "fees"],
        [
            [
                row.name,
                f"{row.fills:,}",
                money(row.notional),
                *(_with_error(row.over[name], row.error[name]) for name in BENCHMARKS),
                signed(row.expected),
                signed(row.fee),
            ]
            for row in rows
        ],
    )


def _with_error(value: float, error: float) -> str:
    return f"{signed(value)} ± {signed(error)}" if math.isfinite(error) else signed(value)


def _impact(costs: Costs) -> list[Block]:
    whole = costs.fits.get("all")
    text = (
        "The impact of a trade is α·σ·√(contracts / average daily volume). α is fitted to what"
        " outright orders paid over the open beyond the half spread, and shrunk towards the"
        " setting by how much the fills know."
    )
    if whole is not None and whole.exact:
        text += (
            " These fills were made by the formula itself, so that the fit returns the setting and"
            " says nothing of a market; it does of a live run."
        )
    rows = [
        [
            name,
            f"{fit.fills:,}",
            f"{fit.days:,}",
            signed(fit.prior, 3),
            signed(fit.estimate, 3),
            signed(fit.value, 3),
            f"{signed(fit.low, 3)} to {signed(fit.high, 3)}",
            signed(fit.weight),
        ]
        for name, fit in costs.fits.items()
    ]
    names = (
        "", "fills", "sessions", "setting", "least squares", "α", f"{COVERAGE:.0%} interval",
        "weight of the fills",
    )  # fmt: skip
    return [Heading("Impact", 2), Paragraph(text), Table(names, rows)]


def _signals(costs: Costs) -> list[Block]:
    text = (
        "Sessions after which half of a sleeve's forecast is left: the lag at which its"
        " autocorrelation over all markets falls to a half. The setting signal_half_lives takes"
        " them, so that orders by the minute weigh impact against what a signal loses by waiting."
    )
    rows = [[name, signed(life, 0)] for name, life in costs.half_lives.items()]
    return [Heading("How long signals last", 2), Paragraph(text), Table(("", "sessions"), rows)]


def _outliers(costs: Costs) -> list[Block]:
    rows = [
        [
            day_text(one.day),
            one.market,
            str(one.month),
            signed(float(one.quantity), 0),
            signed(one.paid, 4),
            signed(one.expected, 4),
            signed(one.deviations, 1),
        ]
        for one in costs.outliers[:TOLD]
    ]
    names = ("day", "market", "contract", "contracts", "paid", "expected", "deviations")
    note = (
        f"{count_text(len(costs.outliers), 'fill')} beyond six robust standard deviations of what"
        " the market's fills paid over the expected; prices in the quote, per contract."
    )
    return [Heading("Fills nobody expected", 2), Table(names, rows, note)]
