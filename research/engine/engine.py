"""The embedded engine: contract-level, event-driven, daily, the same decisions as LEAN (V1)."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping

import numpy as np
from threadpoolctl import threadpool_limits

from algorithm.decision import Account, Decision
from algorithm.decision_line import SessionLine, header_of, in_units, line_of, session_of
from algorithm.decision_text import decision_text, end_text, header_text, session_text
from algorithm.settings import Settings, SettingsError
from algorithm.strategy import Strategy
from portfolio.contract_sizes import one_a_position
from research.data.dataset import Dataset
from research.engine.feed import Bars, Feed
from research.engine.ledger import Ledger
from research.engine.lined import LinedSession
from research.engine.moment import Moment, observed
from research.engine.result import RunResult
from research.engine.rows import Rows
from research.engine.sleeve_pnl import RESIDUAL, SleevePnl
from research.engine.tapes import moments
from research.engine.volume_history import VolumeHistory
from universe.arrays import FloatArray, to_epoch_day
from universe.legs import ContractKey, Legs
from universe.master import MASTER
from universe.session import Quotes

__all__ = ["RESIDUAL", "EmbeddedEngine", "run_backtest"]

Progress = Callable[[int, int], None]


class EmbeddedEngine:
    """Runs the strategy over a dataset.

    Parameters
    ----------
    dataset : Dataset
        Its markets, in its order, are the universe.
    settings : Settings
    record : callable, optional
        Takes every line of the run's record (``docs/decisions.md``) as text.
    """

    def __init__(
        self, dataset: Dataset, settings: Settings, record: Callable[[str], None] | None = None
    ) -> None:
        if settings.markets != "all":
            dataset = dataset.select(settings.markets.split())
        if not dataset.markets:
            raise SettingsError(f"{dataset.name} holds no market; at least one is needed")
        if settings.contract_sizes:
            own = [history.instrument for history in dataset.markets.values()]
            dataset = dataset.select([instrument.code for instrument in one_a_position(own)])
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
        self.strategy = Strategy(settings, instruments, MASTER.with_changes(dataset.own))
        self._lines = lines = self.strategy.lines
        self._expiry: list[dict[int, int]] = []
        for market, contracts in enumerate(self.feed.contracts()):
            self._expiry.append({contract.month: contract.expiry for contract in contracts})
            for contract in contracts:
                self.strategy.list_contract(market, contract)
        self._expiry = lines.per_line(self._expiry)
        self.ledger = Ledger(
            lines.instruments,
            settings.cash,
            impact=settings.impact,
            stress=settings.cost_stress,
            width=settings.spread_width,
            levy=settings.levies,
            past=settings.past_costs,
            spreads=self.strategy.planner.spread_rolls,
        )
        self.volumes = VolumeHistory(dataset)
        self.header = header_of(
            self.strategy,
            "embedded",
            data_name=dataset.name,
            data_hash=dataset.fingerprint(),
            synthetic=dataset.synthetic,
            issues=[(i.market, i.epoch_day, i.kind, i.detail) for i in dataset.issues],
        )
        self._record, self._rows = record, Rows(self.header)
        self._sleeves = SleevePnl(
            self.header.sleeves,
            self.header.spread_sleeves,
            np.array([instrument.multiplier for instrument in lines.markets]),
            spreads=self.header.spreads,
        )
        self._legs: Legs | None = None
        self.decision: Decision | None = None  # the last one

    def run(self, progress: Progress | None = None) -> RunResult:
        """Walk all sessions; ``progress`` is called with (done, total)."""
        started = time.perf_counter()
        total = len(self.feed.days)
        thresholds = gc.get_threshold()
        gc.freeze()  # bars and record are kept to the end: walking them would take a quarter of it
        gc.set_threshold(100_000, 50, 1000)
        if self._record is not None:
            self._record(header_text(self.header))
        try:
            with threadpool_limits(limits=1):  # matrices of 60 markets are too small to share out
                for done, moment in enumerate(self._moments()):
                    self._take(moment)
                    if progress is not None and (done % 64 == 0 or done + 1 == total):
                        progress(done + 1, total)
        finally:
            gc.set_threshold(*thresholds)
            gc.unfreeze()
        seconds = time.perf_counter() - started
        if self._record is not None:
            self._record(end_text({"engine": seconds}))
        return self.result(seconds)

    def _moments(self) -> Iterator[Moment]:
        """All sessions: from the tape, or observed and written to one where there is a cache."""
        return moments(self.dataset, self.settings, self.feed, self.strategy.observer)

    def step(self, bars: Bars) -> None:
        """One session: fills of yesterday's orders, then the decision for the next one."""
        for moment in observed(self.strategy.observer, [bars]):
            self._take(moment)

    def _take(self, moment: Moment) -> None:
        ledger, strategy, fx = self.ledger, self.strategy, moment.fx
        lined = LinedSession(moment, self._lines)
        before = self._lines.by_market(ledger.mark)
        book = ledger.trade_session(
            moment.day,
            lined.open_of,
            lined.quotes,
            lined.fx,
            self._expiry,
            lined.gate,
            lined.rolling,
        )
        marked = _Marked(moment.quotes, self._lines.by_market(ledger.mark))
        spread_pnl = self._sleeves.of_spreads(self._legs_table(), before, marked, fx)
        snapshot = strategy.take(moment.observe())
        self._legs = snapshot.legs
        if moment.day < self.first_day:
            self._write_session(session_of(snapshot))
            return
        settled = strategy.settle_cash(ledger.balance)
        ledger.settle(settled)
        nav = ledger.nav(self._rates(fx), lined.fx)
        account = Account(
            nav,
            ledger.holdings,
            ledger.pending(),
            ledger.pending_spreads(),
            book.fills,
            self.volumes.at(moment.day),
        )
        decision = strategy.begin(account).finish()
        self.decision = decision
        ledger.withdraw(decision.withdrawals)
        costs = strategy.order_sigma(decision), strategy.order_stress(decision)
        ledger.submit(decision.orders, costs[0], lined.quotes, costs[1])
        line = line_of(decision, strategy.lines, marked, book.fills, settled)
        book = lined.by_market(book)
        parts = self._sleeves.split(book, spread_pnl, decision.held, line.legs, fx)
        self._sleeves.decided(line.asked, line.scale)
        fees = ledger.last_closing_fees
        counted = in_units(line, self.header)
        self._rows.add(counted, book, decision.held, spread_pnl, parts, fees)
        if self._record is not None:
            self._record(decision_text(line, self.header))

    def _write_session(self, line: SessionLine) -> None:
        self._rows.add_session(line)
        if self._record is not None:
            self._record(session_text(line))

    def _legs_table(self) -> dict[int, tuple[int, int, int]]:
        """Contract months that the spreads held are in."""
        legs = self._legs
        if legs is None or not legs.spreads:
            return {}
        months = zip(legs.held.tolist(), legs.near.tolist(), legs.far.tolist(), strict=True)
        return dict(enumerate(months))

    def _rates(self, fx: FloatArray) -> dict[str, float]:
        rates = {"USD": 1.0}
        for instrument, rate in zip(self.strategy.instruments, fx.tolist(), strict=True):
            rates[instrument.currency] = rate
        return rates

    def result(self, seconds: float) -> RunResult:
        """The record of all sessions so far."""
        return self._rows.result({"engine": seconds})


class _Marked(dict[int, Mapping[int, float]]):
    """Closes by market, with the mark of a position in the place of a doubted one."""

    def __init__(self, quotes: Quotes, mark: Mapping[ContractKey, float]) -> None:
        super().__init__()
        self._quotes = quotes
        self._marks: dict[int, dict[int, float]] = {}
        for (market, month), price in mark.items():
            self._marks.setdefault(market, {})[month] = price

    def __missing__(self, market: int) -> Mapping[int, float]:
        quotes, marks = self._quotes[market], self._marks.get(market)
        found = self[market] = quotes if marks is None else {**quotes, **marks}
        return found


def run_backtest(
    dataset: Dataset,
    settings: Settings,
    progress: Progress | None = None,
    record: Callable[[str], None] | None = None,
) -> RunResult:
    """Run the strategy over ``dataset`` on the embedded engine.

    Parameters
    ----------
    dataset : Dataset
    settings : Settings
    progress : callable, optional
        Called with (sessions done, sessions in all).
    record : callable, optional
        Takes every line of the run's record (``docs/decisions.md``) as text.

    Raises
    ------
    SettingsError
        If the data has no session between start and end, or no market.
    """
    return EmbeddedEngine(dataset, settings, record).run(progress)
