"""``choices``: what every choice of the portfolio is worth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from research.commands.study_options import study_command

if TYPE_CHECKING:
    from algorithm.settings import Settings
    from research.data.dataset import Dataset
    from research.studies.study_commands import Place


def _run(dataset: Dataset, settings: Settings, place: Place) -> Path:
    """Run the strategy as it is set, and with one choice changed at a time."""
    from research.studies.study_commands import run_choices

    return run_choices(dataset, settings, place)


command = study_command("choices", _run)
