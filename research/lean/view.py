"""A data set as LEAN can see it: what an export keeps, and what a reader gives back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np

from research.data.dataset import Dataset, FxHistory, MarketHistory
from research.data.errors import DataError
from research.lean.format import (
    HOURS_FILE,
    PROPERTIES_FILE,
    ContractCalendar,
    SymbolProperties,
    read_symbol_properties,
)
from research.lean.hours import MarketHours, MarketHoursDatabase
from universe.arrays import BoolArray, IntArray, from_epoch_day, to_epoch_day
from universe.instruments import Instrument, contract_differences

ACCOUNT_CURRENCY = "USD"


@dataclass(frozen=True, slots=True)
class MarketReport:
    """What became of one market.

    Attributes
    ----------
    bars, contracts, rolls : int
        Kept.
    not_sessions, not_listed, after_expiry, not_finite : int
        Bars dropped: on a day without a regular session in LEAN's calendar; of a contract that
        LEAN does not list; after LEAN's last trade date; with a price that is not finite.
    remapped : int
        Periods of the source's front-contract schedule that were moved or dropped, because the
        contract has no bar or had expired.
    expiry_differences : tuple of (contract month, source's epoch day, LEAN's epoch day)
        Contracts with bars whose last trade date differs from LEAN's, which is used.
    late_sessions : int
        Sessions whose bar LEAN delivers on a later New York date than their own.
    notes : tuple of str
        Further findings, a sentence each.
    """

    bars: int
    contracts: int
    rolls: int
    not_sessions: int
    not_listed: int
    after_expiry: int
    not_finite: int
    remapped: int
    expiry_differences: tuple[tuple[int, int, int], ...] = ()
    late_sessions: int = 0
    notes: tuple[str, ...] = ()

    @property
    def dropped(self) -> int:
        """Bars dropped for any reason."""
        return self.not_sessions + self.not_listed + self.after_expiry + self.not_finite


@dataclass(frozen=True, slots=True)
class LeanView:
    """A data set cut down to what LEAN can see.

    Attributes
    ----------
    dataset : Dataset
        With LEAN's expiries and only its sessions, contracts and front-contract schedule.
    reports : dict of str to MarketReport
        By code of the markets kept.
    skipped : dict of str to str
        Why a market was left out, by code.
    hours : dict of str to MarketHours
    calendars : dict of str to ContractCalendar
    pairs : dict of str to str
        LEAN's currency pair by currency ("EUR": "EURUSD", "JPY": "USDJPY").
    """

    dataset: Dataset
    reports: dict[str, MarketReport]
    skipped: dict[str, str]
    hours: dict[str, MarketHours]
    calendars: dict[str, ContractCalendar]
    pairs: dict[str, str]


def lean_view(
    dataset: Dataset,
    lean_data: str | Path,
    codes: Iterable[str] | None = None,
    database: MarketHoursDatabase | None = None,
) -> LeanView:
    """Cut a data set down to what LEAN can see of it.

    The research engine run on ``lean_view(ds, ...).dataset`` and LEAN run on the export of ``ds``
    see the same bars (U5, V1).

    Parameters
    ----------
    dataset : Dataset
    lean_data : path
        Folder with LEAN's market-hours and symbol-properties databases.
    codes : iterable of str, optional
        Markets to keep, by default all.
    database : MarketHoursDatabase, optional
        Instead of the one in ``lean_data``.

    Returns
    -------
    LeanView

    Raises
    ------
    DataError
        If a database is missing or malformed, or no market is left.
    KeyError
        If the data set does not hold one of ``codes``.
    """
    folder = Path(lean_data)
    if not folder.is_dir():
        raise DataError(f"{folder}: folder is missing; expected LEAN's data folder")
    if codes is not None:
        dataset = dataset.select(list(codes))
    database = database or MarketHoursDatabase(folder / HOURS_FILE)
    properties = read_symbol_properties(folder / PROPERTIES_FILE)
    view = LeanView(replace_markets(dataset, {}, {}), {}, {}, {}, {}, {})
    for code, history in dataset.markets.items():
        reason = _obstacle(history.instrument, dataset.fx, properties)
        if reason:
            view.skipped[code] = reason
            continue
        hours = database.future(history.instrument.market, code)
        calendar = ContractCalendar(history.instrument, hours)
        kept, report = restrict(history, hours, calendar)
        if not report.bars:
            view.skipped[code] = f"no bar that LEAN could use ({_dropped(report)})"
            continue
        notes = _differences(history.instrument, properties)
        view.dataset.markets[code] = kept
        view.reports[code] = replace(report, notes=report.notes + notes)
        view.hours[code], view.calendars[code] = hours, calendar
    if not view.dataset.markets:
        why = "; ".join(f"{code}: {reason}" for code, reason in view.skipped.items())
        raise DataError(f"{dataset.name}: no market can be given to LEAN ({why or 'no markets'})")
    for currency in sorted(_currencies(view.dataset)):
        pair = currency_pair(currency, properties)
        if pair and currency in dataset.fx:
            view.pairs[currency] = pair
            closed = database.forex_holidays(pair)
            view.dataset.fx[currency] = _fx_delivered(dataset.fx[currency], closed)
    return view


def replace_markets(
    dataset: Dataset, markets: dict[str, MarketHistory], fx: dict[str, FxHistory]
) -> Dataset:
    """The data set's name, label and issues with other contents."""
    return Dataset(dataset.name, dataset.synthetic, markets, fx, list(dataset.issues))


def restrict(
    history: MarketHistory, hours: MarketHours, calendar: ContractCalendar
) -> tuple[MarketHistory, MarketReport]:
    """One market with only LEAN's sessions, contracts and front-contract schedule.

    Bars on non-sessions, of contracts that LEAN does not list, after LEAN's last trade date or
    with a price that is not finite are dropped and counted; contracts without a bar go as well.
    """
    months = history.contract_month.tolist()
    listed = np.array([calendar.lists(month) for month in months], dtype=np.bool_)
    expiry = np.array(
        [calendar.expiry(m) if ok else -1 for m, ok in zip(months, listed, strict=True)],
        dtype=np.int64,
    )
    prices = np.stack([history.open, history.high, history.low, history.close])
    finite = np.all(np.isfinite(prices), axis=0)
    session = _sessions(history.day, hours)
    known = listed[history.contract]
    alive = history.day <= expiry[history.contract]
    keep: BoolArray = session & known & alive & finite
    used = np.zeros(len(months), dtype=np.bool_)
    used[history.contract[keep]] = True
    index = np.cumsum(used) - 1
    days = np.unique(history.day[keep])
    current = _in_force(history.mapped_from, days)
    wanted = [
        (int(history.mapped_from[i]), int(index[history.mapped_contract[i]]))
        for i in current
        if used[history.mapped_contract[i]]
    ]
    mapped_from, mapped_contract, moved = settle_mapping(wanted, days, expiry[used])
    kept = MarketHistory(
        history.instrument,
        history.contract_month[used],
        expiry[used],
        history.day[keep],
        index[history.contract[keep]],
        history.open[keep],
        history.high[keep],
        history.low[keep],
        history.close[keep],
        history.volume[keep],
        history.open_interest[keep],
        mapped_from,
        mapped_contract,
    )
    report = MarketReport(
        bars=len(kept.day),
        contracts=int(np.count_nonzero(used)),
        rolls=max(len(mapped_from) - 1, 0),
        not_sessions=int(np.count_nonzero(~session)),
        not_listed=int(np.count_nonzero(session & ~known)),
        after_expiry=int(np.count_nonzero(session & known & ~alive)),
        not_finite=int(np.count_nonzero(session & known & alive & ~finite)),
        remapped=moved + len(current) - len(wanted),
        expiry_differences=tuple(
            (months[i], int(history.expiry[i]), int(expiry[i]))
            for i in np.flatnonzero(used & (history.expiry != expiry))
        ),
        late_sessions=_late(days, hours),
        notes=() if len(mapped_from) else ("the source names no front contract: no map file",),
    )
    return kept, report


def _in_force(mapped_from: IntArray, days: IntArray) -> IntArray:
    """Positions of the front-contract periods that meet at least one session."""
    if not len(days):
        return np.zeros(0, dtype=np.int64)
    ends = np.append(mapped_from[1:], days[-1] + 1)
    return np.flatnonzero((ends > days[0]) & (mapped_from <= days[-1]))


def settle_mapping(
    periods: Iterable[tuple[int, int]], days: IntArray, expiry: IntArray
) -> tuple[IntArray, IntArray, int]:
    """A front-contract schedule that LEAN's map file can express.

    Parameters
    ----------
    periods : iterable of (epoch day, contract index), ascending
    days : int array
        The market's sessions, ascending.
    expiry : int array of shape (n_contracts,)

    Returns
    -------
    mapped_from, mapped_contract : int arrays
        Each period starts on a session, the first on the first one. A contract that has expired
        makes way for its successor; a repeated contract is one period; periods that would start
        after the last session are unknown yet and dropped.
    moved : int
        Periods whose start was changed for a reason other than a day without a session.
    """
    starts: list[int] = []
    contracts: list[int] = []
    moved = 0
    for day, contract in periods:
        if contracts:
            end = int(expiry[contracts[-1]])
            if day > end + 1 and expiry[contract] > end:
                following = int(np.searchsorted(days, end, side="right"))
                if following < len(days) and days[following] < day:
                    day = int(days[following])
                    moved += 1
        position = int(np.searchsorted(days, day))
        if position == len(days):
            break
        day = int(days[position])
        if starts and day <= starts[-1]:
            starts.pop()
            contracts.pop()
        if contracts and contracts[-1] == contract:
            continue
        starts.append(day)
        contracts.append(contract)
    if starts and starts[0] != days[0]:
        starts[0] = int(days[0])
        moved += 1
    return np.array(starts, dtype=np.int64), np.array(contracts, dtype=np.int64), moved


def currency_pair(
    currency: str, properties: Mapping[tuple[str, str, str], SymbolProperties]
) -> str | None:
    """The Oanda pair with which LEAN converts a currency into dollars, None if it has none."""
    for pair in (currency + ACCOUNT_CURRENCY, ACCOUNT_CURRENCY + currency):
        if ("oanda", pair, "forex") in properties:
            return pair
    return None


def _obstacle(
    instrument: Instrument,
    fx: Mapping[str, FxHistory],
    properties: Mapping[tuple[str, str, str], SymbolProperties],
) -> str:
    """Why LEAN cannot trade a market, empty if it can."""
    if not instrument.lean_listed:
        return "LEAN does not list it"
    if (instrument.market, instrument.code, "future") not in properties:
        return f"LEAN's symbol properties have no future {instrument.market} {instrument.code}"
    currency = instrument.currency
    if currency != ACCOUNT_CURRENCY:
        if currency_pair(currency, properties) is None:
            return f"LEAN has no pair that converts {currency}"
        if currency not in fx:
            return f"the data set has no {currency} rate, without which LEAN rejects every order"
    return ""


def _differences(
    instrument: Instrument, properties: Mapping[tuple[str, str, str], SymbolProperties]
) -> tuple[str, ...]:
    lean = properties[instrument.market, instrument.code, "future"]
    return contract_differences(instrument, lean.multiplier, lean.tick, lean.currency)


def _dropped(report: MarketReport) -> str:
    return (
        f"{report.not_sessions} on non-sessions, {report.not_listed} of contracts LEAN does not"
        f" list, {report.after_expiry} after expiry, {report.not_finite} not finite"
    )


def _currencies(dataset: Dataset) -> set[str]:
    used = {h.instrument.currency for h in dataset.markets.values()}
    used |= {h.instrument.fee_currency for h in dataset.markets.values()}
    return used - {ACCOUNT_CURRENCY}


def _sessions(days: IntArray, hours: MarketHours) -> BoolArray:
    unique, inverse = np.unique(days, return_inverse=True)
    is_session = [hours.is_trading_day(from_epoch_day(day)) for day in unique]
    return np.array(is_session, dtype=np.bool_)[inverse]


def _late(days: IntArray, hours: MarketHours) -> int:
    return sum(hours.is_late(from_epoch_day(day)) for day in days)


def _fx_delivered(history: FxHistory, closed: frozenset[date]) -> FxHistory:
    """Rates of weekdays the eve of which is no forex holiday: their rows are dated the day before.

    On the others LEAN still knows the rate of the session before only.
    """
    weekday = (history.day + 3) % 7 < 5  # 1970-01-01 was a Thursday
    holidays = [to_epoch_day(day) + 1 for day in closed]
    keep = weekday & ~np.isin(history.day, holidays)
    keep &= np.isfinite(history.rate) & (history.rate > 0)
    return FxHistory(history.currency, history.day[keep], history.rate[keep])
