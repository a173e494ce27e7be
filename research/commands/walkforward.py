"""``walkforward``: settings chosen by the past alone."""

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
        "--grid",
        multiple=True,
        metavar="NAME=V1,V2,...",
        help="Values of a setting to choose from, may be given several times (mix of the sleeves"
        " and buffer).",
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
    options.out("out/walkforward"),
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
    grid: tuple[str, ...],
    train: int,
    test: int,
    expanding: bool,
    groups: int,
    out: Path,
) -> None:
    """Choose settings by past returns alone, window after window."""
    settings = chosen(assignments, start, end, markets)

    from research.output import output_set
    from research.progress import Bars

    with output_set(out, "walkforward") as stage, Bars() as bars:
        bars.wait("start")
        from research.studies.study_commands import WalkPlan, run_walkforward
        from research.studies.walkforward import grid_of

        plan = WalkPlan(grid_of(grid), train, test, expanding, groups)
        dataset, settings = opened(settings, bars, data, expiries, macro, instruments, seed)
        place = placed(stage, out, trials, workers, cluster, bars)
        page = run_walkforward(dataset, settings, place, plan)
    say(f"walkforward: {out.absolute() / page.name}; every number is in {out / 'result.json'}")
