"""What is doubtful in imported bars of any source, in words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from research.data import checks as data_checks
from research.data.contract_quotes import ContractBars
from research.data.dataset import FxHistory, MarketHistory
from research.data.issue_log import IssueLog
from research.data.units import front_change, report_unit_change, unit_changes
from universe.arrays import BoolArray, FloatArray, IntArray, from_epoch_day
from universe.counts import count_text
from universe.fx import BASE, FxGate
from universe.instruments import Instrument
from universe.quality import LEAST_RATIO, is_far

_MISMATCH_TICKS = 0.01
_SCALE_LIMITS = (0.002, 2.0)
"""The master's half spread over the median daily move; 61 real markets have 0.007 to 0.8."""
_LEAST_MOVES = 60
_VALUE_LIMITS = (1e3, 2e6)
"""Value of a contract in dollars; 61 real markets have 2,000 to 410,000."""
_COARSE = 0.95
_COARSE_CLOSES = 250
"""So many closes on multiples of ten ticks are no chance; of real ones a quarter is."""


def report_late_bars(
    bars: ContractBars, expiry: IntArray, instrument: Instrument, log: IssueLog
) -> None:
    """Contracts that the source prices after they have expired."""
    late = bars.sessions[bars.session] > expiry[bars.contract]
    if late.any():
        log.add(
            instrument.code,
            "after expiry",
            f"{np.count_nonzero(late)} bars of "
            f"{count_text(len(np.unique(bars.contract[late])), 'contract')} lie "
            "after the last trade date: kept",
        )


def report_doubts(
    bars: ContractBars, adjusted: FloatArray, instrument: Instrument, log: IssueLog
) -> FloatArray:
    """Outliers, gaps, missing sessions and disagreement with the adjusted series.

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
    change = front_change(bars)
    log.add_days(
        code,
        "outlier",
        bars.sessions[data_checks.reverting_outliers(change, tick)],
        "price jumps by 20 robust sigmas and comes back: kept, the quality gate decides",
    )
    for row in data_checks.gaps(bars.sessions).tolist():
        first, last = int(bars.sessions[row - 1]), int(bars.sessions[row])
        log.add(code, "gap", f"no session between {from_epoch_day(first)} and this one", last)
    sparse = data_checks.sparse_stretch(bars.sessions)
    if sparse is not None:
        first, last, share = sparse
        log.add(
            code,
            "sparse",
            f"only {share:.0%} of the business days to {from_epoch_day(last)} have a session: are"
            " rows lost?",
            first,
        )
    same_contract = bars.front[1:] == bars.front[:-1]
    error = np.abs(np.diff(adjusted) - change[1:])
    log.add_days(
        code,
        "adjusted differs",
        bars.sessions[1:][same_contract & (error > _MISMATCH_TICKS * tick)],
        "the adjusted series does not move like the held contract: both kept",
    )
    return change


def doubtful_prices(
    value: FloatArray, close: FloatArray, before: FloatArray, limit: FloatArray
) -> tuple[BoolArray, BoolArray]:
    """Opens, highs or lows that are no prices of their session.

    Parameters
    ----------
    value, close, before, limit : float arrays of one shape
        ``before`` is the contract's close before, NaN without one; ``limit`` as of ``is_far``.

    Returns
    -------
    none : bool array
        Zero or below where the close is above: no first trade, in an exchange's file.
    far : bool array
        Far from the close and from the close before.
    """
    none = (value <= 0) & (close > 0)
    near = ~is_far(value, close, limit) | (np.isfinite(before) & ~is_far(value, before, limit))
    return none, np.isfinite(value) & ~none & ~near


def move_limits(bars: ContractBars, tick: float) -> FloatArray:
    """Greatest move of each session's prices that is believed; (n_sessions,).

    20 robust sigmas of the front contract's moves before; half the price until they are known.
    """
    sigma = data_checks.robust_sigma(front_change(bars))
    price = np.abs(bars.closes(np.arange(len(bars.sessions)), bars.front))
    price = np.fmax(price, np.append(np.nan, price[:-1]))
    usual = data_checks.OUTLIER_SIGMAS * np.maximum(sigma, tick)
    return np.where(np.isfinite(usual), usual, LEAST_RATIO * price)


def report_bars(history: MarketHistory, log: IssueLog) -> None:
    """Doubtful prices of bars that stay as they are, because LEAN reads the same file."""
    instrument, close = history.instrument, history.close
    code, day, tick = instrument.code, history.day, instrument.tick
    sessions = np.unique(day)
    session = np.searchsorted(sessions, day)
    front = history.contract[np.searchsorted(session, np.arange(len(sessions)))]
    if len(history.mapped_from):
        period = np.searchsorted(history.mapped_from, sessions, side="right") - 1
        front = np.where(period >= 0, history.mapped_contract[np.maximum(period, 0)], front)
    months = history.contract_month
    bars = ContractBars(sessions, months, front, session, history.contract, close)
    waits = "orders wait for the next bar"
    none = data_checks.stands_for_none(close, tick)
    log.add_days(code, "no price", day[none], "close that stands for none: held back")
    log.add_days(code, "zero price", day[close == 0], "close of 0: held back")
    log.add_days(code, "negative price", day[(close < 0) & ~none], "close below 0: kept")
    limit = move_limits(bars, tick)[session]
    for name in ("open", "high", "low"):
        zero, far = doubtful_prices(getattr(history, name), close, closes_before(bars), limit)
        rest = f": {waits}" if name == "open" else ": kept"
        log.add_days(code, f"zero {name}", day[zero], f"{name} of 0 or below{rest}")
        text = f"{name} far from its close and the one before{rest}"
        log.add_days(code, f"far {name}", day[far], text)
    for change in unit_changes(bars, tick):
        report_unit_change(bars, change, code, "held back", log)
    report_doubts(bars, np.full(len(sessions), np.nan), instrument, log)


def closes_before(bars: ContractBars) -> FloatArray:
    """Each bar's close of the same contract before, NaN for its first."""
    before = np.full(len(bars.close), np.nan)
    order = np.lexsort((bars.session, bars.contract))
    again = np.diff(bars.contract[order]) == 0
    before[order[1:][again]] = bars.close[order[:-1][again]]
    return before


def report_markets(
    markets: Mapping[str, MarketHistory], fx: Mapping[str, FxHistory], log: IssueLog
) -> None:
    """What shows only in the markets together: ends, rates, units."""
    if not markets:
        return
    final = max(int(history.day[-1]) for history in markets.values())
    for code, history in markets.items():
        _report_end(code, int(history.day[-1]), final, log)
        _report_rates(history, fx.get(history.instrument.currency), log)
        _report_unit(history, fx.get(history.instrument.currency), log)
    needed = {history.instrument.currency for history in markets.values()} & fx.keys()
    for currency in sorted(needed):
        rates = fx[currency]
        for row in data_checks.gaps(rates.day).tolist():
            since = from_epoch_day(int(rates.day[row - 1]))
            log.add(currency, "fx gap", f"no rate between {since} and here", int(rates.day[row]))


def _report_end(code: str, last: int, final: int, log: IssueLog) -> None:
    missing = _business_days(last, final)
    if missing > data_checks.GAP_BUSINESS_DAYS:
        log.add(
            code,
            "ends early",
            f"last session; the data go on for {count_text(missing, 'business day')}, to "
            f"{from_epoch_day(final)}",
            last,
        )


def _report_rates(history: MarketHistory, rates: FxHistory | None, log: IssueLog) -> None:
    code, currency = history.instrument.code, history.instrument.currency
    if currency == BASE:
        return
    if rates is None or not len(rates.day):
        log.add(
            code,
            "no fx",
            f"no {currency} rate: the market cannot be valued in USD and is not traded",
        )
        return
    first, last = from_epoch_day(int(rates.day[0])), from_epoch_day(int(rates.day[-1]))
    text = f"{currency} rates are known from {first} to {last}"
    if _business_days(int(history.day[0]), int(rates.day[0])) > data_checks.GAP_BUSINESS_DAYS:
        log.add(code, "fx begins late", f"{text}: not traded before", int(history.day[0]))
    if _business_days(int(rates.day[-1]), int(history.day[-1])) > data_checks.GAP_BUSINESS_DAYS:
        log.add(code, "fx ends", f"{text}: no new position after", int(rates.day[-1]))


def _report_unit(history: MarketHistory, rates: FxHistory | None, log: IssueLog) -> None:
    """A whole market in another unit than the master's quote."""
    instrument, close = history.instrument, history.close
    order = np.lexsort((history.day, history.contract))
    moves = np.abs(np.diff(close[order]))[np.diff(history.contract[order]) == 0]
    moves = moves[moves > 0]
    doubts = []
    if len(moves) >= _LEAST_MOVES and instrument.half_spread > 0:
        multiple = instrument.half_spread / float(np.median(moves))
        if not _SCALE_LIMITS[0] <= multiple <= _SCALE_LIMITS[1]:
            doubts.append(f"the master's half spread is {multiple:.2g} times the median daily move")
    rate = 1.0 if instrument.currency == BASE else float(rates.rate[-1]) if rates else np.nan
    value = abs(float(np.median(close))) * instrument.multiplier * rate
    if value > 0 and not _VALUE_LIMITS[0] <= value <= _VALUE_LIMITS[1]:
        doubts.append(f"a contract would be worth {value:,.0f} USD")
    tens = close / (10.0 * instrument.tick)
    coarse = float(np.mean(np.abs(tens - np.rint(tens)) < 1e-3))
    if len(close) >= _COARSE_CLOSES and coarse >= _COARSE:
        doubts.append(f"{coarse:.0%} of the closes are multiples of ten ticks")
    if doubts:
        log.add(
            instrument.code,
            "unit",
            f"{'; '.join(doubts)}: are the prices in the quote of the master (multiplier"
            f" {instrument.multiplier:g}, tick {instrument.tick:g})?",
        )


def _business_days(first: int, last: int) -> int:
    return int(np.busday_count(*np.array([first, last]).astype("datetime64[D]")))


def believed_rates(rates: Mapping[str, FxHistory], log: IssueLog) -> dict[str, FxHistory]:
    """The rates that the quality gate believes on their own day; the others are reported.

    The same gate as in trading (``FxGate``): a rate that waits for a second one is left out, so
    that the last good one stands in for it in every home.
    """
    names = sorted(rates)
    if not names:
        return {}
    days = np.unique(np.concatenate([rates[name].day for name in names]))
    table = np.full((len(days), len(names)), np.nan)
    for column, name in enumerate(names):
        table[np.searchsorted(days, rates[name].day), column] = rates[name].rate
    gate = FxGate(names)
    trusted = np.empty_like(table)
    for row, day in enumerate(days.tolist()):
        gate.take(day, table[row])
        trusted[row] = gate.rate
    out = {}
    for column, name in enumerate(names):
        given = np.isfinite(table[:, column])
        kept = given & (table[:, column] == trusted[:, column])
        log.add_days(
            name,
            "outlier",
            days[given & ~kept],
            "rate far from the one before that no second one confirms: left out",
        )
        out[name] = FxHistory(name, days[kept], table[kept, column])
    return out
