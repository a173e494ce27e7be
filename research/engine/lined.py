"""A session as the ledger meets it where markets are filled with two sizes of a contract.

Data for one serve both: a second size has its market's prices, sessions and last trade dates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from portfolio.contract_sizes import Lines
from research.engine.ledger import BarGate, DayBook, OpenOf
from research.engine.moment import Moment
from universe.arrays import FloatArray
from universe.session import Quotes


class LinedSession:
    """Prices and quality gate of every line in one session.

    Parameters
    ----------
    moment : Moment
    lines : Lines

    Attributes
    ----------
    fx : float array of shape (n_lines,)
    quotes, open_of, gate, rolling
        As the moment's, by line in the place of market.
    """

    def __init__(self, moment: Moment, lines: Lines) -> None:
        self._lines = lines
        self.fx: FloatArray = lines.spread_out(moment.fx)
        if lines.seconds:
            self.quotes: Quotes = _LineQuotes(moment.quotes, lines.market)
            self.gate: BarGate = _LineGate(moment.gate, lines)
            self.open_of: OpenOf = self._open
            self._market_open = moment.open_of
            self.rolling: Sequence[int] = sorted(lines.of(moment.rolling))
        else:
            self.quotes, self.gate = moment.quotes, moment.gate
            self.open_of, self.rolling = moment.open_of, moment.rolling

    def _open(self, line: int, month: int) -> float | None:
        return self._market_open(self._lines.market[line], month)

    def by_market(self, book: DayBook) -> DayBook:
        """What the session did to the account, money and moves per market."""
        lines = self._lines
        if not lines.seconds:
            return book
        return replace(
            book,
            pnl=lines.summed(book.pnl),
            overnight=lines.summed(book.overnight),
            cost=lines.summed(book.cost),
            roll_cost=lines.summed(book.roll_cost),
            moves=lines.by_market(book.moves),
        )


class _LineQuotes:
    """Closes by line."""

    def __init__(self, quotes: Quotes, market: list[int]) -> None:
        self._quotes, self._market = quotes, market

    def __getitem__(self, line: int) -> Mapping[int, float]:
        return self._quotes[self._market[line]]


class _LineGate:
    """The quality gate by line."""

    def __init__(self, gate: BarGate, lines: Lines) -> None:
        self._gate, self._market = gate, lines.market
        self.usual = lines.per_line(gate.usual)

    def passes(self, line: int, month: int, opened: float) -> bool:
        return self._gate.passes(self._market[line], month, opened)
