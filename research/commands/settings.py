"""``settings``: every setting by package, a line each, or all that is to be said of some."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING

import click

from research.commands import options
from research.commands.speech import call, console, say

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = dict[str, str]

_LONGEST_VALUE = 14
_GAP = "  "
_HOW_TO_SET = """\
A setting is changed in `config.json`, with `SET="NAME=VALUE"` on make's command line, `--set` of
`python -m research`, or as a parameter of LEAN (`lean backtest --parameter NAME VALUE`, `lean
optimize`). An unknown name or a value that is not allowed stops the start with a sentence."""


@click.command
@click.option(
    "--name", "names", multiple=True, help="Tell all of one setting, may be given several times."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "markdown", "json"]),
    default="table",
    show_default=True,
    help="How to print.",
)
@options.options(options.DEBUG)
def command(names: tuple[str, ...], form: str) -> None:
    """List every setting with its default and meaning."""
    from algorithm.settings import Settings

    rows = _chosen(Settings.table(), names)
    if form == "json":
        click.echo(json.dumps(rows, indent=1))
    elif form == "markdown":
        click.echo(markdown(rows), nl=False)
    elif names:
        click.echo("\n\n".join(_in_full(row) for row in rows))
    else:
        for line in table_lines(rows, console().width):
            click.echo(line)
        say(f"'{call('settings', name=rows[0]['name'])}' tells all of one")


def _chosen(rows: list[Row], names: Sequence[str]) -> list[Row]:
    from algorithm.settings import SettingsError
    from universe.nearest import did_you_mean

    by_name = {row["name"]: row for row in rows}
    for name in names:
        if name not in by_name:
            hint = did_you_mean(name, by_name) or f"; '{call('settings')}' lists them"
            raise SettingsError(f"unknown setting {name!r}{hint}")
    return [by_name[name] for name in names] if names else rows


def table_lines(rows: Sequence[Row], width: int) -> list[str]:
    """A line a setting, under a line with the name of its package.

    Parameters
    ----------
    rows : sequence of dict of str to str
        As ``Settings.table`` gives them.
    width : int
        Columns; a meaning that is too long for the rest of the line is cut.
    """
    first = max(len(row["name"]) for row in rows)
    second = min(max(len(row["default"]) for row in rows), _LONGEST_VALUE)
    lines = []
    for package, group in groupby(rows, key=lambda row: row["package"]):
        lines.append(package)
        for row in group:
            unit = f" ({row['unit']})" if row["unit"] else ""
            value = _cut(row["default"], second)
            start = f"{_GAP}{row['name']:<{first}}{_GAP}{value:<{second}}{_GAP}"
            lines.append(start + _cut(f"{row['meaning']}{unit}", width - len(start)))
    return lines


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: max(length - 1, 0)].rstrip()}…"


def _in_full(row: Row) -> str:
    return "\n".join([row["name"], *(f"  {key:<8} {row[key]}" for key in row if key != "name")])


def markdown(rows: Sequence[Row]) -> str:
    """The reference in ``docs/settings.md``: a table a package."""
    columns = [name for name in rows[0] if name != "package"]
    lines = ["# Settings", "", _HOW_TO_SET, ""]
    for package, group in groupby(rows, key=lambda row: row["package"]):
        cells = [columns, ["---"] * len(columns)]
        cells += [[f"`{row['name']}`", *(row[name] for name in columns[1:])] for row in group]
        lines += [f"## {package}", ""]
        lines += ["| " + " | ".join(c.replace("|", "\\|") for c in line) + " |" for line in cells]
        lines.append("")
    return "\n".join([*lines, "Written by `python -m research settings --format markdown`.", ""])
