"""Map, factor and margin files of a LEAN data folder, as text."""

from __future__ import annotations

import json
import math
from datetime import date

import numpy as np

from research.data.dataset import MarketHistory
from research.lean.format import MAP_END, MAPPING_MODES, ContractCalendar, number, sid
from universe.arrays import FloatArray, IntArray, from_epoch_day, to_epoch_day

DEPTHS = 3
"""Contracts behind the front one for which LEAN holds factors, the front one included."""

MARGIN_WINDOW = 60
"""Sessions over which the estimated margin measures the daily price change."""

_MARGIN_MINIMUM = 20
_INITIAL_STD, _MAINTENANCE = 4.0, 0.9
_FALLBACK = 0.05  # of the notional, for a market with too few sessions to measure
_FACTOR_SEARCH = 10  # sessions before a roll among which both closes are looked for
_LAST_ROW = to_epoch_day(MAP_END)
_PLACES = 12


def row_dates(history: MarketHistory) -> list[int]:
    """Last epoch day of every front-contract period; that of the last one is LEAN's 2050-12-31."""
    return [*(int(day) - 1 for day in history.mapped_from[1:]), _LAST_ROW]


def map_file(history: MarketHistory) -> str:
    """Continuous mapping by the source's own front contract, the same in all of LEAN's modes.

    LEAN takes the first row whose date is not before the day asked for, so a row carries the last
    day of its contract.
    """
    instrument = history.instrument
    exchange = instrument.market.upper()
    lines = [f"18991230,{instrument.code.lower()},{exchange}"]
    for last_day, contract in zip(row_dates(history), history.mapped_contract, strict=True):
        identifier = sid(instrument.code, instrument.market, int(history.expiry[contract]))
        stamp = from_epoch_day(last_day).strftime("%Y%m%d")
        lines += [f"{stamp},{identifier},{exchange},{mode}" for mode in MAPPING_MODES]
    return "\n".join(lines) + "\n"


def factor_file(history: MarketHistory, calendar: ContractCalendar) -> tuple[str, int]:
    """Back-adjustment factors at the rolls of the map file, for depths 0 to 2.

    The contract behind the front one is LEAN's: the next of the exchange's whole cycle. A roll
    whose two closes are not known on one of the ten sessions before it leaves the factor of its
    depth unchanged; a price that is not positive leaves the ratio unchanged.

    Returns
    -------
    text : str
        A JSON line per roll and mode.
    unknown : int
        Rolls of the front contract without a factor.
    """
    chains = [_chain(history, int(c), calendar) for c in history.mapped_contract]
    closes: list[dict[int, float]] = [{} for _ in history.contract_month]
    rows = zip(history.contract.tolist(), history.day.tolist(), history.close.tolist(), strict=True)
    for contract, day, close in rows:
        closes[contract][day] = close
    sessions = np.unique(history.day)
    rolls = len(chains) - 1
    gap = np.full((rolls, DEPTHS, 2), np.nan)
    for i in range(rolls):
        end = int(np.searchsorted(sessions, history.mapped_from[i + 1]))
        recent = sessions[max(end - _FACTOR_SEARCH, 0) : end][::-1].tolist()
        for depth in range(DEPTHS):
            old, new = chains[i][depth], chains[i + 1][depth]
            if old is not None and new is not None:
                gap[i, depth] = _closes(closes[old], closes[new], recent)
    difference = np.nan_to_num(gap[:, :, 1] - gap[:, :, 0])
    positive = np.nan_to_num(gap).min(axis=2) > 0
    ratio = np.divide(gap[:, :, 1], gap[:, :, 0], out=np.ones((rolls, DEPTHS)), where=positive)
    zeros = np.zeros((1, DEPTHS))
    ahead = np.concatenate([np.cumsum(difference[::-1], axis=0)[::-1], zeros])
    behind = -np.concatenate([zeros, np.cumsum(difference, axis=0)])
    ahead_ratio = np.concatenate([np.cumprod(ratio[::-1], axis=0)[::-1], zeros + 1])
    # LEAN reads no adjusted bar from before its first row's eve: that row stands before the data.
    first = (int(sessions[0]) - 1, 0)
    dated = [first, *((day, i) for i, day in enumerate(row_dates(history)))]
    lines = [
        _factor_line(from_epoch_day(day), mode, ahead_ratio[i], ahead[i], behind[i])
        for day, i in dated
        for mode in MAPPING_MODES
    ]
    return "\n".join(lines) + "\n", int(np.count_nonzero(np.isnan(gap[:, 0, 0])))


def _chain(history: MarketHistory, contract: int, calendar: ContractCalendar) -> list[int | None]:
    """Contract indices at depths 0 to 2, None where the data has no such contract."""
    month = int(history.contract_month[contract])
    chain: list[int | None] = []
    for _ in range(DEPTHS):
        at = int(np.searchsorted(history.contract_month, month))
        here = at < len(history.contract_month) and int(history.contract_month[at]) == month
        chain.append(at if here else None)
        month = calendar.next_month(month)
    return chain


def _closes(old: dict[int, float], new: dict[int, float], days: list[int]) -> tuple[float, float]:
    for day in days:
        if day in old and day in new:
            return old[day], new[day]
    return math.nan, math.nan


def _factor_line(
    day: date, mode: int, ratio: FloatArray, backward: FloatArray, forward: FloatArray
) -> str:
    def numbers(values: FloatArray) -> str:
        return "[" + ",".join(number(round(float(v), _PLACES) + 0.0) for v in values) + "]"

    return (
        f'{{"Date":{json.dumps(day.isoformat() + "T00:00:00")}'
        f',"BackwardsRatioScale":{numbers(ratio)}'
        f',"BackwardsPanamaCanalScale":{numbers(backward)}'
        f',"ForwardPanamaCanalScale":{numbers(forward)}'
        f',"DataMappingMode":{mode}}}'
    )


def estimate_margins(history: MarketHistory) -> str:
    """Margins from the daily price change, where the exchange's own history is not at hand.

    Initial margin is 4 standard deviations of the front contract's daily price change over the 60
    sessions before, times the multiplier; maintenance is 0.9 of it. At most one row a month, on
    its first session, in whole units of the quote currency; LEAN applies the first row to earlier
    dates as well. Real margins moved with volatility but not by this rule: an approximation.
    """
    multiplier = history.instrument.multiplier
    days, changes = _front_changes(history)
    sessions = np.unique(history.day)
    month = np.array([d.year * 12 + d.month for d in map(from_epoch_day, sessions)])
    firsts = sessions[np.concatenate([[True], np.diff(month) != 0])]
    lines = ["date,initial,maintenance"]
    for day in firsts.tolist():
        end = int(np.searchsorted(days, day))
        if end >= _MARGIN_MINIMUM:
            std = float(np.std(changes[max(end - MARGIN_WINDOW, 0) : end], ddof=1))
            lines.append(_margin_line(day, _INITIAL_STD * std * multiplier))
    if len(lines) == 1:
        notional = float(np.median(np.abs(history.close))) * multiplier
        lines.append(_margin_line(int(sessions[0]), _FALLBACK * notional))
    return "\n".join(lines) + "\n"


def _front_changes(history: MarketHistory) -> tuple[IntArray, FloatArray]:
    """Sessions and close-to-close changes of the front contract (any contract without a map)."""
    order = np.lexsort((history.day, history.contract))
    contract, day, close = history.contract[order], history.day[order], history.close[order]
    same = contract[1:] == contract[:-1]
    change, at, who = np.diff(close)[same], day[1:][same], contract[1:][same]
    if len(history.mapped_from):
        period = np.searchsorted(history.mapped_from, at, side="right") - 1
        front = history.mapped_contract[np.maximum(period, 0)] == who
        change, at = change[front], at[front]
    order = np.argsort(at, kind="stable")
    return at[order], change[order]


def _margin_line(day: int, initial: float) -> str:
    whole = max(math.ceil(initial), 1)
    stamp = from_epoch_day(day).strftime("%Y%m%d")
    return f"{stamp},{whole},{max(math.ceil(_MAINTENANCE * whole), 1)}"
