"""What a rule is: one file with settings, forecast, documentation and column twin."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

import numpy as np

from alpha.carry import SmoothedCarry
from alpha.columns import Columns
from universe.arrays import BoolArray, FloatArray, IntArray
from universe.curves import MacroState
from universe.instruments import Instrument
from universe.market_days import MarketDays, SpreadDays
from universe.market_state import Observation
from universe.setting import Table
from universe.spreads import SpreadObservation

TREND = "trend"
"""Name of the trend sleeve."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_SLEEVE = re.compile(r"[a-z][a-z0-9_]*( [a-z0-9_]+)*")

Note = tuple[int, str, str]
"""(market index or -1 for no single one, kind: the rule's name if there is no other, sentence)."""

Notes = dict[int, list[Note]]
"""By number of the session in a run of them, from 0."""


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
        What the session added.
    markets : MarketDays
        State after it; arrays are (n_markets,).
    carry : SmoothedCarry
        Of the markets held outright.
    macro : MacroState
    spreads, spread : SpreadDays and SpreadObservation, optional
        Where a rule is on spreads.
    """

    day: int
    month: int
    seen: Observation
    markets: MarketDays
    carry: SmoothedCarry
    macro: MacroState
    spreads: SpreadDays | None = None
    spread: SpreadObservation | None = None


@dataclass(slots=True)
class Views:
    """What a rule may know after each of several sessions.

    Attributes
    ----------
    day, month : int arrays of shape (n_sessions,)
    seen, markets, carry, spreads, spread
        As in ``View``, with a leading axis of sessions.
    macro : sequence of MacroState
        By session.
    """

    day: IntArray
    month: IntArray
    seen: Observation
    markets: MarketDays
    carry: SmoothedCarry
    macro: Sequence[MacroState]
    spreads: SpreadDays | None = None
    spread: SpreadObservation | None = None

    def __len__(self) -> int:
        """Sessions."""
        return len(self.day)

    def __iter__(self) -> Iterator[View]:
        """One session after the other."""
        return map(self.at, range(len(self)))

    def at(self, row: int) -> View:
        """One of the sessions."""
        return View(
            int(self.day[row]),
            int(self.month[row]),
            self.seen.at(row),
            self.markets.at(row),
            self.carry.at(row),
            self.macro[row],
            None if self.spreads is None else self.spreads.at(row),
            None if self.spread is None else self.spread.at(row),
        )


class Rule(ABC):
    """One forecasting rule for all markets.

    A subclass names itself and computes ``signal``; everything else has a default.

    Attributes
    ----------
    NAME : str
        In ``trend_rules``, ``carry_rules`` or ``other_rules``.
    SLEEVE : str
        Rules of one sleeve are averaged; a sleeve has a risk budget. All rules of the style trend
        are in the sleeve "trend", and no others.
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
        Attributes that are state; a rule with any names in ``DEPENDS`` the settings under whose
        other values they would mean something else.
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

    def walk(self, views: Views) -> tuple[FloatArray, Notes]:
        """Take sessions in order; returns signals and what a person should read.

        A session at a time by ``update`` and ``signal``; a rule that is worth it computes many at
        once, and must come to the same however they are parted.

        Returns
        -------
        tuple of float array of shape (n_sessions, n_markets) and Notes

        Raises
        ------
        ValueError
            If a signal is not one number a market, is infinite or, as a forecast, beyond its cap.
        """
        signals = np.empty(views.seen.seen.shape)
        notes: Notes = {}
        for row, view in enumerate(views):
            notes[row] = self.update(view)
            signals[row] = self._checked(self.signal(view), signals.shape[1])
        return signals, notes

    def _checked(self, signal: FloatArray, n_markets: int) -> FloatArray:
        """The signal of a session, if it is what ``signal`` is to return."""
        if np.shape(signal) != (n_markets,):
            raise ValueError(
                f"rule {self.NAME}: signal has shape {np.shape(signal)}; it must be ({n_markets},),"
                " one number a market"
            )
        cap = np.inf if self.COMPARES else self.inputs.settings.forecast_cap
        largest = np.max(np.abs(signal), where=~np.isnan(signal), initial=0.0)
        if largest > cap or np.isinf(largest):
            raise ValueError(
                f"rule {self.NAME}: signal has a value of size {largest:g}; allowed are"
                + (" finite numbers" if self.COMPARES else f" forecasts within ±{cap:g}")
                + " and NaN for none"
            )
        return signal

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


def registered(*rules: type[Rule]) -> tuple[type[Rule], ...]:
    """The rules, if they can stand side by side.

    Raises
    ------
    ValueError
        If a name is none, or two rules have the same; if rules of one sleeve differ in what is one
        for a sleeve; if the trend sleeve has a rule of another style, or a rule of its style is in
        another sleeve; if one has state and does not say which settings that depends on.
    """
    by_name: dict[str, type[Rule]] = {}
    first_of: dict[str, type[Rule]] = {}
    for rule in rules:
        name, sleeve = rule.NAME, rule.SLEEVE
        if not _NAME.fullmatch(name) or not _SLEEVE.fullmatch(sleeve):
            raise ValueError(
                f"{rule.__name__} has the name {name!r} and the sleeve {sleeve!r}; allowed are"
                " small letters, digits and _ after a letter, in a sleeve's name blanks too"
            )
        if name in by_name:
            both = f"{by_name[name].__name__} and {rule.__name__}"
            raise ValueError(f"{both} are both named {name!r}")
        if (rule.STYLE is Style.TREND) != (sleeve == TREND):
            raise ValueError(
                f"rule {name} of the style {rule.STYLE} is in the sleeve {sleeve!r}; the rules of"
                f" the style trend, and no others, are in the sleeve {TREND!r}"
            )
        if rule.STATE and not hasattr(rule, "DEPENDS"):
            raise ValueError(f"rule {name} has STATE and no DEPENDS; () if no setting changes it")
        by_name[name], first = rule, first_of.setdefault(sleeve, rule)
        for shared in ("STYLE", "ON_SPREADS", "NEUTRAL", "FULL"):
            if getattr(rule, shared) != getattr(first, shared):
                raise ValueError(
                    f"rules {first.NAME} and {name} share the sleeve {sleeve!r} and differ in"
                    f" {shared}, which is one for a sleeve"
                )
    return rules
