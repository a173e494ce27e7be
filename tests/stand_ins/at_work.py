"""The algorithm at work on the stand-in for LEAN, and what it leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from algorithm import lean_algorithm
from algorithm.lean_algorithm import TrendCarryAlgorithm
from algorithm.settings import Settings
from research.data.dataset import Dataset
from research.engine.from_decisions import result_from
from research.engine.result import RunResult
from research.lean.record import bring_record
from tests.stand_ins.engine import StandInEngine


def start(data: Dataset, the_settings: Settings, **options: Any) -> StandInEngine:
    """The algorithm at work on the markets of ``data``, which no master knows."""
    instruments = [history.instrument for history in data.markets.values()]
    patch = pytest.MonkeyPatch()
    patch.setattr(lean_algorithm, "lean_markets", lambda markets, master: instruments)
    with patch.context():
        return StandInEngine(TrendCarryAlgorithm(), data, the_settings.as_strings(), **options)


def record_of(engine: StandInEngine, folder: Path) -> RunResult:
    """The run as its record in the ObjectStore tells it, by way of files in ``folder``."""
    for key, content in engine.object_store.items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path = bring_record(folder, folder / "no export", folder / "decisions.jsonl")
    with path.open(encoding="utf-8") as file:
        return result_from(file)
