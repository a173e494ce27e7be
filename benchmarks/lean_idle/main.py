"""The yardstick of LEAN's wall time: the strategy's subscriptions and nothing else."""

from datetime import timedelta

from AlgorithmImports import (
    DataMappingMode,
    DataNormalizationMode,
    Extensions,
    QCAlgorithm,
    Resolution,
    SecurityType,
    Symbol,
    UniverseSelectionModel,
)


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
    """Subscribes and waits."""

    def initialize(self):
        """Parameters: start, end, markets as code:market pairs joined by '+'."""
        self.set_start_date(*(int(part) for part in self.get_parameter("start").split("-")))
        self.set_end_date(*(int(part) for part in self.get_parameter("end").split("-")))
        self.set_cash(50_000_000)
        self.set_benchmark(lambda _: 0)
        self.universe_settings.resolution = Resolution.DAILY
        self.universe_settings.fill_forward = False
        self.universe_settings.data_mapping_mode = DataMappingMode.OPEN_INTEREST
        self.universe_settings.data_normalization_mode = DataNormalizationMode.RAW
        pairs = [word.split(".") for word in self.get_parameter("markets").split()]
        self.set_universe_selection(ChainUniverse(pairs))
        days = int(self.get_parameter("warmup_days") or 0)
        if days:
            self.set_warm_up(timedelta(days=days))
