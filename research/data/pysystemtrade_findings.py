"""What is doubtful in imported pysystemtrade data, in words."""

from __future__ import annotations

import numpy as np

from research.data import checks as data_checks
from research.data.contract_quotes import (
    EXTENSION_SESSIONS,
    ContractBars,
    Extension,
    QuoteFindings,
)
from research.data.pysystemtrade_files import ADJUSTED, Source
from universe.arrays import FloatArray
from universe.counts import count_text


def report_no_carry(source: Source) -> None:
    """A market known by its adjusted series alone."""
    source.log.add(
        source.instrument.code,
        "no carry",
        f"only {ADJUSTED}/{source.adjusted.name}: one pseudo-contract, trend without "
        "carry; positions pay for the rolls that the calendar of its contracts says",
    )


def report_quotes(quotes: QuoteFindings, source: Source) -> None:
    """Decisions taken while snapshots became bars."""
    code, log = source.instrument.code, source.log
    log.add_days(
        code,
        "unsynchronised",
        quotes.unsynchronised,
        "no common contract ties an earlier snapshot to the last: its quotes are kept as they are",
    )
    log.add_days(
        code, "conflict", quotes.conflicting, "one contract at two prices: the carry column taken"
    )


def report_extension(extension: Extension, source: Source) -> None:
    """Bars that the importer made itself."""
    count = int(np.count_nonzero(extension.added))
    if count:
        source.log.add(
            source.instrument.code,
            "extended",
            f"{count} bars of {extension.rolls} rolled contracts carried on along the adjusted "
            f"series, at most {EXTENSION_SESSIONS} sessions after a quote "
            f"({extension.between_quotes} of them before a later quote)",
        )


def report_stale_carry(bars: ContractBars, source: Source) -> None:
    """Contracts other than the held one that stand still while it moves."""
    other = bars.contract != bars.front[bars.session]
    order = np.lexsort((bars.session, bars.contract))
    order = order[other[order]]
    stale = data_checks.in_equal_run(bars.close[order], bars.contract[order])
    session = bars.session[order][stale]
    moved = np.zeros(len(bars.sessions), dtype=np.bool_)
    held = bars.closes(np.arange(len(bars.sessions)), bars.front)
    moved[1:] = (held[1:] != held[:-1]) & (bars.front[1:] == bars.front[:-1])
    days = np.unique(session[moved[session]])
    if len(days):
        share = len(days) / len(bars.sessions)
        source.log.add(
            source.instrument.code,
            "stale carry",
            f"on {count_text(len(days), 'session')} ({share:.1%}) a carry or forward quote "
            "stands still for "
            f"{data_checks.STALE_RUN} or more while the held price moves: kept",
        )


def report_spread(spread_cost: float | None, change: FloatArray, source: Source) -> None:
    """A configured spread cost that cannot be right; the master's value is the one used."""
    if spread_cost is None:
        return
    scaled = spread_cost * source.instrument.source_scale
    multiple = data_checks.spread_multiple(scaled, change)
    if multiple is not None:
        same = abs(scaled - source.instrument.half_spread) <= 1e-6 * abs(scaled)
        source.log.add(
            source.instrument.code,
            "spread cost",
            f"csvconfig says {spread_cost:g}, {multiple:.3g} times the median daily move: "
            + ("used all the same, a market that hardly trades" if same else "not used"),
        )
