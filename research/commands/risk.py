"""``risk``: the page of the risk desk for a session of a run."""

from __future__ import annotations

from pathlib import Path

import click

from research.commands import options
from research.commands.speech import say

PAGE = "desk.html"


@click.command
@options.options(
    options.RUN,
    options.DATE,
    options.MACRO,
    options.MARGINS,
    options.EARLIER,
    options.CACHE,
    click.option(
        "--from-store",
        is_flag=True,
        help="From the data that LEAN writes to its object store after every decision.",
    ),
    options.DEBUG,
)
def command(
    run: Path,
    date: str | None,
    macro: Path | None,
    margins: Path | None,
    data: Path | None,
    *,
    from_store: bool,
) -> None:
    """Write desk.html: limits, risk, stress, margin and exposure of a session.

    Of a run that has left no record yet, of a deployment's storage, the page is made from the data
    that LEAN writes after every decision.
    """
    from research.commands.run_inputs import desk_of_run
    from research.compliance.desk import desk_page
    from research.compliance.pack_html import to_html
    from research.pages.files import write_atomically

    desk = desk_of_run(run, date, macro, margins, data, from_store=from_store)
    page = to_html(desk_page(desk), f"Risk desk, {desk.day}")
    say(f"risk desk: {write_atomically(run / PAGE, page).absolute()}")
