"""Made-up but consistent run results: NAV, fills, costs and sleeves add up."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from research.data.dataset import DataIssue
from research.engine.result import Event, Fill, RunResult
from universe.arrays import to_epoch_day

CLASSES = ("equity", "bond", "fx", "metal", "energy", "agriculture", "volatility")
RESIDUAL = "rounding and limits"


def weekdays(start: date, count: int) -> np.ndarray:
    day = np.arange(to_epoch_day(start), to_epoch_day(start) + 2 * count + 7)
    return day[(day + 3) % 7 < 5][:count].astype(np.int64)


def small_result(nav: list[float], markets: int = 1, **changes: Any) -> RunResult:
    """Hand-made result: NAV is given, all else is zero or inactive unless named in ``changes``."""
    n = len(nav)
    zero = np.zeros((n, markets))
    values: dict[str, Any] = {
        "data_name": "hand-made",
        "synthetic": False,
        "engine": "embedded",
        "settings": {},
        "settings_hash": "0" * 12,
        "data_hash": "f" * 64,
        "markets": [f"M{i}" for i in range(markets)],
        "classes": [CLASSES[i % len(CLASSES)] for i in range(markets)],
        "day": weekdays(date(2020, 1, 1), n),
        "nav": np.array(nav, dtype=float),
        "pnl": zero,
        "cost": zero,
        "roll_cost": zero,
        "sleeve_pnl": {"trend": zero, "carry": zero, RESIDUAL: zero},
        "contracts": zero.astype(np.int64),
        "targets": zero.astype(np.int64),
        "forecasts": {"trend": zero * np.nan, "carry": zero * np.nan},
        "weight": zero,
        "exante_vol": np.zeros(n),
        "vol_target": 0.10,
        "var_parametric": np.zeros(n),
        "var_historical": np.full(n, np.nan),
        "var_relative": np.full(n, np.nan),
        "var_limit": 0.20,
        "var_one_day": np.zeros(n),
        "drawdown": 1 - np.array(nav) / np.maximum.accumulate(nav),
        "governor_scale": np.ones(n),
        "gate_scale": np.ones(n),
        "active": np.ones((n, markets), dtype=bool),
    }
    return RunResult(**{**values, **changes})


def fake_result(
    days: int = 600, markets: int = 8, seed: int = 1, *, synthetic: bool = True
) -> RunResult:
    """A strategy-like record over random prices."""
    rng = np.random.default_rng(seed)
    day = weekdays(date(1990, 1, 1), days)
    classes = sorted(CLASSES[i % len(CLASSES)] for i in range(markets))
    codes = [f"{name[:3].upper()}{i}" for i, name in enumerate(classes)]
    start = np.sort(rng.integers(0, max(days // 2, 1), markets))
    start[: max(markets // 2, 1)] = 0
    rng.shuffle(start)
    active = np.arange(days)[:, None] >= start[None, :]

    sigma = rng.uniform(0.002, 0.02, markets)
    stress = 1 + 1.5 * np.exp(-(((np.arange(days) / days - 0.55) / 0.02) ** 2))
    common = rng.standard_t(4, days) * 0.25
    noise = rng.standard_t(5, (days, markets))
    trend = _smooth(rng.standard_normal((days, markets)), 120)
    carry = _smooth(rng.standard_normal((days, markets)), 250)
    drift = np.vstack([np.zeros(markets), (trend + carry)[:-1] * 0.006])
    ret = sigma * ((noise * 0.75 + common[:, None]) * stress[:, None] + drift)
    value = 60_000 * rng.uniform(0.6, 3, markets) * np.exp(np.cumsum(ret - sigma**2 / 2, axis=0))

    nav, held = 1e8, np.zeros(markets, dtype=np.int64)
    share = {"trend": np.zeros(markets), "carry": np.zeros(markets)}
    governor, peak = 1.0, nav
    zero = np.zeros((days, markets))
    rows = {name: zero.copy() for name in ("pnl", "cost", "roll_cost", "weight", "trend", "carry")}
    whole = {name: zero.astype(np.int64) for name in ("contracts", "targets")}
    line = {name: np.ones(days) for name in ("nav", "vol", "var", "gov", "gate", "dd")}
    fills: list[Fill] = []
    events: list[Event] = []
    target = held.copy()
    for t in range(days):
        before = value[max(t - 1, 0)]
        pnl = held * before * ret[t] if t else np.zeros(markets)
        rows["pnl"][t] = pnl
        for name in share:
            rows[name][t] = pnl * share[name]
        for i in np.flatnonzero(target != held):
            cost = _fill(
                fills, day[t], codes[i], int(target[i] - held[i]), value[t, i], "rebalance"
            )
            rows["cost"][t, i] += cost
        held = target.copy()
        for i in np.flatnonzero((np.arange(markets) * 7 + t) % 63 == 0):
            if held[i] and active[t, i]:
                cost = _fill(fills, day[t], codes[i], -int(held[i]), value[t, i], "roll")
                cost += _fill(fills, day[t], codes[i], int(held[i]), value[t, i], "roll")
                rows["cost"][t, i] += cost
                rows["roll_cost"][t, i] += cost
                events.append(Event(int(day[t]), "roll", codes[i], "199003 -> 199006 (oi)"))
        nav += pnl.sum() - rows["cost"][t].sum()
        peak = max(peak, nav)
        drawdown = 1 - nav / peak
        allowed = float(np.interp(drawdown, [0.05, 0.10, 0.15, 0.2], [1.0, 0.6, 0.4, 0.2]))
        governor = min(governor + 0.01, round(allowed * 20) / 20)
        usual = 0.18 / (sigma * 16 * stress[t]) / markets**0.7
        wanted = active[t] * (trend[t] + carry[t]) * usual * governor
        optimal = wanted * nav / value[t]
        buffer = 0.3 * usual * nav / value[t] + 0.5
        target = np.where(np.abs(optimal - held) > buffer, optimal, held)
        target = np.trunc(target).astype(np.int64)
        exposure = target * value[t] / nav
        vol = float(np.sqrt(np.sum((exposure * sigma * stress[t]) ** 2) * 1.6 * 252))
        gate = min(1.0, 0.11 / max(vol * 2.33 * np.sqrt(20 / 252), 1e-9))
        target = np.trunc(target * gate).astype(np.int64)
        if gate < 1:
            events.append(Event(int(day[t]), "gate", "", f"VaR above the limit: cut to {gate:.4f}"))
        for name, forecast in (("trend", trend[t]), ("carry", carry[t])):
            total = trend[t] + carry[t]
            share[name] = np.where(np.abs(total) > 0.2, forecast / np.where(total, total, 1), 0.5)
        whole["contracts"][t], whole["targets"][t] = held, target
        rows["weight"][t] = target * value[t] / nav
        numbers = (nav, vol * gate, vol * gate, governor, gate, drawdown)
        for name, number in zip(line, numbers, strict=True):
            line[name][t] = number
    monthly = line["var"] * 2.33 * np.sqrt(20 / 252)
    historical = monthly * (1 + 0.15 * _smooth(rng.standard_normal((days, 1)), 60)[:, 0])
    historical[: min(250, days)] = np.nan
    residual = rows["pnl"] - rows["trend"] - rows["carry"]
    absent = np.where(active, 1.0, np.nan)
    issues = [
        DataIssue(codes[0], int(day[0]), "non-positive price", "close -37.63 <kept> & flagged"),
        DataIssue(codes[-1], None, "gap", "no bar for 21 days — Größe ≠ 0"),
    ]
    return RunResult(
        data_name="seeded walk Ω <b>",
        synthetic=synthetic,
        engine="embedded",
        settings={"start": "1990-01-01", "vol_target": "0.1", "buffer": "0.2", "unheard_of": "1"},
        settings_hash="0123456789ab",
        data_hash="ab" * 32,
        markets=codes,
        classes=classes,
        day=day,
        nav=line["nav"],
        pnl=rows["pnl"],
        cost=rows["cost"],
        roll_cost=rows["roll_cost"],
        sleeve_pnl={"trend": rows["trend"], "carry": rows["carry"], RESIDUAL: residual},
        contracts=whole["contracts"],
        targets=whole["targets"],
        forecasts={"trend": trend * absent, "carry": carry * absent},
        weight=rows["weight"],
        exante_vol=line["vol"],
        vol_target=0.10,
        var_parametric=monthly,
        var_historical=historical,
        var_relative=monthly / 0.11,
        var_limit=0.20,
        var_one_day=line["var"] * 2.33 / np.sqrt(252),
        drawdown=line["dd"],
        governor_scale=line["gov"],
        gate_scale=line["gate"],
        active=active,
        fills=fills,
        events=events,
        issues=issues,
        timings={"engine": 1.25},
    )


def _smooth(noise: np.ndarray, span: int) -> np.ndarray:
    out = np.zeros_like(noise)
    decay = 1 - 2 / (span + 1)
    for t in range(1, len(noise)):
        out[t] = decay * out[t - 1] + noise[t]
    return out * np.sqrt(1 - decay**2)


def _fill(
    fills: list[Fill], day: int, code: str, quantity: int, value: float, reason: str
) -> float:
    slippage, fee = abs(quantity) * value * 6e-5, abs(quantity) * 2.5
    fills.append(Fill(int(day), code, 199003, quantity, value / 50, slippage, fee, reason))
    return float(slippage + fee)
