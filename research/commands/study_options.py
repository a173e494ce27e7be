"""Options of the studies, and what they make of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from research.commands import options

if TYPE_CHECKING:
    from algorithm.settings import Settings
    from research.data.dataset import Dataset
    from research.progress import Bars
    from research.studies.study_commands import Place

STUDY = options.options(
    options.DATA,
    options.RANGE,
    options.SET,
    options.EXPIRIES,
    options.MACRO,
    options.INSTRUMENTS,
    options.SEED,
    options.CACHE,
    click.option(
        "--workers",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        help="Processes on this machine.",
    ),
    click.option("--cluster", help="Dask scheduler to use instead, like tcp://host:8786."),
    options.TRIALS,
)
"""What every study takes."""


def chosen(
    assignments: tuple[str, ...], start: str | None, end: str | None, markets: str | None
) -> Settings:
    """The settings of a study."""
    from research.lean.project_config import chosen_settings

    return chosen_settings(assignments, open_end=True, start=start, end=end, markets=markets)


def opened(
    settings: Settings,
    bars: Bars,
    data: Path | None,
    expiries: Path | None,
    macro: Path | None,
    instruments: Path | None,
    seed: int | None,
) -> tuple[Dataset, Settings]:
    """The data, and the settings with dates that it has."""
    from research.commands.opening import data_request, fit_dates, load, say_left_out

    dataset = load(data_request(data, settings, expiries, seed, macro, instruments), bars)
    say_left_out(dataset)
    return dataset, fit_dates(settings, dataset)


def placed(
    stage: Path, out: Path, trials: Path, workers: int, cluster: str | None, bars: Bars
) -> Place:
    """Where a study writes and what works for it; a damaged register is told before the runs."""
    from research.commands.opening import opened_register
    from research.studies.runner import Workers
    from research.studies.study_commands import Place

    register = opened_register(trials)
    return Place(stage, out, register, Workers(workers, cluster), bars.market_stage("runs"))
