"""The limits as a stage of the chain: targets are capped, what is held is read (R4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from portfolio.contracts import ten_year_equivalent
from risk.account import EventKind, Remedy, RiskAccount, RiskEvent
from risk.book import Book, Protection, Verdict
from risk.breach_cause import Cause, cause
from risk.caps import cap_targets, exceeded
from risk.gate import reference_exposure
from risk.limit_measures import SlippageOutlier, TurnoverSpike
from risk.limits import (
    TABLE,
    Action,
    LimitBook,
    LimitRow,
    Reading,
    Readings,
    Status,
    action_of,
    changed,
    make_limits,
)
from risk.position_caps import PositionCaps
from universe.arrays import BoolArray, FloatArray, IntArray
from universe.instruments import Instrument
from universe.master import MASTER
from universe.nearest import did_you_mean
from universe.setting import SettingsError, Table, setting


@dataclass(frozen=True)
class LimitSettings(Table):
    """Limits beside the VaR gate's."""

    limits: str = setting(
        "",
        "limits that differ from the table: name warn breach remedy (say, cap, cut, freeze or"
        " flatten) ...",
    )
    limit_headroom: float = setting(
        0.1,
        "share of each limit that targets leave free, so that what is held stays within it",
        low=0.0,
        high=0.9,
    )
    limit_beta_market: str = setting("ES", "market that net beta is measured against")
    position_limits: bool = setting(
        True, "targets stay within the position limits of the CFTC and the exchanges, where known"
    )
    us_fund: bool = setting(False, "close what a US fund may not hold, where that is known")
    alert_mail: str = setting("", "address that LEAN's notify mails alerts to, live")
    alert_hook: str = setting("", "address that LEAN's notify posts alerts to, live")
    watch_minutes: int = setting(
        60, "minutes between watches of the daily loss, live; 0 is none", low=0, high=1440
    )

    def validate(self) -> None:
        """Refuse limits that are none."""
        _ = self.limit_rows

    @property
    def limit_rows(self) -> list[LimitRow]:
        """The table with the changes."""
        words = self.limits.split()
        if len(words) % 4:
            raise SettingsError(
                f"limits is {self.limits!r}; it must be groups of name, warn, breach and remedy"
            )
        values = {}
        known = {remedy.name.lower(): remedy for remedy in Remedy}
        for name, warn, breach, remedy in zip(*[iter(words)] * 4, strict=True):
            if remedy not in known:
                raise SettingsError(
                    f"limits: remedy of {name} is {remedy!r}; allowed are {', '.join(known)}"
                )
            if name in values:
                raise SettingsError(f"limits: {name} is changed twice; once is allowed")
            try:
                values[name] = float(warn), float(breach), known[remedy]
            except ValueError:
                raise SettingsError(
                    f"limits: levels of {name} are {warn!r} and {breach!r}; both must be numbers"
                ) from None
        try:
            return changed(TABLE, **values)
        except ValueError as error:
            raise SettingsError(f"limits: {error}") from None


def _kept_by(part: str, name: str) -> Any:
    """State of the stage that one of its parts keeps."""

    def read(stage: Any) -> Any:
        return getattr(getattr(stage, part), name)

    def write(stage: Any, value: Any) -> None:
        setattr(getattr(stage, part), name, value)

    return property(read, write)


class LimitStage(Protection):
    """Keeps targets within the limits and reads them on what is held.

    Parameters
    ----------
    book : LimitBook
    headroom : float
    positions : PositionCaps, optional
        The table of position limits.
    reference : float array of shape (n_assets,), optional
        Exposures of the reference portfolio over NAV.
    factor : float array of shape (n_assets,)
        What a unit of exposure counts as in turnover: rates in ten-year equivalents.

    Attributes
    ----------
    status, since, sessions : int arrays
        Of all buckets of all limits, in the order of the limits.
    peak, last_nav : float
        Highest and last NAV seen, 0 before the first.
    last_held, last_seen : int arrays of shape (n_assets,)
        Contracts held at the last close; day of the last trusted price, 0 before the first.
    past, count : float array and int
        History of turnover.
    slips, fills : float array of shape (2 n_markets, HISTORY) and int array of shape (2 n_markets,)
        History of what fills cost beyond their expectation, and how many there were.
    readings : tuple of Reading
        Of the last session or watch.
    """

    NAME = "limits"
    MEANING = "caps by market, sector and class, on beta, gross, net and margin; position limits"
    SETTINGS = LimitSettings
    STATE = (
        "status",
        "since",
        "sessions",
        "peak",
        "last_nav",
        "last_held",
        "last_seen",
        "past",
        "count",
        "slips",
        "fills",
    )
    DEPENDS = ("limits", "limit_beta_market", "contract_sizes")
    ACCOUNT = ("peak", "last_nav")
    status, since, sessions = (_kept_by("_book", name) for name in LimitBook.STATE)
    past, count = (_kept_by("_turnover", name) for name in TurnoverSpike.STATE)
    slips, fills = (_kept_by("_slippage", name) for name in SlippageOutlier.STATE)

    def __init__(
        self,
        book: LimitBook,
        headroom: float,
        positions: PositionCaps | None,
        reference: FloatArray | None,
        factor: FloatArray,
    ) -> None:
        n_assets = len(factor)
        self._factor = factor
        self._book, self._headroom = book, headroom
        self._positions, self._reference = positions, reference
        measures = [one.measure for one in book.limits]
        self._turnover = next(
            (m for m in measures if isinstance(m, TurnoverSpike)), TurnoverSpike()
        )
        self._slippage = next(
            (m for m in measures if isinstance(m, SlippageOutlier)), SlippageOutlier(())
        )
        self.peak = 0.0
        self.last_nav = 0.0
        self.last_held: IntArray = np.zeros(n_assets, dtype=np.int64)
        self.last_seen: IntArray = np.zeros(n_assets, dtype=np.int64)
        self.readings: Sequence[Reading] = ()
        self._before: RiskAccount | None = None
        self._decided: tuple[RiskAccount, BoolArray] | None = None  # and what is in its spot month

    @classmethod
    def create(cls, settings: Any, instruments: Sequence[Instrument], n_assets: int) -> Self:
        """The limits of the settings; a spread counts with its market.

        Raises
        ------
        SettingsError
            If a limit cannot be measured or its remedy cannot help, one flattens and nobody could
            re-arm the kill switch, or the market of net beta is unknown.
        """
        times = n_assets // len(instruments)
        assets = list(instruments) * times
        rows = settings.limit_rows
        flat = [row.name for row in rows if row.remedy is Remedy.FLATTEN]
        if flat and not settings.command_token:
            raise SettingsError(
                f"limits: {flat[0]} flattens, and without command_token nobody could re-arm the "
                "kill switch; set it"
            )
        _check_beta_market(settings.limit_beta_market, instruments)
        factor = 1.0 / ten_year_equivalent(np.array([one.duration for one in assets]))
        try:
            book = make_limits(
                [instrument.code for instrument in assets],
                [instrument.sector for instrument in assets],
                [str(instrument.asset_class) for instrument in assets],
                factor,
                horizon=settings.var_horizon,
                beta_market=settings.limit_beta_market,
                rows=rows,
            )
        except ValueError as error:
            raise SettingsError(f"limits: {error}") from None
        positions = (
            PositionCaps(assets, us_fund=settings.us_fund) if settings.position_limits else None
        )
        reference = reference_exposure(settings, instruments, n_assets)
        return cls(book, settings.limit_headroom, positions, reference, factor)

    def protect(self, book: Book) -> Verdict:
        """Read the limits on what is held, then cap the targets.

        Without a NAV nothing is measured and nothing changes.
        """
        if not book.nav > 0:
            self._decided = None
            return Verdict(self.NAME, book.asked)
        account = self._account(book)
        readings = self._read(RiskEvent(EventKind.CLOSE, book.day), account)
        action = action_of(readings.breaches.values())
        self.peak, self.last_nav = max(self.peak, book.nav), book.nav
        self.last_held, self._before = book.held, account
        told = [r.sentence() for r in readings.news if r.status >= Status.WARN]
        # what cannot trade today keeps what was decided for it
        decided = replace(account, contracts=np.where(book.free, book.held, book.asked))
        capped = cap_targets(self._book, book.asked, decided, book.free, self._headroom)
        contracts, steps = capped.contracts, [*told, *capped.steps, *capped.unmet]
        spot = np.zeros(len(contracts), dtype=bool) if book.spot is None else book.spot
        self._decided = decided, spot
        if self._positions is not None:
            found = self._positions.cap(contracts, book.day, spot, self._headroom)
            if found.steps:
                contracts = np.where(book.free, found.contracts, contracts)
                steps += [*found.steps, *self.exceeded(contracts)]
        remedy = action.remedy if action is not None else Remedy.SAY
        before, after = _gross(book.asked, book.unit), _gross(contracts, book.unit)
        return Verdict(
            self.NAME,
            contracts,
            min(after / before, 1.0) if before > 0 else 1.0,
            tuple(steps),
            {"limit_use": readings.use},
            self.readings,
            remedy if remedy >= Remedy.FREEZE else Remedy.SAY,
            action.reasons if action is not None else (),
        )

    def exceeded(self, contracts: IntArray) -> list[str]:
        """Limits that a book is above which the stages behind have made of this one's.

        Taking away a hedge raises what is netted, and what is held while nothing may be traded is
        not this stage's: neither is undone, both are said.

        Parameters
        ----------
        contracts : int array of shape (n_assets,)
            Of the session judged last.
        """
        if self._decided is None:
            return []
        account, spot = self._decided
        out = exceeded(self._book, contracts, account)
        if self._positions is not None:
            out += self._positions.exceeded(contracts, account.day, spot)
        return out

    def watch(
        self, event: RiskEvent, nav: float, slippage: FloatArray | None = None
    ) -> Action | None:
        """What an event between decisions asks for, on what was held at the last one.

        Parameters
        ----------
        event : RiskEvent
        nav : float
            Account currency now.
        slippage : float array of shape (2 n_markets,), optional
            Of the fills since then.
        """
        before = self._before
        if before is None or not (nav > 0 and self.last_nav > 0):
            return None
        scale = before.nav / nav
        margin = None if before.unit_margin is None else before.unit_margin * scale
        account = replace(
            before,
            nav=nav,
            last_nav=self.last_nav,
            unit_exposure=before.unit_exposure * scale,
            unit_margin=margin,
            slippage=slippage,
        )
        return action_of(self._read(event, account).breaches.values())

    def _read(self, event: RiskEvent, account: RiskAccount) -> Readings:
        readings = self._book.read(event, account)
        for place, reading in readings.breaches.items():
            readings.causes[place] = str(self._cause(reading, account))
        self.readings = readings
        return readings

    def _cause(self, reading: Reading, account: RiskAccount) -> Cause:
        """Why a breach is one today: what changed since the last close."""
        if reading.sessions > 1 or not reading.value > reading.breach or self._before is None:
            return Cause.LASTING if reading.before is Status.BREACH else Cause.UNKNOWN
        limit = next(one for one in self._book.limits if one.row.name == reading.limit)
        if not limit.measure.caps:  # of the account itself, no position's
            return Cause.ACCOUNT
        bucket = limit.measure.buckets.index(reading.bucket)
        return cause(limit.measure, bucket, self._before, account, reading.breach)

    def _account(self, book: Book) -> RiskAccount:
        if book.seen is not None:
            fresh = book.seen | (self.last_seen == 0)
            self.last_seen = np.where(fresh, book.day, self.last_seen)
        peak = max(self.peak, book.nav)
        reference = self._reference
        if reference is not None and not (book.model.sigma_daily[reference != 0] > 0).all():
            reference = None
        return RiskAccount(
            book.day,
            book.nav,
            book.held,
            book.unit,
            book.model,
            reference,
            book.unit_margin,
            last_nav=self.last_nav if self.last_nav > 0 else float("nan"),
            drawdown=1.0 - book.nav / peak,
            turnover=_gross(_grown(self.last_held, book.held), book.unit * self._factor),
            slippage=book.slippage,
            price_age=None if book.seen is None else book.day - self.last_seen,
        )


def _check_beta_market(code: str, instruments: Sequence[Instrument]) -> None:
    """A market that the run does not trade leaves net beta out; one that is not known is a slip."""
    there = [instrument.code for instrument in instruments]
    if code and code not in there and code not in MASTER:
        like = did_you_mean(code, [*there, *(instrument.code for instrument in MASTER)])
        raise SettingsError(f"limit_beta_market: unknown market {code!r}{like}")


def _grown(before: IntArray, held: IntArray) -> IntArray:
    """Contracts that positions have grown by; all of one that has turned."""
    kept = np.where(before * held > 0, np.minimum(np.abs(before), np.abs(held)), 0)
    return np.asarray(np.abs(held) - kept)


def _gross(contracts: IntArray, unit: FloatArray) -> float:
    size = np.abs(contracts * unit)
    size[np.isnan(size)] = 0.0
    return float(np.add.reduce(size))
