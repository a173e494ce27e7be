"""``regime``: the regime model walked forward."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from research.commands.study_options import study_command

if TYPE_CHECKING:
    from algorithm.settings import Settings
    from research.data.dataset import Dataset
    from research.studies.study_commands import Place


def _run(dataset: Dataset, settings: Settings, place: Place) -> Path:
    """Train the regime model quarter by quarter and tell what it was worth (needs --macro)."""
    from research.studies.regime_study import run_regime

    return run_regime(dataset, settings, place)


command = study_command("regime", _run, needs_macro="volatility, credit and rates are features")
