"""``leverage``: variable leverage of the S&P 500 by itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from research.commands.study_options import study_command

if TYPE_CHECKING:
    from algorithm.settings import Settings
    from research.data.dataset import Dataset
    from research.studies.study_commands import Place


def _run(dataset: Dataset, settings: Settings, place: Place) -> Path:
    """Walk variable leverage of the S&P 500 forward and tell what it was worth (002)."""
    from research.studies.leverage_study import run_leverage

    return run_leverage(dataset, settings, place)


command = study_command("leverage", _run)
