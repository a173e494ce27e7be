"""The chain of a day, written once: LEAN's models, the research engine and the tests walk it.

``Strategy`` owns the state. None of its parts knows LEAN, a file or a clock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from algorithm import registry
from algorithm.commitments import Commitments
from algorithm.decision import BOOK, Account, Decision
from algorithm.observer import Observer
from algorithm.risk_figures import measure
from algorithm.said_once import SaidOnce
from algorithm.settings import Settings
from algorithm.slippage import slippage_by_market
from algorithm.walk import Stage, Walk, chain_of
from alpha.forecasts import Forecasts
from alpha.scale import ExposureScale, combined, tilt
from alpha.snapshot import Snapshot
from execution.costs import passively, past_cost_factor
from execution.fills import Fill
from execution.planner import Planner
from portfolio.calibration import BiasStatistic
from portfolio.cash import Settlement, Treasury
from portfolio.contract_sizes import Lines, contract_lines
from portfolio.covariance import covariance, portfolio_vol
from portfolio.optimised import TargetOptimiser
from portfolio.settings import ContractChoice, OptimiserScope, Volumes
from portfolio.target import TargetBuilder
from portfolio.tracking import ContractTracker
from portfolio.trade import BufferedTrading
from risk.account import EventKind, Remedy, RiskEvent
from risk.book import Book, Protection, checked
from risk.history import Proxies
from risk.limit_stage import LimitStage
from risk.limits import Action, Reading
from risk.switch_stage import SwitchStage
from risk.var import VarModel, quantile
from universe.arrays import TRADING_DAYS, BoolArray, FloatArray, IntArray, known
from universe.assets import Assets
from universe.components import together
from universe.cost_screen import YearlyImpact, trade_costs
from universe.cost_stress import CostStress
from universe.fx import BASE
from universe.instruments import Instrument
from universe.legs import ContractKey
from universe.markets import Markets
from universe.master import MASTER
from universe.screen import Screen
from universe.session import Contract, Session


class Strategy:
    """Decides the target contracts of every market from one session to the next.

    Parameters
    ----------
    settings : Settings
    instruments : sequence of Instrument
        Fixes the order of all arrays.
    master : iterable of Instrument
        Where other contracts of the markets' underlyings are looked for.

    Attributes
    ----------
    lines : Lines
        The contracts that are ordered and held.
    instruments : list of Instrument
        The markets in the contracts that they are counted in: the smallest of their lines.
    observer : Observer
        What depends on market data alone.
    planner : Planner
        Makes orders of target contracts.
    scales, protections : lists
        Registered components, see ``algorithm.registry``.
    chain : tuple of Stage
        After ``observe``.

    Raises
    ------
    SettingsError
        If the settings name a market that is not there.
    """

    STATE = ("last_contracts", "last_exposure", "last_vol", "last_nav")
    DEPENDS = ("contract_sizes",)
    ACCOUNT = ("last_nav",)

    def __init__(
        self,
        settings: Settings,
        instruments: Sequence[Instrument],
        master: Iterable[Instrument] = MASTER,
    ) -> None:
        self.settings = settings
        priced = passively(instruments, settings.passive_fills)
        self.lines: Lines = contract_lines(
            priced,
            passively(master, settings.passive_fills),
            yearly_trades=settings.cost_trades,
            small=settings.contract_sizes,
        )
        self.instruments = self.lines.markets
        self.index = {instrument.code: i for i, instrument in enumerate(instruments)}
        self.observer = Observer(settings, instruments)
        n = self.observer.assets.n
        self.names = [i.code for i in instruments]
        self.names += [f"{name} spread" for name in self.names[: n - len(instruments)]]
        classes = [str(one.asset_class) for one in instruments]
        self._classes = classes + classes[: n - len(instruments)]
        legs = np.where(np.arange(n) >= len(instruments), 2.0, 1.0)
        self.planner = Planner(self.lines.instruments, settings)
        self.cost_stress = CostStress(settings.cost_vol_power, settings.vol_long_weight)
        trades_per_roll = self.planner.trades_per_roll()[: len(instruments)]
        impact = YearlyImpact.create(
            self.instruments,
            n,
            self.planner.impacts_per_roll()[: len(instruments)],
            alpha=settings.impact,
            trades=settings.cost_trades,
            roll_sessions=settings.roll_sessions,
            trade_part=settings.buffer,
        )
        self.screen = Screen.of(self.names, self.instruments, settings, trades_per_roll, impact)
        self.builder = TargetBuilder(
            settings, self.instruments, n, self.forecasts, self.observer.class_index
        )
        self.builder.capital = settings.cash if settings.volumes == Volumes.FUND else None
        self.treasury = Treasury(settings)
        if settings.optimiser != OptimiserScope.OFF:
            self.builder.optimiser = self._optimiser(trades_per_roll, impact)
        tracker = ContractTracker(
            np.resize(trade_costs(self.lines.smallest), n) * legs,
            np.array([instrument.multiplier for instrument in self.instruments]),
            settings.cost_trades,
            settings.risk_aversion,
            settings.vol_target,
            settings.contrary_contracts,
            np.resize([one.half_spread for one in self.lines.smallest], n) * legs,
            self.cost_stress,
        )
        self.trading = BufferedTrading(
            n,
            settings.buffer,
            settings.cooldown_sessions,
            tracker if settings.whole_contracts == ContractChoice.TRACKING else None,
            self.builder.caps,
        )
        self.scales = [scale.create(settings, self.instruments) for scale in registry.SCALES]
        self.protections = [
            protection.create(settings, self.instruments, n) for protection in registry.PROTECTIONS
        ]
        self.proxies = Proxies(self.instruments, n)
        self.once = SaidOnce(self.names, len(instruments), self.builder.caps)
        self.commitments = Commitments(self.instruments, self.markets, n)
        self.bias = BiasStatistic(settings.bias_span)
        self.last_contracts: IntArray = np.zeros(n, dtype=np.int64)
        self.last_exposure: FloatArray = np.zeros(n)
        self.last_vol = 0.0
        self.last_nav = 0.0  # the last one known, 0 before the first
        self._sigma: FloatArray = np.full(n, np.nan)  # after the session before
        self._snapshot: Snapshot | None = None
        self._book: Book | None = None  # of the session's risk stages
        self._model: VarModel | None = None
        self.chain = chain_of(
            Stage("screen", "universe", self._screen),
            Stage("forecast", "alpha", self._forecast),
            Stage("target", "portfolio", self._target),
            Stage("scale", "risk", self._scale),
            Stage("trade", "risk", self._trade),
            *(Stage(p.NAME, "risk", partial(self._protect, p)) for p in self.protections),
            Stage("protect", "risk", self._measure),
            Stage("execute", "execution", self._execute),
        )

    def _optimiser(self, trades_per_roll: FloatArray, impact: YearlyImpact) -> TargetOptimiser:
        """The optimiser of the settings; VaR is a multiple of volatility there."""
        settings = self.settings
        per_vol = quantile(settings.var_confidence, settings.var_tail)
        limit = settings.var_limit * (1.0 - settings.var_headroom)
        return TargetOptimiser(
            settings,
            self.instruments,
            self.observer.assets.n,
            self.sleeves,
            self.builder.caps,
            vol_limit=limit / per_vol * float(np.sqrt(TRADING_DAYS / settings.var_horizon)),
            yearly_trades=settings.cost_trades,
            trades_per_roll=trades_per_roll,
            impact=impact,
            stress=self.cost_stress,
        )

    # --- what others ask -------------------------------------------------------------------------
    @property
    def sleeves(self) -> tuple[str, ...]:
        """Names of the sleeves, trend first."""
        return self.forecasts.sleeves

    @property
    def forecasts(self) -> Forecasts:
        """The rules in use."""
        return self.observer.forecasts

    @property
    def markets(self) -> Markets:
        """State of all markets."""
        return self.observer.markets

    @property
    def assets(self) -> Assets:
        """All that can hold a position."""
        return self.observer.assets

    @property
    def day(self) -> int:
        """Epoch day of the last session observed."""
        return self.observer.day

    @property
    def snapshot(self) -> Snapshot:
        """What is known after the last session.

        Raises
        ------
        ValueError
            Before the first session.
        """
        if self._snapshot is None:
            raise ValueError("no session has been observed; there is nothing to decide on")
        return self._snapshot

    def scale_named(self, name: str) -> ExposureScale:
        """The exposure scale of that name.

        Raises
        ------
        KeyError
            If there is none.
        """
        return {scale.NAME: scale for scale in self.scales}[name]

    @property
    def switch(self) -> SwitchStage:
        """The kill switch."""
        return next(stage for stage in self.protections if isinstance(stage, SwitchStage))

    @property
    def last_held(self) -> IntArray:
        """Contracts held at the last decision with a NAV."""
        return self._limits.last_held

    @property
    def readings(self) -> Sequence[Reading]:
        """Of the limits, at the last decision or watch."""
        return self._limits.readings

    def watch(self, kind: EventKind, nav: float, fills: Sequence[Fill] = ()) -> Action | None:
        """What the limits ask for between decisions; one that flattens trips the kill switch.

        Parameters
        ----------
        kind : EventKind
        nav : float
            Account value now.
        fills : sequence of Fill
            Since the last decision.
        """
        event = RiskEvent(kind, self.day)
        action = self._limits.watch(event, nav, slippage_by_market(fills, self.lines))
        self.switch.follow(action, self.day)
        return action

    @property
    def _limits(self) -> LimitStage:
        return next(stage for stage in self.protections if isinstance(stage, LimitStage))

    def list_contract(self, market: int, contract: Contract) -> None:
        """Make a contract known before its first bar; knowing it twice is harmless."""
        self.observer.list_contract(market, contract)

    def learn_macro(self, values: Mapping[str, tuple[int, float]]) -> None:
        """Take macro series: (epoch day known, value) by name."""
        self.observer.learn_macro(values)

    def settle_cash(self, balances: Mapping[str, float]) -> Settlement:
        """Interest and currency changes of the session observed last, to be booked.

        Parameters
        ----------
        balances : mapping of str to float
            By currency, open profit of futures included.
        """
        snapshot, rates = self.snapshot, {BASE: 1.0}
        for instrument, rate in zip(self.instruments, snapshot.fx.tolist(), strict=True):
            rates[instrument.currency] = rate
        return self.treasury.settle(snapshot.day, snapshot.month, balances, rates, snapshot.bill)

    # --- the day ---------------------------------------------------------------------------------
    def observe(self, session: Session) -> Snapshot:
        """Take a session's bars: the first stage, which warm-up consists of."""
        return self.take(self.observer.observe(session))

    def observe_all(self, sessions: Sequence[Session]) -> Iterator[Snapshot]:
        """Take several sessions' bars at once, and their snapshots one after the other."""
        snapshots = self.observer.walk(sessions)
        return (self.take(snapshots.at(row)) for row in range(len(sessions)))

    def take(self, snapshot: Snapshot) -> Snapshot:
        """Take a session that has been observed already."""
        risk = np.abs(self.last_exposure) * known(self._sigma)
        if risk[snapshot.seen].sum() >= 0.5 * risk.sum():
            # only sessions in which most of the book traded tell anything of its volatility
            self.bias.update(float(self.last_exposure @ snapshot.ret), self.last_vol)
        if self.builder.mix is not None:
            self.builder.mix.observe(snapshot.ret, snapshot.month)
        self.commitments.take(snapshot)
        self._snapshot, self._sigma, self._model = snapshot, snapshot.sigma, None
        self._book = None
        for scale in self.scales:
            scale.observe(snapshot)
        return snapshot

    def begin(self, account: Account) -> Walk:
        """Start the decision on the last session.

        Parameters
        ----------
        account : Account
            After the session's close.
        """
        snapshot, self._book = self.snapshot, None
        held = self.held_assets(account.holdings)
        known_value = np.isfinite(account.nav) and account.nav > 0
        nav = account.nav if known_value else float("nan")
        annual = snapshot.sigma * np.sqrt(TRADING_DAYS)
        cov = covariance(snapshot.correlation, annual * self.bias.value)
        return Walk(self.chain, Decision(snapshot, account, nav, held, cov))

    def decide(self, session: Session, account: Account) -> Decision:
        """The whole chain: a session and the account in, a decision out."""
        self.observe(session)
        return self.begin(account).finish()

    # --- universe --------------------------------------------------------------------------------
    def _screen(self, decision: Decision) -> None:
        snapshot, builder, screen = decision.snapshot, self.builder, self.screen
        value = builder.contract_value(snapshot)
        alive = self._with_signal(snapshot) & (value > 0) & snapshot.alive
        if not decision.is_blind and screen.is_due(snapshot.month, alive):
            annual = snapshot.sigma * np.sqrt(TRADING_DAYS)
            average = builder.average(alive, value * annual, decision.nav, snapshot.correlation)
            decision.notes += screen.judge(
                snapshot.month,
                alive,
                average,
                snapshot.price * annual,
                decision.nav,
                wider=past_cost_factor(snapshot.day, self.settings.past_costs),
                stress=self._stress(snapshot),
                volumes=self._growth(decision),
            )
        decision.member = alive & ~screen.excluded

    def _with_signal(self, snapshot: Snapshot) -> BoolArray:
        """Assets that any rule has a signal for."""
        n = snapshot.n_markets
        out = np.zeros(len(snapshot.sigma), dtype=bool)
        for rule in self.forecasts.rules:
            part = slice(n, None) if rule.ON_SPREADS else slice(0, n)
            out[part] |= np.isfinite(snapshot.signals[rule.NAME])
        return out

    # --- alpha -----------------------------------------------------------------------------------
    def _forecast(self, decision: Decision) -> None:
        snapshot, n = decision.snapshot, decision.snapshot.n_markets
        step = self.settings.forecast_step
        # a market let in has a forecast; one that is out keeps its own for the record
        member = snapshot.alive[:n] & ~self.screen.excluded[:n]
        found = self.forecasts.combine(snapshot.signals, snapshot.factors, member)
        decision.forecasts = {}
        for name, value in found.items():
            there = snapshot.alive[n:] if self.forecasts.on_spreads(name) else snapshot.alive[:n]
            decision.forecasts[name] = np.where(there, np.rint(value / step) * step, np.nan)

    def _per_asset(self, sleeve: str, forecast: FloatArray, snapshot: Snapshot) -> FloatArray:
        """A sleeve's forecast over all assets: of the spreads or of the markets outright."""
        if not snapshot.has_spreads:
            return forecast
        none = np.full_like(forecast, np.nan)
        spreads = self.forecasts.on_spreads(sleeve)
        return np.concatenate([none, forecast] if spreads else [forecast, none])

    # --- portfolio -------------------------------------------------------------------------------
    def _target(self, decision: Decision) -> None:
        if decision.is_blind:
            decision.notes.append(
                (BOOK, "universe", f"NAV is {decision.account.nav:,.0f}: no market is sized")
            )
            decision.target = self.builder.without_nav()
            return
        snapshot = decision.snapshot
        by_asset = {
            name: self._per_asset(name, value, snapshot)
            for name, value in decision.forecasts.items()
        }
        decision.target = self.builder.build(
            by_asset, snapshot, decision.nav, decision.member, decision.cov
        )
        self.builder.commit(decision.target)
        decision.notes += self.once.of_caps(decision.target.bindings)

    # --- risk ------------------------------------------------------------------------------------
    def _scale(self, decision: Decision) -> None:
        decision.scales = tuple(
            scale.scale(decision.snapshot, decision.nav) for scale in self.scales
        )
        floor = self.settings.scale_floor
        decision.scale = combined(decision.scales, floor)
        if any(one.spared for one in decision.scales):
            factor = tilt(decision.scales, self._classes, floor)
            decision.target = decision.target.tilted(factor, decision.cov)
        decision.notes += [(BOOK, one.name, note) for one in decision.scales for note in one.notes]

    def _trade(self, decision: Decision) -> None:
        trades = self.trading.solve(decision.target, decision.scale, decision.snapshot)
        decision.traded = trades.contracts
        self.trading.commit(decision.traded)
        snapshot = decision.snapshot
        off = decision.traded - decision.target.optimal * decision.scale
        unit = known(decision.target.unit_exposure)
        decision.tracking_error = portfolio_vol(off * unit, decision.cov)
        decision.contract_steps = self.once.of_contracts(decision, trades)
        # what cannot trade today keeps what was decided for it, cut as it may have been
        free = snapshot.tradable | snapshot.must_exit
        decision.contracts = np.where(free, decision.traded, self.last_contracts)
        if decision.is_blind:  # what is held stays, but for what may not be held any longer
            decision.contracts = np.where(snapshot.must_exit, 0, decision.held)

    def _protect(self, protection: Protection, decision: Decision) -> None:
        asking = max(decision.verdicts, key=lambda verdict: verdict.remedy, default=None)
        book = self._book_of(decision) if self._book is None else self._book
        self._book = replace(
            book,
            asked=decision.contracts,
            remedy=Remedy.SAY if asking is None else asking.remedy,
            reasons=() if asking is None else asking.reasons,
        )
        verdict = checked(protection.protect(self._book), self._book)
        if protection is not self._limits and (verdict.contracts != decision.contracts).any():
            left = self._limits.exceeded(verdict.contracts)
            verdict = replace(verdict, steps=(*verdict.steps, *left))
        decision.verdicts = (*decision.verdicts, verdict)
        decision.contracts = verdict.contracts
        if verdict.frozen is not None:
            decision.frozen = verdict.frozen

    def _book_of(self, decision: Decision) -> Book:
        """What is the same for all risk stages of the session."""
        snapshot = decision.snapshot
        return Book(
            decision.day,
            decision.nav,
            self.names,
            decision.contracts,
            decision.held,
            decision.target.unit_exposure,
            snapshot.tradable | snapshot.must_exit,
            self.var_model(),
            snapshot.seen,
            snapshot.must_exit,
            self.commitments.spot_month(snapshot),
            self.commitments.unit_margin(decision),
            slippage_by_market(decision.account.fills, self.lines),
        )

    def _measure(self, decision: Decision) -> None:
        model, unit = self.var_model(), known(decision.target.unit_exposure)
        exposure, held = decision.contracts * unit, decision.held * unit
        horizon = self.settings.var_horizon
        there = (decision.contracts != 0) | (decision.held != 0)
        proxied = {a: p for a, p in self.proxies.used.items() if there[a]}
        decision.risk = measure(model, exposure, held, horizon, decision.is_blind, len(proxied))
        decision.notes += self.once.of_proxies(proxied, self.proxies.used)
        decision.rolls = self.commitments.rolls(decision)
        self.treasury.plan(
            decision.nav, self.commitments.margin_ahead(decision), decision.risk.es_one_day
        )
        if not decision.is_blind:
            self.last_nav = decision.nav
        self.last_contracts = decision.contracts
        self.last_exposure = exposure
        plain = covariance(decision.snapshot.correlation, decision.snapshot.sigma)
        self.last_vol = portfolio_vol(exposure, plain)

    def var_model(self) -> VarModel:
        """Value-at-risk model as of the last session.

        The long-run volatility may raise the forecast above the current one, never lower it. The
        bias statistic corrects the target's covariance; here the historical figure has what the
        portfolio's past was, and a correction would count the same error twice.
        """
        if self._model is None:
            snapshot, settings = self.snapshot, self.settings
            sigma = known(np.fmax(snapshot.sigma, snapshot.current_sigma))
            self._model = VarModel(
                covariance(snapshot.correlation, sigma),
                sigma,
                self.proxies.filled(snapshot.standardised),
                settings.var_confidence,
                settings.var_min_sessions,
                settings.var_tail,
                settings.var_law,
            )
        return self._model

    # --- execution -------------------------------------------------------------------------------
    def _execute(self, decision: Decision) -> None:
        """Orders toward target contracts by line and month, and what is withdrawn for them."""
        targets = decision.handed
        if targets is None:
            targets = self.wanted(decision.contracts, decision.account.holdings)
        n, frozen, lines = len(self.instruments), decision.frozen, self.lines
        decision.orders, decision.withdrawals = self.planner.plan(
            targets,
            decision.account,
            lines.stuck(decision.snapshot.legs.stuck_contracts()),
            decision.day,
            lines.per_line(self.markets.contracts),
            (~(frozen[:n] | frozen[-n:]))[lines.market],
            blind=decision.is_blind,
            growth=self._growth(decision),
            carry=lines.spread_out(decision.snapshot.basis),
        )

    def held_assets(self, holdings: Mapping[ContractKey, int]) -> IntArray:
        """Contracts held of every asset; ``holdings`` by (line, contract month)."""
        return self.snapshot.legs.held_assets(self.lines.in_units(holdings))

    def wanted(
        self,
        contracts: IntArray,
        holdings: Mapping[ContractKey, int],
        listed: Collection[ContractKey] | None = None,
    ) -> dict[int, dict[int, int]]:
        """Target contracts by line and contract month of the contracts of every asset.

        See ``Lines.targets``.
        """
        return self.lines.targets(self.snapshot.legs.target_contracts(contracts), holdings, listed)

    def order_sigma(self, decision: Decision) -> FloatArray:
        """Daily volatility in price that the impact of orders is computed from, (n_lines,).

        Volumes that grow with the fund divide the part that an order takes of them, of which the
        impact is the root.
        """
        sigma = self.lines.spread_out(decision.snapshot.sigma_price)
        return np.asarray(sigma / np.sqrt(self._growth(decision)))

    def _growth(self, decision: Decision) -> float:
        """Daily volumes over the master's: those of a fund that stays as it began grow with NAV."""
        if self.settings.volumes == Volumes.TODAY or decision.is_blind:
            return 1.0
        return decision.nav / self.settings.cash

    def order_stress(self, decision: Decision) -> FloatArray:
        """Multiple of the usual slippage that orders pay, (n_lines,); see ``cost_stress``."""
        n = len(self.instruments)
        return self.lines.spread_out(self._stress(decision.snapshot)[:n])

    def _stress(self, snapshot: Snapshot) -> FloatArray:
        return self.cost_stress.of(snapshot.sigma, snapshot.current_sigma)

    # --- state -----------------------------------------------------------------------------------
    def components(self) -> dict[str, Any]:
        """All objects with state, by a stable name, for ``algorithm.state``."""
        own = {
            "strategy": self,
            "screen": self.screen,
            "screen.costs": self.screen.costs,
            "trading": self.trading,
            "margin": self.commitments.margin,
            "pace": self.planner.pace,
            "treasury": self.treasury,
            "treasury.ladder": self.treasury.ladder,
            "bias": self.bias,
        }
        stages = {stage.NAME: stage for stage in self.protections if stage.STATE}
        scales = [scale.components() for scale in self.scales]
        return together(
            [own, self.observer.components(), self.builder.components(), *scales, stages]
        )

    def after_restore(self) -> None:
        """Recompute what is derived from the state, once it has been read back."""
        self.observer.refresh()
        self._sigma = self.assets.sigma()
        self._snapshot = self._model = self._book = None
