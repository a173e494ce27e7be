"""A small LEAN: it drives the algorithm class over a dataset and fills its orders.

One slice a session at 17:00 New York time with the bars of all markets, the scheduled decision at
18:05, orders filled at the open of their contract's next bar. Account value is net of the fees of
closing, as LEAN's is. It knows nothing of the research engine, which it is compared with.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any

import AlgorithmImports as Lean
import numpy as np

from research.data.dataset import Dataset, MarketHistory
from research.lean.macro import macro_text
from universe.arrays import from_epoch_day, to_epoch_day
from universe.macro_format import format_line, object_store_key

CLOSE = time(17)

RESERVED = (
    "Strategy Equity",
    "Drawdown",
    "Exposure",
    "Benchmark",
    "Portfolio Turnover",
    "Portfolio Margin",
    "Capacity",
    "Assets Sales Volume",
)
"""LEAN's own charts, which it lets nobody draw into."""


class Pair(SimpleNamespace):
    """An entry of a .NET dictionary."""


class Bars(dict):
    """Bars by symbol; a .NET dictionary yields pairs."""

    @property
    def count(self) -> int:
        return len(self)

    def __iter__(self) -> Iterator[Pair]:
        return iter([Pair(key=key, value=value) for key, value in self.items()])


class Store(dict):
    """The ObjectStore; ``full`` refuses everything."""

    full = False

    def contains_key(self, key: str) -> bool:
        return key in self

    def get_file_path(self, key: str) -> str:
        return key

    def read(self, key: str) -> str:
        return self[key]

    read_bytes = read

    def save(self, key: str, value: Any) -> bool:
        assert key.count(".") <= 1, "LEAN's store takes one full stop in a key"
        if not self.full:
            self[key] = value
        return not self.full

    save_bytes = save

    def delete(self, key: str) -> bool:
        return self.pop(key, None) is not None

    @property
    def keys(self) -> list[str]:  # type: ignore[override]
        return list(super().keys())


class Security:
    """A contract with the models that the initializer gave it."""

    def __init__(self, symbol: Lean.Symbol, history: MarketHistory) -> None:
        self.symbol, self.history = symbol, history
        self.type = Lean.SecurityType.FUTURE
        self.mapped: Any = None
        self.open_interest = self.next_interest = 0.0
        self.open = 0.0
        self.fee_model: Any = None
        self.slippage_model: Any = None
        self.last: Any = None
        self.symbol_properties = SimpleNamespace(
            contract_multiplier=history.instrument.multiplier,
            minimum_price_variation=history.instrument.tick,
            quote_currency=history.instrument.currency,
        )

    def set_fee_model(self, model: Any) -> None:
        self.fee_model = model

    def set_slippage_model(self, model: Any) -> None:
        self.slippage_model = model

    def set_settlement_model(self, model: Any) -> None:
        self.settlement_model = model

    def get_last_data(self) -> Any:
        return self.last


class Ticket:
    """An order and what has become of it."""

    def __init__(self, order_id: int, security: Security, quantity: int, tag: str) -> None:
        self.order_id, self.security, self.tag = order_id, security, tag
        self.id, self.symbol = order_id, security.symbol
        self.quantity, self.quantity_filled = float(quantity), 0.0
        self.status = Lean.OrderStatus.SUBMITTED
        self.group: list[Ticket] = [self]  # the legs of a combo order

    def cancel(self, tag: str) -> None:
        for ticket in self.group:
            ticket.status = Lean.OrderStatus.CANCELED


class Holding:
    """A position, its profit counted from nothing: only differences of it are asked for."""

    def __init__(self, security: Security, quantity: int) -> None:
        self.security, self.symbol, self.quantity = security, security.symbol, quantity
        self.settled_profit = self.average_price = 0.0

    @property
    def invested(self) -> bool:
        return self.quantity != 0

    def total_close_profit(self, fees: bool, price: float | None = None) -> float:
        price = self.security.last.close if price is None else price
        return self.quantity * price * self.security.history.instrument.multiplier

    @property
    def unrealized_profit(self) -> float:
        return self.total_close_profit(True)

    @property
    def holdings_value(self) -> float:
        return self.total_close_profit(False)


class Cash:
    """A currency of the cash book; as positions are paid for in full, their entry price is 0."""

    def __init__(self, engine: StandInEngine, currency: str, rate: float) -> None:
        self._engine, self._currency, self.conversion_rate = engine, currency, rate

    @property
    def amount(self) -> float:
        return self._engine.cash.get(self._currency, 0.0)

    @property
    def currency_conversion(self) -> Any:
        """Of its pair the last bar, which is a filled one on days that have none."""
        if self._currency == "USD":
            return None
        filled = SimpleNamespace(
            is_fill_forward=self._engine._day not in self._engine.dataset.fx[self._currency].day,
            end_time=datetime.combine(from_epoch_day(self._engine._day), time()),
        )
        pair = SimpleNamespace(
            symbol=Lean.Symbol.pair(self._currency + "USD"),
            type=Lean.SecurityType.FOREX,
            exchange=SimpleNamespace(
                exchange_open=from_epoch_day(self._engine._day).weekday() != 4  # shut at 17:00
            ),
            symbol_properties=SimpleNamespace(lot_size=1.0),
            get_last_data=lambda: filled,
        )
        return SimpleNamespace(conversion_rate_securities=[pair])

    def add_amount(self, amount: float) -> None:
        self._engine.cash[self._currency] = self.amount + amount


class Portfolio(dict):
    """Holdings by symbol."""

    def __init__(self, engine: StandInEngine) -> None:
        super().__init__()
        self._engine = engine
        self.margin_share = 0.1  # of the account's value
        self.margin_call_model = "LEAN's own"

    def set_margin_call_model(self, model: Any) -> None:
        self.margin_call_model = model

    def __missing__(self, symbol: Any) -> Any:
        return SimpleNamespace(quantity=0, invested=False, symbol=symbol, holdings_value=0.0)

    @property
    def total_portfolio_value(self) -> float:
        return self._engine.account_value()

    def invalidate_total_portfolio_value(self) -> None:
        """LEAN keeps the value until it is told; this one never does."""

    @property
    def total_margin_used(self) -> float:
        return self.margin_share * self.total_portfolio_value

    @property
    def margin_remaining(self) -> float:
        return (1.0 - self.margin_share) * self.total_portfolio_value

    @property
    def cash_book(self) -> dict[str, Any]:
        return {name: Cash(self._engine, name, rate) for name, rate in self._engine.rates().items()}


class StandInEngine:
    """Runs an algorithm.

    Parameters
    ----------
    algorithm : QCAlgorithm
        Its ``initialize`` is called.
    dataset : Dataset
    parameters : dict of str to str
    live : bool
    store : Store, optional
        To go on from.
    today : date, optional
        Of a start in live trading.

    Attributes
    ----------
    east : bool
        Whether the exchanges lie so far east that their midnight, when LEAN changes the mapping,
        comes before the decision of the day before.
    """

    account_currency = "USD"
    project_id = 7
    east = False

    def __init__(
        self,
        algorithm: Any,
        dataset: Dataset,
        parameters: dict[str, str],
        *,
        live: bool = False,
        store: Store | None = None,
        today: date | None = None,
    ) -> None:
        self.algorithm, self.dataset, self.parameters = algorithm, dataset, parameters
        self.live_mode, self.is_warming_up, self.today = live, True, today
        self.settings, self.universe_settings = SimpleNamespace(), SimpleNamespace()
        self.object_store = Store() if store is None else store
        for name, one in dataset.macro.items():
            self.object_store[object_store_key(name)] = macro_text(one)
        self._macro: list[str] = []  # series subscribed
        self.portfolio = Portfolio(self)
        self.date_rules = SimpleNamespace(every_day=lambda: None)
        self.time_rules = SimpleNamespace(at=time, every=lambda span: time(18, 30))
        self.schedule = SimpleNamespace(on=self._schedule)
        self.insights = SimpleNamespace(remove_expired_insights=lambda utc: None)
        self.transactions = SimpleNamespace(get_open_order_tickets=self._open)
        self.brokerage_model: Any = None
        self.current_slice: Any = None
        self.lines: list[str] = []
        self.errors: list[str] = []
        self.emitted: list[Any] = []
        self.points: dict[tuple[str, str], list[tuple[datetime, float]]] = {}
        self.runtime: dict[str, str] = {}
        self.summary: dict[str, str] = {}
        self.tickets: list[Ticket] = []
        self.changes: list[tuple[date, str, float]] = []  # orders in currency pairs
        self.events: list[Lean.OrderEvent] = []
        self.securities: dict[tuple[str, int], Security] = {}
        self.cash: dict[str, float] = {}
        self.refuse: set[str] = set()  # markets whose orders raise
        self.invalid: set[str] = set()  # markets whose orders the broker refuses
        self.no_combos: set[str] = set()  # markets whose combo orders LEAN does not take
        self.parts = 1  # an order fills in that many parts
        self.time = datetime(1990, 1, 1)
        self._day = self._before = 0
        self._alphas: list[Any] = []
        self._events: list[tuple[time, Any]] = []
        self._rows = {
            code: {int(day): i for i, day in reversed(list(enumerate(history.day.tolist())))}
            for code, history in dataset.markets.items()
        }
        algorithm.engine = self
        algorithm.initialize()
        self._list_all()

    # --- what an algorithm calls -----------------------------------------------------------------
    def get_parameters(self) -> list[Pair]:
        return [Pair(key=key, value=value) for key, value in self.parameters.items()]

    def set_start_date(self, day: Any) -> None:
        self.start = day

    @property
    def start_date(self) -> datetime:
        """Live it is the present, whatever was set."""
        return datetime.combine(self.today or self.start, time(0))

    def set_end_date(self, day: Any) -> None:
        self.end = day

    def set_cash(self, cash: float) -> None:
        self.cash = {"USD": cash}

    def set_benchmark(self, benchmark: Any) -> None:
        self.benchmark = benchmark

    def set_brokerage_model(self, model: Any, account_type: Any = None) -> None:
        self.brokerage_model = model

    def set_trade_builder(self, builder: Any) -> None:
        self.trade_builder = builder

    def set_security_initializer(self, initializer: Any) -> None:
        self.initializer = initializer

    def set_universe_selection(self, model: Any) -> None:
        self.universe = model

    def add_alpha(self, model: Any) -> None:
        self._alphas.append(model)

    def set_portfolio_construction(self, model: Any) -> None:
        self.construction = model

    def add_risk_management(self, model: Any) -> None:
        self.risk_model = model

    def set_execution(self, model: Any) -> None:
        self.execution_model = model

    def set_warm_up(self, span: timedelta) -> None:
        self.warm_up = span

    def log(self, text: str) -> None:
        self.lines.append(text)

    def error(self, text: str) -> None:
        self.errors.append(text)

    def plot(self, chart: str, series: str, value: float) -> None:
        assert chart not in RESERVED, f"{chart!r} is a reserved chart name"
        self.points.setdefault((chart, series), []).append((self.time, value))

    def set_runtime_statistic(self, name: str, text: str) -> None:
        self.runtime[name] = text

    def set_summary_statistic(self, name: str, text: str) -> None:
        self.summary[name] = text

    @property
    def utc_time(self) -> datetime:
        return self.time.replace(tzinfo=UTC)

    def emit_insights(self, insights: list[Any]) -> None:
        """LEAN's framework step: construction, risk (its targets override), execution."""
        self.emitted += insights
        targets = self.construction.create_targets(self, insights)
        changed = self.risk_model.manage_risk(self, targets)
        last: dict[Any, Any] = {}
        for target in [*changed, *targets]:
            last.setdefault(target.symbol, target)
        self.execution_model.execute(self, list(last.values()))

    def market_order(self, symbol: Any, quantity: int, asynchronous: bool, tag: str) -> Any:
        if symbol.security_type == Lean.SecurityType.FOREX:
            return self._change(symbol, quantity, tag)
        if symbol.id.symbol in self.refuse:
            raise ValueError("no such order is taken")
        ticket = Ticket(len(self.tickets) + 1, self._security(symbol), quantity, tag)
        self.tickets.append(ticket)
        return ticket

    def _change(self, symbol: Any, quantity: float, tag: str) -> Any:
        """An order in a currency pair fills at once and swaps cash."""
        currency = symbol.value[:3]
        rate = self.rates()[currency]
        self._pay(currency, quantity)
        self._pay("USD", -quantity * rate)
        self.changes.append((from_epoch_day(self._day), symbol.value, quantity))
        status = Lean.OrderStatus.FILLED
        ticket = SimpleNamespace(order_id=-len(self.changes), symbol=symbol, status=status, tag=tag)
        event = Lean.OrderEvent(ticket.order_id, symbol, status, quantity, rate, ticket=ticket)
        self.execution_model.on_order_event(self, event)
        self.algorithm.on_order_event(event)
        return ticket

    def combo_market_order(
        self, legs: list[Any], quantity: int, asynchronous: bool, tag: str
    ) -> list[Any]:
        if any(leg.symbol.id.symbol in self.no_combos for leg in legs):
            return [SimpleNamespace(submit_request=SimpleNamespace(response="no combo is taken"))]
        group = [self.market_order(leg.symbol, leg.quantity * quantity, True, tag) for leg in legs]
        for ticket in group:
            ticket.group = group
        return group

    def _schedule(self, dates: Any, at: time, call: Any) -> None:
        self._events.append((at, call))

    def add_data(self, kind: Any, name: str, *terms: Any) -> Any:
        self._macro.append(name)
        return SimpleNamespace(symbol=name)

    def _macro_rows(self, day: int) -> Bars:
        """The last value of every series that has become known since the session before."""
        rows = Bars()
        for name in self._macro:
            one = self.dataset.macro[name]
            row = int(np.searchsorted(one.day, day, side="right")) - 1
            if row >= 0 and one.day[row] > self._before:
                value = float(one.value[row])
                rows[name] = {"row": format_line(int(one.day[row]), value)}
        return rows

    def train(self, dates: Any, at: time, call: Any) -> None:
        self._events.append((at, call))

    def _open(self) -> list[Ticket]:
        return [t for t in self.tickets if t.status.name in ("SUBMITTED", "PARTIALLY_FILLED")]

    def _security(self, symbol: Any) -> Security:
        return self.securities[(symbol.id.symbol, symbol.month)]

    # --- the run ---------------------------------------------------------------------------------
    def _list_all(self) -> None:
        """Every contract is subscribed from the first day, as a wide chain filter would have it."""
        added = []
        for code, history in self.dataset.markets.items():
            canonical = Security(Lean.Symbol.create(code, Lean.SecurityType.FUTURE, ""), history)
            self.securities[(code, 0)] = canonical
            added.append(canonical)
            months = zip(history.contract_month.tolist(), history.expiry.tolist(), strict=True)
            for month, expiry in months:
                day = from_epoch_day(expiry)
                moment = datetime(day.year, day.month, day.day)
                security = Security(Lean.Symbol.contract(code, month, moment), history)
                self.securities[(code, month)] = security
                added.append(security)
        for security in added:
            self.initializer.initialize(security)
        self.algorithm.on_securities_changed(SimpleNamespace(added_securities=added))

    def run(self, until: int | None = None) -> StandInEngine:
        """Walk all sessions, or those up to and with epoch day ``until``."""
        days = sorted({day for rows in self._rows.values() for day in rows})
        for day in days:
            if day > self._day and (until is None or day <= until):
                self.step(day)
        return self

    def step(self, day: int) -> None:
        """One session."""
        date = from_epoch_day(day)
        if self.is_warming_up and date >= self.start:
            self.is_warming_up = False
            self.algorithm.on_warmup_finished()
        self._delist(day)
        self._before, self._day, self.time = self._day, day, datetime.combine(date, CLOSE)
        self._map(day)
        bars = Bars()
        for (code, month), security in self.securities.items():
            bar = self._bar(code, month, day)
            if bar is not None:
                bars[security.symbol] = security.last = bar
                security.open_interest = security.next_interest  # published the morning after
                if bar.interest > 0:
                    security.next_interest = bar.interest
        self._fill(bars)
        macro = self._macro_rows(day)
        self.current_slice = SimpleNamespace(bars=bars, get=lambda kind: macro)
        self.algorithm.on_data(self.current_slice)
        if self.east and from_epoch_day(day + 1).weekday() < 5:
            self._map(day + 1)
        for at, call in self._events:
            self.time = datetime.combine(date, at)
            call()

    def finish(self) -> StandInEngine:
        """End the algorithm."""
        self.algorithm.on_end_of_algorithm()
        return self

    def _delist(self, day: int) -> None:
        """At the midnight after its last day a position is closed at the last price, free."""
        for symbol, holding in list(self.portfolio.items()):
            if not holding.quantity or to_epoch_day(symbol.id.date.date()) >= day:
                continue
            security, quantity = self._security(symbol), -holding.quantity
            self.time = symbol.id.date + timedelta(days=1)
            instrument, price = security.history.instrument, security.last.close
            self._pay(instrument.currency, -quantity * price * instrument.multiplier)
            self.portfolio[symbol] = Holding(security, 0)
            ticket = Ticket(0, security, quantity, "Liquidate from delisting")
            ticket.status = Lean.OrderStatus.FILLED
            event = Lean.OrderEvent(
                0, symbol, ticket.status, quantity, price, Lean.OrderFee.ZERO, ticket, ticket.tag
            )
            self.algorithm.on_order_event(event)

    def _map(self, day: int) -> None:
        changed = {}
        for code, history in self.dataset.markets.items():
            row = int(np.searchsorted(history.mapped_from, day, side="right")) - 1
            if row < 0:
                continue
            month = int(history.contract_month[history.mapped_contract[row]])
            canonical = self.securities[(code, 0)]
            mapped = self.securities[(code, month)].symbol
            if canonical.mapped != mapped:
                canonical.mapped = mapped
                changed[canonical.symbol] = mapped
        if changed:
            self.algorithm.on_symbol_changed_events(changed)

    def _bar(self, code: str, month: int, day: int) -> Any:
        history = self.dataset.markets[code]
        row = self._rows[code].get(day)
        while row is not None and row < len(history.day) and history.day[row] == day:
            if history.contract_month[history.contract[row]] == month:
                return SimpleNamespace(
                    open=float(history.open[row]),
                    low=float(history.low[row]),
                    close=float(history.close[row]),
                    volume=float(np.nan_to_num(history.volume[row])),
                    interest=float(history.open_interest[row]),
                    end_time=self.time,
                )
            row += 1
        return None

    def _fill(self, bars: Bars) -> None:
        may = {ticket.id: self._may_fill(ticket, bars) for ticket in self._open()}
        for ticket in self._open():
            security = ticket.security
            if not all(may[leg.id] for leg in ticket.group):
                continue
            bar = dict.get(bars, security.symbol)
            instrument = security.history.instrument
            if instrument.code in self.invalid:
                ticket.status = Lean.OrderStatus.INVALID
                self._tell(ticket, 0, 0.0, "the broker refuses it")
                continue
            security.open = bar.open
            slip = security.slippage_model.get_slippage_approximation(security, ticket)
            price = bar.open + np.sign(ticket.quantity) * slip
            rest, parts = int(ticket.quantity - ticket.quantity_filled), self.parts
            for part in range(parts):
                each = int(rest / parts)
                quantity = each if part else rest - (parts - 1) * each
                if not quantity:
                    continue
                ticket.quantity_filled += quantity
                done = ticket.quantity_filled == ticket.quantity
                status = Lean.OrderStatus.FILLED if done else Lean.OrderStatus.PARTIALLY_FILLED
                ticket.status = status
                self.book(security, quantity, price)
                self._tell(ticket, quantity, price, "")

    def _may_fill(self, ticket: Ticket, bars: Bars) -> bool:
        if dict.get(bars, ticket.symbol) is None:
            return False
        return self.live_mode or self.brokerage_model.can_execute_order(ticket.security, ticket)

    def book(self, security: Security, quantity: int, price: float) -> None:
        """Cash and position of a fill."""
        instrument = security.history.instrument
        self._pay(instrument.currency, -quantity * price * instrument.multiplier)
        self._pay(instrument.fee_currency, -abs(quantity) * instrument.fee)
        held = self.portfolio[security.symbol].quantity + quantity
        self.portfolio[security.symbol] = Holding(security, held)

    def _tell(self, ticket: Ticket, quantity: int, price: float, message: str) -> None:
        instrument = ticket.security.history.instrument
        fee = Lean.CashAmount(abs(quantity) * instrument.fee, instrument.fee_currency)
        event = Lean.OrderEvent(
            ticket.order_id,
            ticket.symbol,
            ticket.status,
            quantity,
            price,
            Lean.OrderFee(fee),
            ticket,
            message,
        )
        self.events.append(event)
        self.execution_model.on_order_event(self, event)
        self.algorithm.on_order_event(event)

    def _pay(self, currency: str, amount: float) -> None:
        self.cash[currency] = self.cash.get(currency, 0.0) + amount

    def rates(self) -> dict[str, float]:
        out = {"USD": 1.0}
        for currency, history in self.dataset.fx.items():
            row = int(np.searchsorted(history.day, self._day, side="right")) - 1
            out[currency] = float(history.rate[row]) if row >= 0 else 0.0
        return out

    def account_value(self) -> float:
        rates = self.rates()
        value = sum(amount * rates[currency] for currency, amount in self.cash.items())
        for holding in self.portfolio.values():
            if not holding.quantity:
                continue
            security = self._security(holding.symbol)
            instrument = security.history.instrument
            worth = holding.quantity * security.last.close * instrument.multiplier
            value += worth * rates[instrument.currency]
            value -= abs(holding.quantity) * instrument.fee * rates[instrument.fee_currency]
        return value
