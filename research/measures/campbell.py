"""The carry attribution that Roberts (2017) published, and a run's own beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from research.measures.attribution import COMMODITIES, EQUITY, FIXED_INCOME, FX, Attribution
from research.pages.text import percent
from universe.arrays import DAYS_IN_YEAR, from_epoch_day
from universe.counts import count_text

SHORT = "Roberts (2017)"
"""How the page and the documents call the source; docs/sources.md has it in full."""


@dataclass(frozen=True, slots=True)
class Published:
    """Published attribution of a carry strategy; fractions of capital, sums without compounding.

    ``capture_by_class`` has the ratio, NaN where only words are published, and the words.
    ``terms`` says how it was made, where that differs from a run of ours.
    """

    source: str
    start: date
    end: date
    markets_by_class: dict[str, int]
    vol_target: float
    carry: float
    spot: float
    total: float
    capture: float
    quarter_carry: tuple[float, float]  # mean, stdev
    quarter_spot: tuple[float, float]
    capture_by_class: dict[str, tuple[float, str]]
    terms: str

    @property
    def markets(self) -> int:
        """Markets of all classes."""
        return sum(self.markets_by_class.values())

    @property
    def years(self) -> float:
        """Calendar years from ``start`` to ``end``."""
        return (self.end - self.start).days / DAYS_IN_YEAR


CAMPBELL = Published(
    source="Roberts, Harvesting Global Carry, Campbell & Company, June 2017, Exhibits H and I",
    start=date(1992, 1, 1),
    end=date(2017, 5, 31),
    markets_by_class={FX: 9, FIXED_INCOME: 16, COMMODITIES: 21, EQUITY: 15},
    vol_target=0.10,
    carry=3.48,
    spot=-0.74,
    total=2.74,
    capture=0.79,
    quarter_carry=(0.034, 0.015),
    quarter_spot=(-0.007, 0.055),
    capture_by_class={
        FX: (float("nan"), "above 100 %"),
        FIXED_INCOME: (float("nan"), "above 100 %"),
        COMMODITIES: (0.4, "about 40 %"),
        EQUITY: (0.4, "about 40 %"),
    },
    terms="carry only, before trading costs and interest on cash, on constant capital, an equal "
    "risk budget for each of four asset classes, carry measured on roll dates",
)
"""The Hypothetical Global Carry Strategy of Roberts (2017). Its text says that these figures carry
no haircut, its disclosures that the simulation has a flat fee of 1 %; we take them as before any
fee."""


def comparison(
    attribution: Attribution, start: date | None = None, end: date | None = None
) -> pd.DataFrame:
    """The run beside the published numbers, from ``start`` to ``end``, None being the run's own.

    Returns
    -------
    DataFrame
        By figure: ``ours`` and ``published``, fractions but for counts and years, NaN where
        unknown; ``published_text`` where only words are given; ``note``, why ours is unknown.
        ``attrs["differences"]`` is the sentence of ``differences``.

    Raises
    ------
    ValueError
        If the run has no session in the period.
    """
    ours = attribution.between(start, end)
    total, classes, quarters = _rows(ours.total())["all"], _rows(ours.by_class()), ours.quarterly()
    nan, theirs = float("nan"), CAMPBELL
    rows: dict[str, tuple[float, float, str, str]] = {
        "markets": (total["markets"], theirs.markets, "", ""),
        "years": (ours.years, theirs.years, "", ""),
        "annual volatility": (ours.volatility, theirs.vol_target, "target", ""),
    }
    for part in ("carry", "spot", "total"):
        published = getattr(theirs, part)
        rows[f"{part}, cumulative"] = (total[part], published, "", "")
        rows[f"{part}, per year"] = (total[f"{part}_annual"], published / theirs.years, "", "")
    rows["cost, cumulative"] = (total["cost"], nan, "not included", "")
    rows["net, cumulative"] = (total["net"], nan, "not published", "")
    for part, (mean, stdev) in (("carry", theirs.quarter_carry), ("spot", theirs.quarter_spot)):
        got = _rows(quarters)[part]
        rows[f"{part}, quarterly mean"] = (got["mean"], mean, "", "")
        rows[f"{part}, quarterly stdev"] = (got["stdev"], stdev, "", "")
    rows["capture"] = (total["capture"], theirs.capture, "", total["capture_note"])
    for name, (value, words) in theirs.capture_by_class.items():
        row = classes.get(name, {"capture": nan, "capture_note": "no market of the class"})
        rows[f"capture, {name}"] = (row["capture"], value, words, row["capture_note"])
    columns = ["ours", "published", "published_text", "note"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    table.attrs["differences"] = differences(ours)
    return table


def differences(ours: Attribution) -> str:
    """One sentence on how the run's universe, period and terms differ from the published ones."""
    total, classes = _rows(ours.total())["all"], _rows(ours.by_class())
    span = " to ".join(from_epoch_day(int(day)).isoformat() for day in (ours.base, ours.end))
    have = ", ".join(f"{row['markets']} {name}" for name, row in classes.items())
    theirs = ", ".join(f"{n} {name}" for name, n in CAMPBELL.markets_by_class.items())
    return (
        f"Ours is {ours.name}, {span}, {count_text(total['markets'], 'market')} held "
        f"({have}), every outright "
        f"position of the run, carry measured daily, gross beside "
        f"{percent(total['cost_annual'], 2)} of NAV a year in costs, on the NAV of the day before, "
        f"at {percent(ours.volatility)} volatility, "
        f"{percent(total['unquoted_risk'])} of its risk without a carry quote; "
        f"{SHORT} is {CAMPBELL.start.isoformat()} to {CAMPBELL.end.isoformat()}, "
        f"{CAMPBELL.markets} markets ({theirs}), {CAMPBELL.terms}, scaled to "
        f"{percent(CAMPBELL.vol_target, 0)} volatility."
    )


def _rows(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    named = table.to_dict(orient="index").items()
    return {str(name): {str(k): value for k, value in row.items()} for name, row in named}
