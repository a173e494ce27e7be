"""``regime``: the regime model walked forward."""

from __future__ import annotations

from pathlib import Path

import click

from research.commands import options
from research.commands.speech import say
from research.commands.study_options import STUDY, chosen, opened, placed


@click.command
@options.options(STUDY, options.out("out/regime"), options.DEBUG)
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
    """Train the regime model quarter by quarter and tell what it was worth (needs --macro)."""
    if macro is None:
        raise click.UsageError("regime needs --macro: volatility, credit and rates are features")
    settings = chosen(assignments, start, end, markets)

    from research.output import output_set
    from research.progress import Bars

    with output_set(out, "regime") as stage, Bars() as bars:
        bars.wait("start")
        from research.studies.regime_study import run_regime

        dataset, settings = opened(settings, bars, data, expiries, macro, instruments, seed)
        place = placed(stage, out, trials, workers, cluster, bars)
        page = run_regime(dataset, settings, place)
    say(f"regime: {out.absolute() / page.name}; every number is in {out / 'result.json'}")
