"""What the archive keeps of a day: typed, and the same text for the same day (V4, O2)."""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from dataclasses import dataclass
from typing import Any

SCHEMA = 1
"""Version of the format, in the archive's first line."""

Number = float | None


class RecordError(ValueError):
    """A record that is not of the schema: field, value and what is allowed."""


@dataclass(frozen=True, slots=True)
class Head:
    """First line: which run the archive is of."""

    schema: int
    engine: str
    data: str
    settings: str
    markets: list[str]
    classes: list[str]
    var_of: str  # "held", or "targets" where the run kept no VaR of the portfolio held
    legal_test: str  # "absolute" or "relative"
    determination: str  # who determined that a test is appropriate, when and why; "" is none


@dataclass(frozen=True, slots=True)
class LimitEntry:
    """A limit that was near, breached or unknown, or is tested by rule."""

    limit: str
    bucket: str
    value: Number
    warn: float
    breach: float
    status: str
    remedy: str
    cause: str
    sessions: int
    days_to_cure: int


@dataclass(frozen=True, slots=True)
class StressEntry:
    """One stress test of the portfolio held; fractions of NAV."""

    name: str
    profit: Number
    worst: Number
    remarks: list[str]


@dataclass(frozen=True, slots=True)
class DayEntry:
    """One session; fractions of NAV unless a name says otherwise, null where unknown.

    Attributes
    ----------
    day : str
        ISO date.
    nav : float
        Account currency.
    result, clean_result : float or None
        Net profit of the day over the NAV before, and that of the positions held overnight alone.
    var_parametric, var_historical : float or None
        20-day, of what ``Head.var_of`` says.
    var_relative : float or None
        Over that of the reference portfolio.
    var_one_day : float or None
        One-day VaR of the positions held into the next session.
    var_tested : float or None
        The one-day VaR that this day's result is tested against: that of the session before.
    is_exception : bool or None
        Null where there was nothing to test.
    shortfall : float or None
        One-day expected shortfall.
    gross, turnover, drawdown : float or None
    margin, cash : float or None
    liquidity_value, liquidity_risk : list of float
        Shares of the four buckets of 22e-4, by asset value and by risk; empty where unknown.
    limits : list of LimitEntry
    stress : list of StressEntry
    remedies : list of str
        What governor, limits, gate and kill switch did, in order.
    switch : str
        "armed", "freeze" or "flat".
    """

    day: str
    nav: float
    result: Number
    clean_result: Number
    var_parametric: Number
    var_historical: Number
    var_relative: Number
    var_one_day: Number
    var_tested: Number
    is_exception: bool | None
    shortfall: Number
    gross: Number
    turnover: Number
    drawdown: Number
    margin: Number
    cash: Number
    liquidity_value: list[float]
    liquidity_risk: list[float]
    limits: list[LimitEntry]
    stress: list[StressEntry]
    remedies: list[str]
    switch: str


Entry = Head | DayEntry


def number(value: float) -> Number:
    """A float for the archive: null instead of what JSON has no word for."""
    return float(value) if math.isfinite(value) else None


def canonical(entry: Entry) -> str:
    """The one text of a record: sorted keys, no blanks, shortest form of every float.

    Raises
    ------
    RecordError
        If a float is not finite or a field is not of its type.
    """
    values = dataclasses.asdict(parse(type(entry), dataclasses.asdict(entry)))
    try:
        return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except ValueError as error:
        raise RecordError(f"a record holds a number that is not finite: {error}") from None


_T = typing.TypeVar("_T")


def parse(kind: type[_T], values: Any) -> _T:
    """A record from what JSON gave.

    Raises
    ------
    RecordError
        If a field is missing, unknown, or of another type.
    """
    if not isinstance(values, dict):
        raise RecordError(f"{kind.__name__} is {values!r}; it must be an object")
    hints = typing.get_type_hints(kind)
    for name in values.keys() ^ hints.keys():
        state = "missing" if name in hints else "unknown"
        raise RecordError(f"{kind.__name__}.{name} is {state}; fields are {', '.join(hints)}")
    checked = {
        name: _checked(f"{kind.__name__}.{name}", hint, values[name])
        for name, hint in hints.items()
    }
    return kind(**checked)


def _checked(name: str, hint: Any, value: Any) -> Any:
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        inner = [arg for arg in typing.get_args(hint) if arg is not type(None)]
        return None if value is None else _checked(name, inner[0], value)
    if origin is list:
        if not isinstance(value, list):
            raise RecordError(f"{name} is {value!r}; it must be a list")
        (inner_hint,) = typing.get_args(hint)
        return [_checked(f"{name}[{k}]", inner_hint, item) for k, item in enumerate(value)]
    if dataclasses.is_dataclass(hint):
        return parse(typing.cast(type[Any], hint), value)
    if hint is float and type(value) in (int, float):
        return float(value)
    if type(value) is not hint:
        raise RecordError(f"{name} is {value!r}; it must be of type {hint.__name__}")
    return value
