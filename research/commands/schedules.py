"""``schedules``: every execution algorithm on recorded minutes."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from research.commands import options
from research.commands.speech import say
from universe.counts import count_text


@click.command
@options.options(
    options.LEAN_FOLDER,
    click.option("--markets", default="ES", show_default=True, help="Codes parted by blanks."),
    click.option(
        "--contracts",
        type=click.IntRange(1, 1_000_000),
        default=200,
        show_default=True,
        help="Of the parent order, worked on either side.",
    ),
    click.option(
        "--cap",
        type=click.FloatRange(1e-4, 0.5),
        default=0.05,
        show_default=True,
        help="Largest share of volume of POV.",
    ),
    options.out("out/schedules", "Folder for schedules.json."),
    options.DEBUG,
)
def command(data: Path, markets: str, contracts: int, cap: float, out: Path) -> None:
    """Work a parent order through the minutes of DATA with every algorithm, tell what it paid."""
    from research.intraday.study import mean_costs, study
    from research.output import output_set
    from universe.master import MASTER

    rows = []
    for code in markets.replace(",", " ").split():
        rows += study(data, MASTER.named(code), contracts, cap)
    with output_set(out, "schedules") as stage:
        text = json.dumps([asdict(row) for row in rows], indent=1)
        (stage / "schedules.json").write_text(text + "\n", encoding="utf-8")
    for name, passive, parents, filled, share, costs in mean_costs(rows):
        how = f"{name}, limits" if passive else name
        say(
            f"{how}: {count_text(parents, 'parent')}, {filled:.0%} filled, {share:.2%} of "
            "volume; paid over"
            f" arrival {costs[0]:.2f} bp ({costs[2]:.2f} ticks),"
            f" over interval VWAP {costs[1]:.2f} bp ({costs[3]:.2f} ticks)"
        )
    say(f"every parent: {out / 'schedules.json'}")
