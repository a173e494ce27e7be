"""One run of a rehearsal: LEAN is started, killed at moments, and started again."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from research.lean.runner import logged_error
from research.rehearsal.moments import CLOCK, Moment
from research.rehearsal.parts import CLOCK as CLOCK_FILE
from research.rehearsal.parts import LOG, RehearsalError, Stage
from research.rehearsal.whole import damage

FORMAT = "%Y-%m-%dT%H:%M:%S"

_PATIENCE = timedelta(hours=2)
"""How long of the replayed clock a count is waited for before the kill comes anyway."""

_STANDSTILL = 600.0
"""Seconds after which a clock that does not move is given up; LEAN's start is in them."""


@dataclass(frozen=True, slots=True)
class Death:
    """A kill that took place.

    Attributes
    ----------
    moment : Moment
    at, restart : datetime
        Of the replayed clock, UTC.
    damage : str
        What of the store was found damaged, "" for nothing.
    """

    moment: Moment
    at: datetime
    restart: datetime
    damage: str


def run(
    stage: Stage,
    folder: Path,
    span: tuple[datetime, datetime],
    moments: Sequence[Moment],
    progress: Callable[[str], None],
) -> list[Death]:
    """LEAN from the first moment of ``span`` to the last, killed and started again in between.

    Raises
    ------
    RehearsalError
        If LEAN ends by itself, or stands still.
    """
    begin, end = span
    deaths: list[Death] = []
    for moment in moments:
        due = moment if moment.at > begin else replace(moment, at=begin + timedelta(minutes=3))
        at = _live(stage, folder, (begin, end), due)
        if at is None:
            return deaths
        begin = at + due.down
        deaths.append(Death(due, at, begin, damage(folder)))
        progress(f"killed at {at:%Y-%m-%d %H:%M} UTC: {due}")
    _live(stage, folder, (begin, end), None)
    return deaths


def _live(
    stage: Stage, folder: Path, span: tuple[datetime, datetime], moment: Moment | None
) -> datetime | None:
    """One life of LEAN; when it was killed, None if it came to the end."""
    begin, end = span
    trigger = moment.trigger if moment is not None else ""
    process = stage.start(folder, begin.strftime(FORMAT), end.strftime(FORMAT), trigger)
    seen, moved, due = begin, time.monotonic(), None
    try:
        while True:
            now, ended = _clock(folder, seen)
            if now > seen:
                seen, moved = now, time.monotonic()
            if ended:
                return None
            if process.poll() is not None:
                if trigger:
                    return seen
                raise RehearsalError(_why(folder, f"LEAN ended by itself at {seen} UTC"))
            if moment is not None and due is None and seen >= moment.at:
                waits = moment.kind != CLOCK and seen < moment.at + _PATIENCE
                due = None if waits else time.monotonic() + moment.delay
            if due is not None and time.monotonic() >= due:
                return seen
            if time.monotonic() - moved > _STANDSTILL:
                raise RehearsalError(_why(folder, f"the clock stands at {seen} UTC"))
            time.sleep(0.005)
    finally:
        _kill(process)


def _clock(folder: Path, seen: datetime) -> tuple[datetime, bool]:
    """The replayed time, and whether it is the end."""
    try:
        text = (folder / CLOCK_FILE).read_text(encoding="ascii").split()
        return datetime.fromisoformat(text[0]), text[1:] == ["end"]
    except (OSError, ValueError, IndexError):  # not there yet, or being written
        return seen, False


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _why(folder: Path, what: str) -> str:
    return f"{what}: {logged_error(folder / LOG)}; its log is {folder / LOG}"
