"""The front contract by open interest, for data that name none themselves."""

from __future__ import annotations

import numpy as np

from research.data.contract_quotes import ContractBars
from research.data.csv_tables import last_of_day
from research.data.issue_log import IssueLog
from universe.arrays import BoolArray, FloatArray, IntArray
from universe.instruments import Instrument
from universe.rolls import in_cycle

_WILD = 5.0
"""Multiple of a contract's own open interest before, beyond which a lead of a day is named."""


def open_interest_map(
    bars: ContractBars, open_interest: FloatArray, instrument: Instrument, log: IssueLog
) -> tuple[IntArray, IntArray]:
    """Sessions from which a contract is the front one, and which.

    A contract becomes the front one in the session after two in a row in which it had the highest
    open interest; a tie goes to the nearer contract. The front never steps back. It never skips a
    contract of the holding cycle either, unless the mapped one is no longer quoted: one wrong
    figure must not move a market a year ahead.

    Parameters
    ----------
    bars : ContractBars
    open_interest : float array of shape (n_bars,)
        NaN where unknown.
    instrument : Instrument
    log : IssueLog
        Receives leads that are not believed.

    Returns
    -------
    mapped_from : int array
        Epoch days, ascending.
    mapped_contract : int array
        Indices into ``bars.months``.
    """
    sessions, months = bars.sessions, bars.months
    in_hold = np.array([in_cycle(m, instrument.hold_months) for m in months.tolist()], np.bool_)
    known = np.flatnonzero(np.isfinite(open_interest) & (open_interest > 0))
    contract, session = bars.contract[known], bars.session[known]
    order = known[np.lexsort((-contract, open_interest[known], session))]
    leads = order[last_of_day(bars.session[order])]
    starts: list[int] = []
    fronts: list[int] = []
    doubts: dict[tuple[int, str], list[int]] = {}
    mapped = led = -1
    for row in leads.tolist():
        leader, at = int(bars.contract[row]), int(bars.session[row])
        if leader <= mapped:
            led = -1
        elif _skips(bars, in_hold, mapped, leader, at):
            doubts.setdefault((leader, "a nearer one of the cycle is quoted"), []).append(at)
            led = -1
        elif leader != led:
            if mapped >= 0 and _is_wild(bars, open_interest, row):
                doubts.setdefault((leader, "not before"), []).append(at)
            led = leader
        else:
            mapped, led = leader, -1
            if at + 1 < len(sessions):
                starts.append(int(sessions[at + 1]))
                fronts.append(leader)
    for (contract_index, why), rows in doubts.items():
        text = f"{months[contract_index]} has the highest on this day, but {why}"
        days = sessions[np.array(rows)]
        log.add_days(instrument.code, "open interest", days, f"{text}: the front contract stays")
    return np.array(starts, dtype=np.int64), np.array(fronts, dtype=np.int64)


def _skips(bars: ContractBars, in_hold: BoolArray, mapped: int, leader: int, session: int) -> bool:
    """Whether a quoted contract of the cycle lies between the mapped one, quoted too, and this."""
    if mapped < 0:
        return False
    first, end = np.searchsorted(bars.session, [session, session + 1])
    quoted = bars.contract[first:end]
    between = quoted[(quoted > mapped) & (quoted < leader)]
    return bool(np.any(quoted == mapped)) and bool(np.any(in_hold[between]))


def _is_wild(bars: ContractBars, open_interest: FloatArray, row: int) -> bool:
    earlier = open_interest[
        (bars.contract == bars.contract[row]) & (bars.session < bars.session[row])
    ]
    earlier = earlier[np.isfinite(earlier)]
    return len(earlier) > 0 and bool(open_interest[row] > _WILD * earlier[-1])
