"""The yardsticks of LEAN's wall time: the strategy's subscriptions, alone or with its orders."""

import json
from calendar import timegm
from collections import defaultdict
from datetime import timedelta

from AlgorithmImports import (
    AccountType,
    BrokerageName,
    DataMappingMode,
    DataNormalizationMode,
    Extensions,
    ImmediateSettlementModel,
    QCAlgorithm,
    Resolution,
    SecurityType,
    Symbol,
    UniverseSelectionModel,
)

ORDERS_KEY = "orders.json"
"""In the object store, lists of [UTC second, symbol id, contracts]; without it no trades."""


class ChainUniverse(UniverseSelectionModel):
    """The chains the strategy subscribes."""

    def __init__(self, markets):
        super().__init__()
        self._markets = markets

    def create_universes(self, algorithm):
        """One chain per market, to the strategy's first reach."""
        for code, market in self._markets:
            symbol = Symbol.create(code, SecurityType.FUTURE, market)
            yield from Extensions.create_future_chain(
                algorithm, symbol, lambda chain: chain.expiration(timedelta(0), timedelta(1100))
            )


class Main(QCAlgorithm):
    """Subscribes and waits, or sends the orders it is given."""

    def initialize(self):
        """Parameters: start, end, warmup_days, markets as code.market pairs parted by blanks."""
        self.set_start_date(*(int(part) for part in self.get_parameter("start").split("-")))
        self.set_end_date(*(int(part) for part in self.get_parameter("end").split("-")))
        self.set_cash(50_000_000)
        self.set_benchmark(lambda _: 0)
        self.universe_settings.resolution = Resolution.DAILY
        self.universe_settings.fill_forward = False
        self.universe_settings.data_mapping_mode = DataMappingMode.OPEN_INTEREST
        self.universe_settings.data_normalization_mode = DataNormalizationMode.RAW
        if self.object_store.contains_key(ORDERS_KEY):
            self._prepare(json.loads(self.object_store.read(ORDERS_KEY)))
        pairs = [word.split(".") for word in self.get_parameter("markets").split()]
        self.set_universe_selection(ChainUniverse(pairs))
        self.set_warm_up(timedelta(days=int(self.get_parameter("warmup_days"))))

    def _prepare(self, orders):
        """The strategy's account settings, and its orders by the time they were sent."""
        self.settings.minimum_order_margin_portfolio_percentage = 0
        self.settings.stale_price_time_span = timedelta(0)
        broker = BrokerageName.INTERACTIVE_BROKERS_BROKERAGE
        self.set_brokerage_model(broker, AccountType.MARGIN)
        self._symbols = {}
        self._orders = defaultdict(list)
        for second, symbol, quantity in orders:
            self._orders[second].append((symbol, quantity))
        self.add_security_initializer(self._learn)
        self.schedule.on(self.date_rules.every_day(), self.time_rules.at(18, 5), self._send)

    def _learn(self, security):
        security.set_settlement_model(ImmediateSettlementModel())
        self._symbols[str(security.symbol.id)] = security.symbol

    def _send(self):
        for symbol, quantity in self._orders.get(timegm(self.utc_time.timetuple()), ()):
            self.market_order(self._symbols[symbol], quantity, True)
