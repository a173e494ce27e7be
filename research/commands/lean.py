"""``lean``: the project on a native LEAN, after a look at what LEAN says nothing of."""

from __future__ import annotations

from pathlib import Path

import click

from research.commands import options
from research.commands.asked import AskedOfLean, asked_of_lean
from research.commands.speech import console, say


@click.command
@asked_of_lean
@options.options(
    options.INSTRUMENTS,
    options.TRIALS,
    options.out("out/lean", "Folder for LEAN's results."),
    options.DEBUG,
)
@click.option(
    "--object-store",
    type=options.PATH,
    help="Object store to continue from; without it the run starts without saved state.",
)
@click.option("--timeout", type=click.FloatRange(min=1), help="Seconds after which LEAN is ended.")
def command(
    asked: AskedOfLean,
    instruments: Path | None,
    trials: Path,
    out: Path,
    object_store: Path | None,
    timeout: float | None,
) -> None:
    """Run main.py on a native LEAN, the one LEAN_LAUNCHER names."""
    from research.lean.project_config import ROOT, changed_settings

    settings = asked.settings()

    from research.commands.lean_folder import with_traded_markets
    from research.commands.report import report_of
    from research.data.instruments_file import stored_instruments
    from research.lean.runner import find_launcher, run_lean
    from research.output import claimed
    from research.pages.run_files import REPORT
    from research.progress import Bars

    find_launcher()
    with claimed(out), Bars() as bars:
        settings = with_traded_markets(settings, asked.data, bars, instruments)
        run = run_lean(
            ROOT / "main.py",
            asked.data,
            out,
            changed_settings(settings),
            object_store,
            timeout,
            bars.log("LEAN"),
            stored=stored_instruments(instruments),
        )
    if run.record is not None:
        with Bars() as bars:
            report_of(out, out, bars, trials)

    from rich.table import Table

    table = Table(title="LEAN statistics", title_justify="left", show_header=False)
    for name, value in run.statistics.items():
        table.add_row(name, value)
    console().print(table)
    say(f"result: {run.result_json}; log: {run.log}; {run.seconds:.0f} s")
    if run.record is not None:
        say(f"report: {(out / REPORT).absolute()}; its record: {run.record}")
