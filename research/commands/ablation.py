"""``ablation``: what every part of the strategy adds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from research.commands.study_options import study_command

if TYPE_CHECKING:
    from algorithm.settings import Settings
    from research.data.dataset import Dataset
    from research.studies.study_commands import Place


def _run(dataset: Dataset, settings: Settings, place: Place) -> Path:
    """Run the strategy in parts: trend, carry, both, and what comes on top."""
    from research.studies.study_commands import run_ablation

    return run_ablation(dataset, settings, place)


command = study_command("ablation", _run)
