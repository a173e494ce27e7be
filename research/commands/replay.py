"""``replay``: the embedded engine decides again on the sessions of a record."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from research.commands import options
from research.commands.run_inputs import record_of
from research.commands.speech import say, warn
from universe.counts import count_text

_SHOWN = 20


@click.command
@options.options(
    options.RUN,
    options.DATA,
    options.EXPIRIES,
    options.MACRO,
    options.INSTRUMENTS,
    options.SEED,
    options.DEBUG,
)
@click.option(
    "--store",
    type=options.PATH,
    help="Object store of a live deployment, whose record is brought to --run first.",
)
def command(
    run: Path,
    data: Path | None,
    expiries: Path | None,
    macro: Path | None,
    instruments: Path | None,
    seed: int | None,
    store: Path | None,
) -> None:
    """Decide again on every session of a run's record and name the first stage that differs."""
    from research.commands.opening import data_request, load
    from research.engine.redecide import redecide
    from research.lean.project_config import chosen_settings
    from research.lean.record import bring_live_record
    from research.progress import Bars

    if store is not None:
        bring_live_record(store, run)
    header, decisions = record_of(run)
    codes = " ".join(header.codes)
    settings = chosen_settings((), open_end=True, markets=codes)
    with Bars() as bars:
        dataset = load(data_request(data, settings, expiries, seed, macro, instruments), bars)
    done = redecide(header, decisions, dataset)
    say(f"decided again: {count_text(done.sessions, 'session')}, {len(done.mismatches)} otherwise")
    for mismatch in done.mismatches[:_SHOWN]:
        warn(str(mismatch))
    if done.mismatches:
        sys.exit(1)
