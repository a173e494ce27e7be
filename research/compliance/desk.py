"""The page of the risk desk: one session of a run, and the way there (R4, R5, P7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from research.compliance import desk_figures as draw
from research.compliance.blocks import Block, Heading, Paragraph, Table
from research.compliance.collateral import CollateralPath
from research.compliance.desk_margin import QUARTER, YEAR, margin_part
from research.engine.result import RunResult
from research.measures.held_book import (
    held_exposure,
    market_facts,
    ten_year_factor,
    unit_values,
)
from research.pages.text import NONE, money, percent, signed
from risk.kill_switch import Mode
from risk.limits import Reading, Status
from risk.position_caps import PositionCaps
from risk.position_limits import eligibility
from risk.stress import StressResult
from universe.arrays import FloatArray, from_epoch_day
from universe.counts import count_text

LATEST = 30
"""Rows of the table of breaches."""

LARGEST, LEAST = 3, 0.0005
"""Markets that a stress is told with, and the least share of NAV that one is named for."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the page is made of.

    Attributes
    ----------
    result : RunResult
    row : int
        Of the session.
    stress : sequence of StressResult
    missing : sequence of str
        Why episodes are not replayed.
    collateral : CollateralPath
    legal : str
        Which VaR test is the legal one, where the run has an archive that says so.
    """

    result: RunResult
    row: int
    stress: Sequence[StressResult]
    missing: Sequence[str]
    collateral: CollateralPath
    legal: str = ""

    @property
    def day(self) -> date:
        """The session."""
        return from_epoch_day(int(self.result.day[self.row]))

    @property
    def readings(self) -> Sequence[Reading]:
        """Of the limits on the session."""
        return self.result.readings[self.row] if self.result.readings else ()

    def last(self, sessions: int) -> slice:
        """Rows up to the session."""
        return slice(max(self.row + 1 - sessions, 0), self.row + 1)


def desk_page(desk: Desk) -> list[Block]:
    """All parts of the page."""
    return [
        *_today(desk),
        *_limits(desk),
        *_risk(desk),
        *_stress(desk),
        *margin_part(desk),
        *_breaches(desk),
        *_over_time(desk),
        *_exposure(desk),
        *_positions(desk),
    ]


def _today(desk: Desk) -> list[Block]:
    result, row = desk.result, desk.row
    signed_exposure = held_exposure(result)[row] * ten_year_factor(result)
    switch = result.figures.get("switch")
    state = Mode(int(np.nan_to_num(switch[row]))).name.lower() if switch is not None else NONE
    before = float(result.nav[row - 1]) if row else float("nan")
    rows = [
        ("net assets", money(float(result.nav[row]))),
        ("result of the day", percent(float(result.nav[row]) / before - 1.0, 2)),
        ("99 %/20-day VaR of what is held", _share(result.var_held, row)),
        ("99 %/one-day VaR of what is held", percent(float(result.var_one_day[row]), 2)),
        ("one-day expected shortfall", _share(result.es_one_day, row, 2)),
        ("forecast volatility of the targets", percent(float(result.exante_vol[row]))),
        ("diversification ratio of the targets", _ratio(result.diversification_ratio, row)),
        ("drawdown (governor's peak)", percent(float(result.drawdown[row]))),
        ("exposure left by all scales", _share(result.exposure_scale, row, 0)),
        ("gross and net, rates in ten-year equivalents",
         f"{percent(float(np.abs(signed_exposure).sum()), 0)} and "
         f"{percent(float(signed_exposure.sum()), 0)}"),
        ("VaR test that the gate holds", _gate(result)),
        ("legal VaR test", desk.legal or "relative, the rule's default; the run has no archive"),
        ("kill switch", state),
        ("engine, data, settings",
         f"{result.engine}, {result.data_name}, {result.settings_hash}"),
    ]  # fmt: skip
    return [Heading(f"Risk desk, {desk.day}"), Table(("of", "is"), rows)]


def _gate(result: RunResult) -> str:
    test = result.settings.get("var_test", NONE)
    return "both, the relative one where it can be measured" if test == "rule" else test


def _limits(desk: Desk) -> list[Block]:
    if not desk.readings:
        return [Heading("Limits"), Paragraph("The run's record has no readings of limits.")]
    rows = [
        (one.limit.replace("_", " "), one.bucket, _figure(one.value), f"{one.warn:g}",
         f"{one.breach:g}", one.status.name.lower(), one.remedy.name.lower(),
         str(one.sessions), str(one.days_to_cure) if one.status is Status.BREACH else NONE,
         one.cause or NONE)
        for one in desk.readings
    ]  # fmt: skip
    return [
        Heading("Limits"),
        draw.limit_bars(desk.readings),
        Table(
            ("limit", "of", "value", "warn", "limit is", "status", "remedy", "sessions in breach",
             "days to cure", "cause"),
            rows,
            "The fullest bucket of every limit and all that are not within it; of what is held.",
        ),
    ]  # fmt: skip


def _risk(desk: Desk) -> list[Block]:
    result, row = desk.result, desk.row
    heading = Heading("Value at risk and expected shortfall")
    if result.var_parts is None or result.es_parts is None:
        return [heading, Paragraph("The run's record has no parts of its risk.")]
    var, shortfall = np.nan_to_num(result.var_parts[row]), np.nan_to_num(result.es_parts[row])
    exposure, margin = held_exposure(result)[row], desk.collateral.initial[row]
    share = np.zeros(len(var)) if result.risk_share is None else result.risk_share[row]
    classes = sorted(set(result.classes))
    member = np.array([[name == one for name in result.classes] for one in classes], dtype=float)
    by_class = [
        (name, percent(gross, 0), percent(net, 0), *_basis(v, s), percent(m), percent(r, 0))
        for name, gross, net, v, s, m, r in zip(
            [*classes, "all"],
            *(
                [*(member @ values).tolist(), float(values.sum())]
                for values in (np.abs(exposure), exposure, var, shortfall, margin, share)
            ),
            strict=True,
        )
    ]
    order = [k for k in np.argsort(-np.abs(var)).tolist() if result.contracts[row, k]]
    by_market = [
        (result.markets[k], result.classes[k], f"{result.contracts[row, k]:,}",
         percent(float(exposure[k])), *_basis(float(var[k]), float(shortfall[k])),
         percent(float(margin[k]), 2))
        for k in order
    ]  # fmt: skip
    return [
        heading,
        draw.parts_bars(classes, member @ var, member @ shortfall),
        Table(
            ("class", "gross", "net", "VaR, bp", "shortfall, bp", "initial margin",
             "part of the targets' variance"),
            by_class,
            "Parts of the one-day 99 % figures of what is held; they add up. Where the historical "
            "figure is the larger one, a part of VaR is the loss of a single past session, and that"
            " of the shortfall, a mean over the worst ones, is the steadier.",
        ),
        Heading("By market", 2),
        Table(
            ("market", "class", "contracts", "exposure", "VaR, bp", "shortfall, bp",
             "initial margin"),
            by_market,
        ),
    ]  # fmt: skip


def stress_table(desk: Desk) -> Table:
    """Every stress of the session with the markets that lose and gain most in it."""
    codes = desk.result.markets
    rows = []
    for one in desk.stress:
        order = np.argsort(np.nan_to_num(one.parts)).tolist()
        worst = [k for k in order[:LARGEST] if one.parts[k] < -LEAST]
        named = worst + [k for k in order[-1:] if one.parts[k] > LEAST]
        told = ", ".join(f"{codes[k]} {percent(float(one.parts[k]))}" for k in named)
        rows.append(
            (one.name, percent(one.profit), percent(one.worst), told or NONE,
             ", ".join(one.remarks) or NONE)
        )  # fmt: skip
    missing = f" Not replayed: {'; '.join(desk.missing)}." if desk.missing else ""
    return Table(
        ("stress", "profit", "lowest on the way", "by market", "remarks and stand-ins"),
        rows,
        f"On the portfolio held, of NAV; a dash where a held market has no move. Episodes are "
        f"renewed at the turn of a year.{missing}",
    )


def _stress(desk: Desk) -> list[Block]:
    return [Heading("Stress tests"), stress_table(desk)]


def _breaches(desk: Desk) -> list[Block]:
    """Stretches in breach up to the session, the latest first."""
    open_since: dict[tuple[str, str], list[Reading]] = {}
    rows: list[tuple[str, ...]] = []
    every = desk.result.readings[: desk.row + 1]
    for readings in [*every, ()]:
        bad = {(r.limit, r.bucket): r for r in readings if r.status is Status.BREACH}
        for key in [key for key in open_since if key not in bad]:
            rows.append(_stretch(open_since.pop(key)))
        for key, reading in bad.items():
            open_since.setdefault(key, []).append(reading)
    rows.sort(reverse=True)
    return [
        Heading("Breaches"),
        Table(
            ("from", "to", "sessions", "limit", "of", "highest", "limit is", "remedy", "cause"),
            rows[:LATEST],
            f"The latest {min(len(rows), LATEST)} of "
            f"{count_text(len(rows), 'stretch', 'stretches')}.",
        ),
    ]


def _stretch(readings: Sequence[Reading]) -> tuple[str, ...]:
    first, last = readings[0], readings[-1]
    highest = max((r.value for r in readings if np.isfinite(r.value)), default=float("nan"))
    return (
        from_epoch_day(first.day).isoformat(),
        from_epoch_day(last.day).isoformat(),
        str(len(readings)),
        first.limit.replace("_", " "),
        first.bucket,
        _figure(highest),
        f"{first.breach:g}",
        first.remedy.name.lower(),
        first.cause or NONE,
    )


def _over_time(desk: Desk) -> list[Block]:
    result, part = desk.result, desk.last(YEAR)
    days = result.day[part]
    blocks: list[Block] = [
        Heading("Risk over time"),
        draw.lines(days, {"drawdown": -100 * result.drawdown[part]}, "% of NAV",
                   f"Fall of NAV from the governor's peak, last {YEAR} sessions."),
        draw.lines(
            days,
            {name: 100 * values[part] for name, values in result.sleeve_vol.items()},
            "% a year",
            "Forecast volatility of what every sleeve asks for, after exposure scales.",
        ),
    ]  # fmt: skip
    if result.diversification_ratio is not None:
        blocks.append(
            draw.lines(days, {"ratio": result.diversification_ratio[part]}, "ratio",
                       "Diversification ratio of the targets.")
        )  # fmt: skip
    return blocks


def _exposure(desk: Desk) -> list[Block]:
    result, part = desk.result, desk.last(QUARTER)
    exposure = held_exposure(result)[part]
    held = np.flatnonzero(exposure.any(axis=0))
    order = sorted(held.tolist(), key=lambda k: (result.classes[k], result.markets[k]))
    bought, sold = _flows(desk, part)
    blocks: list[Block] = [Heading("Exposure and flows")]
    if order:
        codes = [result.markets[k] for k in order]
        blocks.append(draw.exposure_map(result.day[part], codes, exposure[:, order]))
    return [*blocks, draw.flow_bars(result.day[part], bought, sold)]


def _flows(desk: Desk, part: slice) -> tuple[FloatArray, FloatArray]:
    result = desk.result
    row = {int(day): k for k, day in enumerate(result.day[part])}
    column = {code: k for k, code in enumerate(result.markets)}
    unit = (unit_values(result) / np.where(result.nav > 0, result.nav, np.inf)[:, None])[part]
    bought, sold = np.zeros(len(row)), np.zeros(len(row))
    for fill in result.fills:
        k = row.get(fill.epoch_day)
        if k is not None and fill.market in column:
            size = abs(fill.quantity) * float(unit[k, column[fill.market]])
            (bought if fill.quantity > 0 else sold)[k] += size
    return bought, sold


def _positions(desk: Desk) -> list[Block]:
    """Held against position limits, and eligibility, of what is held."""
    result, row = desk.result, desk.row
    facts = market_facts(result)
    caps = PositionCaps(facts)
    contracts, day = result.contracts[row], int(result.day[row])
    net = np.bincount(caps.group, contracts * caps.size, len(caps.underlyings))
    lines = caps.lines(day)
    rows = []
    for k in np.flatnonzero(net != 0).tolist():
        line = lines[k]
        members = [facts[i] for i in np.flatnonzero((caps.group == k) & (contracts != 0)).tolist()]
        verdict, why = eligibility(members[0], desk.day)
        levels = ("unknown",) * 3 if line is None else tuple(
            "unknown" if level is None else f"{level:,}"
            for level in (line.spot, line.single, line.every)
        )  # fmt: skip
        rows.append(
            (caps.underlyings[k], f"{net[k]:,.0f}", *levels, line.source if line else NONE,
             f"{verdict}: {why}")
        )  # fmt: skip
    unknown = sum(line is None for k, line in enumerate(lines) if net[k])
    return [
        Heading("Position limits and eligibility"),
        Table(
            ("underlying", "full-size contracts", "spot month", "single month", "all months",
             "source", "US fund"),
            rows,
            f"Of {count_text(len(rows), 'underlying')} held, {unknown} without a limit on file: "
            "unknown, not none.",
        ),
    ]  # fmt: skip


def _basis(var: float, shortfall: float) -> tuple[str, str]:
    return signed(1e4 * var, 1), signed(1e4 * shortfall, 1)


def _share(values: FloatArray | None, row: int, digits: int = 1) -> str:
    return NONE if values is None else percent(float(values[row]), digits)


def _ratio(values: FloatArray | None, row: int) -> str:
    return NONE if values is None else signed(float(values[row]), 2)


def _figure(value: float) -> str:
    return f"{value:.4g}" if np.isfinite(value) else NONE
