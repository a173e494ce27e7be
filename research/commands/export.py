"""``export``: market data as a data folder for a local LEAN."""

from __future__ import annotations

from pathlib import Path

import click

from research.commands import options
from research.commands.speech import call, say


@click.command
@options.options(
    options.DATA,
    options.RANGE,
    options.EXPIRIES,
    options.MACRO,
    options.INSTRUMENTS,
    options.SEED,
    options.out("lean-data", "Folder to write; an earlier export in it is replaced."),
    options.DEBUG,
)
@click.option(
    "--lean-data",
    type=options.PATH,
    help="LEAN's own Data folder, for its market-hours and symbol-properties databases; needed.",
)
@click.option(
    "--margins-from",
    type=options.PATH,
    help="LEAN Data folder whose margin histories are copied; without it margins are estimated.",
)
@click.option("--no-universes", is_flag=True, help="Leave out the chain files, many small ones.")
@click.option(
    "--both-sizes",
    type=bool,
    default=False,
    show_default=True,
    help="Write every market's bars under the name of its small contract too (ES: MES), for runs"
    " with contract_sizes=true.",
)
@click.option(
    "--day-sessions/--no-day-sessions",
    default=True,
    help="End sessions that run on through midnight (CT, B, G, DX) in the evening, so that their"
    " bar is there for the day's decision; the hours of LEAN's own data are otherwise kept.",
)
def command(
    data: Path | None,
    start: str | None,
    end: str | None,
    markets: str | None,
    expiries: Path | None,
    macro: Path | None,
    instruments: Path | None,
    seed: int | None,
    lean_data: Path | None,
    margins_from: Path | None,
    no_universes: bool,
    day_sessions: bool,
    both_sizes: bool,
    out: Path,
) -> None:
    """Write market data as a data folder for a local LEAN."""
    from research.lean.project_config import chosen_settings

    if lean_data is None:
        example = call("export", data=data, lean_data="LEAN/Data")
        raise click.UsageError(f"LEAN's own Data folder is needed, as in: {example}")
    settings = chosen_settings((), open_end=True, start=start, end=end, markets=markets)

    from research.commands.macro_notes import unknown_files
    from research.commands.opening import data_request, load
    from research.data.second_sizes import with_second_sizes
    from research.lean.export import export_lean
    from research.progress import Bars
    from universe.arrays import to_epoch_day

    request = data_request(data, settings, expiries, seed, macro, instruments)
    with Bars() as bars:
        dataset = load(request, bars)
        unknown_files(dataset)
        if start:
            last = to_epoch_day(settings.last_day)
            dataset = dataset.between(to_epoch_day(settings.first_day), last)
        if both_sizes:
            dataset = with_second_sizes(dataset)
        report = export_lean(
            dataset,
            out,
            lean_data,
            universes=not no_universes,
            margins_from=margins_from,
            day_sessions=day_sessions,
            progress=bars.market_stage("export"),
        )
    for line in report.lines():
        say(line)
    say(f"exported to {out.absolute()}; run LEAN on it: {call('lean', data=out)}")
