"""The carry programmes side by side, as 003's exhibits compare them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alpha.rules import RULES
from research.engine.result import RunResult
from research.measures.performance import annual_vol, sharpe
from research.measures.tables import over_nav


@dataclass(frozen=True, slots=True)
class ProgrammeRow:
    """A sleeve by itself, gross of costs.

    Attributes
    ----------
    name : str
    leverage : float
        Gross exposure for 1 % of forecast annual volatility, both legs of a spread counted; mean
        over sessions with a position.
    expected : float
        Sharpe ratio at unchanged curves: carry a year of what the sleeve asks for over its forecast
        volatility, mean over the same sessions.
    realised : float
        Sharpe ratio of its profit over NAV.
    vol : float
        Annual volatility of that.
    """

    name: str
    leverage: float
    expected: float
    realised: float
    vol: float


def programme_table(result: RunResult) -> list[ProgrammeRow]:
    """One row per sleeve; empty where the run does not record what sleeves ask for.

    A trend sleeve stands in it for comparison: it is not sized by carry.
    """
    if not result.sleeve_carry:
        return []
    legs = {rule.SLEEVE: 2.0 if rule.ON_SPREADS else 1.0 for rule in RULES}
    rows = []
    for name, carry in result.sleeve_carry.items():
        vol = result.sleeve_vol[name]
        gross = legs.get(name, 1.0) * np.abs(np.nan_to_num(result.sleeve_weight[name])).sum(axis=1)
        there = (vol > 1e-9) & np.isfinite(carry)
        earned = over_nav(result, result.sleeve_pnl[name]).sum(axis=1)[1:]
        year = result.sessions_a_year
        rows.append(
            ProgrammeRow(
                name,
                float(np.mean(gross[there] / vol[there])) / 100.0 if there.any() else float("nan"),
                float(np.mean(carry[there] / vol[there])) if there.any() else float("nan"),
                sharpe(earned, year),
                annual_vol(earned, year),
            )
        )
    return rows
