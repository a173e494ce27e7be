"""``parity``: both engines over the same data, compared day by day."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from research.commands import options
from research.commands.asked import AskedOfLean, asked_of_lean
from research.commands.speech import say

_SHOWN = 20


@click.command
@asked_of_lean
@options.options(
    options.INSTRUMENTS,
    options.out("out/parity", "Folder for LEAN's results and parity.csv."),
    options.DEBUG,
)
def command(
    asked: AskedOfLean,
    instruments: Path | None,
    out: Path,
) -> None:
    """Run LEAN and the embedded engine over the same data and compare them day by day."""
    from research.lean.project_config import ROOT

    settings = asked.settings()

    from research.commands.lean_folder import with_traded_markets
    from research.lean.parity import run_parity
    from research.lean.runner import find_launcher
    from research.output import claimed
    from research.progress import Bars

    find_launcher()
    with claimed(out), Bars() as bars:
        settings = with_traded_markets(settings, asked.data, bars, instruments)
        report, _, _ = run_parity(
            asked.data,
            settings,
            out,
            ROOT / "main.py",
            instruments=instruments,
            log=bars.log("LEAN"),
        )
    for line in report.lines():
        say(line)
    for difference in report.differences[:_SHOWN]:
        say(f"  {difference}")
    say(f"day by day: {out / 'parity.csv'}")
    if not report.agrees:
        sys.exit(1)
