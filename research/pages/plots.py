"""Figures of return and risk: equity, volatility, VaR, governor and gate (O1)."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from research.engine.result import RunResult
from research.measures.attribution import has_carry
from research.measures.performance import (
    ROLLING_SESSIONS,
    VOL_BAND,
    annual_return,
    annual_vol,
    binding_var,
    drawdown_series,
    elapsed_years,
    growth,
    max_drawdown,
    returns_of,
    rolling_vol,
    var_confidence,
    var_exceptions,
    var_periods,
)
from research.measures.sleeve_views import agreement, can_agree
from research.pages.attribution_plots import attribution_panels
from research.pages.plots_book import (
    contribution_panels,
    exposure_panel,
    markets_panel,
    trading_panel,
)
from research.pages.sleeve_plots import agreement_panels, flips_panel
from research.pages.style import (
    BLUE,
    GREEN,
    MUTED,
    ORANGE,
    RED,
    Panel,
    decimals,
    deepest,
    draw,
    finite,
    legend,
    percent_axis,
    steps,
)
from research.pages.text import count_text, percent, signed
from universe.arrays import FloatArray


def report_panels(result: RunResult) -> list[Panel]:
    """All figures of the report that the run has the numbers for, in reading order."""
    return [
        equity_panel(result),
        volatility_panel(result),
        var_panel(result),
        brakes_panel(result),
        exposure_panel(result),
        *contribution_panels(result),
        *(attribution_panels(result) if has_carry(result) else ()),
        *(agreement_panels(result, agreement(result)) if can_agree(result) else ()),
        *(() if all(event.kind != "flip" for event in result.events) else (flips_panel(result),)),
        trading_panel(result),
        markets_panel(result),
    ]


def equity_panel(result: RunResult) -> Panel:
    """NAV on a log axis, net and gross, over the drawdown."""
    net, gross = returns_of(result), returns_of(result, gross=True)
    years = elapsed_years(result.day)
    before = result.nav[0] * growth(gross)
    fall = max_drawdown(result)

    def paint(_: Figure, axes: list[Axes]) -> None:
        top, bottom = axes
        top.plot(result.day, _positive(before), color=ORANGE, label="gross of costs")
        top.plot(result.day, _positive(result.nav), color=BLUE, linewidth=1.3, label="net")
        _log_money(top, np.concatenate([_positive(before), _positive(result.nav)]))
        legend(top, "NAV, account currency, log scale")
        depth = -drawdown_series(result.nav)
        x, low = deepest(result.day, depth)
        bottom.fill_between(x, low, 0.0, color=BLUE, alpha=0.25, linewidth=0)
        bottom.plot(result.day, depth, color=BLUE, linewidth=0.8)
        percent_axis(bottom, "below peak")
        legend(bottom, "Drawdown of net NAV")

    return draw(
        result,
        "equity",
        f"Net asset value: {percent(annual_return(net, years))} a year net, "
        f"{percent(annual_return(gross, years))} gross; "
        f"deepest drawdown {percent(fall.depth if fall else 0.0)}",
        "Gross adds back every day's slippage and fees and compounds the result. Drawdown is NAV "
        "over its highest close so far, less one.",
        paint,
        heights=(3.0, 1.4),
    )


def volatility_panel(result: RunResult) -> Panel:
    """Rolling realised volatility and the ex-ante one against the target."""
    realised, target = rolling_vol(result), result.vol_target
    low, high = (1 - VOL_BAND) * target, (1 + VOL_BAND) * target

    def paint(_: Figure, axes: list[Axes]) -> None:
        (ax,) = axes
        ax.axhspan(low, high, color=GREEN, alpha=0.18, linewidth=0, label="±10 % of target")
        ax.axhline(target, color=GREEN, linewidth=0.9, label="target")
        ax.plot(result.day, finite(result.exante_vol), color=ORANGE, linewidth=0.7, label="ex ante")
        ax.plot(result.day, realised, color=BLUE, linewidth=1.2, label="realised")
        ax.set_ylim(bottom=0.0)
        percent_axis(ax, "annual volatility")
        legend(ax)

    return draw(
        result,
        "volatility",
        f"Volatility, rolling {ROLLING_SESSIONS} sessions: "
        f"{percent(annual_vol(returns_of(result)))} over the run, target {percent(target)}",
        f"Realised: standard deviation of the last {ROLLING_SESSIONS} daily net returns, times "
        "the square root of 252. Ex ante: forecast for the targets of each close, after governor "
        "and gate. "
        f"Band: {percent(low)} to {percent(high)}.",
        paint,
    )


def var_panel(result: RunResult) -> Panel:
    """VaR against its limit, and daily returns against the one-day VaR."""
    exceptions = var_exceptions(result)
    when = [e.day for e in exceptions]
    returns, day = returns_of(result), result.day
    confidence = percent(var_confidence(result), 0)
    horizon = result.settings.get("var_horizon", "20")
    whole = var_periods(result)[-1]

    def paint(_: Figure, axes: list[Axes]) -> None:
        top, bottom = axes
        binding = finite(binding_var(result))
        top.plot(day, binding, color=MUTED, alpha=0.5, linewidth=3.0, label="binding")
        top.plot(day, finite(result.var_parametric), color=BLUE, linewidth=0.8, label="parametric")
        top.plot(
            day, finite(result.var_historical), color=ORANGE, linewidth=0.8, label="historical"
        )
        top.axhline(result.var_limit, color=RED, linewidth=1.2, linestyle="dashed", label="limit")
        if when:
            top.plot(
                when, np.zeros(len(when)), "|", color=RED, markersize=9, label="one-day exception"
            )
        top.set_ylim(0.0, max(1.12 * result.var_limit, top.get_ylim()[1]))
        percent_axis(top, "VaR over NAV")
        legend(top, f"VaR {confidence}, {horizon} sessions, of the targets after the gate")
        var = finite(result.var_one_day[:-1])
        bottom.plot(
            day[1:], returns, ".", color=MUTED, markersize=1.6, rasterized=True, label="net return"
        )
        bottom.plot(day[1:], var, color=BLUE, linewidth=0.8, label=f"± one-day VaR {confidence}")
        bottom.plot(day[1:], -var, color=BLUE, linewidth=0.8)
        if when:
            losses = [-e.loss for e in exceptions]
            bottom.plot(
                when, losses, "v", color=RED, markersize=4.5, linestyle="none", label="exception"
            )
        bottom.set_ylim(*_return_range(returns, var))
        percent_axis(bottom, "of NAV")
        legend(bottom, "Daily net return")

    return draw(
        result,
        "var",
        f"VaR: highest {_top(binding_var(result))} of NAV, limit {percent(result.var_limit)}; "
        f"{count_text(whole.exceptions, 'one-day exception')} "
        f"in {count_text(whole.sessions, 'session')} ({whole.zone})",
        f"Top: binding is the larger of both VaRs. Bottom: a loss below the lower {confidence} "
        "line is an exception; the line is the VaR of the positions held into that session. The "
        "axis holds all returns and cuts off rare peaks of VaR.",
        paint,
        heights=(2.3, 2.3),
    )


def brakes_panel(result: RunResult) -> Panel:
    """What the drawdown governor allows and what the VaR gate leaves."""
    governed = float(np.mean(result.governor_scale < 1 - 1e-9))
    gated = float(np.mean(result.gate_scale < 1 - 1e-9))

    def paint(_: Figure, axes: list[Axes]) -> None:
        rows = (
            (axes[0], result.governor_scale, BLUE, "Drawdown governor", "gross allowed"),
            (axes[1], result.gate_scale, RED, "VaR gate", "exposure left"),
        )
        for ax, scale, colour, name, label in rows:
            x, y = steps(ax, result.day, scale, colour)
            ax.fill_between(x, y, 1.0, color=colour, alpha=0.2, linewidth=0, step="post")
            ax.set_ylim(min(0.0, float(np.nanmin(scale))), 1.06)
            percent_axis(ax, label)
            legend(ax, name)

    return draw(
        result,
        "brakes",
        f"Governor active in {percent(governed)} of sessions, VaR gate in {percent(gated)}",
        "100 % is no intervention. The governor follows the drawdown of NAV; the gate is last in "
        "the chain and acts on whole contracts.",
        paint,
        heights=(1.3, 1.3),
    )


def _positive(values: FloatArray) -> FloatArray:
    return np.where(values > 0, values, np.nan)


def _return_range(returns: FloatArray, var: FloatArray) -> tuple[float, float]:
    """Symmetric limits that hold every return and all but the highest 0.5 % of VaR."""
    known = var[np.isfinite(var)]
    widest = float(np.max(np.abs(returns), initial=1e-4))
    if len(known):
        widest = max(widest, float(np.quantile(known, 0.995)))
    return -1.12 * widest, 1.12 * widest


def _top(values: FloatArray) -> str:
    known = values[np.isfinite(values)]
    return percent(float(known.max())) if len(known) else "unknown"


def _money_tick(value: float, _: int | None = None) -> str:
    if value >= 1e6:
        return f"{signed(value / 1e6, decimals(value / 1e6))} m"
    return signed(value, 0)


def _log_money(ax: Axes, values: FloatArray) -> None:
    known = values[np.isfinite(values)]
    if not len(known):
        return
    ax.set_yscale("log")
    wide = float(known.max() / known.min()) > 4
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)) if wide else MaxNLocator(5))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(_money_tick))
