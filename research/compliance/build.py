"""From a run to the entries of its archive (V4).

Where a run's result keeps VaR over 20 days of the targets alone the head of the archive says so.
What it does not keep (margin, cash, the model) is null or unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from portfolio.contracts import ten_year_equivalent
from research.compliance.liquidity import Bucket, buckets, days_to_cash, shares
from research.compliance.records import (
    SCHEMA,
    DayEntry,
    Head,
    LimitEntry,
    StressEntry,
    number,
)
from research.engine.result import RunResult
from research.measures.performance import returns_of, var_tested
from research.measures.tables import base_nav, contract_values
from risk.account import EventKind, Remedy, RiskAccount, RiskEvent
from risk.breach_cause import Cause
from risk.limit_measures import DailyLoss, Drawdown, Measure, TurnoverSpike
from risk.limits import TABLE, Limit, LimitBook, LimitRow, Reading, Status
from risk.stress import StressResult
from universe.arrays import FloatArray, IntArray, from_epoch_day
from universe.instruments import InstrumentMaster

PARTICIPATION = 0.2
"""Share of a market's average volume that is taken to move no price significantly."""

TRADE_SIZE = 0.25
"""Share of a position that redemptions are reasonably anticipated to trade."""

Stress = Mapping[int, Sequence[StressResult]]


class _Kept(Measure):
    """A figure that the run kept by session."""

    caps = True

    def __init__(self) -> None:
        super().__init__()
        self.value = float("nan")

    def values(self, contracts: IntArray, account: RiskAccount) -> FloatArray:
        """The figure of the session."""
        return np.array([self.value])


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
    )


def entries_of(
    result: RunResult,
    master: InstrumentMaster,
    *,
    stress: Stress | None = None,
    rows: Sequence[LimitRow] = TABLE,
) -> list[DayEntry]:
    """The days of a run.

    Parameters
    ----------
    result : RunResult
    master : InstrumentMaster
        Average volumes for the liquidity buckets.
    stress : mapping of epoch day to StressResult, optional
    rows : sequence of LimitRow
        Of them those that the result keeps figures for are measured.
    """
    unit = _unit_exposure(result, master)
    exposure = np.abs(result.contracts * unit)
    member = np.array([[c == name for c in result.classes] for name in sorted(set(result.classes))])
    liquidity = _liquidity(result, master, exposure)
    traded = _traded(result, unit)
    held = _held(result)
    relative = _relative(result, held)
    var = {"var_absolute": held, "var_relative": relative, "gross": exposure.sum(axis=1)}
    readings = _readings(result, rows, var, traded)
    returned = np.concatenate([[np.nan], returns_of(result)])[: len(result.day)]
    clean = result.pnl.sum(axis=1) / base_nav(result)
    tested = np.concatenate([[False], var_tested(result)])[: len(result.day)]
    before = np.concatenate([[np.nan], result.var_one_day[:-1]])[: len(result.day)]
    remedies = _remedies(result)
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
                None,
                number(exposure[row].sum()),
                (member @ exposure[row]).tolist(),
                number(traded[row]),
                number(result.drawdown[row]),
                None,
                None,
                [],
                liquidity[row].tolist(),
                readings[row],
                [_stress_entry(one) for one in (stress or {}).get(day, ())],
                remedies.get(day, []),
                "armed",
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


def _unit_exposure(result: RunResult, master: InstrumentMaster) -> FloatArray:
    """Exposure of one contract over NAV, (days, markets), rates in ten-year equivalents."""
    duration = np.array([master[c].duration if c in master else 0.0 for c in result.markets])
    value = np.nan_to_num(contract_values(result)) / ten_year_equivalent(duration)
    return np.asarray(value / np.where(result.nav > 0, result.nav, np.inf)[:, None])


def _traded(result: RunResult, unit: FloatArray) -> FloatArray:
    """Exposure that changed hands by session, over NAV."""
    row = {day: k for k, day in enumerate(result.day.tolist())}
    column = {code: k for k, code in enumerate(result.markets)}
    out = np.zeros(len(result.day))
    for fill in result.fills:
        if fill.epoch_day in row and fill.market in column:
            day = row[fill.epoch_day]
            out[day] += abs(fill.quantity) * unit[day, column[fill.market]]
    return out


def _liquidity(result: RunResult, master: InstrumentMaster, exposure: FloatArray) -> FloatArray:
    """Shares of the buckets by absolute exposure, (days, 4)."""
    volume = np.array(
        [master[code].adv_contracts if code in master else np.nan for code in result.markets]
    )
    out = np.zeros((len(result.day), len(Bucket)))
    for row, contracts in enumerate(result.contracts):
        days = days_to_cash(contracts, volume, participation=PARTICIPATION, trade_size=TRADE_SIZE)
        out[row] = shares(exposure[row], buckets(days))
    return out


def _readings(
    result: RunResult,
    rows: Sequence[LimitRow],
    kept: Mapping[str, FloatArray],
    traded: FloatArray,
) -> list[list[LimitEntry]]:
    """Readings of every close of the limits whose figures a result keeps."""
    measures: dict[str, Measure] = {name: _Kept() for name in kept}
    measures |= {
        "drawdown": Drawdown(),
        "daily_loss": DailyLoss(),
        "turnover_spike": TurnoverSpike(),
    }
    limits = [_limit(row, measures[row.name]) for row in rows if row.name in measures]
    book = LimitBook(limits)
    out = []
    nothing = np.full(len(result.markets), np.nan)
    for row, day in enumerate(result.day.tolist()):
        for name, values in kept.items():
            measure = measures[name]
            assert isinstance(measure, _Kept)
            measure.value = float(values[row])
        account = RiskAccount(
            day,
            float(result.nav[row]),
            result.contracts[row],
            nothing,
            last_nav=float(result.nav[row - 1]) if row else float("nan"),
            drawdown=float(result.drawdown[row]),
            turnover=float(traded[row]),
        )
        found = book.read(RiskEvent(EventKind.CLOSE, day), account)
        out.append([_limit_entry(reading) for reading in found])
    return out


def _limit(row: LimitRow, measure: Measure) -> Limit:
    return Limit(row if measure.caps else replace(row, remedy=_sayable(row.remedy)), measure)


def _sayable(remedy: Remedy) -> Remedy:
    return Remedy.SAY if remedy in (Remedy.CAP, Remedy.CUT) else remedy


def _limit_entry(reading: Reading) -> LimitEntry:
    bad = reading.status is Status.BREACH
    return LimitEntry(
        reading.limit,
        reading.bucket,
        number(reading.value),
        reading.warn,
        reading.breach,
        reading.status.name.lower(),
        reading.remedy.name.lower(),
        _cause(reading) if bad else "",
        reading.sessions,
        reading.days_to_cure,
    )


def _cause(reading: Reading) -> str:
    """Without the positions, prices and model of both days only lasting and new are known apart."""
    return str(Cause.LASTING if reading.sessions > 1 else Cause.UNKNOWN)


def _stress_entry(result: StressResult) -> StressEntry:
    return StressEntry(
        result.name, number(result.profit), number(result.worst), list(result.remarks)
    )


def _remedies(result: RunResult) -> dict[int, list[str]]:
    """What governor and gate did, by day."""
    out: dict[int, list[str]] = {}
    for row, scale in enumerate(result.governor_scale.tolist()):
        if scale < 1.0:
            out.setdefault(int(result.day[row]), []).append(f"governor: {scale:.2f} of exposure")
    for event in result.events:
        if event.kind == "gate":
            out.setdefault(event.epoch_day, []).append(f"gate: {event.detail}")
    return out
