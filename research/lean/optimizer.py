"""Command lines for LEAN's optimizer, with ranges that the settings table allows (V2)."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import Field, dataclass, fields
from typing import Any, Final

from algorithm.settings import Settings, SettingsError
from universe.nearest import did_you_mean
from universe.setting import number

PROJECT: Final = "trend-carry"
STEPS: Final = 4
"""Steps through a setting's whole range where none are given."""

MOST_IN_CLOUD: Final = 2
"""Parameters that QuantConnect's cloud optimizes at once."""


@dataclass(frozen=True, slots=True)
class ParameterRange:
    """A setting and the values that a grid search tries: ``low`` to ``high`` in steps."""

    name: str
    low: float
    high: float
    step: float

    @property
    def count(self) -> int:
        """Values in it."""
        return math.floor((self.high - self.low) / self.step + 1e-9) + 1


def parameter_range(text: str) -> ParameterRange:
    """A range from ``name`` or ``name=low:high:step``.

    Without values it is all that the settings table allows, in five values.

    Raises
    ------
    SettingsError
        If there is no such setting, it is no number, its range has no end and none was given, or
        the values are outside of it.
    """
    name, given, values = text.partition("=")
    spec = _numeric(name)
    low, high = spec.metadata["low"], spec.metadata["high"]
    whole = isinstance(spec.default, int)
    if not given:
        if not math.isfinite(high):
            raise SettingsError(
                f"{name} may be {low:g} and more; give a range: {name}=LOW:HIGH:STEP"
            )
        step = (high - low) / STEPS
        return ParameterRange(name, low, high, max(math.floor(step), 1) if whole else step)
    parts = values.split(":")
    if len(parts) != 3:
        raise SettingsError(f"{text!r} must be {name}=LOW:HIGH:STEP")
    first, last, step = (number(name, part, whole=whole) for part in parts)
    if not (low <= first <= last <= high and step > 0):
        raise SettingsError(
            f"{text!r} must rise by a step above 0 within {low:g} and {high:g}, what {name} may be"
        )
    return ParameterRange(name, first, last, step)


def _numeric(name: str) -> Field[Any]:
    specs = {spec.name: spec for spec in fields(Settings)}
    if name not in specs:
        raise SettingsError(f"unknown setting {name!r}{did_you_mean(name, specs)}")
    if specs[name].metadata["low"] is None:
        raise SettingsError(f"{name} is no number; LEAN's optimizer takes numbers only")
    return specs[name]


def command_lines(ranges: Sequence[ParameterRange]) -> list[str]:
    """The line for a local search, and for the cloud's where it takes as many parameters."""
    words = ["--target", "Sharpe Ratio", "--target-direction", "max"]
    for one in ranges:
        words += ["--parameter", one.name, *(f"{v:.10g}" for v in (one.low, one.high, one.step))]
    lines = [shlex.join(["lean", "optimize", PROJECT, "--strategy", "Grid Search", *words])]
    if len(ranges) <= MOST_IN_CLOUD:
        lines.append(shlex.join(["lean", "cloud", "optimize", PROJECT, *words, "--push"]))
    return lines
