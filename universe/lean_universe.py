"""LEAN universe selection: the futures chains the strategy needs, no more (U7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from AlgorithmImports import (
    Extensions,
    FutureFilterUniverse,
    FuturesExpiryUtilityFunctions,
    QCAlgorithm,
    SecurityType,
    Symbol,
    Universe,
    UniverseSelectionModel,
)

from universe.reach import chain_reach
from universe.session import NO_CONTRACT

if TYPE_CHECKING:
    from algorithm.context import TradingContext


class FuturesChainUniverseSelectionModel(UniverseSelectionModel):
    """One chain per market, from the front to one contract beyond the next roll.

    Markets that are too big for the fund or too dear stay subscribed, because that is judged
    anew every month from their prices; the strategy reports and does not trade them.
    """

    def __init__(self, context: TradingContext) -> None:
        super().__init__()
        self._context = context
        self._created = False

    def get_next_refresh_time_utc(self) -> datetime:
        """The set of chains is fixed; what each selects is not."""
        return datetime.max if self._created else datetime.min  # noqa: DTZ901 - LEAN wants naive

    def create_universes(self, algorithm: QCAlgorithm) -> Iterator[Universe]:
        """The canonical future and the filtered chain of every market."""
        self._created = True
        for line, instrument in enumerate(self._context.strategy.lines.instruments):
            symbol = Symbol.create(instrument.code, SecurityType.FUTURE, instrument.market)
            select = self._chain_filter(line)
            yield from Extensions.create_future_chain(algorithm, symbol, select)

    def _chain_filter(self, line: int) -> Callable[[FutureFilterUniverse], FutureFilterUniverse]:
        def select(chain: FutureFilterUniverse) -> FutureFilterUniverse:
            return chain.expiration(timedelta(0), timedelta(self._reach(line)))

        return select

    def _reach(self, line: int) -> int:
        """Days ahead to which contracts of ``line`` are wanted."""
        strategy = self._context.strategy
        market = strategy.lines.market[line]
        held = int(strategy.markets.held[market])
        left = None
        if held != NO_CONTRACT:
            left = strategy.markets.contracts[market][held].expiry - strategy.day
        spreads = strategy.assets.spreads is not None
        return chain_reach(strategy.instruments[market], left, spreads)


def contract_month(symbol: Symbol) -> int:
    """Contract month, yyyymm, of a futures contract.

    LEAN derives it from the month of the expiry, which is off where the expiry falls into the
    month before at times (6L): the first month from there on that expires on the contract's date.
    """
    utility = FuturesExpiryUtilityFunctions
    first = utility.get_future_contract_month(symbol)
    expiry = symbol.id.date.date()
    for later in range(3):
        year, month = divmod(first.year * 12 + first.month - 1 + later, 12)
        candidate = datetime(year, month + 1, 1)  # noqa: DTZ001 - LEAN's dates are naive
        found = utility.get_future_expiration_from_contract_month(symbol.canonical, candidate)
        if found.date() == expiry:
            return year * 100 + month + 1
    return int(first.year * 100 + first.month)
