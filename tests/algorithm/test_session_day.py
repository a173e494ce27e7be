"""In which session a bar counts that arrives late in New York."""

from datetime import date, datetime

import pytest

from algorithm.clock import is_counted, session_day
from universe.arrays import to_epoch_day


@pytest.mark.parametrize(
    ("arrived", "decided", "counts"),
    [
        (date(2024, 3, 6), date(2024, 3, 5), date(2024, 3, 6)),  # an ordinary Wednesday
        (date(2024, 3, 6), date(2024, 3, 6), date(2024, 3, 7)),  # after Wednesday's decision
        (date(2024, 3, 8), date(2024, 3, 8), date(2024, 3, 11)),  # after Friday's
        (date(2024, 3, 9), date(2024, 3, 8), date(2024, 3, 11)),  # Friday's bar at midnight
    ],
)
def test_late_bars_count_in_the_next_session(arrived, decided, counts):
    found = session_day(to_epoch_day(arrived), to_epoch_day(decided))
    assert found == to_epoch_day(counts)


@pytest.mark.parametrize(
    ("arrived", "counted"),
    [
        ("2022-03-08 17:00", True),
        ("2022-03-09 17:00", True),  # in the session decided on
        ("2022-03-09 18:05", False),
        ("2022-03-09 23:00", False),  # late: in the next session
        ("2022-03-10 00:00", False),
    ],
)
def test_a_restored_state_does_not_count_the_warm_up_again(arrived, counted):
    """Else bars of years ago would stand in the next session as quotes of closed markets."""
    assert is_counted(datetime.fromisoformat(arrived), to_epoch_day(date(2022, 3, 9))) is counted
