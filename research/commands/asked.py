"""What a command that runs the strategy is asked for, as one object: over data, or on LEAN."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from research.commands import options

if TYPE_CHECKING:
    from algorithm.settings import Settings
    from research.open_data import DataRequest

Command = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """Data and settings on the command line; what was not given is None.

    Attributes
    ----------
    data, expiries, macro, instruments : Path or None
    start, end, markets : str or None
    assignments : tuple of str
        NAME=VALUE.
    seed : int or None
    """

    data: Path | None
    start: str | None
    end: str | None
    markets: str | None
    assignments: tuple[str, ...]
    expiries: Path | None
    macro: Path | None
    instruments: Path | None
    seed: int | None

    def settings(self) -> Settings:
        """Those of ``config.json`` with the changes asked for.

        Raises
        ------
        SettingsError
            If one is not known or not allowed.
        """
        from research.lean.project_config import chosen_settings

        return chosen_settings(
            self.assignments,
            open_end=True,
            start=self.start,
            end=self.end,
            markets=self.markets,
        )

    def request(self, settings: Settings) -> DataRequest:
        """The data to open for a run with these settings."""
        from research.commands.opening import data_request

        return data_request(
            self.data, settings, self.expiries, self.seed, self.macro, self.instruments
        )


@dataclass(frozen=True, slots=True)
class AskedOfLean:
    """A LEAN data folder and settings on the command line; what was not given is None.

    Attributes
    ----------
    data : Path
    start, end, markets : str or None
    assignments : tuple of str
        NAME=VALUE.
    """

    data: Path
    start: str | None
    end: str | None
    markets: str | None
    assignments: tuple[str, ...]

    def settings(self, defaults: Mapping[str, str] | None = None) -> Settings:
        """Those of ``config.json`` with a command's own defaults and the changes asked for.

        Raises
        ------
        SettingsError
            If one is not known or not allowed.
        """
        from research.lean.project_config import chosen_settings, parse_assignments

        named = {name for name in ("start", "end", "markets") if getattr(self, name) is not None}
        named |= parse_assignments(self.assignments).keys()
        own = [f"{name}={value}" for name, value in (defaults or {}).items() if name not in named]
        return chosen_settings(
            [*own, *self.assignments], start=self.start, end=self.end, markets=self.markets
        )


def _asking(
    asked: type[Asked | AskedOfLean], *listed: options.Decorator[Any]
) -> Callable[[Command], Command]:
    """A decorator that adds options to a command, which gets them as its argument ``asked``."""

    def decorate(command: Command) -> Command:
        @wraps(command)
        def called(**given: Any) -> Any:
            own = {name: given.pop(name) for name in asked.__slots__}
            return command(asked=asked(**own), **given)

        decorated: Command = options.options(*listed)(called)
        return decorated

    return decorate


asked = _asking(
    Asked,
    options.DATA,
    options.RANGE,
    options.SET,
    options.EXPIRIES,
    options.MACRO,
    options.INSTRUMENTS,
    options.SEED,
)
asked_of_lean = _asking(AskedOfLean, options.LEAN_FOLDER, options.RANGE, options.SET)
