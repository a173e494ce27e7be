"""The embedded engine: contract-level, event-driven, daily, the same decisions as LEAN (V1)."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from algorithm.decision import Account, Decision
from algorithm.settings import Settings, SettingsError
from algorithm.strategy import Strategy
from research.data.dataset import Dataset
from research.engine.feed import Bars, Feed
from research.engine.ledger import DayBook, Ledger
from research.engine.result import Event, RunResult
from risk.gate import VarGate
from risk.governor import DrawdownGovernor
from universe.arrays import FloatArray, IntArray, known, to_epoch_day
from universe.fills import SessionGate
from universe.legs import Legs
from universe.session import Session

RESIDUAL = "rounding and limits"
"""Profit of the contracts held beyond what the sleeves asked for (rounding, buffer, risk cuts)."""

Progress = Callable[[int, int], None]


@dataclass(slots=True)
class _Log:
    """Rows of the run, by name, filled a session at a time."""

    rows: dict[str, list[Any]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def add(self, **values: Any) -> None:
        for name, value in values.items():
            self.rows.setdefault(name, []).append(value)

    def array(self, name: str) -> FloatArray:
        return np.array(self.rows[name])


class EmbeddedEngine:
    """Runs the strategy over a dataset.

    Parameters
    ----------
    dataset : Dataset
        Its markets, in its order, are the universe.
    settings : Settings
    """

    def __init__(self, dataset: Dataset, settings: Settings) -> None:
        if settings.markets != "all":
            dataset = dataset.select(settings.markets.split())
        if not dataset.markets:
            raise SettingsError(f"{dataset.name} holds no market; at least one is needed")
        self.dataset, self.settings = dataset, settings
        first = to_epoch_day(settings.first_day)
        self.first_day = first
        self.feed = Feed(dataset, first - settings.warmup_days, to_epoch_day(settings.last_day))
        if not np.any(self.feed.days >= first):
            raise SettingsError(
                f"{dataset.name} has no session between start {settings.start} and end "
                f"{settings.end}"
            )
        instruments = [history.instrument for history in dataset.markets.values()]
        self.strategy = Strategy(settings, instruments)
        self._expiry: list[dict[int, int]] = []
        for market, contracts in enumerate(self.feed.contracts()):
            self._expiry.append({contract.month: contract.expiry for contract in contracts})
            for contract in contracts:
                self.strategy.list_contract(market, contract)
        self.ledger = Ledger(
            instruments, settings.cash, impact=settings.impact, stress=settings.cost_stress
        )
        self._log = _Log()
        self._multiplier = np.array([instrument.multiplier for instrument in instruments])
        zero = np.zeros(self.strategy.assets.n)
        self._wished = dict.fromkeys(self.strategy.sleeves, zero)  # of the contracts held
        self._held: IntArray = np.zeros(self.strategy.assets.n, dtype=np.int64)
        self._last: Decision | None = None
        self._legs: Legs | None = None

    def run(self, progress: Progress | None = None) -> RunResult:
        """Walk all sessions; ``progress`` is called with (done, total)."""
        started = time.perf_counter()
        total = len(self.feed.days)
        thresholds = gc.get_threshold()
        gc.freeze()  # bars and record are kept to the end: walking them would take a quarter of it
        gc.set_threshold(100_000, 50, 1000)
        try:
            with threadpool_limits(limits=1):  # matrices of 60 markets are too small to share out
                for done, bars in enumerate(self.feed):
                    self.step(bars)
                    if progress is not None and (done % 64 == 0 or done + 1 == total):
                        progress(done + 1, total)
        finally:
            gc.set_threshold(*thresholds)
            gc.unfreeze()
        return self.result(time.perf_counter() - started)

    def step(self, bars: Bars) -> None:
        """One session: fills of yesterday's orders, then the decision for the next one."""
        session = bars.session
        ledger, strategy = self.ledger, self.strategy
        fx = strategy.observer.take_rates(session)
        gate = SessionGate(strategy.markets, session)
        spread_pnl = self._spread_pnl(session, gate, fx)
        book = ledger.trade_session(
            session.day, bars.open_of, session.quotes, fx, self._expiry, gate, bars.rolling
        )
        snapshot = strategy.observe(session)
        if session.day < self.first_day:
            self._legs = snapshot.legs
            return
        nav = ledger.nav(self._rates(fx), fx)
        decision = strategy.begin(Account(nav, ledger.holdings, ledger.pending())).finish()
        ledger.submit(decision.orders, snapshot.sigma_price)
        sleeves = self._by_sleeve(book, spread_pnl, decision, fx)
        self._record(decision, book, spread_pnl, sleeves)
        self._last, self._legs = decision, snapshot.legs

    def _rates(self, fx: FloatArray) -> dict[str, float]:
        rates = {"USD": 1.0}
        for instrument, rate in zip(self.strategy.instruments, fx.tolist(), strict=True):
            rates[instrument.currency] = rate
        return rates

    # --- record ----------------------------------------------------------------------------------
    def _record(
        self,
        decision: Decision,
        book: DayBook,
        spread_pnl: FloatArray,
        sleeves: dict[str, FloatArray],
    ) -> None:
        log, snapshot, risk = self._log, decision.snapshot, decision.risk
        codes, n, day = self.feed.codes, snapshot.n_markets, decision.day
        unit, multiplier = known(decision.target.unit_exposure), self._multiplier
        if snapshot.has_spreads:
            log.add(
                spread_pnl=spread_pnl,
                spread_targets=decision.contracts[n:],
                spread_contracts=decision.held[n:],
            )
        log.add(
            day=day,
            nav=decision.account.nav,
            pnl=book.pnl,
            cost=book.cost,
            roll_cost=book.roll_cost,
            contracts=decision.held[:n],
            targets=decision.contracts[:n],
            weight=(decision.contracts * unit)[:n],
            exante_vol=risk.vol,
            var_parametric=risk.var_parametric,
            var_historical=risk.var_historical,
            var_relative=decision.figures.get("var_relative", np.nan),
            var_held=risk.var_held,
            var_one_day=risk.var_one_day,
            es_one_day=risk.es_one_day,
            diversification_ratio=risk.diversification_ratio,
            risk_share=self._by_market(risk.share),
            drawdown=decision.figures.get("drawdown", np.nan),
            governor_scale=decision.left_by(DrawdownGovernor.NAME),
            gate_scale=decision.left_by(VarGate.NAME),
            active=decision.target.member[:n] | decision.target.member[-n:],
            fills=book.fills,
            closing_fees=self.ledger.last_closing_fees,
            carry_per_contract=snapshot.basis * multiplier * snapshot.fx,
            carry_source=snapshot.carry_source,
            target_contracts=[
                (codes[market], month, quantity)
                for market, legs in snapshot.legs.target_contracts(decision.contracts).items()
                for month, quantity in legs.items()
                if quantity
            ],
            orders=[(day, codes[o.market], o.month, o.quantity) for o in decision.orders],
        )
        for name, part in sleeves.items():
            log.add(**{f"sleeve {name}": part})
        log.add(**{f"scale {scale.name}": scale.value for scale in decision.scales})
        log.add(**{f"stage {verdict.name}": verdict.scale for verdict in decision.verdicts})
        log.add(**{f"forecast {name}": decision.forecasts[name] for name in self.strategy.sleeves})
        self._record_events(decision, book)

    def _record_events(self, decision: Decision, book: DayBook) -> None:
        events, codes, day = self._log.events, self.feed.codes, decision.day
        seen = decision.snapshot.observation
        for roll in seen.rolls:
            text = f"{roll.old} -> {roll.new} ({roll.reason})"
            events.append(Event(day, "roll", roll.market, text))
        for market, kind, text in [*seen.notes, *decision.notes]:
            kind = kind if kind in ("universe", "flip", "carry", "cap") else "data"
            events.append(Event(day, kind, codes[market], text))
        for verdict in decision.verdicts:
            kind = "gate" if verdict.name == VarGate.NAME else verdict.name
            events.extend(Event(day, kind, "", step) for step in verdict.steps)
        for fill in book.fills:
            if fill.reason == "expiry":
                text = f"{fill.month} expired while {-fill.quantity} were held, closed at last"
                events.append(Event(day, "expiry", fill.market, text))

    def _by_market(self, by_asset: FloatArray) -> FloatArray:
        n = len(self.strategy.instruments)
        return by_asset if len(by_asset) == n else by_asset[:n] + by_asset[n:]

    def _spread_pnl(self, session: Session, gate: SessionGate, fx: FloatArray) -> FloatArray:
        """What the spreads held into the session make in it, before its fills; (n_markets,)."""
        mark, n = self.ledger.mark, len(self.strategy.instruments)
        out, spreads_held = np.zeros(n), self._held[n:]
        for market in np.flatnonzero(spreads_held).tolist():
            change = 0.0
            for month, side in zip(self._legs_of(market), (1.0, -1.0), strict=True):
                before = mark.get((market, month), np.nan)
                close = session.quotes[market].get(month)
                if close is not None and close != before and gate.passes(market, month, close):
                    change += side * (close - before)
            out[market] = change * spreads_held[market]
        return np.asarray(known(out) * self._multiplier * known(fx))

    def _legs_of(self, market: int) -> tuple[int, int]:
        """Contract months of the spread that was held into the session."""
        if self._legs is None:
            return 0, 0
        return int(self._legs.near[market]), int(self._legs.far[market])

    def _by_sleeve(
        self, book: DayBook, spread_pnl: FloatArray, decision: Decision, fx: FloatArray
    ) -> dict[str, FloatArray]:
        """Profit of the session by sleeve, (n_markets,) each; what is left over is the residual.

        A sleeve earns on the contracts it asked for: those of the positions held into the session
        by its close, and the change of them from the fill to the close; what sleeves ask for
        against each other without a fill changes hands at the close. A spread's profit is what its
        legs made apart from each other, the rest of the market's is the outright position's.
        """
        n, held = len(self.strategy.instruments), decision.held
        overnight = book.overnight
        if decision.snapshot.has_spreads:
            overnight = np.concatenate([overnight - spread_pnl, spread_pnl])
        a_contract = overnight / np.where(self._held != 0, self._held, 1)
        moved = self._moves(book, fx, decision.snapshot.legs)
        out, residual = {}, book.pnl.copy()
        for name in self.strategy.sleeves:
            before = self._wished[name]
            self._wished[name] = now = np.where(held != 0, self._asked(name), 0.0)
            part = before * a_contract + (now - before) * moved
            out[name] = part[n:] if self.strategy.forecasts.on_spreads(name) else part[:n]
            residual -= out[name]
        out[RESIDUAL] = residual
        self._held = held
        return out

    def _moves(self, book: DayBook, fx: FloatArray, legs: Legs) -> FloatArray:
        """Account currency that a contract of each asset made from its fill to the close."""
        n = len(self.strategy.instruments)
        out = np.zeros(len(self._held))
        values = self._multiplier * known(fx)
        for market in {market for market, _ in book.moves}:
            value = values[market]
            month, near, far = (
                book.moves.get((market, int(months[market])), 0.0)
                for months in (legs.held_before, legs.near_before, legs.far_before)
            )
            out[market] = month * value
            if legs.spreads:
                out[n + market] = (near - far) * value
        return out

    def _spread_record(self) -> dict[str, Any]:
        if "spread_pnl" not in self._log.rows:
            return {}
        log = self._log
        held = ("spread_targets", "spread_contracts")
        return {
            "spread_pnl": log.array("spread_pnl"),
            **{name: np.array(log.rows[name], dtype=np.int64) for name in held},
        }

    def _asked(self, name: str) -> FloatArray:
        """What the sleeve asked for when the positions now held were decided."""
        if self._last is None:
            return np.zeros(len(self._held))
        return self._last.target.sleeve_contracts[name] * self._last.scale

    def result(self, seconds: float) -> RunResult:
        """The record of all sessions so far."""
        log, settings, dataset = self._log, self.settings, self.dataset
        sleeves = self.strategy.sleeves
        return RunResult(
            data_name=dataset.name,
            synthetic=dataset.synthetic,
            engine="embedded",
            settings=settings.as_strings(),
            settings_hash=settings.hash(),
            data_hash=dataset.fingerprint(),
            markets=list(self.feed.codes),
            classes=[str(i.asset_class) for i in self.strategy.instruments],
            day=np.array(log.rows["day"], dtype=np.int64),
            nav=log.array("nav"),
            pnl=log.array("pnl"),
            cost=log.array("cost"),
            roll_cost=log.array("roll_cost"),
            sleeve_pnl={
                name: log.array(f"sleeve {name}") for name in (*self.strategy.sleeves, RESIDUAL)
            },
            contracts=np.array(log.rows["contracts"], dtype=np.int64),
            targets=np.array(log.rows["targets"], dtype=np.int64),
            forecasts={name: log.array(f"forecast {name}") for name in sleeves},
            weight=log.array("weight"),
            exante_vol=log.array("exante_vol"),
            vol_target=settings.vol_target,
            var_parametric=log.array("var_parametric"),
            var_historical=log.array("var_historical"),
            var_relative=log.array("var_relative"),
            var_limit=settings.var_limit,
            var_one_day=log.array("var_one_day"),
            var_held=log.array("var_held"),
            es_one_day=log.array("es_one_day"),
            diversification_ratio=log.array("diversification_ratio"),
            risk_share=log.array("risk_share"),
            drawdown=log.array("drawdown"),
            governor_scale=log.array("governor_scale"),
            gate_scale=log.array("gate_scale"),
            active=np.array(log.rows["active"], dtype=bool),
            fills=[fill for fills in log.rows["fills"] for fill in fills],
            events=log.events,
            issues=list(dataset.issues),
            timings={"engine": seconds},
            scales={scale.NAME: log.array(f"scale {scale.NAME}") for scale in self.strategy.scales},
            stages={
                stage.NAME: log.array(f"stage {stage.NAME}") for stage in self.strategy.protections
            },
            closing_fees=log.array("closing_fees"),
            target_contracts=log.rows["target_contracts"],
            orders=[order for orders in log.rows["orders"] for order in orders],
            carry_per_contract=log.array("carry_per_contract"),
            carry_source=np.array(log.rows["carry_source"], dtype=np.int8),
            **self._spread_record(),
        )


def run_backtest(
    dataset: Dataset, settings: Settings, progress: Progress | None = None
) -> RunResult:
    """Run the strategy over ``dataset`` on the embedded engine.

    Parameters
    ----------
    dataset : Dataset
    settings : Settings
    progress : callable, optional
        Called with (sessions done, sessions in all).

    Raises
    ------
    SettingsError
        If the data has no session between start and end, or no market.
    """
    return EmbeddedEngine(dataset, settings).run(progress)
