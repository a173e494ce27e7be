"""``direction``: the direction sleeve on the EURO STOXX 50 by itself."""

from __future__ import annotations

from pathlib import Path

import click

from research.commands import options
from research.commands.speech import say
from research.commands.study_options import STUDY, chosen, opened, placed


@click.command
@options.options(STUDY, options.out("out/direction"), options.DEBUG)
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
    """Walk market direction over the EURO STOXX 50 by itself (004; needs --macro)."""
    if macro is None:
        raise click.UsageError("direction needs --macro: the index and the votes are series")
    settings = chosen(assignments, start, end, markets)

    from research.output import output_set
    from research.progress import Bars

    with output_set(out, "direction") as stage, Bars() as bars:
        bars.wait("start")
        from research.studies.direction_study import run_direction

        dataset, settings = opened(settings, bars, data, expiries, macro, instruments, seed)
        place = placed(stage, out, trials, workers, cluster, bars)
        page = run_direction(dataset, settings, place)
    say(f"direction: {out.absolute() / page.name}; every number is in {out / 'result.json'}")
