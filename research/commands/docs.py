"""``docs``: the figures of the documents, from a run made for them."""

from __future__ import annotations

from pathlib import Path

import click

from research.commands import options
from research.commands.speech import say


@click.command
@options.options(options.DATA, options.RANGE, options.EXPIRIES, options.DEBUG)
@click.option(
    "--study",
    type=options.PATH,
    help="Folder that a study wrote to: its table goes to the documents, nothing is run.",
)
def command(
    data: Path | None,
    start: str | None,
    end: str | None,
    markets: str | None,
    expiries: Path | None,
    study: Path | None,
) -> None:
    """Run the strategy with its defaults, rolls either way, and write the documents' figures."""
    from dataclasses import replace

    from algorithm.settings import Settings
    from execution.settings import RollOrders
    from research.commands.opening import data_request, fit_dates, load
    from research.engine.engine import run_backtest
    from research.lean.project_config import OPEN_END, ROOT
    from research.pages.doc_figures import write_figures, write_study_figures
    from research.progress import Bars

    if study is not None:
        for path in write_study_figures(study, ROOT):
            say(f"written: {path}")
        return
    defaults = Settings()
    settings = replace(
        defaults,
        start=start or defaults.start,
        end=end or OPEN_END,
        markets=markets or defaults.markets,
    )
    with Bars() as bars:
        dataset = load(data_request(data, settings, expiries, None, None), bars)
        settings = fit_dates(settings, dataset)
        result = run_backtest(dataset, settings, bars.stage("run"))
        spreads = replace(settings, roll_orders=RollOrders.SPREAD)
        by_spread = run_backtest(dataset, spreads, bars.stage("with calendar spreads"))
        written = write_figures(result, by_spread, ROOT)
    for path in written:
        say(f"written: {path}")
