"""Every number a person may want to change: one typed table with default, unit, range and meaning.

``config.json`` carries the same names as strings, because LEAN parameters are strings;
``lean backtest --parameter`` and ``lean optimize`` reach all of them.
"""

from __future__ import annotations

import difflib
import hashlib
import itertools
import json
import math
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from datetime import date
from typing import Any

WARM_UP_MARGIN = 10
"""Days before the first session observed, in which LEAN takes up chains and macro series."""


class SettingsError(ValueError):
    """An unknown, unparsable or out-of-range setting."""


def _setting(
    default: Any,
    meaning: str,
    *,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    metadata = {"meaning": meaning, "unit": unit, "low": low, "high": high, "choices": choices}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the strategy; ``Settings.parse`` reads them from strings.

    Raises
    ------
    SettingsError
        By every constructor, with the parameter, the value and what is allowed.
    """

    # --- run -------------------------------------------------------------------------------------
    start: str = _setting(
        "1990-01-01", "first session on which the strategy may trade", unit="date"
    )
    end: str = _setting("2022-06-30", "last session of a backtest", unit="date")
    cash: float = _setting(
        50_000_000.0, "starting capital in account currency", unit="USD", low=1e4, high=1e12
    )
    markets: str = _setting("all", "codes of the instrument master parted by blanks, or 'all'")
    warmup_days: int = _setting(
        1200,
        "calendar days of history before the start (18f-4: three years)",
        unit="days",
        low=0,
        high=20_000,
    )

    state: str = _setting(
        "live",
        "when the state is written to the ObjectStore",
        choices=("live", "always", "end", "never"),
    )
    trace: int = _setting(
        0, "1: leave a day-by-day record in the ObjectStore (parity)", low=0, high=1
    )

    # --- universe --------------------------------------------------------------------------------
    outlier_sigmas: float = _setting(
        20.0, "a move beyond this many daily sigmas waits for the next bar", low=5.0, high=100.0
    )
    gap_days: int = _setting(
        14, "calendar days without a bar after which a market is out", unit="days", low=4, high=60
    )
    stale_sessions: int = _setting(
        15, "equal closes in a row after which a price counts as stale", low=3, high=250
    )
    min_position: float = _setting(
        0.25,
        "average position below which a market is too big for the fund",
        unit="contracts",
        low=0.0,
        high=10.0,
    )
    max_cost: float = _setting(
        0.01,
        "cost of a trade above which a market is too dear (Carver 2023)",
        unit="of annual volatility",
        low=0.0001,
        high=1.0,
    )
    max_adv: float = _setting(
        0.25,
        "largest position as a share of the average daily volume",
        unit="of ADV",
        low=0.001,
        high=10.0,
    )
    max_exposure: float = _setting(
        0.5,
        "largest exposure to one market; rates count in ten-year equivalents by DV01",
        unit="of NAV",
        low=0.01,
        high=20.0,
    )
    max_spread_exposure: float = _setting(
        1.0,
        "largest exposure of either leg of a calendar spread; rates in ten-year equivalents",
        unit="of NAV",
        low=0.01,
        high=50.0,
    )
    roll_open_interest_ratio: float = _setting(
        0.0,
        "theta: roll when OI of the next contract exceeds theta x OI of the held one (000); 0 is "
        "off, open interest then acts through the data's own mapping",
        low=0.0,
        high=100.0,
    )
    follow_mapping: int = _setting(
        1, "1: also roll when the data's own front contract has moved on", low=0, high=1
    )

    # --- alpha -----------------------------------------------------------------------------------
    trend_rules: str = _setting(
        "tsmom", "rules of the trend sleeve, out of tsmom (000), ewmac (001) and breakout"
    )
    carry_rules: str = _setting(
        "smoothed",
        "carry sleeves, out of smoothed (001), cross_section (000), relative_value, calendar and "
        "directional (003); they share the carry budget equally",
    )
    carry_source: str = _setting(
        "basis",
        "raw carry: the futures basis, or the formula of the asset class where its inputs are "
        "known (000)",
        choices=("basis", "class"),
    )
    macro_max_age: int = _setting(
        10, "days a macro series stays valid; dividend yields 100", unit="days", low=1, high=366
    )
    cross_section_method: str = _setting(
        "zscore", "comparison inside a class", choices=("zscore", "rank", "cohort")
    )
    cross_section_fraction: float = _setting(
        0.25,
        "part of a class in its top, and bottom, cohort; with 000's deciles the cap of 2 keeps the "
        "mean forecast at half of 1",
        low=0.01,
        high=0.5,
    )
    relative_value_fraction: float = _setting(
        0.5, "part of a class held long, and short (003: halves or quartiles)", low=0.01, high=0.5
    )
    directional_minimum: float = _setting(
        0.0, "ex-ante Sharpe ratio below which directional carry holds nothing", low=0.0, high=5.0
    )
    forecast_multiplier: str = _setting(
        "table",
        "diversification multiplier of several trend rules: 001's table, or estimated",
        choices=("table", "estimated"),
    )
    multiplier_span: int = _setting(
        1000, "span of the estimated multiplier", unit="sessions", low=250, high=5000
    )
    tsmom_weight_3m: float = _setting(0.2, "w3 of 000's momentum", low=0.0, high=1.0)
    tsmom_weight_6m: float = _setting(0.3, "w6", low=0.0, high=1.0)
    tsmom_weight_12m: float = _setting(0.5, "w12, the heaviest", low=0.0, high=1.0)
    tsmom_skip_days: int = _setting(
        21, "most recent sessions left out", unit="sessions", low=0, high=62
    )
    tsmom_flip_threshold: float = _setting(
        0.25, "opposite forecast that triggers the daily flip check", low=0.0, high=2.0
    )
    ewmac_spans: str = _setting("16 32 64", "fast spans; the slow span is four times as long")
    breakout_horizons: str = _setting(
        "40 80 160", "horizons of the breakout rule, out of 10, 20, 40, 80, 160, 320"
    )
    carry_spans: str = _setting("5 20 60 120", "smoothing spans of carry (001)")
    carry_scalar: float = _setting(
        30.0, "forecast scalar of carry on Carver's scale of 10 (001)", low=1.0, high=200.0
    )
    carry_max_age: int = _setting(
        100, "calendar days a carry quote stays valid", unit="days", low=1, high=366
    )
    spread_max_age: int = _setting(
        14,
        "calendar days a calendar spread's carry stays valid without a third contract",
        unit="days",
        low=1,
        high=366,
    )
    forecast_step: float = _setting(
        0.05, "forecasts are rounded to multiples of this", low=0.0001, high=0.5
    )
    forecast_cap: float = _setting(2.0, "cap of every forecast (mean 1)", low=1.0, high=10.0)
    vol_span: int = _setting(
        32, "span of the exponentially weighted volatility (001)", unit="sessions", low=5, high=260
    )
    vol_long_sessions: int = _setting(
        756, "window of the long-run volatility (001: three years)", low=32, high=2520
    )
    vol_long_weight: float = _setting(0.3, "weight of the long-run volatility", low=0.0, high=1.0)

    # --- portfolio -------------------------------------------------------------------------------
    trend_budget: float = _setting(0.5, "risk share of the trend sleeve", low=0.0, high=1.0)
    covariance: str = _setting(
        "ewma", "correlation estimator", choices=("ewma", "ledoit_wolf", "block_diagonal")
    )
    corr_span: int = _setting(
        250, "span of the EWMA correlation", unit="sessions", low=20, high=2000
    )
    corr_window: int = _setting(
        252, "window of the Ledoit-Wolf correlation", unit="sessions", low=60, high=756
    )
    corr_every: int = _setting(
        5, "sessions between two Ledoit-Wolf estimates", unit="sessions", low=1, high=63
    )
    vol_target: float = _setting(
        0.10, "annual volatility of the fund", unit="of NAV", low=0.01, high=0.5
    )
    bias_span: int = _setting(
        250, "span of the correction of ex-ante volatility", unit="sessions", low=60, high=2000
    )
    vol_floor: float = _setting(
        0.25,
        "least vol of the overlaid sleeves that is scaled up, where 1 is one sleeve's",
        low=0.01,
        high=1.0,
    )
    buffer: float = _setting(
        0.10, "no-trade band as share of the average position (001)", low=0.0, high=1.0
    )
    cooldown_sessions: int = _setting(
        5, "sessions after a trade without another small one", unit="sessions", low=0, high=63
    )

    # --- risk ------------------------------------------------------------------------------------
    var_confidence: float = _setting(0.99, "confidence of VaR (18f-4)", low=0.9, high=0.999)
    var_tail: float = _setting(
        6.0, "degrees of freedom of the parametric law (Student's t)", low=3.0, high=1000.0
    )
    var_horizon: int = _setting(20, "horizon of VaR (18f-4)", unit="sessions", low=1, high=60)
    var_limit: float = _setting(
        0.20, "absolute VaR limit (18f-4)", unit="of NAV", low=0.005, high=1.0
    )
    var_test: str = _setting(
        "absolute", "which test gates: 18f-4 asks for one", choices=("absolute", "relative", "both")
    )
    var_relative_limit: float = _setting(
        2.0, "VaR over that of the reference portfolio (18f-4)", low=0.5, high=2.5
    )
    var_reference: str = _setting(
        "ES 0.6 ZN 0.4", "unlevered reference portfolio: code weight code weight ..."
    )
    var_window: int = _setting(
        756, "sessions of history in VaR (18f-4: at least three years)", low=250, high=2520
    )
    var_min_sessions: int = _setting(
        250, "sessions before the historical VaR is used", low=60, high=756
    )
    governor: str = _setting(
        "0.05 0.8 0.10 0.6 0.20 0.4",
        "pairs of drawdown and the gross share from there on (000)",
    )
    governor_window: int = _setting(
        252, "sessions of the rolling maximum that drawdown is measured from", low=60, high=2520
    )
    governor_restore: float = _setting(
        0.02, "largest restoration of gross share in a session", low=0.0005, high=1.0
    )
    governor_step: float = _setting(
        0.05, "the share moves in steps of this size", low=0.001, high=0.25
    )

    # --- execution -------------------------------------------------------------------------------
    fee_model: str = _setting(
        "broker",
        "in LEAN: its Interactive Brokers model, or the master's fees (same amounts, slower)",
        choices=("broker", "master"),
    )
    impact: float = _setting(
        0.1, "alpha of the square-root impact, in daily sigmas at full volume", low=0.0, high=5.0
    )
    cost_stress: float = _setting(1.0, "multiplies slippage", low=0.0, high=20.0)

    def __post_init__(self) -> None:
        for spec in fields(self):
            value = getattr(self, spec.name)
            _check(spec, value)
            if str(spec.type) == "float":
                object.__setattr__(self, spec.name, float(value))
        if self.last_day < self.first_day:
            raise SettingsError(f"end is {self.end}, before start {self.start}; it must not be")
        weights = self.tsmom_weight_3m + self.tsmom_weight_6m + self.tsmom_weight_12m
        if weights <= 0:
            raise SettingsError("tsmom_weight_3m, _6m and _12m are all 0; one must be positive")
        _ = self.trend_names, self.carry_names, self.breakout_spans
        _ = self.ewmac_fast, self.carry_smoothing, self.governor_map, self.reference_weights

    # --- derived ---------------------------------------------------------------------------------
    @property
    def first_day(self) -> date:
        """``start`` as a date."""
        return _date("start", self.start)

    @property
    def last_day(self) -> date:
        """``end`` as a date."""
        return _date("end", self.end)

    @property
    def ewmac_fast(self) -> tuple[int, ...]:
        """Fast spans of EWMAC."""
        return _spans("ewmac_spans", self.ewmac_spans, (2, 4, 8, 16, 32, 64))

    @property
    def trend_names(self) -> tuple[str, ...]:
        """Trend rules, in the order given."""
        return _names("trend_rules", self.trend_rules, ("tsmom", "ewmac", "breakout"))

    @property
    def carry_names(self) -> tuple[str, ...]:
        """Carry rules, in the order given."""
        known = ("smoothed", "cross_section", "relative_value", "calendar", "directional")
        return _names("carry_rules", self.carry_rules, known)

    @property
    def breakout_spans(self) -> tuple[int, ...]:
        """Horizons of the breakout rule."""
        return _spans("breakout_horizons", self.breakout_horizons, (10, 20, 40, 80, 160, 320))

    @property
    def carry_smoothing(self) -> tuple[int, ...]:
        """Smoothing spans of carry."""
        return _spans("carry_spans", self.carry_spans, None)

    @property
    def governor_map(self) -> tuple[tuple[float, float], ...]:
        """Points (drawdown, gross share), drawdown rising and share falling."""
        words = [_number("governor", word) for word in self.governor.split()]
        points = list(zip(words[::2], words[1::2], strict=False))
        rising = all(a[0] < b[0] and a[1] >= b[1] for a, b in itertools.pairwise(points))
        inside = all(0 < d < 1 and 0 <= s <= 1 for d, s in points)
        if not (points and rising and inside) or len(words) % 2:
            raise SettingsError(
                f"governor is {self.governor!r}; it must be pairs of drawdown and share, "
                "drawdown rising within (0, 1) and share not rising within [0, 1]"
            )
        return tuple(points)

    @property
    def reference_weights(self) -> dict[str, float]:
        """Weights of the VaR reference portfolio by market code."""
        words = self.var_reference.split()
        if len(words) % 2:
            raise SettingsError(
                f"var_reference is {self.var_reference!r}; it must be pairs of code and weight"
            )
        return {
            code: _number("var_reference", weight)
            for code, weight in zip(words[::2], words[1::2], strict=True)
        }

    # --- in and out ------------------------------------------------------------------------------
    @classmethod
    def parse(cls, values: Mapping[str, str]) -> Settings:
        """Settings from strings, as LEAN parameters or a command line give them.

        Parameters
        ----------
        values : mapping of str to str
            Names not given keep their defaults.

        Raises
        ------
        SettingsError
            For an unknown name (with the nearest known one), an unparsable or out-of-range value.
        """
        specs = {spec.name: spec for spec in fields(cls)}
        parsed: dict[str, Any] = {}
        for name, text in values.items():
            if name not in specs:
                near = difflib.get_close_matches(name, specs, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise SettingsError(f"unknown setting {name!r}{hint} Known: {', '.join(specs)}")
            parsed[name] = _parse(specs[name], str(text))
        return cls(**parsed)

    def as_strings(self) -> dict[str, str]:
        """All settings as strings, ``config.json``'s "parameters"."""
        out = {}
        for spec in fields(self):
            value = getattr(self, spec.name)
            whole = isinstance(value, float) and value.is_integer() and abs(value) < 1e15
            out[spec.name] = str(int(value)) if whole else str(value)
        return out

    def hash(self) -> str:
        """First 12 hex digits of the SHA-256 of all settings."""
        text = json.dumps(self.as_strings(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @classmethod
    def table(cls) -> list[dict[str, str]]:
        """One row per setting: name, default, unit, allowed and meaning, for docs and reports."""
        rows = []
        for spec in fields(cls):
            rows.append(
                {
                    "name": spec.name,
                    "default": str(spec.default),
                    "unit": spec.metadata["unit"],
                    "allowed": _allowed(spec),
                    "meaning": spec.metadata["meaning"],
                }
            )
        return rows


def _allowed(spec: Field[Any]) -> str:
    choices, low, high = (spec.metadata[key] for key in ("choices", "low", "high"))
    if choices:
        return "one of " + ", ".join(choices)
    if low is not None:
        return f"{low:g} to {high:g}"
    return "text"


def _parse(spec: Field[Any], text: str) -> Any:
    kind = str(spec.type)
    if kind == "str":
        return text.strip()
    value = _number(spec.name, text, whole=kind == "int")
    return int(value) if kind == "int" else value


def _number(name: str, text: str, *, whole: bool = False) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or (whole and value != int(value)):
        wanted = "a whole number" if whole else "a number"
        raise SettingsError(f"{name} is {text!r}; it must be {wanted}")
    return value


def _check(spec: Field[Any], value: Any) -> None:
    choices, low, high = (spec.metadata[key] for key in ("choices", "low", "high"))
    if str(spec.type) == "str" and not isinstance(value, str):
        raise SettingsError(f"{spec.name} is {value!r}; it must be text")
    if choices and value not in choices:
        raise SettingsError(f"{spec.name} is {value!r}; it must be {_allowed(spec)}")
    if low is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise SettingsError(f"{spec.name} is {value!r}; it must be within {low:g} and {high:g}")
    if str(spec.type) == "int" and not isinstance(value, int):
        raise SettingsError(f"{spec.name} is {value!r}; it must be a whole number")


def _date(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"{name} is {text!r}; it must be a date like 2000-01-31") from None


def _spans(name: str, text: str, known: tuple[int, ...] | None) -> tuple[int, ...]:
    spans = tuple(int(_number(name, word, whole=True)) for word in text.split())
    fine = spans and all(span > 1 for span in spans) and len(set(spans)) == len(spans)
    if not fine or (known and not set(spans) <= set(known)):
        allowed = f"chosen from {known}" if known else "whole numbers above 1"
        raise SettingsError(f"{name} is {text!r}; it must be different spans {allowed}")
    return spans


def _names(setting: str, text: str, known: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(text.split())
    if not names or len(set(names)) != len(names) or not set(names) <= set(known):
        raise SettingsError(
            f"{setting} is {text!r}; it must be different names out of {', '.join(known)}"
        )
    return names
