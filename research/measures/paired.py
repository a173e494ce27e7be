"""Books against one of them on the same sessions, with paired block-bootstrap intervals (V3, V5).

Every resample draws the same sessions for all books, so that what they have in common cancels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from arch.bootstrap import StationaryBootstrap

from research.measures.bootstrap import BLOCK, interval
from research.measures.performance import calendar
from universe.arrays import BoolArray, FloatArray, IntArray, sessions_a_year, to_epoch_day
from universe.counts import count_text

FIGURES = ("sharpe", "drawdown", "tail", "cost")
"""Net Sharpe ratio, deepest fall, mean of the worst days, cost a year; the last three positive."""

TAIL = 0.01
"""Share of days in the tail."""

COVERAGE = 0.90

LEAST = 2 * BLOCK
"""Sessions that an interval needs."""


@dataclass(frozen=True, slots=True)
class Books:
    """Daily net returns and costs of several books on the same sessions.

    Attributes
    ----------
    names : tuple of str
    day : int array of shape (n_days,)
    returns, cost : float arrays of shape (n_days, n_books)
        Costs over NAV; NaN where a book does not tell them.
    """

    names: tuple[str, ...]
    day: IntArray
    returns: FloatArray
    cost: FloatArray

    @property
    def year(self) -> float:
        """Sessions a year of the common calendar."""
        return sessions_a_year(self.day)

    def part(self, inside: BoolArray) -> Books:
        """The same books on some of the sessions."""
        return Books(self.names, self.day[inside], self.returns[inside], self.cost[inside])


@dataclass(frozen=True, slots=True)
class Estimate:
    """Figures of one book and their differences from the base, each with an interval.

    Attributes
    ----------
    name : str
    value, delta, low, high : dict of str to float
        By the names of ``FIGURES``; ``low`` and ``high`` are the ends of the interval of ``delta``.
    sharpe_low, sharpe_high : float
        Interval of the Sharpe ratio itself.
    """

    name: str
    value: Mapping[str, float]
    delta: Mapping[str, float]
    low: Mapping[str, float]
    high: Mapping[str, float]
    sharpe_low: float
    sharpe_high: float


class ShortSeriesError(ValueError):
    """Series that have too few sessions in common to be compared."""


def align(days: Sequence[IntArray], columns: Sequence[FloatArray]) -> tuple[IntArray, FloatArray]:
    """Series on the sessions that all have, (n_days, n_series).

    Raises
    ------
    ShortSeriesError
        If there are fewer than two blocks of common sessions.
    """
    common = days[0]
    for other in days[1:]:
        common = np.intersect1d(common, other)
    if len(common) < LEAST:
        raise ShortSeriesError(
            f"{count_text(len(common), 'session')} in common; intervals need at least {LEAST}"
        )
    table = np.column_stack(
        [column[np.searchsorted(day, common)] for day, column in zip(days, columns, strict=True)]
    )
    return common, table


def compare(
    books: Books, base: str, *, samples: int = 1000, seed: int = 3, coverage: float = COVERAGE
) -> list[Estimate]:
    """Figures of every book and their differences from ``base``.

    Parameters
    ----------
    books : Books
    base : str
        One of their names.
    samples, seed : int
        Of the stationary bootstrap, in blocks of ``bootstrap.BLOCK`` sessions on average.
    coverage : float
        Of the intervals.

    Raises
    ------
    ValueError
        If no book has the name.
    """
    if base not in books.names:
        raise ValueError(f"base is {base!r}; it must be one of {', '.join(books.names)}")
    column = books.names.index(base)
    point = figures(books, [np.arange(len(books.day))])[0]
    drawn = figures(books, _paths(books, samples, seed))
    low, high = interval(drawn - drawn[:, :, column, None], coverage)
    own_low, own_high = interval(drawn[:, 0], coverage)
    delta = point - point[:, column, None]
    out = []
    for k, name in enumerate(books.names):
        value, change, least, most = (
            {figure: float(table[i, k]) for i, figure in enumerate(FIGURES)}
            for table in (point, delta, low, high)
        )
        own = float(own_low[k]), float(own_high[k])
        out.append(Estimate(name, value, change, least, most, *own))
    return out


def _paths(books: Books, samples: int, seed: int) -> list[IntArray]:
    bootstrap = StationaryBootstrap(BLOCK, np.arange(len(books.day)), seed=seed)
    return [np.asarray(drawn[0][0]) for drawn in bootstrap.bootstrap(samples)]


def figures(books: Books, paths: Sequence[IntArray]) -> FloatArray:
    """The ``FIGURES`` of every book along every path, (n_paths, n_figures, n_books).

    Equal books have equal figures to the last digit; a flat book's Sharpe ratio is NaN.

    Parameters
    ----------
    books : Books
    paths : sequence of int arrays of shape (n_days,)
        Sessions in the order in which they come, some again and some not at all.
    """
    returns, cost = np.ascontiguousarray(books.returns.T), np.ascontiguousarray(books.cost.T)
    root = np.sqrt(books.year)
    out = np.empty((len(paths), len(FIGURES), len(returns)))
    drawn, peak = np.empty_like(returns), np.empty_like(returns)  # a sample fills them anew
    for path, rows in zip(out, paths, strict=True):
        np.take(cost, rows, axis=1, out=drawn, mode="clip")
        path[3] = drawn.mean(axis=1) * books.year
        np.take(returns, rows, axis=1, out=drawn, mode="clip")
        path[0] = _ratio(drawn, peak) * root
        path[1] = _fall(drawn, peak)
    count = np.stack([np.bincount(rows, minlength=len(books.day)) for rows in paths])
    out[:, 2] = np.column_stack([_tail(count, column) for column in returns])
    return out


def _ratio(returns: FloatArray, room: FloatArray) -> FloatArray:
    """Mean over standard deviation of every row; ``room`` is written over."""
    mean = returns.mean(axis=1)
    np.subtract(returns, mean[:, None], out=room)
    np.multiply(room, room, out=room)
    deviation = np.sqrt(room.sum(axis=1) / (returns.shape[1] - 1))
    flat = deviation <= 1e-12
    return np.where(flat, np.nan, mean / np.where(flat, 1.0, deviation))


def _fall(returns: FloatArray, peak: FloatArray) -> FloatArray:
    """Deepest fall of every row's wealth from its peak; both arguments are written over."""
    returns += 1.0
    wealth = np.cumprod(returns, axis=1, out=returns)
    np.maximum.accumulate(wealth, axis=1, out=peak)
    np.maximum(peak, 1.0, out=peak)  # what was put in
    wealth /= peak
    return np.asarray(1.0 - np.minimum(wealth.min(axis=1), 1.0))


def _tail(count: IntArray, returns: FloatArray) -> FloatArray:
    """Mean loss on the worst days of one book by how often every sample has drawn each day."""
    days = len(returns)
    worst = max(round(TAIL * days), 1)
    order = np.argsort(returns, kind="stable")
    reach = worst
    while True:  # one draw a day on average: four times as many days nearly always have enough
        reach = min(4 * reach, days)
        drawn = count[:, order[:reach]]
        before = drawn.cumsum(axis=1) - drawn
        if reach == days or np.all(before[:, -1] + drawn[:, -1] >= worst):
            break
    taken = np.clip(worst - before, 0, drawn)
    return np.asarray(-(taken * returns[order[:reach]]).sum(axis=1) / worst)


# --- parts of history ----------------------------------------------------------------------------
CRISES: Mapping[str, tuple[date, date]] = {
    "2000-2002": (date(2000, 3, 24), date(2002, 10, 9)),
    "2008": (date(2007, 10, 9), date(2009, 3, 9)),
    "2011": (date(2011, 4, 29), date(2011, 10, 3)),
    "2020": (date(2020, 2, 19), date(2020, 3, 23)),
    "2022": (date(2022, 1, 3), date(2022, 10, 12)),
}
"""Closing high and low of the S&P 500."""


def by_decade(
    books: Books, base: str, *, samples: int = 1000, seed: int = 3
) -> dict[str, list[Estimate]]:
    """``compare`` by calendar decade, where there are two blocks of sessions.

    A label has the years that the sessions cover, such as 2020-2022.
    """
    years = calendar(books.day)[0]
    out = {}
    for first in np.unique(years // 10):
        inside = years // 10 == first
        if inside.sum() >= 2 * BLOCK:
            low, high = years[inside][[0, -1]]
            label = f"{low}" if low == high else f"{low}-{high}"
            out[label] = compare(books.part(inside), base, samples=samples, seed=seed)
    return out


def in_crises(books: Books) -> dict[str, dict[str, float]]:
    """Compound net return of every book in each crisis that the sessions cover from its high on."""
    out = {}
    for name, (high, low) in CRISES.items():
        first, last = to_epoch_day(high), to_epoch_day(low)
        inside = (books.day > first) & (books.day <= last)
        if books.day[0] <= first and inside.sum() > 1:
            grown = np.prod(1.0 + books.returns[inside], axis=0) - 1.0
            out[name] = dict(zip(books.names, grown.tolist(), strict=True))
    return out
