"""A dataset as sessions in the strategy's order, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from research.dataset import Dataset, MarketHistory
from universe.arrays import FloatArray, IntArray
from universe.instruments import Instrument
from universe.listing import contract_of
from universe.session import NO_CONTRACT, Contract, Session


@dataclass(slots=True)
class _Cursor:
    """Bars of one market as plain lists, walked forward."""

    months: list[int]
    opens: list[float]
    closes: list[float]
    interest: list[float]
    first: dict[int, int]  # epoch day -> first row
    last: dict[int, int]
    has_interest: bool

    @classmethod
    def of(cls, history: MarketHistory) -> _Cursor:
        days, first, count = np.unique(history.day, return_index=True, return_counts=True)
        months = history.contract_month[history.contract]
        return cls(
            months.tolist(),
            history.open.tolist(),
            history.close.tolist(),
            _last_known_interest(history),
            dict(zip(days.tolist(), first.tolist(), strict=True)),
            dict(zip(days.tolist(), (first + count).tolist(), strict=True)),
            bool(np.any(np.isfinite(history.open_interest))),
        )


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
    """

    session: Session
    open_of: Callable[[int, int], float | None]


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
        self._cursors = [_Cursor.of(history) for history in self._histories]
        days = {day for cursor in self._cursors for day in cursor.first}
        self.days: IntArray = np.array(
            sorted(day for day in days if first_day <= day <= last_day), dtype=np.int64
        )
        self._fronts = sorted(
            (int(day), market, int(history.contract_month[contract]))
            for market, history in enumerate(self._histories)
            for day, contract in zip(history.mapped_from, history.mapped_contract, strict=True)
        )
        self._fx = fx_table(dataset, [h.instrument for h in self._histories], self.days)

    def contracts(self) -> list[list[Contract]]:
        """All contracts of every market, in the order of the markets."""
        return [listed_contracts(history) for history in self._histories]

    def __iter__(self) -> Iterator[Bars]:
        empty: dict[int, float] = {}
        mapped = [NO_CONTRACT] * len(self._cursors)
        position = 0
        for row, day in enumerate(self.days.tolist()):
            while position < len(self._fronts) and self._fronts[position][0] <= day:
                _, market, month = self._fronts[position]
                mapped[market] = month
                position += 1
            quotes, interest = [], []
            for cursor in self._cursors:
                start = cursor.first.get(day)
                if start is None:
                    quotes.append(empty)
                    interest.append(empty)
                    continue
                end = cursor.last[day]
                months = cursor.months[start:end]
                quotes.append(dict(zip(months, cursor.closes[start:end], strict=True)))
                interest.append(
                    {
                        month: contracts
                        for month, contracts in zip(months, cursor.interest[start:end], strict=True)
                        if contracts > 0
                    }
                    if cursor.has_interest
                    else empty
                )
            session = Session(day, quotes, list(mapped), interest, self._fx[row])
            yield Bars(session, partial(self._open, day))

    def _open(self, day: int, market: int, month: int) -> float | None:
        cursor = self._cursors[market]
        start = cursor.first.get(day)
        if start is None:
            return None
        for row in range(start, cursor.last[day]):
            if cursor.months[row] == month:
                return cursor.opens[row]
        return None


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
    by_currency: dict[str, FloatArray] = {}
    for column, instrument in enumerate(instruments):
        currency = instrument.currency
        if currency == "USD":
            continue
        if currency not in by_currency:
            by_currency[currency] = _rates_on(dataset, currency, days)
        table[:, column] = by_currency[currency]
    return table


def _rates_on(dataset: Dataset, currency: str, days: IntArray) -> FloatArray:
    history = dataset.fx.get(currency)
    if history is None or not len(history.day):
        return np.full(len(days), np.nan)
    position = np.searchsorted(history.day, days, side="right") - 1
    return np.where(position >= 0, history.rate[np.maximum(position, 0)], np.nan)
