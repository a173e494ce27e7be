"""``compliance``: archive and 18f-4 pack of a run, or the check of the archive's chain."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from research.commands import options
from research.commands.speech import say
from universe.counts import count_text


@click.command
@options.options(
    options.RUN,
    options.MACRO,
    options.MARGINS,
    options.EARLIER,
    options.CACHE,
    click.option(
        "--legal-test",
        type=click.Choice(["relative", "absolute"]),
        help="The VaR test that applies: that of the archive, or the rule's default, relative.",
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
    data: Path | None,
    legal_test: str | None,
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
        say(f"{count_text(found.lines, 'line')} checked; the last one's hash is {found.last_hash}")
        return
    from research.commands.run_inputs import bill_yield, earlier_prices, margin_dates
    from research.engine.from_decisions import RECORD_FILE, read_run

    legal_test, determination = _legal_test(run, legal_test, determination)
    if not (run / ARCHIVE).is_file() or _is_behind(run, macro):
        result = read_run(run)
        archive_run(
            result,
            run,
            bill_yield=bill_yield(macro),
            dates=margin_dates(margins, result.markets),
            earlier=earlier_prices(data, result),
            legal_test=legal_test,
            determination=determination,
        )
        say(f"archived from {run / RECORD_FILE}")
    for path in write_pack(run):
        say(str(path))


def _legal_test(run: Path, asked: str | None, determination: str) -> tuple[str, str]:
    """The legal test and its determination: of the archive there, or else as asked for.

    Raises
    ------
    click.UsageError
        If the archive says otherwise, or the absolute test has no determination.
    """
    from research.compliance.archive import head
    from research.compliance.files import ARCHIVE

    path = run / ARCHIVE
    if path.is_file():
        there = head(path)
        if asked not in (None, there.legal_test) or determination not in ("", there.determination):
            raise click.UsageError(
                f"{path} was begun with the {there.legal_test} test as the legal one, and is only "
                "ever appended to; keep it elsewhere, and a new one begins with the determination"
            )
        return there.legal_test, there.determination
    if asked == "absolute" and not determination.strip():
        raise click.UsageError(
            "--legal-test absolute needs --determination: who determined that no reference "
            "portfolio is appropriate, when and why"
        )
    return asked or "relative", determination


def _is_behind(run: Path, macro: Path | None) -> bool:
    """Whether the record has a day after the archive's last one.

    Raises
    ------
    click.UsageError
        If it has, the archive shows a ladder of bills, and there is no rate to go on with.
    """
    from research.compliance.archive import read
    from research.compliance.files import ARCHIVE
    from research.compliance.records import SHOWN
    from research.engine.record_file import last_day
    from universe.arrays import from_epoch_day

    last = last_day(run)
    head, days, _ = read(run / ARCHIVE)
    if last is None or (days and from_epoch_day(last).isoformat() <= days[-1].day):
        return False
    if macro is None and days and days[-1].bills and head.collateral.startswith(SHOWN):
        raise click.UsageError(
            f"{run / ARCHIVE} shows a ladder of bills, which ends without a bill rate, and days are"
            " only ever appended; give --macro, the folder of macro series with DTB3"
        )
    return True
