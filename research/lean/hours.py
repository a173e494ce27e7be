"""Trading calendars from LEAN's market-hours database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from research.data.errors import DataError
from research.data.files import read_text

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SATURDAY = 5
_DAY = 86400
_NEW_YORK = ZoneInfo("America/New_York")

Segment = tuple[int, int, bool]
"""Start and end in seconds after the exchange's midnight, and whether it is the regular session."""


@dataclass(frozen=True)
class MarketHours:
    """Trading calendar of one market: an entry of LEAN's market-hours database.

    A specific entry (Future-cme-ES) inherits the holidays, early closes and late opens of its
    market's general one (Future-cme-[*]), as LEAN's reader does.

    Attributes
    ----------
    key : str
        The entry's own name.
    data_zone, exchange_zone : ZoneInfo
        Time zone of the dates in data files, and of the hours.
    week : tuple of 7 tuples of Segment
        Hours from Monday to Sunday.
    holidays, bank_holidays : frozenset of date
    early_closes, late_opens : dict of date to int
        Seconds after the exchange's midnight.
    """

    key: str
    data_zone: ZoneInfo
    exchange_zone: ZoneInfo
    week: tuple[tuple[Segment, ...], ...]
    holidays: frozenset[date]
    bank_holidays: frozenset[date]
    early_closes: Mapping[date, int] = field(default_factory=dict)
    late_opens: Mapping[date, int] = field(default_factory=dict)

    @property
    def expiry_holidays(self) -> frozenset[date]:
        """The days on which LEAN's expiry functions see no business."""
        return self.holidays | self.bank_holidays

    def regular_hours(self, day: date) -> tuple[int, int] | None:
        """First open and last close of the regular session, seconds after local midnight.

        None when there is none: a holiday, a weekend, or an early close before the open (Good
        Fridays of the equity indices).
        """
        if day in self.holidays:
            return None
        segments = self._cut(list(self.week[day.weekday()]), day)
        regular = [segment for segment in segments if segment[2]]
        if sum(end - start for start, end, _ in regular) == 0:
            return None
        return regular[0][0], regular[-1][1]

    def is_trading_day(self, day: date) -> bool:
        """Whether a weekday has a regular session."""
        return day.weekday() < _SATURDAY and self.regular_hours(day) is not None

    def delivered(self, day: date) -> datetime | None:
        """When LEAN hands session ``day``'s daily bar to the algorithm (the session's last close).

        Aware, in the exchange's zone; None if ``day`` has no session. Market entries whose regular
        session runs through midnight (CT, B, G, DX) deliver after midnight of the following day.
        """
        hours = self.regular_hours(day)
        if hours is None:
            return None
        midnight = datetime(day.year, day.month, day.day, tzinfo=self.exchange_zone)
        return midnight + timedelta(seconds=hours[1])  # wall-clock arithmetic, as LEAN's

    def is_late(self, day: date) -> bool:
        """Whether a session's bar reaches the algorithm on a later New York date than ``day``."""
        when = self.delivered(day)
        return when is not None and when.astimezone(_NEW_YORK).date() > day

    @property
    def row_shift(self) -> int:
        """Days from a session to the date of its row in the data files: 0 or -1.

        LEAN takes a row to end at the following midnight of the data's zone and moves it to the
        latest session that had opened by then. Where that session opens at or before that very
        moment (DX: both zones are New York, the session opens at 00:00) it is the next day's.
        """
        wednesday = date(2020, 1, 15)
        end = datetime(2020, 1, 16, tzinfo=self.data_zone).astimezone(self.exchange_zone)
        opens = [start for start, _, regular in self.week[end.weekday()] if regular]
        clock = end.hour * 3600 + end.minute * 60
        return -1 if end.date() > wednesday and opens and opens[0] <= clock else 0

    def _cut(self, segments: list[Segment], day: date) -> list[Segment]:
        """Hours of a day with an early close or a late open, by LEAN's own rules."""
        early, late = self.early_closes.get(day), self.late_opens.get(day)
        before = None if early is None else _until(segments, early)
        if before is not None and early is not None and (late is None or early >= late):
            segments = before
        if late is None:
            return segments
        after = _since(segments, late)
        if before is not None and early is not None and early <= late:
            return before + after
        return after


def _until(segments: list[Segment], close: int) -> list[Segment]:
    for i, (start, end, regular) in enumerate(segments):
        if start <= close <= end:
            return [*segments[:i], (start, close, regular)]
        if close < start:
            # LEAN also loses the segment before the gap in which the early close falls
            return segments[: max(i - 1, 0)]
    return list(segments)


def _since(segments: list[Segment], opening: int) -> list[Segment]:
    for i, (start, end, regular) in enumerate(segments):
        if start <= opening <= end:
            return [(opening, end, regular), *segments[i + 1 :]]
        if opening < start:
            return segments[i:]
    return list(segments)


class MarketHoursDatabase:
    """LEAN's market-hours-database.json, read lazily by entry.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    text : str
        The file's content.

    Raises
    ------
    DataError
        If the file is missing or is not LEAN's market-hours database.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = read_text(path, "LEAN's market-hours database")
        try:
            self._entries: dict[str, dict[str, Any]] = json.loads(self.text)["entries"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise DataError(
                f"{path}: not LEAN's market-hours database ({error}); expected JSON with 'entries'"
            ) from None

    def future(self, market: str, root: str) -> MarketHours:
        """Hours of one futures market, falling back to the general entry of its exchange.

        Raises
        ------
        DataError
            If neither entry exists or it is malformed.
        """
        key, general = self._keys(market, root)
        if key not in self._entries:
            raise DataError(f"{self.path}: no entry {key}; expected hours of {market} {root}")
        try:
            return _hours(key, self._entries[key], self._entries.get(general, {}))
        except (ValueError, KeyError, TypeError, AttributeError, ZoneInfoNotFoundError) as error:
            raise DataError(f"{self.path}: entry {key} is malformed ({error})") from None

    def forex_holidays(self, pair: str) -> frozenset[date]:
        """Days without an Oanda bar of a currency pair ("EURUSD"); empty without an entry."""
        general = self._entries.get("Forex-oanda-[*]", {})
        entry = self._entries.get(f"Forex-oanda-{pair}", {})
        return frozenset(_date(d) for e in (general, entry) for d in e.get("holidays") or ())

    def with_day_sessions(self, markets: Iterable[tuple[str, str]]) -> MarketHoursDatabase:
        """A copy without the evenings whose regular session runs on through midnight.

        For the named (market, root) pairs. The session of a day then ends with its afternoon
        close, and LEAN delivers its bar there. (To call the evening pre-market would not do: LEAN
        finds no open at midnight while any segment ends there.)
        """
        changed: dict[str, dict[str, Any]] = {}
        for market, root in markets:
            key, _ = self._keys(market, root)
            if key in self._entries:
                entry = _without_evenings(self._entries[key])
                if entry != self._entries[key]:
                    changed[f"Future-{market.lower()}-{root.upper()}"] = entry
        copy = object.__new__(MarketHoursDatabase)
        copy.path = self.path
        copy._entries = {**self._entries, **changed}
        copy.text = json.dumps({"entries": copy._entries}, indent=1) if changed else self.text
        return copy

    def _keys(self, market: str, root: str) -> tuple[str, str]:
        general = f"Future-{market.lower()}-[*]"
        key = f"Future-{market.lower()}-{root.upper()}"
        return key if key in self._entries else general, general


def _without_evenings(entry: dict[str, Any]) -> dict[str, Any]:
    new = dict(entry)
    for day, following in zip(_WEEKDAYS, (*_WEEKDAYS[1:], _WEEKDAYS[0]), strict=True):
        parts = entry.get(day) or []
        tomorrow = [part for part in entry.get(following) or [] if part["state"] == "market"]
        if parts and tomorrow and _seconds(tomorrow[0]["start"]) == 0:
            last = parts[-1]
            through = last["state"] == "market" and _seconds(last["end"]) == _DAY
            if through and _seconds(last["start"]) > 0:
                new[day] = parts[:-1]
    return new


def _hours(key: str, entry: Mapping[str, Any], general: Mapping[str, Any]) -> MarketHours:
    def days(name: str) -> frozenset[date]:
        return frozenset(_date(d) for e in (general, entry) for d in e.get(name) or ())

    def times(name: str) -> dict[date, int]:
        merged = {**(general.get(name) or {}), **(entry.get(name) or {})}
        return {_date(day): _seconds(time) for day, time in merged.items()}

    week = tuple(
        tuple(
            (_seconds(part["start"]), _seconds(part["end"]), part["state"] == "market")
            for part in entry.get(day) or ()
        )
        for day in _WEEKDAYS
    )
    return MarketHours(
        key,
        ZoneInfo(entry["dataTimeZone"]),
        ZoneInfo(entry["exchangeTimeZone"]),
        week,
        days("holidays"),
        days("bankHolidays"),
        times("earlyCloses"),
        times("lateOpens"),
    )


@lru_cache(maxsize=4096)
def _date(text: str) -> date:
    month, day, year = text.split("/")
    return date(int(year), int(month), int(day))


def _seconds(text: str) -> int:
    days, _, clock = text.rpartition(".") if "." in text.split(":")[0] else ("0", "", text)
    hours, minutes, seconds = clock.split(":")
    return int(days) * _DAY + int(hours) * 3600 + int(minutes) * 60 + int(float(seconds))
