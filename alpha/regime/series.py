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
DAILY_AGE: Final = 10


@dataclass(frozen=True, slots=True)
class Source:
    """One series.

    Attributes
    ----------
    file, column : str
        FRED's or the exchange's identifier, and the column of its file.
    lag : int
        Business days from the day that a value describes to the one on which it counts.
    first, last : str
        ISO dates of the first and last value there is; "" where it still runs.
    factor : float
        From the file's unit to the project's: fractions a year for rates, points for volatilities.
    max_age : int
        Calendar days for which a value stays valid.
    monthly : bool
        Dated on the first of the month it describes, and known when the next month has ended.
    successor : str
        What there is where the series ended.
    """

    file: str
    column: str
    lag: int
    first: str
    last: str = ""
    factor: float = 1.0
    max_age: int = DAILY_AGE
    monthly: bool = False
    successor: str = ""


SOURCES: Final[Mapping[str, Source]] = MappingProxyType(
    {
        "vix.spot": Source("VIXCLS", "VIXCLS", 0, "1990-01-02"),
        "vix.3m": Source("VIX3M", "VIX3M", 0, "2009-09-18"),
        "vix.m1": Source("VIX_FUTURES_VX1_VX8", "VX1", 0, "2007-04-02", "2021-12-23"),
        "vix.m2": Source("VIX_FUTURES_VX1_VX8", "VX2", 0, "2007-04-02", "2021-12-23"),
        "credit.spread": Source("BAA10Y", "BAA10Y", 2, "1986-01-02", factor=0.01),
        "credit.hy": Source("BAMLH0A0HYM2", "BAMLH0A0HYM2", 1, "1996-12-31", factor=0.01),
        "usd.3m": Source("DGS3MO", "DGS3MO", 1, "1981-09-01", factor=0.01),
        "usd.2y": Source("DGS2", "DGS2", 1, "1976-06-01", factor=0.01),
        "usd.10y": Source("DGS10", "DGS10", 1, "1962-01-02", factor=0.01),
        "usd.ted": Source(
            "TEDRATE",
            "TEDRATE",
            1,
            "1986-01-02",
            "2022-01-21",
            0.01,
            successor="usd.sofr less usd.3m, from 2018-04: secured, so it misses banks' own risk",
        ),
        "usd.sofr": Source("SOFR", "SOFR", 1, "2018-04-03", factor=0.01),
        "breadth.us": Source("MMTH", "MMTH", 0, "2002-01-02", factor=0.01),
        "breadth.advances": Source("NYSE_ADV", "NYSE_ADV", 0, "1991-12-02"),
        "breadth.declines": Source("NYSE_DECL", "NYSE_DECL", 0, "1991-12-02"),
        "sentiment.us": Source(
            "UMCSENT", "UMCSENT", 0, "1980-01-01", max_age=MONTHLY_AGE, monthly=True
        ),
    }
)

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
