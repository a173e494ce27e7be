"""When LEAN is killed: moments drawn from a seed, where there is something to break."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

_NEW_YORK = ZoneInfo("America/New_York")

CLOCK, PLACED, FILLED, SAVING = "clock", "placed", "filled", "saving"

_KINDS = {
    CLOCK: "at a time of the day",
    PLACED: "an order is with the broker, LEAN has not heard of it",
    FILLED: "an order is filled, LEAN has not heard of it",
    SAVING: "a document is written to its half",
}
_NEAR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Moment:
    """When and how LEAN is killed.

    Attributes
    ----------
    at : datetime
        Of the replayed clock, UTC, not before which.
    kind : str
        A time of the clock, or a count of what comes after it.
    count : int
        Which order, fill or document.
    delay : float
        Seconds of the machine's clock from ``at``, for the kind "clock".
    down : timedelta
        Until the restart, on the replayed clock.
    """

    at: datetime
    kind: str
    count: int
    delay: float
    down: timedelta

    def __str__(self) -> str:
        return _KINDS[self.kind]

    @property
    def trigger(self) -> str:
        """What the engine's parts are told; the clock is watched from outside."""
        if self.kind == CLOCK:
            return ""
        return f"{self.kind}:{self.count}@{self.at:%Y-%m-%dT%H:%M:%S}"


def moments(sessions: Sequence[date], count: int, seed: int) -> list[Moment]:
    """Moments in the order of their times: half around decisions, half while orders are worked.

    Parameters
    ----------
    sessions : sequence of date
        Days with a decision; orders of the first are worked on the second.
    count : int
    seed : int
        The same one draws the same moments.
    """
    random = Random(seed)
    out = []
    for number in range(count):
        if number % 2:
            day = random.choice(sessions[:-1])
            at = _utc(day, time(18, 5))
            at += random.choice([-_NEAR, timedelta(0), timedelta(0), timedelta(0), _NEAR])
            kind = (CLOCK, SAVING)[number // 2 % 2]
        else:
            day = random.choice(sessions[1:])
            at = _utc(day, time(9, 31)) + timedelta(minutes=random.randrange(440))
            kind = (CLOCK, PLACED, FILLED, SAVING)[number // 2 % 4]
        down = timedelta(minutes=random.choice([1, 2, 5, 15, 40]))
        out.append(Moment(at, kind, random.randint(1, 3), random.uniform(0.0, 1.2), down))
    return sorted(out, key=lambda one: one.at)


def _utc(day: date, at: time) -> datetime:
    return datetime.combine(day, at, _NEW_YORK).astimezone(UTC).replace(tzinfo=None)
