"""What becomes of the macro series that a command was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from research.commands.speech import warn

if TYPE_CHECKING:
    from algorithm.settings import Settings
    from research.data.dataset import Dataset


def unknown_files(dataset: Dataset) -> None:
    """Name the files of a macro folder that are of no known series."""
    from research.data.macro_files import UNKNOWN

    for issue in dataset.issues:
        if issue.kind == UNKNOWN:
            warn(f"macro folder: {issue.detail}")


def macro_notes(dataset: Dataset, settings: Settings, *, asked: bool) -> None:
    """Say which series change nothing, with the files that are of none.

    Parameters
    ----------
    dataset : Dataset
    settings : Settings
    asked : bool
        Whether a folder of series was named; those that a LEAN folder brings along may be idle.
    """
    from research.data.macro_use import usage_notes

    unknown_files(dataset)
    if asked:
        instruments = [history.instrument for history in dataset.markets.values()]
        for note in usage_notes(dataset.macro, settings, instruments):
            warn(note)
