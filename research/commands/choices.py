"""``choices``: what every choice of the portfolio is worth."""

from __future__ import annotations

from pathlib import Path

import click

from research.commands import options
from research.commands.speech import say
from research.commands.study_options import STUDY, chosen, opened, placed


@click.command
@options.options(
    STUDY,
    options.out("out/choices"),
    options.DEBUG,
)
def command(
    data: Path | None,
    start: str | None,
    end: str | None,
    markets: str | None,
    assignments: tuple[str, ...],
    expiries: Path | None,
    macro: Path | None,
    instruments: Path | None,
    seed: int | None,
    workers: int,
    cluster: str | None,
    trials: Path,
    out: Path,
) -> None:
    """Run the strategy as it is set, and with one choice changed at a time."""
    settings = chosen(assignments, start, end, markets)

    from research.output import output_set
    from research.progress import Bars

    with output_set(out, "choices") as stage, Bars() as bars:
        bars.wait("start")
        from research.studies.study_commands import run_choices

        dataset, settings = opened(settings, bars, data, expiries, macro, instruments, seed)
        place = placed(stage, out, trials, workers, cluster, bars)
        page = run_choices(dataset, settings, place)
    say(f"choices: {out.absolute() / page.name}; every number is in {out / 'result.json'}")
