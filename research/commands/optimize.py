"""``optimize``: the command lines of LEAN's optimizer for settings, with ranges from the table."""

from __future__ import annotations

import click

from research.commands import options
from research.commands.speech import say
from universe.counts import count_text


@click.command
@click.option(
    "--name",
    "names",
    multiple=True,
    required=True,
    help="Settings parted by blanks, each with a range like buffer=0.05:0.3:0.05 or without.",
)
@options.options(options.DEBUG)
def command(names: tuple[str, ...]) -> None:
    """Print ready command lines of LEAN's optimizer, local and in the cloud."""
    from math import prod

    from research.lean.optimizer import MOST_IN_CLOUD, command_lines, parameter_range

    ranges = [parameter_range(word) for text in names for word in text.split()]
    for line in command_lines(ranges):
        click.echo(line)
    if len(ranges) > MOST_IN_CLOUD:
        say(f"the cloud optimizes {MOST_IN_CLOUD} parameters at once, so its line is left out")
    trials = prod(one.count for one in ranges)
    say(
        f"{count_text(trials, 'backtest')}; LEAN tells the register of trials nothing of "
        "them: enter each run"
    )
