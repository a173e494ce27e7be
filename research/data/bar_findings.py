"""What is doubtful in imported bars of any source, in words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from research.data import checks as data_checks
from research.data.contract_quotes import ContractBars
from research.data.dataset import FxHistory, MarketHistory
from research.data.issue_log import IssueLog
from universe.arrays import FloatArray, IntArray, from_epoch_day
from universe.instruments import Instrument

_MISMATCH_TICKS = 0.01


def report_late_bars(
    bars: ContractBars, expiry: IntArray, instrument: Instrument, log: IssueLog
) -> None:
    """Contracts that the source prices after they have expired."""
    late = bars.sessions[bars.session] > expiry[bars.contract]
    if late.any():
        log.add(
            instrument.code,
            "after expiry",
            f"{np.count_nonzero(late)} bars of {len(np.unique(bars.contract[late]))} contracts lie "
            "after the last trade date: kept",
        )


def report_doubts(
    bars: ContractBars, adjusted: FloatArray, instrument: Instrument, log: IssueLog
) -> FloatArray:
    """Outliers, gaps and disagreement with the adjusted series.

    Parameters
    ----------
    bars : ContractBars
    adjusted : float array of shape (n_sessions,)
        All NaN if there is none.
    instrument : Instrument
    log : IssueLog

    Returns
    -------
    float array of shape (n_sessions,)
        Change of each session's held contract since the session before, NaN where it was not
        quoted then.
    """
    code, tick = instrument.code, instrument.tick
    n = len(bars.sessions)
    change = np.full(n, np.nan)
    here, before = np.arange(1, n), np.arange(n - 1)
    change[1:] = bars.closes(here, bars.front[1:]) - bars.closes(before, bars.front[1:])
    log.add_days(
        code,
        "outlier",
        bars.sessions[data_checks.reverting_outliers(change, tick)],
        "price jumps by 20 robust sigmas and comes back: kept, the quality gate decides",
    )
    for row in data_checks.gaps(bars.sessions).tolist():
        first, last = int(bars.sessions[row - 1]), int(bars.sessions[row])
        log.add(code, "gap", f"no session between {from_epoch_day(first)} and this one", last)
    same_contract = bars.front[1:] == bars.front[:-1]
    error = np.abs(np.diff(adjusted) - change[1:])
    log.add_days(
        code,
        "adjusted differs",
        bars.sessions[1:][same_contract & (error > _MISMATCH_TICKS * tick)],
        "the adjusted series does not move like the held contract: both kept",
    )
    return change


def report_missing_fx(
    markets: Mapping[str, MarketHistory], fx: Mapping[str, FxHistory], log: IssueLog
) -> None:
    """Markets that cannot be valued in dollars."""
    for code, history in markets.items():
        currency = history.instrument.currency
        if currency != "USD" and currency not in fx:
            log.add(code, "no fx", f"no {currency}USD.csv: the market cannot be valued in USD")
