"""The headline figures as a table on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from research.engine.result import RunResult
from research.measures.plausible import implausible
from research.measures.summary import summary
from research.pages.text import data_text, source_text


def summary_table(result: RunResult) -> Table:
    """Rich table of the headline figures; its title says where the market is synthetic."""
    table = Table(
        title=Text(data_text(result)),
        caption=Text(source_text(result)),
        title_justify="left",
        caption_justify="left",
        show_header=False,
    )
    table.add_column("figure", style="bold", no_wrap=True)
    table.add_column("value")
    for label, value in summary(result):
        table.add_row(Text(label), Text(value))
    return table


def print_summary(result: RunResult, console: Console | None = None) -> None:
    """Print the summary to ``console``, the terminal if none is given.

    What no fund could have had comes first.
    """
    console = console or Console()
    for text in implausible(result):
        console.print(Text(f"no fund could have had this run: {text}", style="bold red"))
    console.print(summary_table(result))
