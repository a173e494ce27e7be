"""Stress tests over a run: bespoke shocks, and replays with what was known by the day (R5)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from research.engine.result import RunResult
from research.measures.tables import contract_values
from research.panels.markets import MarketPanel
from risk.replay import EpisodeMoves, PriceHistory, all_moves, replay
from risk.stress import StressResult, bespoke
from universe.arrays import FloatArray, from_epoch_day, to_epoch_day
from universe.instruments import Instrument


def price_history(panel: MarketPanel) -> PriceHistory:
    """Prices of a panel's markets held outright, for replays."""
    return PriceHistory(
        panel.codes,
        [str(instrument.asset_class) for instrument in panel.instruments],
        panel.day,
        panel.adjusted,
        panel.positive_price,
        panel.seen,
    )


class StressDesk:
    """All stress tests of one set of markets.

    Parameters
    ----------
    history : PriceHistory
    instruments : sequence of Instrument
        In the order of the history's columns.

    Raises
    ------
    ValueError
        If they are not the same markets in the same order.
    """

    def __init__(self, history: PriceHistory, instruments: Sequence[Instrument]) -> None:
        codes = [instrument.code for instrument in instruments]
        if codes != list(history.codes):
            raise ValueError("history and instruments must be the same markets in the same order")
        self._history, self._instruments, self._codes = history, list(instruments), codes
        self._moves: dict[int, list[EpisodeMoves]] = {}

    def tests(self, day: int, exposure: FloatArray) -> list[StressResult]:
        """Every test of a portfolio held on a day.

        Proxies are chosen once a year, on what was known when it began; an episode is replayed from
        the year after it on, so that no test knows more than its day.

        Parameters
        ----------
        day : int
            Epoch day.
        exposure : float array of shape (n_markets,)
            Signed exposure over NAV.
        """
        results = bespoke(exposure, self._instruments)
        moves = self._moves_of(from_epoch_day(day).year)
        return results + [replay(one, self._codes, exposure) for one in moves]

    def _moves_of(self, year: int) -> list[EpisodeMoves]:
        if year not in self._moves:
            new_year = from_epoch_day(0).replace(year=year)
            self._moves[year] = all_moves(self._history, to_epoch_day(new_year) - 1)
        return self._moves[year]


def held_exposure(result: RunResult) -> FloatArray:
    """Signed exposure over NAV of the positions held, (days, markets); 0 where nothing is."""
    worth = np.nan_to_num(result.contracts * contract_values(result))
    return np.asarray(worth / np.where(result.nav > 0, result.nav, np.inf)[:, None])


def weekly_stress(result: RunResult, desk: StressDesk) -> dict[int, list[StressResult]]:
    """Tests on the last session of every week, by epoch day (18f-4: at least weekly)."""
    exposure = held_exposure(result)
    week = (result.day + 3) // 7  # epoch day 0 was a Thursday; weeks begin on Mondays
    last = np.flatnonzero(np.diff(week, append=week[-1] + 1))
    days = result.day.tolist()
    return {days[row]: desk.tests(days[row], exposure[row]) for row in last.tolist()}
