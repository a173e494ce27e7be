"""``walkforward``: settings chosen by the past alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from research.commands import options
from research.commands.study_options import study_command

if TYPE_CHECKING:
    from algorithm.settings import Settings
    from research.data.dataset import Dataset
    from research.studies.study_commands import Place, WalkPlan

WINDOWS = options.options(
    click.option(
        "--grid",
        multiple=True,
        metavar="NAME=V1,V2,...",
        help="Values of a setting to choose from, may be given several times; without: those of the"
        " mix of the sleeves and of the no-trade band.",
    ),
    click.option(
        "--train", type=click.IntRange(min=2), default=2520, show_default=True, help="Sessions."
    ),
    click.option(
        "--test", type=click.IntRange(min=1), default=252, show_default=True, help="Sessions."
    ),
    click.option("--expanding", is_flag=True, help="Train on all sessions so far."),
    click.option(
        "--groups",
        type=click.IntRange(min=0),
        default=8,
        show_default=True,
        help="Parts of history for combinatorial cross-validation, two held out; 0: none.",
    ),
)


def _prepare(
    grid: tuple[str, ...], train: int, test: int, expanding: bool, groups: int
) -> dict[str, Any]:
    from research.studies.study_commands import WalkPlan
    from research.studies.walkforward import grid_of

    return {"plan": WalkPlan(grid_of(grid), train, test, expanding, groups)}


def _run(dataset: Dataset, settings: Settings, place: Place, *, plan: WalkPlan) -> Path:
    """Choose settings by past returns alone, window after window."""
    from research.studies.study_commands import run_walkforward

    return run_walkforward(dataset, settings, place, plan)


command = study_command("walkforward", _run, WINDOWS, prepare=_prepare)
