"""``compliance``: the pack of rule 18f-4 from a run's archive, or the check of its chain."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from research.commands import options
from research.commands.speech import say


@click.command
@options.options(
    click.option(
        "--run", type=options.PATH, required=True, help="Folder of a run, with archive.jsonl."
    ),
    click.option(
        "--reference",
        default="ES 0.6 ZN 0.4",
        show_default=True,
        help="Name of the designated reference portfolio.",
    ),
    click.option(
        "--verify", is_flag=True, help="Check the chain of hashes only; 1 if it does not hold."
    ),
    options.DEBUG,
)
def command(run: Path, reference: str, verify: bool) -> None:
    """Write pack.html, pack.pdf, nport.csv, nport.json and archive.csv from a run's archive."""
    from research.compliance.archive import verify as check
    from research.compliance.files import ARCHIVE, write_pack

    if verify:
        found = check(run / ARCHIVE)
        if not found.ok:
            say(f"{run / ARCHIVE}, line {found.line}: {found.problem}")
            sys.exit(1)
        say(f"{found.lines:,} lines hold; the last one's hash is {found.last_hash}")
        return
    for path in write_pack(run, reference):
        say(str(path))
