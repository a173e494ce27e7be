"""Sessions in LEAN: its market hours in minutes, the volume of past ones, daily bars of a slice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
from AlgorithmImports import QCAlgorithm, Resolution, Slice, TradeBar

from execution.planning import Past
from execution.session_minutes import MINUTE, window
from universe.arrays import IntArray

if TYPE_CHECKING:
    from execution.settings import MinuteSettings

ONE_MINUTE = timedelta(minutes=1)

_LOOK_AHEAD = 14
"""Days in which a market has a session, or is closed for good."""


def session_of(security: Any, day: date) -> IntArray:
    """Minutes since 1970 UTC of a security's regular hours on a local date, half days included."""
    local = datetime.combine(day, time())
    zone, parts = zone_of(security), []
    for segment in security.exchange.hours.get_market_hours(local).segments:
        if str(segment.state).rsplit(".", 1)[-1].upper().replace("_", "") != "MARKET":
            continue
        start, end = (minute_of(local + at, zone) for at in (segment.start, segment.end))
        parts.append(np.arange(start, end, dtype=np.int64))
    return np.unique(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.int64)


def next_session(
    security: Any, utc_now: datetime, end: int, windows: Sequence[str]
) -> tuple[IntArray, date]:
    """Minutes of the next session and its local day.

    Parameters
    ----------
    security : Security
    utc_now : datetime
        Naive, in UTC.
    end : int
        Minute since 1970 UTC before which it must end.
    windows : sequence of str
        Parts of it that are traded in, see :func:`within_windows`.

    Returns
    -------
    (int array, date)
        No minutes where the market has none in time.
    """
    now = minute_of(utc_now, UTC)
    first = utc_now.replace(tzinfo=UTC).astimezone(zone_of(security)).date()
    for ahead in range(_LOOK_AHEAD):
        day = first + timedelta(days=ahead)
        minutes = session_of(security, day)
        minutes = minutes[(minutes > now) & (minutes < end)]
        if len(minutes):
            return within_windows(minutes, windows, day), day
    return np.zeros(0, dtype=np.int64), first


def within_windows(minutes: IntArray, windows: Sequence[str], day: date) -> IntArray:
    """The part of a session in any of the windows; all of it where that is none."""
    parts = [window(minutes, text, day) for text in windows]
    inside = np.unique(np.concatenate(parts)) if parts else minutes
    return inside if len(inside) > 1 else minutes


def past_of(
    algorithm: QCAlgorithm, security: Any, day: date, minutes: IntArray, settings: MinuteSettings
) -> Past | None:
    """Volumes of the sessions before ``day`` that are as long as this one, None without any.

    Parameters
    ----------
    algorithm : QCAlgorithm
        Whose history is asked.
    security : Security
    day : date
        Local date of the session to come.
    minutes : int array
        Of it.
    settings : MinuteSettings
    """
    seen: dict[int, float] = {}
    zone = zone_of(security)
    span = timedelta(days=settings.profile_days)
    for bar in algorithm.history[TradeBar](security.symbol, span, Resolution.MINUTE):
        if bar.period == ONE_MINUTE:
            seen[minute_of(bar.end_time, zone) - 1] = float(bar.volume)
    rows, weekdays = [], []
    for back in range(settings.profile_days, 0, -1):
        one = day - timedelta(days=back)
        session = within_windows(session_of(security, one), settings.trading_windows(), one)
        if len(session) != len(minutes):
            continue
        row = [seen.get(minute, 0.0) for minute in session[1:].tolist()]
        if any(row):
            rows.append(row)
            weekdays.append(one.weekday())
    if not rows:
        return None
    return Past(np.array(rows), np.array(weekdays, dtype=np.int64))


def daily_bars(data: Slice) -> Iterator[Any]:
    """Every daily bar of a slice.

    Where a minute bar ends with the session, LEAN's ``bars`` has only that of the two.
    """
    for point in data.all_data:
        if isinstance(point, TradeBar) and point.period > ONE_MINUTE:
            yield point


def daily_closes(data: Slice) -> Iterator[tuple[Any, float, float]]:
    """Symbol, close and low of every daily bar of a slice."""
    for bar in daily_bars(data):
        yield bar.symbol, float(bar.close), float(bar.low)


def zone_of(security: Any) -> ZoneInfo:
    """Time zone of a security's exchange."""
    return ZoneInfo(str(security.exchange.hours.time_zone.id))


def minute_of(at: datetime, zone: Any) -> int:
    """Minute since 1970 UTC of a naive time in a zone."""
    moment = at.replace(tzinfo=zone).astimezone(UTC)
    return int(moment.timestamp()) // MINUTE
