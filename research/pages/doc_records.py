"""What the documents show of the defaults' run beside its headline: VaR, carry and sleeves."""

from __future__ import annotations

from typing import Any

import numpy as np

from research.engine.result import RunResult
from research.measures.attribution import attribute
from research.measures.capture_interval import capture_interval
from research.measures.performance import calendar, returns_of, var_confidence
from research.measures.sleeve_views import State, StateProfit, agreement, agreement_table
from research.pages.text import percent, signed
from risk.var_backtest import backtest

DECADE = 10


def book_figures(result: RunResult) -> dict[str, Any]:
    """Backtest of VaR by decade, carry and spot, and whether the sleeves agree, as text."""
    return {
        "coverage": _coverage(result),
        "carry": _carry(result),
        "agreement": _agreement(result),
    }


def _coverage(result: RunResult) -> list[dict[str, str]]:
    """One-day VaR held against what happened, by decade and in all."""
    earned, var = returns_of(result), result.var_one_day[:-1]
    decade = calendar(result.day[1:])[0] // DECADE * DECADE
    rows = []
    for first in [*sorted(set(decade.tolist())), None]:
        inside = np.ones(len(decade), dtype=bool) if first is None else decade == first
        found = backtest(earned[inside], var[inside], var_confidence(result))
        rows.append(
            {
                "years": "all" if first is None else f"{first}-{first + DECADE - 1}",
                "sessions": f"{found.sessions:,}",
                "exceptions": str(found.exceptions),
                "share": percent(found.exceptions / max(found.sessions, 1), 2),
                "proportion": signed(found.proportion.exact, 3),
                "independence": signed(found.independence.exact, 3),
                "joint": signed(found.joint.exact, 3),
            }
        )
    return rows


def _carry(result: RunResult) -> dict[str, str]:
    found = attribute(result)
    total = found.total().iloc[0]
    interval = capture_interval(found)
    return {
        "volatility": percent(found.volatility),
        "carry": percent(total["carry"], 0),
        "spot": percent(total["spot"], 0),
        "total": percent(total["total"], 0),
        "capture": percent(total["capture"], 0),
        "interval": f"{percent(interval.low, 0)} to {percent(interval.high, 0)}",
    }


def _agreement(result: RunResult) -> dict[str, str]:
    *_, row = agreement_table(result, agreement(result))
    return {
        **{f"share {state.name}": percent(row.share[state], 0) for state in row.share},
        "agree": _ratio(row.profit[State.AGREE]),
        "conflict": _ratio(row.profit[State.CONFLICT]),
        "trend agree": _ratio(row.trend[State.AGREE]),
        "trend conflict": _ratio(row.trend[State.CONFLICT]),
    }


def _ratio(profit: StateProfit) -> str:
    return f"{signed(profit.sharpe)} ± {signed(profit.error)}"
