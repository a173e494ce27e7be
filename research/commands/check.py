"""``check``: a look at the configuration, the data and LEAN, and what to do next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import click

from research.commands import options
from research.commands.speech import call, printable, say
from universe.counts import count_text


@click.command
@options.options(options.DATA, options.MACRO, options.INSTRUMENTS, options.DEBUG)
def command(data: Path | None, macro: Path | None, instruments: Path | None) -> None:
    """Look at config.json, the data and LEAN and say what to do next."""
    from research.cli import error_sentence
    from research.lean.runner import LeanNotFoundError, find_launcher

    problems = 0
    looks: tuple[tuple[str, Callable[[], Iterator[str]]], ...] = (
        ("config.json", _config),
        ("config.json", lambda: _markets(instruments)),
        ("data", lambda: _data(data, macro, instruments)),
    )
    for subject, look in looks:
        try:
            for line in look():
                say(f"{subject}: {line}")
        except Exception as error:
            sentence = error_sentence(error)
            if sentence is None:
                raise
            click.echo(f"error: {subject}: {sentence}", err=True)
            problems += 1
    for line in _lean_folder(data, instruments):
        click.echo(f"error: LEAN data: {printable(line)}", err=True)
        problems += 1
    try:
        say(f"LEAN: {find_launcher().dll}")
    except LeanNotFoundError as error:
        say(f"LEAN: not usable, and needed for 'lean' and 'parity' only ({error})")
    if problems:
        say("next: mend the errors above, then check again")
        click.get_current_context().exit(2)
    say(f"next: {call('backtest', data=data, macro=macro, instruments=instruments)}")


def _config() -> Iterator[str]:
    from algorithm.settings import Settings
    from research.lean.project_config import changed_settings, read_config

    values = read_config()
    changed = changed_settings(Settings.parse(values))
    default = Settings().as_strings()
    texts = [f"{name} {value} (default {default[name]})" for name, value in changed.items()]
    what = "changed: " + ", ".join(texts) if texts else "as is"
    yield f"{count_text(len(values), 'setting')}, {what}"


def _markets(instruments: Path | None) -> Iterator[str]:
    """Errors of the markets that config.json names, and of the table of own ones in it."""
    from algorithm.settings import Settings, SettingsError
    from research.data.errors import DataError
    from research.data.instruments_file import master_with
    from research.lean.project_config import read_config
    from universe.choice import ALL
    from universe.instrument_table import InstrumentTableError, read_table

    try:
        settings = Settings.parse(read_config())
        master = master_with(instruments)
    except (SettingsError, DataError, InstrumentTableError):  # said already
        return
    if "," in settings.instruments:
        master = read_table(settings.instruments, master)
    names = settings.markets.replace(",", " ").split()
    if names != [ALL]:
        codes = [master.named(name).code for name in names]
        yield f"{count_text(len(codes), 'market')}: {' '.join(codes)}"


def _data(data: Path | None, macro: Path | None, instruments: Path | None) -> Iterator[str]:
    from research.commands.opening import load, span
    from research.data.issue_log import doubts, left_out
    from research.data.macro_files import UNKNOWN
    from research.data.macro_use import usage_notes
    from research.lean.project_config import chosen_settings
    from research.open_data import DataRequest
    from research.progress import Bars
    from universe.arrays import from_epoch_day

    with Bars() as bars:
        dataset = load(DataRequest(data, macro=macro, instruments=instruments), bars)
    first, last = span(dataset)
    yield (
        f"{dataset.name}; {count_text(len(dataset.markets), 'market')}, {from_epoch_day(first)} to"
        f" {from_epoch_day(last)}, {count_text(len(dataset.issues), 'doubt')}"
    )
    yield from left_out(dataset.issues)
    yield from (issue.detail for issue in dataset.issues if issue.kind == UNKNOWN)
    yield from doubts(issue for issue in dataset.issues if issue.kind != UNKNOWN)
    if macro is not None:
        markets = [history.instrument for history in dataset.markets.values()]
        yield from usage_notes(dataset.macro, chosen_settings(()), markets)


def _lean_folder(data: Path | None, instruments: Path | None) -> Iterator[str]:
    """What LEAN would not say of a folder of its own layout."""
    from research.data.errors import DataError
    from research.data.instruments_file import master_with
    from research.lean.checks import check_folder, expected_markets
    from research.open_data import Layout, detect_layout
    from universe.instrument_table import InstrumentTableError

    try:
        if data is None or detect_layout(data) is not Layout.LEAN:
            return
        master = master_with(instruments)
    except (DataError, InstrumentTableError):  # said already
        return
    yield from map(str, check_folder(data, expected_markets(data, master)))
