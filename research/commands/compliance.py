"""``compliance``: archive and 18f-4 pack of a run, or the check of the archive's chain."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from research.commands import options
from research.commands.speech import say


@click.command
@options.options(
    options.RUN,
    options.MACRO,
    options.MARGINS,
    click.option(
        "--legal-test",
        type=click.Choice(["relative", "absolute"]),
        default="relative",
        show_default=True,
        help="The VaR test that applies; the rule's default is the relative one.",
    ),
    click.option(
        "--determination",
        default="",
        help="Of the absolute test: who determined that it is the right one, when and why.",
    ),
    click.option(
        "--verify", is_flag=True, help="Check the chain of hashes only; 1 if it does not hold."
    ),
    options.DEBUG,
)
def command(
    run: Path,
    macro: Path | None,
    margins: Path | None,
    legal_test: str,
    determination: str,
    verify: bool,
) -> None:
    """Write pack.html, pack.pdf, nport.csv, nport.json and archive.csv of a run.

    The archive is taken as it is there; the days after its last one are appended from the run's
    record, and without an archive it is made from it.
    """
    from research.compliance.archive import verify as check
    from research.compliance.files import ARCHIVE, archive_run, write_pack

    if verify:
        found = check(run / ARCHIVE)
        if not found.ok:
            say(f"{run / ARCHIVE}, line {found.line}: {found.problem}")
            sys.exit(1)
        say(f"{found.lines:,} lines hold; the last one's hash is {found.last_hash}")
        return
    from research.commands.run_inputs import bill_yield, margin_dates
    from research.engine.from_decisions import RECORD_FILE, read_run

    if not (run / ARCHIVE).is_file() or _is_behind(run):
        result = read_run(run)
        archive_run(
            result,
            run,
            bill_yield=bill_yield(macro),
            dates=margin_dates(margins, result.markets),
            legal_test=legal_test,
            determination=determination,
        )
        say(f"archived from {run / RECORD_FILE}")
    for path in write_pack(run):
        say(str(path))


def _is_behind(run: Path) -> bool:
    """Whether the record has a day after the archive's last one."""
    from research.compliance.archive import read
    from research.compliance.files import ARCHIVE
    from research.engine.record_file import last_day
    from universe.arrays import from_epoch_day

    last = last_day(run)
    _, days, _ = read(run / ARCHIVE)
    return last is not None and (not days or from_epoch_day(last).isoformat() > days[-1].day)
