"""The record of a run as JSON lines: written compactly, read back typed.

Numbers are exact where they are compared or summed against each other (prices, rates, money), and
have ten significant digits elsewhere (what sleeves ask for: twelve).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, astuple, replace
from functools import cache
from typing import Any

import numpy as np

from algorithm.decision import RiskFigures
from algorithm.decision_line import (
    SCHEMA,
    DecisionLine,
    Event,
    Header,
    MarketFacts,
    RiskStage,
    SessionLine,
    SizeFacts,
)
from alpha.scale import Scale
from execution.fills import Fill
from portfolio.cash import Collateral
from risk.account import Remedy
from risk.limits import Reading, Status, plain_values
from universe.arrays import BoolArray, FloatArray, IntArray
from universe.legs import ContractKey

HEADER, SESSION, DECISION, END = "header", "session", "decision", "end"
"""Kinds of lines; each begins with its kind."""

_RISK = (
    "vol",
    "var_parametric",
    "var_historical",
    "var_held",
    "var_one_day",
    "es_one_day",
    "diversification_ratio",
    "proxied",
)


_DAY = re.compile(r'\{"line":"[a-z]+","day":(-?\d+)')

_OUTRIGHT = 9
"""Values of a fill up to its outright slippage."""


class RecordError(ValueError):
    """A record that cannot be read, with the line and the reason."""


# --- writing -------------------------------------------------------------------------------------
def header_text(header: Header) -> str:
    """The first line, without its end."""
    values = asdict(header) | {
        name: [list(asdict(facts).values()) for facts in getattr(header, name)]
        for name in ("markets", "seconds")
    }
    return json.dumps({"line": HEADER, "schema": SCHEMA, **values}, separators=(",", ":"))


def end_text(seconds: Mapping[str, float]) -> str:
    """The last line of a run that completed."""
    return json.dumps({"line": END, "seconds": dict(seconds)}, separators=(",", ":"))


def session_text(line: SessionLine) -> str:
    """A session without a decision."""
    return _object({"line": f'"{SESSION}"', **_session(line)})


def day_of(text: str) -> int:
    """Epoch day of a session's line or a decision's, -1 of any other."""
    found = _DAY.match(text)
    return int(found[1]) if found else -1


def session_of_decision(text: str) -> str:
    """The line of a session without a decision, from that of a decision."""
    session, _, _ = text.partition(',"nav":')
    return session.replace(f'"line":"{DECISION}"', f'"line":"{SESSION}"', 1) + "}"


def decision_text(line: DecisionLine, header: Header) -> str:
    """A decision."""
    codes = header.lines
    risk = line.risk
    parts = [
        f'"line":"{DECISION}"',
        *_pairs(_session(line)),
        _members(
            nav=_or_none(line.nav),
            cash=line.cash,
            interest=_or_none(line.interest),
            sweep_cost=_or_none(line.sweep_cost),
            fx={name: _or_none(rate) for name, rate in line.fx.items()},
            closes=_named(line.closes, codes),
            holdings=_named(line.holdings, codes),
            pending=line.pending,
            fills=[_fill(fill) for fill in line.fills],
            legs={codes[market]: months for market, months in line.legs.items()},
        ),
        f'"forecasts":{_by_name(line.forecasts)}',
        f'"asked":{_by_name(line.asked, "%.12g")}',  # profit is split by their changes
        _members(
            sleeve_vol={name: _short(vol) for name, vol in line.sleeve_vol.items()},
            sleeve_carry={name: _or_none(gain) for name, gain in line.sleeve_carry.items()},
        ),
        f'"value":{_numbers(line.value)}',
        f'"limit":{_numbers(line.limit)}',
        f'"sigma":{_numbers(line.sigma)}',
        f'"active":{_flags(line.active)}',
        f'"carry":{_numbers(line.carry)}',
        _members(
            carry_source=line.carry_source.tolist(),
            scales=[(s.name, s.value, s.reason, _figures(s.figures)) for s in line.scales],
            scale=_or_none(line.scale),
            tracking=_short(line.tracking),
            stages=[_stage(stage) for stage in line.stages],
            contracts=line.contracts.tolist(),
            targets=line.targets,
            orders=line.orders,
            risk={name: _or_none(getattr(risk, name)) for name in _RISK},
        ),
        f'"risk_share":{_numbers(risk.share)}',
        f'"var_parts":{_numbers(risk.var_parts)}',
        f'"es_parts":{_numbers(risk.es_parts)}',
        _members(
            events=[(e.kind, e.market, e.detail) for e in line.events],
            rolls={codes[m]: (n, _short(ratio)) for m, (n, ratio) in line.rolls.items()},
        ),
    ]
    if line.collateral is not None:
        parts.append(_members(collateral=astuple(line.collateral)))
    if line.broker:
        parts.append(_members(broker=_figures(line.broker)))
    return "{" + ",".join(parts) + "}"


def _fill(f: Fill) -> tuple[Any, ...]:
    """Its values; the last ones only where there are any."""
    most = f.epoch_day, f.market, f.month, f.quantity, f.price, f.slippage, f.fee, f.reason
    is_worked, is_decided = f.algorithm or f.minute, f.decided == f.decided
    if not is_worked and not is_decided:
        return (*most, f.outright) if f.outright else most
    values = *most, f.outright, _or_none(f.decided), _or_none(f.beyond)
    return (*values, f.algorithm, f.minute) if is_worked else values


def _session(line: SessionLine) -> dict[str, str]:
    return {"day": str(line.day), "seen": _flags(line.seen), "ret": _numbers(line.ret)}


def _object(fields: Mapping[str, str]) -> str:
    return "{" + ",".join(_pairs(fields)) + "}"


def _pairs(fields: Mapping[str, str]) -> list[str]:
    return [f'"{name}":{text}' for name, text in fields.items()]


def _members(**values: Any) -> str:
    """Members of an object, without its braces."""
    return _plain(values)[1:-1]


def _numbers(values: FloatArray, form: str = "%.10g") -> str:
    text = _forms(form, len(values)) % tuple(values.tolist())
    if "n" in text:  # nan, inf
        text = text.replace("-inf", "null").replace("inf", "null").replace("nan", "null")
    return f"[{text}]"


@cache
def _forms(form: str, count: int) -> str:
    return ",".join([form] * count)


def _by_name(arrays: Mapping[str, FloatArray], form: str = "%.10g") -> str:
    return _object({name: _numbers(values, form) for name, values in arrays.items()})


def _flags(values: BoolArray) -> str:
    return '"' + "".join("1" if value else "0" for value in values.tolist()) + '"'


_plain = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False).encode


def _short(value: float) -> float | None:
    return _or_none(float(f"{value:.10g}"))


def _or_none(value: float) -> float | None:
    return float(value) if -np.inf < value < np.inf else None


def _figures(figures: Mapping[str, float]) -> dict[str, float | None]:
    return {name: _or_none(value) for name, value in figures.items()}


def _stage(stage: RiskStage) -> list[Any]:
    readings = plain_values(stage.readings)
    return [stage.name, stage.scale, stage.steps, _figures(stage.figures), readings]


def _named(values: Mapping[ContractKey, float], codes: list[str]) -> dict[str, float]:
    return {f"{codes[market]} {month}": value for (market, month), value in values.items()}


FAULTS = (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError)
"""What is raised where a line is JSON and no line of ours."""


# --- reading -------------------------------------------------------------------------------------
class Reader:
    """Reads the lines of one record, in order.

    A later header goes on with the record if it is of the same markets, sleeves and assets, as
    after a restart in live trading.

    Attributes
    ----------
    header : Header, optional
        The last one read.
    seconds : dict of str to float, optional
        Of the last line, which only a completed run has.
    """

    def __init__(self) -> None:
        self.header: Header | None = None
        self.seconds: dict[str, float] | None = None
        self._number = 0

    def read(self, text: str) -> SessionLine | None:
        """The session of a line; a ``DecisionLine`` where it has a decision, None for others.

        Raises
        ------
        RecordError
            With the number of the line.
        """
        self._number += 1
        try:
            return self._read(text)
        except RecordError:
            raise
        except FAULTS as error:
            raise RecordError(
                f"line {self._number} of the record cannot be read: {error!r}"
            ) from error

    def _read(self, text: str) -> SessionLine | None:
        values = json.loads(text)
        kind = values.pop("line")
        if kind == HEADER:
            self._begin(values)
            return None
        if self.header is None:
            raise RecordError(f"line {self._number} of the record comes before any header")
        if kind == END:
            self.seconds = values["seconds"]
            return None
        if kind == SESSION:
            return SessionLine(values["day"], _read_flags(values["seen"]), _array(values["ret"]))
        if kind == DECISION:
            return _decision(values, self.header)
        raise RecordError(
            f"line {self._number} of the record is a {kind!r}; known are "
            f"{HEADER}, {SESSION}, {DECISION}, {END}"
        )

    def _begin(self, values: dict[str, Any]) -> None:
        schema = values.pop("schema")
        if schema != SCHEMA:
            raise RecordError(f"the record has schema {schema}; this code reads schema {SCHEMA}")
        header = read_header(values)
        known = self.header
        if known is not None and (
            (known.lines, known.sleeves, known.spreads)
            != (header.lines, header.sleeves, header.spreads)
        ):
            raise RecordError(
                f"line {self._number} begins a record of {' '.join(header.lines)} with sleeves "
                f"{', '.join(header.sleeves)}; before it were {' '.join(known.lines)} with "
                f"{', '.join(known.sleeves)}"
            )
        self.header = header


def read_header(values: dict[str, Any]) -> Header:
    """The header of its JSON values."""
    changed = {
        "markets": tuple(MarketFacts(*market) for market in values["markets"]),
        "seconds": tuple(SizeFacts(*second) for second in values.get("seconds", ())),
        "sleeves": tuple(values["sleeves"]),
        "spread_sleeves": tuple(values["spread_sleeves"]),
        "issues": tuple((m, day, kind, text) for m, day, kind, text in values["issues"]),
    }
    return Header(**{**values, **changed})


def _decision(values: dict[str, Any], header: Header) -> DecisionLine:
    codes, day = header.lines, values["day"]
    index = {code: market for market, code in enumerate(codes)}
    risk = {name: _number(values["risk"][name]) for name in _RISK}
    return DecisionLine(
        day=day,
        seen=_read_flags(values["seen"]),
        ret=_array(values["ret"]),
        nav=_number(values["nav"]),
        cash={name: float(amount) for name, amount in values["cash"].items()},
        interest=_number(values["interest"]),
        sweep_cost=_number(values["sweep_cost"]),
        fx={name: _number(rate) for name, rate in values["fx"].items()},
        closes=dict(_keyed(values["closes"], index)),
        holdings={key: int(n) for key, n in _keyed(values["holdings"], index)},
        pending=tuple(
            (str(code), int(month), int(rest), bool(leg))
            for code, month, rest, leg in values.get("pending", ())
        ),
        fills=tuple(_read_fill(fill) for fill in values["fills"]),
        legs={index[code]: (a, b, c) for code, (a, b, c) in values["legs"].items()},
        forecasts={name: _array(one) for name, one in values["forecasts"].items()},
        asked={name: _array(one) for name, one in values["asked"].items()},
        sleeve_vol={name: _number(vol) for name, vol in values["sleeve_vol"].items()},
        sleeve_carry={name: _number(gain) for name, gain in values["sleeve_carry"].items()},
        value=_array(values["value"]),
        limit=_array(values["limit"]),
        sigma=_array(values["sigma"]),
        active=_read_flags(values["active"]),
        carry=_array(values["carry"]),
        carry_source=np.array(values["carry_source"], dtype=np.int64),
        scales=tuple(
            Scale(name, value, reason, _read_figures(figures))
            for name, value, reason, figures in values["scales"]
        ),
        scale=_number(values["scale"]),
        tracking=_number(values.get("tracking")),
        stages=tuple(
            RiskStage(
                name,
                scale,
                tuple(steps),
                _read_figures(figures),
                tuple(_reading(one, day) for one in readings),
            )
            for name, scale, steps, figures, readings in values["stages"]
        ),
        contracts=_whole(values["contracts"]),
        targets=tuple((code, month, n) for code, month, n in values["targets"]),
        orders=tuple((code, month, n, reason) for code, month, n, reason in values["orders"]),
        risk=RiskFigures(
            share=_array(values["risk_share"]),
            var_parts=_array(values["var_parts"]),
            es_parts=_array(values["es_parts"]),
            **risk,
        ),
        events=tuple(Event(day, kind, market, text) for kind, market, text in values["events"]),
        collateral=Collateral(*values["collateral"]) if "collateral" in values else None,
        rolls={index[code]: (n, ratio) for code, (n, ratio) in values.get("rolls", {}).items()},
        broker=_read_figures(values.get("broker", {})),
    )


def _read_fill(values: list[Any]) -> Fill:
    fill = Fill(*values[:_OUTRIGHT])
    if len(values) <= _OUTRIGHT:
        return fill
    decided, beyond, *worked = values[_OUTRIGHT:]
    algorithm, minute = worked or ("", 0)
    return replace(
        fill,
        decided=_number(decided),
        beyond=_number(beyond),
        algorithm=algorithm,
        minute=minute,
    )


def _reading(values: list[Any], day: int) -> Reading:
    limit, bucket, value, warn, breach, status, before, remedy, *rest = values
    return Reading(
        day,
        limit,
        bucket,
        _number(value),
        warn,
        breach,
        Status(status),
        Status(before),
        Remedy(remedy),
        *rest,
    )


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _array(values: Iterable[float | None]) -> FloatArray:
    return np.array(list(values), dtype=np.float64)  # None becomes NaN


def _whole(values: list[int]) -> IntArray:
    return np.array(values, dtype=np.int64)


def _read_flags(text: str) -> BoolArray:
    return np.array([mark == "1" for mark in text], dtype=np.bool_)


def _read_figures(figures: Mapping[str, float | None]) -> dict[str, float]:
    return {name: _number(value) for name, value in figures.items()}


def _keyed(
    values: Mapping[str, float], index: Mapping[str, int]
) -> Iterable[tuple[ContractKey, float]]:
    for name, value in values.items():
        code, _, month = name.rpartition(" ")
        yield (index[code], int(month)), value
