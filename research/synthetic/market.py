"""A seeded, wholly artificial market: the embedded default data of the project.

No number of it is a market price. It has what the real one has: term structures with mean-reverting
carry and seasons, slow drifts, clustered volatility and fat tails, classes that move together, a
few crises, exchange holidays, contracts that hand over their volume before they expire, and some
of the dirt that a data source serves (``research.synthetic.defects``).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import numpy as np

from research.data.dataset import DataIssue, Dataset, FxHistory, MarketHistory
from research.synthetic.bars import daily_bars, log_price, volume_and_interest
from research.synthetic.contracts import contract_cycle, front_contract, quoted_contracts
from research.synthetic.defects import DEFECTS, has_carry_quotes, is_without_session, spoil
from research.synthetic.exchange_holidays import closed_days
from research.synthetic.models import DEFAULT_CODES, MarketModel, market_model
from research.synthetic.paths import FIRST, LAST, Path, World, weekdays
from universe.arrays import BoolArray, IntArray, to_epoch_day
from universe.instruments import AssetClass, Instrument, InstrumentMaster
from universe.master import MASTER

_FX_FUTURES = {"EUR": "6E", "JPY": "6J", "GBP": "6B", "CHF": "6S", "CAD": "6C"}
_OTHER_RATES = {"HKD": 0.128, "SGD": 0.65, "KRW": 0.0009}


def synthetic_market(
    seed: int = 7,
    start: date = date(2000, 1, 3),
    end: date = date(2024, 12, 31),
    codes: Iterable[str] | None = None,
    master: InstrumentMaster = MASTER,
) -> Dataset:
    """Simulate a market.

    Parameters
    ----------
    seed : int
        Not negative. The same seed gives the same data; a market's bars depend neither on the
        other markets nor on ``start`` and ``end``, which only cut.
    start, end : date
        First and last day, within 1991 and 2034.
    codes : iterable of str, optional
        Markets of the instrument master; by default 24 of all classes but crypto.
    master : InstrumentMaster

    Returns
    -------
    Dataset
        Flagged synthetic, its planted defects listed as issues.

    Raises
    ------
    ValueError
        If the dates are in the wrong order or outside the simulated span.
    universe.instruments.UnknownInstrumentError
        If a code is not in the master.
    """
    if not FIRST.year < start.year <= end.year <= LAST.year or start > end:
        raise ValueError(
            f"synthetic market: start {start} and end {end} must be ordered and within "
            f"{FIRST.year + 1} and {LAST.year}"
        )
    first_day, last_day = to_epoch_day(start), to_epoch_day(end)
    world = World(seed)
    instruments = [master[code] for code in (DEFAULT_CODES if codes is None else codes)]
    markets, issues = {}, []
    for instrument in instruments:
        history = _simulate(world, instrument, first_day, last_day)
        if len(history.day):
            markets[instrument.code] = history
        issues += [
            DataIssue(d.code, max(to_epoch_day(d.first), first_day), d.kind, f"planted: {d.detail}")
            for d in DEFECTS
            if d.code == instrument.code and d.first <= end and d.last >= start
        ]
    currencies = {instrument.currency for instrument in instruments} - {"USD"}
    fx = {
        currency: _exchange_rate(world, currency, first_day, last_day)
        for currency in sorted(currencies | set(_FX_FUTURES))
    }
    return Dataset(f"synthetic market (seed {seed})", True, markets, fx, issues)


def _path(world: World, instrument: Instrument) -> tuple[MarketModel, Path]:
    model = market_model(instrument)
    # volatility lives off the shocks of equities
    group = instrument.asset_class
    if group is AssetClass.VOLATILITY:
        group = AssetClass.EQUITY
    return model, world.path(instrument.code, group.value, model)


def _simulate(world: World, instrument: Instrument, first_day: int, last_day: int) -> MarketHistory:
    model, path = _path(world, instrument)
    cycle = contract_cycle(instrument, first_day, last_day)
    grid = weekdays()
    wanted = _is_session(instrument, grid) & (grid >= first_day) & (grid <= last_day)
    row, contract = quoted_contracts(cycle, np.flatnonzero(wanted), grid)
    front = front_contract(cycle, grid)
    keep = has_carry_quotes(world.seed, instrument.code, grid)[row] | (contract == front[row])
    row, contract = row[keep], contract[keep]

    close = np.exp(log_price(cycle, model, path, row, contract))
    bars = daily_bars(world.seed, instrument, path, row, close)
    spoil(instrument.code, grid[row], contract, bars)
    sessions = np.unique(row)
    new = np.ones(len(sessions), dtype=np.bool_)
    new[1:] = front[sessions[1:]] != front[sessions[:-1]]
    used, contract_index = np.unique(contract, return_inverse=True)
    return MarketHistory(
        instrument=instrument,
        contract_month=cycle.month[used],
        expiry=cycle.expiry[used],
        day=grid[row],
        contract=contract_index,
        mapped_from=grid[sessions[new]],
        mapped_contract=np.searchsorted(used, front[sessions[new]]),
        **bars,
        **volume_and_interest(world.seed, instrument, cycle, row, contract),
    )


def _is_session(instrument: Instrument, grid: IntArray) -> BoolArray:
    years = range(FIRST.year, LAST.year + 1)
    closed = [to_epoch_day(day) for year in years for day in closed_days(instrument.market, year)]
    return np.asarray(~np.isin(grid, closed) & ~is_without_session(instrument.code, grid))


def _exchange_rate(world: World, currency: str, first_day: int, last_day: int) -> FxHistory:
    """The spot of the currency's future, or a quiet rate of its own."""
    if currency in _FX_FUTURES:
        _, path = _path(world, MASTER[_FX_FUTURES[currency]])
    else:
        model = MarketModel(level=_OTHER_RATES.get(currency, 1.0), vol=0.05)
        path = world.path(f"rate {currency}", AssetClass.FX.value, model)
    grid = weekdays()
    keep = (grid >= first_day) & (grid <= last_day)
    return FxHistory(currency, grid[keep], np.exp(path.log_spot[keep]))
