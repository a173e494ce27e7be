"""Where a run's return came from and what trading cost: attribution, turnover, tables (O1).

All shares are money over the NAV of the session before and add up over time without compounding.
The first session has no NAV before it and is left out; the engines start without positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from execution.costs import past_cost_factor
from execution.fills import ROLL, ROLLS, Fill
from research.engine.result import RunResult
from research.measures.performance import (
    VOL_BAND,
    annual_vol,
    calendar,
    drawdown_series,
    growth,
    returns_of,
    rolling_std,
    sharpe,
    var_exceptions,
)
from universe.arrays import BoolArray, FloatArray
from universe.instruments import Instrument

INTEREST = "interest on cash"
UNEXPLAINED = "cash, FX and closing fees"
"""NAV change that no market's profit or cost explains: currency moves on cash in other currencies,
the cost of changing it, and the change of the fees of closing all positions."""

COSTS = "costs"
REASONS = ("rebalance", "risk", "roll", "expiry")


@dataclass(frozen=True, slots=True)
class Turnover:
    """Traded notional over NAV by reason, each of shape (n_days,), buys and sells both counted.

    ``unvalued`` fills are in markets whose contract value the run does not show; they are not in.
    """

    parts: dict[str, FloatArray]
    unvalued: int


@dataclass(frozen=True, slots=True)
class Contributions:
    """Daily parts of a return; ``parts`` add up to ``total`` on every day, all (n_days,)."""

    parts: dict[str, FloatArray]
    total: FloatArray


@dataclass(frozen=True, slots=True)
class MarketRow:
    """One market over the run.

    Attributes
    ----------
    sessions : int
        In which it was active or held.
    gross, cost, net : float
        Sums of money over NAV.
    net_money : float
        Account currency.
    sharpe : float
        Of the net profit over NAV in those sessions, annual; NaN if it never moved.
    trades : int
        Fills other than rolls and expiries.
    rolls : int
        Sessions with a roll.
    contracts : float
        Mean of |contracts| over ``sessions``.
    """

    market: str
    asset_class: str
    sessions: int
    gross: float
    cost: float
    net: float
    net_money: float
    sharpe: float
    trades: int
    rolls: int
    contracts: float


@dataclass(frozen=True, slots=True)
class YearRow:
    """One calendar year: returns net, turnover and cost over NAV, exposure and markets as means."""

    year: int
    sessions: int
    ret: float
    vol: float
    sharpe: float
    drawdown: float
    turnover: float
    cost: float
    gross_exposure: float
    markets_held: float
    exceptions: int


@dataclass(frozen=True, slots=True)
class VolWindow:
    """Realised annual volatility over rolling windows of ``sessions``: quantiles and share in band.

    ``in_band`` is the share of windows within 10 % of the target (9-11 % at 10 %).
    """

    sessions: int
    windows: int
    low: float  # 5 %
    median: float
    high: float  # 95 %
    in_band: float


def base_nav(result: RunResult) -> FloatArray:
    """NAV of the session before, by session; NaN on the first and once NAV is not positive."""
    base = np.concatenate([[np.nan], result.nav[:-1]])[: len(result.nav)]
    base[1:][~(np.minimum.accumulate(result.nav[:-1]) > 0)] = np.nan
    return base


def over_nav(result: RunResult, money: FloatArray) -> FloatArray:
    """Money by session (and market) over the NAV before; 0 where there is none."""
    base = base_nav(result)
    return np.nan_to_num((money.T / base).T)


# --- contributions -------------------------------------------------------------------------------
def class_contributions(result: RunResult, *, net: bool = True) -> Contributions:
    """Return by asset class, and what no market explains.

    Parameters
    ----------
    result : RunResult
    net : bool
        True: after each class's slippage and fees, adding up to the net return; False: before
        them, adding up to the gross return.
    """
    money = result.pnl - result.cost if net else result.pnl
    share = over_nav(result, money)
    names = sorted(set(result.classes))
    column = np.array(result.classes)
    parts = {name: share[:, column == name].sum(axis=1) for name in names}
    return _explained(result, parts, net=net)


def sleeve_contributions(result: RunResult) -> Contributions:
    """Net return by sleeve (gross of costs), rounding and limits, costs, and the unexplained."""
    parts = {name: over_nav(result, money).sum(axis=1) for name, money in result.sleeve_pnl.items()}
    parts[COSTS] = -over_nav(result, result.cost).sum(axis=1)
    return _explained(result, parts, net=True)


def _explained(result: RunResult, parts: dict[str, FloatArray], *, net: bool) -> Contributions:
    total = np.concatenate([[0.0], returns_of(result, gross=not net)])[: len(result.nav)]
    if result.interest is not None and result.interest.any():
        parts = {**parts, INTEREST: over_nav(result, result.interest)}
    rest = total - np.sum(list(parts.values()), axis=0) if parts else total
    return Contributions({**parts, UNEXPLAINED: rest}, total)


# --- trading -------------------------------------------------------------------------------------
def contract_values(result: RunResult) -> FloatArray:
    """Notional of one contract in account currency, (days, markets).

    As the run recorded it, or else |weight| NAV / |targets| where there is a target; carried
    forward, then backward; NaN if never known.
    """
    if result.unit_value is not None:
        value = np.where(result.unit_value > 0, result.unit_value, np.nan)
    else:
        size = np.abs(result.targets)
        worth = np.abs(result.weight) * result.nav[:, None]
        value = np.where((size > 0) & (worth > 0), worth / np.maximum(size, 1), np.nan)
    return _fill_gaps(_fill_gaps(value)[::-1])[::-1]


def _fill_gaps(value: FloatArray) -> FloatArray:
    rows = np.where(np.isfinite(value), np.arange(len(value))[:, None], 0)
    last = np.maximum.accumulate(rows, axis=0)
    return np.asarray(np.take_along_axis(value, last, axis=0))


def turnover(result: RunResult) -> Turnover:
    """Sum of |quantity| x contract value over the NAV before, by session and reason.

    Two-sided: a round trip counts twice and a roll counts both legs. Rates markets dominate it,
    because a contract on short rates moves little per notional.
    """
    row = {int(day): i for i, day in enumerate(result.day)}
    column = {market: i for i, market in enumerate(result.markets)}
    value = over_nav(result, np.nan_to_num(contract_values(result)))
    by_reason: dict[str, list[Fill]] = {reason: [] for reason in REASONS}
    for fill in result.fills:
        if row.get(fill.epoch_day) and fill.market in column:
            reason = ROLL if fill.reason in ROLLS else fill.reason
            by_reason.setdefault(reason, []).append(fill)
    parts: dict[str, FloatArray] = {}
    unvalued = 0
    for reason, fills in by_reason.items():
        days = np.array([row[fill.epoch_day] for fill in fills], dtype=np.int64)
        markets = np.array([column[fill.market] for fill in fills], dtype=np.int64)
        size = np.array([abs(fill.quantity) for fill in fills], dtype=np.float64)
        worth = value[days, markets]
        unvalued += int(np.count_nonzero(worth == 0.0))
        if fills:
            traded = np.bincount(days, size * worth, minlength=len(result.day))
            parts[reason] = traded.astype(np.float64)
    return Turnover(parts, unvalued)


def costs(result: RunResult) -> dict[str, FloatArray]:
    """Costs over the NAV before, (n_days,): "trades" and "rolls" add up; "fees" are a part of both.

    Slippage is what is left after the fees.
    """
    rolls = over_nav(result, result.roll_cost).sum(axis=1)
    total = over_nav(result, result.cost).sum(axis=1)
    fees = np.zeros(len(result.day))
    row = {int(day): i for i, day in enumerate(result.day)}
    for fill in result.fills:
        if (i := row.get(fill.epoch_day)) is not None:
            fees[i] += fill.fee
    return {"trades": total - rolls, "rolls": rolls, "fees": over_nav(result, fees)}


def by_year(result: RunResult, series: FloatArray) -> dict[int, float]:
    """Sum of a daily series by calendar year."""
    year, _ = calendar(result.day)
    return {int(label): float(series[year == label].sum()) for label in np.unique(year)}


def held_overnight(result: RunResult) -> BoolArray:
    """Whether a market has a position at the close, spreads among them, (days, markets)."""
    held = result.contracts != 0
    if result.spread_contracts is not None:
        held = held | (result.spread_contracts != 0)
    return np.asarray(held)


def gross_by_market(result: RunResult) -> FloatArray:
    """Notional of the targets over NAV, (days, markets); both legs of calendar spreads count."""
    gross = np.abs(np.nan_to_num(result.weight))
    if result.spread_targets is not None:
        worth = np.abs(result.spread_targets) * np.nan_to_num(contract_values(result))
        gross = gross + 2.0 * worth / np.where(result.nav > 0, result.nav, np.inf)[:, None]
    return np.asarray(gross)


def gross_exposure(result: RunResult) -> FloatArray:
    """Sum of ``gross_by_market`` by session."""
    return np.asarray(gross_by_market(result).sum(axis=1))


# --- tables --------------------------------------------------------------------------------------
def market_table(result: RunResult) -> list[MarketRow]:
    """One row per market, in the result's order."""
    gross, cost = over_nav(result, result.pnl), over_nav(result, result.cost)
    trades = dict.fromkeys(result.markets, 0)
    rolls: dict[str, set[int]] = {market: set() for market in result.markets}
    for fill in result.fills:
        if fill.market not in trades:
            continue
        if fill.reason in ROLLS:
            rolls[fill.market].add(fill.epoch_day)
        elif fill.reason != "expiry":
            trades[fill.market] += 1
    rows = []
    for i, market in enumerate(result.markets):
        used = result.active[:, i] | (result.contracts[:, i] != 0) | (gross[:, i] != 0)
        net = gross[:, i] - cost[:, i]
        size = np.abs(result.contracts[used, i])
        rows.append(
            MarketRow(
                market,
                result.classes[i],
                int(used.sum()),
                float(gross[:, i].sum()),
                float(cost[:, i].sum()),
                float(net.sum()),
                float((result.pnl - result.cost)[1:, i].sum()),
                sharpe(net[used], result.sessions_a_year),
                trades[market],
                len(rolls[market]),
                float(size.mean()) if len(size) else 0.0,
            )
        )
    return rows


def year_table(result: RunResult) -> list[YearRow]:
    """One row per calendar year with a return."""
    returns, year = returns_of(result), calendar(result.day[1:])[0]
    excess, sessions = returns_of(result, excess=True), result.sessions_a_year
    traded = np.sum([*turnover(result).parts.values(), np.zeros(len(result.day))], axis=0)[1:]
    cost = over_nav(result, result.cost).sum(axis=1)[1:]
    exposure, held = gross_exposure(result)[1:], held_overnight(result).sum(axis=1)[1:]
    bad = calendar(np.array([e.day for e in var_exceptions(result)], dtype=np.int64))[0]
    rows = []
    for label in np.unique(year):
        inside = year == label
        rows.append(
            YearRow(
                int(label),
                int(inside.sum()),
                float(np.prod(1.0 + returns[inside]) - 1.0),
                annual_vol(returns[inside], sessions),
                sharpe(excess[inside], sessions),
                float(drawdown_series(growth(returns[inside])).max()),
                float(traded[inside].sum()),
                float(cost[inside].sum()),
                float(exposure[inside].mean()),
                float(held[inside].mean()),
                int(np.sum(bad == label)),
            )
        )
    return rows


def vol_windows(result: RunResult, lengths: tuple[int, ...] = (21, 63, 252)) -> list[VolWindow]:
    """Realised volatility per rolling window length against the target."""
    returns = returns_of(result)
    rows = []
    for length in lengths:
        vol = rolling_std(returns, length) * np.sqrt(result.sessions_a_year)
        vol = vol[np.isfinite(vol)]
        if not len(vol):
            continue
        low, median, high = np.quantile(vol, [0.05, 0.5, 0.95]).tolist()
        near = np.abs(vol - result.vol_target) <= VOL_BAND * result.vol_target
        rows.append(VolWindow(length, len(vol), low, median, high, float(near.mean())))
    return rows


def diversification(result: RunResult, window: int = 252) -> FloatArray:
    """Realised diversification ratio by session, NaN before ``window`` returns or when flat.

    Sum of the markets' volatilities of gross profit over NAV, over the volatility of their sum:
    1 if all positions move as one, sqrt(n) for n independent equal ones.
    """
    share = over_nav(result, result.pnl)[1:]
    single = rolling_std(share, window).sum(axis=1)
    together = rolling_std(share.sum(axis=1), window)
    alive = together > 1e-12
    ratio = np.where(alive, single / np.where(alive, together, 1.0), np.nan)
    return np.concatenate([[np.nan], ratio])[: len(result.day)]


def impact_paid(result: RunResult, instruments: Sequence[Instrument]) -> float:
    """Slippage beyond the half spread over NAV, summed over all fills; NaN where not recorded.

    Parameters
    ----------
    result : RunResult
    instruments : sequence of Instrument
        The run's markets.

    Notes
    -----
    With ``cost_vol_power`` what a day's half spread was is not recorded. A fill's point value is
    its market's value of a contract at the close over the fill's price, right to the day's move.
    """
    if result.unit_value is None or float(result.settings.get("cost_vol_power", "0")):
        return float("nan")
    stress = float(result.settings.get("cost_stress", "1"))
    half_spread = {instrument.code: instrument.half_spread for instrument in instruments}
    market = {code: k for k, code in enumerate(result.markets)}
    session = {day: k for k, day in enumerate(result.day.tolist())}
    total = 0.0
    for fill in result.fills:
        row, column = session.get(fill.epoch_day), market[fill.market]
        if row is None or not fill.price > 0:
            continue
        point = float(result.unit_value[row, column]) / fill.price
        past = past_cost_factor(fill.epoch_day, result.settings.get("past_costs", "today"))
        spread = past * stress * abs(fill.quantity) * half_spread[fill.market] * point
        if np.isfinite(spread):
            total += (fill.slippage - spread) / float(result.nav[row])
    return total


def participation(
    result: RunResult, instruments: Sequence[Instrument], quantile: float = 0.99
) -> float:
    """Share of a day's volume that the largest trades took: a quantile by fill; NaN without fills.

    Parameters
    ----------
    result : RunResult
    instruments : sequence of Instrument
        The run's markets.
    quantile : float

    Notes
    -----
    With ``volumes=fund`` the volumes are those of the fund as it began.
    """
    volume = {instrument.code: instrument.adv_contracts for instrument in instruments}
    grown = result.settings.get("volumes") == "fund"
    first = float(result.settings.get("cash", "nan"))
    nav = dict(zip(result.day.tolist(), result.nav.tolist(), strict=True))
    shares = [
        abs(fill.quantity) / volume[fill.market] * (first / nav[fill.epoch_day] if grown else 1.0)
        for fill in result.fills
        if fill.market in volume and fill.epoch_day in nav
    ]
    return float(np.quantile(shares, quantile)) if shares else float("nan")
