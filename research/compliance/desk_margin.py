"""Margin, cash and bills on the page of the risk desk, and what rolls will make of margin (P7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from research.compliance import desk_figures as draw
from research.compliance.blocks import Block, Heading, Paragraph, Table
from research.pages.text import money, percent
from risk.margin import margin_over_rolls

if TYPE_CHECKING:
    from research.compliance.desk import Desk

YEAR = 250
"""Sessions of the lines over time."""

QUARTER = 63
"""Sessions of forecasts, of the map and of the flows."""

ROWS = 30
"""Rolls that are listed."""


def margin_part(desk: Desk) -> list[Block]:
    """Whether cash covers a stressed day, and margin, cash and bills."""
    path, row, nav = desk.collateral, desk.row, float(desk.result.nav[desk.row])
    unknown = [
        code
        for code, value in zip(desk.result.markets, path.initial[row].tolist(), strict=True)
        if not np.isfinite(value)
    ]
    maintenance = float(path.maintenance[row].sum())
    result = desk.result
    broker = [(f"{name}, as the broker has it", float(values[row]))
              for name, values in result.broker.items()]  # fmt: skip
    rows = [
        (name, percent(value, 2), money(nav * value))
        for name, value in (
            ("initial margin", float(path.margin[row])),
            ("maintenance margin", maintenance),
            (f"initial margin at {path.settings.margin_raise:g} times",
             path.settings.margin_raise * float(path.margin[row])),
            (f"variation margin of a stressed day ({path.settings.stress_shortfalls:g} shortfalls)",
             float(path.variation[row])),
            ("cash", float(path.cash[row])),
            ("Treasury bills", float(path.bills[row])),
            ("bills after haircuts", float(path.pledgeable[row])),
            ("missing under the stress", float(path.short[row])),
            *broker,
        )
    ]  # fmt: skip
    enough = not path.short[row] > 0
    said = (
        "Cash and collateral cover a stressed day." if enough else "A stressed day is not covered."
    )
    if unknown:
        said = f"The margin of {', '.join(unknown)} is not known, so that nothing is concluded."
    if not np.nan_to_num(path.bills[desk.last(YEAR)]).any():
        said += " No bill rate was known: all is held in cash."
    elif path.booked:
        said += " Bills and cash are the account's own."
    else:
        said += " The ladder of bills is shown beside the account, which has not booked it."
    part = desk.last(YEAR)
    return [
        Heading("Margin and cash"),
        Paragraph(said),
        Table(("of", "of net assets", "money"), rows),
        draw.lines(
            desk.result.day[part],
            {"initial margin": 100 * path.margin[part], "cash": 100 * path.cash[part],
             "bills": 100 * path.bills[part]},
            "% of NAV",
            f"Initial margin, cash and bills, last {YEAR} sessions.",
        ),
        *_margin_ahead(desk),
    ]  # fmt: skip


def _margin_ahead(desk: Desk) -> list[Block]:
    """Initial margin while what is held is rolled, every position unchanged."""
    result, row = desk.result, desk.row
    if result.roll_in is None or result.roll_ratio is None:
        return []
    held = np.abs(result.contracts[row])
    if result.spread_contracts is not None:
        held = held + 2 * np.abs(result.spread_contracts[row])
    unit = desk.collateral.initial[row] / np.maximum(held, 1)
    roll_in = np.where(result.roll_in[row] < 0, QUARTER + 1, result.roll_in[row])
    path = margin_over_rolls(held, unit, unit * result.roll_ratio[row], roll_in, 1, QUARTER)
    if not np.isfinite(path).all():
        return [Paragraph("No forecast of margin over rolls: a margin is not known.")]
    soon = [k for k in np.argsort(roll_in, kind="stable").tolist() if held[k]]
    rows = [
        (result.markets[k], f"{held[k]:,}", str(roll_in[k]), percent(float(held[k] * unit[k]), 2),
         percent(float(held[k] * unit[k] * result.roll_ratio[row, k]), 2))
        for k in soon if roll_in[k] <= QUARTER
    ]  # fmt: skip
    return [
        Heading("Margin over rolls", 2),
        Paragraph(
            f"At unchanged positions, prices and volatility initial margin is "
            f"{percent(float(path[0]), 2)} now, {percent(float(path[5]), 2)} in a week, "
            f"{percent(float(path[21]), 2)} in a month and {percent(float(path[-1]), 2)} in a "
            f"quarter, at most {percent(float(path.max()), 2)}."
        ),
        Table(
            ("market", "contracts", "sessions to its roll", "margin now", "of the next contract"),
            rows[:ROWS],
            "The next contract is valued at what an unchanged curve makes of the one held.",
        ),
    ]  # fmt: skip
