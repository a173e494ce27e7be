"""In which session a bar counts that arrives late in New York."""

import ast
from datetime import date
from pathlib import Path

import pytest

from universe.arrays import to_epoch_day
from universe.rolls import next_weekday

ROOT = Path(__file__).resolve().parents[2]


def _session_day():
    """The function alone: its module needs LEAN."""
    tree = ast.parse((ROOT / "algorithm" / "trend_carry.py").read_text(encoding="utf-8"))
    node = next(n for n in tree.body if getattr(n, "name", "") == "session_day")
    scope = {"next_weekday": next_weekday}
    exec(compile(ast.Module([node], []), "trend_carry", "exec"), scope)
    return scope["session_day"]


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
    found = _session_day()(to_epoch_day(arrived), to_epoch_day(decided))
    assert found == to_epoch_day(counts)
