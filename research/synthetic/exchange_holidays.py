"""Rule-based exchange holidays for the synthetic market.

Close to the real ones, and different from region to region: what a strategy must cope with. For
the markets that LEAN knows, its market-hours database is the authority.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

_DAY = timedelta(days=1)
_UNITED_STATES = {"cme", "cbot", "comex", "nymex", "cfe", "ice"}
_EUROPE = {"eurex", "euronext", "nyseliffe", "iceeu"}


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (Meeus, Jones, Butcher)."""
    century, place = divmod(year, 100)
    golden = year % 19
    skipped, corrected = century // 4, (century + 8) // 25
    epact = (19 * golden + century - skipped - (century - corrected + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (place // 4) - epact - place % 4) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def region(market: str) -> str:
    """Calendar of an exchange, "us", "europe" or "asia"; Canada keeps the American days."""
    if market in _UNITED_STATES or market == "mx":
        return "us"
    return "europe" if market in _EUROPE else "asia"


@lru_cache(maxsize=512)
def closed_days(market: str, year: int) -> frozenset[date]:
    """Weekdays of a year on which the exchange does not trade at all."""
    good_friday = easter(year) - 2 * _DAY
    where = region(market)
    if where == "us":
        days = {_observed_new_year(year), good_friday, _observed(date(year, 12, 25))}
        if market in {"cbot", "ice", "comex", "nymex"}:
            days |= bank_holidays(market, year)
    elif where == "europe":
        days = {date(year, 1, 1), good_friday, easter(year) + _DAY, date(year, 5, 1)}
        days |= {date(year, 12, 25), date(year, 12, 26)}
    else:
        days = {date(year, 1, d) for d in (1, 2, 3)} | {date(year, 5, d) for d in (3, 4, 5)}
        days |= {date(year, 2, 11), date(year, 11, 3), date(year, 12, 31)}
    return frozenset(day for day in days if day.weekday() < 5)


@lru_cache(maxsize=512)
def bank_holidays(market: str, year: int) -> frozenset[date]:
    """Weekdays of a year that are no business days of the calendar of expiries."""
    if region(market) != "us":
        return closed_days(market, year)
    days = {_observed(date(year, 7, 4)), _observed(date(year, 12, 25))}
    if year >= 2022:
        days.add(_observed(date(year, 6, 19)))
    days |= {_nth_monday(year, 1, 3), _nth_monday(year, 2, 3), _nth_monday(year, 9, 1)}
    days.add(_nth_monday(year, 6, 1) - 7 * _DAY)  # the last Monday of May
    days |= {_nth_thursday_of_november(year), _observed_new_year(year)}
    days.add(easter(year) - 2 * _DAY)
    if year >= 2010 and market != "ice" and date(year + 1, 1, 1).weekday() == 5:
        days.add(date(year, 12, 31))
    return frozenset(day for day in days if day.weekday() < 5)


def _observed(day: date) -> date:
    """A Saturday's holiday is kept on Friday, a Sunday's on Monday."""
    if day.weekday() == 5:
        return day - _DAY
    return day + _DAY if day.weekday() == 6 else day


def _observed_new_year(year: int) -> date:
    day = date(year, 1, 1)
    return day + _DAY if day.weekday() == 6 else day


def _nth_monday(year: int, month: int, n: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=-first.weekday() % 7 + 7 * (n - 1))


def _nth_thursday_of_november(year: int) -> date:
    first = date(year, 11, 1)
    return first + timedelta(days=(3 - first.weekday()) % 7 + 21)
