"""The command of a study: what all of them take, and from there to the study's page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from research.commands import options
from research.commands.asked import Asked, asked
from research.commands.speech import say

if TYPE_CHECKING:
    from research.progress import Bars
    from research.studies.study_commands import Place

STUDY = options.options(
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
"""What every study takes beside data and settings."""


Study = Callable[..., Path]
"""Takes a dataset, settings with dates that it has, a place and what the study takes besides; runs
it, and returns the path of its page."""


def study_command(
    name: str,
    run: Study,
    *own: options.Decorator[Any],
    prepare: Callable[..., dict[str, Any]] = dict,
    needs_macro: str = "",
) -> click.Command:
    """The command of a study: its help is the docstring of ``run``.

    Parameters
    ----------
    name : str
        Of its folder below ``out``.
    run : Study
    own : decorators
        Options that other studies do not have.
    prepare : callable
        What ``run`` gets of them; called before anything else is read.
    needs_macro : str
        Why it cannot do without ``--macro``; empty if it can.
    """

    @click.command(help=run.__doc__)
    @asked
    @options.options(STUDY, *own, options.out(f"out/{name}"), options.DEBUG)
    def command(
        asked: Asked,
        workers: int,
        cluster: str | None,
        trials: Path,
        out: Path,
        **given: Any,
    ) -> None:
        if needs_macro and asked.macro is None:
            raise click.UsageError(f"{name} needs --macro: {needs_macro}")
        from research.output import output_set
        from research.progress import Bars

        settings = asked.settings()
        with output_set(out, name) as stage, Bars() as bars:
            bars.wait("start")
            from research.commands.opening import fit_dates, load, say_left_out

            prepared = prepare(**given)
            dataset = load(asked.request(settings), bars)
            say_left_out(dataset)
            place = _placed(stage, out, trials, workers, cluster, bars)
            page = run(dataset, fit_dates(settings, dataset), place, **prepared)
        say(f"{name}: {out.absolute() / page.name}; every number is in {out / 'result.json'}")

    return command


def _placed(
    stage: Path, out: Path, trials: Path, workers: int, cluster: str | None, bars: Bars
) -> Place:
    """Where a study writes and what works for it; a damaged register is told before the runs."""
    from research.commands.opening import opened_register
    from research.studies.runner import Workers
    from research.studies.study_commands import Place

    register = opened_register(trials)
    return Place(stage, out, register, Workers(workers, cluster), bars.market_stage("runs"))
