"""What the archive keeps of a day: typed, and the same text for the same day (V4, O2)."""

from __future__ import annotations

import dataclasses
import json
import math
import types
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

SCHEMA = 3
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
    reference: str  # designated reference portfolio: code weight code weight ...
    gate: str  # test that the run held its targets to: "absolute", "relative" or "both"
    collateral: str  # "booked" or "shown", a colon, and what cash and bills are held against


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
    var_held : float or None
        20-day VaR of the portfolio held, the larger of parametric and historical.
    var_parametric, var_historical : float or None
        20-day, of the targets decided at the close.
    var_relative : float or None
        Over that of the reference portfolio, of what ``Head.var_of`` says.
    var_one_day : float or None
        One-day VaR of the positions held into the next session.
    var_tested : float or None
        The one-day VaR that this day's result is tested against: that of the session before.
    is_exception : bool or None
        Null where there was nothing to test.
    shortfall : float or None
        One-day expected shortfall.
    gross : float or None
        Absolute exposures held, rates in ten-year equivalents.
    exposure : list of float
        The same by asset class, in the alphabet's order of the head's classes.
    turnover, drawdown : float or None
    margin : float or None
        Initial margin of the positions held.
    cash, bills, earned, short : float or None
        After the day's sweep; what the bills earned on the day, a booked ladder's with the cash at
        hand; cash and collateral missing under a stressed day, 0 if they suffice.
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
    var_held: Number
    var_parametric: Number
    var_historical: Number
    var_relative: Number
    var_one_day: Number
    var_tested: Number
    is_exception: bool | None
    shortfall: Number
    gross: Number
    exposure: list[float]
    turnover: Number
    drawdown: Number
    margin: Number
    cash: Number
    bills: Number
    earned: Number
    short: Number
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
    try:
        return json.dumps(
            _plain(type(entry), entry), sort_keys=True, separators=(",", ":"), allow_nan=False
        )
    except ValueError as error:
        if isinstance(error, RecordError):
            raise
        raise RecordError(f"a record holds a number that is not finite: {error}") from None


_T = TypeVar("_T")
_Rule = Callable[[Any], Any]


def parse(kind: type[_T], values: Any) -> _T:
    """A record from what JSON gave.

    Raises
    ------
    RecordError
        If a field is missing, unknown, or of another type.
    """
    plain, shape = _plain(kind, values), cast(Any, kind)
    return kind(**{name: make(plain[name]) for name, (_, make) in _fields(shape).items()})


@cache
def _fields(kind: Any) -> dict[str, tuple[_Rule, _Rule]]:
    """By field: what checks its value, and what makes it of plain JSON."""
    hints = get_type_hints(kind)
    return {name: (_check(hint), _maker(hint)) for name, hint in hints.items()}


def _plain(kind: Any, source: Any) -> dict[str, Any]:
    """A record, or the object that JSON made of one, as plain JSON of the right types."""
    known = _fields(kind)
    if isinstance(source, dict):
        for name in source.keys() ^ known.keys():
            state = "missing" if name in known else "unknown"
            raise RecordError(f"{kind.__name__}.{name} is {state}; fields are {', '.join(known)}")
        values = source
    elif isinstance(source, kind):
        values = {name: getattr(source, name) for name in known}
    else:
        raise RecordError(f"{kind.__name__} is {source!r}; it must be an object")
    out = {}
    for name, (check, _) in known.items():
        try:
            out[name] = check(values[name])
        except _WrongTypeError as error:
            raise RecordError(f"{kind.__name__}.{name} is {error}") from None
    return out


class _WrongTypeError(Exception):
    pass


def _check(hint: Any) -> _Rule:
    origin = get_origin(hint)
    if origin in (types.UnionType, Union):
        inner = _check(next(arg for arg in get_args(hint) if arg is not types.NoneType))
        return lambda value: None if value is None else inner(value)
    if origin is list:
        item = _check(get_args(hint)[0])

        def check_list(value: Any) -> Any:
            if not isinstance(value, list):
                raise _WrongTypeError(f"{value!r}; it must be a list")
            return [item(one) for one in value]

        return check_list
    if dataclasses.is_dataclass(hint):
        return lambda value: _plain(hint, value)

    def check_plain(value: Any) -> Any:
        if type(value) is hint:
            return value
        if hint is float and type(value) is int:
            return float(value)
        raise _WrongTypeError(f"{value!r}; it must be of type {hint.__name__}")

    return check_plain


def _maker(hint: Any) -> _Rule:
    """Records inside of lists are made of their objects; all else is as JSON has it."""
    arguments = get_args(hint)
    if get_origin(hint) is list and dataclasses.is_dataclass(arguments[0]):
        inner = cast(type[Any], arguments[0])
        return lambda value: [parse(inner, one) for one in value]
    return lambda value: value
