"""The minutes in which a market may be traded on a date, in UTC, whatever its clock does."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from universe.arrays import IntArray

MINUTE = 60


def session_minutes(
    session: str,
    day: date,
    *,
    breaks: Iterable[tuple[time, time]] = (),
    early_close: time | None = None,
) -> IntArray:
    """Starts of the minutes of a session, in minutes since 1970 UTC, ascending.

    Parameters
    ----------
    session : str
        Of the instrument master: "HH:MM-HH:MM Area/City". An end that is not after its start is on
        the next calendar day.
    day : date
        On which the session ends: that of an evening session begins the day before.
    breaks : iterable of (start, end)
        Exchange time, no trading from the one to the other.
    early_close : time, optional
        Exchange time of a half day.

    Notes
    -----
    Every minute is an instant, so that a clock that is set forward has an hour less in it and one
    set back an hour more.
    """
    hours, _, zone_name = session.partition(" ")
    opens, closes = (time.fromisoformat(text) for text in hours.split("-"))
    zone = ZoneInfo(zone_name)
    first = day - timedelta(days=1) if closes <= opens else day
    start, end = _instant(first, opens, zone), _instant(day, early_close or closes, zone)
    minutes = np.arange(start, max(end, start), dtype=np.int64)
    for pause, resume in breaks:
        for at in (first, day):
            low, high = _instant(at, pause, zone), _instant(at, resume, zone)
            minutes = minutes[(minutes < low) | (minutes >= high)]
    return minutes


def window(minutes: IntArray, text: str, day: date) -> IntArray:
    """The part of a session's minutes in a window such as "09:05-09:15 Europe/Berlin" (004)."""
    inside = session_minutes(text, day)
    return minutes[np.isin(minutes, inside)]


def _instant(day: date, at: time, zone: ZoneInfo) -> int:
    moment = datetime.combine(day, at, tzinfo=zone).astimezone(UTC)
    return int(moment.timestamp()) // MINUTE
