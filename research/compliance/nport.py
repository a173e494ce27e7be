"""Form N-PORT, item B.10: VaR of funds subject to rule 18f-4(c)(2) (O2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median

from research.compliance.records import DayEntry, Number


@dataclass(frozen=True, slots=True)
class NPortItem:
    """One reporting period, a calendar quarter.

    Attributes
    ----------
    period : str
        "2008Q4".
    sessions : int
    median_daily_var : float or None
        B.10.a: median of the larger 20-day VaR, per cent of NAV.
    reference_portfolio : str
        B.10.b.i: designated reference portfolio.
    median_var_ratio : float or None
        B.10.b.iii: median of VaR over the reference portfolio's, per cent.
    exceptions : int
        B.10.c: sessions whose loss exceeded the one-day VaR.
    """

    period: str
    sessions: int
    median_daily_var: Number
    reference_portfolio: str
    median_var_ratio: Number
    exceptions: int

    def as_row(self) -> dict[str, str | int | float | None]:
        """Column by name, for CSV and JSON."""
        return asdict(self)


def b10(days: Sequence[DayEntry], reference: str) -> list[NPortItem]:
    """Item B.10 by calendar quarter.

    Parameters
    ----------
    days : sequence of DayEntry
    reference : str
        Name of the designated reference portfolio.
    """
    quarters: dict[str, list[DayEntry]] = {}
    for entry in days:
        quarter = (int(entry.day[5:7]) - 1) // 3 + 1
        quarters.setdefault(f"{entry.day[:4]}Q{quarter}", []).append(entry)
    return [
        NPortItem(
            period,
            len(inside),
            _median([binding_var(entry) for entry in inside]),
            reference,
            _median([entry.var_relative for entry in inside]),
            sum(entry.is_exception is True for entry in inside),
        )
        for period, inside in quarters.items()
    ]


def binding_var(entry: DayEntry) -> Number:
    """20-day VaR of the portfolio held, or else the larger one of the targets; null without."""
    if entry.var_held is not None:
        return entry.var_held
    known = [v for v in (entry.var_parametric, entry.var_historical) if v is not None]
    return max(known) if known else None


def _median(values: Sequence[Number]) -> Number:
    known = [value for value in values if value is not None]
    return round(100.0 * median(known), 4) if known else None
