"""What every choice of the portfolio is worth: the strategy with one thing changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from algorithm.settings import Settings
from research.measures.paired import Estimate
from research.pages.study_page import Section
from research.pages.text import percent, signed
from research.studies.study_row import StudyRequest, StudyRow

BASE = "as set"
"""The line that all others are compared with."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of the study.

    Attributes
    ----------
    name : str
    changes : mapping of str to str
        Settings that differ from the user's.
    """

    name: str
    changes: Mapping[str, str] = field(default_factory=dict)


CHOICES = (
    Choice(BASE),
    Choice("equal budgets", {"budgets": "equal"}),
    Choice("equal contributions", {"budgets": "contribution"}),
    Choice("agnostic risk parity", {"budgets": "agnostic"}),
    Choice("hierarchical risk parity", {"budgets": "hrp"}),
    Choice("no caps on shares of risk", {"cap_market": "1", "cap_class": "1"}),
    Choice("one trend rule, TSMOM", {"trend_rules": "tsmom"}),
    Choice("all speeds of a rule", {"cost_by_speed": "false"}),
    Choice("cost limit 0.10 of risk", {"cost_limit": "0.10", "cost_limit_out": "0.125"}),
    Choice("sleeve mix by results", {"sleeve_mix": "dynamic"}),
    Choice("band of a tenth", {"buffer": "0.1"}),
    Choice("governor off", {"governor": "0.99 1"}),
    Choice("000's governor", {"governor": "0.05 0.8 0.10 0.6 0.20 0.4"}),
    Choice("optimiser, whole", {"optimiser": "whole"}),
    Choice("optimiser, by sleeve", {"optimiser": "sleeves"}),
    Choice("contracts market by market", {"whole_contracts": "rounding"}),
    Choice("full-size and small contracts", {"contract_sizes": "true"}),
    Choice("rolls as spreads", {"roll_orders": "spread"}),
    Choice("costs of the past", {"past_costs": "century"}),
    Choice("costs of the starting size", {"volumes": "fund"}),
)
"""A line each; a new choice is added here."""


def choice_requests(settings: Settings) -> list[StudyRequest]:
    """The lines as configurations of a study."""
    chosen = settings.as_strings()
    return [
        StudyRequest(one.name, Settings.parse({**chosen, **one.changes}).as_strings())
        for one in CHOICES
    ]


def choice_table(rows: Sequence[StudyRow], estimates: Sequence[Estimate]) -> Section:
    """Figures by choice with the difference to the strategy as it is set."""
    changes = {one.name: one.changes for one in CHOICES}
    lines = []
    for row, estimate in zip(rows, estimates, strict=True):
        difference = "" if row.name == BASE else signed(estimate.delta["sharpe"])
        interval = f"{signed(estimate.low['sharpe'])} to {signed(estimate.high['sharpe'])}"
        lines.append(
            (
                row.name,
                " ".join(f"{name}={value}" for name, value in changes[row.name].items()),
                signed(row.figures["net_sharpe"]),
                difference,
                interval if difference else "",
                percent(row.figures["annual_vol"]),
                percent(row.figures["max_drawdown"]),
                percent(row.figures["cost"], 2),
            )
        )
    return Section(
        "By choice",
        "Every line is a whole run with one thing changed. The interval of the difference is "
        "paired, 90 %, by stationary bootstrap in blocks of a quarter.",
        (
            "",
            "settings",
            "Net Sharpe",
            "difference",
            "interval",
            "Volatility",
            "Drawdown",
            "Cost a year",
        ),
        lines,
    )
