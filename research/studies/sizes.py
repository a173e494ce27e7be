"""What the size of a fund costs: whole contracts at the small end, impact at the large (P8)."""

from __future__ import annotations

from collections.abc import Sequence

from algorithm.settings import Settings
from research.measures.paired import Estimate
from research.pages.study_page import Section
from research.pages.text import money, percent, signed
from research.studies.study_row import StudyRequest, StudyRow

SIZES = (250e3, 1e6, 5e6, 50e6, 500e6, 5e9)
"""Starting capital, USD."""

BASE = "fractional"
"""The line that all others are compared with."""

SMALL = 1e6
"""Largest size that is run with small contracts beside full-size ones too."""

FRACTIONAL = {
    "cash": "250000000",
    "impact": "0",
    "max_adv": "10",
    "max_trade_adv": "1000",
    "position_limits": "false",
}
"""A fund of so many contracts that a whole one is nothing, without impact and without the limits
that so many would meet."""


def size_requests(settings: Settings) -> list[StudyRequest]:
    """The same strategy at every size."""
    chosen = settings.as_strings()
    requests = [StudyRequest(BASE, Settings.parse({**chosen, **FRACTIONAL}).as_strings())]
    for size in SIZES:
        values = Settings.parse({**chosen, "cash": str(size)})
        requests.append(StudyRequest(f"USD {money(size)}", values.as_strings()))
        if size <= SMALL and not settings.contract_sizes:
            both = Settings.parse({**chosen, "cash": str(size), "contract_sizes": "true"})
            requests.append(StudyRequest(f"USD {money(size)}, both sizes", both.as_strings()))
    return requests


def size_table(rows: Sequence[StudyRow], estimates: Sequence[Estimate]) -> Section:
    """Figures by size, with what is lost to whole contracts and to impact."""
    return Section(
        "By size of the fund",
        "Tracking error: mean ex-ante annual volatility of the difference between whole contracts "
        "and the fractional target; the no-trade band makes all of that of the first line. Impact: "
        "slippage beyond the half spread, of NAV a year, to about a per cent of itself; the fund "
        "compounds, so that it is of a larger one than the first. The first line has no impact and "
        "no limit of liquidity or of contracts. Both sizes: positions filled with full-size and "
        "small contracts of an underlying, as if both had always been listed; what a small "
        "contract's spread costs more is part of its impact here. The interval of the difference "
        "is paired, 90 %, by stationary bootstrap in blocks of a quarter.",
        (
            "",
            "Net Sharpe",
            "difference",
            "interval",
            "Volatility",
            "Tracking error",
            "Cost a year",
            "Impact a year",
            "Markets held",
        ),
        [
            (
                row.name,
                signed(row.figures["net_sharpe"]),
                signed(estimate.delta["sharpe"]) if row.name != BASE else "",
                f"{signed(estimate.low['sharpe'])} to {signed(estimate.high['sharpe'])}"
                if row.name != BASE
                else "",
                percent(row.figures["annual_vol"]),
                percent(row.figures["tracking_error"], 2),
                percent(row.figures["cost"], 2),
                percent(row.figures["impact"], 2),
                signed(row.figures["markets"], 1),
            )
            for row, estimate in zip(rows, estimates, strict=True)
        ],
    )
