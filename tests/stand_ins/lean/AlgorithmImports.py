"""Stand-ins for the types of LEAN that the models use: what is asked of them here, no more.

They follow LEAN where a test could be misled: symbols are equal by their text, dates of symbols are
naive, insights and targets are plain values, base models do nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, NamedTuple

Resolution = Enum("Resolution", "TICK SECOND MINUTE HOUR DAILY")
DataMappingMode = Enum("DataMappingMode", "LAST_TRADING_DAY FIRST_DAY_MONTH OPEN_INTEREST")
DataNormalizationMode = Enum("DataNormalizationMode", "RAW BACKWARDS_RATIO")
SecurityType = Enum("SecurityType", "BASE EQUITY FOREX FUTURE")
OrderStatus = Enum("OrderStatus", "NEW SUBMITTED PARTIALLY_FILLED FILLED CANCELED INVALID")
InsightDirection = Enum("InsightDirection", {"DOWN": -1, "FLAT": 0, "UP": 1})
AccountType = Enum("AccountType", "MARGIN CASH")
BrokerageName = Enum("BrokerageName", "INTERACTIVE_BROKERS_BROKERAGE")
FillGroupingMethod = Enum("FillGroupingMethod", "FILL_TO_FILL FLAT_TO_FLAT FLAT_TO_REDUCED")
FillMatchingMethod = Enum("FillMatchingMethod", "FIFO LIFO")
MarginCallModel = SimpleNamespace(NULL="no margin calls")
FileFormat = Enum("FileFormat", "CSV")
SubscriptionTransportMedium = Enum("SubscriptionTransportMedium", "LOCAL_FILE OBJECT_STORE")
TimeZones = SimpleNamespace(NEW_YORK="America/New_York")
Globals = SimpleNamespace(data_folder=str(Path(__file__).parent))
SecuritySeeder = SimpleNamespace(NULL=None)
Config = SimpleNamespace(get=dict[str, str]().get)

EXPIRIES: dict[tuple[str, int], datetime] = {}
"""By market and contract month, what LEAN's expiry functions say."""


class Symbol(str):
    """Equal to its text, as LEAN's symbols are."""

    id: Any
    value: str
    month: int
    security_type = SecurityType.FUTURE

    @classmethod
    def contract(cls, code: str, month: int, expiry: datetime) -> Symbol:
        made = cls(f"{code} {month}")
        made.id = SimpleNamespace(symbol=code, date=expiry)
        made.value, made.month = f"{code}{month}", month
        EXPIRIES[(code, month)] = expiry
        return made

    @classmethod
    def create(cls, code: str, security_type: Any, market: str) -> Symbol:
        made = cls(f"/{code}")
        made.id = SimpleNamespace(symbol=code, date=datetime(1899, 12, 30))
        made.value, made.month, made.security_type = f"/{code}", 0, security_type
        return made

    @classmethod
    def pair(cls, name: str) -> Symbol:
        made = cls(name)
        made.id = SimpleNamespace(symbol=name, date=datetime(1899, 12, 30))
        made.value, made.month, made.security_type = name, -1, SecurityType.FOREX
        return made

    @property
    def canonical(self) -> Symbol:
        return Symbol.create(self.id.symbol, self.security_type, "")

    def is_canonical(self) -> bool:
        return self.month == 0


class TradeBuilder(NamedTuple):
    grouping: FillGroupingMethod
    matching: FillMatchingMethod


class FuturesExpiryUtilityFunctions:
    @staticmethod
    def get_future_contract_month(symbol: Symbol) -> datetime:
        """The month of the expiry, which is one early where a contract expires before its month."""
        return datetime(symbol.id.date.year, symbol.id.date.month, 1)

    @staticmethod
    def get_future_expiration_from_contract_month(canonical: Symbol, month: datetime) -> datetime:
        key = (canonical.id.symbol, month.year * 100 + month.month)
        return EXPIRIES.get(key, datetime(1900, 1, 1))


# --- models --------------------------------------------------------------------------------------
class AlphaModel:
    pass


class PortfolioConstructionModel:
    pass


class RiskManagementModel:
    pass


class ExecutionModel:
    pass


@dataclass(frozen=True)
class Leg:
    """One leg of a combo order."""

    symbol: Any
    quantity: int

    @staticmethod
    def create(symbol: Any, quantity: int) -> Leg:
        return Leg(symbol, quantity)


class UniverseSelectionModel:
    pass


class FeeModel:
    pass


class ImmediateSettlementModel:
    pass


class InteractiveBrokersBrokerageModel:
    def __init__(self, account_type: AccountType) -> None:
        self.account_type = account_type


class BrokerageModelSecurityInitializer:
    def __init__(self, model: Any, seeder: Any) -> None:
        self.model = model

    def initialize(self, security: Any) -> None:
        security.initialised = True


Universe = FutureFilterUniverse = SecurityChanges = SymbolChangedEvents = object
Slice = Security = object
ScheduledUniverse = SimpleNamespace
Order = OrderFeeParameters = SubscriptionDataConfig = object


class Extensions:
    @staticmethod
    def create_future_chain(algorithm: Any, symbol: Symbol, select: Any) -> list[Any]:
        return [SimpleNamespace(symbol=symbol, select=select)]


class InteractiveBrokersOrderProperties:
    def __init__(self) -> None:
        self.outside_regular_trading_hours, self.account = False, ""


@dataclass
class TradeBar:
    symbol: Any
    end_time: datetime
    period: timedelta
    close: float
    volume: float = 0.0
    low: float = 0.0


@dataclass
class QuoteBar:
    symbol: Any
    bid: Any
    ask: Any


class SubscriptionRequest:
    def __init__(self, is_universe: bool, universe: Any, security: Any, config: Any, *span: Any):
        self.security, self.config = security, config


# --- values --------------------------------------------------------------------------------------
@dataclass
class Insight:
    symbol: Any
    period: Any
    direction: Any
    magnitude: float | None
    confidence: float | None
    source_model: str
    weight: float | None
    tag: str = ""

    @classmethod
    def price(cls, *values: Any) -> Insight:
        return cls(*values)


class PortfolioTarget:
    def __init__(self, symbol: Any, quantity: float) -> None:
        self.symbol, self.quantity = symbol, float(quantity)


@dataclass
class CashAmount:
    amount: float
    currency: str


@dataclass
class OrderFee:
    value: CashAmount
    ZERO: ClassVar[OrderFee]


OrderFee.ZERO = OrderFee(CashAmount(0.0, "QCC"))


@dataclass
class OrderEvent:
    order_id: int
    symbol: Any
    status: OrderStatus
    fill_quantity: float = 0.0
    fill_price: float = 0.0
    order_fee: OrderFee = field(default_factory=lambda: OrderFee(CashAmount(0.0, "USD")))
    ticket: Any = None
    message: str = ""


# --- custom data ---------------------------------------------------------------------------------
class BaseData:
    pass


class PythonData(BaseData):
    def __init__(self) -> None:
        self.symbol: Any = None
        self.time = self.end_time = datetime.min
        self.value = 0.0
        self._values: dict[str, Any] = {}

    def __setitem__(self, name: str, value: Any) -> None:
        self._values[name] = value

    def __getitem__(self, name: str) -> Any:
        return self._values[name]


@dataclass
class SubscriptionDataSource:
    source: str
    medium: SubscriptionTransportMedium
    format: FileFormat


class QCAlgorithm:
    """What an algorithm finds around it; ``tests.stand_ins.engine`` drives it."""

    def __init__(self) -> None:
        self.engine: Any = None

    def __getattr__(self, name: str) -> Any:
        if name == "engine" or self.__dict__.get("engine") is None:
            raise AttributeError(name)
        return getattr(self.engine, name)
