"""What rolling cost: every roll of a run, and a table by market (E2)."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import pandas as pd

from execution.fills import ROLL, ROLLS, SPREAD, Fill
from research.engine.result import RunResult
from universe.arrays import from_epoch_day
from universe.master import MASTER
from universe.session import NO_CONTRACT


@dataclass(frozen=True, slots=True)
class RollRecord:
    """A market's roll fills of one session, of one kind.

    Attributes
    ----------
    market : str
    decided, day : int
        Epoch days of the decision, 0 where the run does not show it, and of the fills.
    sessions : int
        From one to the other, 0 where the decision is unknown.
    kind : str
        "roll spread" or "roll" (leg by leg).
    near, far : int
        First and last contract month of the roll, yyyymm; ``far`` is ``NO_CONTRACT`` where one
        month alone was traded and nothing taken to another: a close beside the roll.
    contracts : int
        Taken from one month to another; of legs that fill in different sessions, in the session in
        which the later one does.
    traded : float
        Half of what was traded: more than ``contracts`` by what a change of the target adds.
    paid, outright : float
        Slippage and fees in account currency, and what the same contracts would have paid leg by
        leg by the cost model.
    ticks, outright_ticks : float
        Slippage of either per contract, both legs, in ticks; NaN where unknown.
    """

    market: str
    decided: int
    day: int
    sessions: int
    kind: str
    near: int
    far: int
    contracts: int
    traded: float
    paid: float
    outright: float
    ticks: float
    outright_ticks: float


@dataclass(frozen=True, slots=True)
class RollRow:
    """A market's rolls over the run; see :class:`RollRecord`.

    Attributes
    ----------
    market : str
    rolls : int
        Sessions in which contracts were taken from one month to another.
    contracts : int
    spread_share : float
        Of the contracts, those rolled as calendar spreads.
    paid, outright : float
        Money.
    ticks, outright_ticks : float
        Mean slippage per contract.
    sessions : float
        Mean from the decision to the fills.
    longest : int
    """

    market: str
    rolls: int
    contracts: int
    spread_share: float
    paid: float
    outright: float
    ticks: float
    outright_ticks: float
    sessions: float
    longest: int

    @property
    def ratio(self) -> float:
        """Paid over what legs would have cost."""
        return self.paid / self.outright if self.outright else float("nan")


def roll_records(result: RunResult) -> list[RollRecord]:
    """Every roll of a run, by session and market.

    Notes
    -----
    What leaves one month and enters another since the next contract was chosen has been rolled;
    the rest of these fills changed the position and rolled nothing.
    """
    groups: dict[tuple[int, str, str], list[Fill]] = defaultdict(list)
    for fill in result.fills:
        if fill.reason in ROLLS:
            groups[(fill.epoch_day, fill.market, fill.reason)].append(fill)
    decided: dict[str, list[int]] = defaultdict(list)
    for event in result.events:
        if event.kind == "roll":
            decided[event.market].append(event.epoch_day)
    rows = {int(day): row for row, day in enumerate(result.day)}
    column = {market: i for i, market in enumerate(result.markets)}
    out = []
    under_way: dict[tuple[str, str, int], _UnderWay] = defaultdict(_UnderWay)
    for (day, market, kind), fills in groups.items():
        before = bisect_right(decided[market], day - 1)
        start = decided[market][before - 1] if before else 0
        known = day in rows and start in rows
        tick = _tick_value(result, rows.get(day), column[market])
        slip = sum(fill.slippage for fill in fills)
        alone = sum(fill.outright if kind == SPREAD else fill.slippage for fill in fills)
        fees = sum(fill.fee for fill in fills)
        traded = sum(abs(fill.quantity) for fill in fills) / 2.0
        contracts, near, far = under_way[market, kind, start].take(fills)
        out.append(
            RollRecord(
                market,
                start,
                day,
                rows[day] - rows[start] if known else 0,
                kind,
                near,
                far,
                contracts,
                traded,
                slip + fees,
                alone + fees,
                slip / traded / tick,
                alone / traded / tick,
            )
        )
    return out


class _UnderWay:
    """What has been bought and sold for one roll of a market so far."""

    def __init__(self) -> None:
        self._bought = self._sold = 0
        self._months: set[int] = set()

    def take(self, fills: list[Fill]) -> tuple[int, int, int]:
        """Contracts that a session's fills take from one month to another, from and to which."""
        before = min(self._bought, self._sold)
        self._bought += sum(max(fill.quantity, 0) for fill in fills)
        self._sold += sum(max(-fill.quantity, 0) for fill in fills)
        months = {fill.month for fill in fills}
        self._months |= months
        rolled = min(self._bought, self._sold) - before
        if rolled and len(months) == 1:  # the other leg has filled before
            months = self._months
        return rolled, min(months), max(months) if len(months) > 1 else NO_CONTRACT


def _tick_value(result: RunResult, row: int | None, market: int) -> float:
    """Account currency of one tick of one contract on a day, NaN where unknown."""
    code = result.markets[market]
    if row is None or result.point_value is None or code not in MASTER:
        return float("nan")
    return float(result.point_value[row, market]) * MASTER[code].tick


def roll_table(result: RunResult) -> list[RollRow]:
    """A row a market that was rolled, in the run's order, and the total behind them if any."""
    records = roll_records(result)
    rows = []
    for market in result.markets:
        mine = [record for record in records if record.market == market]
        if mine:
            rows.append(_row(market, mine))
    if rows:
        rows.append(_row("All", records, ticks=False))
    return rows


def _row(market: str, records: list[RollRecord], *, ticks: bool = True) -> RollRow:
    size = np.array([record.contracts for record in records])
    traded = np.array([record.traded for record in records])
    spread = np.array([record.kind == SPREAD for record in records])
    timed = [record.sessions for record in records if record.sessions]

    def mean(name: str) -> float:
        values = np.array([getattr(record, name) for record in records])
        return float(values @ traded / traded.sum()) if ticks else float("nan")

    return RollRow(
        market,
        len({(record.market, record.day) for record in records if record.contracts}),
        int(size.sum()),
        float(size[spread].sum() / size.sum()) if size.any() else 0.0,
        sum(record.paid for record in records),
        sum(record.outright for record in records),
        mean("ticks"),
        mean("outright_ticks"),
        float(np.mean(timed)) if timed else float("nan"),
        max(timed, default=0),
    )


def rolls_frame(result: RunResult) -> pd.DataFrame:
    """Every roll, a row each: ``tables/rolls.csv``."""
    names = {ROLL: "legs", SPREAD: "spread"}
    rows = [
        {
            "date": from_epoch_day(record.day).isoformat(),
            "symbol": record.market,
            "decided": from_epoch_day(record.decided).isoformat() if record.decided else "",
            "sessions": record.sessions,
            "as": names[record.kind],
            "near": record.near,
            "far": record.far or "",
            "contracts": record.contracts,
            "paid": record.paid,
            "outright": record.outright,
            "ticks": record.ticks,
            "outright_ticks": record.outright_ticks,
        }
        for record in roll_records(result)
    ]
    return pd.DataFrame(rows, columns=list(rows[0]) if rows else ["date", "symbol"])
