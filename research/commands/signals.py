"""``signals``: every intermediate of every rule as a table by name."""

from __future__ import annotations

from pathlib import Path

import click

from research.commands import options
from research.commands.asked import Asked, asked
from research.commands.speech import say
from universe.counts import count_text


@click.command
@asked
@options.options(
    options.out("out/signals"),
    options.DEBUG,
)
def command(
    asked: Asked,
    out: Path,
) -> None:
    """Write every intermediate of the rules, prices and rolls as OUT/RULE/NAME.csv."""
    settings = asked.settings()

    from research.commands.macro_notes import macro_notes
    from research.commands.opening import fit_dates, load, say_left_out
    from research.output import output_set
    from research.pages.files import write_atomically
    from research.panels.signal_tables import signal_tables
    from research.progress import Bars

    request = asked.request(settings)
    with output_set(out, "signals") as stage, Bars() as bars:
        dataset = load(request, bars)
        settings = fit_dates(settings, dataset)
        say_left_out(dataset)
        macro_notes(dataset, settings, asked=asked.macro is not None)
        tables = signal_tables(dataset, settings, bars.stage("run"))
        written = bars.market_stage("write")
        for done, (name, table) in enumerate(tables.items(), start=1):
            text = table.to_csv(float_format="%.10g", lineterminator="\n")
            write_atomically(stage / f"{name}.csv", text)
            written(done, len(tables), name)
    groups: dict[str, list[str]] = {}
    for name in tables:
        group, _, part = name.partition("/")
        groups.setdefault(group, []).append(part)
    for group, parts in groups.items():
        say(f"{group}: {', '.join(parts)}")
    say(f"signals: {count_text(len(tables), 'table')} as {out.absolute()}/RULE/NAME.csv")
