"""The project's config.json: LEAN reads it, and the command line starts from the same values."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from algorithm.settings import Settings, SettingsError

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "config.json"

DESCRIPTION = "Trend + carry on futures."

SHIPPED = ("start", "end", "cash", "markets")
"""Settings in config.json as it comes; LEAN warns of more than ten parameters (overfitting), so
that the others are there only once somebody has changed them."""

OPEN_END = "9999-12-31"
"""Last session where nobody chose one and the data decides."""


def default_config() -> dict[str, Any]:
    """What config.json holds as long as nobody has changed a setting."""
    values = Settings().as_strings()
    return {
        "algorithm-language": "Python",
        "description": DESCRIPTION,
        "parameters": {name: values[name] for name in SHIPPED},
    }


def changed_settings(settings: Settings) -> dict[str, str]:
    """The settings that differ from their defaults, as LEAN's parameters."""
    default = Settings().as_strings()
    values = settings.as_strings()
    return {name: value for name, value in values.items() if value != default[name]}


def read_config(path: Path | None = None) -> dict[str, str]:
    """The parameters of config.json, the project's own by default; none if there is no such file.

    Raises
    ------
    SettingsError
        If the file is not a LEAN project's configuration.
    """
    path = CONFIG if path is None else path
    try:
        text = path.read_text(encoding="utf-8-sig")
        parameters = json.loads(text, object_pairs_hook=_once)["parameters"]
        return {str(name): _parameter(name, value) for name, value in parameters.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(
            f'{path} cannot be read ({error}); it must be JSON with "parameters" of names and'
            " values"
        ) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON without a name that stands twice: LEAN takes the last in silence."""
    names = [name for name, _ in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f'"{twice}" is given twice')
    return dict(pairs)


def _parameter(name: str, value: Any) -> str:
    """The text of a parameter: of a string, a number or a switch."""
    if not isinstance(value, str | int | float):
        raise ValueError(f'"{name}" is {json.dumps(value)}, no single value')
    return str(value)


def chosen_settings(
    assignments: Iterable[str],
    path: Path | None = None,
    *,
    open_end: bool = False,
    **options: str | None,
) -> Settings:
    """Settings from config.json, changed by what a command line says.

    Parameters
    ----------
    assignments : iterable of str
        See :func:`parse_assignments`.
    path : Path, optional
        Another config.json than the project's.
    open_end : bool
        Whether ``end`` becomes ``OPEN_END`` where neither config.json nor the command line sets it.
    **options : str, optional
        Settings that have an option of their own; None is not given.

    Raises
    ------
    SettingsError
        If a setting is unknown, given twice or not within its range.
    """
    changed = parse_assignments(assignments)
    for name, value in options.items():
        if value is None:
            continue
        if name in changed:
            raise SettingsError(f"{name} is given twice: by --{name} and by --set")
        changed[name] = value
    values = {**read_config(path), **changed}
    if "markets" in values:
        values["markets"] = " ".join(values["markets"].replace(",", " ").split())
        if not values["markets"]:
            raise SettingsError("markets is empty; it must be codes parted by blanks, or all")
    default_end = Settings().end
    if open_end and "end" not in changed and values.get("end", default_end) == default_end:
        values["end"] = OPEN_END
    return Settings.parse(values)


def parse_assignments(texts: Iterable[str]) -> dict[str, str]:
    """Read ``name=value``, several in one text too; a word without = continues the value before.

    Raises
    ------
    SettingsError
        If a text does not begin with a name and =, or a name is given twice.
    """
    values: dict[str, str] = {}
    for text in texts:
        name = ""
        for word in text.split():
            left, equals, right = word.partition("=")
            if equals and left:
                if left in values:
                    raise SettingsError(f"{left} is given twice by --set")
                name, values[left] = left, right
            elif equals or not name:
                raise SettingsError(
                    f"--set is {text!r}; it must be name=value without blanks around =, like"
                    " vol_target=0.12"
                )
            else:
                values[name] = f"{values[name]} {word}".strip()
    return values
