"""``report``: report and tables of a run from its record, whichever engine wrote it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from research.commands import options
from research.commands.speech import console, say

if TYPE_CHECKING:
    from research.engine.result import RunResult
    from research.progress import Bars


@click.command
@options.options(
    options.RUN,
    click.option("--out", type=options.PATH, help="Folder to write to; that of the run."),
    options.TRIALS,
    options.DEBUG,
)
def command(run: Path, out: Path | None, trials: Path) -> None:
    """Write report and tables of a run from its record."""
    from research.pages.run_files import REPORT
    from research.pages.summary_table import print_summary
    from research.progress import Bars

    target = run if out is None else out
    with Bars() as bars:
        result = report_of(run, target, bars, trials)
    print_summary(result, console())
    say(f"report: {(target / REPORT).absolute()}")


def report_of(run: Path, out: Path, bars: Bars, trials: Path) -> RunResult:
    """Write the files of a run to ``out`` from the record in ``run``, and the record beside them.

    The run is entered in the register in ``trials``.

    Raises
    ------
    algorithm.decision_text.RecordError
        If there is no record, or it cannot be read.
    research.output.OutputError, research.pages.files.ReportError
        If a file cannot be written.
    """
    from research.commands.opening import opened_register
    from research.compliance.files import archive_run
    from research.engine.from_decisions import RECORD_FILE, read_run
    from research.output import output_set
    from research.pages.run_files import write_run
    from research.studies.entries import enter_run

    register = opened_register(trials)
    result = read_run(run)
    enter_run(result, register, f"report of {result.engine}")
    with output_set(out, "backtest") as stage:
        shutil.copyfile(run / RECORD_FILE, stage / RECORD_FILE)
        archive_run(result, stage)
        write_run(result, stage, bars.stage("report"))
    return result
