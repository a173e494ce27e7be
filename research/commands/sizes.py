"""``sizes``: what the size of the fund costs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from research.commands.study_options import study_command

if TYPE_CHECKING:
    from algorithm.settings import Settings
    from research.data.dataset import Dataset
    from research.studies.study_commands import Place


def _run(dataset: Dataset, settings: Settings, place: Place) -> Path:
    """Run the strategy at fund sizes from USD 250 k to 5 bn."""
    from research.studies.study_commands import run_sizes

    return run_sizes(dataset, settings, place)


command = study_command("sizes", _run)
