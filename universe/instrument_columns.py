"""Columns of an instruments file: what may stand in them and what it means (U8)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from universe.expiry import KNOWN_RULES
from universe.instruments import AssetClass, Basis, Instrument, Notice
from universe.rolls import MONTH_LETTERS

EMPTY = "-"
"""Stands for an empty text, because an empty cell leaves a fact as it is."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an instruments file.

    Attributes
    ----------
    name : str
    allowed : str
        What may stand in it, in words.
    meaning : str
    parse : callable
        Turns the text into the value; raises ValueError if it is not allowed.
    default : object
        Of a new market that neither gives the column nor is like another; None if there is none.
    """

    name: str
    allowed: str
    meaning: str
    parse: Callable[[str], Any]
    default: Any = None


def _matching(pattern: str, *, optional: bool = False) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text == EMPTY and optional:
            return ""
        if re.fullmatch(pattern, text) is None:
            raise ValueError(text)
        return text

    return parse


def _one_of(names: Iterable[str]) -> Callable[[str], str]:
    known = set(names)

    def parse(text: str) -> str:
        if text not in known:
            raise ValueError(text)
        return text

    return parse


def _number(low: float, high: float, *, above: bool = False) -> Callable[[str], float]:
    def parse(text: str) -> float:
        value = float(text)
        if not (low < value if above else low <= value) or not value <= high:
            raise ValueError(text)
        return value

    return parse


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise ValueError(text)
        return value

    return parse


def _months(text: str) -> str:
    letters = text.upper()
    if not letters or letters != "".join(x for x in MONTH_LETTERS if x in letters):
        raise ValueError(text)
    return letters


def _session(text: str) -> str:
    clock = r"([01]\d|2[0-3]):[0-5]\d"
    match = re.fullmatch(rf"{clock}-{clock} (\S+)", text)
    if match is None:
        raise ValueError(text)
    try:
        ZoneInfo(match[3])
    except (ZoneInfoNotFoundError, OSError) as error:
        raise ValueError(text) from error
    return text


def _yes_or_no(text: str) -> bool:
    return {"yes": True, "no": False}[_one_of(("yes", "no"))(text.lower())]


def _names(text: str) -> tuple[str, ...]:
    if text == EMPTY:
        return ()
    return tuple(_one_of(f.name for f in fields(Instrument))(name) for name in text.split())


_CODE = r"[A-Za-z0-9][A-Za-z0-9._-]{0,19}"
_CODE_WORDS = "letters, digits, . _ - (at most 20)"
_CARRY = {"-1": -1, "1": 1, "+1": 1}


def _carry(text: str) -> int:
    return _CARRY[_one_of(_CARRY)(text)]


COLUMNS: tuple[Column, ...] = (
    Column(
        "code",
        _CODE_WORDS,
        "key of the market: LEAN's ticker where LEAN lists it",
        _matching(_CODE),
    ),
    Column("name", "text", "for people", str, ""),
    Column(
        "market",
        "small letters and digits",
        "LEAN's market or the exchange: cme, eurex",
        _matching(r"[a-z][a-z0-9]*"),
    ),
    Column("asset_class", " ".join(AssetClass), "class across which risk is shared", AssetClass),
    Column(
        "sector",
        "small letters, digits, blanks",
        "sub-class for limits and attribution",
        _matching(r"[a-z0-9][a-z0-9 -]*"),
    ),
    Column(
        "currency",
        "three capital letters",
        "currency of the quote, ISO 4217",
        _matching(r"[A-Z]{3}"),
    ),
    Column(
        "multiplier",
        "above 0",
        "currency units per 1.0 of the quote and contract",
        _number(0.0, 1e12, above=True),
    ),
    Column("tick", "above 0", "smallest step of the quote", _number(0.0, 1e6, above=True)),
    Column(
        "hold_months",
        "letters of FGHJKMNQUVXZ in this order",
        "contract months that may be held",
        _months,
    ),
    Column(
        "priced_months",
        "the same; hold_months among them",
        "contract months used for carry (as hold_months)",
        _months,
        "",
    ),
    Column(
        "roll_days",
        "whole, 1 to 2000",
        "calendar days before the last trade date at which the roll window opens",
        _whole(1, 2000),
    ),
    Column(
        "carry_offset",
        "-1 or 1",
        "carry against the nearer (-1) or the farther contract",
        _carry,
        1,
    ),
    Column(
        "depth", "whole, 0 to 11", "contracts of hold_months skipped at the front", _whole(0, 11), 0
    ),
    Column(
        "notice",
        " ".join(Notice),
        "how a contract ends, which fixes the last day it may be held",
        Notice,
    ),
    Column(
        "expiry_rule",
        "see docs/instruments.md",
        "rule of the last trade date",
        _one_of(KNOWN_RULES),
    ),
    Column(
        "half_spread",
        "0 or above",
        "half the usual bid-ask spread, in the quote",
        _number(0.0, 1e6),
    ),
    Column("fee", "0 or above", "all fees per contract and side", _number(0.0, 1e6)),
    Column(
        "fee_currency",
        "three capital letters",
        "currency of the fee (as currency)",
        _matching(r"[A-Z]{3}"),
        "",
    ),
    Column(
        "adv_contracts",
        "above 0",
        "average daily volume of the held contract",
        _number(0.0, 1e9, above=True),
    ),
    Column(
        "rough_volume",
        "yes or no",
        "whether adv_contracts is an order of magnitude only",
        _yes_or_no,
        True,
    ),
    Column("session", "HH:MM-HH:MM Area/City", "regular session in exchange time", _session),
    Column(
        "duration",
        "0 to 100",
        "relative fall of the quote per 1.0 of yield; 0 but for rates",
        _number(0.0, 100.0),
        0.0,
    ),
    Column(
        "lean_listed",
        "yes or no",
        "whether LEAN's symbol-properties database has the market",
        _yes_or_no,
        False,
    ),
    Column(
        "source_code",
        "as code, or - for none",
        "file name of the market in pysystemtrade-style data",
        _matching(_CODE, optional=True),
        "",
    ),
    Column(
        "source_scale",
        "above 0",
        "LEAN's quote over that source's: 0.01 for cents",
        _number(0.0, 1e9, above=True),
        1.0,
    ),
    Column(
        "full_size",
        "a code, or - for none",
        "the full-size contract on the same underlying and currency",
        _matching(_CODE, optional=True),
        "",
    ),
    Column(
        "basis", " ".join(Basis), "what multiplier, tick and currency rest on", Basis, Basis.USER
    ),
    Column(
        "spread_listed",
        "yes or no",
        "whether the exchange lists calendar spreads, for roll_orders=spread",
        _yes_or_no,
        False,
    ),
    Column(
        "unknown",
        "names of columns, parted by blanks, or - for none",
        "facts that are stand-ins",
        _names,
        (),
    ),
)
"""In the order in which an instruments file is written."""
