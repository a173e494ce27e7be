"""What LEAN's models share: the strategy, the symbols, the session being collected, the orders.

LEAN hands a model a bare algorithm object on every call and drops attributes set on it, so the
models get this context in their constructors instead. It imports no LEAN type: symbols are opaque
keys, so that tests need no engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from threading import get_ident
from typing import Any

import numpy as np

from algorithm.decision import Account, Decision
from algorithm.marks import Marks
from algorithm.strategy import Strategy
from algorithm.telemetry import order_tag
from algorithm.walk import Walk
from alpha.snapshot import Snapshot
from execution.contract_volume import ContractVolumes
from execution.costs import Conditions
from execution.fills import Fill
from execution.orders import (
    Order,
    Unfilled,
    Withdrawal,
    net_of,
    plan_withdrawals,
    unfilled_of,
)
from portfolio.cash import Settlement
from universe.arrays import FloatArray, IntArray, known
from universe.legs import ContractKey
from universe.session import Contract, Session


@dataclass
class TradingContext:
    """State of one run inside LEAN.

    Attributes
    ----------
    strategy : Strategy
    log : callable
        Takes a sentence.
    symbols, keys, securities : dict
        Symbol by (market index, contract month), and back; the security that carries its data.
    pending : dict of (market index, contract month) to contracts
        Unfilled rest of our orders.
    tickets : dict of order id to LEAN order ticket
        Our orders that may be open.
    order_conditions : dict of order id to Conditions
        At the decision, for the slippage of that order.
    order_price : dict of order id to float
        Close that the order was decided at, NaN where its contract had none.
    reasons : dict of order id to str
        Why it was sent.
    other_leg : dict of order id to (market index, contract month)
        Of a calendar spread: the contract of its other leg.
    sent_after : dict of order id to datetime
        End of the contract's last bar when the order was sent.
    sending : bool
        Whether the orders of a decision are being sent.
    minutes : MinuteDesk, optional
        Works orders by the minute; without it they are sent whole for the next open.
    sent : SentStore, optional
        Live: keeps what is sent whole, so that a restart knows of it.
    rests : dict of order id to float
        Of orders taken up at a start: contracts that were open, and those filled by LEAN's count.
    children : dict of child id to ChildOrder
        What was known of the children of this session's parents when they were sent.
    traded : set of (market index, contract month)
        Contracts that may have a position.
    emitted : set of (market index, contract month)
        Contracts with a target in this decision.
    holdings : dict of (market index, contract month) to contracts
        Held, as last read from the account.
    forecasts : dict of sleeve to float array of shape (n_markets,)
        As the insights said them so far.
    walk : Walk, optional
        The decision on its way through the chain: every model takes it as far as its own stages.
    proposed : int array of shape (n_assets,)
        Whole contracts that construction handed over, before any exposure scale.
    macro : dict of series name to (epoch day, value)
        Read since the last session.
    settled : Settlement
        What the session did to the cash.
    broker : dict of str to float
        What the broker says of the account, over NAV.
    marks : Marks
        Trusted prices of the contracts that may have a position.
    collecting : int
        Epoch day of the session whose bars are collected.
    quotes, closes : lists of dict of contract month to float
        Closes by market of the session being collected, and of the one observed last.
    lows : dict of (market index, contract month) to float
        Lows below the close in the session being collected.
    volumes : ContractVolumes
        Of contracts, where a setting asks for them.
    """

    strategy: Strategy
    log: Callable[[str], None] = print
    symbols: dict[ContractKey, Any] = field(default_factory=dict)
    keys: dict[Any, ContractKey] = field(default_factory=dict)
    securities: dict[ContractKey, Any] = field(default_factory=dict)
    pending: dict[ContractKey, Unfilled] = field(default_factory=dict)
    order_conditions: dict[int, Conditions] = field(default_factory=dict)
    order_price: dict[int, float] = field(default_factory=dict)
    tickets: dict[int, Any] = field(default_factory=dict)
    other_leg: dict[int, ContractKey] = field(default_factory=dict)
    sent_after: dict[int, datetime] = field(default_factory=dict)
    sending: bool = False
    minutes: Any = None
    sent: Any = None
    rests: dict[int, float] = field(default_factory=dict)
    children: dict[str, Any] = field(default_factory=dict)
    traded: set[ContractKey] = field(default_factory=set)
    reasons: dict[int, str] = field(default_factory=dict)
    emitted: set[ContractKey] = field(default_factory=set)
    holdings: dict[ContractKey, int] = field(default_factory=dict)
    forecasts: dict[str, FloatArray] = field(default_factory=dict)
    walk: Walk | None = None
    proposed: IntArray | None = None
    macro: dict[str, tuple[int, float]] = field(default_factory=dict)
    settled: Settlement = field(default_factory=Settlement)
    broker: dict[str, float] = field(default_factory=dict)
    marks: Marks = field(default_factory=Marks)
    collecting: int = 0
    quotes: list[dict[int, float]] = field(default_factory=list)
    lows: dict[tuple[int, int], float] = field(default_factory=dict)
    closes: list[dict[int, float]] = field(default_factory=list)
    volumes: ContractVolumes = field(default_factory=ContractVolumes)
    _asked: bool = False
    _deciding: int = 0

    # --- the decision clock ----------------------------------------------------------------------
    @property
    def due(self) -> bool:
        """Whether a decision is being taken, in this thread.

        Live, scheduled events run beside the data: a slice that arrives meanwhile must not decide.
        """
        return self._deciding == get_ident()

    @contextmanager
    def deciding(self, nav: float, fills: Sequence[Fill] = ()) -> Iterator[Walk]:
        """The framework models act while this lasts; the decision walks on with each of them.

        Parameters
        ----------
        nav : float
            Account value, NaN while it is unknown.
        fills : sequence of Fill
            Since the decision before.
        """
        spreads = frozenset(
            self.keys[ticket.symbol] for i, ticket in self.tickets.items() if i in self.other_leg
        )
        account = Account(nav, self.holdings, self.pending, spreads, fills, self.volumes.of)
        self.walk = self.strategy.begin(account)
        self.proposed = None
        self._deciding = get_ident()
        try:
            yield self.walk
        finally:
            self._deciding = 0

    def through(self, stage: str) -> Decision:
        """The decision, taken through the chain up to ``stage``.

        Raises
        ------
        RuntimeError
            If no decision is being taken.
        """
        if self.walk is None:
            raise RuntimeError(f"no decision is being taken; stage {stage} has nothing to act on")
        return self.walk.through(stage)

    @contextmanager
    def sending_orders(self) -> Iterator[None]:
        """No order can fill while this lasts."""
        self.sending = True
        try:
            yield
        finally:
            self.sending = False

    def tag(self, order: Order) -> str:
        """What the order's tag in LEAN says."""
        if self.walk is None:
            return order.reason
        market = self.strategy.lines.market[order.market]
        return order_tag(self.walk.decision, market, order.reason)

    # --- contracts -------------------------------------------------------------------------------
    def list_contract(self, market: int, contract: Contract, symbol: Any, security: Any) -> None:
        """Make a subscribed contract known."""
        key = (market, contract.month)
        self.securities[key] = security
        self.symbols[key] = symbol
        self.keys[symbol] = key
        if self._asked:
            self.traded.add(key)  # it may have a position already
        if market < len(self.strategy.instruments):  # a second size has no data of its own
            self.strategy.list_contract(market, contract)

    def held_symbol(self, market: int) -> Any | None:
        """Symbol of the contract the strategy holds or would hold, None if not subscribed."""
        return self.symbols.get((market, int(self.strategy.markets.held[market])))

    # --- bars ------------------------------------------------------------------------------------
    def begin(self, day: int) -> None:
        """Start collecting the bars of session ``day``."""
        self.collecting = day
        self.quotes = [{} for _ in self.strategy.instruments]

    def has_bars(self) -> bool:
        """Whether bars wait to be observed."""
        return any(self.quotes)

    def take_session(self, mapped: list[int], fx: FloatArray, fx_day: IntArray) -> Session:
        """The collected session, which is then empty again."""
        quotes = self.closes = self.quotes
        self.quotes = [{} for _ in quotes]
        interest = [self._interest(market, closes) for market, closes in enumerate(quotes)]
        macro, self.macro = self.macro, {}
        lows, self.lows = self.lows, {}
        return Session(self.collecting, quotes, mapped, interest, fx, macro, fx_day, lows)

    def _interest(self, market: int, closes: dict[int, float]) -> dict[int, float]:
        """Last known open interest of the contracts with a bar; empty where it is not asked for."""
        known: dict[int, float] = {}
        settings = self.strategy.settings
        if not settings.roll_open_interest_ratio and settings.extreme_floor is None:
            return known
        for month in closes:
            contracts = float(self.securities[(market, month)].open_interest)
            if contracts > 0:
                known[month] = contracts
        return known

    def observe(self, session: Session) -> Snapshot:
        """Hand a collected session to the strategy."""
        keys = {self.strategy.lines.key(key) for key in self.traded}
        self.marks.take(self.strategy.markets, session, keys)
        return self.strategy.observe(session)

    def observe_all(self, sessions: Sequence[Session]) -> Iterator[Snapshot]:
        """Hand collected sessions to the strategy, at once if no contract can have a position."""
        if self.traded:
            return map(self.observe, sessions)
        return self.strategy.observe_all(sessions)

    def trusted_value(self, nav: float) -> float:
        """The account's value with every position at the last price that the gate trusts."""
        instruments = self.strategy.instruments
        multiplier = np.array([instrument.multiplier for instrument in instruments])
        point = multiplier * known(self.strategy.snapshot.fx)
        return self.marks.trusted_value(nav, self.strategy.lines.in_units(self.holdings), point)

    # --- positions and orders --------------------------------------------------------------------
    def read_account(
        self, quantity: Callable[[Any], float], unfilled: Iterable[tuple[Any, float]]
    ) -> None:
        """Refresh ``holdings`` and ``pending`` from the broker's view.

        Parameters
        ----------
        quantity : callable
            Contracts held of a symbol.
        unfilled : iterable of (symbol, contracts)
            Rest of each open order.

        Notes
        -----
        After a start all subscribed contracts are asked for, later only those traded since.
        """
        if not self._asked:
            self.traded.update(self.symbols)
            self._asked = True
        self.pending = unfilled_of(
            (self.keys[symbol], round(rest)) for symbol, rest in unfilled if symbol in self.keys
        )
        self.traded.update(self.pending)
        if not self.pending:
            self.order_conditions.clear()
            self.order_price.clear()
            self.reasons.clear()
            self.other_leg.clear()
            self.sent_after.clear()
        self.holdings = {}
        for key in sorted(self.traded):
            held = round(quantity(self.symbols[key]))
            if held:
                self.holdings[key] = held
            elif key not in self.pending:
                self.traded.discard(key)

    def open_markets(self, contracts: IntArray) -> dict[int, dict[int, int]]:
        """Targets of the markets that do not have theirs, all contracts on their way counted.

        And of those that have an order on its way which their target has turned against.

        Parameters
        ----------
        contracts : int array of shape (n_assets,)

        Returns
        -------
        dict of market index to contracts by contract month
            Contracts that are to be closed are named with 0.
        """
        targets = self.wanted_contracts(contracts)
        there: dict[int, dict[int, int]] = {}
        on_the_way = {key: net_of(rests) for key, rests in self.pending.items()}
        for held in (self.holdings, on_the_way):
            for (market, month), quantity in held.items():
                months = there.setdefault(market, {})
                months[month] = months.get(month, 0) + quantity
        turned = {one.market for one in plan_withdrawals(targets, self.holdings, self.pending)}
        out = {}
        for market, wanted in targets.items():
            have = there.get(market, {})
            extra = dict.fromkeys(have.keys() - wanted.keys(), 0)
            changed = any(have.get(month, 0) != n for month, n in wanted.items())
            if changed or extra or market in turned:
                out[market] = wanted | extra
        return out

    def wanted_contracts(self, contracts: IntArray) -> dict[int, dict[int, int]]:
        """Targets by line and month, without the spreads that lack a subscribed leg."""
        legs, n = self.strategy.snapshot.legs, len(self.strategy.instruments)
        wanted = contracts
        for market in np.flatnonzero(contracts[n:]).tolist():
            if not all((market, leg) in self.symbols for leg in legs.of(market)):
                wanted = wanted.copy() if wanted is contracts else wanted
                wanted[n + market] = 0
        return self.strategy.wanted(wanted, self.holdings, self.symbols)

    def portfolio_targets(
        self,
        contracts: IntArray,
        make: Callable[[Any, int], Any],
        among: set[int] | None = None,
    ) -> list[Any]:
        """Targets by symbol, of the markets where something is to be done.

        Parameters
        ----------
        contracts : int array of shape (n_assets,)
        make : callable
            Makes a target of a symbol and a number of contracts (LEAN's ``PortfolioTarget``).
        among : set of int, optional
            Markets a later stage has changed; those with a target so far are named again even if
            nothing is left to do.
        """
        wanted = self.open_markets(contracts)
        if among is not None:
            among = self.strategy.lines.of(among)
            wanted = {market: legs for market, legs in wanted.items() if market in among}
            targets = self.wanted_contracts(contracts)
            for market, month in self.emitted:  # LEAN keeps earlier targets that are not overridden
                if market in among:
                    legs = wanted.setdefault(market, dict(targets.get(market, {})))
                    legs.setdefault(month, 0)
        keys = {(market, month): n for market, legs in wanted.items() for month, n in legs.items()}
        self.emitted |= keys.keys()
        return [make(self.symbols[key], n) for key, n in keys.items() if key in self.symbols]

    def held_assets(self) -> IntArray:
        """Contracts held of every asset, see ``Legs.held_assets``."""
        return self.strategy.held_assets(self.holdings)

    def order_placed(
        self, order: Order, ticket: Any, conditions: Conditions, legs: Sequence[Order] = ()
    ) -> None:
        """Remember an order on its way and what its slippage depends on.

        Parameters
        ----------
        order : Order
        ticket : LEAN order ticket
        conditions : Conditions
        legs : sequence of Order
            Of the spread it is part of.
        """
        key = (order.market, order.month)
        for leg in legs:
            if leg is not order:
                self.other_leg[ticket.order_id] = (leg.market, leg.month)
        self.traded.add(key)
        self.tickets[ticket.order_id] = ticket
        self.order_conditions[ticket.order_id] = conditions
        market = self.strategy.lines.market[order.market]
        closes = self.closes[market] if self.closes else {}
        self.order_price[ticket.order_id] = closes.get(order.month, float("nan"))
        self.reasons[ticket.order_id] = order.reason
        bar = self.securities[key].get_last_data()
        if bar is not None:
            self.sent_after[ticket.order_id] = bar.end_time

    def conditions_of(self, order_id: int, line: int) -> Conditions:
        """What an order's slippage depends on; of one that nobody here has sent, as of now."""
        return self.order_conditions.get(order_id) or self.conditions_now(line)

    def conditions_now(self, line: int) -> Conditions:
        """What the slippage of an order in a line depends on, as of the last session."""
        strategy = self.strategy
        markets, market = strategy.markets, strategy.lines.market[line]
        stress = strategy.cost_stress.of(markets.sigma(), markets.current_sigma())
        return Conditions(float(markets.sigma_price()[market]), float(stress[market]))

    def spread_refused(self, market: int, why: str) -> None:
        """Roll a market leg by leg from now on, because its broker takes no spread; said once."""
        rolls = self.strategy.planner.spread_rolls
        if market in rolls:
            rolls.discard(market)
            code = self.strategy.lines.codes[market]
            self.log(f"{code}: no calendar spread, rolls by legs: {why}")

    def other_ticket(self, order_id: int, key: ContractKey) -> Any | None:
        """Ticket of the other leg of a spread of which an order in ``key`` is one."""
        leg = self.other_leg.get(order_id)
        beside = [number for number, other in self.other_leg.items() if other == key]
        tickets = [self.tickets[number] for number in beside if number in self.tickets]
        return next((one for one in tickets if self.keys.get(one.symbol) == leg), None)

    def turned_against(self, withdrawals: Iterable[Withdrawal]) -> list[Any]:
        """Tickets of the open orders that are to be cancelled."""
        gone = {(one.market, one.month, one.side) for one in withdrawals}
        return [
            ticket
            for ticket in self.tickets.values()
            if (*self.keys.get(ticket.symbol, ()), 1 if ticket.quantity > 0 else -1) in gone
        ]

    def not_of_a_roll(self) -> list[Any]:
        """Tickets of the open orders that no roll needs."""
        return [
            ticket
            for order_id, ticket in self.tickets.items()
            if self.reasons.get(order_id) != "roll"
        ]

    def unfilled(self, done: Callable[[Any], bool]) -> list[tuple[Any, float]]:
        """Symbol and unfilled rest of each open order, for ``read_account``.

        Parameters
        ----------
        done : callable
            Whether a ticket is filled, cancelled or refused; it is then forgotten.
        """
        for order_id in [i for i, ticket in self.tickets.items() if done(ticket)]:
            del self.tickets[order_id]
            self.rests.pop(order_id, None)
        return [(ticket.symbol, self._rest(ticket)) for ticket in self.tickets.values()]

    def open_rests(self) -> dict[int, tuple[ContractKey, float]]:
        """Contract and unfilled rest of each order on its way, by order id."""
        return {
            order_id: (self.keys[ticket.symbol], self._rest(ticket))
            for order_id, ticket in self.tickets.items()
            if ticket.symbol in self.keys
        }

    def _rest(self, ticket: Any) -> float:
        wanted = self.rests.get(ticket.order_id, ticket.quantity)
        return float(wanted - ticket.quantity_filled)

    def adopt(self, ticket: Any, rest: int, reason: str, other: int) -> None:
        """Take up an order of before a start.

        Parameters
        ----------
        ticket : LEAN order ticket
        rest : int
            What is open of it.
        reason : str
        other : int
            Contract month of the other leg of its spread, 0 without one.
        """
        market, _ = self.keys[ticket.symbol]
        self.tickets[ticket.order_id] = ticket
        self.reasons[ticket.order_id] = reason
        self.rests[ticket.order_id] = rest + float(ticket.quantity_filled)
        self.traded.add(self.keys[ticket.symbol])
        if other:
            self.other_leg[ticket.order_id] = market, other
