"""Changes of unit in imported prices: from dollars to cents, a split contract, another magnifier.

All contracts of a market jump by one factor in a session and stay there. That is no return: the
sessions from there on are dropped, until the prices come back or a person has mended the data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from research.data.checks import robust_sigma
from research.data.contract_quotes import ContractBars
from research.data.issue_log import IssueLog
from universe.arrays import BoolArray, FloatArray, from_epoch_day
from universe.counts import count_text
from universe.quality import UNIT_RATIO, unit_factor

_LEAST_SIGMAS = 5.0  # a ratio near zero is no jump unless the move dwarfs the usual ones
_STEADY = 2.0  # the session after stands within this multiple of the jump's level


@dataclass(frozen=True, slots=True)
class UnitChange:
    """Sessions whose prices are in another unit than those before.

    Attributes
    ----------
    first, end : int
        Positions of the first such session and of the one after the last.
    factor : float
        Of the new prices to the old ones, a power of ten where it is near one.
    contracts : int
        That jumped together.
    """

    first: int
    end: int
    factor: float
    contracts: int


def unit_changes(bars: ContractBars, tick: float) -> list[UnitChange]:
    """Lasting jumps of all contracts by three times or more, or to a third or less.

    A jump counts once two sessions confirm each other, by prices that have moved and stand near.
    Until then the quality gate holds the market back, so that dropping the first of them changes no
    decision.
    """
    found: list[UnitChange] = []
    n, end = len(bars.sessions), 0
    for first in np.flatnonzero(_jumps(bars, tick)).tolist():
        if first < end:
            continue  # within a jump, or back from it
        before = _closes(bars, first - 1)
        level = float(np.median(list(before.values())))
        now, lasts, end = _closes(bars, first), False, first + 1
        ratios = [now[c] / before[c] for c in now.keys() & before.keys()]
        while end < n and not _is_back(after := _closes(bars, end), before, level):
            lasts = lasts or _lasts(now, after)
            now, end = after, end + 1
        end += 1
        factor = unit_factor(float(np.median(ratios)), 1.0)
        if lasts and factor is not None:
            found.append(UnitChange(first, end - 1, factor, len(ratios)))
    return found


def _jumps(bars: ContractBars, tick: float) -> BoolArray:
    """Sessions in which every contract stands beyond the ratio of its close the session before."""
    n = len(bars.sessions)
    row = bars.find(bars.session - 1, bars.contract)
    known = (row >= 0) & (bars.session > 0)
    known &= (bars.close > 0) & (bars.close[row] > 0)
    ratio = bars.close[known] / bars.close[row[known]]
    low, high = np.full(n, np.inf), np.zeros(n)
    np.minimum.at(low, bars.session[known], ratio)
    np.maximum.at(high, bars.session[known], ratio)
    jump = (np.isfinite(low) & (low >= UNIT_RATIO)) | ((high > 0) & (high * UNIT_RATIO <= 1.0))
    change = front_change(bars)
    sigma = np.maximum(robust_sigma(change), tick)
    small = np.abs(change) <= _LEAST_SIGMAS * sigma
    return np.asarray(jump & ~small)


def front_change(bars: ContractBars) -> FloatArray:
    """Change of each session's front contract since the session before; (n_sessions,).

    NaN where it was not quoted then.
    """
    n = len(bars.sessions)
    change = np.full(n, np.nan)
    here, before = np.arange(1, n), np.arange(n - 1)
    change[1:] = bars.closes(here, bars.front[1:]) - bars.closes(before, bars.front[1:])
    return change


def _closes(bars: ContractBars, session: int) -> dict[int, float]:
    first, end = np.searchsorted(bars.session, [session, session + 1])
    pairs = zip(bars.contract[first:end].tolist(), bars.close[first:end].tolist(), strict=True)
    return dict(pairs)


def _lasts(now: dict[int, float], after: dict[int, float]) -> bool:
    both = now.keys() & after.keys()
    steady = all(now[c] / _STEADY < after[c] < now[c] * _STEADY for c in both)
    return steady and any(now[c] != after[c] for c in both)


def _is_back(closes: dict[int, float], before: dict[int, float], level: float) -> bool:
    ratio = float(np.median([close / before.get(c, level) for c, close in closes.items()]))
    return 1.0 / UNIT_RATIO < ratio < UNIT_RATIO


def without_unit_changes(
    bars: ContractBars, code: str, tick: float, log: IssueLog
) -> tuple[ContractBars, BoolArray]:
    """The bars without sessions in another unit, which are reported.

    Returns
    -------
    bars : ContractBars
    kept : bool array
        Which of the given bars they are.
    """
    drop = np.zeros(len(bars.sessions), dtype=np.bool_)
    for change in unit_changes(bars, tick):
        drop[change.first : change.end] = True
        report_unit_change(bars, change, code, "dropped", log)
    if not drop.any():
        return bars, np.ones(len(bars.session), dtype=np.bool_)
    kept: BoolArray = ~drop[bars.session]
    position = np.cumsum(~drop) - 1
    left = ContractBars(
        bars.sessions[~drop],
        bars.months,
        bars.front[~drop],
        position[bars.session[kept]],
        bars.contract[kept],
        bars.close[kept],
    )
    return left, kept


def report_unit_change(
    bars: ContractBars, change: UnitChange, code: str, fate: str, log: IssueLog
) -> None:
    """Name the day, the factor, and what becomes of the sessions (``fate``)."""
    last = from_epoch_day(int(bars.sessions[change.end - 1]))
    log.add(
        code,
        "unit change",
        f"the closes of all {change.contracts} contracts jump to about {change.factor:g} times"
        f" those before and stay there to {last}: "
        f"{count_text(change.end - change.first, 'session')} {fate}, no"
        " profit of it and no trade; divide them by the factor in the source",
        int(bars.sessions[change.first]),
    )
