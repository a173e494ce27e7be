"""The front contract of the session decided on, in every time zone that has an exchange."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithm.clock import DECISION_TIME
from universe.fronts import SessionFronts
from universe.master import MASTER
from universe.session import NO_CONTRACT

NEW_YORK = ZoneInfo("America/New_York")
CODES = ("ES", "CL", "FDXS", "HSI", "KM", "ST", "NK225M", "AP", "R", "MBT", "CGB")
FIRST = date(2023, 1, 2)
SESSIONS = [FIRST + timedelta(k) for k in range(300) if (FIRST + timedelta(k)).weekday() < 5]


def moment(code: str, day: date, text: str) -> datetime:
    """An exchange's clock time in UTC."""
    zone = ZoneInfo(MASTER[code].session.split()[1])
    return datetime.combine(day, time.fromisoformat(text), zone).astimezone(UTC)


def replay(code: str, quoted: set[date], rolls: set[date]) -> dict[date, int]:
    """Front contract handed to the decision of each evening, as events would arrive in LEAN.

    The source's front contract is the number of rolls up to a session; LEAN moves it at midnight
    of the exchange, the bar ends with the session, the decision is at 18:05 in New York.
    """
    now = {"front": 1}
    fronts = SessionFronts(1, lambda _: now["front"])
    close = MASTER[code].session.split()[0].split("-")[1]
    events = []
    for day in SESSIONS:
        decision = datetime.combine(day, time(*DECISION_TIME), NEW_YORK).astimezone(UTC)
        events.append((decision, "decide", day))
        if day in rolls:
            events.append((moment(code, day, "00:00"), "roll", day))
        if day in quoted:
            events.append((moment(code, day, close), "bar", day))
    decided = {}
    for _, what, day in sorted(events, key=lambda e: (e[0], e[1] == "decide")):
        if what == "roll":
            now["front"] += 1
            fronts.moved(0)
        elif what == "bar":
            fronts.bar(0)
        else:
            decided[day] = fronts.months[0]
    return decided


def expected(day: date, quoted: set[date], rolls: set[date]) -> int:
    """Front contract of the market's last session up to ``day``, as a feed of sessions has it."""
    last = max((q for q in quoted if q <= day), default=None)
    return NO_CONTRACT if last is None else 1 + sum(roll <= last for roll in rolls)


@pytest.mark.parametrize("code", CODES)
@given(
    quoted=st.sets(st.sampled_from(SESSIONS)),
    rolls=st.sets(st.sampled_from(SESSIONS), max_size=12),
)
def test_it_is_that_of_the_markets_last_session(
    code: str, quoted: set[date], rolls: set[date]
) -> None:
    decided = replay(code, quoted, rolls)
    assert decided == {day: expected(day, quoted, rolls) for day in SESSIONS}


def test_case_of_the_micro_dax() -> None:
    """Rolled by the map on 2023-05-25: the evening before still has the old contract."""
    roll = date(2023, 5, 25)
    decided = replay("FDXS", set(SESSIONS), {roll})
    assert (decided[date(2023, 5, 24)], decided[roll]) == (1, 2)


def test_it_is_asked_for_only_when_it_may_have_changed() -> None:
    asked = []
    known = {0: NO_CONTRACT, 1: 202303}
    fronts = SessionFronts(2, lambda market: asked.append(market) or known[market])
    for _ in range(3):
        fronts.bar(0)
        fronts.bar(1)
    assert asked == [0, 1, 0, 0]
    assert fronts.months == [NO_CONTRACT, 202303]
    known[1] = 202306
    fronts.bar(1)
    assert fronts.months[1] == 202303
    fronts.moved(1)
    assert fronts.months[1] == 202303
    fronts.bar(1)
    assert fronts.months[1] == 202306
