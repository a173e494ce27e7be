"""The embedded engine decides again from what a run has recorded (O6): the nightly replay.

Every session is observed anew from the data and decided on with the account that the record has of
it. What comes out is compared with the record stage by stage; the first stage that differs says
where to look.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from algorithm.decision import Account
from algorithm.decision_line import DecisionLine, Header, SessionLine, line_of
from algorithm.decision_text import Reader, RecordError
from algorithm.settings import Settings
from execution.orders import unfilled_of
from portfolio.cash import Settlement
from research.data.dataset import Dataset
from research.engine.engine import EmbeddedEngine
from risk.limits import Reading, Status
from universe.arrays import from_epoch_day

STAGES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("observe", ("seen", "ret", "sigma", "value", "carry")),
    ("screen", ("active",)),
    ("forecast", ("forecasts",)),
    ("target", ("asked", "limit")),
    ("scale", ("scale",)),
    ("risk stages", ("readings", "stages")),
    ("trade", ("contracts", "targets")),
    ("execute", ("orders",)),
)
"""Stages in their order, with the fields of a decision's line that show what they did."""

TOLERANCE = 1e-7
"""Relative; the record has ten significant digits."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A session on which the engine decides otherwise than the record says.

    Attributes
    ----------
    day : int
        Epoch day.
    stage : str
        The first that differs; "session" where only one of both has it.
    detail : str
    """

    day: int
    stage: str
    detail: str

    def __str__(self) -> str:
        return f"{from_epoch_day(self.day)} {self.stage}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Redecided:
    """Sessions compared, and those that differ."""

    sessions: int
    mismatches: list[Mismatch]


def read_lines(lines: Iterable[str]) -> tuple[Header, dict[int, DecisionLine]]:
    """Header and decisions of a record by epoch day.

    Raises
    ------
    RecordError
        If a line cannot be read, or none has a decision.
    """
    reader, decisions = Reader(), {}
    for text in lines:
        line: SessionLine | None = reader.read(text) if text.strip() else None
        if isinstance(line, DecisionLine):
            decisions[line.day] = line
    if reader.header is None or not decisions:
        raise RecordError("the record has no decision")
    return reader.header, decisions


def redecide(header: Header, decisions: Mapping[int, DecisionLine], dataset: Dataset) -> Redecided:
    """Decide again on every session of a record.

    Parameters
    ----------
    header : Header
    decisions : mapping of epoch day to DecisionLine
    dataset : Dataset
        The data of the run, or the same markets from another source.

    Raises
    ------
    SettingsError
        If the record's settings are not those of this version.
    DataError
        If a market of the record is not in the data.
    """
    first, last = min(decisions), max(decisions)
    settings = replace(
        Settings.parse(header.settings),
        start=str(from_epoch_day(first)),
        end=str(from_epoch_day(last)),
        markets=" ".join(header.codes),
    )
    engine = EmbeddedEngine(dataset, settings)
    strategy = engine.strategy
    index = {code: market for market, code in enumerate(header.lines)}
    out: list[Mismatch] = []
    met = set()
    for bars in engine.feed:
        snapshot = strategy.observe(bars.session)
        recorded = decisions.get(snapshot.day)
        if recorded is None:
            if snapshot.day >= first:
                out.append(Mismatch(snapshot.day, "session", "in the data, not in the record"))
            continue
        met.add(snapshot.day)
        pending = [((index[code], m), rest, leg) for code, m, rest, leg in recorded.pending]
        account = Account(
            recorded.nav,
            recorded.holdings,
            unfilled_of((key, rest) for key, rest, _ in pending),
            frozenset(key for key, _, leg in pending if leg),
            recorded.fills,
            engine.volumes.at(snapshot.day),
        )
        decision = strategy.begin(account).finish()
        quotes = bars.session.quotes
        again = line_of(decision, strategy.lines, quotes, recorded.fills, Settlement())
        difference = first_difference(recorded, again, header.codes)
        if difference is not None:
            out.append(difference)
    out += [
        Mismatch(day, "session", "in the record, not in the data")
        for day in sorted(decisions.keys() - met)
    ]
    return Redecided(len(met), sorted(out, key=lambda one: one.day))


def first_difference(
    recorded: DecisionLine, again: DecisionLine, codes: list[str]
) -> Mismatch | None:
    """The first stage in which two decisions on a session differ, None if they are the same."""
    for stage, names in STAGES:
        for name in names:
            detail = _difference(name, getattr(recorded, name), getattr(again, name), codes)
            if detail:
                return Mismatch(recorded.day, stage, detail)
    return None


def _difference(name: str, mine: Any, theirs: Any, codes: list[str]) -> str:
    if isinstance(mine, dict):
        if mine.keys() != theirs.keys():
            return f"{name}: recorded {', '.join(mine)}, now {', '.join(theirs)}"
        texts = (_difference(f"{name} {key}", mine[key], theirs[key], codes) for key in mine)
        return next((text for text in texts if text), "")
    if isinstance(mine, np.ndarray):
        off = ~np.isclose(
            mine.astype(float), theirs.astype(float), TOLERANCE, TOLERANCE * 1e-3, equal_nan=True
        )
        if not off.any():
            return ""
        at = int(np.flatnonzero(off)[0])
        where = codes[at % len(codes)]
        return f"{name} of {where} (of {int(off.sum())}): recorded {mine[at]!r}, now {theirs[at]!r}"
    if isinstance(mine, float):
        same = bool(np.isclose(mine, theirs, TOLERANCE, 0.0, equal_nan=True))
        return "" if same else f"{name}: recorded {mine!r}, now {theirs!r}"
    if name == "readings":
        return _readings_difference(mine, theirs)
    if name == "stages":
        mine, theirs = ([(s.name, round(s.scale, 7)) for s in one] for one in (mine, theirs))
    if name in ("orders", "targets"):
        mine, theirs = sorted(mine), sorted(theirs)
    return "" if mine == theirs else f"{name}: recorded {mine}, now {theirs}"


def _readings_difference(mine: Sequence[Reading], theirs: Sequence[Reading]) -> str:
    """The first limit that is read otherwise: its status, clock or cause, or its figure.

    What is quiet is read only where it has changed, and live the reading before may be that of a
    watch between decisions, which no record has: such a reading may be in one of both alone.
    """
    recorded, now = ({(one.limit, one.bucket): one for one in read} for read in (mine, theirs))
    for place in [*recorded, *(one for one in now if one not in recorded)]:
        one, other = recorded.get(place), now.get(place)
        if one is None or other is None:
            lone = one if one is not None else other
            if lone is None or lone.status in (Status.OK, Status.UNKNOWN):
                continue
            return f"limits: {lone.limit} of {lone.bucket} is {'not ' if one else ''}read now"
        for name in ("limit", "bucket", "status", "cause", "sessions", "value"):
            detail = _difference(name, getattr(one, name), getattr(other, name), [])
            if detail:
                return f"{one.limit} of {one.bucket}: {detail}"
    return ""
