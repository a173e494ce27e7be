"""What must be so after a rehearsal: the run that was killed against the one that was not."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from algorithm.decision_line import DecisionLine, Header
from algorithm.state import state_keys
from algorithm.state_document import opened
from execution.blotter import child_of
from execution.fills import ROLLS
from execution.sent_orders import sent_of
from research.data.dataset import Dataset
from research.engine.redecide import read_lines, redecide
from research.lean.record import bring_live_record
from research.rehearsal.parts import BOOK, EVENTS, STORE
from research.rehearsal.whole import DEPLOYMENT, damage
from universe.arrays import from_epoch_day

_SAME_NAV = 1e-3
"""Part of NAV by which two runs of the same decisions may differ, for fills at other minutes."""


@dataclass(frozen=True, slots=True)
class Left:
    """What a run has left.

    Attributes
    ----------
    folder : Path
    header : Header
    decisions : dict of epoch day to DecisionLine
    days : list of int
        Days of the record's decisions as they stand in it.
    events : list of dict
        What the broker did, in order.
    held : dict of contract to contracts
        At the end, in the broker's book.
    """

    folder: Path
    header: Header
    decisions: dict[int, DecisionLine]
    days: list[int]
    events: list[dict[str, Any]]
    held: dict[str, float]


def read_left(folder: Path) -> Left:
    """Read what a run has left in its folder.

    Raises
    ------
    RecordError
        If the record is missing or cannot be read.
    """
    record = bring_live_record(folder / STORE, folder)
    lines = record.read_text(encoding="utf-8").splitlines()
    header, decisions = read_lines(lines)
    kinds = [json.loads(line) for line in lines]
    days = [int(line["day"]) for line in kinds if line.get("line") == "decision"]
    events = (folder / EVENTS).read_text(encoding="utf-8").splitlines()
    book = json.loads((folder / BOOK).read_text(encoding="utf-8"))
    names = book["Names"]
    held = {names[contract]: float(number) for contract, number in book["Held"].items()}
    return Left(folder, header, decisions, days, [json.loads(one) for one in events], held)


def differences(undisturbed: Left, killed: Left, dataset: Dataset) -> Iterator[str]:
    """What is not as it must be, the gravest first.

    Parameters
    ----------
    undisturbed, killed : Left
    dataset : Dataset
        What both runs were fed with, for the nightly replay.
    """
    for left in (undisturbed, killed):
        yield from _twice(left)
    yield from _other_positions(undisturbed, killed)
    for left in (undisturbed, killed):
        yield from _not_whole(left)
    for left in (undisturbed, killed):
        for mismatch in redecide(left.header, left.decisions, dataset).mismatches:
            yield f"{left.folder.name}: nightly replay: {mismatch}"


def missing(left: Left) -> list[str]:
    """What a rehearsal should show and this run did not."""
    kinds = Counter(event["what"] for event in left.events)
    out = [f"no order was {what}" for what in ("placed", "filled", "refused") if not kinds[what]]
    if not any(reason in ROLLS for line in left.decisions.values() for *_, reason in line.orders):
        out.append("no contract was rolled: choose other days")
    return out


def _twice(left: Left) -> Iterator[str]:
    placed = [event for event in left.events if event["what"] == "placed"]
    children = Counter(child for event in placed if (child := child_of(event["tag"])))
    children += Counter(
        f"{name} in {event['contract']}" for event in placed if (name := sent_of(event["tag"]))
    )
    for child, times in children.items():
        if times > 1:
            yield f"{left.folder.name}: child {child} was sent {times} times"


def _other_positions(undisturbed: Left, killed: Left) -> Iterator[str]:
    room = 0.0
    for day in sorted(undisturbed.decisions.keys() | killed.decisions.keys()):
        mine, theirs = undisturbed.decisions.get(day), killed.decisions.get(day)
        date = from_epoch_day(day)
        if mine is None or theirs is None:
            without = undisturbed if mine is None else killed
            yield f"{date}: no decision in the run {without.folder.name}"
            continue
        room = _room(mine, theirs)
        if room > _SAME_NAV:
            yield f"{date}: NAV without kills {mine.nav:,.0f}, with them {theirs.nav:,.0f}"
        for name in ("holdings", "contracts") if room else ("holdings", "contracts", "orders"):
            one, other = _compared(mine, name), _compared(theirs, name)
            if one != other and not (room and _near(one, other, room)):
                yield f"{date}: {name} without kills {one}, with them {other}"
    if not _near(undisturbed.held, killed.held, room):
        yield f"at the end: without kills {undisturbed.held} held, with them {killed.held}"


def _room(mine: DecisionLine, theirs: DecisionLine) -> float:
    """Part of a position that two account values leave open.

    After a kill children fill at other minutes' prices, and whole contracts are those of the
    account.
    """
    return abs(mine.nav - theirs.nav) / mine.nav


def _near(one: Any, other: Any, room: float) -> bool:
    """Whether positions are the same but for a contract of rounding and the room there is."""
    if isinstance(one, list):
        one, other = dict(enumerate(one)), dict(enumerate(other))
    return all(
        abs(one.get(key, 0) - other.get(key, 0))
        <= (1.0 + room * abs(one.get(key, 0)) if room else 0.0)
        for key in one.keys() | other.keys()
    )


def _compared(line: DecisionLine, name: str) -> Any:
    """A field of a decision; its orders with what was on its way when a start took it anew."""
    if name == "contracts":
        return line.contracts.tolist()
    if name == "holdings":
        return dict(sorted(line.holdings.items()))
    asked: Counter[tuple[str, int]] = Counter()
    for code, month, quantity, _ in (*line.orders, *line.pending):
        asked[code, month] += quantity
    return {key: quantity for key, quantity in sorted(asked.items()) if quantity}


def _not_whole(left: Left) -> Iterator[str]:
    name = left.folder.name
    broken = damage(left.folder)
    if broken:
        yield f"{name}: cannot be read: {broken}"
    if len(set(left.days)) != len(left.days) or left.days != sorted(left.days):
        yield f"{name}: the record's days are {[str(from_epoch_day(day)) for day in left.days]}"
    path = left.folder / STORE / state_keys(DEPLOYMENT)[0]
    day = opened(path.read_text(encoding="utf-8"))["day"] if path.is_file() and not broken else None
    if day is not None and day != left.days[-1]:
        last = from_epoch_day(left.days[-1])
        yield f"{name}: the state is of {from_epoch_day(day)}, the record goes to {last}"
    if not path.is_file():
        yield f"{name}: no {path.name}"
