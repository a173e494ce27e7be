"""The limits as a stage of the chain: targets are capped, what is held is read (R4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from portfolio.contracts import ten_year_equivalent
from risk.account import EventKind, Remedy, RiskAccount, RiskEvent
from risk.book import Book, Protection, Verdict
from risk.caps import cap_targets
from risk.limits import (
    TABLE,
    Limit,
    LimitBook,
    LimitRow,
    Reading,
    Status,
    action_of,
    changed,
    make_limits,
)
from universe.arrays import FloatArray, IntArray
from universe.instruments import Instrument
from universe.setting import SettingsError, Table, setting


@dataclass(frozen=True)
class LimitSettings(Table):
    """Limits beside the VaR gate's."""

    limits: str = setting(
        "",
        "limits that differ from the table: name warn breach remedy (say, cap, cut or freeze) ...",
    )
    limit_headroom: float = setting(
        0.1,
        "share of each limit that targets leave free, so that what is held stays within it",
        low=0.0,
        high=0.9,
    )
    limit_beta_market: str = setting("ES", "market that net beta is measured against")

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
        for name, warn, breach, remedy in zip(*[iter(words)] * 4, strict=True):
            known = {r.name.lower(): r for r in Remedy if r is not Remedy.FLATTEN}
            if remedy not in known:
                raise SettingsError(
                    f"limits: remedy of {name} is {remedy!r}; allowed are {', '.join(known)}"
                )
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


class LimitStage(Protection):
    """Keeps targets within the limits and reads them on what is held.

    Parameters
    ----------
    book : LimitBook
    headroom : float

    Attributes
    ----------
    status, since, sessions : int arrays
        Of all buckets of all limits, in the order of the limits.
    peak, last_nav : float
        Highest and last NAV seen, 0 before the first.
    readings : list of Reading
        Of the last session: entries for the archive.
    """

    NAME = "limits"
    MEANING = "caps by market, sector and class, on beta, gross and net; freezes on a daily loss"
    SETTINGS = LimitSettings
    STATE = ("status", "since", "sessions", "peak", "last_nav")
    DEPENDS = ("limits",)
    ACCOUNT = ("peak", "last_nav")

    def __init__(self, book: LimitBook, headroom: float) -> None:
        self._book, self._headroom = book, headroom
        n = sum(len(limit.status) for limit in book.limits)
        self.status: IntArray = np.zeros(n, dtype=np.int64)
        self.since: IntArray = np.zeros(n, dtype=np.int64)
        self.sessions: IntArray = np.zeros(n, dtype=np.int64)
        self.peak = 0.0
        self.last_nav = 0.0
        self.readings: list[Reading] = []

    @classmethod
    def create(cls, settings: Any, instruments: Sequence[Instrument], n_assets: int) -> Self:
        """The limits of the settings; a spread counts with its market.

        Raises
        ------
        SettingsError
            If a limit cannot be measured or its remedy cannot help.
        """
        times = n_assets // len(instruments)
        duration = np.array([instrument.duration for instrument in instruments] * times)
        rows = [
            row
            for row in settings.limit_rows
            if row.name not in ("margin_use", "stale_share", "turnover_spike", "slippage_outlier")
        ]
        try:
            book = make_limits(
                [instrument.code for instrument in instruments] * times,
                [instrument.sector for instrument in instruments] * times,
                [str(instrument.asset_class) for instrument in instruments] * times,
                1.0 / ten_year_equivalent(duration),
                horizon=settings.var_horizon,
                beta_market=settings.limit_beta_market,
                rows=rows,
            )
        except ValueError as error:
            raise SettingsError(f"limits: {error}") from None
        return cls(book, settings.limit_headroom)

    def protect(self, book: Book) -> Verdict:
        """Read the limits on what is held, then cap the targets; a freeze keeps what is held."""
        account = self._account(book)
        self._spread()
        self.readings = self._book.read(RiskEvent(EventKind.CLOSE, book.day), account)
        self._gather()
        action = action_of(self.readings)
        told = [r.sentence() for r in self.readings if r.is_news and r.status >= Status.WARN]
        if action is not None and action.remedy >= Remedy.FREEZE:
            return self._verdict(book, book.held, [*told, "nothing is traded"])
        capped = cap_targets(self._book, book.asked, account, book.free, self._headroom)
        return self._verdict(book, capped.contracts, [*told, *capped.steps])

    def _account(self, book: Book) -> RiskAccount:
        known = np.isfinite(book.nav) and book.nav > 0
        self.peak = max(self.peak, book.nav) if known else self.peak
        account = RiskAccount(
            book.day,
            book.nav,
            book.held,
            book.unit,
            book.model,
            last_nav=self.last_nav if self.last_nav > 0 else float("nan"),
            drawdown=1.0 - book.nav / self.peak if known else float("nan"),
        )
        self.last_nav = book.nav if known else self.last_nav
        return account

    def _verdict(self, book: Book, contracts: IntArray, steps: list[str]) -> Verdict:
        before, after = _gross(book.asked, book.unit), _gross(contracts, book.unit)
        figures = {f"{r.limit} {r.bucket}": r.value for r in self.readings if np.isfinite(r.value)}
        scale = min(after / before, 1.0) if before > 0 else 1.0
        return Verdict(self.NAME, contracts, scale, tuple(steps), figures)

    def _spread(self) -> None:
        """The state of the stage into its limits."""
        at = 0
        for limit in self._book.limits:
            part = slice(at, at + len(limit.status))
            for name in Limit.STATE:
                setattr(limit, name, getattr(self, name)[part])
            at = part.stop

    def _gather(self) -> None:
        """The state of the limits into the stage."""
        for name in Limit.STATE:
            parts = [getattr(limit, name) for limit in self._book.limits]
            setattr(self, name, np.concatenate(parts))


def _gross(contracts: IntArray, unit: FloatArray) -> float:
    return float(np.nansum(np.abs(contracts * unit)))
