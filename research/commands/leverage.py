"""``leverage``: variable leverage of the S&P 500 by itself."""

from __future__ import annotations

from pathlib import Path

import click

from research.commands import options
from research.commands.speech import say
from research.commands.study_options import STUDY, chosen, opened, placed


@click.command
@options.options(STUDY, options.out("out/leverage"), options.DEBUG)
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
    """Walk variable leverage of the S&P 500 forward and tell what it was worth (002)."""
    settings = chosen(assignments, start, end, markets)

    from research.output import output_set
    from research.progress import Bars

    with output_set(out, "leverage") as stage, Bars() as bars:
        bars.wait("start")
        from research.studies.leverage_study import run_leverage

        dataset, settings = opened(settings, bars, data, expiries, macro, instruments, seed)
        place = placed(stage, out, trials, workers, cluster, bars)
        page = run_leverage(dataset, settings, place)
    say(f"leverage: {out.absolute() / page.name}; every number is in {out / 'result.json'}")
