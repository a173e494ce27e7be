"""``tca``: what the fills of a run paid against their benchmarks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from research.commands import options
from research.commands.run_inputs import record_of
from research.commands.speech import say, warn

if TYPE_CHECKING:
    from algorithm.decision_line import Header
    from research.tca.fills import Prices

PAGE, DOCUMENT = "tca.html", "tca.json"

OTHERS = 0.01
"""Share of closes that differ above which the data are taken for those of another run."""


@click.command
@options.options(
    options.RUN,
    options.DATA,
    click.option(
        "--minutes", type=options.PATH, help="LEAN data folder with minute trades and quotes."
    ),
    options.EXPIRIES,
    options.INSTRUMENTS,
    options.SEED,
    options.DEBUG,
)
def command(
    run: Path,
    data: Path | None,
    minutes: Path | None,
    expiries: Path | None,
    instruments: Path | None,
    seed: int | None,
) -> None:
    """Write tca.html and tca.json: costs by kind, size, algorithm, hour and market; impact."""
    from research.compliance.pack_html import to_html
    from research.output import output_set
    from research.tca.costs import costs_of, other_prices
    from research.tca.page import document, page

    header, decisions = record_of(run)
    prices = _prices(header, data, expiries, instruments, seed)
    if prices is not None and (off := other_prices(header, decisions, prices)) > OTHERS:
        warn(f"{off:.1%} of the run's closes are others in the data: is it the data of this run?")
    costs = costs_of(header, decisions, prices, minutes)
    with output_set(run, "tca") as stage:
        text = to_html(page(costs), "Transaction costs")
        (stage / PAGE).write_text(text, encoding="utf-8")
        text = json.dumps(document(costs), indent=1)
        (stage / DOCUMENT).write_text(text + "\n", encoding="utf-8")
    if costs.outliers:
        warn(f"{len(costs.outliers)} fills far from what was expected: {run / PAGE}")
    say(f"transaction costs: {(run / PAGE).absolute()}")


def _prices(
    header: Header,
    data: Path | None,
    expiries: Path | None,
    instruments: Path | None,
    seed: int | None,
) -> Prices | None:
    """The prices of the run, None where nobody says where they are."""
    from research.commands.opening import data_request, load
    from research.lean.project_config import chosen_settings
    from research.progress import Bars
    from research.tca.fills import Prices

    if data is None and not header.synthetic:
        return None
    settings = chosen_settings((), open_end=True, markets=" ".join(header.codes))
    with Bars() as bars:
        dataset = load(data_request(data, settings, expiries, seed, None, instruments), bars)
    return Prices(dataset)
