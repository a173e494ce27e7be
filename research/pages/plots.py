"""Figures of return: NAV and drawdown, rolling Sharpe ratio, distribution, benchmark (O1)."""

from __future__ import annotations

import numpy as np

from research.engine.result import RunResult
from research.measures.attribution import has_carry
from research.measures.benchmark import Benchmark
from research.measures.dependence import rolling_correlation
from research.measures.performance import (
    annual_return,
    drawdown_series,
    elapsed_years,
    growth,
    max_drawdown,
    returns_of,
    sharpe,
    skew,
)
from research.measures.periods import ROLLING_YEAR, rolling_sharpe
from research.measures.ratios import excess_kurtosis, histogram
from research.measures.sleeve_views import agreement, can_agree
from research.pages.attribution_plots import attribution_panels
from research.pages.charts import (
    BLUE,
    GREEN,
    MUTED,
    ORANGE,
    Axis,
    Bars,
    Dash,
    Level,
    Line,
    Panel,
    Plot,
    Unit,
    finite,
)
from research.pages.plots_book import contribution_panels, exposure_panel, markets_panel
from research.pages.plots_risk import (
    brakes_panel,
    risk_share_panel,
    var_panel,
    volatility_panel,
)
from research.pages.plots_trading import trading_panel
from research.pages.sleeve_plots import agreement_panels, flips_panel
from research.pages.text import CURRENCY, percent, signed
from universe.arrays import FloatArray


def report_panels(result: RunResult) -> list[Panel]:
    """All figures of the report that the run has the numbers for, in reading order."""
    benchmark = result.benchmark
    return [
        equity_panel(result),
        rolling_panel(result),
        distribution_panel(result),
        *(() if benchmark is None else (benchmark_panel(result, benchmark),)),
        volatility_panel(result),
        var_panel(result),
        brakes_panel(result),
        risk_share_panel(result),
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
    depth = -drawdown_series(result.nav)
    return Panel(
        "equity",
        f"Net asset value: {percent(annual_return(net, years))} a year net, "
        f"{percent(annual_return(gross, years))} gross; "
        f"deepest drawdown {percent(fall.depth if fall else 0.0)}",
        "Gross adds back every day's slippage and fees and compounds the result. Drawdown is NAV "
        "over its highest close so far, less one.",
        (
            Plot(
                f"NAV, {CURRENCY}, log scale",
                Axis(CURRENCY, Unit.MONEY, log=True),
                (
                    Line("gross of costs", positive(before), ORANGE),
                    Line("net", positive(result.nav), BLUE, width=1.6),
                ),
                height=3.0,
            ),
            Plot(
                "Drawdown of net NAV",
                Axis("below peak", Unit.PERCENT, high=0.0),
                (Line("drawdown", depth, BLUE, shade=0.0, width=1.0),),
                height=1.4,
            ),
        ),
    )


def rolling_panel(result: RunResult) -> Panel:
    """Sharpe ratio over one year and over three of sessions."""
    net = returns_of(result, excess=True)
    whole = sharpe(net, result.sessions_a_year)
    one, three = rolling_sharpe(result), rolling_sharpe(result, 3 * ROLLING_YEAR)
    known = one[np.isfinite(one)]
    below = percent(float(np.mean(known < 0)), 0) if len(known) else "–"
    return Panel(
        "rolling-sharpe",
        f"Rolling Sharpe ratio: {signed(whole)} over the run, below zero in {below} of "
        "years ending on any session",
        f"Of net returns over the last {ROLLING_YEAR} and {3 * ROLLING_YEAR} sessions, without "
        "interest on cash. One year's ratio has a standard error of about 1.",
        (
            Plot(
                "Sharpe ratio, net, annual",
                Axis("ratio"),
                (
                    Level(0.0),
                    Level(whole, "whole run", GREEN, Dash.DASHED, 1.2),
                    Line(f"{ROLLING_YEAR} sessions", one, ORANGE, width=1.0),
                    Line(f"{3 * ROLLING_YEAR} sessions", three, BLUE, width=1.6),
                )
                if np.isfinite(whole)
                else (Level(0.0),),
            ),
        ),
    )


def distribution_panel(result: RunResult) -> Panel:
    """Daily net returns beside a normal law of the same mean and deviation."""
    net = returns_of(result)
    found = histogram(net)
    middle = (found.edges[1:] + found.edges[:-1]) / 2
    width = float(found.edges[1] - found.edges[0])
    return Panel(
        "distribution",
        f"Distribution of daily returns: skewness {signed(skew(net))}, "
        f"excess kurtosis {signed(excess_kurtosis(net))}",
        "Sessions by net return, beside what a normal law of the same mean and deviation would "
        "have; the outermost bars hold all that lies beyond them.",
        (
            Plot(
                "Sessions by daily net return",
                Axis("sessions", low=0.0),
                (
                    Bars(
                        "sessions",
                        middle,
                        found.count.astype(np.float64),
                        BLUE,
                        width=0.9 * width,
                        alpha=0.75,
                    ),
                    Line("normal law", found.normal, ORANGE, x=middle, width=1.6),
                ),
                x=Axis("net return", Unit.PERCENT, found.edges[0], found.edges[-1]),
            ),
        ),
    )


def benchmark_panel(result: RunResult, benchmark: Benchmark) -> Panel:
    """The run beside the benchmark, and how they move together."""
    net, market = returns_of(result, excess=True), benchmark.returns[1:]
    year = result.sessions_a_year
    together = np.concatenate([[np.nan], rolling_correlation(net, market)])[: len(result.day)]
    years = elapsed_years(result.day)
    return Panel(
        "benchmark",
        f"Beside {benchmark.name}: {percent(annual_return(net, years))} a year at Sharpe ratio "
        f"{signed(sharpe(net, year))}, the benchmark {percent(annual_return(market, years))} at "
        f"{signed(sharpe(market, year))}",
        f"The benchmark holds {benchmark.name} futures, the contracts that the strategy follows, "
        "rebalanced every session, without costs and, like all futures here, in excess of the "
        "bill rate.",
        (
            Plot(
                "Growth of 1, log scale",
                Axis("growth", log=True),
                (
                    Line("benchmark", positive(growth(market)), MUTED, width=1.2),
                    Line("net", positive(growth(net)), BLUE, width=1.6),
                ),
            ),
            Plot(
                f"Correlation of daily returns, rolling {ROLLING_YEAR} sessions",
                Axis("correlation", low=-1.0, high=1.0),
                (Level(0.0), Line("correlation", together, BLUE)),
                height=1.4,
            ),
        ),
    )


def positive(values: FloatArray) -> FloatArray:
    """The values that a log axis can show."""
    return np.where(finite(values) > 0, values, np.nan)
