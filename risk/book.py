"""What a risk stage is asked about, and what it answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from risk.account import Remedy
from risk.limits import Reading
from risk.var import VarModel
from universe.arrays import BoolArray, FloatArray, IntArray
from universe.instruments import Instrument
from universe.setting import Table


@dataclass(frozen=True, slots=True)
class Book:
    """Whole contracts that are asked for, and all that their risk depends on.

    Arrays are over assets: the markets outright, then their calendar spreads where these are
    traded.

    Attributes
    ----------
    day : int
        Epoch day.
    nav : float
        Account currency; NaN while it is unknown.
    names : sequence of str
    asked, held : int arrays
        Contracts of the stage before, and those held now.
    unit : float array
        Exposure of one contract over NAV, NaN where unknown.
    free : bool array
        Assets that can be traded today; the others stay as they are.
    model : VarModel
    seen, forced, spot : bool arrays, optional
        Assets with a trusted price today, that may not be held beyond the next session, and whose
        contract is in its spot month; none by default.
    unit_margin : float array, optional
        Initial margin of one contract over NAV, NaN where unknown.
    slippage : float array of shape (2 n_markets,), optional
        Of the fills since the last close, see ``risk.account.RiskAccount``.
    remedy : Remedy
        The highest that the stages before have asked for.
    reasons : tuple of str
        Why they did.
    """

    day: int
    nav: float
    names: Sequence[str]
    asked: IntArray
    held: IntArray
    unit: FloatArray
    free: BoolArray
    model: VarModel
    seen: BoolArray | None = None
    forced: BoolArray | None = None
    spot: BoolArray | None = None
    unit_margin: FloatArray | None = None
    slippage: FloatArray | None = None
    remedy: Remedy = Remedy.SAY
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one risk stage made of the book.

    Attributes
    ----------
    name : str
    contracts : int array of shape (n_assets,)
    scale : float
        Gross exposure left over that asked for, 1 where nothing was done.
    steps : tuple of str
        What it did, in order, each a sentence for people.
    figures : dict of str to float
        What it measured, by name.
    readings : sequence of Reading
        Of limits, for the record.
    remedy : Remedy
        What it asks of the stages behind it: to freeze or to flatten.
    reasons : tuple of str
        Why it does.
    frozen : bool array of shape (n_assets,), optional
        Assets in which only what an expiry forces is ordered.
    """

    name: str
    contracts: IntArray
    scale: float = 1.0
    steps: tuple[str, ...] = ()
    figures: dict[str, float] = field(default_factory=dict)
    readings: Sequence[Reading] = ()
    remedy: Remedy = Remedy.SAY
    reasons: tuple[str, ...] = ()
    frozen: BoolArray | None = None


class Protection(ABC):
    """A stage that may take away from the targets, or keep what is held, never add to a position.

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

    @classmethod
    @abstractmethod
    def create(cls, settings: Any, instruments: Sequence[Instrument], n_assets: int) -> Self:
        """Make it from the settings, which derive from ``SETTINGS``.

        Raises
        ------
        SettingsError
            If the settings name what is not there.
        """

    @abstractmethod
    def protect(self, book: Book) -> Verdict:
        """Judge the book of one session; called once for each, in order."""


def checked(verdict: Verdict, book: Book) -> Verdict:
    """The verdict of a stage that keeps to what stages may do.

    Parameters
    ----------
    verdict : Verdict
    book : Book
        What it judged.

    Raises
    ------
    ValueError
        If its contracts are no whole numbers, not one for every asset, or outside of what lies
        between none, those asked for and those held.
    """
    contracts, asked, held = verdict.contracts, book.asked, book.held
    if contracts.shape != asked.shape or contracts.dtype.kind != "i":
        raise ValueError(
            f"risk stage {verdict.name!r} made contracts of type {contracts.dtype} and shape "
            f"{contracts.shape}; they must be whole numbers of shape {asked.shape}"
        )
    low, high = np.minimum(asked, held), np.maximum(asked, held)
    outside = (contracts < np.minimum(low, 0)) | (contracts > np.maximum(high, 0))
    if outside.any():
        asset = int(outside.argmax())
        raise ValueError(
            f"risk stage {verdict.name!r} made {asked[asset]:+d} {book.names[asset]} "
            f"{contracts[asset]:+d} while {held[asset]:+d} are held; it may take away or keep what "
            "is held, never add"
        )
    return verdict
