"""Options that several commands take."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from research.commands.speech import warn

_Command = TypeVar("_Command", bound=Callable[..., Any])
Decorator = Callable[[_Command], _Command]

DEFAULT_SEED = 7
PATH = click.Path(path_type=Path)


def options(*added: Decorator[Any]) -> Decorator[Any]:
    """One decorator that adds several options, listed in the order given."""

    def add(command: _Command) -> _Command:
        for option in reversed(added):
            command = option(command)
        return command

    return add


def _debug(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta["debug"] = True


DEBUG = click.option(
    "--debug",
    is_flag=True,
    expose_value=False,
    callback=_debug,
    help="Show the traceback of an error.",
)
DATA = click.option(
    "--data",
    type=PATH,
    help="Folder of market data: pysystemtrade's CSVs, a LEAN data folder or plain CSVs."
    " Without it the embedded synthetic market is used.",
)
LEAN_FOLDER = click.option(
    "--data",
    type=PATH,
    default=Path("lean-data"),
    show_default=True,
    help="LEAN data folder.",
)
RANGE = options(
    click.option("--start", help="First session on which the strategy may trade, yyyy-mm-dd."),
    click.option("--end", help="Last session, yyyy-mm-dd."),
    click.option(
        "--markets",
        help="Codes or names of the data's files, parted by blanks or commas, like 'ES ZN GC'.",
    ),
)
SET = click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting, may be given several times; 'settings' lists them.",
)
EXPIRIES = click.option(
    "--expiries",
    type=PATH,
    help="CSV of last trade dates (market, root, contract_month, last_trade_date), for CSV data.",
)
MACRO = click.option(
    "--macro", type=PATH, help="Folder of macro series (rates, VIX, dividend yields)."
)
INSTRUMENTS = click.option(
    "--instruments",
    type=PATH,
    help="CSV of markets that change the master or add to it (docs/instruments.md).",
)
NO_CACHE = "none"


def _cache(ctx: click.Context, _: click.Parameter, value: Path) -> None:
    ctx.meta["cache"] = None if str(value) == NO_CACHE else value
    ctx.with_resource(warnings.catch_warnings())
    warnings.showwarning = _told


def _told(message: Warning | str, category: type[Warning], *where: Any, **rest: Any) -> None:
    """A warning of our own in a line, any other as Python shows it."""
    if category.__module__.startswith("research."):
        warn(str(message))
    else:
        click.echo(warnings.formatwarning(message, category, *where[:2]), err=True)


CACHE = click.option(
    "--cache",
    type=PATH,
    default=Path(".cache"),
    show_default=True,
    envvar="TREND_CARRY_CACHE",
    expose_value=False,
    callback=_cache,
    help="Folder for parsed data and for what runs compute from data alone, so that the next one"
    f" starts from there; '{NO_CACHE}' keeps nothing.",
)
TRIALS = click.option(
    "--trials",
    type=PATH,
    default=Path("trials"),
    show_default=True,
    envvar="TREND_CARRY_TRIALS",
    help="Folder of the register of trials, one for all outputs.",
)
SEED = click.option(
    "--seed",
    type=click.IntRange(min=0),
    help=f"Seed of the synthetic market ({DEFAULT_SEED}).",
)


RUN = click.option("--run", type=PATH, required=True, help="Folder of a run, with decisions.jsonl.")
DATE = click.option("--date", help="Session, yyyy-mm-dd; the last one.")
EARLIER = click.option(
    "--data",
    type=PATH,
    help="Folder of market data with the prices of stress episodes before the run's record begins.",
)
MARGINS = click.option(
    "--margins", type=PATH, help="LEAN data folder with the exchanges' margins; else a model's."
)


def out(default: str, what: str = "Folder to write to.") -> Decorator[Any]:
    """The option ``--out`` with a command's own folder."""
    return click.option("--out", type=PATH, default=Path(default), show_default=True, help=what)
