"""``rules``: every rule by itself, by asset class."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from research.commands import options
from research.commands.asked import Asked, asked
from research.commands.speech import console, say

_FROM = "2000-01-01"


@click.command
@asked
@options.options(
    options.TRIALS,
    options.out("out"),
    options.DEBUG,
)
def command(
    asked: Asked,
    trials: Path,
    out: Path,
) -> None:
    """Measure every rule by itself, by asset class, from 2000 on unless --start is given."""
    from algorithm.settings import Settings

    settings = asked.settings()

    from research.commands.macro_notes import unknown_files
    from research.commands.opening import (
        fit_dates,
        load,
        opened_register,
        refuse_without,
        say_left_out,
    )
    from research.output import output_set
    from research.progress import Bars

    request = replace(asked.request(settings), start=None)
    if asked.start is None and settings.start == Settings().start:
        settings = replace(settings, start=_FROM)
    with output_set(out, "rules") as stage, Bars() as bars:
        bars.wait("start")
        register = opened_register(trials)
        from research.pages.rule_study import PAGE, print_rules, write_rules
        from research.studies.bond_comparison import bond_carry_comparison
        from research.studies.entries import enter_rules
        from research.studies.rules import rule_study

        dataset = load(request, bars)
        say_left_out(dataset)
        unknown_files(dataset)
        settings = fit_dates(settings, dataset)
        study = rule_study(dataset, settings, progress=bars.stage)
        bars.finish()
        refuse_without([study.table["net_sharpe"].to_numpy(float)], dataset)
        study = enter_rules(study, settings, register)
        bonds = bond_carry_comparison(study.panel, dataset.macro, start=settings.first_day)
        write_rules(study, stage, bonds)
    print_rules(study, console())
    page = out / PAGE
    say(f"rules: {page.absolute()}; every number is in {page.with_suffix('.csv')}")
