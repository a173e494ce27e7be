"""What a run recorded beyond the figures that every run has."""

from __future__ import annotations

from typing import Any

from research.engine.result import RunResult


def recorded(result: RunResult, name: str) -> Any:
    """An optional record of a run by name, None where it has none."""
    value = getattr(result, name, None)
    return result.extra.get(name) if value is None else value
