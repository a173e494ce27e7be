"""Stress tests over a run: shocks, and replays with what was known by the day (R5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from alpha.panel import MarketPanel
from execution.costs import slippage
from research.engine.result import RunResult
from research.measures.held_book import (
    held_exposure,
    market_facts,
    model_of,
    return_index,
    unit_values,
)
from risk.replay import EPISODES, EpisodeMoves, PriceHistory, all_moves, not_yet, replay
from risk.stress import (
    Driven,
    StressResult,
    apply_moves,
    bespoke,
    bespoke_moves,
    correlation_to_one,
    liquidity,
    reverse_stress,
)
from universe.arrays import FloatArray, from_epoch_day, known, to_epoch_day

REVERSE_LOSS = 0.20
"""What the reverse stress loses: the absolute limit of VaR."""

AnyArray = np.ndarray[Any, Any]

LARGEST = 3
"""Markets that a remark on a stress names."""


def recorded_history(result: RunResult) -> PriceHistory:
    """Prices from a run's record: indices of the contracts held, warm-up included.

    Moves over an episode are then daily returns compounded, not a difference of prices.

    Raises
    ------
    ValueError
        If the run kept no history.
    """
    if result.history_seen is None or result.history_day is None:
        raise ValueError("the run kept no returns of its markets; stress tests need them")
    index = return_index(result)
    return PriceHistory(
        result.markets, result.classes, result.history_day, index, index, result.history_seen
    )


def history_with(own: PriceHistory, panel: MarketPanel) -> PriceHistory:
    """Prices of a run's record with a panel's in their place, for the markets that it has.

    Parameters
    ----------
    own : PriceHistory
        Of the record.
    panel : MarketPanel
        Of a data folder; markets that are not of the run do not count.
    """
    theirs = [k for k, code in enumerate(panel.codes) if code in own.codes]
    columns = [list(own.codes).index(panel.codes[k]) for k in theirs]
    day = np.union1d(own.day, panel.day)
    rows, new_rows = np.searchsorted(day, own.day), np.searchsorted(day, panel.day)

    def joined(mine: AnyArray, other: AnyArray, nothing: float) -> AnyArray:
        out = np.full((len(day), len(own.codes)), nothing, dtype=mine.dtype)
        out[rows] = mine
        out[:, columns] = nothing
        out[new_rows[:, None], columns] = other[:, theirs]
        return out

    return PriceHistory(
        own.codes,
        own.classes,
        day,
        joined(own.adjusted, panel.adjusted, np.nan),
        joined(own.price, panel.positive_price, np.nan),
        joined(own.seen, panel.seen, False),
    )


class StressDesk:
    """All stress tests of one set of markets.

    Parameters
    ----------
    history : PriceHistory
    instruments : sequence of Driven
        Instruments, or what a run kept of them, in the order of the history's columns.

    Raises
    ------
    ValueError
        If they are not the same markets in the same order.
    """

    def __init__(self, history: PriceHistory, instruments: Sequence[Driven]) -> None:
        codes = [instrument.code for instrument in instruments]
        if codes != list(history.codes):
            raise ValueError("history and instruments must be the same markets in the same order")
        self._history, self._codes, self._shocks = history, codes, bespoke_moves(instruments)
        self._moves: dict[int, list[EpisodeMoves]] = {}

    def tests(self, day: int, exposure: FloatArray) -> list[StressResult]:
        """Shocks and replays of a portfolio held on a day.

        Proxies are chosen once a year, on what was known when it began; an episode is replayed from
        the year after it on, so that no test knows more than its day.

        Parameters
        ----------
        day : int
            Epoch day.
        exposure : float array of shape (n_markets,)
            Signed exposure over NAV.
        """
        results = bespoke(exposure, self._shocks)
        moves = self._moves_of(from_epoch_day(day).year)
        return results + [replay(one, self._codes, exposure) for one in moves]

    def missing(self, day: int) -> list[str]:
        """Why episodes are not replayed on a day."""
        year = from_epoch_day(day).year
        there = {moves.episode.name for moves in self._moves_of(year)}
        known = _year_end(year)
        return [not_yet(episode, known) for episode in EPISODES if episode.name not in there]

    def _moves_of(self, year: int) -> list[EpisodeMoves]:
        if year not in self._moves:
            self._moves[year] = all_moves(self._history, _year_end(year))
        return self._moves[year]


def _year_end(year: int) -> int:
    """The last day of the year before."""
    return to_epoch_day(from_epoch_day(0).replace(year=year)) - 1


def desk_of(result: RunResult, panel: MarketPanel | None = None) -> StressDesk:
    """The desk of a run's own markets and returns, or of a panel's prices where it has them.

    Parameters
    ----------
    result : RunResult
    panel : MarketPanel, optional
        Prices that reach further back than the run's record.

    Raises
    ------
    ValueError
        If the run kept no history.
    """
    history = recorded_history(result)
    if panel is not None:
        history = history_with(history, panel)
    return StressDesk(history, market_facts(result))


def stress_of(result: RunResult, desk: StressDesk, row: int) -> list[StressResult]:
    """Every test of what was held on one row of a run."""
    exposure, codes = held_exposure(result, row), result.markets
    model = model_of(result, row)
    found = desk.tests(int(result.day[row]), exposure)
    found.append(correlation_to_one(model, exposure, 1))
    found.append(liquidity(exposure, _closing_cost(result, row)))
    reverse = reverse_stress(model, exposure, REVERSE_LOSS)
    if np.isfinite(reverse.distance):
        name = f"reverse: loses {100 * REVERSE_LOSS:.0f} %"
        order = np.argsort(reverse.parts)[:LARGEST].tolist()
        remarks = [f"{reverse.distance:.1f} daily standard deviations"]
        remarks += [
            f"{codes[k]} {100 * reverse.moves[k]:+.1f} %" for k in order if reverse.parts[k] < 0
        ]
        found.append(apply_moves(name, exposure, reverse.moves, tuple(remarks)))
    return found


def _closing_cost(result: RunResult, row: int) -> FloatArray:
    """Usual cost of closing every position over NAV; NaN where its volume or value is unknown."""
    value, nav = unit_values(result, row), float(result.nav[row])
    vol = np.zeros(len(value)) if result.sigma is None else known(result.sigma[row])
    out = np.zeros(len(result.markets))
    for k, facts in enumerate(market_facts(result)):
        held = int(result.contracts[row, k])
        if not held:
            continue
        if not (facts.adv_contracts > 0 and value[k] > 0 and nav > 0) or result.rate is None:
            out[k] = np.nan
            continue
        points = facts.multiplier * float(result.rate[row, k])
        price = float(value[k]) / points if points > 0 else np.nan
        concession = slippage(facts, held, float(vol[k]) * price)
        fee = facts.fee * (points / facts.multiplier if facts.fee_currency != "USD" else 1.0)
        out[k] = abs(held) * (concession * points + fee) / nav
    return out


def weekly_stress(result: RunResult, desk: StressDesk) -> dict[int, list[StressResult]]:
    """Tests on the last session of every week, by epoch day (18f-4: at least weekly)."""
    week = (result.day + 3) // 7  # epoch day 0 was a Thursday; weeks begin on Mondays
    last = np.flatnonzero(np.diff(week, append=week[-1] + 1))
    days = result.day.tolist()
    return {days[row]: stress_of(result, desk, row) for row in last.tolist()}
