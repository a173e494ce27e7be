"""The command line: ``python -m research COMMAND``."""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from algorithm.settings import Settings
from research.lean.project_config import (
    OPEN_END,
    ROOT,
    chosen_settings,
    default_config,
    read_config,
)

if TYPE_CHECKING:
    from research.data.dataset import Dataset
    from research.open_data import DataRequest

# What only one command needs is imported in it: help and mistakes are then answered at once.

_PACKAGES = ("algorithm", "alpha", "execution", "portfolio", "research", "risk", "universe")
_SEED = 7
_PLAIN_WIDTH = 100
_RULES_FROM = "2000-01-01"

_Command = TypeVar("_Command", bound=Callable[..., Any])


class _Group(click.Group):
    """Turns errors that a user can do something about into one sentence and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception as error:
            sentence = error_sentence(error)
            if sentence is None or ctx.meta.get("debug"):
                raise
            click.echo(f"error: {sentence}", err=True)
            ctx.exit(2)


def error_sentence(error: Exception) -> str | None:
    """The error in one line, None where it is a fault of the program and not of its input."""
    ours = type(error).__module__.partition(".")[0] in _PACKAGES
    if isinstance(error, OSError) and not ours:
        if error.errno == errno.EPIPE:
            return None
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}"
    if not ours:
        return None
    return " ".join(str(error).split())


def _debug(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta["debug"] = True


def _options(*options: Callable[[_Command], _Command]) -> Callable[[_Command], _Command]:
    def add(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


_DEBUG = click.option(
    "--debug",
    is_flag=True,
    expose_value=False,
    callback=_debug,
    help="Show the traceback of an error.",
)
_DATA = click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Folder of market data: pysystemtrade's CSVs, a LEAN data folder or plain CSVs."
    " Without it the embedded synthetic market is used.",
)
_RANGE = _options(
    click.option("--start", help="First session on which the strategy may trade, yyyy-mm-dd."),
    click.option("--end", help="Last session, yyyy-mm-dd."),
    click.option("--markets", help="Codes parted by blanks or commas, like 'ES ZN GC'."),
)
_SET = click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting, may be given several times; 'settings' lists them.",
)
_EXPIRIES = click.option(
    "--expiries",
    type=click.Path(path_type=Path),
    help="CSV of last trade dates (market, root, contract_month, last_trade_date), for CSV data.",
)
_MACRO = click.option(
    "--macro",
    type=click.Path(path_type=Path),
    help="Folder of macro series (rates, VIX, dividend yields), for carry_source=class.",
)
_SEED_OPTION = click.option(
    "--seed",
    type=click.IntRange(min=0),
    help=f"Seed of the synthetic market ({_SEED}).",
)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@_DEBUG
def main() -> None:
    """Trend + carry on futures: backtests, LEAN data and LEAN runs."""


@main.command()
@_options(_DATA, _RANGE, _SET, _EXPIRIES, _MACRO, _SEED_OPTION, _DEBUG)
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("out"), help="Folder to write to (out)."
)
def backtest(
    data: Path | None,
    start: str | None,
    end: str | None,
    markets: str | None,
    assignments: tuple[str, ...],
    expiries: Path | None,
    macro: Path | None,
    seed: int | None,
    out: Path,
) -> None:
    """Run the full strategy and write a report."""
    settings = chosen_settings(assignments, open_end=True, start=start, end=end, markets=markets)
    request = _request(data, settings, expiries, seed, macro)
    out.mkdir(parents=True, exist_ok=True)

    from research.engine.engine import run_backtest
    from research.pages.run_files import write_run
    from research.pages.summary_table import print_summary

    with _progress() as bars:
        dataset = _load(request, bars)
        settings = _fit_dates(settings, dataset)
        result = run_backtest(dataset, settings, bars.stage("run"))
        bars.finish()
        report = write_run(result, out, bars.stage("report"))
    print_summary(result, _console())
    if dataset.issues:
        click.echo(f"{len(dataset.issues)} doubts about the data are listed in the report")
    then = (
        "run it on real data with --data FOLDER (make: DATA=FOLDER)"
        if dataset.synthetic
        else "change settings with --set NAME=VALUE (make: SET=...; 'settings' lists them)"
    )
    click.echo(f"report: {report.absolute()}; open it in a browser, then {then}")


@main.command("export-lean")
@_options(_DATA, _RANGE, _EXPIRIES, _MACRO, _SEED_OPTION, _DEBUG)
@click.option(
    "--lean-data",
    type=click.Path(path_type=Path),
    envvar="LEAN_DATA",
    required=True,
    help="LEAN's own Data folder, for its databases [LEAN_DATA].",
)
@click.option(
    "--margins-from",
    type=click.Path(path_type=Path),
    help="LEAN Data folder whose margin histories are copied; without it margins are estimated.",
)
@click.option("--no-universes", is_flag=True, help="Leave out the chain files, many small ones.")
@click.option(
    "--day-sessions/--no-day-sessions",
    default=True,
    help="End sessions that run on through midnight (CT, B, G, DX) in the evening, so that their"
    " bar is there for the day's decision; the hours of LEAN's own data are otherwise kept.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("lean-data"),
    help="Folder to write (lean-data); an earlier export in it is replaced.",
)
def export_lean_command(
    data: Path | None,
    start: str | None,
    end: str | None,
    markets: str | None,
    expiries: Path | None,
    macro: Path | None,
    seed: int | None,
    lean_data: Path,
    margins_from: Path | None,
    no_universes: bool,
    day_sessions: bool,
    out: Path,
) -> None:
    """Write market data as a data folder for a local LEAN."""
    settings = chosen_settings((), open_end=True, start=start, end=end, markets=markets)
    request = _request(data, settings, expiries, seed, macro)

    from research.lean.export import export_lean
    from universe.arrays import to_epoch_day

    with _progress() as bars:
        dataset = _load(request, bars)
        if start:
            last = to_epoch_day(settings.last_day)
            dataset = dataset.between(to_epoch_day(settings.first_day), last)
        report = export_lean(
            dataset,
            out,
            lean_data,
            universes=not no_universes,
            margins_from=margins_from,
            day_sessions=day_sessions,
            progress=bars.market_stage("export"),
        )
    click.echo(str(report))
    click.echo(
        f"exported to {out.absolute()}; run LEAN on it with 'python -m research lean --data {out}'"
    )


@main.command("settings")
@_options(_DEBUG)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "markdown", "json", "config"]),
    default="table",
    help="How to print (table); config is a config.json with the defaults.",
)
def settings_command(form: str) -> None:
    """List every setting with its default, unit, range and meaning."""
    rows = Settings.table()
    columns = list(rows[0])
    if form == "config":
        click.echo(json.dumps(default_config(), indent=4))
    elif form == "json":
        click.echo(json.dumps(rows, indent=1))
    elif form == "markdown":
        click.echo(_markdown(columns, [list(row.values()) for row in rows]))
    else:
        from rich.table import Table

        table = Table(*columns)
        for row in rows:
            table.add_row(*row.values())
        _console().print(table)


@main.command("lean")
@_options(_RANGE, _SET, _DEBUG)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=Path("lean-data"),
    help="LEAN data folder (lean-data).",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("out/lean"),
    help="Folder for LEAN's results (out/lean).",
)
@click.option(
    "--object-store",
    type=click.Path(path_type=Path),
    help="Object store to continue from; without it the run starts without saved state.",
)
@click.option("--timeout", type=click.FloatRange(min=1), help="Seconds after which LEAN is ended.")
def lean_command(
    start: str | None,
    end: str | None,
    markets: str | None,
    assignments: tuple[str, ...],
    data: Path,
    out: Path,
    object_store: Path | None,
    timeout: float | None,
) -> None:
    """Run main.py on a native LEAN, the one LEAN_LAUNCHER names."""
    settings = chosen_settings(assignments, start=start, end=end, markets=markets)

    from research.data.errors import DataError
    from research.lean.runner import find_launcher, run_lean
    from research.open_data import Layout, detect_layout

    find_launcher()
    if not data.is_dir() or detect_layout(data) is not Layout.LEAN:
        raise DataError(
            f"{data}: no LEAN data folder; make one with"
            " 'python -m research export-lean --data FOLDER --lean-data LEAN/Data'"
        )
    settings = _markets_of(settings, data)
    with _progress() as bars:
        run = run_lean(
            ROOT / "main.py",
            data,
            out,
            settings.as_strings(),
            object_store,
            timeout,
            bars.log("LEAN"),
        )

    from rich.table import Table

    table = Table(title="LEAN statistics", title_justify="left", show_header=False)
    for name, value in run.statistics.items():
        table.add_row(name, value)
    _console().print(table)
    click.echo(f"result: {run.result_json}; log: {run.log}; {run.seconds:.0f} s")


@main.command("parity")
@_options(_RANGE, _SET, _DEBUG)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=Path("lean-data"),
    help="LEAN data folder (lean-data).",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("out/parity"),
    help="Folder for LEAN's results and parity.csv (out/parity).",
)
def parity_command(
    start: str | None,
    end: str | None,
    markets: str | None,
    assignments: tuple[str, ...],
    data: Path,
    out: Path,
) -> None:
    """Run LEAN and the embedded engine over the same data and compare them day by day."""
    settings = chosen_settings(assignments, start=start, end=end, markets=markets)

    from research.data.errors import DataError
    from research.lean.parity import run_parity
    from research.lean.runner import find_launcher
    from research.open_data import Layout, detect_layout

    find_launcher()
    if not data.is_dir() or detect_layout(data) is not Layout.LEAN:
        raise DataError(
            f"{data}: no LEAN data folder; make one with"
            " 'python -m research export-lean --data FOLDER --lean-data LEAN/Data'"
        )
    with _progress() as bars:
        report, _, _ = run_parity(data, settings, out, ROOT / "main.py", log=bars.log("LEAN"))
    for line in report.lines():
        click.echo(line)
    for difference in report.differences[:20]:
        click.echo(f"  {difference}")
    click.echo(f"day by day: {out / 'parity.csv'}")
    if not report.agrees:
        sys.exit(1)


@main.command("rules")
@_options(_DATA, _RANGE, _SET, _EXPIRIES, _MACRO, _SEED_OPTION, _DEBUG)
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("out"), help="Folder to write to (out)."
)
def rules_command(
    data: Path | None,
    start: str | None,
    end: str | None,
    markets: str | None,
    assignments: tuple[str, ...],
    expiries: Path | None,
    macro: Path | None,
    seed: int | None,
    out: Path,
) -> None:
    """Measure every rule by itself, by asset class, from 2000 on unless --start is given."""
    settings = chosen_settings(assignments, open_end=True, start=start, end=end, markets=markets)
    request = replace(_request(data, settings, expiries, seed, macro), start=None)
    if start is None and settings.start == Settings().start:
        settings = replace(settings, start=_RULES_FROM)
    out.mkdir(parents=True, exist_ok=True)

    from research.pages.rule_study import print_rules, write_rules
    from research.studies.bond_comparison import bond_carry_comparison
    from research.studies.rules import rule_study

    with _progress() as bars:
        dataset = _load(request, bars)
        settings = _fit_dates(settings, dataset)
        study = rule_study(dataset, settings, progress=bars.stage)
        bars.finish()
        bonds = bond_carry_comparison(study.panel, dataset.macro, start=settings.first_day)
        page = write_rules(study, out, bonds)
    print_rules(study, _console())
    click.echo(f"rules: {page.absolute()}; every number is in {page.with_suffix('.csv')}")


@main.command()
@_options(_DATA, _DEBUG)
def check(data: Path | None) -> None:
    """Look at config.json, the data and LEAN and say what to do next."""
    from research.lean.runner import LeanNotFoundError, find_launcher

    problems = 0
    for subject, look in (("config.json", _look_at_config), ("data", lambda: _look_at_data(data))):
        try:
            click.echo(f"{subject}: {look()}")
        except Exception as error:
            sentence = error_sentence(error)
            if sentence is None:
                raise
            click.echo(f"error: {subject}: {sentence}", err=True)
            problems += 1
    try:
        click.echo(f"LEAN: {find_launcher().dll}")
    except LeanNotFoundError as error:
        click.echo(f"LEAN: not usable, and needed for 'lean' only ({error})")
    if problems:
        click.echo("next: mend the errors above, then check again")
        click.get_current_context().exit(2)
    given = f" --data {data}" if data else ""
    click.echo(f"next: python -m research backtest{given}")


# --- parts ---------------------------------------------------------------------------------------
def _look_at_config() -> str:
    values = read_config()
    settings, default = Settings.parse(values).as_strings(), Settings().as_strings()
    changed = [
        f"{name} {value} (default {default[name]})"
        for name, value in settings.items()
        if value != default[name]
    ]
    missing = len(set(default) - set(values))
    text = f"{len(values)} settings, " + ("changed: " + ", ".join(changed) if changed else "as is")
    return text + (f"; {missing} not in it have their defaults" if missing else "")


def _look_at_data(data: Path | None) -> str:
    from research.open_data import DataRequest
    from universe.arrays import from_epoch_day

    with _progress() as bars:
        dataset = _load(DataRequest(data), bars)
    first, last = _span(dataset)
    return (
        f"{dataset.name}; {len(dataset.markets)} markets, {from_epoch_day(first)} to"
        f" {from_epoch_day(last)}, {len(dataset.issues)} doubts"
    )


def _markets_of(settings: Settings, data: Path) -> Settings:
    """The settings with the markets of a LEAN data folder for "all"; others must be in it."""
    from research.data.errors import DataError
    from research.lean.format import future_path
    from universe.master import MASTER

    there = {
        instrument.code
        for instrument in MASTER
        if (data / future_path(instrument.market, "trade", instrument.code)).is_file()
    }
    codes = sorted(there) if settings.markets == "all" else settings.markets.split()
    missing = [code for code in codes if code not in there]
    if missing or not codes:
        raise DataError(f"{data} has no daily bars of {', '.join(missing) or 'any market'}")
    return replace(settings, markets=" ".join(codes))


def _request(
    data: Path | None,
    settings: Settings,
    expiries: Path | None,
    seed: int | None,
    macro: Path | None = None,
) -> DataRequest:
    from research.open_data import DataRequest

    if data is not None and seed is not None:
        raise click.UsageError("--seed is of the synthetic market; it does not go with --data")
    return DataRequest(
        folder=data,
        codes=None if settings.markets == "all" else settings.markets.split(),
        start=settings.first_day if settings.start != Settings().start else None,
        end=settings.last_day if settings.end != OPEN_END else None,
        expiries=expiries,
        seed=_SEED if seed is None else seed,
        macro=macro,
    )


def _fit_dates(settings: Settings, dataset: Dataset) -> Settings:
    """Dates nobody chose: to the end of the data, for the synthetic market from its beginning."""
    from universe.arrays import from_epoch_day

    first, last = (from_epoch_day(day).isoformat() for day in _span(dataset))
    start, end = settings.start, settings.end
    if end == OPEN_END:
        end = max(last, start)
    if start == Settings().start and dataset.synthetic:
        start = min(first, end)
    return replace(settings, start=start, end=end)


def _span(dataset: Dataset) -> tuple[int, int]:
    histories = dataset.markets.values()
    return min(int(h.day[0]) for h in histories), max(int(h.day[-1]) for h in histories)


def _load(request: DataRequest, bars: Any) -> Dataset:
    from research.open_data import open_data

    dataset = open_data(request, bars.market_stage("load"))
    bars.finish()
    return dataset


def _markdown(columns: list[str], rows: Iterable[list[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in r) + " |" for r in lines
    )


def _console() -> Any:
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=_PLAIN_WIDTH)


def _progress() -> Any:
    from research.progress import Bars

    return Bars()
