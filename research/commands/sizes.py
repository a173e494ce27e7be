"""``sizes``: what the size of the fund costs."""

from __future__ import annotations

from pathlib import Path

import click

from research.commands import options
from research.commands.speech import say
from research.commands.study_options import STUDY, chosen, opened, placed


@click.command
@options.options(
    STUDY,
    options.out("out/sizes"),
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
    """Run the strategy at fund sizes from USD 250 k to 5 bn."""
    settings = chosen(assignments, start, end, markets)

    from research.output import output_set
    from research.progress import Bars

    with output_set(out, "sizes") as stage, Bars() as bars:
        bars.wait("start")
        from research.studies.study_commands import run_sizes

        dataset, settings = opened(settings, bars, data, expiries, macro, instruments, seed)
        place = placed(stage, out, trials, workers, cluster, bars)
        page = run_sizes(dataset, settings, place)
    say(f"sizes: {out.absolute() / page.name}; every number is in {out / 'result.json'}")
