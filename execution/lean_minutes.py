"""The desk in LEAN: minute data for contracts with work to do, children as orders, their events.

LEAN has no public way to end the data of a contract that is held: a universe keeps it until the
position is closed. So the minutes are asked of its data manager, which is the service that
``add_future_contract`` asks too, and given back to it when the work is done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from functools import wraps
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
from AlgorithmImports import (
    DataNormalizationMode,
    OrderEvent,
    OrderStatus,
    QCAlgorithm,
    QuoteBar,
    Resolution,
    Slice,
    SubscriptionRequest,
    TradeBar,
)

from execution.blotter import Event
from execution.desk import Desk, Job, Seen
from execution.fills import ROLLS
from execution.lean_sessions import (
    ONE_MINUTE,
    minute_of,
    past_of,
    session_of,
    within_windows,
    zone_of,
)
from execution.orders import Order, forced_only
from execution.planning import Terms, plan_of
from execution.schedules import Algorithm
from execution.worker import Quote, Wish
from universe.arrays import IntArray
from universe.legs import ContractKey

if TYPE_CHECKING:
    from algorithm.context import TradingContext
    from algorithm.decision import Decision

CHILD = "child "
"""How the tag of a child's order begins; its id follows."""

GRACE = 10
"""Seconds of a live minute in which the bars of the one before may still come."""

_LONGEST = timedelta(days=30)
"""After which minute data end that nobody has given back."""

_LOOK_AHEAD = 14
"""Days in which a market has a session, or is closed for good."""


Method = TypeVar("Method", bound=Callable[..., Any])


def _alone(method: Method) -> Method:
    """Live, events, slices and decisions come in threads of their own: one at a time."""

    @wraps(method)
    def locked(self: MinuteDesk, *args: Any) -> Any:
        with self.lock:
            return method(self, *args)

    return cast(Method, locked)


@dataclass(frozen=True, slots=True)
class ChildOrder:
    """What is known of a child when it is sent.

    Attributes
    ----------
    reason : str
        Of the order.
    sigma : float
        Daily volatility in price.
    mid : float
        NaN without a quote.
    decided : float
        Close of the contract that was decided on, NaN without one.
    """

    reason: str
    sigma: float
    mid: float
    decided: float


class MinuteDesk:
    """Works the orders of a decision through the next session.

    Parameters
    ----------
    algorithm : QCAlgorithm
    context : TradingContext
    next_decision : callable
        From the epoch day of a decision to the minute since 1970 UTC of the next one, when all
        work ends.

    Attributes
    ----------
    desk : Desk
    run : int
        Which start of LEAN this is: fills are counted anew by every one.
    on_change : callable
        Called before the children of a minute are sent, given whether plans are new. What the
        broker says in between is found again in its positions.
    """

    def __init__(
        self,
        algorithm: QCAlgorithm,
        context: TradingContext,
        next_decision: Callable[[int], int],
    ) -> None:
        self._algorithm, self._context = algorithm, context
        self._next_decision = next_decision
        self._live = bool(algorithm.live_mode)
        self._feeds: dict[ContractKey, list[Any]] = {}
        self._tickets: dict[str, Any] = {}
        self._resuming = False
        self.lock = RLock()
        self.desk, self.run = Desk(), 0
        self.on_change: Callable[[bool], None] = lambda plans: None

    # --- a decision ------------------------------------------------------------------------------
    @_alone
    def close(self) -> None:
        """Before a decision: withdraw what is open, give back all data; the decision plans anew."""
        for child in self.desk.open_children():
            self._withdraw(child, "its session is over")
        for parent in sorted(self.desk.jobs):
            self._finish(parent)
        self.desk.clear()
        self._tickets = {child: self._tickets[child] for child in self._open_tickets()}
        for key in sorted(self._feeds):
            self._let_go(key)
        self._context.children.clear()
        self._resuming = False

    @_alone
    def take(self, decision: Decision, orders: Sequence[Order]) -> list[Order]:
        """Make parents of a decision's outright orders; those that found a session."""
        context = self._context
        contracts = context.strategy.lines.per_line(context.strategy.markets.contracts)
        listed = [one for one in orders if one.month in contracts[one.market]]
        forced = forced_only(listed, decision.day, contracts)
        taken = []
        for order in orders:
            try:
                if self._parent(decision, order, order in forced):
                    taken.append(order)
            except Exception as error:  # one contract must not stop the others
                context.log(f"order of {order.quantity} {self._name(order)}: {error}")
        for key in sorted(self.desk.contracts):
            self._ask_for(key)
        self.on_change(True)
        return taken

    def _parent(self, decision: Decision, order: Order, is_forced: bool) -> bool:
        context, key = self._context, (order.market, order.month)
        if key not in context.symbols:
            context.log(f"{order.month} of market {order.market} is not subscribed: no order")
            return False
        security = context.securities[key]
        minutes, day = self._session(security, decision.day)
        if len(minutes) < 2:
            context.log(f"{self._name(order)}: no session before the next decision: no order")
            return False
        lines = context.strategy.lines
        instrument, market = lines.instruments[order.market], lines.market[order.market]
        settings = context.strategy.settings
        tick = float(security.symbol_properties.minimum_price_variation)
        fx = float(decision.snapshot.fx[market])
        terms = Terms(
            tick,
            float(decision.snapshot.sigma_price[market]),
            instrument.multiplier * fx,
            day.weekday(),
            is_forced,
        )
        past = None
        if settings.algorithm_of(instrument, order.quantity) is Algorithm.VWAP:
            past = past_of(self._algorithm, security, day, minutes, settings)
            if past is None:
                context.log(f"{self._name(order)}: no volume profile, TWAP")
        algorithm, plan = plan_of(
            settings, instrument, order.quantity, len(minutes) - 1, terms, past
        )
        self.desk.take(
            decision.day,
            key,
            order.quantity,
            plan,
            minutes,
            base=context.holdings.get(key, 0),
            algorithm=algorithm,
            reason=order.reason,
        )
        context.traded.add(key)
        return True

    def _name(self, order: Order) -> str:
        return f"{self._context.strategy.lines.codes[order.market]} {order.month}"

    # --- sessions and profiles -------------------------------------------------------------------
    def _session(self, security: Any, decided: int) -> tuple[IntArray, date]:
        """Minutes of the next session and its day, up to the next decision."""
        now, end = self._now(), self._next_decision(decided)
        windows = self._context.strategy.settings.trading_windows()
        first = self._algorithm.utc_time.replace(tzinfo=UTC).astimezone(zone_of(security)).date()
        for ahead in range(_LOOK_AHEAD):
            day = first + timedelta(days=ahead)
            minutes = session_of(security, day)
            minutes = minutes[(minutes > now) & (minutes < end)]
            if len(minutes):
                return within_windows(minutes, windows, day), day
        return np.zeros(0, dtype=np.int64), first

    # --- data ------------------------------------------------------------------------------------
    def _ask_for(self, key: ContractKey) -> None:
        if key in self._feeds:
            return
        context, algorithm = self._context, self._algorithm
        symbol, security = context.symbols[key], context.securities[key]
        service: Any = algorithm.subscription_manager.subscription_data_config_service
        raw, nobody = DataNormalizationMode.RAW, cast(Any, None)
        self._feeds[key] = []
        for kind in (TradeBar, QuoteBar):
            config = service.add(
                kind, symbol, Resolution.MINUTE, False, False, True, False, False, raw
            )
            end = algorithm.utc_time + _LONGEST
            service.add_subscription(
                SubscriptionRequest(False, nobody, security, config, algorithm.utc_time, end)
            )
            self._feeds[key].append(config)

    def _let_go(self, key: ContractKey) -> None:
        service: Any = self._algorithm.subscription_manager.subscription_data_config_service
        for config in self._feeds.pop(key, ()):
            service.remove_subscription(config)

    @property
    def feeds(self) -> int:
        """Contracts whose minutes are subscribed."""
        return len(self._feeds)

    @_alone
    def on_data(self, data: Slice) -> None:
        """Let every parent act on what the minute before has shown."""
        if self._resuming:
            self.resume()
        if not self.desk.jobs:
            return
        patient = self._live and self._algorithm.utc_time.second < GRACE
        moves = self.desk.step(self._now(), self._seen(data), patient=patient)
        if moves.send:
            self.on_change(False)  # first they are known, then they are sent
        for job, wish in moves.send:
            self._send(job, wish)
        for child in moves.withdraw:
            self._withdraw(child, "not reached")
        for parent in moves.done:
            self._finish(parent)
        if moves.done:
            self.on_change(False)

    def _seen(self, data: Slice) -> dict[ContractKey, Seen]:
        context = self._context
        out: dict[ContractKey, Seen] = {}
        for key in self.desk.contracts:
            symbol = context.symbols[key]
            quotes: Any = data.quote_bars.get(symbol)
            trades: Any = data.bars.get(symbol)
            quote: Quote | None = None
            volume = 0.0
            if quotes is not None and quotes.bid is not None and quotes.ask is not None:
                quote = Quote(float(quotes.bid.close), float(quotes.ask.close))
            if trades is not None and trades.period == ONE_MINUTE:
                volume = float(trades.volume)
            if quote is not None or volume:
                out[key] = Seen(quote, volume)
        return out

    def _now(self) -> int:
        return minute_of(self._algorithm.utc_time, UTC)

    # --- children --------------------------------------------------------------------------------
    def _send(self, job: Job, wish: Wish) -> None:
        context, symbol = self._context, self._context.symbols[job.key]
        tag = f"{CHILD}{wish.child} {job.algorithm}"
        sigma = float(context.strategy.snapshot.sigma_price[job.key[0]])
        decided = context.strategy.markets.last_close(*job.key)
        mid = job.mids[wish.child]
        context.children[wish.child] = ChildOrder(job.reason, sigma, mid, decided)
        try:
            if wish.limit is None:
                ticket = self._algorithm.market_order(symbol, wish.quantity, True, tag)
            else:
                ticket = self._algorithm.limit_order(symbol, wish.quantity, wish.limit, True, tag)
        except Exception as error:
            self._apply(Event("rejected", wish.child, reason=str(error)))
            return
        self._tickets[wish.child] = ticket
        context.tickets[ticket.order_id] = ticket
        context.reasons[ticket.order_id] = job.reason
        context.order_sigma[ticket.order_id] = sigma

    def _withdraw(self, child: str, why: str) -> None:
        ticket = self._tickets.get(child)
        if ticket is not None:
            ticket.cancel(why)

    def _finish(self, parent: str) -> None:
        job = self.desk.jobs[parent]
        key, sentence = job.key, self.desk.finish(parent)
        if sentence:
            name = self._context.strategy.names[key[0]]
            self._context.log(f"{name} {key[1]}: {job.algorithm}, {sentence}")
        if key not in self.desk.contracts:
            self._let_go(key)

    @_alone
    def on_order_event(self, event: OrderEvent) -> None:
        """Take what LEAN says of a child's order."""
        child = child_of(str(event.ticket.tag))
        if not child:
            return
        size = abs(round(event.fill_quantity))
        done = abs(round(event.ticket.quantity_filled))
        if size:
            fill = f"{self.run}.{event.order_id}.{event.id}"
            self._apply(Event("fill", child, fill, size))
        if event.status == OrderStatus.FILLED:  # after a restart of less than it asked for
            self._apply(Event("cancelled", child))
        elif event.status == OrderStatus.INVALID:
            self._apply(Event("rejected", child, quantity=done, reason=str(event.message)))
        elif event.status == OrderStatus.CANCELED:
            self._apply(Event("cancelled", child, quantity=done))
        elif not size:
            self._apply(Event("ack", child))

    def _apply(self, event: Event) -> None:
        unknown = len(self.desk.blotter.unknown)
        for reason in self.desk.apply(event):
            self._say_frozen(self._market(event.child), reason)
        if len(self.desk.blotter.unknown) > unknown:
            self._context.log(f"{event.kind} of an order that is not known: {event.child}")

    def _say_frozen(self, market: str, reason: str) -> None:
        self._context.log(f"{market}: frozen until the next decision: {reason}")

    def _market(self, child: str) -> str:
        parent = self.desk.blotter.parents.get(child.rpartition(".")[0])
        return self._context.strategy.lines.codes[parent.market] if parent is not None else child

    def _open_tickets(self) -> list[str]:
        return [child for child in self.desk.open_children() if child in self._tickets]

    @_alone
    def halt(self, reason: str) -> None:
        """Freeze all but rolls and what expiries force."""
        self.desk.halt(reason, ROLLS)

    # --- the line to the broker, restarts --------------------------------------------------------
    def disconnected(self) -> None:
        """Send nothing while the broker cannot be heard."""
        self.desk.paused = "disconnected"

    def reconnected(self) -> None:
        """Go on; what was missed is caught up with the next minute."""
        self.desk.paused = ""

    def restore(self, desk: Desk, run: int) -> None:
        """Go on with the work of before a restart once contracts and positions are known."""
        self.desk, self.run = desk, run
        self._resuming = bool(desk.blotter.parents)

    @_alone
    def resume(self) -> None:
        """Take up the schedule: what the broker holds and has open says what was filled.

        It waits while a contract is not listed yet.
        """
        context, desk = self._context, self.desk
        parents = desk.blotter.parents.values()
        keys = {(parent.market, parent.month) for parent in parents}
        if not self._resuming or not keys <= context.symbols.keys():
            return
        self._resuming = False
        found = []
        for ticket in self._algorithm.transactions.get_open_order_tickets():
            child = child_of(str(ticket.tag))
            if child and desk.child_is_open(child):
                found.append(child)
                self._tickets[child] = context.tickets[ticket.order_id] = ticket
            elif ticket.symbol in context.keys:
                market = context.keys[ticket.symbol][0]
                reason = f"order {ticket.order_id} is not known; it is cancelled"
                desk.blotter.freeze(market, reason)
                ticket.cancel("not known")
        held = {
            key: round(float(self._algorithm.portfolio[context.symbols[key]].quantity))
            for key in keys
        }
        desk.blotter.settle(found, held)
        for market, reason in sorted(desk.blotter.frozen.items()):
            self._say_frozen(context.strategy.lines.codes[market], reason)
        for job in desk.jobs.values():
            context.traded.add(job.key)
        for key in sorted(desk.contracts):
            self._ask_for(key)
        context.log(
            f"{len(desk.jobs)} parents are taken up again, {len(found)} of their orders are open"
        )
        self.on_change(True)


def child_of(tag: str) -> str:
    """Id of the child that an order's tag names, "" if it names none."""
    return tag[len(CHILD) :].split(" ", 1)[0] if tag.startswith(CHILD) else ""
