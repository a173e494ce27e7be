"""Macro series that regime features are made of: where they come from and when they are known (A8).

A value counts from the close of the day on which it is public. Series whose history is re-estimated
after publication are refused by name: what one reads of 2008 in them was not known in 2008.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

MONTHLY_AGE: Final = 75
WEEKLY_AGE: Final = 16
DAILY_AGE: Final = 10


@dataclass(frozen=True, slots=True)
class Source:
    """One series; ``universe.macro_format`` says what it is and when a value is public.

    Attributes
    ----------
    first, last : str
        ISO dates of the first and last value there is; "" where it still runs.
    max_age : int
        Calendar days for which a value stays valid.
    successor : str
        What there is where the series ended.
    """

    first: str
    last: str = ""
    max_age: int = DAILY_AGE
    successor: str = ""


SOURCES: Final[Mapping[str, Source]] = MappingProxyType(
    {
        "vix.spot": Source("1990-01-02"),
        "vix.3m": Source("2009-09-18"),
        "vix.m1": Source("2007-04-02", "2021-12-23"),
        "vix.m2": Source("2007-04-02", "2021-12-23"),
        "credit.spread": Source("1986-01-02"),
        "credit.hy": Source("1996-12-31"),
        "usd.3m": Source("1954-01-04"),
        "usd.2y": Source("1976-06-01"),
        "usd.10y": Source("1962-01-02"),
        "usd.ted": Source(
            "1986-01-02",
            "2022-01-21",
            successor="usd.sofr less usd.3m, from 2018-04: secured, so it misses banks' own risk",
        ),
        "usd.sofr": Source("2018-04-03"),
        "breadth.us": Source("2002-01-02"),
        "breadth.advances": Source("1991-12-02"),
        "breadth.declines": Source("1991-12-02"),
        "sentiment.us": Source("1980-01-01", max_age=MONTHLY_AGE),
        "conditions.us": Source("1971-01-08", max_age=WEEKLY_AGE),
    }
)
"""What features are made of, and from when to when there is any."""

REVISED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "NFCI": "its whole history is estimated anew every week",
        "ANFCI": "its whole history is estimated anew every week",
        "STLFSI4": "its whole history is estimated anew",
        "CFNAI": "its whole history is estimated anew every month",
        "INDPRO": "it is revised for months and rebased",
        "UNRATE": "its seasonal factors change every year",
        "ICSA": "it is revised, and its seasonal factors change every year",
        "USEPUINDXD": "its last weeks change, and it is rescaled",
        "USREC": "a recession is dated 6 to 18 months later",
    }
)
"""Identifiers that are refused, with the reason."""


class RevisedSeriesError(ValueError):
    """A series that was not known as it reads now."""


def first_countable(identifier: str) -> date | None:
    """Day from which an identifier's values may be used at all; None where there is no bound.

    A vintage, whose name ends in ``_V`` and a date, counts after that date only.

    Raises
    ------
    RevisedSeriesError
        For a series that is revised after publication, or a vintage without a date.
    """
    base, mark, stamp = identifier.partition("_V")
    if base in REVISED and mark:
        try:
            return date(int(stamp[:4]), int(stamp[4:6]), int(stamp[6:]))
        except ValueError:
            raise RevisedSeriesError(
                f"{identifier}: a vintage is named by its date, like {base}_V20230203"
            ) from None
    if base in REVISED:
        raise RevisedSeriesError(
            f"{identifier} is no feature: {REVISED[base]}; a dated vintage such as "
            f"{base}_V20230203 counts after its date"
        )
    return None
