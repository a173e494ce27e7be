"""Figures of the book: exposure, contributions, trading, markets (O1)."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import FuncNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from research.engine.result import RunResult
from research.measures.performance import rolling_std
from research.measures.tables import (
    COSTS,
    UNEXPLAINED,
    Contributions,
    by_year,
    class_contributions,
    costs,
    diversification,
    gross_exposure,
    held_overnight,
    over_nav,
    sleeve_contributions,
    turnover,
)
from research.pages.style import (
    BLUE,
    DASHES,
    INK,
    MUTED,
    ORANGE,
    SERIES,
    Panel,
    class_bands,
    diverging,
    draw,
    finite,
    legend,
    line_style,
    number_axis,
    percent_axis,
    steps,
)
from research.pages.text import percent, signed
from universe.arrays import TRADING_DAYS, FloatArray

HEAT_COLUMNS = 400
SLEEVE_WINDOW = 252


# --- exposure ------------------------------------------------------------------------------------
def exposure_panel(result: RunResult) -> Panel:
    """Gross and net exposure over the heat map of all markets' weights."""
    order = sorted(range(len(result.markets)), key=lambda i: (result.classes[i], result.markets[i]))
    gross = gross_exposure(result)
    grid, edges = _binned(result)
    sizes = np.abs(grid[np.isfinite(grid) & (grid != 0)])
    top = float(np.quantile(sizes, 0.99)) if len(sizes) else 1.0

    def paint(figure: Figure, axes: list[Axes]) -> None:
        upper, lower = axes
        upper.plot(result.day, gross, color=BLUE, label="gross")
        net = np.nan_to_num(result.weight).sum(axis=1)
        upper.plot(result.day, net, color=ORANGE, linewidth=0.8, label="net")
        upper.axhline(0.0, color=MUTED, linewidth=0.6)
        number_axis(upper, "x NAV")
        legend(upper, "Notional of the targets over NAV")
        norm = FuncNorm((_signed_root, _signed_square), vmin=-top, vmax=top)
        colours = diverging()
        lower.imshow(
            grid[:, order].T,
            aspect="auto",
            interpolation="none",
            cmap=colours,
            norm=norm,
            extent=(edges[0], edges[1], len(order) - 0.5, -0.5),
        )
        lower.grid(visible=False)
        size = 7.0 if len(order) <= 30 else 5.8
        lower.set_yticks(range(len(order)), [result.markets[i] for i in order], fontsize=size)
        lower.tick_params(axis="y", length=0)
        class_bands(lower, [result.classes[i] for i in order])
        place = lower.get_position()
        inch = 1.0 / float(figure.get_size_inches()[1])
        box = figure.add_axes((place.x0 + 0.2, place.y0 - 0.52 * inch, 0.45, 0.13 * inch))
        bar = figure.colorbar(ScalarMappable(norm, colours), cax=box, orientation="horizontal")
        ticks = [-top, -top / 4, 0.0, top / 4, top]
        texts = [percent(tick, 0 if top > 0.2 else 2) for tick in ticks]
        texts[0], texts[-1] = f"≤ {texts[0]}", f"≥ {texts[-1]}"
        bar.set_ticks(ticks, labels=texts)
        bar.set_label("weight: signed notional over NAV (blue long, orange short; root scale)")
        bar.ax.spines["outline"].set_visible(False)

    return draw(
        result,
        "exposure",
        f"Exposure by market: gross {signed(float(gross.mean()), 1)} x NAV on average, "
        f"{signed(float(gross.max()), 1)} at most",
        "Mean weight per bar of time. Notional is not risk: a contract on short rates carries a "
        "large notional and a small volatility, so the colour scale is the root of the weight.",
        paint,
        heights=(1.3, max(1.0, 0.135 * len(order))),
        right=0.75,
        below=0.62,
    )


def _binned(result: RunResult) -> tuple[FloatArray, tuple[float, float]]:
    """Mean weight per equal bin of calendar time, and the edges of the first and the last bin."""
    first, last = int(result.day[0]), int(result.day[-1]) + 1
    columns = int(np.clip((last - first) // 7, 1, HEAT_COLUMNS))
    bin_of = (result.day - first) * columns // (last - first)
    total = np.zeros((columns, len(result.markets)))
    np.add.at(total, bin_of, np.nan_to_num(result.weight))
    count = np.bincount(bin_of, minlength=columns)[:, None]
    grid = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return grid, (float(first), float(last))


def _signed_root(value: FloatArray) -> FloatArray:
    return np.asarray(np.sign(value) * np.sqrt(np.abs(value)))


def _signed_square(value: FloatArray) -> FloatArray:
    return np.asarray(np.sign(value) * np.square(value))


# --- contributions -------------------------------------------------------------------------------
def contribution_panels(result: RunResult) -> list[Panel]:
    """Cumulative contributions by class, and by sleeve with the sleeves' realised risk."""
    by_class, by_sleeve = class_contributions(result), sleeve_contributions(result)

    def paint_class(_: Figure, axes: list[Axes]) -> None:
        _cumulative(result, axes[0], by_class)
        legend(axes[0], "By class")
        _total(result, axes[1], by_class)
        legend(axes[1], "All classes together")

    def paint_sleeve(_: Figure, axes: list[Axes]) -> None:
        _cumulative(result, axes[0], by_sleeve)
        _total(result, axes[0], by_sleeve)
        legend(axes[0], "Cumulative contribution")
        for index, (name, money) in enumerate(result.sleeve_pnl.items()):
            risk = _annual(over_nav(result, money).sum(axis=1))
            colour, dash = line_style(index)
            axes[1].plot(result.day, risk, color=colour, linestyle=dash, label=name)
        together = _annual(over_nav(result, result.pnl).sum(axis=1))
        axes[1].plot(result.day, together, color=INK, linewidth=1.3, label="all, gross")
        axes[1].set_ylim(bottom=0.0)
        percent_axis(axes[1], "annual volatility")
        legend(axes[1], f"Realised risk, rolling {SLEEVE_WINDOW} sessions")

    added = "Daily profit over the NAV before, added up without compounding; the parts add up to "
    left = percent(float(by_class.parts[UNEXPLAINED].sum()), 2)
    rest = (
        f"“{UNEXPLAINED}” is the change of NAV that no market's profit or cost explains, "
        f"{left} over the run."
    )
    return [
        draw(
            result,
            "classes",
            f"Net contribution by asset class: {_best(by_class)}",
            f"{added}the net return (black). Each class after its own slippage and fees. {rest}",
            paint_class,
            heights=(2.9, 1.3),
        ),
        draw(
            result,
            "sleeves",
            f"Contribution by sleeve: {_shares(by_sleeve)}",
            f"{added}the net return (black). Sleeves before costs; “rounding and limits” is the "
            "profit of what is held beyond what the sleeves asked for. " + rest,
            paint_sleeve,
            heights=(2.7, 1.7),
        ),
    ]


def _cumulative(result: RunResult, ax: Axes, parts: Contributions) -> None:
    index = 0
    for name, part in parts.parts.items():
        if name in (UNEXPLAINED, COSTS):
            colour, dash = MUTED, DASHES[1 if name == COSTS else 2]
        else:
            colour, dash = line_style(index)
            index += 1
        ax.plot(result.day, np.cumsum(part), color=colour, linestyle=dash, label=name)
    ax.axhline(0.0, color=MUTED, linewidth=0.6)
    percent_axis(ax, "cumulative, of NAV")


def _total(result: RunResult, ax: Axes, parts: Contributions) -> None:
    ax.plot(result.day, np.cumsum(parts.total), color=INK, linewidth=1.5, label="net return")
    percent_axis(ax, "cumulative, of NAV")


def _annual(daily: FloatArray) -> FloatArray:
    vol = rolling_std(daily[1:], SLEEVE_WINDOW) * np.sqrt(TRADING_DAYS)
    return np.asarray(np.concatenate([[np.nan], vol])[: len(daily)])


def _best(parts: Contributions) -> str:
    sums = {name: float(part.sum()) for name, part in parts.parts.items() if name != UNEXPLAINED}
    high, low = max(sums, key=sums.__getitem__), min(sums, key=sums.__getitem__)
    return f"best {high} ({percent(sums[high], 0)}), worst {low} ({percent(sums[low], 0)})"


def _shares(parts: Contributions) -> str:
    sums = {name: float(part.sum()) for name, part in parts.parts.items() if name != UNEXPLAINED}
    return ", ".join(f"{name} {percent(total, 0)}" for name, total in sums.items())


# --- trading and markets -------------------------------------------------------------------------
def trading_panel(result: RunResult) -> Panel:
    """Turnover and cost by calendar year."""
    traded, paid = turnover(result).parts, costs(result)
    fees = by_year(result, paid["fees"])

    def paint(_: Figure, axes: list[Axes]) -> None:
        upper, lower = axes
        bars = {name: by_year(result, part) for name, part in traded.items()}
        stacked_bars(upper, bars)
        number_axis(upper, "x NAV")
        legend(upper, "Turnover, buys and sells")
        stacked_bars(lower, {name: by_year(result, paid[name]) for name in ("trades", "rolls")})
        lower.plot(
            list(fees), list(fees.values()), "_", color=INK, markersize=9, label="fees in it"
        )
        percent_axis(lower, "of NAV")
        legend(lower, "Slippage and fees")
        lower.xaxis.set_major_locator(MaxNLocator(16, integer=True, steps=[1, 2, 5, 10]))
        lower.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}"))

    total = float(paid["trades"].sum() + paid["rolls"].sum())
    return draw(
        result,
        "trading",
        f"Turnover and cost per calendar year: {percent(total)} of NAV paid over the run",
        "Notional of all fills over the NAV before, a roll counting both legs; costs likewise, the "
        "black marks being the fees among them. "
        "First and last year may be parts of a year.",
        paint,
        heights=(1.8, 1.6),
        dates=False,
    )


def stacked_bars(ax: Axes, bars: dict[str, dict[int, float]]) -> None:
    """Bars by calendar year, one series upon the other."""
    base: dict[int, float] = {}
    for index, (name, values) in enumerate(bars.items()):
        years = list(values)
        bottom = [base.get(year, 0.0) for year in years]
        ax.bar(
            years,
            list(values.values()),
            bottom=bottom,
            width=0.72,
            color=SERIES[index],
            label=name,
        )
        base = {year: base.get(year, 0.0) + value for year, value in values.items()}
    ax.grid(visible=False, axis="x")
    if base:
        ax.set_xlim(min(base) - 0.6, max(base) + 0.6)


def markets_panel(result: RunResult) -> Panel:
    """Active and held markets, and how far the positions diversify each other."""
    active, held = result.active.sum(axis=1), held_overnight(result).sum(axis=1)
    ratio = finite(diversification(result))
    known = ratio[np.isfinite(ratio)]
    mean = f", diversification ratio {signed(float(known.mean()), 1)}" if len(known) else ""

    def paint(_: Figure, axes: list[Axes]) -> None:
        upper, lower = axes
        steps(upper, result.day, active.astype(np.float64), BLUE, label="active")
        upper.plot(result.day, held, color=ORANGE, linewidth=0.7, label="held")
        upper.set_ylim(0.0, max(1.0, 1.08 * float(active.max())))
        number_axis(upper, "markets")
        legend(upper, "Number of markets")
        lower.plot(result.day, ratio, color=BLUE)
        lower.axhline(1.0, color=MUTED, linewidth=0.8, linestyle="dashed")
        lower.set_ylim(bottom=0.0)
        number_axis(lower, "ratio")
        legend(lower, "Realised diversification ratio, rolling 252 sessions")

    return draw(
        result,
        "markets",
        f"Markets: {signed(float(held.mean()), 1)} held of {len(result.markets)} on average{mean}",
        "Active: with a risk budget. The ratio is the sum of the markets' volatilities over that "
        "of their sum: 1 if all move as one, the root of n for n independent equal positions.",
        paint,
        heights=(1.5, 1.5),
    )
