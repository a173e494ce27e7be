"""Objects with state by name, from several owners."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def together(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """All of them in one table, so that the state document has each under its own name.

    Raises
    ------
    ValueError
        If two objects have the same name.
    """
    out: dict[str, Any] = {}
    for part in parts:
        for name, component in part.items():
            if out.setdefault(name, component) is not component:
                raise ValueError(
                    f"{type(out[name]).__name__} and {type(component).__name__} both keep state"
                    f" under the name {name!r}; names must differ"
                )
    return out
