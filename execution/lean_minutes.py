"""The desk in LEAN: parents from a decision, children as orders, their events, restarts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from functools import wraps
from math import inf, nan
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar, cast

from AlgorithmImports import (
    OrderEvent,
    OrderStatus,
    QCAlgorithm,
    Slice,
)

from execution.blotter import Event, child_of, child_tag
from execution.costs import Conditions
from execution.desk import Desk, Job
from execution.fills import ROLLS
from execution.lean_feeds import MinuteFeeds
from execution.lean_sessions import minute_of, next_session, past_of
from execution.orders import Order, forced_only
from execution.planning import Terms, plan_of
from execution.schedules import Algorithm
from execution.urgency import half_life_of
from execution.worker import Wish

if TYPE_CHECKING:
    from algorithm.context import TradingContext
    from algorithm.decision import Decision

GRACE = 10
"""Seconds of a live minute in which the bars of the one before may still come."""

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
    impact : float
        What it pays beyond the quote that it crosses, in price; 0 of a limit.
    """

    reason: str
    sigma: float
    mid: float
    decided: float
    impact: float = 0.0


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
        self._feeds = MinuteFeeds(algorithm, context)
        self._tickets: dict[str, Any] = {}
        self._children: dict[int, str] = {}  # by order id: who cancels an order may change its tag
        self._resuming = False
        self.lock = RLock()
        self._leg_minutes = int(context.strategy.settings.leg_minutes)
        self.desk, self.run = Desk(self._leg_minutes), 0
        self.on_change: Callable[[bool], None] = lambda plans: None

    # --- a decision ------------------------------------------------------------------------------
    @_alone
    def close(self) -> None:
        """Before a decision: withdraw what is open, give back all data; the decision plans anew."""
        for child in self.desk.open_children():
            self._withdraw(child)
        for parent in sorted(self.desk.jobs):
            self._finish(parent)
        self.desk.clear()
        self._tickets = {child: self._tickets[child] for child in self._open_tickets()}
        self._children = {ticket.order_id: child for child, ticket in self._tickets.items()}
        self._feeds.let_all_go()
        self._context.children.clear()
        self._resuming = False

    @_alone
    def take(self, decision: Decision, orders: Sequence[Order]) -> list[Order]:
        """Make parents of a decision's outright orders; those that found a session."""
        context = self._context
        contracts = context.strategy.lines.per_line(context.strategy.markets.contracts)
        listed = [one for one in orders if one.month in contracts[one.market]]
        forced = forced_only(listed, decision.day, contracts)
        sigma = context.strategy.order_sigma(decision) * context.strategy.order_stress(decision)
        taken = []
        for order in orders:
            try:
                if self._parent(decision, order, order in forced, float(sigma[order.market])):
                    taken.append(order)
            except Exception as error:  # one contract must not stop the others
                context.log(f"order of {order.quantity} {self._name(order)}: {error}")
        for key in sorted(self.desk.contracts):
            self._feeds.ask_for(key)
        self.on_change(True)
        return taken

    def _parent(
        self, decision: Decision, order: Order, is_forced: bool, impact_sigma: float
    ) -> bool:
        context, key = self._context, (order.market, order.month)
        if key not in context.symbols:
            context.log(f"{order.month} of market {order.market} is not subscribed: no order")
            return False
        security = context.securities[key]
        settings = context.strategy.settings
        minutes, day = next_session(
            security,
            self._algorithm.utc_time,
            self._next_decision(decision.day),
            settings.trading_windows(),
        )
        if len(minutes) < 2:
            context.log(f"{self._name(order)}: no session before the next decision: no order")
            return False
        lines = context.strategy.lines
        instrument, market = lines.instruments[order.market], lines.market[order.market]
        tick = float(security.symbol_properties.minimum_price_variation)
        fx = float(decision.snapshot.fx[market])
        terms = Terms(
            tick,
            float(decision.snapshot.sigma_price[market]),
            instrument.multiplier * fx,
            day.weekday(),
            is_forced,
            impact_sigma,
            self._half_life(decision, order, market),
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

    def _half_life(self, decision: Decision, order: Order, market: int) -> float:
        """Of the signal behind an order; a roll has none."""
        known = self._context.strategy.settings.half_lives()
        if order.reason in ROLLS or not known:
            return inf
        asked = decision.target.sleeve_contracts
        return half_life_of({name: float(asked[name][market]) for name in asked}, known)

    def _name(self, order: Order) -> str:
        return f"{self._context.strategy.lines.codes[order.market]} {order.month}"

    # --- minutes ---------------------------------------------------------------------------------
    @_alone
    def on_data(self, data: Slice) -> None:
        """Let every parent act on what the minute before has shown."""
        if self._resuming:
            self.resume()
        if not self.desk.jobs:
            return
        patient = self._live and self._algorithm.utc_time.second < GRACE
        seen = self._feeds.seen(data, self.desk.contracts)
        now = minute_of(self._algorithm.utc_time, UTC)
        moves = self.desk.step(now, seen, patient=patient)
        if moves.send:
            self.on_change(False)  # first they are known, then they are sent
        for job, wish in moves.send:
            self._send(job, wish)
        for child in moves.withdraw:
            self._withdraw(child)
        for parent in moves.done:
            self._finish(parent)
        if moves.done:
            self.on_change(False)

    # --- children --------------------------------------------------------------------------------
    def _send(self, job: Job, wish: Wish) -> None:
        context, symbol = self._context, self._context.symbols[job.key]
        tag = child_tag(wish.child, job.algorithm)
        strategy = context.strategy
        market, month = strategy.lines.key(job.key)
        sigma = job.worker.plan.sigma or nan  # after a restart no session is observed yet
        decided = strategy.markets.last_close(market, month)
        mid = job.mids[wish.child]
        impact = job.worker.plan.concession(wish.quantity) if wish.limit is None else 0.0
        context.children[wish.child] = ChildOrder(job.reason, sigma, mid, decided, impact)
        try:
            if wish.limit is None:
                ticket = self._algorithm.market_order(symbol, wish.quantity, True, tag)
            else:
                ticket = self._algorithm.limit_order(symbol, wish.quantity, wish.limit, True, tag)
        except Exception as error:
            self._apply(Event("rejected", wish.child, reason=str(error)))
            return
        self._tickets[wish.child] = ticket
        self._children[ticket.order_id] = wish.child
        context.tickets[ticket.order_id] = ticket
        context.reasons[ticket.order_id] = job.reason
        context.order_conditions[ticket.order_id] = Conditions(sigma)

    def _withdraw(self, child: str) -> None:
        ticket = self._tickets.get(child)
        if ticket is not None:
            ticket.cancel()  # with a reason LEAN would put that in place of the tag

    def _finish(self, parent: str) -> None:
        job = self.desk.jobs[parent]
        key, sentence = job.key, self.desk.finish(parent)
        if sentence:
            name = self._context.strategy.lines.codes[key[0]]
            self._context.log(f"{name} {key[1]}: {job.algorithm}, {sentence}")
        if key not in self.desk.contracts:
            self._feeds.let_go(key)

    @_alone
    def on_order_event(self, event: OrderEvent) -> bool:
        """Take what LEAN says of an order; whether it is a child's."""
        child = self._children.get(event.order_id) or child_of(str(event.ticket.tag))
        if not child:
            return False
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
        return True

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
        desk.guard.minutes = self._leg_minutes
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
        if context.sent is not None:
            context.sent.take_up()
        found = []
        for ticket in self._algorithm.transactions.get_open_order_tickets():
            child = child_of(str(ticket.tag))
            if child and desk.child_is_open(child):
                found.append(child)
                self._take_up(child, ticket)
            elif ticket.symbol in context.keys and ticket.order_id not in context.tickets:
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
            self._take_tick(job)
        for key in sorted(desk.contracts):
            self._feeds.ask_for(key)
        context.log(
            f"{len(desk.jobs)} parents are taken up again, {len(found)} of their orders are open"
        )
        self.on_change(True)

    def _take_up(self, child: str, ticket: Any) -> None:
        """Go on with an open order of before a restart; its quote is not known any more."""
        context, job = self._context, self.desk.jobs.get(child.rpartition(".")[0])
        self._tickets[child] = context.tickets[ticket.order_id] = ticket
        self._children[ticket.order_id] = child
        if job is not None:
            decided = context.strategy.markets.last_close(*context.strategy.lines.key(job.key))
            sigma = job.worker.plan.sigma or nan
            context.children[child] = ChildOrder(job.reason, sigma, nan, decided)
            context.reasons[ticket.order_id] = job.reason

    def _take_tick(self, job: Job) -> None:
        """Limits go on at today's price variation, should the exchange have changed it."""
        security, plan = self._context.securities[job.key], job.worker.plan
        tick = float(security.symbol_properties.minimum_price_variation)
        if tick != plan.tick:
            code = self._context.strategy.lines.codes[job.key[0]]
            self._context.log(f"{code} {job.key[1]}: tick is {tick:g}, was {plan.tick:g}")
            job.worker.plan = replace(plan, tick=tick)
