"""Exposure scales: named factors on the whole book, each with its reason."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np

from alpha.snapshot import Snapshot
from universe.arrays import FloatArray
from universe.instruments import Instrument
from universe.setting import Table


@dataclass(frozen=True, slots=True)
class Scale:
    """What one scale said today.

    Attributes
    ----------
    name : str
    value : float
        Share of exposure that is left, in [0, 1]; 1 is not active.
    reason : str
        A sentence, "" while not active.
    figures : dict of str to float
        What it was derived from, by name.
    notes : tuple of str
        What has happened or changed, each a sentence for the log.
    spared : dict of str to float
        Share that is left of asset classes which are cut less than the others, in [value, 1].

    Raises
    ------
    ValueError
        If the value is beyond its range or no number: exposure would grow, or vanish in silence.
    """

    name: str
    value: float
    reason: str = ""
    figures: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    spared: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0.0 <= self.value <= 1.0:
            raise ValueError(f"scale {self.name}: value is {self.value:g}; it must be in [0, 1]")


class Told:
    """Sentences for the next decision; what is missing is told when it changes."""

    def __init__(self) -> None:
        self._waiting: list[str] = []
        self._missing = ""

    def add(self, *sentences: str) -> None:
        """Keep sentences."""
        self._waiting += sentences

    def taken(self, missing: str) -> tuple[str, ...]:
        """What was kept and, unless told last, ``missing``; "" is nothing. Keeps nothing."""
        if missing != self._missing:
            self._missing = missing
            self._waiting += [missing] if missing else []
        told, self._waiting = tuple(self._waiting), []
        return told


class ExposureScale(ABC):
    """A component that scales the fractional target, before anything is rounded.

    Attributes
    ----------
    NAME : str
    MEANING : str
        A sentence for the documents and the report's activity table.
    SETTINGS : type of Table
    STATE : tuple of str
        Attributes that are state.
    """

    NAME: ClassVar[str]
    MEANING: ClassVar[str]
    SETTINGS: ClassVar[type[Table]] = Table
    STATE: tuple[str, ...] = ()

    def __init__(self, settings: Any, instruments: Sequence[Instrument]) -> None:  # noqa: B027
        """Take what ``create`` is given; a subclass with other arguments has its own ``create``."""

    @classmethod
    def create(cls, settings: Any, instruments: Sequence[Instrument]) -> Self:
        """Make it from the settings, which derive from ``SETTINGS``."""
        return cls(settings, instruments)

    def components(self) -> dict[str, Any]:
        """Objects with state, by a stable name."""
        return {self.NAME: self} if self.STATE else {}

    def observe(self, snapshot: Snapshot) -> None:  # noqa: B027 - not every scale looks
        """Take a session's market data; those of the warm-up too, which nothing is decided on."""

    @abstractmethod
    def scale(self, snapshot: Snapshot, nav: float) -> Scale:
        """Take a session once, in order; ``nav`` may be NaN, which must change nothing."""


def tilt(scales: Sequence[Scale], classes: Sequence[str], floor: float) -> FloatArray:
    """What the exposure of every asset is multiplied by beside ``combined``, at least 1.

    Parameters
    ----------
    scales : sequence of Scale
    classes : sequence of str
        Asset class of every asset.
    floor : float
        As for ``combined``; the two together are never above 1.

    Returns
    -------
    float array of shape (n_assets,)
    """
    left = {
        name: combined([replace(one, value=one.spared.get(name, one.value)) for one in scales], 0.0)
        for name in set(classes)
    }
    whole = combined(scales, floor)
    return np.array([max(left[name] / whole, 1.0) if whole > 0 else 1.0 for name in classes])


def combined(scales: Sequence[Scale], floor: float) -> float:
    """Product of all scales, at least ``floor``."""
    product = 1.0
    for scale in scales:
        product *= scale.value
    return max(product, floor)
