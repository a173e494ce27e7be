"""A decision as a line of the run's record: what every report, table and comparison is made from.

The schema, with every field and unit, is in ``docs/decisions.md``; ``algorithm.decision_text``
writes and reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from algorithm.decision import BOOK, Account, Decision, RiskFigures
from algorithm.strategy import Strategy
from alpha.scale import Scale
from alpha.snapshot import Snapshot
from execution.fills import EXPIRY, Fill
from execution.orders import rests_of
from portfolio.cash import Collateral, Settlement
from portfolio.contract_sizes import Lines
from portfolio.covariance import portfolio_vol
from risk.gate import VarGate
from risk.limits import Reading
from universe.arrays import BoolArray, FloatArray, IntArray, known
from universe.instruments import Instrument, volume_note
from universe.legs import ContractKey, Legs
from universe.session import Quotes

SCHEMA = 2
"""Version of the record; a reader refuses others."""

OF_DATA = ("gap", "outlier", "price", "stale", "unit", "fx", "spread")
"""Kinds of notes of the quality gates, which are all of the data as events; others keep theirs."""

CONTRACTS = "contracts"
"""Kind of events on the choice of whole contracts."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something a person should be able to read about later.

    ``kind`` is roll, universe, flip, carry, cap, proxy, contracts, budgets, optimiser, gate,
    expiry, margin (in LEAN alone) or the name of a rule, an exposure scale or another risk stage;
    data for all that the quality gates noted. ``market`` is empty where it is no single market's.
    """

    epoch_day: int
    kind: str
    market: str
    detail: str


@dataclass(frozen=True, slots=True)
class MarketFacts:
    """What turns a market's prices into money.

    Attributes
    ----------
    code, asset_class, currency : str
    multiplier : float
        Of the quote, in its currency.
    fee : float
        Of a contract, in ``fee_currency``.
    fee_currency : str
    sector, full_size : str
        ``full_size`` is the code of the contract that a small one is a part of, "" without one.
    duration : float
        Modified, in years; 0 where the market is no rate.
    half_spread : float
        In the quote.
    adv_contracts : float
        Average daily volume, 0 where unknown.
    market : str
        LEAN's name of the exchange.
    """

    code: str
    asset_class: str
    currency: str
    multiplier: float
    fee: float
    fee_currency: str
    sector: str = ""
    duration: float = 0.0
    half_spread: float = 0.0
    adv_contracts: float = 0.0
    full_size: str = ""
    market: str = ""


@dataclass(frozen=True, slots=True)
class SizeFacts:
    """A second contract on a market's underlying, see ``portfolio.contract_sizes``.

    Attributes
    ----------
    market : int
        Index of the market.
    own_units, units : int
        What the market's own contract and this one count as, in the contracts of all arrays.
    code : str
    fee : float
        Of a contract, in ``fee_currency``.
    fee_currency : str
    """

    market: int
    own_units: int
    units: int
    code: str
    fee: float
    fee_currency: str


@dataclass(frozen=True, slots=True)
class Header:
    """First line of a record: what the run was.

    Attributes
    ----------
    engine : str
        "embedded" or "LEAN".
    data_name, data_hash : str
    synthetic : bool
    settings : dict of str to str
        All of them.
    settings_hash : str
    markets : tuple of MarketFacts
        In the order of all arrays.
    sleeves : tuple of str
        Trend first.
    spread_sleeves : tuple of str
        Those whose forecasts are of the markets' calendar spreads.
    spreads : bool
        Whether calendar spreads are assets, after the markets outright.
    issues : tuple of (market, epoch day or None, kind, sentence)
        What the importer doubted.
    volumes : str
        What the average daily volumes behind impact and caps are worth; empty if measured.
    seconds : tuple of SizeFacts
        Second contracts on an underlying, behind the markets' own in targets, orders, fills and
        holdings; arrays count the smaller of both, and so do ``markets``.
    """

    engine: str
    data_name: str
    data_hash: str
    synthetic: bool
    settings: dict[str, str]
    settings_hash: str
    markets: tuple[MarketFacts, ...]
    sleeves: tuple[str, ...]
    spread_sleeves: tuple[str, ...]
    spreads: bool
    issues: tuple[tuple[str, int | None, str, str], ...] = ()
    volumes: str = ""
    seconds: tuple[SizeFacts, ...] = ()

    @property
    def codes(self) -> list[str]:
        """Markets in the order of the arrays."""
        return [market.code for market in self.markets]

    @property
    def lines(self) -> list[str]:
        """Contracts in the order of the indices of holdings: the markets, then second sizes."""
        return [*self.codes, *(second.code for second in self.seconds)]


@dataclass(frozen=True, slots=True)
class SessionLine:
    """A session before the first decision: what rules have seen of it.

    Attributes
    ----------
    day : int
        Epoch day.
    seen : bool array over markets
        A bar that passed the quality gate.
    ret : float array over markets
        Return of the held contract, 0 where not seen.
    """

    day: int
    seen: BoolArray
    ret: FloatArray


@dataclass(frozen=True, slots=True)
class RiskStage:
    """What a risk stage left of the book, in which steps, and what it measured."""

    name: str
    scale: float
    steps: tuple[str, ...] = ()
    figures: dict[str, float] = field(default_factory=dict)
    readings: Sequence[Reading] = ()


@dataclass(frozen=True, slots=True)
class DecisionLine(SessionLine):
    """A session with a decision.

    Money is in account currency. Arrays are over assets (the markets outright, then their calendar
    spreads where these are traded) unless a line says markets.

    Attributes
    ----------
    nav : float
        The account's value, with doubted prices at their last trusted ones; NaN while unknown.
    cash : dict of str to float
        Balance by currency, open profit included, after interest and changes of currency; empty
        where the engine does not know.
    interest : float
        Credited since the line before; part of ``nav``.
    sweep_cost : float
        Paid for changing currencies; part of ``nav``.
    fx : dict of str to float
        Account currency per unit of every quote currency, NaN before the first rate.
    closes : dict of (line, contract month) to float
        Of the contracts held or filled, where they have one in the session: what they are valued
        at, so that a doubted close has the last trusted one in its place. A line is a market's
        index, or that of a second size behind them.
    holdings : dict of (line, contract month) to int
        At the close.
    pending : tuple of (code, contract month, contracts, bool)
        Unfilled rests of open orders at the decision; whether each is a leg of a spread.
    fills : tuple of Fill
        Since the line before.
    legs : dict of market index to (held, near, far)
        Contract months that positions were in before the session's rolls, of those markets.
    forecasts : dict of sleeve to float array over markets
    asked : dict of sleeve to float array
        Contracts each sleeve asks for, before any exposure scale.
    sleeve_vol : dict of sleeve to float
        Ex-ante annual volatility of what a sleeve asks for, after the exposure scale.
    sleeve_carry : dict of sleeve to float
        What it would earn a year at unchanged curves, over NAV; positions without a quoted curve
        count as nothing.
    value : float array
        Notional of one contract, NaN where unknown.
    limit : float array
        Most contracts of an asset, by liquidity and concentration.
    sigma : float array
        Daily volatility of returns.
    active : bool array over markets
        May be traded, outright or as a spread.
    carry : float array over markets
        What a contract earns a year at an unchanged curve.
    carry_source : int array over markets
        See ``alpha.carry_sources.Source``.
    scales : tuple of Scale
    scale : float
        Share of exposure left by all of them.
    tracking : float
        Annual volatility over NAV of the difference between whole contracts and scaled target.
    stages : tuple of RiskStage
    contracts : int array
        Decided on.
    targets, orders : tuples of (market code, contract month, contracts) and, of orders, a reason
    risk : RiskFigures
    events : tuple of Event
    collateral : Collateral, optional
        Where the account has a ladder of bills.
    rolls : dict of market index to (sessions, ratio)
        See ``Decision.rolls``.
    broker : dict of str to float
        What the broker says of the account, over NAV: "margin used" and "margin left"; empty where
        there is none.
    """

    nav: float
    cash: dict[str, float]
    interest: float
    sweep_cost: float
    fx: dict[str, float]
    closes: dict[ContractKey, float]
    holdings: dict[ContractKey, int]
    pending: tuple[tuple[str, int, int, bool], ...]
    fills: tuple[Fill, ...]
    legs: dict[int, tuple[int, int, int]]
    forecasts: dict[str, FloatArray]
    asked: dict[str, FloatArray]
    sleeve_vol: dict[str, float]
    sleeve_carry: dict[str, float]
    value: FloatArray
    limit: FloatArray
    sigma: FloatArray
    active: BoolArray
    carry: FloatArray
    carry_source: IntArray
    scales: tuple[Scale, ...]
    scale: float
    tracking: float
    stages: tuple[RiskStage, ...]
    contracts: IntArray
    targets: tuple[tuple[str, int, int], ...]
    orders: tuple[tuple[str, int, int, str], ...]
    risk: RiskFigures
    events: tuple[Event, ...]
    collateral: Collateral | None = None
    rolls: dict[int, tuple[int, float]] = field(default_factory=dict)
    broker: dict[str, float] = field(default_factory=dict)

    @property
    def readings(self) -> Sequence[Reading]:
        """What the limits read on the portfolio held."""
        read = [stage.readings for stage in self.stages if stage.readings]
        return read[0] if len(read) == 1 else tuple(one for readings in read for one in readings)

    @property
    def unit_exposure(self) -> FloatArray:
        """Exposure of one contract over NAV, NaN where unknown."""
        if not self.nav > 0:
            return np.full(len(self.value), np.nan)
        return np.where(self.value > 0, self.value / self.nav, np.nan)

    @property
    def figures(self) -> dict[str, float]:
        """All figures of scales and risk stages, by name."""
        out: dict[str, float] = {}
        for scale in self.scales:
            out |= scale.figures
        for stage in self.stages:
            out |= stage.figures
        return out

    def left_by(self, name: str) -> float:
        """Share of exposure that a scale or a risk stage left, 1 if there is none of the name."""
        for scale in self.scales:
            if scale.name == name:
                return scale.value
        for stage in self.stages:
            if stage.name == name:
                return stage.scale
        return 1.0


def header_of(
    strategy: Strategy,
    engine: str,
    *,
    data_name: str = "",
    data_hash: str = "",
    synthetic: bool = False,
    issues: Sequence[tuple[str, int | None, str, str]] = (),
) -> Header:
    """The first line of a run of ``strategy``."""
    settings, forecasts = strategy.settings, strategy.forecasts
    return Header(
        engine,
        data_name,
        data_hash,
        synthetic,
        settings.as_strings(),
        settings.hash(),
        tuple(facts_of(instrument) for instrument in strategy.instruments),
        strategy.sleeves,
        tuple(name for name in strategy.sleeves if forecasts.on_spreads(name)),
        strategy.assets.spreads is not None,
        tuple(issues),
        volume_note(strategy.instruments),
        tuple(
            SizeFacts(
                one.market,
                one.own_units,
                one.units,
                one.instrument.code,
                one.instrument.fee,
                one.instrument.fee_currency,
            )
            for one in strategy.lines.seconds
        ),
    )


def facts_of(instrument: Instrument) -> MarketFacts:
    """What turns the market's prices into money."""
    return MarketFacts(
        instrument.code,
        str(instrument.asset_class),
        instrument.currency,
        instrument.multiplier,
        instrument.fee,
        instrument.fee_currency,
        instrument.sector,
        instrument.duration,
        instrument.half_spread,
        0.0 if "adv_contracts" in instrument.unknown else instrument.adv_contracts,
        instrument.full_size,
        instrument.market,
    )


def session_of(snapshot: Snapshot) -> SessionLine:
    """The line of a session without its decision."""
    n = snapshot.n_markets
    return SessionLine(snapshot.day, snapshot.seen[:n], snapshot.ret[:n])


def line_of(
    decision: Decision,
    lines: Lines,
    quotes: Quotes,
    fills: Sequence[Fill],
    settled: Settlement,
    broker: Mapping[str, float] | None = None,
) -> DecisionLine:
    """The line of a decision that has gone through the whole chain.

    Parameters
    ----------
    decision : Decision
    lines : Lines
        Of the strategy.
    quotes : Quotes
        Of the session, as positions are valued.
    fills : sequence of Fill
        Since the decision before.
    settled : Settlement
        Of the session's cash.
    broker : mapping of str to float, optional
        What the broker says of the account, over NAV.
    """
    snapshot, target, account = decision.snapshot, decision.target, decision.account
    codes, n, instruments = lines.codes, snapshot.n_markets, lines.markets
    holdings = dict(account.holdings)
    touched = holdings.keys() | {(lines.index[fill.market], fill.month) for fill in fills}
    unit = known(target.unit_exposure) * decision.scale
    multiplier = np.array([instrument.multiplier for instrument in instruments])
    wanted = snapshot.legs.target_contracts(decision.contracts)
    wanted = lines.targets(wanted, holdings)
    months = sorted(touched)
    marked = lines.per_line(range(n))
    return DecisionLine(
        day=snapshot.day,
        seen=snapshot.seen[:n],
        ret=snapshot.ret[:n],
        nav=account.nav,
        cash=settled.balances,
        interest=settled.interest,
        sweep_cost=settled.cost,
        fx=dict(zip((i.currency for i in instruments), snapshot.fx.tolist(), strict=True)),
        closes={
            (line, month): quotes[marked[line]][month]
            for line, month in months
            if month in quotes[marked[line]]
        },
        holdings=holdings,
        pending=_pending(account, codes),
        fills=tuple(fills),
        legs=_legs(snapshot.legs, list(dict.fromkeys(marked[line] for line, _ in months))),
        forecasts=decision.forecasts,
        asked=target.sleeve_contracts,
        sleeve_vol={
            name: portfolio_vol(asked * unit, decision.cov)
            for name, asked in target.sleeve_contracts.items()
        },
        sleeve_carry=_sleeve_carry(decision, multiplier),
        value=target.value,
        limit=target.limit,
        sigma=snapshot.sigma,
        active=target.member[:n] | target.member[-n:],
        carry=snapshot.basis * multiplier * snapshot.fx,
        carry_source=snapshot.carry_source,
        scales=decision.scales,
        scale=decision.scale,
        tracking=decision.tracking_error,
        stages=tuple(
            RiskStage(v.name, v.scale, v.steps, v.figures, v.readings) for v in decision.verdicts
        ),
        contracts=decision.contracts,
        targets=tuple(
            (codes[market], month, quantity)
            for market, legs in wanted.items()
            for month, quantity in legs.items()
            if quantity
        ),
        orders=tuple((codes[o.market], o.month, o.quantity, o.reason) for o in decision.orders),
        risk=decision.risk,
        events=tuple(events_of(decision, codes, fills)),
        collateral=settled.collateral,
        rolls=decision.rolls,
        broker=dict(broker or {}),
    )


def in_units(line: DecisionLine, header: Header) -> DecisionLine:
    """The line with holdings, closes and fills of the markets, as its arrays count them.

    What two sizes of a contract have done is done by so many of the smaller one.
    """
    if not header.seconds:
        return line
    codes, n = header.lines, len(header.markets)
    market = [*range(n), *(second.market for second in header.seconds)]
    units = [1] * n + [second.units for second in header.seconds]
    for second in header.seconds:
        units[second.market] = second.own_units
    holdings: dict[ContractKey, int] = {}
    for (at, month), contracts in line.holdings.items():
        key = market[at], month
        holdings[key] = holdings.get(key, 0) + contracts * units[at]
    index = {code: at for at, code in enumerate(codes)}
    fills = tuple(
        replace(
            fill,
            market=codes[market[index[fill.market]]],
            quantity=fill.quantity * units[index[fill.market]],
        )
        for fill in line.fills
    )
    closes = {(market[at], month): close for (at, month), close in line.closes.items()}
    return replace(line, holdings=holdings, closes=closes, fills=fills)


def _sleeve_carry(decision: Decision, multiplier: FloatArray) -> dict[str, float]:
    snapshot, target = decision.snapshot, decision.target
    basis = np.concatenate([snapshot.basis, snapshot.spread_basis])
    gain = known(basis * snapshot.contract_value(multiplier)) * decision.scale
    nav = decision.nav if decision.nav > 0 else float("nan")
    return {name: float(asked @ gain) / nav for name, asked in target.sleeve_contracts.items()}


def _pending(account: Account, codes: Sequence[str]) -> tuple[tuple[str, int, int, bool], ...]:
    return tuple(
        (codes[key[0]], key[1], rest, key in account.spreads)
        for key, unfilled in sorted(account.pending.items())
        for rest in rests_of(unfilled)
    )


def _legs(legs: Legs, markets: Sequence[int]) -> dict[int, tuple[int, int, int]]:
    held, near, far = (a.tolist() for a in (legs.held_before, legs.near_before, legs.far_before))
    return {market: (held[market], near[market], far[market]) for market in markets}


def events_of(decision: Decision, codes: Sequence[str], fills: Sequence[Fill]) -> list[Event]:
    """What a person should be able to read about a session."""
    seen, day = decision.snapshot, decision.day
    out = [
        Event(day, "roll", roll.market, f"{roll.old} -> {roll.new} ({roll.reason})")
        for roll in seen.rolls
    ]
    for market, kind, text in [*seen.notes, *decision.notes]:
        of = "" if market == BOOK else codes[market]
        out.append(Event(day, "data" if kind in OF_DATA else kind, of, text))
    out += [Event(day, origin, "", reason) for origin, reason in decision.target.reasons]
    out += [Event(day, CONTRACTS, "", step) for step in decision.contract_steps]
    for verdict in decision.verdicts:
        kind = "gate" if verdict.name == VarGate.NAME else verdict.name
        out += [Event(day, kind, "", step) for step in verdict.steps]
    for fill in fills:
        if fill.reason == EXPIRY:
            text = f"{fill.month} expired while {-fill.quantity} were held, closed at last"
            out.append(Event(day, "expiry", fill.market, text))
    return out
