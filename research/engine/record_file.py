"""Writing a run's record while the run goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from algorithm.decision_text import DECISION
from research.engine.from_decisions import RECORD_FILE


@contextmanager
def record_file(folder: Path, wanted: bool = True) -> Iterator[Callable[[str], None] | None]:
    """Takes lines; they stand in the folder's record once all of them are there.

    A run that breaks off leaves no record, and removes that of an earlier run.

    Parameters
    ----------
    folder : Path
    wanted : bool
        Without it there is nothing that takes lines, and an earlier record is removed.
    """
    target = folder / RECORD_FILE
    unfinished = folder / f".{RECORD_FILE}.part"
    target.unlink(missing_ok=True)
    if not wanted:
        yield None
        return
    try:
        with unfinished.open("w", encoding="utf-8") as file:
            yield lambda line: print(line, file=file)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def last_day(folder: Path) -> int | None:
    """Epoch day of the last decision in a folder's record, None without one."""
    last = ""
    path = folder / RECORD_FILE
    if path.is_file():
        with path.open(encoding="utf-8") as file:
            for line in file:
                if line.startswith(f'{{"line":"{DECISION}"'):
                    last = line
    return int(json.loads(last)["day"]) if last else None
