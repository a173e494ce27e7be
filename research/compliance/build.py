"""From a run to the entries of its archive (V4).

Limits, held VaR and the kill switch are what the decisions read and did; what a run does not keep
is null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from portfolio.cash import Interest
from research.compliance.collateral import CollateralPath, cash_settings
from research.compliance.liquidity import Bucket, buckets, days_to_cash, shares, value_shares
from research.compliance.records import (
    BOOKED,
    SCHEMA,
    SHOWN,
    DayEntry,
    Head,
    LimitEntry,
    StressEntry,
    number,
)
from research.engine.result import RunResult
from research.measures.held_book import (
    held_exposure,
    market_facts,
    ten_year_factor,
    unit_values,
)
from research.measures.performance import returns_of, var_tested
from research.measures.tables import base_nav
from risk.account import Remedy
from risk.gate import VarGate, VarTest
from risk.kill_switch import Mode
from risk.limit_stage import LimitStage
from risk.limits import Reading, Status, plain_values
from risk.stress import StressResult
from risk.switch_stage import SwitchStage
from universe.arrays import FloatArray, from_epoch_day, known

PARTICIPATION = 0.2
"""Share of a market's average volume that is taken to move no price significantly."""

TRADE_SIZE = 0.25
"""Share of a position that redemptions are reasonably anticipated to trade."""

STATUS = {status: status.name.lower() for status in Status}
REMEDY = {remedy: remedy.name.lower() for remedy in Remedy}
"""In the archive's words."""

Stress = Mapping[int, Sequence[StressResult]]

DEFAULT_REFERENCE = "ES 0.6 ZN 0.4"
"""Of a run whose settings name none."""


def head_of(result: RunResult, *, legal_test: str = "relative", determination: str = "") -> Head:
    """First line of the archive.

    Parameters
    ----------
    result : RunResult
    legal_test : str
        "relative", the rule's default, or "absolute".
    determination : str
        Why the absolute test is the legal one: who determined it, when and on what grounds.

    Raises
    ------
    ValueError
        If the absolute test is chosen without a determination, or a third one.
    """
    if legal_test not in ("absolute", "relative"):
        raise ValueError(f"legal_test is {legal_test!r}; allowed are absolute and relative")
    if legal_test == "absolute" and not determination.strip():
        raise ValueError(
            "the absolute test needs the derivatives risk manager's determination that no "
            "reference portfolio is appropriate: who, when and why"
        )
    cash = cash_settings(result)
    return Head(
        SCHEMA,
        result.engine,
        result.data_hash,
        result.settings_hash,
        list(result.markets),
        list(result.classes),
        "targets" if result.var_held is None else "held",
        legal_test,
        determination,
        result.settings.get("var_reference", DEFAULT_REFERENCE),
        result.settings.get("var_test", VarTest.ABSOLUTE.value),
        f"{BOOKED if cash.interest == Interest.LADDER else SHOWN}: {cash.stress_in_words()}",
    )


def entries_of(
    result: RunResult,
    *,
    stress: Stress | None = None,
    collateral: CollateralPath | None = None,
) -> list[DayEntry]:
    """The days of a run.

    Parameters
    ----------
    result : RunResult
    stress : mapping of epoch day to StressResult, optional
    collateral : CollateralPath, optional
        Without it margin, cash and bills are null and liquidity by value is not measured.
    """
    signed = held_exposure(result)
    factor = ten_year_factor(result)
    exposure = np.abs(signed) * factor
    member = np.array([[c == name for c in result.classes] for name in sorted(set(result.classes))])
    bucket = _buckets(result)
    traded = _traded(result, factor)
    relative = _relative(result, _held(result))
    returned = np.concatenate([[np.nan], returns_of(result)])[: len(result.day)]
    kept = result.pnl if result.overnight is None else result.overnight
    clean = kept.sum(axis=1) / base_nav(result)
    tested = np.concatenate([[False], var_tested(result)])[: len(result.day)]
    before = np.concatenate([[np.nan], result.var_one_day[:-1]])[: len(result.day)]
    remedies = _remedies(result)
    switch = known(result.figures.get("switch", np.zeros(len(result.day)))).astype(np.int64)
    es, money = result.es_one_day, _collateral_of(collateral, len(result.day))
    out = []
    for row, day in enumerate(result.day.tolist()):
        out.append(
            DayEntry(
                from_epoch_day(day).isoformat(),
                float(result.nav[row]),
                number(returned[row]),
                number(clean[row]),
                None if result.var_held is None else number(result.var_held[row]),
                number(result.var_parametric[row]),
                number(result.var_historical[row]),
                number(relative[row]),
                number(result.var_one_day[row]),
                number(before[row]) if tested[row] else None,
                bool(-returned[row] > before[row]) if tested[row] else None,
                None if es is None else number(es[row]),
                number(exposure[row].sum()),
                (member @ exposure[row]).tolist(),
                number(traded[row]),
                number(result.drawdown[row]),
                **money[row],
                liquidity_value=_by_value(collateral, row, bucket[row]),
                liquidity_risk=shares(exposure[row], bucket[row]).tolist(),
                limits=_limit_entries(result.readings[row] if result.readings else ()),
                stress=[_stress_entry(one) for one in (stress or {}).get(day, ())],
                remedies=remedies.get(day, []),
                switch=Mode(int(switch[row])).name.lower(),
            )
        )
    return out


def _held(result: RunResult) -> FloatArray:
    """20-day VaR of the portfolio held, of the targets where the run kept no other."""
    if result.var_held is not None:
        return result.var_held
    return np.asarray(np.fmax(result.var_parametric, result.var_historical))


def _relative(result: RunResult, held: FloatArray) -> FloatArray:
    """The same over the reference portfolio's, which the targets' two figures give."""
    targets = np.fmax(result.var_parametric, result.var_historical)
    usable = (targets > 0) & (result.var_relative > 0)
    safe = np.where(usable, targets, 1.0)
    return np.where(usable, held * result.var_relative / safe, np.nan)


def _traded(result: RunResult, factor: FloatArray) -> FloatArray:
    """Exposure that changed hands by session, over NAV, rates in ten-year equivalents."""
    row = {day: k for k, day in enumerate(result.day.tolist())}
    column = {code: k for k, code in enumerate(result.markets)}
    unit = unit_values(result) * factor / np.where(result.nav > 0, result.nav, np.inf)[:, None]
    out = np.zeros(len(result.day))
    for fill in result.fills:
        if fill.epoch_day in row and fill.market in column:
            day = row[fill.epoch_day]
            out[day] += abs(fill.quantity) * unit[day, column[fill.market]]
    return out


def _buckets(result: RunResult) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Bucket of every position by session and market."""
    volume = np.array([facts.adv_contracts or np.nan for facts in market_facts(result)])
    days = days_to_cash(
        result.contracts, volume, participation=PARTICIPATION, trade_size=TRADE_SIZE
    )
    return buckets(days)


def _by_value(
    collateral: CollateralPath | None,
    row: int,
    bucket: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> list[float]:
    """Shares of net assets; nothing where a margin is not known."""
    if collateral is None or not np.isfinite(collateral.initial[row]).all():
        return []
    out: list[float] = value_shares(collateral.initial[row], bucket).tolist()
    return out if len(out) == len(Bucket) else []


def _collateral_of(path: CollateralPath | None, rows: int) -> list[dict[str, float | None]]:
    names = ("margin", "cash", "bills", "earned", "short")
    if path is None:
        return [dict.fromkeys(names)] * rows
    columns = [[number(value) for value in getattr(path, name).tolist()] for name in names]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _limit_entries(readings: Sequence[Reading]) -> list[LimitEntry]:
    entries = []
    for limit, bucket, value, warn, breach, status, _, remedy, *rest in plain_values(readings):
        _, sessions, days_to_cure, cause = rest
        words = STATUS[status], REMEDY[remedy]
        entries.append(
            LimitEntry(limit, bucket, value, warn, breach, *words, cause, sessions, days_to_cure)
        )
    return entries


def _stress_entry(result: StressResult) -> StressEntry:
    return StressEntry(
        result.name, number(result.profit), number(result.worst), list(result.remarks)
    )


def _remedies(result: RunResult) -> dict[int, list[str]]:
    """What governor, limits, gate and kill switch did, by day and in their order."""
    out: dict[int, list[str]] = {}
    for row, scale in enumerate(result.governor_scale.tolist()):
        if scale < 1.0:
            out.setdefault(int(result.day[row]), []).append(f"governor: {scale:.2f} of exposure")
    kinds = {"gate": "gate", VarGate.NAME: "gate"}
    kinds |= {name: name for name in (LimitStage.NAME, SwitchStage.NAME)}
    for event in result.events:
        if event.kind in kinds:
            out.setdefault(event.epoch_day, []).append(f"{kinds[event.kind]}: {event.detail}")
    return out
