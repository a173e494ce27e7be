"""Figures of the book: exposure, contributions, markets (O1)."""

from __future__ import annotations

from collections import Counter

import numpy as np

from research.engine.result import RunResult
from research.measures.performance import rolling_std
from research.measures.tables import (
    COSTS,
    UNEXPLAINED,
    Contributions,
    class_contributions,
    diversification,
    gross_exposure,
    held_overnight,
    over_nav,
    sleeve_contributions,
)
from research.pages.charts import (
    BLUE,
    INK,
    MUTED,
    ORANGE,
    Axis,
    Dash,
    Heat,
    Level,
    Line,
    Mark,
    Panel,
    Plot,
    Unit,
    line_style,
)
from research.pages.text import percent, signed
from universe.arrays import FloatArray

HEAT_COLUMNS = 400
SLEEVE_WINDOW = 252
ROW_INCHES = 0.135


def by_class_order(result: RunResult) -> list[int]:
    """Markets by asset class and code."""
    return sorted(range(len(result.markets)), key=lambda i: (result.classes[i], result.markets[i]))


def class_counts(result: RunResult) -> str:
    """Asset classes in the order of a map's rows, with the number of their markets."""
    counts = Counter(result.classes)
    return ", ".join(f"{name} ({counts[name]})" for name in sorted(counts))


def exposure_panel(result: RunResult) -> Panel:
    """Gross and net exposure over the heat map of all markets' weights."""
    order = by_class_order(result)
    gross, net = gross_exposure(result), np.nan_to_num(result.weight).sum(axis=1)
    grid, edges = _binned(result)
    sizes = np.abs(grid[np.isfinite(grid) & (grid != 0)])
    full = float(np.quantile(sizes, 0.99)) if len(sizes) else 1.0
    held = result.exposure
    lines: list[Mark] = [
        Level(0.0),
        Line("gross, targets", gross, BLUE),
        Line("net, targets", net, ORANGE, width=1.0),
    ]
    if held is not None:
        of_held = np.abs(np.nan_to_num(np.asarray(held, dtype=np.float64))).sum(axis=1)
        lines.append(Line("gross, held", of_held, MUTED, dash=Dash.DOTTED))
    return Panel(
        "exposure",
        f"Exposure by market: gross {signed(float(gross.mean()), 1)} x NAV on average, "
        f"{signed(float(gross.max()), 1)} at most",
        "Map: mean weight, signed notional over NAV, per bar of time, blue long, orange short. "
        "Notional is not risk: a contract on short rates carries a large notional and a small "
        "volatility, so the colour follows the root of the weight.",
        (
            Plot("Notional over NAV", Axis("x NAV"), tuple(lines), height=1.5),
            Plot(
                f"Weight by market, from the top: {class_counts(result)}",
                Axis(""),
                (
                    Heat(
                        [result.markets[i] for i in order],
                        [result.classes[i] for i in order],
                        edges,
                        grid[:, order].T,
                        full,
                        f"short {percent(full, 0 if full > 0.2 else 1)} or more",
                        f"long {percent(full, 0 if full > 0.2 else 1)} or more",
                        root=True,
                    ),
                ),
                rows=[result.markets[i] for i in order],
                height=max(1.0, ROW_INCHES * len(order)),
            ),
        ),
    )


def _binned(result: RunResult) -> tuple[FloatArray, FloatArray]:
    """Mean weight per equal bin of calendar time, and the edges of the bins."""
    first, last = int(result.day[0]), int(result.day[-1]) + 1
    columns = int(np.clip((last - first) // 7, 1, HEAT_COLUMNS))
    bin_of = (result.day - first) * columns // (last - first)
    total = np.zeros((columns, len(result.markets)))
    np.add.at(total, bin_of, np.nan_to_num(result.weight))
    count = np.bincount(bin_of, minlength=columns)[:, None]
    grid = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return grid, np.linspace(float(first), float(last), columns + 1)


# --- contributions -------------------------------------------------------------------------------
def contribution_panels(result: RunResult) -> list[Panel]:
    """Cumulative contributions by class, and by sleeve with the sleeves' realised risk."""
    by_class, by_sleeve = class_contributions(result), sleeve_contributions(result)
    added = "Daily profit over the NAV before, added up without compounding; the parts add up to "
    left = percent(float(by_class.parts[UNEXPLAINED].sum()), 2)
    rest = (
        f"“{UNEXPLAINED}” is the change of NAV that no market's profit or cost explains, "
        f"{left} over the run."
    )
    return [
        Panel(
            "classes",
            f"Net contribution by asset class: {_best(by_class)}",
            f"{added}the net return. Each class after its own slippage and fees. {rest}",
            (
                Plot("By class", _of_nav(), _cumulative(by_class), height=2.9),
                Plot("All classes together", _of_nav(), (_total(by_class),), height=1.3),
            ),
        ),
        Panel(
            "sleeves",
            f"Contribution by sleeve: {_shares(by_sleeve)}",
            f"{added}the net return. Sleeves before costs; “rounding and limits” is the profit of "
            f"what is held beyond what the sleeves asked for. {rest}",
            (
                Plot(
                    "Cumulative contribution",
                    _of_nav(),
                    (*_cumulative(by_sleeve), _total(by_sleeve)),
                    height=2.7,
                ),
                Plot(
                    f"Realised risk, rolling {SLEEVE_WINDOW} sessions",
                    Axis("annual volatility", Unit.PERCENT, low=0.0),
                    _sleeve_risk(result),
                    height=1.7,
                ),
            ),
        ),
    ]


def _of_nav() -> Axis:
    return Axis("cumulative, of NAV", Unit.PERCENT)


def _sleeve_risk(result: RunResult) -> tuple[Mark, ...]:
    lines = []
    for index, (name, money) in enumerate(result.sleeve_pnl.items()):
        colour, dash = line_style(index)
        risk = _annual(over_nav(result, money).sum(axis=1), result.sessions_a_year)
        lines.append(Line(name, risk, colour, dash=dash))
    together = _annual(over_nav(result, result.pnl).sum(axis=1), result.sessions_a_year)
    return (*lines, Line("all, gross", together, INK, width=1.5))


def _cumulative(parts: Contributions) -> tuple[Mark, ...]:
    lines: list[Mark] = [Level(0.0)]
    index = 0
    for name, part in parts.parts.items():
        if name in (UNEXPLAINED, COSTS):
            colour, dash = MUTED, Dash.DASHED if name == COSTS else Dash.DOTTED
        else:
            colour, dash = line_style(index)
            index += 1
        lines.append(Line(name, np.cumsum(part), colour, dash=dash))
    return tuple(lines)


def _total(parts: Contributions) -> Line:
    return Line("net return", np.cumsum(parts.total), INK, width=1.6)


def _annual(daily: FloatArray, year: float) -> FloatArray:
    vol = rolling_std(daily[1:], SLEEVE_WINDOW) * np.sqrt(year)
    return np.asarray(np.concatenate([[np.nan], vol])[: len(daily)])


def _best(parts: Contributions) -> str:
    sums = {name: float(part.sum()) for name, part in parts.parts.items() if name != UNEXPLAINED}
    high, low = max(sums, key=sums.__getitem__), min(sums, key=sums.__getitem__)
    return f"best {high} ({percent(sums[high], 0)}), worst {low} ({percent(sums[low], 0)})"


def _shares(parts: Contributions) -> str:
    sums = {name: float(part.sum()) for name, part in parts.parts.items() if name != UNEXPLAINED}
    return ", ".join(f"{name} {percent(total, 0)}" for name, total in sums.items())


# --- markets -------------------------------------------------------------------------------------
def markets_panel(result: RunResult) -> Panel:
    """Active and held markets, and how far the positions diversify each other."""
    active, held = result.active.sum(axis=1), held_overnight(result).sum(axis=1)
    ratio = diversification(result)
    foreseen = result.diversification_ratio
    known = ratio[np.isfinite(ratio)]
    mean = f", diversification ratio {signed(float(known.mean()), 1)}" if len(known) else ""
    lines: list[Mark] = [Level(1.0, "", MUTED, Dash.DASHED), Line("realised", ratio, BLUE)]
    if foreseen is not None:
        lines.append(Line("ex ante, of targets", np.asarray(foreseen, float), ORANGE, width=0.9))
    return Panel(
        "markets",
        f"Markets: {signed(float(held.mean()), 1)} held of {len(result.markets)} on average{mean}",
        "Active: with a risk budget. The ratio is the sum of the markets' volatilities over that "
        "of their sum: 1 if all move as one, the root of n for n independent equal positions.",
        (
            Plot(
                "Number of markets",
                Axis("markets", low=0.0, high=max(1.0, 1.08 * float(active.max()))),
                (
                    Line("active", active.astype(np.float64), BLUE, step=True),
                    Line("held", held.astype(np.float64), ORANGE, width=0.9),
                ),
                height=1.5,
            ),
            Plot(
                "Diversification ratio, realised over rolling 252 sessions",
                Axis("ratio", low=0.0),
                tuple(lines),
                height=1.5,
            ),
        ),
    )
