"""The derivatives risk management programme of rule 18f-4(c)(1), for the fund's board (O2)."""

from __future__ import annotations

from collections.abc import Sequence

from research.compliance.blocks import Block, Heading, Paragraph, Table
from research.compliance.records import DayEntry, LimitEntry
from risk.limits import TABLE, LimitRow

RISKS = (
    ("market", "prices, yields, volatilities and their correlations move against the positions",
     "VaR and expected shortfall daily; stress tests weekly; limits by market, sector and class"),
    ("leverage", "notional exceeds net assets, so that losses may exceed what is posted",
     "the VaR test; limits of gross and net exposure; drawdown governor"),
    ("liquidity", "positions cannot be closed, or margin cannot be met, without a loss",
     "size against average volume; 22e-4 buckets; margin use; cash after an intraday shock"),
    ("counterparty", "a clearing member or a depository fails",
     "exchange-traded, centrally cleared contracts only; margin kept to what is required"),
    ("operational", "prices, orders, positions or settings are wrong",
     "quality gate on prices; reconciliation with the broker; kill switch; archive of every day"),
    ("legal", "a contract may not be held, or a rule is broken",
     "eligibility and position limits by market; limits with headroom; this archive"),
)  # fmt: skip

CADENCES = (
    ("VaR of the portfolio held, absolute and relative", "each business day"),
    ("expected shortfall, limits, margin and cash", "each business day"),
    ("backtest of one-day VaR against each day's gain or loss", "weekly, on every business day"),
    ("stress tests", "weekly"),
    ("review of the programme and of the VaR model by the derivatives risk manager", "yearly"),
    ("written report to the board on the programme and on its effectiveness", "yearly"),
    ("report to the board of exceedances, stress tests and backtests", "as the board determines"),
    ("records of the programme, reports and determinations", "kept for five years"),
)

ESCALATION = (
    "A figure near its limit is reported to the portfolio manager on the day. A breach is reported "
    "to the derivatives risk manager on the day, with its cause and what was done. Out of the VaR "
    "test, the fund comes back into it promptly; if it has not within five business days, the "
    "derivatives risk manager reports to the board in writing how and by when it will, files Form "
    "N-RN within one business day of the fifth, and reports again within thirty calendar days."
)


def programme(days: Sequence[DayEntry]) -> list[Block]:
    """Risks, guidelines, cadences and escalation.

    Parameters
    ----------
    days : sequence of DayEntry
        Of the run, whose levels the guidelines are.
    """
    own: dict[str, LimitEntry] = {}
    for entry in reversed(days):
        own |= {one.limit: one for one in entry.limits if one.limit not in own}
        if len(own) == len(TABLE):
            break
    levels = [
        (row.name.replace("_", " "), *_levels(row, own.get(row.name)), row.unit,
         str(row.cure_days), row.meaning)
        for row in TABLE
    ]  # fmt: skip
    unread = [row.name.replace("_", " ") for row in TABLE if row.name not in own]
    note = "Levels and remedies of this run, as its archive has them."
    if unread:
        note += f" Never measured in it, with the default levels: {', '.join(unread)}."
    return [
        Heading("Derivatives risk management programme"),
        Paragraph(
            "The fund trades exchange-listed futures only. Its derivatives exposure exceeds ten "
            "per cent of net assets, so that it is no limited derivatives user and this programme, "
            "administered by the derivatives risk manager, applies (rule 18f-4(c)(1))."
        ),
        Heading("Risks identified and how they are assessed", 2),
        Table(("risk", "what may happen", "how it is assessed and managed"), RISKS),
        Heading("Guidelines", 2),
        Table(
            ("limit", "warn", "breach", "remedy", "unit", "sessions to cure", "of"),
            levels,
            note,
        ),
        Heading("Cadences", 2),
        Table(("what", "how often"), CADENCES),
        Heading("Escalation", 2),
        Paragraph(ESCALATION),
    ]


def _levels(row: LimitRow, own: LimitEntry | None) -> tuple[str, str, str]:
    if own is None:
        return f"{row.warn:g}", f"{row.breach:g}", row.remedy.name.lower()
    return f"{own.warn:g}", f"{own.breach:g}", own.remedy
