"""``capacity``: how much money the strategy can run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from research.commands.study_options import study_command

if TYPE_CHECKING:
    from algorithm.settings import Settings
    from research.data.dataset import Dataset
    from research.studies.study_commands import Place


def _run(dataset: Dataset, settings: Settings, place: Place) -> Path:
    """Run the strategy from USD 50 m to 5 bn, with large trades whole and cut over days."""
    from research.studies.study_commands import run_capacity

    return run_capacity(dataset, settings, place)


command = study_command("capacity", _run)
