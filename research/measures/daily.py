"""The daily record of a run as one table."""

from __future__ import annotations

import numpy as np
import pandas as pd

from research.engine.result import RunResult
from research.measures.activity import GATE, GOVERNOR, brakes
from research.measures.performance import (
    ROLLING_SESSIONS,
    binding_var,
    drawdown_series,
    returns_of,
    rolling_vol,
)
from research.measures.tables import gross_exposure, held_overnight
from universe.arrays import FloatArray

OPTIONAL = (
    "var_held",
    "es_one_day",
    "diversification_ratio",
    "var_proxies",
    "interest",
    "fx_cash",
    "sweep_cost",
)
"""Daily series that a run may record beside those that all have."""


def daily_frame(result: RunResult) -> pd.DataFrame:
    """One row per session, indexed by date; NaN where a number is not known.

    Columns are fractions of NAV unless money is meant (nav, pnl, cost, roll_cost, interest,
    fx_cash, sweep_cost) or a count (markets_active, markets_held, var_proxies). ``NAME_scale`` is
    the exposure left by each scale and risk stage of the record.
    """
    nothing = np.array([np.nan])
    columns: dict[str, FloatArray] = {
        "nav": result.nav,
        "net_return": np.concatenate([nothing, returns_of(result)]),
        "gross_return": np.concatenate([nothing, returns_of(result, gross=True)]),
        "drawdown": drawdown_series(result.nav),
        f"realised_vol_{ROLLING_SESSIONS}": rolling_vol(result),
        "exante_vol": result.exante_vol,
        "var_parametric": result.var_parametric,
        "var_historical": result.var_historical,
        "var_binding": binding_var(result),
        "var_relative": result.var_relative,
        "var_one_day": result.var_one_day,
        "governor_scale": result.governor_scale,
        "gate_scale": result.gate_scale,
        **{
            f"{'_'.join(name.lower().split())}_scale": left
            for name, (_, left) in brakes(result).items()
            if name not in (GOVERNOR, GATE)
        },
        "gross_exposure": gross_exposure(result),
        "net_exposure": np.nan_to_num(result.weight).sum(axis=1),
        "markets_active": result.active.sum(axis=1).astype(np.float64),
        "markets_held": held_overnight(result).sum(axis=1).astype(np.float64),
        "pnl": result.pnl.sum(axis=1),
        "cost": result.cost.sum(axis=1),
        "roll_cost": result.roll_cost.sum(axis=1),
    }
    for name in OPTIONAL:
        values: FloatArray | None = getattr(result, name)
        if values is not None:
            columns[name] = np.asarray(values, dtype=np.float64)
    benchmark = result.benchmark
    if benchmark is not None:
        columns["benchmark_return"] = np.concatenate([nothing, benchmark.returns[1:]])
    dates = pd.DatetimeIndex(result.day.astype("datetime64[D]").astype("datetime64[ns]"))
    return pd.DataFrame(columns, index=dates.rename("date"))
