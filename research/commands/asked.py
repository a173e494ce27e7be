"""What a command that runs the strategy over data is asked for, as one object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from research.commands import options

if TYPE_CHECKING:
    from algorithm.settings import Settings
    from research.open_data import DataRequest

_OPTIONS = options.options(
    options.DATA,
    options.RANGE,
    options.SET,
    options.EXPIRIES,
    options.MACRO,
    options.INSTRUMENTS,
    options.SEED,
)


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


def asked(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of ``Asked`` to a command, which gets them as its argument ``asked``."""

    @wraps(command)
    def called(**given: Any) -> Any:
        own = {name: given.pop(name) for name in Asked.__slots__}
        return command(asked=Asked(**own), **given)

    decorated: Callable[..., Any] = _OPTIONS(called)
    return decorated
