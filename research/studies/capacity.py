"""How much money the strategy can run: impact, and what it costs to trade slowly instead (E3)."""

from __future__ import annotations

from collections.abc import Sequence

from algorithm.settings import Settings
from research.pages.study_page import Section
from research.pages.text import money, percent, signed
from research.studies.study_row import StudyRequest, StudyRow

SIZES = (50e6, 250e6, 1e9, 2.5e9, 5e9)
"""Capital, USD; volumes grow with the account, so that a fund of that size is what is run."""

MOST = 0.05
"""Share of a day's volume that a market trades at most where trades are cut over days."""

WHOLE, CUT = "whole", f"at most {MOST:.0%} of a day"


def capacity_requests(settings: Settings) -> list[StudyRequest]:
    """Every size, with trades as they come and cut over days."""
    requests = []
    for size in SIZES:
        for name, most in ((WHOLE, 1000.0), (CUT, MOST)):
            changed = {"cash": str(size), "volumes": "fund", "max_trade_adv": str(most)}
            values = Settings.parse({**settings.as_strings(), **changed})
            requests.append(StudyRequest(f"USD {money(size)}, {name}", values.as_strings()))
    return requests


def capacity_table(rows: Sequence[StudyRow]) -> Section:
    """Figures by size, and what cutting trades over days takes and gives."""
    return Section(
        "By size of the fund",
        "Participation: of a hundred fills the largest one, as a share of its market's average "
        "daily volume. Impact: slippage beyond the half spread, of NAV a year. A trade that is cut "
        "goes on in the next session, toward the target of that day, with what remains. What "
        "waiting costs is the net Sharpe ratio against the line above it, which has the impact "
        "that it saves already.",
        (
            "",
            "Net Sharpe",
            "against whole",
            "Volatility",
            "Participation",
            "Cost a year",
            "Impact a year",
            "Markets held",
        ),
        [
            (
                row.name,
                signed(row.figures["net_sharpe"]),
                ""
                if not number % 2
                else signed(row.figures["net_sharpe"] - rows[number - 1].figures["net_sharpe"], 3),
                percent(row.figures["annual_vol"]),
                percent(row.figures["participation"], 2),
                percent(row.figures["cost"], 2),
                percent(row.figures["impact"], 2),
                signed(row.figures["markets"], 1),
            )
            for number, row in enumerate(rows)
        ],
    )
