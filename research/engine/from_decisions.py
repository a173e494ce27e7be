"""The result of a run from its record, whichever engine wrote it.

What a session earned is worked out anew from holdings, closes, fills and rates: the record holds
what was decided and done, not what it came to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from algorithm.decision_line import DecisionLine, Header, SessionLine, in_units
from algorithm.decision_text import FAULTS, Reader, RecordError, day_of
from algorithm.desk_data import NOW, PAST
from execution.fills import EXPIRY, ROLLS, Fill
from research.engine.ledger import DayBook
from research.engine.result import RunResult
from research.engine.rows import Rows
from research.engine.sleeve_pnl import SleevePnl
from universe.arrays import FloatArray, IntArray, from_epoch_day
from universe.legs import ContractKey, Legs

RECORD_FILE = "decisions.jsonl"
"""In a run's folder."""


DESK_PLACES = (".", "trend-carry", "object-store/trend-carry")
"""Where the data of the risk desk's page are looked for: as files, in a store, in a run's."""


def read_run(folder: Path) -> RunResult:
    """The result of the run that left its record in ``folder``.

    Raises
    ------
    RecordError
        If there is no record, or it cannot be read.
    """
    return _read(folder / RECORD_FILE)


def read_desk(folder: Path) -> RunResult:
    """The last sessions of the run that left the data of its risk desk in ``folder``.

    Raises
    ------
    RecordError
        If there are none, or they cannot be read.
    """
    for place in DESK_PLACES:
        path = folder / place / NOW
        if path.is_file():
            with opened_record(path):
                return result_from(_desk_lines(path))
    raise RecordError(
        f"{folder} has neither {RECORD_FILE} of a run nor data of a risk desk, which LEAN writes as"
        f" trend-carry/{NOW} and {PAST} into its object store; both come with the setting decisions"
        " on"
    )


def _desk_lines(path: Path) -> list[str]:
    """The past, where it is of the same run, and the decisions after it."""
    now, past = path.read_text(encoding="utf-8").splitlines(), path.with_name(PAST)
    before = past.read_text(encoding="utf-8").splitlines() if past.is_file() else []
    if before[:1] != now[:1]:
        return now
    last = max((day_of(line) for line in before), default=0)
    return before + [line for line in now if day_of(line) > last]


def _read(path: Path) -> RunResult:
    with opened_record(path) as lines:
        return result_from(lines)


@contextmanager
def opened_record(path: Path) -> Iterator[Iterable[str]]:
    """The lines of a record; what is wrong with them names the file.

    Raises
    ------
    RecordError
        If there is no such file, it cannot be read, or the block says so of its lines.
    """
    try:
        with path.open(encoding="utf-8") as file:
            yield file
    except FileNotFoundError:
        raise RecordError(
            f"{path} is missing; a run leaves it with the setting decisions on"
        ) from None
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise RecordError(f"{path} is no text in UTF-8, which a record is") from None
    except RecordError as error:
        raise RecordError(f"{path}: {error}") from None


def result_from(lines: Iterable[str]) -> RunResult:
    """The result of a run from the lines of its record.

    Raises
    ------
    RecordError
        If a line cannot be read, lines do not fit each other, or none has a decision.
    """
    reader, replay = Reader(), None
    try:
        for number, text in enumerate(lines, start=1):
            if not text.strip():
                continue
            line = reader.read(text)
            if replay is None and reader.header is not None:
                replay = Replay(reader.header)
            if line is not None and replay is not None:
                _check_day(line.day, replay.day, number)
                replay.take(line)
        if replay is None or not len(replay.rows):
            raise RecordError("the record has no decision")
        return replay.rows.result(reader.seconds or {})
    except UnicodeDecodeError:  # of a file, which knows its name
        raise
    except RecordError:
        raise
    except FAULTS as error:
        raise RecordError(f"the lines of the record do not fit each other: {error!r}") from error


def _check_day(day: int, before: int | None, number: int) -> None:
    if before is not None and day <= before:
        raise RecordError(
            f"line {number} of the record is of {from_epoch_day(day)}, the one before of"
            f" {from_epoch_day(before)}; days must rise"
        )


class Replay:
    """Positions and their prices from line to line.

    Parameters
    ----------
    header : Header

    Attributes
    ----------
    rows : Rows
    day : int, optional
        Of the last line taken.
    """

    def __init__(self, header: Header) -> None:
        self.header, self.rows = header, Rows(header)
        self.day: int | None = None
        self._multiplier = np.array([market.multiplier for market in header.markets])
        self._sleeves = SleevePnl(
            header.sleeves, header.spread_sleeves, self._multiplier, spreads=header.spreads
        )
        self._index = {code: market for market, code in enumerate(header.codes)}
        self._holdings: dict[ContractKey, int] = {}
        self._lines: dict[ContractKey, int] = {}  # the same, by both sizes of a contract
        self._mark: dict[ContractKey, float] = {}

    def take(self, line: SessionLine) -> None:
        """Take the next line."""
        self.day = line.day
        if not isinstance(line, DecisionLine):
            self.rows.add_session(line)
            return
        self._lines = line.holdings
        line = in_units(line, self.header)
        fx = np.array([line.fx[market.currency] for market in self.header.markets])
        quotes: list[dict[int, float]] = [{} for _ in self.header.markets]
        for (market, month), close in line.closes.items():
            quotes[market][month] = close
        spread_pnl = self._sleeves.of_spreads(line.legs, self._mark, quotes, fx)
        book = self._book(line, fx)
        held = self._held_assets(line)
        parts = self._sleeves.split(book, spread_pnl, held, line.legs, fx)
        self._sleeves.decided(line.asked, line.scale)
        self._holdings = dict(line.holdings)
        self._mark = {
            key: line.closes.get(key, self._mark.get(key, np.nan)) for key in self._holdings
        }
        self.rows.add(line, book, held, spread_pnl, parts, self._closing_fees(fx))

    def _book(self, line: DecisionLine, fx: FloatArray) -> DayBook:
        n = len(fx)
        book = DayBook(np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n), list(line.fills))
        value = self._multiplier * fx
        expired = {self._key(fill) for fill in line.fills if fill.reason == EXPIRY}
        for key, quantity in self._holdings.items():
            close, before = line.closes.get(key), self._mark[key]
            if close is None or key in expired:
                continue
            if close != before and before == before:
                book.pnl[key[0]] += quantity * (close - before) * value[key[0]]
        for fill in line.fills:
            if fill.reason == EXPIRY:
                key = self._key(fill)
                price = _before_slippage(fill, value[key[0]])
                points = -fill.quantity * (price - self._mark.get(key, price))
                book.pnl[key[0]] += points * value[key[0]]
        book.overnight[:] = book.pnl
        traded: dict[ContractKey, tuple[int, float]] = {}  # contracts, and what their prices moved
        for fill in line.fills:
            key = market, _ = self._key(fill)
            book.cost[market] += fill.slippage + fill.fee
            if fill.reason in ROLLS:
                book.roll_cost[market] += fill.slippage + fill.fee
            if fill.reason == EXPIRY:
                continue
            price = _before_slippage(fill, value[market])
            move, size = line.closes.get(key, price) - price, abs(fill.quantity)
            book.pnl[market] += fill.quantity * move * value[market]
            contracts, moves = traded.get(key, (0, 0.0))
            traded[key] = contracts + size, moves + size * move
            self._mark[key] = line.closes.get(key, price)
        book.moves |= {key: moves / contracts for key, (contracts, moves) in traded.items()}
        return book

    def _key(self, fill: Fill) -> ContractKey:
        return self._index[fill.market], fill.month

    def _held_assets(self, line: DecisionLine) -> IntArray:
        months = np.zeros((3, len(self.header.markets)), dtype=np.int64)
        for market, legs in line.legs.items():
            months[:, market] = legs
        held, near, far = months
        return Legs(held, near, far, held, held, near, far, self.header.spreads).held_assets(
            line.holdings
        )

    def _closing_fees(self, fx: FloatArray) -> float:
        total = 0.0
        markets, seconds = self.header.markets, self.header.seconds
        units = {second.market: second.own_units for second in seconds}
        for (line, _), quantity in self._lines.items():
            if line < len(markets):
                market, of = line, markets[line]
                fee, currency = of.fee * units.get(line, 1), of.fee_currency
            else:
                second = seconds[line - len(markets)]
                market, fee, currency = second.market, second.fee, second.fee_currency
            rate = float(fx[market]) if currency == markets[market].currency else 1.0
            total += abs(quantity) * fee * rate
        return total


def _before_slippage(fill: Fill, value: float) -> float:
    """Price of a fill without its slippage; ``value`` is what a contract gains per point."""
    paid = fill.slippage / value if value > 0 else 0.0
    return fill.price - paid / fill.quantity
