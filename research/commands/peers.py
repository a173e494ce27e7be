"""``peers``: the strategy beside others on the same data."""

from __future__ import annotations

from pathlib import Path

import click

from research.commands import options
from research.commands.speech import say
from research.commands.study_options import STUDY, chosen, opened, placed


@click.command
@options.options(
    STUDY,
    click.option(
        "--peer",
        "peers",
        multiple=True,
        metavar="NAME=FILE",
        help="Somebody's CSV of dates and daily returns or account values, may be given several"
        " times.",
    ),
    options.out("out/peers"),
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
    peers: tuple[str, ...],
    out: Path,
) -> None:
    """Run other strategies on the same data, costs and engine."""
    settings = chosen(assignments, start, end, markets)

    from research.output import output_set
    from research.progress import Bars

    with output_set(out, "peers") as stage, Bars() as bars:
        bars.wait("start")
        from research.studies.peers import named_files
        from research.studies.study_commands import run_peers

        files = named_files(peers)
        dataset, settings = opened(settings, bars, data, expiries, macro, instruments, seed)
        place = placed(stage, out, trials, workers, cluster, bars)
        page = run_peers(dataset, settings, place, files)
    say(f"peers: {out.absolute() / page.name}; every number is in {out / 'result.json'}")
