"""The clock of rule 18f-4 over days out of the VaR test (V4).

18f-4(c)(7): a fund that is out of the test comes back promptly. If it has not within five business
days, the derivatives risk manager reports to the board in writing how and by when it will; Form
N-RN, part E, is due within one business day of that fifth day, and again of the day it came back;
a second written report is due within thirty calendar days of the exceedance.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from universe.arrays import from_epoch_day, to_epoch_day
from universe.business_days import is_business_day

BUSINESS_DAYS = 5
CALENDAR_DAYS = 30


@dataclass(frozen=True, slots=True)
class BreachEpisode:
    """A stretch of sessions out of the test.

    Attributes
    ----------
    first, last : date
        Sessions out of it.
    sessions : int
    back : date or None
        First session within it again, None if the run ends before.
    board_report : date or None
        The fifth business day after the first, if the fund was still out on it or later.
    form_nrn : date or None
        One business day later.
    second_report : date or None
        Thirty calendar days after the first.
    form_nrn_back : date or None
        One business day after it came back, where the first form was due.
    """

    first: date
    last: date
    sessions: int
    back: date | None
    board_report: date | None
    form_nrn: date | None
    second_report: date | None
    form_nrn_back: date | None

    @property
    def is_reportable(self) -> bool:
        """Whether it lasted for more than the five business days."""
        return self.board_report is not None


def episodes(days: Sequence[date], out: Sequence[bool]) -> list[BreachEpisode]:
    """Stretches of sessions out of the test with what they oblige to.

    Parameters
    ----------
    days : sequence of date
        Sessions, rising. Those on which the account's country has a holiday are out of the test or
        within it as others are, but no business days.
    out : sequence of bool
        Whether the fund was out of the test at the close.

    Raises
    ------
    ValueError
        If lengths differ or days do not rise.
    """
    if len(days) != len(out):
        raise ValueError(f"out has {len(out)} values; it must have {len(days)}, one a session")
    if any(later <= earlier for earlier, later in itertools.pairwise(days)):
        raise ValueError("days must rise")
    found, k = [], 0
    while k < len(days):
        if not out[k]:
            k += 1
            continue
        end = k
        while end + 1 < len(days) and out[end + 1]:
            end += 1
        found.append(_episode(days, k, end))
        k = end + 1
    return found


def _episode(days: Sequence[date], first: int, last: int) -> BreachEpisode:
    back = days[last + 1] if last + 1 < len(days) else None
    fifth = after(days[first], BUSINESS_DAYS)
    late = days[last] >= fifth
    return BreachEpisode(
        days[first],
        days[last],
        last - first + 1,
        back,
        fifth if late else None,
        after(fifth, 1) if late else None,
        days[first] + timedelta(days=CALENDAR_DAYS) if late else None,
        after(back, 1) if late and back is not None else None,
    )


def after(day: date, count: int) -> date:
    """The business day that is ``count`` business days later."""
    found = to_epoch_day(day)
    while count:
        found += 1
        count -= is_business_day(found)
    return from_epoch_day(found)
