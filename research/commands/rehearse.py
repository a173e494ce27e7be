"""``rehearse``: LEAN's live mode on a replayed clock, killed and started again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from research.commands import options
from research.commands.asked import AskedOfLean, asked_of_lean
from research.commands.speech import console, say

if TYPE_CHECKING:
    from research.rehearsal.rehearse import Verdict

_SHOWN = 20
_SEED = 7


@click.command
@asked_of_lean
@options.options(
    options.out("out/rehearsal", "Folder for both runs, their logs, books and stores."),
    options.DEBUG,
)
@click.option(
    "--kills", type=click.IntRange(min=0), default=20, show_default=True, help="How often to kill."
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=_SEED, show_default=True, help="Of the moments."
)
def command(
    asked: AskedOfLean,
    out: Path,
    kills: int,
    seed: int,
) -> None:
    """Run LEAN live over past sessions, kill it at random moments, and compare with no kill.

    Without dates: the sessions around the data's last roll.
    """
    from research.rehearsal.rehearse import DEFAULTS

    settings = asked.settings(DEFAULTS)

    from research.commands.lean_folder import with_traded_markets
    from research.commands.opening import data_request, load
    from research.lean.runner import find_launcher
    from research.output import claimed
    from research.progress import Bars
    from research.rehearsal.rehearse import rehearse, sessions_around_a_roll, sessions_between

    find_launcher()
    with claimed(out), Bars() as bars:
        settings = with_traded_markets(settings, asked.data, bars)
        dataset = load(data_request(asked.data, settings), bars)
        choose = sessions_between if asked.start and asked.end else sessions_around_a_roll
        sessions = choose(dataset, settings)
        verdict = rehearse(asked.data, dataset, settings, sessions, kills, seed, out, say)
    _show(verdict)
    if verdict.differences:
        sys.exit(1)


def _show(verdict: Verdict) -> None:
    from rich.table import Table

    table = Table(title=f"{len(verdict.deaths)} kills", title_justify="left")
    for name in ("killed, UTC", "when", "started again", "damaged by it"):
        table.add_column(name)
    for death in verdict.deaths:
        again = f"{death.restart:%H:%M}"
        table.add_row(f"{death.at:%Y-%m-%d %H:%M:%S}", str(death.moment), again, death.damage)
    console().print(table)
    for left in (verdict.undisturbed, verdict.killed):
        kinds = [event["what"] for event in left.events]
        say(
            f"{left.folder.name}: {len(left.days)} decisions, {kinds.count('placed')} orders,"
            f" {kinds.count('filled')} fills, {kinds.count('cancelled')} cancelled,"
            f" {kinds.count('refused')} refused, line lost {kinds.count('cut')} times;"
            f" log {left.folder / 'engine.txt'}"
        )
    if not verdict.differences:
        say("no order twice, same positions, state and record whole, decided again alike")
        return
    say(f"{len(verdict.differences)} differences:")
    for difference in verdict.differences[:_SHOWN]:
        say(f"  {difference}")
