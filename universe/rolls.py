"""Which contract of a market to hold, and when to roll (000, Roll selection; U2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, overload

from universe.arrays import DAYS_IN_YEAR, IntArray
from universe.instruments import Instrument
from universe.session import NO_CONTRACT, Contract

MONTH_LETTERS = "FGHJKMNQUVXZ"


@dataclass(frozen=True, slots=True)
class RollDecision:
    """The contract to hold from now on.

    Attributes
    ----------
    month : int
        Contract month, yyyymm; ``NO_CONTRACT`` when nothing can be held.
    reason : str
        "", or why it changed: "first", "window", "mapping", "open interest".
    must_exit : bool
        The contract may not be held any longer and no successor has a price yet: be flat.
    leading : int
        The contract that leads in this session and must lead in the next one too before it is
        rolled to, ``NO_CONTRACT`` for none.
    """

    month: int
    reason: str = ""
    must_exit: bool = False
    leading: int = NO_CONTRACT


def roll_window_days(instrument: Instrument) -> float:
    """Calendar days before the last trade date at which the roll window opens.

    ``depth`` front contracts of the holding cycle are skipped by opening it earlier by as many
    cycle steps (NG holds the second contract; 001).
    """
    return instrument.roll_days + instrument.depth * DAYS_IN_YEAR / len(instrument.hold_months)


def in_cycle(month: int, letters: str) -> bool:
    """Whether contract month ``month`` (yyyymm) is one of the month ``letters``."""
    return MONTH_LETTERS[month % 100 - 1] in letters


@overload
def next_weekday(day: int) -> int: ...
@overload
def next_weekday(day: IntArray) -> IntArray: ...
def next_weekday(day: Any) -> Any:
    """The first epoch day after ``day`` that is no Saturday or Sunday."""
    weekday = (day + 3) % 7  # 1970-01-01 was a Thursday
    return day + 1 + (weekday >= 4) * (6 - weekday)


def is_due(last_holding: int, day: int, ahead: int = 1) -> bool:
    """Whether a contract must be left by one of the next ``ahead`` sessions.

    Parameters
    ----------
    last_holding : int
        Epoch day of the last session in which it may be held.
    day : int
        Epoch day of a decision.
    ahead : int
    """
    for _ in range(ahead):
        day = next_weekday(day)
    return last_holding <= day


def choose_contract(
    instrument: Instrument,
    held: int,
    quotes: Mapping[int, float],
    contracts: Mapping[int, Contract],
    mapped: int,
    day: int,
    *,
    open_interest: Mapping[int, float] | None = None,
    theta: float = 1.0,
    led: int = NO_CONTRACT,
    follow_mapping: bool = True,
    ahead: int = 1,
) -> RollDecision:
    """Contract to hold after the close of ``day``, from that session and the calendar alone.

    Parameters
    ----------
    instrument : Instrument
    held : int
        Contract month held so far, or ``NO_CONTRACT``.
    quotes : mapping of int to float
        Closes of this session by contract month; a roll needs both contracts in it.
    contracts : mapping of int to Contract
    mapped : int
        The data's own front contract, or ``NO_CONTRACT``.
    day : int
        Epoch day.
    open_interest : mapping of int to float, optional
        By contract month; without it the rule falls back on the calendar.
    theta : float
        Roll when the next contract's open interest exceeds theta times the held one's, in this
        session and in the one before.
    led : int
        ``leading`` of the session before.
    follow_mapping : bool
        Also roll when ``mapped`` is a later contract of the holding cycle.
    ahead : int
        Sessions before the last holding day is over in which the window is open at the latest.

    Returns
    -------
    RollDecision
        Never moves to an earlier contract, nor to one inside its own roll window. One wrong figure
        moves nothing: a lead in open interest, and a front contract beyond the next quoted one of
        the cycle, must last for two sessions.
    """
    window = roll_window_days(instrument)
    holdable = sorted(
        (contracts[month].expiry, month)
        for month in quotes
        if month in contracts
        and in_cycle(month, instrument.hold_months)
        and contracts[month].expiry - day > window
        and contracts[month].last_holding > day
    )
    fronted = (
        follow_mapping
        and mapped in quotes
        and mapped in contracts
        and in_cycle(mapped, instrument.hold_months)
    )
    if held == NO_CONTRACT:
        if fronted and any(month == mapped for _, month in holdable):
            return RollDecision(mapped, "first")
        return RollDecision(holdable[0][1], "first") if holdable else RollDecision(NO_CONTRACT)

    current = contracts[held]
    later = [month for expiry, month in holdable if expiry > current.expiry]
    leading, reason = NO_CONTRACT, ""
    if current.expiry - day <= window or is_due(current.last_holding, day, ahead):
        reason = "window"
    elif fronted and contracts[mapped].expiry > current.expiry:
        reason = "mapping"
        if mapped in later[1:]:
            leading, later = mapped, [mapped]
    elif later and _leads(later[0], held, open_interest or {}, theta):
        leading, reason = later[0], "open interest"
    if leading != led and leading != NO_CONTRACT:
        return RollDecision(held, leading=leading)
    if reason and later and held in quotes:
        return RollDecision(later[0], reason)
    return RollDecision(held, must_exit=is_due(current.last_holding, day))


def _leads(month: int, held: int, open_interest: Mapping[int, float], theta: float) -> bool:
    return held in open_interest and open_interest.get(month, 0.0) > theta * open_interest[held]


def carry_contract(
    instrument: Instrument,
    held: int,
    quotes: Mapping[int, float],
    contracts: Mapping[int, Contract],
) -> int:
    """The contract that carry is measured against, or ``NO_CONTRACT``.

    The nearest priced one on the side of ``carry_offset``, else the nearest on the other side.
    """
    anchor = contracts[held].expiry
    before, after = (-1, NO_CONTRACT), (10**9, NO_CONTRACT)
    for month in quotes:
        contract = contracts.get(month)
        if contract is None or contract.expiry == anchor:
            continue
        if contract.expiry < anchor:
            before = max(before, (contract.expiry, month))
        else:
            after = min(after, (contract.expiry, month))
    first, second = (after, before) if instrument.carry_offset > 0 else (before, after)
    return first[1] or second[1]
