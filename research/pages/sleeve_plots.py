"""Figures of how the sleeves stand to each other: agreement, its profit, and trend's flips."""

from __future__ import annotations

import numpy as np

from research.engine.result import RunResult
from research.measures.signal_events import flip_table, flips_by_year
from research.measures.sleeve_views import (
    SHOWN,
    STATE_TEXT,
    Agreement,
    AgreementRow,
    State,
    agreement_table,
    monthly_shares,
    monthly_strength,
    months_of,
    state_profit,
)
from research.pages.charts import (
    BLUE,
    MUTED,
    RED,
    Axis,
    Bars,
    Heat,
    Level,
    Line,
    Mark,
    Panel,
    Plot,
    Ranges,
    Unit,
    stacked,
)
from research.pages.plots_book import ROW_INCHES, by_class_order, class_counts
from research.pages.text import percent, signed
from universe.arrays import FloatArray

COLOUR = {State.AGREE: BLUE, State.CONFLICT: RED, State.ONE_ONLY: MUTED}
FULL_STRENGTH = 1.5
"""Strength with full colour; forecasts have a mean absolute value near 1 and a cap of 2."""


def agreement_panels(result: RunResult, found: Agreement) -> list[Panel]:
    """The map of agreement, and the profit made in it and out of it."""
    return [agreement_panel(result, found), agreement_profit_panel(result, found)]


def agreement_panel(result: RunResult, found: Agreement) -> Panel:
    """Shares of market-days by state over the map of strength, by month."""
    order = by_class_order(result)
    edges = _month_edges(result)
    strength = monthly_strength(result, found)
    whole = agreement_table(result, found)[-1]
    full = signed(FULL_STRENGTH, 1)
    return Panel(
        "agreement",
        f"Trend and {found.name}: agree on {percent(whole.share[State.AGREE], 0)} of "
        f"market-days, conflict on {percent(whole.share[State.CONFLICT], 0)}, one only on "
        f"{percent(whole.share[State.ONE_ONLY], 0)}",
        f"Forecasts after every close, mean of each month; trend against {_mean(found)}. "
        "Strength is the root of the product of both forecasts, blue where their signs are the "
        "same, orange where they are opposite, clear where one is flat, the month had both, or "
        "neither wants a position.",
        (
            Plot(
                "Markets in which a sleeve wants a position, by month",
                Axis("of market-days", Unit.PERCENT, 0.0, 1.0),
                _state_bars(monthly_shares(result, found), edges),
                height=1.4,
            ),
            Plot(
                f"Strength of agreement, from the top: {class_counts(result)}",
                Axis(""),
                (
                    Heat(
                        [result.markets[i] for i in order],
                        [result.classes[i] for i in order],
                        edges,
                        strength[:, order].T,
                        FULL_STRENGTH,
                        f"conflict, {full} or more",
                        f"agree, {full} or more",
                        unit=Unit.NUMBER,
                    ),
                ),
                rows=[result.markets[i] for i in order],
                height=max(1.0, ROW_INCHES * len(order)),
            ),
        ),
    )


def _month_edges(result: RunResult) -> FloatArray:
    """First epoch days of the months of the run, and of the month after."""
    first, _ = months_of(result)
    month = first[-1].astype("datetime64[D]").astype("datetime64[M]")
    after = (month + 1).astype("datetime64[D]").astype(np.int64)
    return np.append(first, after).astype(np.float64)


def _state_bars(shares: dict[State, FloatArray], edges: FloatArray) -> tuple[Mark, ...]:
    middle, width = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    base = np.zeros(len(middle))
    bars = []
    for kind in (State.AGREE, State.ONE_ONLY, State.CONFLICT):
        height = np.nan_to_num(shares[kind])
        alpha = 0.35 if kind == State.ONE_ONLY else 0.75
        bars.append(Bars(STATE_TEXT[kind], middle, height, COLOUR[kind], base.copy(), width, alpha))
        base += height
    return tuple(bars)


def _mean(found: Agreement) -> str:
    text = ", ".join(found.others)
    return text if len(found.others) == 1 else f"the mean of {text}"


def agreement_profit_panel(result: RunResult, found: Agreement) -> Panel:
    """Cumulative profit by the state it was decided in, over Sharpe ratios by class."""
    daily, rows = state_profit(result, found), agreement_table(result, found)
    whole = rows[-1]
    lines = [Line(STATE_TEXT[kind], np.cumsum(daily[kind]), COLOUR[kind]) for kind in SHOWN]
    return Panel(
        "agreement-profit",
        f"Gross Sharpe ratio {_ratio(whole, State.AGREE)} where the sleeves agree, "
        f"{_ratio(whole, State.CONFLICT)} where they conflict",
        "Profit of all outright positions, before costs, over the NAV before, by the state at the "
        "close on which they were decided: two sessions before the profit, as they are filled in "
        "the session between. Sharpe ratios are of the sessions with a market of the class in the "
        "state; the lines are one standard error to either side.",
        (
            Plot(
                "Gross profit of positions decided while the sleeves",
                Axis("cumulative, of NAV", Unit.PERCENT),
                (Level(0.0), *lines),
            ),
            Plot(
                "Gross Sharpe ratio by class",
                Axis("annual Sharpe ratio"),
                (Level(0.0), *_sharpe_bars(rows)),
                ticks=[row.name for row in rows],
                height=2.0,
            ),
        ),
    )


def _sharpe_bars(rows: list[AgreementRow]) -> tuple[Mark, ...]:
    marks: list[Mark] = []
    for shift, kind in ((-0.2, State.AGREE), (0.2, State.CONFLICT)):
        found = [row.profit[kind] for row in rows]
        x = np.arange(len(rows)) + shift
        ratio = np.array([profit.sharpe for profit in found])
        error = np.array([profit.error for profit in found])
        names = [row.name for row in rows]
        marks.append(
            Bars(
                STATE_TEXT[kind],
                x,
                np.nan_to_num(ratio),
                COLOUR[kind],
                width=0.36,
                alpha=0.85,
                labels=names,
            )
        )
        known = np.isfinite(error)
        marks.append(Ranges("", x[known], (ratio - error)[known], (ratio + error)[known]))
    return tuple(marks)


def flips_panel(result: RunResult) -> Panel:
    """Trend's daily flips by calendar year and class."""
    whole = flip_table(result)[-1]
    return Panel(
        "flips",
        f"Trend flips between its monthly recomputations: {whole.flips:,}, "
        f"{signed(whole.per_year, 1)} per market and year",
        "The forecast is recomputed each month; between, a daily check replaces it when today's "
        "has the opposite sign and enough strength. First and last year may be parts of a year.",
        (
            Plot(
                "Flips by calendar year",
                Axis("flips", low=0.0),
                stacked(flips_by_year(result)),
                x=Axis(""),
                height=1.8,
            ),
        ),
    )


def _ratio(row: AgreementRow, kind: State) -> str:
    profit = row.profit[kind]
    error = f" ± {signed(profit.error)}" if np.isfinite(profit.error) else ""
    return f"{signed(profit.sharpe)}{error}"
