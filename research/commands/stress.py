"""``stress``: the stress tests of a session of a run."""

from __future__ import annotations

from pathlib import Path

import click

from research.commands import options
from research.commands.speech import console, say


@click.command
@options.options(options.RUN, options.DATE, options.EARLIER, options.CACHE, options.DEBUG)
def command(run: Path, date: str | None, data: Path | None) -> None:
    """Print the stress tests of what a run held on a session."""
    from rich.table import Table

    from research.commands.run_inputs import desk_of_run
    from research.compliance.desk import stress_table

    desk = desk_of_run(run, date, None, None, data)
    found = stress_table(desk)
    table = Table(title=f"Stress tests, {desk.day}", title_justify="left")
    for name in found.names:
        table.add_column(name, justify="right" if name in found.names[1:3] else "left")
    for row in found.rows:
        table.add_row(*row)
    console().print(table)
    say(found.note)
