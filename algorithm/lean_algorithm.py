"""The QCAlgorithm that wires the models to LEAN: clock, data, state and telemetry."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from time import monotonic
from typing import Any

import numpy as np
from AlgorithmImports import (
    AccountType,
    BrokerageName,
    DataMappingMode,
    DataNormalizationMode,
    OrderEvent,
    OrderStatus,
    QCAlgorithm,
    Resolution,
    Security,
    SecurityChanges,
    SecurityType,
    Slice,
    SymbolChangedEvents,
)
from threadpoolctl import threadpool_limits

from algorithm.clock import DECISION_TIME, is_counted, session_day
from algorithm.context import TradingContext
from algorithm.decision import Decision
from algorithm.first_look import none_trades, start_time, untraded_markets
from algorithm.lean_alerts import Alerts, alerts_of
from algorithm.lean_cash import LeanCash
from algorithm.lean_charts import Charts, count_trades_flat_to_flat
from algorithm.lean_commands import Commands
from algorithm.lean_fills import FillBook
from algorithm.lean_live import LiveAccount
from algorithm.lean_margin import MarginWatch
from algorithm.lean_orders import set_order_properties, work_by_the_minute
from algorithm.lean_record import RunRecord
from algorithm.lean_regime import TRAINING_TIME, RegimeKeeper
from algorithm.lean_sent import SentStore
from algorithm.lean_state import StateStore
from algorithm.lean_warmup import AT_ONCE, WarmUp
from algorithm.observer import series_wanted
from algorithm.settings import WARM_UP_MARGIN, Settings
from algorithm.strategy import Strategy
from algorithm.telemetry import BenchmarkIndex, binding
from alpha.lean_alpha import CarryAlphaModel, OtherAlphaModel, TrendAlphaModel
from alpha.snapshot import Snapshot
from execution.lean_brokerage import NextBarBrokerageModel
from execution.lean_costs import FuturesInitializer
from execution.lean_execution import NextSessionExecutionModel
from execution.lean_sessions import daily_bars, daily_closes
from portfolio.contract_sizes import one_a_position
from portfolio.lean_portfolio import SleevePortfolioConstructionModel
from risk.account import EventKind, Remedy
from risk.lean_risk import ChainRiskManagementModel
from risk.nav_guard import within_a_jump
from universe.arrays import from_epoch_day, to_epoch_day
from universe.choice import lean_markets
from universe.counts import count_text
from universe.fronts import SessionFronts
from universe.instrument_table import chosen_master
from universe.instruments import Instrument, contract_differences
from universe.lean_macro import add_macro_series, read_macro_slice
from universe.lean_rates import ConversionRates
from universe.lean_universe import FuturesChainUniverseSelectionModel, contract_month
from universe.listing import contract_of
from universe.master import MASTER
from universe.session import NO_CONTRACT

LAUNCHER_PARAMETERS = ("intrinio-username", "intrinio-password", "ema-fast", "ema-slow")
"""What the launcher's own config.json passes to every algorithm unless it is edited."""

CLOSED = (OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.INVALID)
"""Orders that nothing more comes of."""


class TrendCarryAlgorithm(QCAlgorithm):
    """Trend + carry on futures; one decision a day, orders for the next session.

    Attributes
    ----------
    loading_seconds : float
        That ``main.py`` took to import what it needs.
    """

    loading_seconds = 0.0

    def initialize(self) -> None:
        """Read the settings, set the account, the models and the clock."""
        began = monotonic()
        threadpool_limits(limits=1)  # the strategy's matrices are too small to share out
        settings = self._read_settings()
        self._settings = settings
        self.set_start_date(settings.first_day)
        self.set_end_date(settings.last_day)
        self.set_cash(settings.cash)
        self.settings.minimum_order_margin_portfolio_percentage = 0
        self.settings.stale_price_time_span = timedelta(0)
        self.universe_settings.resolution = Resolution.DAILY
        self.universe_settings.fill_forward = False
        self.universe_settings.data_mapping_mode = DataMappingMode.OPEN_INTEREST
        self.universe_settings.data_normalization_mode = DataNormalizationMode.RAW

        if self.account_currency != "USD":
            raise ValueError(
                f"the account's currency is {self.account_currency}; the strategy sizes and limits "
                "risk in USD: use an account with the base currency USD"
            )
        master = chosen_master(settings.instruments, self._stored_text, MASTER)
        instruments = lean_markets(settings.markets, master)
        if settings.contract_sizes:
            instruments = one_a_position(instruments)
        strategy = Strategy(settings, instruments, master)
        context = TradingContext(strategy, self.log)
        self._context = context
        if self.live_mode:
            broker = BrokerageName.INTERACTIVE_BROKERS_BROKERAGE
            self.set_brokerage_model(broker, AccountType.MARGIN)
        else:
            self.set_brokerage_model(NextBarBrokerageModel(context))
        set_order_properties(self, context)
        self._margin = MarginWatch(self)
        count_trades_flat_to_flat(self)
        self._benchmark = BenchmarkIndex(instruments)
        self.set_benchmark(lambda _: self._benchmark.level)
        self._charts = Charts(self, context)
        self._fills = FillBook(self, context)
        self._record = RunRecord(self, context) if settings.decisions else None
        self._futures: list[Any] = [None] * len(instruments)
        self._last_bar = np.full(len(instruments), -1, dtype=np.int64)
        self._fronts = SessionFronts(len(instruments), self._mapped_month)
        self._currencies = [instrument.currency for instrument in instruments]
        self._rates = ConversionRates(self, time(*DECISION_TIME))
        self._warmup = WarmUp(context, 1 if self.live_mode else AT_ONCE)
        self._warmed = 0  # session that the warm-up took last
        self._account = LiveAccount(self, context)
        self._cash = LeanCash(self, context)
        self._state = StateStore(self, strategy)
        self._commands = Commands(self, strategy, self._account, self._state)
        self._alerts = Alerts(self, settings)
        self._regime = RegimeKeeper(self, strategy)
        if self.live_mode:
            self._state.restore()
            self._regime.restore()
        if settings.execution_resolution == "minute":
            context.minutes = work_by_the_minute(self, context, self._state.owner, self._fills)
        if self.live_mode and settings.state in ("live", "always"):
            by_day = context.minutes is None
            owner = self._state.owner
            context.sent = SentStore(self, context, owner, self._fills if by_day else None)
            context.sent.restore()

        self.set_security_initializer(FuturesInitializer(self, context))
        self.set_universe_selection(FuturesChainUniverseSelectionModel(context))
        self._macro = add_macro_series(self, series_wanted(settings, instruments))
        models = TrendAlphaModel, CarryAlphaModel, OtherAlphaModel
        self._alphas = [model(context) for model in models]
        for model in self._alphas:
            self.add_alpha(model)
        self.set_portfolio_construction(SleevePortfolioConstructionModel(context))
        self.add_risk_management(ChainRiskManagementModel(context))
        self.set_execution(NextSessionExecutionModel(context))
        self.schedule.on(
            self.date_rules.every_day(), self.time_rules.at(*DECISION_TIME), self._decide
        )
        if self.live_mode and settings.watch_minutes:
            every = timedelta(minutes=settings.watch_minutes)
            self.schedule.on(self.date_rules.every_day(), self.time_rules.every(every), self._watch)
        self.train(self.date_rules.every_day(), self.time_rules.at(*TRAINING_TIME), self._train)
        self._first_session = to_epoch_day(settings.first_day) - settings.warmup_days
        self._last_session = to_epoch_day(date.max if self.live_mode else settings.last_day)
        self.set_warm_up(timedelta(days=settings.warmup_days + WARM_UP_MARGIN))
        self.log(
            f"settings {settings.hash()}: {count_text(len(instruments), 'market')}, "
            f"{' '.join(instrument.code for instrument in instruments)}"
        )
        self.log(start_time(self.loading_seconds, monotonic() - began))

    # --- set-up ----------------------------------------------------------------------------------
    def _read_settings(self) -> Settings:
        given = {pair.key: pair.value for pair in self.get_parameters()}
        return Settings.parse({k: v for k, v in given.items() if k not in LAUNCHER_PARAMETERS})

    def _stored_text(self, key: str) -> str | None:
        store = self.object_store
        return str(store.read(key)) if store.contains_key(key) else None

    def on_securities_changed(self, changes: SecurityChanges) -> None:
        """Make new contracts known to the strategy."""
        for security in changes.added_securities:
            with self._surviving("new contract"):
                self._list(security)

    def _list(self, security: Security) -> None:
        symbol = security.symbol
        if symbol.security_type != SecurityType.FUTURE:
            return
        lines = self._context.strategy.lines
        line = lines.index.get(symbol.id.symbol)
        if line is None:
            return
        if symbol.is_canonical():
            if line < lines.n_markets:
                self._futures[line] = security
            self._compare(security, lines.instruments[line])
        elif symbol not in self._context.keys:
            contract = contract_of(
                lines.instruments[line],
                contract_month(symbol),
                to_epoch_day(symbol.id.date.date()),
            )
            self._context.list_contract(line, contract, symbol, security)

    def _compare(self, security: Security, instrument: Instrument) -> None:
        """LEAN trades with its own facts of a contract: others here would size it wrongly."""
        properties = security.symbol_properties
        differences = contract_differences(
            instrument,
            float(properties.contract_multiplier),
            float(properties.minimum_price_variation),
            str(properties.quote_currency),
        )
        for difference in differences:
            text = f"{instrument.code}: {difference}"
            if not difference.startswith("tick"):
                raise ValueError(f"{text}; mend the instruments table, or take the market out")
            self.log(text)

    # --- data ------------------------------------------------------------------------------------
    def on_data(self, data: Slice) -> None:
        """Collect the bars of the session; markets close at different hours."""
        with self._surviving("bars"):
            self._collect(data)
        if self._context.minutes is not None and not self.is_warming_up:
            with self._surviving("minutes"):
                self._context.minutes.on_data(data)

    def _collect(self, data: Slice) -> None:
        context = self._context
        if self._macro:
            context.macro |= read_macro_slice(data, self._macro)
        closes = self._closes(data)
        if not closes:
            return
        if self._settings.max_roll_adv or self._settings.roll_wait:
            self._weigh(data)
        if self._state.restored and is_counted(self.time, context.strategy.day):
            return
        day = session_day(to_epoch_day(self.time.date()), self._warmup.day)
        if day > self._last_session:  # LEAN runs on for hours, in which a few markets close
            return
        if day != context.collecting:
            if context.has_bars():
                self._observe()
            context.begin(day)
        keys, quotes, fronts = context.keys, context.quotes, self._fronts
        for symbol, close, low in closes:
            key = keys.get(symbol)
            if key is not None and key[0] < len(quotes):
                quotes[key[0]][key[1]] = close
                if low < close:
                    context.lows[key] = low
                self._last_bar[key[0]] = day
                if key[0] in fronts.changed:
                    fronts.bar(key[0])

    def _closes(self, data: Slice) -> list[tuple[Any, float, float]]:
        """Symbol, close and low of the daily bars of a slice."""
        if self._context.minutes is not None:
            return list(daily_closes(data))
        bars = data.bars
        return [(pair.key, pair.value.close, pair.value.low) for pair in bars] if bars.count else []

    def _weigh(self, data: Slice) -> None:
        """Take the volumes of the daily bars of a slice."""
        context = self._context
        if context.minutes is not None:
            volumes = [(bar.symbol, bar.volume) for bar in daily_bars(data)]
        else:
            volumes = [(pair.key, pair.value.volume) for pair in data.bars]
        for symbol, volume in volumes:
            key = context.keys.get(symbol)
            if key is not None and key[0] < context.strategy.lines.n_markets:
                context.volumes.take(key, float(volume))

    def _observe(self) -> bool:
        """Hand the collected session to the strategy; False if it knows it already."""
        context = self._context
        rates = {currency: self._rates.of(currency) for currency in set(self._currencies)}
        fx, fx_day = zip(*(rates[currency] for currency in self._currencies), strict=True)
        session = context.take_session(
            list(self._fronts.months), np.array(fx), np.array(fx_day, dtype=np.int64)
        )
        if session.day <= self._warmup.day or session.day < self._first_session:
            self._finish_warm_up()
            context.strategy.learn_macro(session.macro)
            return False
        if self.is_warming_up:
            for snapshot in self._warmup.take(session):
                self._met_warm(snapshot)
            self._warmed = session.day
        else:
            self._met(context.observe(session))
        return True

    def _finish_warm_up(self) -> None:
        """Observe the sessions that wait to be more."""
        for snapshot in self._warmup.observe():
            self._met_warm(snapshot)

    def _met_warm(self, snapshot: Snapshot) -> None:
        if self._record is not None:
            self._record.observed(snapshot)
        self._met(snapshot, f"{from_epoch_day(snapshot.day)} ")

    def _met(self, snapshot: Snapshot, on: str = "") -> None:
        """Follow a session that has been observed, in the warm-up with its date."""
        self._benchmark.take(snapshot)
        for _, kind, text in snapshot.notes:
            if kind != "flip":
                self.log(f"{on}{kind}: {text}")

    def _mapped_month(self, market: int) -> int:
        """Contract month of LEAN's own front contract, ``NO_CONTRACT`` while it is not known."""
        future = self._futures[market]
        symbol = future.mapped if future is not None else None
        key = self._context.keys.get(symbol) if symbol is not None else None
        return key[1] if key is not None else NO_CONTRACT

    def on_symbol_changed_events(self, symbols_changed: SymbolChangedEvents) -> None:
        """LEAN's mapping has moved on."""
        with self._surviving("mapping"):
            for symbol in symbols_changed.keys():  # noqa: SIM118 - a .NET dictionary
                market = self._context.strategy.index.get(symbol.id.symbol)
                if market is not None:
                    self._fronts.moved(market)

    # --- the decision clock ----------------------------------------------------------------------
    @contextmanager
    def _surviving(self, what: str) -> Iterator[None]:
        """Live, an error costs an evening's orders, not the deployment; backtests end at it."""
        try:
            yield
        except Exception as error:
            if not self.live_mode:
                raise
            where = traceback.format_exc(limit=-2)
            self.error(f"{what}: {error}; no orders for it, positions stay as they are. {where}")

    def _decide(self) -> None:
        with self._surviving("decision"):
            self._take_decision()

    def _train(self) -> None:
        with self._surviving("training"):
            if self._regime.scale.due(self._warmup.waiting):
                self._finish_warm_up()
            self._regime.train()

    def _take_decision(self) -> None:
        context = self._context
        today = to_epoch_day(self.time.date())
        if context.collecting != today or not context.has_bars():
            if self.live_mode and not self.is_warming_up:
                self.log("no bars today: no decision")
            return
        if self._observe() and not self.is_warming_up:
            self._decide_on(today)

    def _decide_on(self, today: int) -> None:
        """Decide on the session observed last."""
        context = self._context
        self._commands.read_store()
        if context.minutes is not None:
            context.minutes.close()
        if self.live_mode:
            if self._account.cancel_found_orders():
                return
            self._account.adopt_open_orders()
        context.read_account(
            lambda symbol: float(self.portfolio[symbol].quantity),
            context.unfilled(lambda ticket: ticket.status in CLOSED),
        )
        context.settled, context.broker = self._cash.settle(), self._cash.margins()
        live = self.live_mode
        at_closes = live or context.minutes is not None  # LEAN's own is at the last quotes
        value = self._account.value() if at_closes else float(self.portfolio.total_portfolio_value)
        value = context.trusted_value(value)
        if live:
            value = self._account.believed(value)
            self._account.reconcile(self._state.restored, today)
        with context.deciding(value, self._fills.so_far) as walk:
            insights = [
                insight
                for model in self._alphas
                for insight in model.update(self, self.current_slice)
            ]
            self.emit_insights(insights)
            decision = walk.finish()
        decision.notes += self._margin.notes(context.broker)
        if live:
            self._cash.send(decision)
        self.insights.remove_expired_insights(self.utc_time)
        self._after_decision(decision)

    def _after_decision(self, decision: Decision) -> None:
        if self.live_mode:
            self.log(
                f"decision: NAV {decision.nav:,.0f}, exposure at {decision.scale:.0%}, "
                f"{self._settings.var_horizon}-day VaR {binding(decision):.1%}, "
                f"{count_text(len(decision.orders), 'order')}, kill switch "
                f"{self._context.strategy.switch.state}"
            )
        for _, kind, text in decision.notes:
            self.log(f"{kind}: {text}")
        self._alerts.decided(decision)
        self._charts.decided(decision)
        fills = self._fills.taken(decision.snapshot.fx)
        if self._record is not None:
            self._record.decided(decision, fills)
        if self._settings.state == "always" or (self._settings.state == "live" and self.live_mode):
            self._state.save()

    def _watch(self) -> None:
        """Between decisions: what freezes withdraws open orders, what flattens trips the switch."""
        strategy, value = self._context.strategy, float(self.portfolio.total_portfolio_value)
        if self.is_warming_up or not within_a_jump(value, strategy.last_nav):
            return  # an answer of the broker that is late or partial is no loss
        with self._surviving("watch"):
            before = len(strategy.switch.log)
            action = strategy.watch(EventKind.CLOCK, value, self._fills.so_far)
            self._alerts.tell(strategy.day, alerts_of(strategy.readings))
            if len(strategy.switch.log) > before:
                self._state.save()
            if action is not None and action.remedy >= Remedy.FREEZE:
                if self._context.minutes is not None:
                    self._context.minutes.halt(action.reasons[0])
                for ticket in self._context.not_of_a_roll():
                    ticket.cancel(action.reasons[0])

    def on_command(self, data: Any) -> bool:
        """Take a person's command: a confirmed account value or the kill switch."""
        return self._commands.take(data)

    def on_order_event(self, order_event: OrderEvent) -> None:
        """Keep fills for the next decision."""
        if order_event.fill_quantity:
            self._fills.filled(order_event)
            if self._context.sent is not None and self._context.minutes is None:
                self._context.sent.save()

    def on_end_of_algorithm(self) -> None:
        """Leave the state and the record behind."""
        self._finish_warm_up()
        self._charts.finish()
        if self._settings.state in ("end", "always"):
            self._state.save()
        self._regime.finish()
        if self._record is not None:
            self._record.finish()

    def on_warmup_finished(self) -> None:
        """Name what cannot be traded; what the broker holds is settled up to the last close."""
        with self._surviving("warm-up"):
            self._finish_warm_up()
        with self._surviving("first look"):
            self._look()
        if self.live_mode:
            self._account.settle_found_positions()
            if self._context.sent is not None:
                self._context.sent.take_up()
            if self._context.minutes is not None:
                self._context.minutes.resume()
            with self._surviving("late decision"):
                self._decide_late()

    def _decide_late(self) -> None:
        """Take today's decision if its time has passed, not long ago, and the state has none."""
        at = datetime.combine(self.time.date(), time(*DECISION_TIME))
        late = self.time.replace(tzinfo=None) - at
        most = timedelta(minutes=self._settings.late_decision_minutes)
        today, context = to_epoch_day(self.time.date()), self._context
        if not timedelta(0) < late <= most or context.collecting != today:
            return
        if context.has_bars():
            self._observe()
        elif self._warmed != today:  # else the warm-up has passed the decision's time
            return
        self.log("the decision of this session is missing; it is taken now")
        self._decide_on(today)

    def _look(self) -> None:
        strategy, today = self._context.strategy, to_epoch_day(self.time.date())
        untraded = untraded_markets(
            strategy.instruments,
            np.maximum(self._last_bar, strategy.markets.last_seen),
            {currency: self._rates.of(currency)[0] for currency in set(self._currencies)},
            today,
            self._settings.gap_days,
        )
        for sentence in untraded:
            self.log(sentence)
        if len(untraded) == len(strategy.instruments):
            self.error(none_trades(len(untraded)))

    def on_brokerage_disconnect(self) -> None:
        """By the minute nothing is sent while the broker cannot be heard."""
        if self._context.minutes is not None:
            self._context.minutes.disconnected()

    def on_brokerage_reconnect(self) -> None:
        """Go on."""
        if self._context.minutes is not None:
            self._context.minutes.reconnected()
