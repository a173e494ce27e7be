"""Limits and alerts: one table, measured on the portfolio held, at the close and between (R4)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, overload

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
        """Whether an alert is due: the status changed to or from a warning or a breach.

        What lasts is in the archive, and a figure that becomes known or unknown within its limit.
        """
        return self.status != self.before and max(self.status, self.before) >= Status.WARN

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
    """One limit: a row and what it measures.

    Parameters
    ----------
    row : LimitRow
    measure : Measure

    Raises
    ------
    ValueError
        If the remedy reduces targets by a measure that contracts cannot bring down.
    """

    def __init__(self, row: LimitRow, measure: Measure) -> None:
        if row.remedy in (Remedy.CAP, Remedy.CUT) and not measure.caps:
            raise ValueError(
                f"limit {row.name}: remedy is {row.remedy.name.lower()}, but no position can be "
                "reduced to bring it down; allowed are say, freeze and flatten"
            )
        self.row, self.measure = row, measure


@dataclass(frozen=True, slots=True)
class ReadTogether:
    """The buckets of limits that are read at once, limit by limit.

    Attributes
    ----------
    limits : tuple of Limit
    places : int array or slice
        Of their buckets among those of all limits.
    buckets : tuple of (LimitRow, str)
    first, size : int arrays of shape (n_limits,)
        Of every limit's buckets among these.
    breach : float array of shape (n_buckets,)
        Levels.
    """

    limits: tuple[Limit, ...]
    places: IntArray | slice
    buckets: tuple[tuple[LimitRow, str], ...]
    first: IntArray
    size: IntArray
    breach: FloatArray


class Readings(Sequence[Reading]):
    """What limits read at one moment; the objects are made when somebody looks at them.

    Of each limit the fullest bucket, and every other one that is not within its limit or was not.

    Parameters
    ----------
    day : int
    read : ReadTogether
    values : float array of shape (n_buckets,)
    before, status, since, sessions : int arrays of shape (n_buckets,)

    Attributes
    ----------
    causes : dict of int to str
        Of the buckets in breach, by their place in the arrays; told by who knows.
    """

    __slots__ = (
        "_before",
        "_day",
        "_made",
        "_read",
        "_sessions",
        "_since",
        "_status",
        "_values",
        "causes",
    )

    def __init__(
        self,
        day: int,
        read: ReadTogether,
        values: FloatArray,
        before: IntArray,
        status: IntArray,
        since: IntArray,
        sessions: IntArray,
    ) -> None:
        self._day, self._read, self._values = day, read, values
        self._before, self._status = before, status
        self._since, self._sessions = since, sessions
        self._made: tuple[Reading, ...] | None = None
        self.causes: dict[int, str] = {}

    @property
    def news(self) -> tuple[Reading, ...]:
        """Those that an alert is due of."""
        noticed = np.maximum(self._status, self._before) >= int(Status.WARN)
        return tuple(self._at((noticed & (self._status != self._before)).nonzero()[0]))

    @property
    def breaches(self) -> dict[int, Reading]:
        """Those in breach, by their place in the arrays."""
        places = (self._status == int(Status.BREACH)).nonzero()[0]
        return dict(zip(places.tolist(), self._at(places), strict=True))

    @property
    def use(self) -> float:
        """The largest figure over its limit, NaN where none is known."""
        share = self._values / self._read.breach
        return float(np.fmax.reduce(share, where=share < np.inf, initial=np.nan))

    def _all(self) -> tuple[Reading, ...]:
        if self._made is None:
            self._made = tuple(self._at(self._told())) if self._read.limits else ()
        return self._made

    def _told(self) -> IntArray:
        """Places of the fullest bucket of every limit, the first of equals, and of the others."""
        size = np.where(np.isnan(self._values), -1.0, self._values)
        fullest = np.maximum.reduceat(size, self._read.first)
        full = (size == np.repeat(fullest, self._read.size)).nonzero()[0]
        told = (self._status != int(Status.OK)) | (self._before != int(Status.OK))
        told[full[np.searchsorted(full, self._read.first)]] = True
        places: IntArray = told.nonzero()[0]
        return places

    def _at(self, places: IntArray) -> Iterator[Reading]:
        for limit, bucket, value, warn, breach, status, before, remedy, *rest in self._plain(
            places
        ):
            yield Reading(
                self._day,
                limit,
                bucket,
                math.nan if value is None else value,
                warn,
                breach,
                Status(status),
                Status(before),
                Remedy(remedy),
                *rest,
            )

    def plain(self) -> list[list[Any]]:
        """See ``plain_values``; no object is made."""
        return list(self._plain(self._told())) if self._read.limits else []

    def _plain(self, places: IntArray) -> Iterator[list[Any]]:
        if not len(places):
            return
        arrays = (self._values, self._status, self._before, self._since, self._sessions)
        for at, value, status, before, since, sessions in zip(
            places.tolist(), *(array[places].tolist() for array in arrays), strict=True
        ):
            row, bucket = self._read.buckets[at]
            yield [
                row.name,
                bucket,
                value if math.isfinite(value) else None,
                row.warn,
                row.breach,
                status,
                before,
                row.remedy.value,
                since,
                sessions,
                row.cure_days - sessions,
                self.causes.get(at, ""),
            ]

    def __bool__(self) -> bool:
        return bool(self._read.limits)

    def __len__(self) -> int:
        return len(self._all())

    def __iter__(self) -> Iterator[Reading]:
        return iter(self._all())

    @overload
    def __getitem__(self, index: int) -> Reading: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Reading, ...]: ...
    def __getitem__(self, index: int | slice) -> Reading | tuple[Reading, ...]:
        return self._all()[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._all() == tuple(other)

    __hash__ = None  # type: ignore[assignment]


def plain_values(readings: Sequence[Reading]) -> list[list[Any]]:
    """The fields of every reading after its day as plain values, None for a figure not known."""
    if isinstance(readings, Readings):
        return readings.plain()
    return [
        [
            *(r.limit, r.bucket, r.value if math.isfinite(r.value) else None, r.warn, r.breach),
            *(r.status.value, r.before.value, r.remedy.value),
            *(r.since, r.sessions, r.days_to_cure, r.cause),
        ]
        for r in readings
    ]


class LimitBook:
    """All limits of a fund, and where each of their buckets has been.

    Parameters
    ----------
    limits : sequence of Limit

    Attributes
    ----------
    status, since, sessions : int arrays
        Of all buckets of all limits, in the order of the limits; never changed in place.
    """

    STATE = ("status", "since", "sessions")

    def __init__(self, limits: Sequence[Limit]) -> None:
        self.limits = tuple(limits)
        self.capping = tuple(one for one in limits if one.row.remedy in (Remedy.CAP, Remedy.CUT))
        """Those that targets are reduced to."""
        size = [len(limit.measure.buckets) for limit in limits]
        self._number = np.repeat(np.arange(len(limits)), size)  # the limit of every bucket
        self._warn = np.repeat([limit.row.warn for limit in limits], size)
        self._breach = np.repeat([limit.row.breach for limit in limits], size)
        clear = np.repeat([limit.row.clear for limit in limits], size)
        self._warn_below, self._breach_below = self._warn * clear, self._breach * clear
        self._together: dict[tuple[bool, ...], ReadTogether] = {}
        n = sum(size)
        self.status: IntArray = np.zeros(n, dtype=np.int64)
        self.since: IntArray = np.zeros(n, dtype=np.int64)
        self.sessions: IntArray = np.zeros(n, dtype=np.int64)

    def read(self, event: RiskEvent, account: RiskAccount) -> Readings:
        """Measure the portfolio held and move the status of every bucket.

        All limits at a close, and otherwise those that are always measured. A figure that is not a
        number leaves a breach a breach: only a measured value ends it.
        """
        closing = event.kind is EventKind.CLOSE
        read = self._read_together(
            tuple(
                (closing or limit.row.always) and limit.measure.exists(account)
                for limit in self.limits
            )
        )
        places = read.places
        found = [limit.measure.values(account.contracts, account) for limit in read.limits]
        values = np.concatenate(found) if found else np.zeros(0)
        before = self.status[places]
        if before.any() or not (values <= self._warn_below[places]).all():
            self._move(event, places, values)
        if closing:
            for limit in read.limits:
                if isinstance(limit.measure, TurnoverSpike | SlippageOutlier):
                    limit.measure.close(account)
        return Readings(
            event.day,
            read,
            values,
            before,
            self.status[places],
            self.since[places],
            self.sessions[places],
        )

    def _read_together(self, chosen: tuple[bool, ...]) -> ReadTogether:
        """The chosen ones of all limits."""
        if chosen not in self._together:
            limits = tuple(one for one, use in zip(self.limits, chosen, strict=True) if use)
            places = slice(None) if all(chosen) else np.array(chosen)[self._number].nonzero()[0]
            size = np.array([len(one.measure.buckets) for one in limits], dtype=np.int64)
            self._together[chosen] = ReadTogether(
                limits,
                places,
                tuple((one.row, bucket) for one in limits for bucket in one.measure.buckets),
                np.cumsum(size) - size,
                size,
                self._breach[places],
            )
        return self._together[chosen]

    def _move(self, event: RiskEvent, places: IntArray | slice, values: FloatArray) -> None:
        """The status of the buckets at ``places``, with what follows from it."""
        status, since = self.status.copy(), self.since.copy()
        status[places] = self._next(places, values)
        noticed = status[places] >= int(Status.WARN)
        since[places] = np.where(noticed, np.where(since[places] > 0, since[places], event.day), 0)
        self.status, self.since = status, since
        if event.kind is EventKind.CLOSE:
            self.sessions = self.sessions.copy()
            breached = status[places] == int(Status.BREACH)
            self.sessions[places] = np.where(breached, self.sessions[places] + 1, 0)

    def _next(self, places: IntArray | slice, values: FloatArray) -> IntArray:
        ok, warned, breached = int(Status.OK), int(Status.WARN), int(Status.BREACH)
        before, known = self.status[places], np.isfinite(values)
        value = np.where(known, values, 0.0) / (1.0 + ROUNDING)
        breach = np.where(before == breached, self._breach_below[places], self._breach[places])
        warn = np.where(before >= warned, self._warn_below[places], self._warn[places])
        status = np.where(value > breach, breached, np.where(value > warn, warned, ok))
        unknown = np.where(before == breached, breached, int(Status.UNKNOWN))
        return np.where(known, status, unknown)

    def watch(self, event: RiskEvent, account: RiskAccount) -> Action | None:
        """What an event asks for, None if no limit is breached."""
        return action_of(self.read(event, account).breaches.values())


def action_of(breaches: Iterable[Reading]) -> Action | None:
    """The highest remedy among breaches, with all that are breached, the highest first."""
    ranked = sorted(breaches, key=lambda reading: -reading.remedy)
    if not ranked:
        return None
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
