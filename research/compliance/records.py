"""What the archive keeps of a day: typed, and the same text for the same day (V4, O2)."""

from __future__ import annotations

import dataclasses
import json
import math
import types
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from operator import attrgetter
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

SCHEMA = 3
"""Version of the format, in the archive's first line."""

BOOKED, SHOWN = "booked", "shown"
"""Whether the ladder of bills is the account's own, or beside it."""

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
        return _ENCODE(_plain(type(entry), entry))
    except ValueError as error:
        if isinstance(error, RecordError):
            raise
        raise RecordError(f"a record holds a number that is not finite: {error}") from None


_ENCODE = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode

_T = TypeVar("_T")
_Rule = Callable[[Any], Any]


def parse(kind: type[_T], values: Any) -> _T:
    """A record from what JSON gave.

    Raises
    ------
    RecordError
        If a field is missing, unknown, or of another type.
    """
    return cast(_T, _made(kind, _plain(kind, values)))


@dataclass(frozen=True, slots=True)
class _Shape:
    """Of a kind of record: its values in order, and by field what they may be.

    A field is of one type, or null, which ``types`` has, or a list: ``rules`` make it plain JSON
    and ``records`` say of which kind its entries are, if of one.
    """

    names: tuple[str, ...]
    values: Callable[[Any], tuple[Any, ...]]
    types: dict[str, frozenset[type]]
    rules: dict[str, _Rule]
    records: dict[str, Any]


@cache
def _shape(kind: Any) -> _Shape:
    hints = get_type_hints(kind)
    lists = {name: get_args(hint)[0] for name, hint in hints.items() if get_origin(hint) is list}
    return _Shape(
        tuple(hints),
        attrgetter(*hints),
        {name: _types(hint) for name, hint in hints.items() if name not in lists},
        {name: _list_of(item) for name, item in lists.items()},
        {name: item for name, item in lists.items() if dataclasses.is_dataclass(item)},
    )


def _plain(kind: Any, source: Any) -> dict[str, Any]:
    """A record, or the object that JSON made of one, as plain JSON of the right types."""
    shape = _shape(kind)
    if isinstance(source, dict):
        for name in source.keys() ^ set(shape.names):
            state = "missing" if name in shape.names else "unknown"
            raise RecordError(
                f"{kind.__name__}.{name} is {state}; fields are {', '.join(shape.names)}"
            )
        out = dict(source)
    elif isinstance(source, kind):
        out = dict(zip(shape.names, shape.values(source), strict=True))
    else:
        raise RecordError(f"{kind.__name__} is {source!r}; it must be an object")
    name = ""
    try:
        for name, allowed in shape.types.items():
            if type(out[name]) not in allowed:
                out[name] = _converted(out[name], allowed)
        for name, rule in shape.rules.items():
            out[name] = rule(out[name])
    except _WrongTypeError as error:
        raise RecordError(f"{kind.__name__}.{name} is {error}") from None
    return out


def _made(kind: Any, plain: dict[str, Any]) -> Any:
    """The record of plain JSON of the right types."""
    inside = {
        name: [_made(inner, one) for one in plain[name]]
        for name, inner in _shape(kind).records.items()
    }
    return kind(**(plain | inside))


class _WrongTypeError(Exception):
    pass


def _types(hint: Any) -> frozenset[type]:
    return frozenset(get_args(hint)) if isinstance(hint, types.UnionType) else frozenset((hint,))


def _converted(value: Any, allowed: frozenset[type]) -> Any:
    """A whole number where a float is asked for."""
    if float in allowed and type(value) is int:
        return float(value)
    name = next(one.__name__ for one in allowed if one is not types.NoneType)
    raise _WrongTypeError(f"{value!r}; it must be of type {name}")


def _list_of(item: Any) -> _Rule:
    if dataclasses.is_dataclass(item):
        entry: _Rule = partial(_plain, item)
    else:
        allowed = _types(item)

        def entry(value: Any) -> Any:
            return value if type(value) in allowed else _converted(value, allowed)

    def plain(value: Any) -> Any:
        if not isinstance(value, list):
            raise _WrongTypeError(f"{value!r}; it must be a list")
        return [entry(one) for one in value]

    return plain
