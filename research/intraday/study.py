"""Every algorithm on every recorded session: what it paid against its benchmarks (E1, E3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from algorithm.settings import Settings
from execution.planning import Past, Terms, plan_of
from execution.schedules import Algorithm
from execution.worker import Plan
from research.data.errors import DataError
from research.intraday.minutes import SessionBars, contracts_on, quote_days, session_bars
from research.intraday.simulate import Worked, work
from universe.arrays import FloatArray
from universe.instruments import Instrument

HALF_LIFE = 20.0
"""Sessions of the signal behind a parent, for the algorithm that asks for it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One parent in one session; costs are in ticks per contract and in basis points of price.

    Attributes
    ----------
    day, market, algorithm : str
    month, quantity, filled, children : int
    passive : bool
        Limits before it crosses.
    arrival_ticks, vwap_ticks, close_ticks : float
        Paid above (bought) or below (sold) the mid at the start, the mean price of the session's
        trades by volume, and the last mid.
    arrival_bp, vwap_bp : float
    participation : float
        Share of volume until the parent was done.
    waits : str
        Minutes without a child that was due, by reason.
    """

    day: str
    market: str
    algorithm: str
    month: int
    quantity: int
    filled: int
    children: int
    passive: bool
    arrival_ticks: float
    vwap_ticks: float
    close_ticks: float
    arrival_bp: float
    vwap_bp: float
    participation: float
    waits: str


def study(folder: Path, instrument: Instrument, quantity: int, cap: float) -> list[Row]:
    """Work a parent of ``quantity`` contracts, on both sides, through every session with quotes.

    Parameters
    ----------
    folder : Path
        LEAN data folder with minute trades and quotes.
    instrument : Instrument
    quantity : int
        Above 0.
    cap : float
        Share of volume of POV, at most 0.5.

    Raises
    ------
    DataError
        If there is no session with quotes.
    """
    rows: list[Row] = []
    before: list[SessionBars] = []
    for bars, month in sessions(folder, instrument):
        past = [b for b in before if len(b.minute) == len(bars.minute)]
        for algorithm in Algorithm:
            for passive in (0.0, 0.8) if algorithm is not Algorithm.OPEN else (0.0,):
                plan = plan_for(algorithm, instrument, quantity, cap, bars, past, passive)
                for side in (quantity, -quantity):
                    worked = work(bars, side, plan)
                    rows.append(_row(worked, bars, instrument, algorithm, month, passive > 0))
        before.append(bars)
    if not rows:
        raise DataError(
            f"{folder}: no session of {instrument.code} with minute quotes in its regular hours"
        )
    return rows


def sessions(folder: Path, instrument: Instrument) -> Iterator[tuple[SessionBars, int]]:
    """The most traded contract of every day with quotes in the regular session, and its month."""
    for day in quote_days(folder, instrument):
        volume = contracts_on(folder, instrument, day)
        if not volume:
            continue
        month = max(volume, key=lambda one: volume[one])
        bars = session_bars(folder, instrument, month, day)
        if np.isfinite(bars.bid).any() and bars.volume.sum() > 0:
            yield bars, month


def plan_for(
    algorithm: Algorithm,
    instrument: Instrument,
    quantity: int,
    cap: float,
    bars: SessionBars,
    past: list[SessionBars],
    passive: float = 0.0,
) -> Plan:
    """The plan of a session from the sessions before it alone; see ``execution.planning``."""
    minutes = len(bars.minute) - 1  # a child needs a quote of the minute before
    settings = Settings(
        execution_algorithm=str(algorithm), participation=cap, passive_share=passive
    )
    known = None
    if past:
        volumes = np.array([one.volume[1:] for one in past])
        known = Past(volumes, np.array([one.day.weekday() for one in past]))
    sigma = _daily_sigma(past, minutes)
    weekday, here = bars.day.weekday(), _daily_sigma([bars], minutes)
    terms = Terms(
        instrument.tick,
        sigma,
        instrument.multiplier,
        weekday,
        impact_sigma=here,
        half_life=HALF_LIFE,
    )  # the plan knows the past, the market that day's volatility
    return plan_of(settings, instrument, quantity, minutes, terms, known)[1]


def _daily_sigma(past: list[SessionBars], minutes: int) -> float:
    """Volatility of a session in price from the mids by the minute, NaN without any."""
    moves = [np.diff(0.5 * (one.bid + one.ask)) for one in past]
    seen = np.concatenate(moves) if moves else np.array([])
    seen = seen[np.isfinite(seen)]
    return float(seen.std()) * float(np.sqrt(minutes)) if len(seen) else float("nan")


def _row(
    worked: Worked,
    bars: SessionBars,
    instrument: Instrument,
    algorithm: Algorithm,
    month: int,
    passive: bool,
) -> Row:
    tick, price = instrument.tick, abs(worked.arrival)
    return Row(
        bars.day.isoformat(),
        instrument.code,
        str(algorithm),
        month,
        worked.quantity,
        worked.filled,
        len(worked.fills),
        passive,
        worked.cost(worked.arrival) / tick,
        worked.cost(worked.vwap) / tick,
        worked.cost(worked.close) / tick,
        worked.cost(worked.arrival) / price * 1e4,
        worked.cost(worked.vwap) / price * 1e4,
        worked.participation,
        "; ".join(f"{reason}: {count}" for reason, count in sorted(worked.waits.items())),
    )


def mean_costs(rows: list[Row]) -> list[tuple[str, bool, int, float, float, FloatArray]]:
    """By algorithm and whether passive: parents, share filled, participation and mean costs.

    The costs are arrival and vwap in basis points, and both in ticks.
    """
    out = []
    for name, passive in dict.fromkeys((row.algorithm, row.passive) for row in rows):
        mine = [row for row in rows if (row.algorithm, row.passive) == (name, passive)]
        costs = np.array(
            [[r.arrival_bp, r.vwap_bp, r.arrival_ticks, r.vwap_ticks] for r in mine if r.filled]
        )
        filled = sum(abs(row.filled) for row in mine) / sum(abs(row.quantity) for row in mine)
        share = float(np.mean([row.participation for row in mine if row.filled] or [np.nan]))
        none = np.full(4, np.nan)
        out.append(
            (name, passive, len(mine), filled, share, costs.mean(axis=0) if len(costs) else none)
        )
    return out
