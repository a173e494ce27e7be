"""Signals, weights, contracts and risk of a run as long tables (000, 9. Data Schemas).

One row a session and market (``regime`` and ``risk``: a session), under the names of 000; a cell is
empty where a number is not known. ``docs/decisions.md`` says what every column is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from alpha.columns import Rows
from alpha.rules.rule import TREND
from alpha.rules.tsmom import MONTHS
from alpha.scaling import NORMAL_MEAN_ABS
from research.engine.result import RunResult
from research.measures.rolls import rolls_frame
from universe.arrays import TRADING_DAYS, BoolArray, FloatArray, from_epoch_day

REGIME = "regime"
"""Name of the exposure scale of the regime model, and of its table."""


def trend_table(result: RunResult) -> pd.DataFrame:
    """Momentum by horizon, the trend sleeve's forecast and momentum in standard deviations."""
    columns = {name: _unknown(result) for name in ("m3", "m6", "m12", "z")}
    if result.history_ret is not None and result.history_seen is not None:
        columns |= _momentum(result, result.history_ret, result.history_seen)
    signal = result.forecasts.get(TREND, _unknown(result))
    ordered = {name: columns[name] for name in ("m3", "m6", "m12")}
    return _long(result, {**ordered, "signal": signal, "z": columns["z"]})


def _momentum(result: RunResult, ret: FloatArray, seen: BoolArray) -> dict[str, FloatArray]:
    """Returns from each horizon ago to a month ago, in sessions of each market, and their z."""
    skip = int(float(result.settings.get("tsmom_skip_days", "21")))
    rows, days = Rows(seen), len(result.day)
    level = rows.take(ret).cumsum()
    recent = level.shift(skip)
    weights = np.array([float(result.settings.get(f"tsmom_weight_{m}", "1")) for m in MONTHS])
    weights = weights / weights.sum()
    parts = {name: recent - level.shift(lag) for name, lag in MONTHS.items()}
    counted = np.zeros(max(MONTHS.values()))  # how often each session's return is
    momentum = 0.0 * recent
    for weight, (name, lag) in zip(weights.tolist(), MONTHS.items(), strict=True):
        momentum = momentum + weight * parts[name]
        counted[skip:lag] += weight
    out = {f"m{name.removesuffix('m')}": rows.put(part)[-days:] for name, part in parts.items()}
    sigma = result.sigma if result.sigma is not None else _unknown(result)
    scale = np.where(sigma > 0, sigma, np.nan) * float(np.sqrt(np.sum(counted**2)))
    return out | {"z": rows.put(momentum)[-days:] / (scale * NORMAL_MEAN_ABS)}


def carry_table(result: RunResult) -> pd.DataFrame:
    """Annualised basis over price, and how it compares inside the class: z-score and rank.

    Both compare basis over volatility among the markets that may be traded; rank 1 is the highest.
    """
    basis, ratio = _unknown(result), _unknown(result)
    if result.carry_per_contract is not None and result.unit_value is not None:
        value = np.where(result.unit_value > 0, result.unit_value, np.nan)
        basis = result.carry_per_contract / value
    if result.sigma is not None:
        annual = result.sigma * np.sqrt(TRADING_DAYS)
        ratio = basis / np.where(annual > 0, annual, np.nan)
    compared = pd.DataFrame(np.where(result.active, ratio, np.nan))
    z, rank = _unknown(result), _unknown(result)
    for name in dict.fromkeys(result.classes):
        inside = [i for i, one in enumerate(result.classes) if one == name]
        part = compared[inside]
        spread = part.std(axis=1, ddof=0)
        away = part.sub(part.mean(axis=1), axis=0)
        z[:, inside] = away.div(spread.where(spread > 0), axis=0).to_numpy()
        rank[:, inside] = part.rank(axis=1, ascending=False).to_numpy()
    return _long(result, {"annualized_basis": basis, "z": z, "rank": rank})


def regime_table(result: RunResult) -> pd.DataFrame:
    """Probability of risk-off and the exposure it leaves, 1 without a regime model."""
    days = len(result.day)
    values = {
        "p_off": result.figures.get("p_off", np.full(days, np.nan)),
        "scale": result.scales.get(REGIME, np.ones(days)),
    }
    return _by_day(result, values)


def weights_table(result: RunResult) -> pd.DataFrame:
    """Exposure over NAV that each sleeve asks for, that of the contracts decided on, and its cap.

    ``sleeve_risk`` is what the market contributes to the forecast annual volatility: the rows of a
    session add up to ``port_vol``.
    """
    share = result.risk_share if result.risk_share is not None else _unknown(result)
    caps = _unknown(result)
    if result.position_limit is not None and result.unit_value is not None:
        caps = result.position_limit * result.unit_value / result.nav[:, None]
    sleeves = {f"w_{name.replace(' ', '_')}": part for name, part in result.sleeve_weight.items()}
    risk = share * result.exante_vol[:, None]
    kept = result.active | (result.targets != 0)
    values = {**sleeves, "w_net": result.weight, "sleeve_risk": risk, "caps": caps}
    return _long(result, values, kept)


def contracts_table(result: RunResult) -> pd.DataFrame:
    """Contracts decided on and held, the session's mean fill price, and cost over the notional.

    Costs are slippage and fees of the session's fills, in basis points.
    """
    index = {code: market for market, code in enumerate(result.markets)}
    row_of = {day: row for row, day in enumerate(result.day.tolist())}
    size, paid = np.zeros(result.pnl.shape), np.zeros(result.pnl.shape)
    for fill in result.fills:
        cell = row_of.get(fill.epoch_day), index[fill.market]
        if cell[0] is not None:
            size[cell] += abs(fill.quantity)
            paid[cell] += abs(fill.quantity) * fill.price
    traded = size > 0
    value = result.unit_value if result.unit_value is not None else _unknown(result)
    amount = np.where(traded & (value > 0), size * value, np.nan)
    values = {
        "target": result.targets.astype(np.float64),
        "actual": result.contracts.astype(np.float64),
        "px_fill": np.where(traded, paid / np.where(traded, size, 1.0), np.nan),
        "cost_bp": result.cost / amount * 1e4,
    }
    return _long(result, values, (result.targets != 0) | (result.contracts != 0) | traded)


def risk_table(result: RunResult) -> pd.DataFrame:
    """Forecast volatility, value at risk, drawdown and diversification ratio.

    ``proxied`` is how many positions enter the historical figure through another market's past.
    """
    ratio, proxied = result.diversification_ratio, result.var_proxies
    unknown = np.full(len(result.day), np.nan)
    values = {
        "port_vol": result.exante_vol,
        "VaR99_20d": np.fmax(result.var_parametric, result.var_historical),
        "drawdown": result.drawdown,
        "diversification_ratio": unknown if ratio is None else ratio,
        "proxied": unknown if proxied is None else proxied,
    }
    return _by_day(result, values)


ROLLS = "rolls"

TABLES: Mapping[str, Callable[[RunResult], pd.DataFrame]] = {
    "trend": trend_table,
    "carry": carry_table,
    REGIME: regime_table,
    "weights": weights_table,
    "contracts": contracts_table,
    "risk": risk_table,
    ROLLS: rolls_frame,
}
"""By name of the file."""


def _unknown(result: RunResult) -> FloatArray:
    return np.full(result.pnl.shape, np.nan)


def _dates(result: RunResult) -> list[str]:
    return [from_epoch_day(day).isoformat() for day in result.day.tolist()]


def _by_day(result: RunResult, values: Mapping[str, FloatArray]) -> pd.DataFrame:
    return pd.DataFrame({"date": _dates(result), **values})


def _long(
    result: RunResult, values: Mapping[str, FloatArray], kept: BoolArray | None = None
) -> pd.DataFrame:
    """A row a session and market, of those that are ``kept`` or have any number."""
    if kept is None:
        kept = np.any([np.isfinite(part) for part in values.values()], axis=0)
    row, column = np.nonzero(kept)
    dates, codes = np.array(_dates(result)), np.array(result.markets)
    return pd.DataFrame(
        {
            "date": dates[row],
            "symbol": codes[column],
            **{name: part[row, column] for name, part in values.items()},
        }
    )
