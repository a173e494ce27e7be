"""Position limits of the CFTC and the exchanges, and what a US fund may hold (R4).

A dated table of what could be established, each line with its source. What it does not hold is
unknown, and said: accountability levels, limits of foreign exchanges, and of the contracts that the
CFTC limits since 2022-01-01 (17 CFR part 150, appendix E) natural gas, metals and rice; of softs
the exchange's lower ones are here. Where a source shows a limit and a later one a change from
another level, the lower of both is in force between them, because the day of the change is not
known.

Contracts on one underlying count together, in full-size contracts by their multipliers; net long
or net short. The spot month is the contract month whose delivery the exchange's dates begin.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PositionLimit:
    """Limits of one market from a day on, in its full-size contracts.

    Attributes
    ----------
    code : str
    since, until : date
        In force from, as far back as the source shows, and up to and including; a line without a
        successor has ``date.max``.
    spot, single, every : int or None
        In the spot month, in a single other month, in all months together; None is unknown.
    source : str
    """

    code: str
    since: date
    until: date
    spot: int | None
    single: int | None
    every: int | None
    source: str


_CFR_2005 = "17 CFR 150.2 as of 2007-04-01"
_CFR_2011 = "17 CFR 150.2, 76 FR 71684"
_CME_2012 = "CME Group advisories RA1205-5, RA1207-5R and RA1212-5R (2012)"
_PART_151 = "appendix A to 17 CFR part 151 (2011), the exchanges' levels; the part was vacated"
_FILING = "COMEX filing with the CFTC, certified 2010-05-06"
_RULE_2021 = "CME Group notice of 2021-01-27 for the CFTC's final rule, as the NGFA reports it"
_CFTC_2022 = "CFTC, Position Limits for Derivatives: live cattle, the last of its three steps"

_FILED = "COMEX and NYMEX filings in the CFTC's list of rules certified"
_COPPER_2013 = "COMEX advisory SER-6975 of 2013-12-19; when it rose to 1,500 again is unknown"
_COPPER_2019 = "COMEX notice MSN02-20-19"
_GOLD_2020 = "COMEX notice MSN04-09-20"
_PLATINUM_2010 = "NYMEX advisory SER-5378 of 2010-08-27"
_PALLADIUM = f"{_CME_2012}; lowered by NYMEX submission 20-091, to what is unknown"
_ICE_2023 = (
    "appendix A to 17 CFR part 151; ICE Futures U.S. notices of 2023-09-06, 2023-10-04 and "
    "2023-11-06 have the same"
)
_HOGS_2013 = "CME advisory SER-6649 of 2013-05-17"
_HOGS_2017 = "CME notice MSN10-09-17; the CFTC's rule of 2020 limits no hogs"
_OIL_2022 = (
    "CFTC's final rule of 2020 (86 FR 3236), in force since 2022-01-01, as the Pennsylvania "
    "Petroleum Association reports it"
)
_LEGACY_2021 = "17 CFR 150.2 and its appendix E, as Solomon Exam Prep 7.3.3.4 quotes them"

_BEFORE_2012 = date(2012, 1, 16)
_FROM_2012, _TO_2021 = date(2012, 1, 17), date(2021, 3, 14)
_FROM_2021, _TO_2022, _FROM_2022 = date(2021, 3, 15), date(2021, 12, 31), date(2022, 1, 1)
_FROM_2007, _FROM_2010, _FROM_CME = date(2007, 4, 1), date(2010, 5, 6), date(2012, 8, 1)

# fmt: off
LIMITS: tuple[PositionLimit, ...] = (
    PositionLimit("ZC", _FROM_2007, _BEFORE_2012, 600, 13_500, 22_000, _CFR_2005),
    PositionLimit("ZO", _FROM_2007, _BEFORE_2012, 600, 1_400, 2_000, _CFR_2005),
    PositionLimit("ZC", _FROM_2012, _TO_2021, 600, 33_000, 33_000, _CFR_2011),
    PositionLimit("ZO", _FROM_2012, _TO_2021, 600, 2_000, 2_000, _CFR_2011),
    PositionLimit("ZS", _FROM_2012, _TO_2021, 600, 15_000, 15_000, _CFR_2011),
    PositionLimit("ZW", _FROM_2012, _TO_2021, 600, 12_000, 12_000, _CFR_2011),
    PositionLimit("ZL", _FROM_2012, _TO_2021, 540, 8_000, 8_000, _CFR_2011),
    PositionLimit("ZM", _FROM_2012, _TO_2021, 720, 6_500, 6_500, _CFR_2011),
    PositionLimit("CT", _FROM_2012, _TO_2021, 300, 5_000, 5_000, _CFR_2011),
    PositionLimit("KE", _FROM_2012, _TO_2021, 600, 12_000, 12_000, _CFR_2011),
    PositionLimit("ZC", _FROM_2021, date.max, 1_200, 57_800, 57_800, _RULE_2021),
    PositionLimit("ZS", _FROM_2021, date.max, 1_200, 27_300, 27_300, _RULE_2021),
    PositionLimit("ZW", _FROM_2021, date.max, 1_200, 19_300, 19_300, _RULE_2021),
    PositionLimit("ZO", _FROM_2021, date.max, 600, 2_000, 2_000, _LEGACY_2021),
    PositionLimit("ZM", _FROM_2021, date.max, 1_500, 16_900, 16_900, _LEGACY_2021),
    PositionLimit("KE", _FROM_2021, date.max, 1_200, 12_000, 12_000, _LEGACY_2021),
    PositionLimit("CT", _FROM_2021, date.max, 300, 5_950, 11_900, f"{_LEGACY_2021}; {_ICE_2023}"),
    PositionLimit("ZR", _FROM_CME, _TO_2022, 250, None, None, _CME_2012),
    PositionLimit("GF", date(2009, 2, 6), date(2012, 7, 31), None, 1_600, None, _FILED),
    PositionLimit("GF", _FROM_CME, _TO_2022, 300, None, None, _CME_2012),
    PositionLimit("HE", _FROM_CME, date(2013, 5, 19), 950, None, None, _CME_2012),
    PositionLimit("HE", date(2013, 5, 20), date(2017, 10, 15), 950, 4_575, None, _HOGS_2013),
    PositionLimit("HE", date(2017, 10, 16), date.max, 950, 6_000, None, _HOGS_2017),
    PositionLimit("LE", _FROM_CME, _TO_2022, 300, None, None, _CME_2012),
    PositionLimit("LE", _FROM_2022, date.max, 200, None, None, _CFTC_2022),
    PositionLimit("CL", _FROM_CME, _TO_2022, 3_000, None, None, _CME_2012),
    PositionLimit("CL", _FROM_2022, date.max, 4_000, None, None, _OIL_2022),
    PositionLimit("HO", _FROM_CME, _TO_2022, 1_000, None, None, _CME_2012),
    PositionLimit("HO", _FROM_2022, date.max, 2_000, None, None, _OIL_2022),
    PositionLimit("RB", _FROM_CME, _TO_2022, 1_000, None, None, _CME_2012),
    PositionLimit("RB", _FROM_2022, date.max, 2_000, None, None, _OIL_2022),
    PositionLimit("NG", _FROM_CME, _TO_2022, 1_000, None, None, _CME_2012),
    PositionLimit("PA", _FROM_CME, date(2020, 2, 11), 650, None, None, _PALLADIUM),
    PositionLimit("PL", date(2007, 2, 28), date(2010, 12, 29), 150, None, None, _FILED),
    PositionLimit("PL", date(2010, 12, 30), _TO_2022, 500, None, None, _PLATINUM_2010),
    PositionLimit("HG", date(2007, 8, 20), date(2007, 12, 3), 400, None, None, _FILED),
    PositionLimit("HG", date(2007, 12, 4), date(2008, 1, 3), 350, None, None, _FILED),
    PositionLimit("HG", date(2008, 1, 4), date(2008, 7, 28), 250, None, None, _FILED),
    PositionLimit("HG", date(2008, 7, 29), date(2009, 3, 23), 150, None, None, _FILED),
    PositionLimit("HG", date(2009, 3, 24), date(2010, 5, 5), 750, None, None, _FILED),
    PositionLimit("HG", _FROM_2010, date(2013, 12, 29), 1_200, None, None, _FILING),
    PositionLimit("HG", date(2013, 12, 30), date(2019, 3, 27), 600, None, None, _COPPER_2013),
    PositionLimit("HG", date(2019, 3, 28), _TO_2022, 1_000, None, None, _COPPER_2019),
    PositionLimit("GC", _FROM_2012, date(2020, 5, 27), 3_000, None, None, _PART_151),
    PositionLimit("GC", date(2020, 5, 28), _TO_2022, 6_000, None, None, _GOLD_2020),
    PositionLimit("SI", _FROM_2012, _TO_2022, 1_500, None, None, _PART_151),
    PositionLimit("CC", _FROM_2012, date.max, 1_000, None, None, _ICE_2023),
    PositionLimit("KC", _FROM_2012, date.max, 500, None, None, _ICE_2023),
    PositionLimit("OJ", _FROM_2012, date.max, 300, None, None, _ICE_2023),
    PositionLimit("SB", _FROM_2012, date.max, 5_000, None, None, _ICE_2023),
    PositionLimit("UB", _FROM_CME, date.max, 50_000, None, None, _CME_2012),
    PositionLimit("ZB", _FROM_CME, date.max, 25_000, None, None, _CME_2012),
)
# fmt: on
"""Where limits step down within the spot month (rice, live cattle, crude oil since 2022) the lowest
is here."""


class Listed(Protocol):
    """What position limits ask of a market: an instrument, or what a run's record keeps of it."""

    @property
    def code(self) -> str:
        """Key of the market."""

    @property
    def full_size(self) -> str:
        """Code of the contract that a small one is a part of, "" without one."""

    @property
    def multiplier(self) -> float:
        """Of the quote."""

    @property
    def market(self) -> str:
        """LEAN's name of the exchange."""

    @property
    def asset_class(self) -> str:
        """Its class, a value of ``AssetClass``."""


class Eligibility(StrEnum):
    """Whether a US fund may hold a market."""

    ELIGIBLE = "eligible"
    RESTRICTED = "restricted"  # to eligible institutions under the SEC's and CFTC's conditions
    UNKNOWN = "unknown"


US_EXCHANGES = ("cme", "cbot", "nymex", "comex", "cfe", "ice", "nyseliffe")
"""LEAN's names of US designated contract markets; ICE Europe's are listed under "iceeu"."""

RESTRICTED = {
    "KM": (
        date(2020, 4, 1),
        "KOSPI 200 deemed narrow-based by the Korea Exchange's notice; Katten, Foreign Listed "
        "Stock Index Futures and Options Approvals Chart, 2020-04-15",
    ),
}
"""Foreign index futures that became narrow-based, with the day and the source."""

CERTIFIED = {
    "FSMI": "eligible again after the index was adjusted; Katten, Approvals Chart, 2023-12-19",
}
"""Foreign index futures whose eligibility was found in a source."""


def eligibility(instrument: Listed, day: date) -> tuple[Eligibility, str]:
    """Whether a US fund may hold a market on a day, and why.

    Parameters
    ----------
    instrument : Listed
    day : date

    Notes
    -----
    Futures on foreign security indices need the CFTC's certification (CEA 2(a)(1)(C)(iv)); those on
    debt, currencies and commodities on foreign boards of trade do not.
    """
    if instrument.market in US_EXCHANGES:
        return Eligibility.ELIGIBLE, "listed by a US designated contract market"
    if instrument.code in RESTRICTED:
        since, source = RESTRICTED[instrument.code]
        if day >= since:
            return Eligibility.RESTRICTED, source
    if str(instrument.asset_class) not in ("equity", "volatility"):
        return Eligibility.ELIGIBLE, "not on a security index"
    if instrument.code in CERTIFIED:
        return Eligibility.ELIGIBLE, CERTIFIED[instrument.code]
    return Eligibility.UNKNOWN, "no certification by the CFTC is on file here"


def limit_on(code: str, day: date) -> PositionLimit | None:
    """The line in force for a full-size contract, None where it is unknown."""
    for line in LIMITS:
        if line.code == code and line.since <= day <= line.until:
            return line
    return None
