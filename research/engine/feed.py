"""A dataset as sessions in the strategy's order, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

import numpy as np
import pandas as pd

from algorithm.settings import WARM_UP_MARGIN
from research.data.dataset import Dataset, FxHistory, MarketHistory
from universe.arrays import FloatArray, IntArray
from universe.fx import BASE
from universe.instruments import Instrument
from universe.listing import PERPETUAL_MONTH, contract_of, estimated_rolls
from universe.session import NO_CONTRACT, Contract, Session

RUN = 64
"""Sessions that are observed at once: many enough to spread the cost of a call, few enough for
their correlations to stay in the processor's cache."""


class _Bars:
    """Bars of one market, by number of its session."""

    def __init__(self, history: MarketHistory) -> None:
        self.day, first = np.unique(history.day, return_index=True)
        self._bounds: list[int] = [*first.tolist(), len(history.day)]
        self._months: list[int] = history.contract_month[history.contract].tolist()
        self._opens = history.open
        self._closes: list[float] = history.close.tolist()
        below = history.low < history.close
        self._lows: list[float] = np.where(below, history.low, 0.0).tolist() if below.any() else []
        known = bool(np.any(np.isfinite(history.open_interest)))
        self._interest = _last_known_interest(history) if known else []

    def quotes(self, number: int) -> dict[int, float]:
        """Closes by contract month in session ``number``; none in session -1."""
        if number < 0:
            return {}
        start, end = self._bounds[number], self._bounds[number + 1]
        return dict(zip(self._months[start:end], self._closes[start:end], strict=True))

    def interest(self, number: int) -> dict[int, float]:
        """Known open interest by contract month in session ``number``."""
        if not self._interest:
            return {}
        rows = slice(self._bounds[number], self._bounds[number + 1])
        pairs = zip(self._months[rows], self._interest[rows], strict=True)
        return {month: contracts for month, contracts in pairs if contracts > 0}

    def lows(self, number: int) -> dict[int, float]:
        """Lows below the close by contract month in session ``number``."""
        if not self._lows:
            return {}
        rows = slice(self._bounds[number], self._bounds[number + 1])
        pairs = zip(self._months[rows], self._lows[rows], strict=True)
        return {month: low for month, low in pairs if low > 0}

    def open_of(self, number: int, month: int) -> float | None:
        """Open of a contract in session ``number``."""
        for row in range(self._bounds[number], self._bounds[number + 1]):
            if self._months[row] == month:
                return float(self._opens[row])
        return None


def _last_known_interest(history: MarketHistory) -> list[float]:
    """Open interest known at the close of each bar: of the contract's session before, or its last.

    Exchanges publish a session's open interest the morning after. LEAN delivers it then or, for
    some exchanges, a few hours earlier: with the rule on, a roll may differ by a session.
    """
    by_contract = pd.Series(history.open_interest).groupby(history.contract)
    interest = by_contract.ffill().groupby(history.contract).shift(1)
    return interest.fillna(0.0).tolist()


@dataclass(slots=True)
class Bars:
    """A session and, for the engine's fills, its opens.

    Attributes
    ----------
    session : Session
    open_of : callable
        Open of (market index, contract month), None without a bar in the session.
    rolling : list of int
        Markets whose position pays for an estimated roll.
    """

    session: Session
    open_of: Callable[[int, int], float | None]
    rolling: list[int] = field(default_factory=list)


class Feed:
    """Walks a dataset session by session.

    Parameters
    ----------
    dataset : Dataset
    first_day, last_day : int
        Epoch days, inclusive.
    """

    def __init__(self, dataset: Dataset, first_day: int, last_day: int) -> None:
        self.codes = list(dataset.markets)
        self._histories = [dataset.markets[code] for code in self.codes]
        self._bars = [_Bars(history) for history in self._histories]
        days = np.unique(np.concatenate([bars.day for bars in self._bars]))
        self.days: IntArray = days[(days >= first_day) & (days <= last_day)]
        self._dataset = dataset
        self._rolling: dict[int, list[int]] = {}
        for market, history in enumerate(self._histories):
            if PERPETUAL_MONTH in history.contract_month:
                for day in estimated_rolls(history.instrument, np.unique(history.day)).tolist():
                    self._rolling.setdefault(day, []).append(market)

    def contracts(self) -> list[list[Contract]]:
        """All contracts of every market, in the order of the markets."""
        return [listed_contracts(history) for history in self._histories]

    def numbers(self) -> IntArray:
        """Number of every market's session on each day, -1 where it has none, (n_days, n_markets).

        Numbers count a market's sessions from the first one in the data.
        """
        out = np.full((len(self.days), len(self._bars)), -1, dtype=np.int64)
        for market, bars in enumerate(self._bars):
            row = np.searchsorted(self.days, bars.day)
            there = (row < len(self.days)) & np.isin(bars.day, self.days)
            out[row[there], market] = np.flatnonzero(there)
        return out

    def quotes(self, market: int, number: int) -> dict[int, float]:
        """Closes by contract month in a market's session, see ``numbers``."""
        return self._bars[market].quotes(number)

    def open_of(self, market: int, number: int, month: int) -> float | None:
        """Open of a contract in a market's session, None without a bar."""
        return None if number < 0 else self._bars[market].open_of(number, month)

    def rolling(self, day: int) -> list[int]:
        """Markets whose position pays for an estimated roll on that day."""
        return self._rolling.get(day, [])

    def __iter__(self) -> Iterator[Bars]:
        dataset = self._dataset
        instruments = [history.instrument for history in self._histories]
        macro = macro_news(dataset, self.days)
        rates, rate_days = (table(dataset, instruments, self.days) for table in (fx_table, fx_days))
        fronts = self._fronts()
        mapped = [NO_CONTRACT] * len(self._bars)
        none: list[dict[int, float]] = [{}] * len(self._bars)
        for row, (day, numbers) in enumerate(zip(self.days.tolist(), self.numbers(), strict=True)):
            for market, month in fronts.get(row, ()):
                mapped[market] = month
            quotes, interest, opens = none.copy(), none.copy(), numbers.tolist()
            lows: dict[tuple[int, int], float] = {}
            for market in np.flatnonzero(numbers >= 0).tolist():
                bars = self._bars[market]
                quotes[market] = bars.quotes(opens[market])
                interest[market] = bars.interest(opens[market])
                lows |= {(market, month): low for month, low in bars.lows(opens[market]).items()}
            known = rates[row], macro.get(row, {}), rate_days[row]
            session = Session(day, quotes, mapped.copy(), interest, *known, lows)
            yield Bars(session, partial(self._open, opens), self.rolling(day))

    def _fronts(self) -> dict[int, list[tuple[int, int]]]:
        """(market index, month) of front contracts by the row of the session that meets them."""
        out: dict[int, list[tuple[int, int]]] = {}
        for market, history in enumerate(self._histories):
            order = np.argsort(history.mapped_from, kind="stable")
            rows = np.searchsorted(self.days, history.mapped_from[order]).tolist()
            months = history.contract_month[history.mapped_contract[order]].tolist()
            for row, month in zip(rows, months, strict=True):
                out.setdefault(row, []).append((market, month))
        return out

    def _open(self, numbers: list[int], market: int, month: int) -> float | None:
        return self.open_of(market, numbers[market], month)


def runs(feed: Feed) -> Iterator[list[Bars]]:
    """The sessions of a feed, as many at a time as are worth observing at once."""
    bars = iter(feed)
    while run := list(islice(bars, RUN)):
        yield run


def listed_contracts(history: MarketHistory) -> list[Contract]:
    """The contracts of a market with their last holding dates."""
    return [
        contract_of(history.instrument, int(month), int(expiry))
        for month, expiry in zip(history.contract_month, history.expiry, strict=True)
    ]


def fx_table(dataset: Dataset, instruments: list[Instrument], days: IntArray) -> FloatArray:
    """Account-currency rate of every market's quote currency, (n_days, n_markets).

    The last rate known on the day; NaN before the first one.
    """
    table = np.ones((len(days), len(instruments)))
    for currency, columns in _columns(instruments).items():
        history = dataset.fx.get(currency)
        row = _rows_on(history, days)
        known = history.rate[row] if history is not None and len(history.day) else np.nan
        table[:, columns] = np.where(row >= 0, known, np.nan)[:, None]
    return table


def fx_days(dataset: Dataset, instruments: list[Instrument], days: IntArray) -> IntArray:
    """Epoch day on which each rate of ``fx_table`` became known, (n_days, n_markets)."""
    table = np.repeat(days[:, None], len(instruments), axis=1)
    for currency, columns in _columns(instruments).items():
        history = dataset.fx.get(currency)
        row = _rows_on(history, days)
        if history is not None and len(history.day):
            table[:, columns] = np.where(row >= 0, history.day[row], days)[:, None]
    return table


def _columns(instruments: list[Instrument]) -> dict[str, list[int]]:
    """Markets by foreign quote currency."""
    columns: dict[str, list[int]] = {}
    for column, instrument in enumerate(instruments):
        if instrument.currency != BASE:
            columns.setdefault(instrument.currency, []).append(column)
    return columns


def _rows_on(history: FxHistory | None, days: IntArray) -> IntArray:
    """Row of the last rate known on each day, -1 before the first."""
    if history is None:
        return np.full(len(days), -1, dtype=np.int64)
    return np.asarray(np.searchsorted(history.day, days, side="right") - 1, dtype=np.int64)


def macro_news(dataset: Dataset, days: IntArray) -> dict[int, dict[str, tuple[int, float]]]:
    """What became known of macro series since the session before, by row of ``days``.

    Of each series the last value, with the day it became known on.
    """
    news: dict[int, dict[str, tuple[int, float]]] = {}
    first = int(days[0]) - WARM_UP_MARGIN if len(days) else 0  # LEAN delivers nothing before
    for name, known in dataset.macro.items():
        series = known.since(first)
        rows = np.searchsorted(days, series.day)
        for row, day, value in zip(
            rows.tolist(), series.day.tolist(), series.value.tolist(), strict=True
        ):
            if row < len(days):
                news.setdefault(row, {})[name] = (day, value)
    return news
