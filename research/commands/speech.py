"""What a command says: printable text, and the call that comes next in the form of this one."""

from __future__ import annotations

import os
import shlex
import shutil
from typing import TYPE_CHECKING

import click

from research.commands import CALLER

if TYPE_CHECKING:
    from rich.console import Console

_LONGEST = 2000
_PLAIN_WIDTH = 100


def printable(text: str) -> str:
    """The text in one line that no terminal takes for a command.

    Whatever a file or a name holds is shown: other than printable characters as escapes, and what
    is longer than a screen cut.
    """
    line = " ".join(text.split())
    if len(line) > _LONGEST:
        line = f"{line[:_LONGEST]} ... ({len(line)} characters)"
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in line
    )


def say(text: str) -> None:
    """Print a line."""
    click.echo(printable(text))


def warn(text: str) -> None:
    """Print a line beside the results, for what a person should know before believing them."""
    click.echo(f"note: {printable(text)}", err=True)


def call(command: str, **given: object) -> str:
    """How to call a command, the way this one was called.

    Parameters
    ----------
    command : str
    **given : object
        Options; None is not given.
    """
    caller = os.environ.get(CALLER, "")
    values = {key: str(value) for key, value in given.items() if value is not None}
    if caller:
        words = [f"{key.upper()}={shlex.quote(value)}" for key, value in values.items()]
        return " ".join([caller, command, *words])
    words = [f"--{key.replace('_', '-')} {shlex.quote(value)}" for key, value in values.items()]
    return " ".join(["python -m research", command, *words])


def console() -> Console:
    """Where tables are printed: the terminal, or 100 columns (COLUMNS) where there is none."""
    from rich.console import Console

    out = Console(markup=False, highlight=False)
    width = shutil.get_terminal_size((_PLAIN_WIDTH, 25)).columns
    return out if out.is_terminal else Console(width=width, markup=False, highlight=False)
