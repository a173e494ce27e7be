"""Charts and statistics in LEAN."""

from __future__ import annotations

from typing import TYPE_CHECKING

from AlgorithmImports import FillGroupingMethod, FillMatchingMethod, TradeBuilder

from algorithm.decision import Decision
from algorithm.telemetry import ChartSet, RiskMonitor

if TYPE_CHECKING:
    from AlgorithmImports import QCAlgorithm

    from algorithm.context import TradingContext


class Charts:
    """Draws a point a week, live one a session: 77 years fit in the cloud's 4,000 points a series.

    Parameters
    ----------
    algorithm : QCAlgorithm
    context : TradingContext
    """

    def __init__(self, algorithm: QCAlgorithm, context: TradingContext) -> None:
        self._algorithm, settings = algorithm, context.strategy.settings
        self._every_session = bool(algorithm.live_mode)
        self._on = settings.charts != ChartSet.OFF
        self._monitor = RiskMonitor(
            context.strategy.instruments,
            settings.var_limit,
            full=settings.charts == ChartSet.FULL,
        )
        self._week = -1

    def decided(self, decision: Decision) -> None:
        """Follow a decision."""
        if not self._on:
            return
        self._monitor.take(decision)
        week = (decision.day + 3) // 7  # from Monday to Sunday
        if decision.is_blind or (week == self._week and not self._every_session):
            return
        self._week = week
        for chart, series in self._monitor.charts(decision).items():
            for name, value in series.items():
                self._algorithm.plot(chart, name, value)
        for name, text in self._monitor.runtime_statistics(decision).items():
            self._algorithm.set_runtime_statistic(name, text)

    def finish(self) -> None:
        """Hand over what the run came to."""
        for name, text in self._monitor.summary_statistics().items():
            self._algorithm.set_summary_statistic(name, text)


def count_trades_flat_to_flat(algorithm: QCAlgorithm) -> None:
    """LEAN's statistics of trades: one from the first contract to the last, not one a fill.

    A position is resized by a few contracts many times: each fill as a trade of its own would make
    them figures of rebalancing, which LEAN's statistics compute anew every few seconds.
    """
    algorithm.set_trade_builder(
        TradeBuilder(FillGroupingMethod.FLAT_TO_FLAT, FillMatchingMethod.FIFO)
    )
