"""``cloud``: a LEAN project with the strategy alone, to be pushed to QuantConnect's cloud."""

from __future__ import annotations

from pathlib import Path

import click

from research.commands import options
from research.commands.speech import say


@click.command
@options.options(
    options.out("out/cloud/trend-carry", "Project folder to write; best in a LEAN workspace."),
    options.DEBUG,
)
def command(out: Path) -> None:
    """Write main.py, config.json and the core, and nothing else, as a LEAN project."""
    from research.lean.stage import stage_project

    for line in stage_project(out).lines():
        say(line)
