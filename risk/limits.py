"""Limits and alerts: one table, measured on the portfolio held, at the close and between (R4)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from risk.account import EventKind, Remedy, RiskAccount, RiskEvent
from risk.limit_measures import (
    AbsoluteVar,
    DailyLoss,
    Drawdown,
    Gross,
    MarginUse,
    Measure,
    Net,
    NetBeta,
    Notional,
    RelativeVar,
    Shortfall,
    SlippageOutlier,
    StaleShare,
    StandaloneRisk,
    TurnoverSpike,
)
from universe.arrays import FloatArray, IntArray

ROUNDING = 1e-9
"""So that a NAV of 96 after 100 is a loss of 4 %, which a limit of 4 % allows."""

STALE_DAYS = 5
"""Calendar days without a trusted price after which a position's exposure counts as stale."""


class Status(IntEnum):
    """Where a figure is."""

    UNKNOWN = -1  # not a finite number: said, never acted on
    OK = 0
    WARN = 1
    BREACH = 2


@dataclass(frozen=True, slots=True)
class LimitRow:
    """One line of the table.

    Attributes
    ----------
    name : str
    warn, breach : float
        Levels that must not be exceeded, warn below breach.
    remedy : Remedy
        What a breach does.
    always : bool
        Measured at every event, not at the close only.
    cure_days : int
        Sessions that a breach may last; 18f-4 gives VaR five business days.
    clear : float
        Share of a level that the figure must fall below to come back from it.
    unit, meaning : str
    """

    name: str
    warn: float
    breach: float
    remedy: Remedy
    unit: str
    meaning: str
    always: bool = False
    cure_days: int = 1
    clear: float = 0.95

    def __post_init__(self) -> None:
        if not 0 < self.warn <= self.breach < float("inf"):
            raise ValueError(
                f"limit {self.name}: warn is {self.warn:g} and breach {self.breach:g}; they must "
                "be positive numbers, warn not above breach"
            )
        if not 0 < self.clear <= 1:
            raise ValueError(
                f"limit {self.name}: clear is {self.clear:g}; it must be above 0 and at most 1"
            )
        if self.cure_days < 1:
            raise ValueError(f"limit {self.name}: cure_days is {self.cure_days}; at least 1")


_SAY, _CAP, _CUT, _FREEZE = Remedy.SAY, Remedy.CAP, Remedy.CUT, Remedy.FREEZE
_NAV = "of NAV"

# fmt: off
TABLE: tuple[LimitRow, ...] = (
    LimitRow("var_absolute", 0.16, 0.20, _SAY, _NAV, "99 %/20-day VaR; the VaR gate cuts by it",
             cure_days=5),
    LimitRow("var_relative", 1.60, 2.00, _SAY, "of the reference's", "99 %/20-day VaR",
             cure_days=5),
    LimitRow("shortfall", 0.04, 0.06, _SAY, _NAV, "99 %/one-day expected shortfall"),
    LimitRow("drawdown", 0.15, 0.25, _SAY, _NAV, "fall from the highest NAV"),
    LimitRow("market_notional", 0.60, 0.75, _CAP, _NAV, "absolute exposure to a market"),
    LimitRow("sector_notional", 1.50, 2.00, _CAP, _NAV, "absolute exposures to a sector"),
    LimitRow("class_notional", 3.00, 4.00, _CAP, _NAV, "absolute exposures to an asset class"),
    LimitRow("market_risk", 0.015, 0.025, _CAP, _NAV, "one-day VaR of a market alone"),
    LimitRow("sector_risk", 0.016, 0.025, _CAP, _NAV, "one-day VaR of a sector alone"),
    LimitRow("class_risk", 0.020, 0.030, _CAP, _NAV, "one-day VaR of an asset class alone"),
    LimitRow("net_beta", 0.80, 1.20, _CAP, "", "absolute beta of the book to the equity market"),
    LimitRow("gross", 5.0, 7.0, _CUT, _NAV, "sum of absolute exposures"),
    LimitRow("net", 3.0, 4.0, _CAP, _NAV, "absolute sum of exposures"),
    LimitRow("turnover_spike", 5.0, 10.0, _SAY, "times usual", "turnover over a quarter's mean"),
    LimitRow("slippage_outlier", 4.0, 6.0, _SAY, "standard deviations",
             "cost of a market's fills beyond the expected, against its own", always=True),
    LimitRow("margin_use", 0.40, 0.60, _CUT, _NAV, "initial margin", always=True),
    LimitRow("daily_loss", 0.03, 0.04, _SAY, _NAV, "loss since the last close; a freeze would "
             "keep the VaR gate from cutting", always=True),
    LimitRow("stale_share", 0.20, 0.50, _FREEZE, "of gross exposure",
             f"exposure without a price for {STALE_DAYS} days", always=True),
)
# fmt: on
"""Every limit and its defaults.

Gross is typically 2 to 4 at 10 % volatility (000); its limit is above the cap of 6 on targets.
Where no rule or document sets a level, it lies above the highest that 61 markets held at the
default settings from 2000 to 2010, so that none of them caps the defaults: a limit says that
something is out of the usual.
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """One bucket of one limit at one moment: an entry of the archive.

    Attributes
    ----------
    day : int
    limit, bucket : str
    value, warn, breach : float
    status, before : Status
        Now, and at the last measurement.
    remedy : Remedy
    since : int
        Epoch day from which the status has been at least a warning, 0 if it is not.
    sessions : int
        Closes in breach without a break, this one included.
    days_to_cure : int
        Sessions left; 0 on the last one, negative beyond.
    cause : str
        Of a breach, one of ``risk.breach_cause.Cause``; "" otherwise.
    """

    day: int
    limit: str
    bucket: str
    value: float
    warn: float
    breach: float
    status: Status
    before: Status
    remedy: Remedy
    since: int
    sessions: int
    days_to_cure: int
    cause: str = ""

    @property
    def is_news(self) -> bool:
        """Whether an alert is due: the status changed. What lasts is in the archive."""
        return self.status != self.before

    def sentence(self) -> str:
        """What a person is told."""
        where = "" if self.bucket == "fund" else f" of {self.bucket}"
        if not np.isfinite(self.value):
            was = ", and was above its limit" if self.status is Status.BREACH else ""
            return f"{self.limit}{where} cannot be measured{was}"
        word = {Status.OK: "within", Status.WARN: "near", Status.BREACH: "above"}[self.status]
        return f"{self.limit}{where} is {self.value:.4g}, {word} its limit of {self.breach:.4g}"


@dataclass(frozen=True, slots=True)
class Action:
    """What the readings of a moment ask for: the highest remedy among the breaches."""

    remedy: Remedy
    reasons: tuple[str, ...]


class Limit:
    """One limit: a row, what it measures, and where each bucket has been.

    Parameters
    ----------
    row : LimitRow
    measure : Measure

    Raises
    ------
    ValueError
        If the remedy reduces targets by a measure that contracts cannot bring down.
    """

    STATE = ("status", "since", "sessions")

    def __init__(self, row: LimitRow, measure: Measure) -> None:
        if row.remedy in (Remedy.CAP, Remedy.CUT) and not measure.caps:
            raise ValueError(
                f"limit {row.name}: remedy is {row.remedy.name.lower()}, but no position can be "
                "reduced to bring it down; allowed are say, freeze and flatten"
            )
        self.row, self.measure = row, measure
        n = len(measure.buckets)
        self.status: IntArray = np.zeros(n, dtype=np.int64)
        self.since: IntArray = np.zeros(n, dtype=np.int64)
        self.sessions: IntArray = np.zeros(n, dtype=np.int64)

    def read(self, event: RiskEvent, account: RiskAccount) -> list[Reading]:
        """Measure the portfolio held and move the status of every bucket.

        A figure that is not a number leaves a breach a breach: only a measured value ends it.

        Returns
        -------
        list of Reading
            The fullest bucket, and every other one that is not within its limit or was not.
        """
        if not self.measure.exists(account):
            return []
        values = self.measure.values(account.contracts, account)
        before, calm = self.status, not self.status.any()
        calm = calm and bool((values <= self.row.warn * self.row.clear).all())
        if not calm:
            self.status = self._next(before, values)
            noticed = self.status >= int(Status.WARN)
            self.since = np.where(noticed, np.where(self.since > 0, self.since, event.day), 0)
        if event.kind is EventKind.CLOSE:
            if not calm:
                breached = self.status == int(Status.BREACH)
                self.sessions = np.where(breached, self.sessions + 1, 0)
            if isinstance(self.measure, TurnoverSpike | SlippageOutlier):
                self.measure.close(account)
        fullest = int(np.argmax(np.where(np.isnan(values), -1.0, values)))
        told = [fullest]
        if not calm:
            other = (self.status != int(Status.OK)) | (before != int(Status.OK))
            told = sorted({fullest, *np.flatnonzero(other).tolist()})
        return [self._reading(bucket, event.day, float(values[bucket]), before) for bucket in told]

    def _next(self, before: IntArray, values: FloatArray) -> IntArray:
        row, known = self.row, np.isfinite(values)
        value = np.where(known, values, 0.0) / (1.0 + ROUNDING)
        breach = np.where(before == Status.BREACH, row.breach * row.clear, row.breach)
        warn = np.where(before >= Status.WARN, row.warn * row.clear, row.warn)
        status = np.where(value > breach, Status.BREACH, np.where(value > warn, Status.WARN, 0))
        unknown = np.where(before == Status.BREACH, Status.BREACH, Status.UNKNOWN)
        return np.where(known, status, unknown).astype(np.int64)

    def _reading(self, bucket: int, day: int, value: float, before: IntArray) -> Reading:
        row, sessions = self.row, int(self.sessions[bucket])
        return Reading(
            day,
            row.name,
            self.measure.buckets[bucket],
            value if math.isfinite(value) else math.nan,
            row.warn,
            row.breach,
            Status(int(self.status[bucket])),
            Status(int(before[bucket])),
            row.remedy,
            int(self.since[bucket]),
            sessions,
            row.cure_days - sessions,
        )


class LimitBook:
    """All limits of a fund.

    Parameters
    ----------
    limits : sequence of Limit
    """

    def __init__(self, limits: Sequence[Limit]) -> None:
        self.limits = tuple(limits)

    def read(self, event: RiskEvent, account: RiskAccount) -> list[Reading]:
        """Read all limits at a close, and otherwise those that are always measured."""
        closing = event.kind is EventKind.CLOSE
        due = [limit for limit in self.limits if closing or limit.row.always]
        return [reading for limit in due for reading in limit.read(event, account)]

    def watch(self, event: RiskEvent, account: RiskAccount) -> Action | None:
        """What an event asks for, None if no limit is breached."""
        return action_of(self.read(event, account))

    def components(self) -> dict[str, Limit | Measure]:
        """All objects with state, by a stable name."""
        out: dict[str, Limit | Measure] = {f"limit.{one.row.name}": one for one in self.limits}
        for one in self.limits:
            if hasattr(one.measure, "STATE"):
                out[f"limit.{one.row.name}.history"] = one.measure
        return out


def action_of(readings: Iterable[Reading]) -> Action | None:
    """The highest remedy among the breaches, with all that are breached, the highest first."""
    bad = [reading for reading in readings if reading.status is Status.BREACH]
    if not bad:
        return None
    ranked = sorted(bad, key=lambda reading: -reading.remedy)
    return Action(ranked[0].remedy, tuple(reading.sentence() for reading in ranked))


def make_limits(
    codes: Sequence[str],
    sectors: Sequence[str],
    classes: Sequence[str],
    factor: FloatArray,
    *,
    horizon: int,
    beta_market: str,
    rows: Sequence[LimitRow] = TABLE,
) -> LimitBook:
    """The limits of a table over assets.

    Parameters
    ----------
    codes, sectors, classes : sequences of str, one an asset
    factor : float array of shape (n_assets,)
        What a unit of exposure counts as: of rates their duration over ten-year notes', the inverse
        of ``portfolio.contracts.ten_year_equivalent``.
    horizon : int
        Sessions of VaR.
    beta_market : str
        Code that net beta is against; without it among the assets that limit is left out.
    rows : sequence of LimitRow

    Raises
    ------
    ValueError
        If a row names no limit that is known, or one twice.
    """
    measures: dict[str, Measure] = {
        "var_absolute": AbsoluteVar(horizon),
        "var_relative": RelativeVar(horizon),
        "shortfall": Shortfall(),
        "drawdown": Drawdown(),
        "market_notional": Notional(codes, factor),
        "sector_notional": Notional(sectors, factor),
        "class_notional": Notional(classes, factor),
        "market_risk": StandaloneRisk(codes),
        "sector_risk": StandaloneRisk(sectors),
        "class_risk": StandaloneRisk(classes),
        "gross": Gross(factor),
        "net": Net(factor),
        "turnover_spike": TurnoverSpike(),
        "slippage_outlier": SlippageOutlier(list(dict.fromkeys(codes))),
        "margin_use": MarginUse(),
        "daily_loss": DailyLoss(),
        "stale_share": StaleShare(STALE_DAYS),
    }
    if beta_market in codes:
        measures["net_beta"] = NetBeta(list(codes).index(beta_market))
    names = [row.name for row in rows]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"limit {name} is in the table twice")
        if name not in measures and name != "net_beta":
            raise ValueError(f"no limit is called {name!r}; known are {', '.join(measures)}")
    return LimitBook([Limit(row, measures[row.name]) for row in rows if row.name in measures])


def changed(rows: Sequence[LimitRow], **values: tuple[float, float, Remedy]) -> list[LimitRow]:
    """The table with other levels and remedies: name=(warn, breach, remedy).

    Raises
    ------
    ValueError
        If no row has the name.
    """
    known = {row.name for row in rows}
    for name in values:
        if name not in known:
            raise ValueError(f"no limit is called {name!r}; known are {', '.join(sorted(known))}")
    out = []
    for row in rows:
        if row.name in values:
            warn, breach, remedy = values[row.name]
            row = replace(row, warn=warn, breach=breach, remedy=remedy)
        out.append(row)
    return out
