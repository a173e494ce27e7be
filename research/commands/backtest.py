"""``backtest``: the full strategy on the embedded engine, with a report."""

from __future__ import annotations

from pathlib import Path

import click

from research.commands import options
from research.commands.asked import Asked, asked
from research.commands.speech import call, console, say
from universe.counts import count_text


@click.command
@asked
@options.options(
    options.CACHE,
    options.TRIALS,
    options.out("out"),
    options.DEBUG,
)
def command(
    asked: Asked,
    trials: Path,
    out: Path,
) -> None:
    """Run the full strategy and write a report."""
    settings = asked.settings()

    from research.commands.macro_notes import macro_notes
    from research.commands.opening import (
        fit_dates,
        load,
        opened_register,
        refuse_without,
        say_left_out,
    )
    from research.output import output_set
    from research.progress import Bars

    request = asked.request(settings)
    with output_set(out, "backtest") as stage, Bars() as bars:
        bars.wait("start")
        from research.commands.run_inputs import bills_of
        from research.compliance.files import archive_run
        from research.engine.engine import run_backtest
        from research.engine.record_file import record_file
        from research.pages.run_files import REPORT, write_run
        from research.pages.summary_table import print_summary
        from research.studies.entries import enter_run

        register = opened_register(trials)
        dataset = load(request, bars)
        settings = fit_dates(settings, dataset)
        say_left_out(dataset)
        macro_notes(dataset, settings, asked=asked.macro is not None)
        with record_file(stage, settings.decisions) as record:
            result = run_backtest(dataset, settings, bars.stage("run"), record)
        bars.finish()
        refuse_without(result.forecasts.values(), dataset)
        enter_run(result, register, "backtest")
        write_run(result, stage, bars.stage("report"))
        archive_run(result, stage, bill_yield=bills_of(dataset))
    print_summary(result, console())
    if dataset.issues:
        say(f"{count_text(len(dataset.issues), 'doubt')} about the data, listed in the report")
    if dataset.synthetic:
        then = f"run it on real data: {call('backtest', data='FOLDER')}"
    else:
        change = call("backtest", set="NAME=VALUE")
        then = f"change settings, which '{call('settings')}' lists: {change}"
    say(f"report: {(out / REPORT).absolute()}; open it in a browser, then {then}")
