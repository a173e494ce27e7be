"""What a setting is: a field with default, unit, range and meaning, in a table beside what it sets.

A table is a frozen dataclass that derives from ``Table``. ``algorithm.settings`` joins the tables
of all packages and registered components into one set of flat names.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from datetime import date
from enum import StrEnum
from typing import Any, Self

from universe.nearest import did_you_mean

TRUE, FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
"""Words for a switch; the first is how it is written."""


class SettingsError(ValueError):
    """An unknown, unparsable or out-of-range setting."""


def setting(
    default: Any, meaning: str, *, unit: str = "", low: float | None = None, high: float = math.inf
) -> Any:
    """A field of a table.

    Parameters
    ----------
    default : bool, int, float, str or member of a StrEnum
        Also says what kind of value is allowed.
    meaning : str
        For people, in a sentence without a full stop.
    unit : str
    low, high : float, optional
        Both ends of the range of a number are allowed.
    """
    metadata = {"meaning": meaning, "unit": unit, "low": low, "high": high}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Table:
    """Settings of one package or component.

    A table that has conditions beyond the ranges of its fields overrides ``validate``.

    Raises
    ------
    SettingsError
        By every constructor, with the parameter, the value and what is allowed.
    """

    def __post_init__(self) -> None:
        for spec in fields(self):
            object.__setattr__(self, spec.name, _checked(spec, getattr(self, spec.name)))
        for table in type(self).__mro__:
            if "validate" in vars(table):
                vars(table)["validate"](self)

    def validate(self) -> None:
        """Refuse values that are each within their range but do not go together."""

    @classmethod
    def parse(cls, values: Mapping[str, str]) -> Self:
        """A table from strings, as LEAN parameters or a command line give them.

        Parameters
        ----------
        values : mapping of str to str
            Names not given keep their defaults.

        Raises
        ------
        SettingsError
            For an unknown name (with the nearest known one), an unparsable or out-of-range value.
        """
        specs = {spec.name: spec for spec in fields(cls)}
        parsed: dict[str, Any] = {}
        for name, text in values.items():
            if name not in specs:
                hint = did_you_mean(name, specs, likeness=0.5) or "; none is near it"
                raise SettingsError(f"unknown setting {name!r}{hint} (make settings lists all)")
            parsed[name] = _parse(specs[name], str(text))
        return cls(**parsed)

    def as_strings(self) -> dict[str, str]:
        """All settings as strings, as ``config.json`` has them."""
        return {spec.name: _text(getattr(self, spec.name)) for spec in fields(self)}

    def hash(self) -> str:
        """First 12 hex digits of the SHA-256 of all settings."""
        text = json.dumps(self.as_strings(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @classmethod
    def table(cls) -> list[dict[str, str]]:
        """One row per setting: name, package, default, unit, allowed and meaning, for documents."""
        return [
            {
                "name": spec.name,
                "package": _owner(cls, spec.name),
                "default": _text(spec.default),
                "unit": spec.metadata["unit"],
                "allowed": allowed(spec),
                "meaning": spec.metadata["meaning"],
            }
            for spec in fields(cls)
        ]


def _owner(cls: type, name: str) -> str:
    """Package whose table declares the setting ``name``."""
    owner = next(table for table in reversed(cls.__mro__) if name in vars(table))
    return owner.__module__.partition(".")[0]


def allowed(spec: Field[Any]) -> str:
    """What a setting may be, in words."""
    default, low, high = spec.default, spec.metadata["low"], spec.metadata["high"]
    if isinstance(default, StrEnum):
        return "one of " + ", ".join(type(default))
    if isinstance(default, bool):
        return f"{TRUE[0]} or {FALSE[0]}"
    if low is not None:
        return f"{low:g} to {high:g}"
    return "text"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return TRUE[0] if value else FALSE[0]
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 1e15
    return str(int(value)) if whole else str(value)


def _parse(spec: Field[Any], text: str) -> Any:
    default, text = spec.default, text.strip()
    if isinstance(default, bool):
        word = text.lower()
        if word not in TRUE + FALSE:
            raise SettingsError(f"{spec.name} is {text!r}; it must be {allowed(spec)}")
        return word in TRUE
    if isinstance(default, str):
        return text
    whole = isinstance(default, int)
    value = number(spec.name, text, whole=whole)
    return int(value) if whole else value


def number(name: str, text: str, *, whole: bool = False) -> float:
    """A finite number from ``text``.

    Raises
    ------
    SettingsError
        If it is none, or not a whole one where that is asked for.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or (whole and value != int(value)):
        wanted = "a whole number" if whole else "a number"
        raise SettingsError(f"{name} is {text!r}; it must be {wanted}")
    return value


def _checked(spec: Field[Any], value: Any) -> Any:
    """The value in the kind of its default."""
    default, low, high = spec.default, spec.metadata["low"], spec.metadata["high"]
    wrong = SettingsError(f"{spec.name} is {value!r}; it must be {allowed(spec)}")
    if isinstance(default, StrEnum):
        if value not in list(type(default)):
            raise wrong
        return type(default)(value)
    if isinstance(default, bool | str):
        if not isinstance(value, type(default)):
            raise wrong
        return value
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if not numeric or (low is not None and not low <= value <= high):
        raise SettingsError(f"{spec.name} is {value!r}; it must be within {low:g} and {high:g}")
    if isinstance(default, int):
        if not isinstance(value, int):
            raise SettingsError(f"{spec.name} is {value!r}; it must be a whole number")
        return value
    return float(value)


def day_of(name: str, text: str) -> date:
    """A date from ``text`` in ISO format."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"{name} is {text!r}; it must be a date like 2000-01-31") from None


def spans_of(name: str, text: str, known: tuple[int, ...] | None = None) -> tuple[int, ...]:
    """Different whole numbers parted by blanks, each out of ``known`` or from 2 to 10,000."""
    spans = tuple(int(number(name, word, whole=True)) for word in text.split())
    fine = spans and all(1 < span <= 10_000 for span in spans) and len(set(spans)) == len(spans)
    if not fine or (known and not set(spans) <= set(known)):
        choice = f"chosen from {known}" if known else "of whole numbers from 2 to 10000"
        raise SettingsError(f"{name} is {text!r}; it must be different spans {choice}")
    return spans


def names_of(name: str, text: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Different names out of ``known``, parted by blanks, in the order given; none is allowed."""
    names = tuple(text.split())
    if len(set(names)) != len(names) or not set(names) <= set(known):
        raise SettingsError(
            f"{name} is {text!r}; it must be different names out of {', '.join(known)}"
        )
    return names


def pairs_of(name: str, text: str, what: str, most: float) -> list[tuple[str, float]]:
    """Pairs of a word and a number, parted by blanks; ``what`` names the pair in errors.

    Raises
    ------
    SettingsError
        If a word has no number, stands twice, or its number is beyond ``most`` by size.
    """
    words = text.split()
    if len(words) % 2:
        raise SettingsError(f"{name} is {text!r}; it must be pairs of {what}")
    pairs = [
        (word, number(name, value)) for word, value in zip(words[::2], words[1::2], strict=True)
    ]
    for word, value in pairs:
        if words[::2].count(word) > 1:
            raise SettingsError(f"{name} is {text!r}; {word} stands in it twice")
        if abs(value) > most:
            raise SettingsError(f"{name} has {value:g} of {word}; at most {most:g} is allowed")
    return pairs
