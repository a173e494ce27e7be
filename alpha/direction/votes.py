"""What votes on the direction of equities: series, lag, threshold and source of each (A9, 004).

004 names three indicators and the kinds of their variables, but not the variables. These are public
ones with a published record. A vote is +1 above its threshold, -1 below it, and absent while one of
its inputs is missing, too old or too young.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from universe.arrays import TRADING_DAYS, FloatArray, from_epoch_day
from universe.macro_format import series_info

YEAR, LONG, MEDIUM, MONTH = 252, 200, 50, 21
SLOPE = 20
"""Sessions over which the 200-session mean is compared with itself."""

HALF_YEAR: Final = 126
"""Sessions of a series before its mean counts."""

AGES: Final[Mapping[str, int]] = {
    "credit.spread": 10,
    "eur.de.2y": 10,
    "eur.de.10y": 10,
    "eur.dividend_price": 400,
    "eur.euribor": 45,
    "us.cape": 45,
    "usd.10y": 10,
}
"""Macro series that votes and the neutral indicator read, with the calendar days for which a value
stays valid."""

VALUATIONS: Final = frozenset({"eur.dividend_price", "us.cape"})
"""Series that hold what firms earn or pay: a fundamental vote needs one of them."""


class Kind(StrEnum):
    """Of a variable, as 004 tells them apart."""

    MACRO = "macro"
    FUNDAMENTAL = "fundamental"
    TECHNICAL = "technical"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known after a session.

    Attributes
    ----------
    level : mapping of str to float
        Series that are fresh.
    mean : mapping of str to float
        Their means of a year, of those that are old enough.
    price : float array of shape (n,)
        The market's own continuous index, oldest first, up to a year and a session of it.
    """

    level: Mapping[str, float]
    mean: Mapping[str, float]
    price: FloatArray

    def below_mean(self, name: str) -> float:
        """Mean of a year less the level: positive after a fall."""
        return self.mean.get(name, math.nan) - self.level.get(name, math.nan)

    def of(self, name: str) -> float:
        """Level, NaN where it is not fresh."""
        return self.level.get(name, math.nan)

    def over_mean(self, window: int) -> float:
        """Price over its mean of so many sessions, less 1."""
        if len(self.price) < window:
            return math.nan
        return float(self.price[-1] / self.price[-window:].mean() - 1.0)

    def gain(self, sessions: int) -> float:
        """Return of so many sessions."""
        if len(self.price) <= sessions:
            return math.nan
        return float(self.price[-1] / self.price[-1 - sessions] - 1.0)

    def place(self, window: int) -> float:
        """Place of the price in its range of so many sessions, from -0.5 to 0.5."""
        if len(self.price) < window:
            return math.nan
        low, high = float(self.price[-window:].min()), float(self.price[-window:].max())
        return (float(self.price[-1]) - low) / (high - low) - 0.5 if high > low else 0.0

    def volatility(self, sessions: int) -> float:
        """Annual volatility of so many sessions' returns about zero."""
        if len(self.price) <= sessions:
            return math.nan
        recent = self.price[-sessions - 1 :]
        returns = recent[1:] / recent[:-1] - 1.0
        return math.sqrt(TRADING_DAYS * float(np.mean(returns**2)))


@dataclass(frozen=True, slots=True)
class Vote:
    """One variable.

    Attributes
    ----------
    name : str
    kind : Kind
    meaning : str
        What is compared with the threshold.
    series : tuple of str
        Macro series; none for what the market's own price tells.
    measure : callable
        Value from facts, NaN where it is not known.
    source : str
        Who published it.
    threshold : float

    Raises
    ------
    ValueError
        If a macro vote names no series, a technical one does, or a fundamental one names no
        valuation.
    """

    name: str
    kind: Kind
    meaning: str
    series: tuple[str, ...]
    measure: Callable[[Facts], float]
    source: str
    threshold: float = 0.0

    def __post_init__(self) -> None:
        fits = {
            Kind.MACRO: bool(self.series),
            Kind.FUNDAMENTAL: bool(VALUATIONS & set(self.series)),
            Kind.TECHNICAL: not self.series,
        }
        if not fits[self.kind]:
            raise ValueError(
                f"vote {self.name} is {self.kind} and made of {', '.join(self.series) or 'price'}; "
                f"macro votes need series, fundamental ones {' or '.join(sorted(VALUATIONS))}, "
                "technical ones none"
            )

    @property
    def lag(self) -> str:
        """How long after the day or month described the slowest of its series counts."""
        infos = [series_info(name) for name in self.series]
        months = max((info.months for info in infos), default=0)
        days = max((info.lag for info in infos), default=0)
        return f"{months} months" if months else f"{days} business days"

    def cast(self, facts: Facts) -> float:
        """+1, 0 or -1, NaN while absent."""
        value = self.measure(facts)
        return math.nan if math.isnan(value) else float(np.sign(value - self.threshold))


_BLL = "Brock, Lakonishok and LeBaron, Journal of Finance 47 (1992)"
_MOP = "Moskowitz, Ooi and Pedersen, Journal of Financial Economics 104 (2012)"
_RELATIVE = "Rapach, Wohar and Rangvid, International Journal of Forecasting 21 (2005)"

VOTES: Final[tuple[Vote, ...]] = (
    Vote(
        "slope",
        Kind.MACRO,
        "ten-year less two-year German yield",
        ("eur.de.10y", "eur.de.2y"),
        lambda facts: facts.of("eur.de.10y") - facts.of("eur.de.2y"),
        "Fama and French, Journal of Financial Economics 25 (1989)",
    ),
    Vote(
        "short_rate",
        Kind.MACRO,
        "three-month EURIBOR below its mean of a year",
        ("eur.euribor",),
        lambda facts: facts.below_mean("eur.euribor"),
        _RELATIVE,
    ),
    Vote(
        "bond_yield",
        Kind.MACRO,
        "ten-year German yield below its mean of a year",
        ("eur.de.10y",),
        lambda facts: facts.below_mean("eur.de.10y"),
        _RELATIVE,
    ),
    Vote(
        "credit",
        Kind.MACRO,
        "Baa spread below its mean of a year",
        ("credit.spread",),
        lambda facts: facts.below_mean("credit.spread"),
        "Gilchrist and Zakrajsek, American Economic Review 102 (2012)",
    ),
    Vote(
        "earnings_yield",
        Kind.FUNDAMENTAL,
        "US earnings yield of ten years less the ten-year Treasury yield",
        ("us.cape", "usd.10y"),
        lambda facts: 1.0 / facts.of("us.cape") - facts.of("usd.10y"),
        "Campbell and Shiller, Journal of Portfolio Management 24 (1998); Lander, Orphanides and "
        "Douvogiannis, Journal of Portfolio Management 23 (1997)",
    ),
    Vote(
        "dividend_yield",
        Kind.FUNDAMENTAL,
        "euro area's dividend yield less the ten-year German yield",
        ("eur.dividend_price", "eur.de.10y"),
        lambda facts: facts.of("eur.dividend_price") - facts.of("eur.de.10y"),
        "Clare, Thomas and Wickens, Economic Journal 104 (1994)",
    ),
    Vote(
        "mean_200",
        Kind.TECHNICAL,
        "price over its mean of 200 sessions",
        (),
        lambda facts: facts.over_mean(LONG),
        _BLL,
    ),
    Vote(
        "momentum_252",
        Kind.TECHNICAL,
        "return of 252 sessions",
        (),
        lambda facts: facts.gain(YEAR),
        _MOP,
    ),
    Vote(
        "quiet",
        Kind.TECHNICAL,
        "volatility of a year less that of 21 sessions",
        (),
        lambda facts: facts.volatility(YEAR) - facts.volatility(MONTH),
        "Moreira and Muir, Journal of Finance 72 (2017)",
    ),
    Vote(
        "mean_50",
        Kind.TECHNICAL,
        "price over its mean of 50 sessions",
        (),
        lambda facts: facts.over_mean(MEDIUM),
        _BLL,
    ),
    Vote(
        "range_50",
        Kind.TECHNICAL,
        "place of the price in its range of 50 sessions",
        (),
        lambda facts: facts.place(MEDIUM),
        _BLL,
    ),
    Vote(
        "momentum_21",
        Kind.TECHNICAL,
        "return of 21 sessions",
        (),
        lambda facts: facts.gain(MONTH),
        _MOP,
    ),
)
"""The table; an indicator names votes out of it."""


def missing(vote: Vote, facts: Facts, known: Mapping[str, Sequence[float]]) -> str:
    """Why a vote is absent.

    Parameters
    ----------
    vote : Vote
        Without a cast.
    facts : Facts
    known : mapping of str to (int, float)
        Epoch day and value of every series as last known.
    """
    for name in vote.series:
        if name not in known:
            return f"{name} is not there"
        if name not in facts.level:
            return f"{name} stopped on {from_epoch_day(int(known[name][0])).isoformat()}"
    if vote.series:
        return f"{vote.series[0]} is not {HALF_YEAR} sessions old"
    return f"the market is too young for {vote.name}"
