"""``direction``: the direction sleeve on the EURO STOXX 50 by itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from research.commands.study_options import study_command

if TYPE_CHECKING:
    from algorithm.settings import Settings
    from research.data.dataset import Dataset
    from research.studies.study_commands import Place


def _run(dataset: Dataset, settings: Settings, place: Place) -> Path:
    """Walk market direction over the EURO STOXX 50 by itself (004; needs --macro)."""
    from research.studies.direction_study import run_direction

    return run_direction(dataset, settings, place)


command = study_command("direction", _run, needs_macro="the index and the votes are series")
