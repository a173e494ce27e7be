"""The daily clock: when the strategy decides, and in which session a bar counts."""

from __future__ import annotations

from datetime import datetime, time

from universe.arrays import to_epoch_day
from universe.rolls import next_weekday

DECISION_TIME = (18, 5)
"""New York time: after the last close (ICE Brent, 18:00), before the next open (Eurex, 19:10)."""


def session_day(arrived: int, decided: int) -> int:
    """Session that a bar counts in, by the New York date of its arrival.

    One that arrives after the day's decision, or on a weekend (sessions that run through midnight
    on Friday), counts in the next session.

    Parameters
    ----------
    arrived : int
        Epoch day.
    decided : int
        Last session decided on or observed.
    """
    day = max(arrived, next_weekday(decided)) if arrived <= decided else arrived
    return day if (day + 3) % 7 < 5 else next_weekday(day)


def is_counted(arrived: datetime, decided: int) -> bool:
    """Whether a bar of the warm-up was known to the restored state already.

    Parameters
    ----------
    arrived : datetime
        New York time.
    decided : int
        Epoch day of the state's last decision.
    """
    day = to_epoch_day(arrived.date())
    return day < decided or (day == decided and arrived.time() < time(*DECISION_TIME))
