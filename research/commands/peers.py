"""``peers``: the strategy beside others on the same data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from research.commands.study_options import study_command

if TYPE_CHECKING:
    from algorithm.settings import Settings
    from research.data.dataset import Dataset
    from research.studies.study_commands import Place

PEER = click.option(
    "--peer",
    "peers",
    multiple=True,
    metavar="NAME=FILE",
    help="Somebody's CSV of dates and daily returns or account values, may be given several times.",
)


def _prepare(peers: tuple[str, ...]) -> dict[str, Any]:
    from research.studies.peers import named_files

    return {"files": named_files(peers)}


def _run(dataset: Dataset, settings: Settings, place: Place, *, files: Mapping[str, Path]) -> Path:
    """Run other strategies on the same data, costs and engine."""
    from research.studies.study_commands import run_peers

    return run_peers(dataset, settings, place, files)


command = study_command("peers", _run, PEER, prepare=_prepare)
