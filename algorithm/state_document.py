"""What a state document is made of: envelope, checksum, and values that must be of their kind.

Arrays travel as base64 of their bytes, so that what is read back is bit for bit what was written.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

VERSION = 3

DAYS = range(-100_000, 100_000)
"""Epoch days that a document may name."""


LARGEST = 1e18
"""Size beyond which a figure is none that the strategy keeps: its largest are sums of account
currency over a fund's life, squares of quotes, and moves in volatilities of next to nothing."""


Bounds = tuple[float, float]
"""Least and greatest figure of an attribute, both allowed."""

ANY: Bounds = (-LARGEST, LARGEST)


class StateError(ValueError):
    """A state document that cannot be used, with the reason."""


def sealed(body: dict[str, Any]) -> str:
    """The body in its envelope, with version and checksum."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return json.dumps({"version": VERSION, "sha256": _digest(text), "body": text})


BODY = frozenset({"owner", "assets", "day", "contracts", "settings", "components", "extra"})
"""What the body of the strategy's state holds."""


def opened(document: str, wanted: frozenset[str] = BODY) -> dict[str, Any]:
    """The body of a document.

    Parameters
    ----------
    document : str
    wanted : frozenset of str
        Keys that it must have.

    Raises
    ------
    StateError
        If it is damaged or of another version.
    """
    try:
        envelope = json.loads(document)
        version, digest, text = envelope["version"], envelope["sha256"], envelope["body"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StateError(f"state is not a document of ours: {error}") from None
    if version != VERSION:
        raise StateError(f"state has version {version}; this code reads version {VERSION}")
    if not isinstance(text, str) or _digest(text) != digest:
        raise StateError("state does not match its checksum; it is damaged")
    body = json.loads(text)
    if not isinstance(body, dict) or not wanted <= body.keys():
        raise StateError("state does not hold what a document of ours holds")
    return body


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def is_texts(value: Any) -> bool:
    """Whether it is a table of texts."""
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def day_of(value: Any) -> int:
    """An epoch day.

    Raises
    ------
    StateError
        If it is none.
    """
    if type(value) is not int or value not in DAYS:
        raise StateError(f"state's day is {value!r}; it must be an epoch day")
    return value


def values_of(name: str, component: Any, stored: Any, taken: Iterable[str]) -> dict[str, Any]:
    """Values of a part, each of the kind and shape that the component has now.

    Parameters
    ----------
    name : str
        Of the part, for errors.
    component : object
        With ``STATE``.
    stored : object
        What the document holds of it.
    taken : iterable of str
        Attributes asked for.

    Raises
    ------
    StateError
        If one is missing or of another kind.
    ValueError
        If the component refuses them.
    """
    if not isinstance(stored, dict):
        raise StateError(f"state's {name} is no table")
    missing = [key for key in component.STATE if key not in stored]
    if missing:
        raise StateError(f"state lacks {name}.{missing[0]}; it was written by another version")
    current = {key: getattr(component, key) for key in component.STATE}
    bounds = getattr(component, "BOUNDS", {})
    values = {
        key: _decode(f"{name}.{key}", stored[key], value, bounds.get(key, ANY))
        for key, value in current.items()
        if key in taken
    }
    if hasattr(component, "from_state"):
        values = component.from_state(values)
    grows = getattr(component, "GROWS", ())
    for key, value in values.items():
        if key not in grows and isinstance(value, np.ndarray) and value.shape != current[key].shape:
            raise StateError(
                f"state's {name}.{key} has shape {value.shape}, the settings ask for "
                f"{current[key].shape}"
            )
    return values


def encoded(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, np.ndarray):
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode("ascii")
        return {"dtype": value.dtype.str, "shape": list(value.shape), "data": data}
    if isinstance(value, np.generic):
        return value.item()
    return value


def _decode(name: str, value: Any, current: Any, bounds: Bounds) -> Any:
    """The stored value, which must be of the kind of the current one and within bounds."""
    if isinstance(current, np.ndarray):
        return _array(name, value, current, bounds)
    kind = type(current.item() if isinstance(current, np.generic) else current)
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        raise StateError(f"state's {name} is {_short(value)}; it must be {kind.__name__}")
    if kind is float and not math.isfinite(value):
        raise StateError(f"state's {name} is {value}; it must be finite")
    for figure in _figures(value):
        if figure < bounds[0] or figure > bounds[1]:
            raise _beyond(name, figure, bounds)
    return value


def _figures(value: Any) -> Iterator[float]:
    """All numbers in a JSON value."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _figures(item)
    elif isinstance(value, (int, float)):
        yield value


def _beyond(name: str, figure: float, bounds: Bounds) -> StateError:
    low, high = bounds
    return StateError(f"state's {name} holds {figure:.3g}; it must be from {low:g} to {high:g}")


def _array(
    name: str, value: Any, current: np.ndarray[Any, Any], bounds: Bounds
) -> np.ndarray[Any, Any]:
    dtype, shape = current.dtype, value["shape"]
    if value["dtype"] != dtype.str or len(shape) != current.ndim:
        raise StateError(
            f"state's {name} is of kind {_short(value['dtype'])} and shape {_short(shape)}, here "
            f"it is of {dtype.str} and {current.shape}"
        )
    if any(type(size) is not int or size < 0 for size in shape):
        raise StateError(f"state's {name} has shape {_short(shape)}; it must be whole numbers")
    data = base64.b64decode(value["data"], validate=True)
    if len(data) != math.prod(shape) * dtype.itemsize:
        raise StateError(f"state's {name} has {len(data)} bytes, not those of shape {shape}")
    if dtype == np.bool_ and data.strip(b"\x00\x01"):
        raise StateError(f"state's {name} has bytes that are neither true nor false")
    out = np.frombuffer(data, dtype=dtype).reshape(shape).copy()
    if dtype.kind in "fi":
        beyond = out[(out < bounds[0]) | (out > bounds[1])]
        if beyond.size:
            raise _beyond(name, beyond.flat[0], bounds)
    return out


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:40] + "..."
