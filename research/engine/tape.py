"""What depends on data alone, by session, computed once and kept on disk.

The first run over some data observes every session and writes down what it has seen; a later one
that differs in portfolio, risk or size reads it. Both decide the same to the last bit.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from algorithm.observer import Observer
from alpha.regime.features import ROW
from alpha.snapshot import Snapshot, Snapshots
from research.data.array_file import Entry, Layout, Writer
from research.engine.feed import Feed, runs
from research.engine.ledger import BarGate
from research.engine.moment import Moment, Observed
from universe.arrays import FloatArray, IntArray
from universe.business_days import is_business_day
from universe.fills import SessionGate
from universe.legs import Legs
from universe.market_state import Roll
from universe.session import Quotes

_BY_ASSET: Mapping[str, type] = {
    **dict.fromkeys(("seen", "tradable", "alive", "must_exit"), np.bool_),
    **dict.fromkeys(("ret", "price", "doubt", "sigma", "current_sigma"), np.float64),
    **dict.fromkeys(("fall", "rise"), np.float64),
}
_BY_MARKET: Mapping[str, type] = {
    **dict.fromkeys(("sigma_price", "fx", "basis"), np.float64),
    "carry_source": np.int64,
}
_LEGS = ("held", "near", "far", "lost", "held_before", "near_before", "far_before")
_TRUSTED = ("limits", "price", "positive_price", "suspect", "unit")
"""What the gate of a session knows before it, with ``held_before`` of the legs."""


_NO_SPREADS: FloatArray = np.zeros(0)


class TapeWriter:
    """Writes down what the observer makes of every session.

    Parameters
    ----------
    observer : Observer
    feed : Feed
        Its days, in order, are what is observed.
    writer : Writer
        Of the layout of ``layout``.
    """

    def __init__(self, observer: Observer, feed: Feed, writer: Writer) -> None:
        self._observer, self._feed, self._writer = observer, feed, writer
        self._row = self._business = 0
        self._said: dict[str, dict[str, Any]] = {
            **{kind: {} for kind in ("rolls", "notes", "remembered", "macro")}
        }
        self._macro: dict[str, list[float]] = {}
        self._lower = np.flatnonzero(np.tri(observer.assets.n, k=-1))

    def walk(self) -> Iterator[Moment]:
        """The sessions as they are observed; the tape is there when the last one is."""
        try:
            for run in runs(self._feed):
                snapshots = self._observer.walk([bars.session for bars in run])
                self._write(snapshots)
                for row, bars in enumerate(run):
                    self._say(snapshots, row, bars.session.quotes)
                    yield Observed(bars, snapshots, row)
            self._writer.commit({"days": self._feed.days.tolist(), **self._said})
        finally:
            self._writer.discard()

    def _write(self, snapshots: Snapshots) -> None:
        arrays, rows = self._writer.arrays, slice(self._row, self._row + len(snapshots))
        for name in _TRUSTED:
            arrays[f"before.{name}"][rows] = getattr(snapshots.before, name)
        for name in ("month", "bill", "regime", *_BY_ASSET, *_BY_MARKET):
            arrays[name][rows] = getattr(snapshots, name)
        for day, window in zip(snapshots.day.tolist(), snapshots.standardised, strict=True):
            if is_business_day(day):
                arrays["standardised"][self._business] = window[-1]
                self._business += 1
        for name in _LEGS if snapshots.spreads else ("held", "lost", "held_before"):
            arrays[f"legs.{name}"][rows] = snapshots.legs[name]
        for kind in ("signals", "factors"):
            for name, value in getattr(snapshots, kind).items():
                arrays[f"{kind}.{name}"][rows] = value
        flat = snapshots.correlation.reshape(len(snapshots), -1)
        arrays["correlation"][rows, :-1] = flat[:, self._lower]
        arrays["correlation"][rows, -1] = 1.0  # of the diagonal
        if snapshots.spreads:
            arrays["spread_basis"][rows] = snapshots.spread_basis
        self._row = rows.stop
        self._writer.rest()

    def _say(self, snapshots: Snapshots, at: int, quotes: Quotes) -> None:
        row = str(self._row - len(snapshots) + at)
        if snapshots.rolls[at]:
            self._said["rolls"][row] = [
                (r.day, r.market, r.old, r.new, r.old_close, r.new_close, r.reason)
                for r in snapshots.rolls[at]
            ]
        macro = {name: list(known) for name, known in snapshots.macro[at].items()}
        news = {name: known for name, known in macro.items() if self._macro.get(name) != known}
        if news:
            self._said["macro"][row] = news
            self._macro = macro
        if snapshots.notes[at]:
            self._said["notes"][row] = list(snapshots.notes[at])
        others = {}
        for market, kept in enumerate(snapshots.remembered[at + 1]):
            there = quotes[market]
            if there and kept is not there and kept != there:
                others[str(market)] = list(kept.items())
        if others:
            self._said["remembered"][row] = others


def layout(observer: Observer, n_days: int) -> Layout:
    """Types and shapes of a tape's arrays."""
    n, m = observer.assets.n, len(observer.instruments)
    out: dict[str, tuple[type, tuple[int, ...]]] = {
        "month": (np.int64, (n_days,)),
        "bill": (np.float64, (n_days,)),
        "regime": (np.float64, (n_days, ROW)),
    }
    out |= {name: (kind, (n_days, n)) for name, kind in _BY_ASSET.items()}
    out |= {name: (kind, (n_days, m)) for name, kind in _BY_MARKET.items()}
    out["standardised"] = np.float64, (n_days, n)
    if observer.assets.spreads is not None:
        out["spread_basis"] = np.float64, (n_days, m)
    legs = _LEGS if observer.assets.spreads is not None else ("held", "lost", "held_before")
    out |= {f"legs.{name}": (np.int64, (n_days, m)) for name in legs}
    out |= {f"before.{name}": (np.float64, (n_days, m)) for name in _TRUSTED}
    forecasts = observer.forecasts
    out |= {f"signals.{rule.NAME}": (np.float64, (n_days, m)) for rule in forecasts.rules}
    out |= {
        f"factors.{sleeve}": (np.float64, (n_days, len(table)))
        for sleeve, table in forecasts.factors().items()
    }
    out["correlation"] = np.float64, (n_days, n * (n - 1) // 2 + 1)
    return out


class Tape:
    """Sessions as they were observed.

    Parameters
    ----------
    entry : Entry
        That ``TapeWriter`` wrote.
    feed : Feed
        Of the same data; its days are the first ones of the tape's, or all.
    observer : Observer
        Made of the same settings; it observes nothing.
    """

    def __init__(self, entry: Entry, feed: Feed, observer: Observer) -> None:
        self.arrays, self._feed = entry.arrays, feed
        self._about = entry.about
        self._spreads = observer.assets.spreads is not None
        is_business = np.array([is_business_day(day) for day in feed.days.tolist()], dtype=bool)
        self._business, self._business_days = is_business.cumsum(), feed.days[is_business]
        self._history = observer.history
        self._told, self._macro = 0, dict[str, Sequence[float]]()
        self._rules = [rule.NAME for rule in observer.forecasts.rules]
        self._sleeves = list(observer.forecasts.factors())
        n = observer.assets.n
        place = np.full((n, n), n * (n - 1) // 2)  # the diagonal's
        lower = np.tri(n, k=-1, dtype=bool)
        place[lower] = np.arange(n * (n - 1) // 2)
        self._place = np.where(lower.T, place.T, place)
        self.none: IntArray = np.zeros(len(observer.instruments), dtype=np.int64)
        self._numbers = feed.numbers()
        self._rows: dict[int, list[int]] = {}

    @staticmethod
    def fits(entry: Entry, feed: Feed) -> bool:
        """Whether a tape begins with the days of the feed."""
        return bool(np.array_equal(entry.about["days"][: len(feed.days)], feed.days))

    def walk(self) -> Iterator[Moment]:
        """The sessions of the feed."""
        for row, day in enumerate(self._feed.days.tolist()):
            yield _Taped(self, row, day, _Quotes(self._feed, self._numbers[row].tolist()))

    def snapshot(self, row: int, day: int) -> Snapshot:
        """What was known after a session."""
        arrays, said = self.arrays, str(row)
        legs = {name: arrays[f"legs.{name}"][row] for name in ("held", "lost", "held_before")}
        for name in ("near", "far", "near_before", "far_before"):
            legs[name] = arrays[f"legs.{name}"][row] if self._spreads else self.none
        return Snapshot(
            day=day,
            month=int(arrays["month"][row]),
            rolls=[Roll(*roll) for roll in self._about["rolls"].get(said, ())],
            notes=[(market, kind, text) for market, kind, text in self._notes(said)],
            correlation=arrays["correlation"][row].take(self._place),
            standardised=self._past(row),
            bill=float(arrays["bill"][row]),
            macro=self._macro_at(row),
            regime=arrays["regime"][row],
            spread_basis=arrays["spread_basis"][row] if self._spreads else _NO_SPREADS,
            legs=Legs(spreads=self._spreads, **legs),
            signals={name: arrays[f"signals.{name}"][row] for name in self._rules},
            factors={name: arrays[f"factors.{name}"][row] for name in self._sleeves},
            **{name: arrays[name][row] for name in _BY_ASSET},
            **{name: arrays[name][row] for name in _BY_MARKET},
        )

    def _macro_at(self, row: int) -> dict[str, Sequence[float]]:
        """Macro series as last known; rows are asked for in order."""
        if row < self._told:
            self._told, self._macro = 0, {}
        while self._told <= row:
            self._macro = {**self._macro, **self._about["macro"].get(str(self._told), {})}
            self._told += 1
        return self._macro

    def _past(self, row: int) -> FloatArray:
        """Rows of the window of VaR, see ``risk.history.BusinessDays``."""
        end = int(self._business[row])
        first = self._history.first(self._business_days[:end])
        rows: FloatArray = self.arrays["standardised"][first:end]
        return rows

    def _notes(self, said: str) -> list[tuple[int, str, str]]:
        notes: list[tuple[int, str, str]] = self._about["notes"].get(said, [])
        return notes

    def last_close(self, row: int, market: int, month: int) -> float:
        """A contract's close in the market's session before that row, as it was remembered."""
        if market not in self._rows:
            self._rows[market] = np.flatnonzero(self._numbers[:, market] >= 0).tolist()
        rows = self._rows[market]
        at = bisect_left(rows, row) - 1
        if at < 0:
            return float("nan")
        before = rows[at]
        others = self._about["remembered"].get(str(before), {})
        if str(market) in others:
            return float(dict(others[str(market)]).get(month, np.nan))
        quotes = self._feed.quotes(market, int(self._numbers[before, market]))
        return quotes.get(month, float("nan"))


class _Quotes(dict[int, dict[int, float]]):
    """Closes of a session by market, looked up when they are asked for."""

    def __init__(self, feed: Feed, numbers: list[int]) -> None:
        super().__init__()
        self._feed, self._numbers = feed, numbers

    def __missing__(self, market: int) -> dict[int, float]:
        found = self[market] = self._feed.quotes(market, self._numbers[market])
        return found

    def open_of(self, market: int, month: int) -> float | None:
        return self._feed.open_of(market, self._numbers[market], month)


class _Before:
    """What was believed of all markets before a session."""

    def __init__(self, tape: Tape, row: int) -> None:
        self._tape, self._row, arrays = tape, row, tape.arrays
        self.held: IntArray = arrays["legs.held_before"][row]
        self.limits: FloatArray = arrays["before.limits"][row]
        self.price: FloatArray = arrays["before.price"][row]
        self.positive_price: FloatArray = arrays["before.positive_price"][row]
        self.suspect: FloatArray = arrays["before.suspect"][row]
        self.unit: FloatArray = arrays["before.unit"][row]

    def last_close(self, market: int, month: int) -> float:
        return self._tape.last_close(self._row, market, month)


class _Taped:
    """A session on a tape."""

    def __init__(self, tape: Tape, row: int, day: int, quotes: _Quotes) -> None:
        self.day, self.quotes, self.open_of = day, quotes, quotes.open_of
        self.fx: FloatArray = tape.arrays["fx"][row]
        self.gate: BarGate = SessionGate(_Before(tape, row), quotes)
        self.rolling = tape._feed.rolling(day)
        self.observe = partial(tape.snapshot, row, day)
