"""Figures of risk: volatility, VaR, governor and gate, contributions to risk (O1)."""

from __future__ import annotations

import numpy as np

from research.engine.result import RunResult
from research.measures.activity import GATE, GOVERNOR, activity_table, brakes
from research.measures.dependence import yearly_class_risk
from research.measures.held_risk import held_breaches, var_held
from research.measures.performance import (
    ROLLING_SESSIONS,
    VOL_BAND,
    annual_vol,
    binding_var,
    returns_of,
    rolling_vol,
    var_confidence,
    var_exceptions,
    var_periods,
)
from research.pages.charts import (
    BLUE,
    GREEN,
    MUTED,
    ORANGE,
    RED,
    VIOLET,
    Axis,
    Dash,
    Dots,
    Level,
    Line,
    Mark,
    Panel,
    Plot,
    Unit,
    Zone,
    line_style,
    stacked,
)
from research.pages.text import percent
from universe.arrays import FloatArray
from universe.counts import count_text


def volatility_panel(result: RunResult) -> Panel:
    """Rolling realised volatility and the ex-ante one against the target."""
    realised, target = rolling_vol(result), result.vol_target
    low, high = (1 - VOL_BAND) * target, (1 + VOL_BAND) * target
    return Panel(
        "volatility",
        f"Volatility, rolling {ROLLING_SESSIONS} sessions: "
        f"{percent(annual_vol(returns_of(result), result.sessions_a_year))} over the run, "
        f"target {percent(target)}",
        f"Realised: standard deviation of the last {ROLLING_SESSIONS} daily net returns, times "
        "the square root of the sessions a year of the run. Ex ante: forecast for the targets of "
        f"each close, after governor and gate. Band: {percent(low)} to {percent(high)}.",
        (
            Plot(
                "Annual volatility",
                Axis("annual volatility", Unit.PERCENT, low=0.0),
                (
                    Zone("±10 % of target", low, high, GREEN),
                    Level(target, "target", GREEN, width=1.2),
                    Line("ex ante", result.exante_vol, ORANGE, width=0.9),
                    Line("realised", realised, BLUE, width=1.4),
                ),
            ),
        ),
    )


def var_panel(result: RunResult) -> Panel:
    """VaR against its limit, and daily returns against the one-day VaR."""
    confidence = percent(var_confidence(result), 0)
    horizon = result.settings.get("var_horizon", "20")
    whole, held = var_periods(result)[-1], var_held(result)
    top = _top(binding_var(result) if held is None else held)
    subject = "of targets" if held is None else "of the contracts held"
    return Panel(
        "var",
        f"VaR {subject}: highest {top} of NAV, limit {percent(result.var_limit)}; "
        f"{count_text(whole.exceptions, 'one-day exception')} "
        f"in {count_text(whole.sessions, 'session')} ({whole.zone})",
        "Above: binding is the larger of both VaRs of the targets after the gate"
        + ("" if held is None else "; held is the same of the contracts held at the close")
        + f". Below: a return below the VaR line is an exception; the line is the {confidence} VaR "
        "of the positions held into that session, as a loss. The axis holds all returns and cuts "
        "off rare peaks of VaR.",
        (
            Plot(
                f"VaR {confidence}, {horizon} business days",
                Axis("VaR over NAV", Unit.PERCENT, low=0.0),
                _var_marks(result, held),
                height=2.3,
            ),
            _loss_plot(result, confidence),
        ),
    )


def _var_marks(result: RunResult, held: FloatArray | None) -> tuple[Mark, ...]:
    when = np.array([e.day for e in var_exceptions(result)], dtype=np.int64)
    marks: list[Mark] = [
        Line("binding", binding_var(result), MUTED, width=3.0, alpha=0.5),
        Line("parametric", result.var_parametric, BLUE, width=0.9),
        Line("historical", result.var_historical, ORANGE, width=0.9),
    ]
    if held is not None:
        marks.append(Line("held", held, VIOLET, width=1.1))
        breaches = held_breaches(result)
        if breaches:
            first = np.array([b.first for b in breaches], dtype=np.int64)
            highest = np.array([b.highest for b in breaches])
            marks.append(Dots("breach, held", first, highest, RED, "down", 5.0))
    marks.append(Level(result.var_limit, "limit", RED, Dash.DASHED, 1.3))
    if len(when):
        marks.append(Dots("one-day exception", when, np.zeros(len(when)), RED, "tick", 9.0))
    return tuple(marks)


def _loss_plot(result: RunResult, confidence: str) -> Plot:
    exceptions = var_exceptions(result)
    returns, nothing = returns_of(result), np.array([np.nan])
    var = result.var_one_day[:-1]
    into = np.concatenate([nothing, var])[: len(result.day)]
    marks: list[Mark] = [
        Dots("net return", result.day[1:], returns, MUTED, size=1.8),
        Line(f"one-day VaR {confidence}", -into, BLUE, width=1.1),
    ]
    shortfall = result.es_one_day
    if shortfall is not None:
        loss = np.concatenate([nothing, -np.asarray(shortfall, dtype=np.float64)[:-1]])
        name = f"one-day expected shortfall {confidence}"
        marks.append(Line(name, loss[: len(result.day)], ORANGE, width=0.9))
    if exceptions:
        when = np.array([e.day for e in exceptions], dtype=np.int64)
        losses = np.array([-e.loss for e in exceptions])
        marks.append(Dots("exception", when, losses, RED, "down", 4.5))
    low, high = _return_range(returns, var)
    return Plot(
        "Daily net return", Axis("of NAV", Unit.PERCENT, low, high), tuple(marks), height=2.3
    )


def brakes_panel(result: RunResult) -> Panel:
    """Exposure that every scale and every risk stage leaves, those without effect left out."""
    rows = {row.name: row for row in activity_table(result)}
    shown = {
        name: values
        for name, (_, values) in brakes(result).items()
        if rows[name].sessions or name in (GOVERNOR, GATE)
    }
    title = ", ".join(f"{name} in {percent(rows[name].share)}" for name in shown)
    return Panel(
        "brakes",
        f"Less exposure than asked for: {title} of sessions",
        "100 % is no intervention. Scales act on the target before it is rounded to contracts, "
        "risk stages on whole contracts, the gate among them.",
        tuple(
            Plot(
                f"{name}, exposure left",
                Axis("", Unit.PERCENT, min(0.0, float(np.nanmin(values))), 1.06),
                (Line(name, values, line_style(i)[0], step=True, shade=1.0),),
                height=1.3,
            )
            for i, (name, values) in enumerate(shown.items())
        ),
    )


def risk_share_panel(result: RunResult) -> Panel:
    """Contribution to risk by asset class: realised by year, and ex ante where recorded."""
    yearly = yearly_class_risk(result)
    latest = {name: list(shares.values())[-1] for name, shares in yearly.items() if shares}
    most = max(latest, key=latest.__getitem__) if latest else "none"
    plots = [
        Plot(
            "Share of each calendar year's variance, realised",
            Axis("of variance", Unit.PERCENT),
            (Level(0.0), *stacked(yearly)),
            x=Axis("", Unit.NUMBER),
        )
    ]
    shares = result.risk_share
    if shares is not None:
        by_class = _share_by_class(result, np.asarray(shares, dtype=np.float64))
        plots.append(
            Plot(
                "Share of the ex-ante variance of the targets",
                Axis("of variance", Unit.PERCENT),
                (
                    Level(0.0),
                    *(
                        Line(name, share, line_style(i)[0], dash=line_style(i)[1], width=1.0)
                        for i, (name, share) in enumerate(by_class.items())
                    ),
                ),
                height=2.0,
            )
        )
    return Panel(
        "risk-shares",
        f"Contribution to risk by asset class: in the last year most from {most}"
        + (f" ({percent(latest[most], 0)})" if latest else ""),
        "Covariance of a class's gross profit with that of all, over the variance of all: the "
        "shares add up to 100 %, and one below zero made the whole calmer. This is risk, where "
        "exposure below is notional.",
        tuple(plots),
    )


def _share_by_class(result: RunResult, shares: FloatArray) -> dict[str, FloatArray]:
    column = np.array(result.classes)
    return {
        name: np.nansum(shares[:, column == name], axis=1) for name in sorted(set(result.classes))
    }


def _return_range(returns: FloatArray, var: FloatArray) -> tuple[float, float]:
    """Limits that hold every return and all but the highest 0.5 % of VaR."""
    known = var[np.isfinite(var)]
    lowest = float(np.max(-returns, initial=1e-4))
    if len(known):
        lowest = max(lowest, float(np.quantile(known, 0.995)))
    return -1.12 * lowest, 1.12 * float(np.max(returns, initial=1e-4))


def _top(values: FloatArray) -> str:
    known = values[np.isfinite(values)]
    return percent(float(known.max())) if len(known) else "unknown"
