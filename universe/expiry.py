"""Last trade, first notice and last holding dates of futures contracts.

Pure calendar arithmetic: a closed set of named rules, each a function of a contract month and the
exchange's holidays. For the markets that LEAN lists a rule returns the date of LEAN's
``FuturesExpiryFunctions`` when it is given the holidays and bank holidays of the market-hours
entry (LEAN, Apache-2.0; the rules are facts taken from the contract specifications it cites, the
code is ours). A contract month that the exchange does not list has a date too: the caller asks
only for months of ``Instrument.priced_months``.

Saturdays and Sundays are never business days; every other day is one unless it is in ``holidays``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date, timedelta
from functools import partial
from types import MappingProxyType

from universe.instruments import Notice

_DAY = timedelta(days=1)
_MONDAY, _TUESDAY, _WEDNESDAY, _THURSDAY, _FRIDAY, _SATURDAY = range(6)

_Holidays = frozenset[date]
_Rule = Callable[[int, int, _Holidays], date]


class UnknownExpiryRuleError(ValueError):
    """The name of a last-trade-date rule that does not exist."""


def is_business_day(day: date, holidays: Collection[date] = frozenset()) -> bool:
    """Whether ``day`` is a weekday and not in ``holidays``."""
    return day.weekday() < _SATURDAY and day not in holidays


def add_business_days(day: date, count: int, holidays: Collection[date] = frozenset()) -> date:
    """The ``count``-th business day after ``day`` (before it if negative).

    Parameters
    ----------
    day : date
        Need not be a business day; is itself never counted.
    count : int
        Not zero.
    holidays : collection of date

    Returns
    -------
    date

    Raises
    ------
    ValueError
        If ``count`` is zero, for which there is no answer when ``day`` is not a business day.
    """
    if count == 0:
        raise ValueError("add_business_days: count must not be zero")
    if not holidays:
        return day + timedelta(days=_weekdays_away(day.weekday(), count))
    step = _DAY if count > 0 else -_DAY
    left = abs(count)
    while left:
        day += step
        if is_business_day(day, holidays):
            left -= 1
    return day


def _weekdays_away(weekday: int, count: int) -> int:
    """Calendar days to the ``count``-th weekday after a ``weekday`` (0 is Monday), or before."""
    weeks, rest = divmod(abs(count), 5)
    if count > 0:
        start = min(weekday, _FRIDAY)
        return start - weekday + 7 * weeks + rest + (2 if start + rest > _FRIDAY else 0)
    start = weekday if weekday < _SATURDAY else 7  # the Monday after
    back = 7 * weeks + rest + (2 if start % 7 < rest else 0)
    return start - weekday - back


def _on_or_before(day: date, holidays: _Holidays) -> date:
    return day if is_business_day(day, holidays) else add_business_days(day, -1, holidays)


def _on_or_after(day: date, holidays: _Holidays) -> date:
    return day if is_business_day(day, holidays) else add_business_days(day, 1, holidays)


def _add_months(year: int, month: int, count: int) -> tuple[int, int]:
    index = 12 * year + month - 1 + count
    return index // 12, index % 12 + 1


def _next_first(year: int, month: int) -> date:
    """First calendar day of the following month."""
    return date(*_add_months(year, month, 1), 1)


def _nth_weekday(year: int, month: int, n: int, weekday: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


# Rules. Each takes (year, month, holidays) last; what comes before is bound below.


def _weekday_or_before(n: int, weekday: int, year: int, month: int, holidays: _Holidays) -> date:
    return _on_or_before(_nth_weekday(year, month, n, weekday), holidays)


def _before_weekday(
    n: int, weekday: int, days: int, year: int, month: int, holidays: _Holidays
) -> date:
    """``days`` business days before the n-th weekday, which itself is not adjusted."""
    return add_business_days(_nth_weekday(year, month, n, weekday), -days, holidays)


def _third_friday_unadjusted(year: int, month: int, holidays: _Holidays) -> date:
    return _nth_weekday(year, month, 3, _FRIDAY)


def _third_wednesday_minus_2d(year: int, month: int, holidays: _Holidays) -> date:
    return _nth_weekday(year, month, 3, _WEDNESDAY) - 2 * _DAY


def _bd_before_third_wednesday_plus_3m(year: int, month: int, holidays: _Holidays) -> date:
    return _before_weekday(3, _WEDNESDAY, 1, *_add_months(year, month, 3), holidays)


def _thirty_days_before_third_friday(year: int, month: int, holidays: _Holidays) -> date:
    """30 days before next month's third Friday, a day earlier if either of them is a holiday."""
    next_friday = _nth_weekday(*_add_months(year, month, 1), 3, _FRIDAY)
    settlement = next_friday - timedelta(days=30)
    if settlement in holidays or next_friday in holidays:
        settlement -= _DAY
    return settlement


def _last_weekday(weekday: int, days: int, year: int, month: int, holidays: _Holidays) -> date:
    """The month's last such weekday, or ``days`` business days before it."""
    last = _next_first(year, month) - _DAY
    last -= timedelta(days=(last.weekday() - weekday) % 7)
    return add_business_days(last, -days, holidays) if days else _on_or_before(last, holidays)


def _wednesday_nearest_15th(year: int, month: int, holidays: _Holidays) -> date:
    """The Wednesday nearest to the 15th; the business day after it if it is a holiday."""
    middle = date(year, month, 15)
    nearest = middle + timedelta(days=(_WEDNESDAY - middle.weekday() + 3) % 7 - 3)
    return _on_or_after(nearest, holidays)


def _dairy(year: int, month: int, holidays: _Holidays) -> date:
    """The business day before the release of the month's prices (USDA), which settle it.

    They come on the last Wednesday up to the 5th of the following month.
    """
    fifth = date(*_add_months(year, month, 1), 5)
    release = fifth - timedelta(days=(fifth.weekday() - _WEDNESDAY) % 7)
    return add_business_days(release, -1, holidays)


def _nth_last_bd(n: int, months: int, year: int, month: int, holidays: _Holidays) -> date:
    """The n-th last business day of the month ``months`` after the contract month."""
    return add_business_days(_next_first(*_add_months(year, month, months)), -n, holidays)


def _brent(year: int, month: int, holidays: _Holidays) -> date:
    """Last business day of the second month before, but never the last one of a year."""
    n = 2 if _add_months(year, month, -2)[1] == 12 else 1
    return _nth_last_bd(n, -2, year, month, holidays)


def _nth_bd(n: int, year: int, month: int, holidays: _Holidays) -> date:
    return add_business_days(date(year, month, 1) - _DAY, n, holidays)


def _day_or_after(day: int, year: int, month: int, holidays: _Holidays) -> date:
    return _on_or_after(date(year, month, day), holidays)


def _before_day(day: int, days: int, year: int, month: int, holidays: _Holidays) -> date:
    return add_business_days(date(year, month, day), -days, holidays)


def _before_25th_of_prior_month(days: int, year: int, month: int, holidays: _Holidays) -> date:
    """``days`` business days before the 25th, or before the business day that precedes it."""
    anchor = _on_or_before(date(*_add_months(year, month, -1), 25), holidays)
    return add_business_days(anchor, -days, holidays)


def _before_delivery_day(day: int, days: int, year: int, month: int, holidays: _Holidays) -> date:
    """``days`` business days before the delivery day, itself moved forward to a business day."""
    return add_business_days(_on_or_after(date(year, month, day), holidays), -days, holidays)


def _last_clear_thursday(year: int, month: int, holidays: _Holidays) -> date:
    """Last Thursday without a holiday on it or on the four weekdays before it.

    November counts from its last Thursday but one, to stay ahead of Thanksgiving.
    """
    thursday = _next_first(year, month) - _DAY
    thursday -= timedelta(days=(thursday.weekday() - _THURSDAY) % 7)
    if month == 11:
        thursday -= timedelta(days=7)
    while not all(is_business_day(thursday - k * _DAY, holidays) for k in (0, 1, 2, 3, 6)):
        thursday -= timedelta(days=7)
    return thursday


_RULES: Mapping[str, _Rule] = MappingProxyType(
    {
        # a weekday of the contract month; business day before it if it is a holiday
        "third_friday": partial(_weekday_or_before, 3, _FRIDAY),
        "third_friday_unadjusted": _third_friday_unadjusted,
        "second_thursday": partial(_weekday_or_before, 2, _THURSDAY),
        "third_thursday": partial(_weekday_or_before, 3, _THURSDAY),
        "third_wednesday": partial(_weekday_or_before, 3, _WEDNESDAY),
        "third_tuesday": partial(_weekday_or_before, 3, _TUESDAY),
        "second_friday_minus_1bd": partial(_before_weekday, 2, _FRIDAY, 1),
        "third_wednesday_minus_1bd": partial(_before_weekday, 3, _WEDNESDAY, 1),
        "third_wednesday_minus_2bd": partial(_before_weekday, 3, _WEDNESDAY, 2),
        "third_wednesday_minus_2d": _third_wednesday_minus_2d,
        "third_wednesday_plus_3m_minus_1bd": _bd_before_third_wednesday_plus_3m,
        "third_friday_plus_1m_minus_30d": _thirty_days_before_third_friday,
        "last_clear_thursday": _last_clear_thursday,
        "last_friday": partial(_last_weekday, _FRIDAY, 0),
        "last_wednesday_minus_1bd": partial(_last_weekday, _WEDNESDAY, 1),
        "wednesday_nearest_15th": _wednesday_nearest_15th,
        # business days counted from an end of the contract month
        "tenth_bd": partial(_nth_bd, 10),
        "last_bd": partial(_nth_last_bd, 1, 0),
        "second_last_bd": partial(_nth_last_bd, 2, 0),
        "third_last_bd": partial(_nth_last_bd, 3, 0),
        "eighth_last_bd": partial(_nth_last_bd, 8, 0),
        "ninth_last_bd": partial(_nth_last_bd, 9, 0),
        "twelfth_last_bd": partial(_nth_last_bd, 12, 0),
        "fifteenth_last_bd": partial(_nth_last_bd, 15, 0),
        "seventeenth_last_bd": partial(_nth_last_bd, 17, 0),
        # business days counted from a day of the contract month
        "bd_before_15th": partial(_before_day, 15, 1),
        "bd_before_16th": partial(_before_day, 16, 1),
        "10th_or_next_bd": partial(_day_or_after, 10),
        "2bd_before_14th": partial(_before_day, 14, 2),
        "delivery_10th_minus_2bd": partial(_before_delivery_day, 10, 2),
        "delivery_20th_minus_5bd": partial(_before_delivery_day, 20, 5),
        "delivery_20th_minus_6bd": partial(_before_delivery_day, 20, 6),
        # in a month before the contract month
        "last_bd_of_prior_month": partial(_nth_last_bd, 1, -1),
        "third_last_bd_of_prior_month": partial(_nth_last_bd, 3, -1),
        "fourth_last_bd_of_prior_month": partial(_nth_last_bd, 4, -1),
        "3bd_before_25th_of_prior_month": partial(_before_25th_of_prior_month, 3),
        "4bd_before_25th_of_prior_month": partial(_before_25th_of_prior_month, 4),
        "last_bd_two_months_prior": _brent,
        # in the month after the contract month
        "bd_before_dairy_prices": _dairy,
    }
)

KNOWN_RULES: frozenset[str] = frozenset(_RULES)
"""Names accepted by :func:`last_trade_date`."""


def last_trade_date(
    rule: str, year: int, month: int, holidays: Collection[date] = frozenset()
) -> date:
    """Last session on which a contract trades.

    Parameters
    ----------
    rule : str
        One of :data:`KNOWN_RULES`.
    year, month : int
        Contract month, as in its ticker (CLZ22 is 2022, 12, though it expires in November).
    holidays : collection of date
        Exchange and bank holidays. Without them the date may be late by the holidays it crosses.

    Returns
    -------
    date
        In the exchange's calendar.

    Raises
    ------
    UnknownExpiryRuleError
        If there is no such rule.
    ValueError
        If ``month`` is not in 1..12 or ``year`` is not a calendar year.
    """
    function = _RULES.get(rule)
    if function is None:
        allowed = ", ".join(sorted(KNOWN_RULES))
        raise UnknownExpiryRuleError(f"unknown expiry rule {rule!r}; allowed are {allowed}")
    if not 1 <= month <= 12:
        raise ValueError(f"contract month must be in 1..12, got {month}")
    return function(year, month, frozenset(holidays))


def first_notice_date(
    notice: Notice, year: int, month: int, holidays: Collection[date] = frozenset()
) -> date | None:
    """First session on which the holder of a long position can be called to take delivery.

    Parameters
    ----------
    notice : Notice
        How the contract ends.
    year, month : int
        Contract month.
    holidays : collection of date

    Returns
    -------
    date or None
        The last business day of the month before (``PRIOR_MONTH_END``), ten business days before
        the contract month's first one (``TEN_DAYS_BEFORE_MONTH``), or None if no notice comes
        before the end of trading.
    """
    first = date(year, month, 1)
    if notice is Notice.PRIOR_MONTH_END:
        return add_business_days(first, -1, holidays)
    if notice is Notice.TEN_DAYS_BEFORE_MONTH:
        return add_business_days(first, -10, holidays)
    return None


def last_holding_date(
    notice: Notice,
    last_trade: date,
    year: int,
    month: int,
    holidays: Collection[date] = frozenset(),
) -> date:
    """Last session on which a position may be held without a risk of delivery.

    Parameters
    ----------
    notice : Notice
        How the contract ends.
    last_trade : date
        From :func:`last_trade_date`.
    year, month : int
        Contract month.
    holidays : collection of date

    Returns
    -------
    date
        The business day before the first notice date, or before the last trade date if that is
        earlier or no notice comes first.
    """
    first_notice = first_notice_date(notice, year, month, holidays)
    end = last_trade if first_notice is None else min(first_notice, last_trade)
    return add_business_days(end, -1, holidays)
