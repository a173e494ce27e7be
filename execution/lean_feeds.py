"""Minute data in LEAN, for contracts with work to do alone.

LEAN has no public way to end the data of a contract that is held: a universe keeps it until the
position is closed. So the minutes are asked of its data manager, which is the service that
``add_future_contract`` asks too, and given back to it when the work is done.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from math import nan
from typing import TYPE_CHECKING, Any, cast

from AlgorithmImports import (
    DataNormalizationMode,
    QCAlgorithm,
    QuoteBar,
    Resolution,
    Slice,
    SubscriptionRequest,
    TradeBar,
)

from execution.desk import Seen
from execution.lean_sessions import ONE_MINUTE
from execution.worker import Quote
from universe.legs import ContractKey

if TYPE_CHECKING:
    from algorithm.context import TradingContext

_LONGEST = timedelta(days=30)
"""After which minute data end that nobody has given back."""


class MinuteFeeds:
    """Minute trades and quotes of contracts, while they are asked for."""

    def __init__(self, algorithm: QCAlgorithm, context: TradingContext) -> None:
        self._algorithm, self._context = algorithm, context
        self._configs: dict[ContractKey, list[Any]] = {}

    @property
    def _service(self) -> Any:
        return self._algorithm.subscription_manager.subscription_data_config_service

    def ask_for(self, key: ContractKey) -> None:
        """Subscribe a contract's minutes, if they are not."""
        if key in self._configs:
            return
        context, now, service = self._context, self._algorithm.utc_time, self._service
        raw, nobody = DataNormalizationMode.RAW, cast(Any, None)
        self._configs[key] = []
        for kind in (TradeBar, QuoteBar):
            config = service.add(
                kind,
                context.symbols[key],
                Resolution.MINUTE,
                False,  # fill forward
                False,  # extended hours
                True,  # filtered by the market's hours
                False,  # internal
                False,  # custom
                raw,
            )
            security = context.securities[key]
            request = SubscriptionRequest(False, nobody, security, config, now, now + _LONGEST)
            service.add_subscription(request)
            self._configs[key].append(config)

    def let_go(self, key: ContractKey) -> None:
        """Give a contract's minutes back."""
        for config in self._configs.pop(key, ()):
            self._service.remove_subscription(config)

    def let_all_go(self) -> None:
        """Give all minutes back."""
        for key in sorted(self._configs):
            self.let_go(key)

    def seen(self, data: Slice, contracts: Iterable[ContractKey]) -> dict[ContractKey, Seen]:
        """What of ``contracts`` a slice shows of the last minute; those without are left out."""
        out: dict[ContractKey, Seen] = {}
        for key in contracts:
            symbol = self._context.symbols[key]
            quotes: Any = data.quote_bars.get(symbol)
            trades: Any = data.bars.get(symbol)
            quote: Quote | None = None
            volume = 0.0
            if quotes is not None:
                quote = Quote(*(_close(side) for side in (quotes.bid, quotes.ask)))
            if trades is not None and trades.period == ONE_MINUTE:
                volume = float(trades.volume)
            if quote is not None or volume:
                out[key] = Seen(quote, volume)
        return out


def _close(side: Any) -> float:
    """Last price of a side of a quote, NaN without one."""
    return nan if side is None else float(side.close)
