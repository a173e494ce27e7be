"""What a rule is: one file with settings, forecast, documentation and column twin."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from alpha.carry import Carry
from alpha.columns import Columns
from universe.arrays import BoolArray, FloatArray, IntArray
from universe.curves import MacroState
from universe.instruments import Instrument
from universe.markets import Markets, Observation
from universe.setting import Table
from universe.spreads import CalendarSpreads, SpreadObservation

Note = tuple[int, str, str]
"""(market index, kind, sentence)."""


class Style(StrEnum):
    """Which budget a rule's sleeve is paid from, and which setting names the rule."""

    TREND = "trend"
    CARRY = "carry"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a rule is made from.

    Attributes
    ----------
    settings : Settings
        With the rule's own table among the tables it derives from.
    instruments : sequence of Instrument
        Fixes the order of all arrays.
    class_index : int array of shape (n_markets,)
        Number of each market's asset class.
    """

    settings: Any
    instruments: Sequence[Instrument]
    class_index: IntArray


@dataclass(slots=True)
class View:
    """What a rule may know after a session's close.

    Attributes
    ----------
    day, month : int
        Epoch day and yyyymm of the session.
    seen : Observation
    markets : Markets
        After it observed the session.
    carry : Carry
        Smoothed carry of the markets held outright.
    macro : MacroState
    spreads, spread : CalendarSpreads and SpreadObservation, optional
        Where a rule is on spreads.
    """

    day: int
    month: int
    seen: Observation
    markets: Markets
    carry: Carry
    macro: MacroState
    spreads: CalendarSpreads | None = None
    spread: SpreadObservation | None = None


class Rule(ABC):
    """One forecasting rule for all markets.

    A subclass names itself and computes ``signal``; everything else has a default.

    Attributes
    ----------
    NAME : str
        In ``trend_rules``, ``carry_rules`` or ``other_rules``.
    SLEEVE : str
        Rules of one sleeve are averaged; a sleeve has a risk budget.
    STYLE : Style
    MEANING : str
        A sentence for the documents, with its source.
    SETTINGS : type of Table
    COMPARES : bool
        Whether the forecast compares markets with each other: it then depends on which of them the
        screen lets in, which depends on the size of the fund.
    NEUTRAL : bool
        Whether forecasts add up to zero in every class.
    ON_SPREADS : bool
        Whether forecasts are of the markets' calendar spreads.
    FULL : float
        Mean absolute forecast, over the markets let in that have one, at which the sleeve has its
        whole share of risk; 0 if it always has.
    SERIES : tuple of str
        Macro series that it reads.
    STATE : tuple of str
        Attributes that are state.
    """

    NAME: ClassVar[str]
    SLEEVE: ClassVar[str]
    STYLE: ClassVar[Style]
    MEANING: ClassVar[str]
    SETTINGS: ClassVar[type[Table]] = Table
    COMPARES: ClassVar[bool] = False
    NEUTRAL: ClassVar[bool] = False
    ON_SPREADS: ClassVar[bool] = False
    FULL: ClassVar[float] = 0.0
    SERIES: ClassVar[tuple[str, ...]] = ()
    STATE: tuple[str, ...] = ()

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs

    def update(self, view: View) -> list[Note]:
        """Take a session; returns what a person should read."""
        return []

    @abstractmethod
    def signal(self, view: View) -> FloatArray:
        """What is known from market data alone, of shape (n_markets,), NaN where there is nothing.

        The forecast (mean absolute value 1, capped), or for a rule that compares the measure that
        it compares.
        """

    def compare(self, signal: FloatArray, member: BoolArray) -> FloatArray:
        """Forecasts from the signals of the markets that are let in, of shape (n_markets,)."""
        return signal

    def explain(self, view: View) -> dict[str, FloatArray]:
        """Intermediates by name (raw, scaled, capped and so on), each of shape (n_markets,)."""
        return {"signal": self.signal(view)}

    def components(self) -> dict[str, Any]:
        """Objects with state, by a stable name."""
        return {self.NAME: self} if self.STATE else {}

    @classmethod
    def columns(cls, columns: Columns) -> dict[str, FloatArray]:
        """The rule over a whole history by name, (n_days, n_markets); {} without a column twin.

        With every speed, whatever it costs (``cost_by_speed`` false).
        """
        return {}
