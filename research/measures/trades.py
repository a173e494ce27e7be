"""Trades as a reader counts them: a market's position from flat or reversal to flat or reversal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from research.engine.result import RunResult
from research.measures.tables import over_nav
from universe.arrays import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class RoundTrips:
    """All positions of a run, a row each, ordered by market and time.

    Attributes
    ----------
    market : int array of shape (n,)
        Index into the run's markets.
    side : int array of shape (n,)
        1 long, -1 short.
    first, last : int arrays of shape (n,)
        Epoch days of the first and the last close with the position.
    sessions : int array of shape (n,)
        Closes with the position, rolls being no end of it.
    profit : float array of shape (n,)
        After costs, over the NAV of the session before each day, added up.
    open : bool array of shape (n,)
        Held at the run's last close.
    """

    market: IntArray
    side: IntArray
    first: IntArray
    last: IntArray
    sessions: IntArray
    profit: FloatArray
    open: BoolArray


@dataclass(frozen=True, slots=True)
class TradeRow:
    """Closed positions of one asset class, or all; shares and profits are fractions.

    Attributes
    ----------
    name : str
    closed, open : int
    won : float
        Share of the closed ones with a profit.
    mean_win, mean_loss : float
        Over NAV; the loss is positive.
    profit_factor : float
        Sum of wins over sum of losses.
    median_sessions, mean_sessions, longest : float
        Holding period; the longest counts open positions too.
    long : float
        Share of closed positions that were long.
    """

    name: str
    closed: int
    open: int
    won: float
    mean_win: float
    mean_loss: float
    profit_factor: float
    median_sessions: float
    mean_sessions: float
    longest: float
    long: float


def round_trips(result: RunResult) -> RoundTrips:
    """Every position of the run.

    The profit of a session belongs to the position held into it, that of a first day to the
    position opened on it; all positions together make the markets' net profit over NAV.
    """
    side = np.sign(result.contracts)
    net = over_nav(result, result.pnl - result.cost)
    columns: list[dict[str, Any]] = []
    for market in range(len(result.markets)):
        held = side[:, market]
        before = np.concatenate([[0], held[:-1]])
        start = (held != 0) & (held != before)
        count = int(start.sum())
        if not count:
            continue
        number = np.where(held != 0, np.cumsum(start), 0)
        into = np.concatenate([[0], number[:-1]])
        owner = np.where(into != 0, into, number)
        rows = np.flatnonzero(start)
        sessions = np.bincount(number, minlength=count + 1)[1:]
        columns.append(
            {
                "market": np.full(count, market),
                "side": held[rows],
                "first": result.day[rows],
                "last": result.day[rows + sessions - 1],
                "sessions": sessions,
                "profit": np.bincount(owner, net[:, market], minlength=count + 1)[1:],
                "open": rows + sessions == len(held),
            }
        )
    kinds = {"profit": np.float64, "open": np.bool_}
    names = ("market", "side", "first", "last", "sessions", "profit", "open")
    return RoundTrips(
        **{
            name: np.concatenate([c[name] for c in columns] or [np.zeros(0)]).astype(
                kinds.get(name, np.int64)
            )
            for name in names
        }
    )


def trade_table(result: RunResult, trips: RoundTrips | None = None) -> list[TradeRow]:
    """One row per asset class and one for all."""
    trips = trips or round_trips(result)
    label = np.array(result.classes, dtype=object)[trips.market]
    names = sorted(set(result.classes))
    masks = [(name, np.asarray(label == name)) for name in names]
    return [_row(name, trips, inside) for name, inside in [*masks, ("all", trips.sessions > 0)]]


def _row(name: str, trips: RoundTrips, inside: BoolArray) -> TradeRow:
    closed = inside & ~trips.open
    profit, sessions = trips.profit[closed], trips.sessions[closed]
    wins, losses = profit[profit > 0], -profit[profit <= 0]
    return TradeRow(
        name,
        int(closed.sum()),
        int((inside & trips.open).sum()),
        _mean(profit > 0),
        _mean(wins),
        _mean(losses),
        float(wins.sum() / losses.sum()) if losses.sum() > 0 else float("nan"),
        float(np.median(sessions)) if len(sessions) else float("nan"),
        _mean(sessions),
        float(trips.sessions[inside].max()) if inside.any() else float("nan"),
        _mean(trips.side[closed] > 0),
    )


def _mean(values: FloatArray | IntArray | BoolArray) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
