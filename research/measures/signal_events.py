"""What a run recorded about its signals: trend's daily flips, and where carry came from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alpha.carry_sources import Source
from research.engine.result import RunResult
from research.measures.performance import calendar
from research.measures.sleeve_views import class_masks


@dataclass(frozen=True, slots=True)
class FlipRow:
    """Trend's daily flips in one asset class, or all.

    ``per_year`` is per market and year of sessions in which the market was active.
    """

    name: str
    flips: int
    markets: int
    per_year: float


@dataclass(frozen=True, slots=True)
class SourceRow:
    """Share of active market-days by carry source in one asset class, or all; NaN without any."""

    name: str
    days: int
    share: dict[Source, float]


def flip_table(result: RunResult) -> list[FlipRow]:
    """How often the daily check turned trend between its monthly recomputations, by class."""
    column = {market: i for i, market in enumerate(result.markets)}
    count = np.zeros(len(column), dtype=np.int64)
    for event in result.events:
        if event.kind == "flip" and event.market in column:
            count[column[event.market]] += 1
    rows = []
    for name, inside in class_masks(result.classes):
        years = float(np.count_nonzero(result.active[:, inside])) / result.sessions_a_year
        flips = int(count[inside].sum())
        turned = int(np.count_nonzero(count[inside]))
        rows.append(FlipRow(name, flips, turned, flips / years if years else np.nan))
    return rows


def flips_by_year(result: RunResult) -> dict[str, dict[int, float]]:
    """Flips by asset class and calendar year, every year of the run named."""
    years = range(int(calendar(result.day[:1])[0][0]), int(calendar(result.day[-1:])[0][0]) + 1)
    names = dict(zip(result.markets, result.classes, strict=True))
    out = {name: dict.fromkeys(years, 0.0) for name in sorted(set(result.classes))}
    flips = [event for event in result.events if event.kind == "flip" and event.market in names]
    when, _ = calendar(np.array([event.epoch_day for event in flips], dtype=np.int64))
    for event, year in zip(flips, when.tolist(), strict=True):
        out[names[event.market]][year] += 1
    return out


def source_table(result: RunResult) -> list[SourceRow]:
    """What carry was computed from, by class, over active market-days.

    Returns
    -------
    list of SourceRow
        Empty if the run does not record it. Every row names the sources that occur in any.

    Raises
    ------
    ValueError
        If the record has another shape than the run.
    """
    if result.carry_source is None:
        return []
    source = np.asarray(result.carry_source, dtype=np.int64)
    if source.shape != result.active.shape:
        raise ValueError(
            f"carry_source has shape {source.shape}, must be (days, markets), {result.active.shape}"
        )
    occurring = [Source(int(code)) for code in np.unique(source[result.active])]
    rows = []
    for name, inside in class_masks(result.classes):
        codes = source[:, inside][result.active[:, inside]]
        share = {
            kind: np.count_nonzero(codes == kind) / len(codes) if len(codes) else np.nan
            for kind in occurring
        }
        rows.append(SourceRow(name, len(codes), share))
    return rows
