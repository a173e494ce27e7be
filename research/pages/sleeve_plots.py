"""Figures of how the sleeves stand to each other: agreement, its profit, and trend's flips."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

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
from research.pages.plots_book import stacked_bars
from research.pages.style import (
    BLUE,
    INK,
    MUTED,
    RED,
    Panel,
    class_bands,
    diverging,
    draw,
    legend,
    number_axis,
    percent_axis,
)
from research.pages.text import percent, signed

COLOUR = {State.AGREE: BLUE, State.CONFLICT: RED, State.ONE_ONLY: MUTED}
FULL_STRENGTH = 1.5
"""Strength with full colour; forecasts have a mean absolute value near 1 and a cap of 2."""


def agreement_panels(result: RunResult, found: Agreement) -> list[Panel]:
    """The map of agreement, and the profit made in it and out of it."""
    return [agreement_panel(result, found), agreement_profit_panel(result, found)]


def agreement_panel(result: RunResult, found: Agreement) -> Panel:
    """Shares of market-days by state over the map of strength, by month."""
    order = sorted(range(len(result.markets)), key=lambda i: (result.classes[i], result.markets[i]))
    first, _ = months_of(result)
    edges = np.append(first, result.day[-1] + 1).astype(np.float64)
    edges[0] = result.day[0]
    strength, shares = monthly_strength(result, found), monthly_shares(result, found)
    whole = agreement_table(result, found)[-1]

    def paint(figure: Figure, axes: list[Axes]) -> None:
        upper, lower = axes
        bottom = np.zeros(len(first))
        for kind in (State.AGREE, State.ONE_ONLY, State.CONFLICT):
            height = np.nan_to_num(shares[kind])
            upper.stairs(
                bottom + height,
                edges,
                baseline=bottom,
                fill=True,
                color=COLOUR[kind],
                alpha=0.35 if kind == State.ONE_ONLY else 0.75,
                linewidth=0,
                label=STATE_TEXT[kind],
            )
            bottom += height
        upper.set_ylim(0.0, 1.0)
        percent_axis(upper, "of market-days")
        legend(upper, "Markets in which a sleeve wants a position, by month")
        colours = diverging()
        colours.set_bad(MUTED, alpha=0.16)
        norm = Normalize(-FULL_STRENGTH, FULL_STRENGTH)
        lower.pcolormesh(
            edges,
            np.arange(len(order) + 1) - 0.5,
            strength[:, order].T,
            cmap=colours,
            norm=norm,
            rasterized=True,
            linewidth=0,
        )
        lower.set_ylim(len(order) - 0.5, -0.5)
        lower.grid(visible=False)
        size = 7.0 if len(order) <= 30 else 5.8
        lower.set_yticks(range(len(order)), [result.markets[i] for i in order], fontsize=size)
        lower.tick_params(axis="y", length=0)
        class_bands(lower, [result.classes[i] for i in order])
        _colour_bar(figure, lower, ScalarMappable(norm, colours))

    return draw(
        result,
        "agreement",
        f"Trend and {found.name}: agree on {percent(whole.share[State.AGREE], 0)} of "
        f"market-days, conflict on {percent(whole.share[State.CONFLICT], 0)}, one only on "
        f"{percent(whole.share[State.ONE_ONLY], 0)}",
        f"Forecasts after every close, mean of each month; trend against {_mean(found)}. "
        "Strength is the root of the product of both forecasts, blue where their signs are the "
        "same, orange where they are opposite, clear where one is flat or the month had both; "
        "grey: neither wants a position.",
        paint,
        heights=(1.2, max(1.0, 0.135 * len(order))),
        right=0.75,
        below=0.62,
    )


def _mean(found: Agreement) -> str:
    text = ", ".join(found.others)
    return text if len(found.others) == 1 else f"the mean of {text}"


def _colour_bar(figure: Figure, ax: Axes, colours: ScalarMappable) -> None:
    place = ax.get_position()
    inch = 1.0 / float(figure.get_size_inches()[1])
    box = figure.add_axes((place.x0 + 0.2, place.y0 - 0.52 * inch, 0.45, 0.13 * inch))
    bar = figure.colorbar(colours, cax=box, orientation="horizontal")
    full = signed(FULL_STRENGTH, 1)
    texts = [f"conflict, ≥ {full}", "0", f"agree, ≥ {full}"]
    bar.set_ticks([-FULL_STRENGTH, 0.0, FULL_STRENGTH], labels=texts)
    bar.set_label("strength, in units of a forecast")
    bar.ax.spines["outline"].set_visible(False)


def agreement_profit_panel(result: RunResult, found: Agreement) -> Panel:
    """Cumulative profit by the state it was decided in, over Sharpe ratios by class."""
    daily, rows = state_profit(result, found), agreement_table(result, found)
    whole = rows[-1]

    def paint(figure: Figure, axes: list[Axes]) -> None:
        top, shared = axes
        for kind in SHOWN:
            line = np.cumsum(daily[kind])
            top.plot(result.day, line, color=COLOUR[kind], label=STATE_TEXT[kind])
        top.axhline(0.0, color=MUTED, linewidth=0.6)
        top.tick_params(labelbottom=True)
        percent_axis(top, "cumulative, of NAV")
        legend(top, "Gross profit of positions decided while the sleeves")
        # panels share an axis of dates: the classes need one of their own in the second's place
        shared.set_visible(False)
        place = shared.get_position()
        lower = figure.add_axes((place.x0, place.y0, place.width, place.height * 0.85))
        lower.yaxis.set_label_coords(*shared.yaxis.label.get_position())
        _sharpe_bars(lower, rows)

    return draw(
        result,
        "agreement-profit",
        f"Gross Sharpe ratio {_ratio(whole, State.AGREE)} where the sleeves agree, "
        f"{_ratio(whole, State.CONFLICT)} where they conflict",
        "Profit of all outright positions, before costs, over the NAV before, by the state at the "
        "close on which they were decided: two sessions before the profit, as they are filled in "
        "the session between. Sharpe ratios are of the sessions with a market of the class in the "
        "state; the lines are one standard error to either side.",
        paint,
        heights=(2.4, 2.0),
    )


def _sharpe_bars(ax: Axes, rows: list[AgreementRow]) -> None:
    for shift, kind in ((-0.2, State.AGREE), (0.2, State.CONFLICT)):
        found = [row.profit[kind] for row in rows]
        x = np.arange(len(rows)) + shift
        height = np.nan_to_num([profit.sharpe for profit in found])
        ax.bar(x, height, width=0.36, color=COLOUR[kind], alpha=0.85, label=STATE_TEXT[kind])
        for place, profit in zip(x, found, strict=True):
            if np.isfinite(profit.error):
                low, high = profit.sharpe - profit.error, profit.sharpe + profit.error
                ax.plot([place, place], [low, high], color=INK, linewidth=1.0)
    ax.axhline(0.0, color=MUTED, linewidth=0.6)
    ax.set_xticks(range(len(rows)), [row.name for row in rows], fontsize=8.5)
    ax.tick_params(axis="x", length=0)
    ax.grid(visible=False, axis="x")
    ax.set_xlim(-0.55, len(rows) - 0.45)
    number_axis(ax, "annual Sharpe ratio")
    legend(ax, "Gross Sharpe ratio by class")


def flips_panel(result: RunResult) -> Panel:
    """Trend's daily flips by calendar year and class."""
    whole = flip_table(result)[-1]

    def paint(_: Figure, axes: list[Axes]) -> None:
        (ax,) = axes
        stacked_bars(ax, flips_by_year(result))
        number_axis(ax, "flips")
        ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        legend(ax)
        ax.xaxis.set_major_locator(MaxNLocator(16, integer=True, steps=[1, 2, 5, 10]))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}"))

    return draw(
        result,
        "flips",
        f"Trend flips between its monthly recomputations: {whole.flips:,}, "
        f"{signed(whole.per_year, 1)} per market and year",
        "The forecast is recomputed each month; between, a daily check replaces it when today's "
        "has the opposite sign and enough strength (000). First and last year may be parts of a "
        "year.",
        paint,
        heights=(1.7,),
        dates=False,
    )


def _ratio(row: AgreementRow, kind: State) -> str:
    profit = row.profit[kind]
    error = f" ± {signed(profit.error)}" if np.isfinite(profit.error) else ""
    return f"{signed(profit.sharpe)}{error}"
