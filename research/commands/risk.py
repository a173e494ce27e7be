"""``risk``: the page of the risk desk for a session of a run."""

from __future__ import annotations

from pathlib import Path

import click

from research.commands import options
from research.commands.speech import say

PAGE = "desk.html"


@click.command
@options.options(options.RUN, options.DATE, options.MACRO, options.MARGINS, options.DEBUG)
def command(run: Path, date: str | None, macro: Path | None, margins: Path | None) -> None:
    """Write desk.html: limits, risk, stress, margin and exposure of a session."""
    from research.commands.run_inputs import desk_of_run
    from research.compliance.desk import desk_page
    from research.compliance.pack_html import to_html
    from research.pages.files import write_atomically

    desk = desk_of_run(run, date, macro, margins)
    page = to_html(desk_page(desk), f"Risk desk, {desk.day}")
    say(f"risk desk: {write_atomically(run / PAGE, page).absolute()}")
