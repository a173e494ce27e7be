"""The command line: ``python -m research COMMAND``."""

from __future__ import annotations

import errno
import importlib
from typing import Any

import click

from research.commands import COMMANDS
from research.commands.options import DEBUG
from research.commands.speech import printable
from universe.nearest import did_you_mean

_PACKAGES = ("algorithm", "alpha", "execution", "portfolio", "research", "risk", "universe")


class _Group(click.Group):
    """Imports a command when it is called, and says errors that a user can mend in a sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"research.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            ctx.fail(f"no command {args[0]!r}{did_you_mean(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])

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
    """The error in one printable line, None for a fault of the program and not of its input."""
    ours = type(error).__module__.partition(".")[0] in _PACKAGES
    if isinstance(error, OSError) and not ours:
        if error.errno == errno.EPIPE:
            return None
        where = f"{error.filename}: " if error.filename else ""
        return printable(f"{where}{error.strerror or error}")
    return printable(str(error)) if ours else None


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@DEBUG
def main() -> None:
    """Trend + carry on futures: backtests, LEAN data and LEAN runs."""
