"""The figures a reader asks for first, each with the sentence that defines it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from research.engine.result import RunResult
from research.measures.performance import (
    ROLLING_SESSIONS,
    Drawdown,
    annual_return,
    annual_vol,
    binding_var,
    elapsed_years,
    hit_rate,
    max_drawdown,
    returns_of,
    sharpe,
    skew,
    var_confidence,
    var_periods,
    worst_days,
)
from research.measures.tables import (
    costs,
    gross_exposure,
    held_overnight,
    turnover,
    vol_windows,
)
from research.pages.text import NONE, count_text, day_text, money, percent, signed
from universe.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class Figure:
    """A headline figure: what it is, in short, with detail, and by which definition.

    Those with ``tile`` open the report.
    """

    label: str
    value: str
    meaning: str
    detail: str = ""
    tile: bool = False

    @property
    def text(self) -> str:
        """Value and detail in one line."""
        return f"{self.value} ({self.detail})" if self.detail else self.value


def summary(result: RunResult) -> list[tuple[str, str]]:
    """Headline figures as (label, text)."""
    return [(figure.label, figure.text) for figure in headline_figures(result)]


def headline_figures(result: RunResult) -> list[Figure]:
    """Headline figures with their definitions, in reading order."""
    sections: tuple[Callable[[RunResult], list[Figure]], ...] = (_return, _risk, _limits, _trading)
    return [figure for section in sections for figure in section(result)]


def _return(result: RunResult) -> list[Figure]:
    net, gross = returns_of(result), returns_of(result, gross=True)
    years = elapsed_years(result.day)
    return [
        Figure(
            "Period",
            f"{day_text(int(result.day[0]))} to {day_text(int(result.day[-1]))}",
            "First and last session of the record; returns start with the second session.",
            count_text(len(result.day), "session"),
        ),
        Figure(
            "NAV",
            f"{money(float(result.nav[0]))} to {money(float(result.nav[-1]))}",
            "Net asset value at the first and the last close, in account currency.",
        ),
        Figure(
            "Annual return, net",
            percent(annual_return(net, years)),
            "Compound growth of NAV per calendar year after slippage and fees, without interest "
            "unless the engine pays it; gross adds every day's slippage and fees back to its "
            "return. Not shown below a quarter of a year.",
            f"gross {percent(annual_return(gross, years))}",
            tile=True,
        ),
        Figure(
            "Sharpe ratio, net",
            signed(sharpe(net)),
            "252 times the mean daily net return over annual volatility, in excess of zero, "
            "not of a bill rate.",
            f"gross {signed(sharpe(gross))}",
            tile=True,
        ),
        Figure(
            "Positive days",
            percent(hit_rate(net)),
            "Share of sessions with a gain among those with any change of NAV.",
        ),
        Figure(
            "Skewness",
            signed(skew(net)),
            "Third standardised moment of daily net returns; below zero the losses are the larger "
            "surprises.",
        ),
    ]


def _risk(result: RunResult) -> list[Figure]:
    windows = {row.sessions: row for row in vol_windows(result, (ROLLING_SESSIONS,))}
    window = windows.get(ROLLING_SESSIONS)
    worst, fall = worst_days(result, 1), max_drawdown(result)
    target = result.vol_target
    return [
        Figure(
            "Annual volatility",
            percent(annual_vol(returns_of(result))),
            "Standard deviation of daily net returns times the square root of 252.",
            f"target {percent(target)}",
            tile=True,
        ),
        Figure(
            f"{ROLLING_SESSIONS}-session volatility in band",
            percent(window.in_band, 0) if window else NONE,
            f"Share of rolling {ROLLING_SESSIONS}-session windows whose realised volatility is "
            f"between {percent(0.9 * target)} and {percent(1.1 * target)}.",
            f"median {percent(window.median)}" if window else "",
        ),
        Figure(
            "Maximum drawdown",
            percent(fall.depth) if fall else "none",
            "Deepest fall of NAV below its highest close so far.",
            _drawdown_text(fall),
            tile=True,
        ),
        Figure(
            "Worst day",
            percent(worst[0].ret) if worst else NONE,
            "Lowest daily net return.",
            day_text(worst[0].day) if worst else "",
        ),
    ]


def var_breaches(result: RunResult) -> int:
    """Sessions whose targets leave the gate above the limit the run was gated by."""
    test = result.settings.get("var_test", "absolute")
    above = np.zeros(len(result.day), dtype=bool)
    if test != "relative":
        above |= np.nan_to_num(binding_var(result)) > result.var_limit * (1 + 1e-9)
    if test != "absolute":
        limit = float(result.settings.get("var_relative_limit", "2"))
        above |= np.nan_to_num(result.var_relative) > limit * (1 + 1e-9)
    return int(np.count_nonzero(above))


def _limits(result: RunResult) -> list[Figure]:
    var, limit = binding_var(result), result.var_limit
    whole = var_periods(result)[-1]
    confidence = percent(var_confidence(result), 0)
    horizon = result.settings.get("var_horizon", "20")
    n = max(len(result.day), 1)
    governed = int(np.count_nonzero(result.governor_scale < 1 - 1e-9))
    gated = int(np.count_nonzero(result.gate_scale < 1 - 1e-9))
    return [
        Figure(
            f"Highest VaR {confidence}, {horizon} sessions",
            percent(_highest(var)),
            "Larger of the parametric and the historical value-at-risk of each close's targets, "
            "after the gate, over NAV.",
            f"mean {percent(_mean(var))}, limit {percent(limit)}",
            tile=True,
        ),
        Figure(
            "Sessions above the VaR limit",
            f"{var_breaches(result):,}",
            "Closes whose targets leave the gate with a VaR above the limit of the run's test; "
            "must be 0.",
        ),
        Figure(
            "One-day VaR exceptions",
            f"{whole.exceptions:,}",
            f"Sessions whose net loss exceeds the one-day {confidence} VaR of the positions held "
            "into them; the zone is the Basel traffic light by the cumulative binomial "
            "probability of that many or fewer (green below 95 %, yellow below 99.99 %, else "
            "red).",
            f"{signed(whole.expected, 1)} expected in {count_text(whole.sessions, 'session')}, "
            f"{whole.zone}",
            tile=True,
        ),
        Figure(
            "Drawdown governor active",
            percent(governed / n),
            "Share of sessions in which the governor allows less than full gross exposure.",
            f"{count_text(governed, 'session')}, "
            f"least share {percent(float(np.min(result.governor_scale)), 0)}",
        ),
        Figure(
            "VaR gate active",
            percent(gated / n),
            "Share of sessions in which the gate reduced the targets, and the least exposure it "
            "left.",
            f"{count_text(gated, 'session')}, "
            f"least share {percent(float(np.min(result.gate_scale)), 0)}",
        ),
    ]


def _trading(result: RunResult) -> list[Figure]:
    years = elapsed_years(result.day)
    traded = turnover(result)
    parts = {name: float(part.sum()) for name, part in traded.parts.items()}
    paid = {name: float(part.sum()) for name, part in costs(result).items()}
    total, rolls = sum(parts.values()), parts.get("roll", 0.0)
    missing = f", {traded.unvalued:,} fills without a value" if traded.unvalued else ""
    held = held_overnight(result).sum(axis=1)
    exposure = gross_exposure(result)
    return [
        Figure(
            "Turnover per year, x NAV",
            _per_year(total, years),
            "Notional of all fills, buys and sells both counted, over the NAV of the session "
            "before; a roll counts both legs. Short rates dominate it by their notional.",
            f"of it rolls {_per_year(rolls, years)}{missing}",
            tile=True,
        ),
        Figure(
            "Cost per year, % of NAV",
            _per_year(100 * (paid["trades"] + paid["rolls"]), years, 2),
            "Slippage and fees over the NAV of the session before, summed and divided by calendar "
            "years.",
            f"trades {_per_year(100 * paid['trades'], years, 2)}, "
            f"rolls {_per_year(100 * paid['rolls'], years, 2)}; "
            f"fees in both {_per_year(100 * paid['fees'], years, 2)}",
            tile=True,
        ),
        Figure(
            "Gross exposure, x NAV",
            signed(_mean(exposure)),
            "Mean sum of the absolute notional of the targets over NAV.",
            f"highest {signed(_highest(exposure))}",
        ),
        Figure(
            "Markets held",
            signed(float(held.mean()), 1),
            "Mean number of markets with a position at the close; active ones have a risk budget "
            "on that day.",
            f"{signed(float(result.active.sum(axis=1).mean()), 1)} active, "
            f"{len(result.markets)} known",
        ),
    ]


def _drawdown_text(fall: Drawdown | None) -> str:
    if fall is None:
        return ""
    end = f"recovered {day_text(fall.recovered)}" if fall.recovered else "not recovered"
    return f"{day_text(fall.peak)} to {day_text(fall.trough)}, {end}"


def _per_year(total: float, years: float, digits: int = 1) -> str:
    return signed(total / years, digits) if years >= 0.25 else NONE


def _mean(values: FloatArray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else float("nan")


def _highest(values: FloatArray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.max()) if len(finite) else float("nan")
