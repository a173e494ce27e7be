"""What a document is made of, so that one text serves HTML and PDF alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heading:
    """Title of a part; level 1 begins a new page in print."""

    text: str
    level: int = 1


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph of plain text."""

    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text below a line of names; numbers are set to the right.

    Attributes
    ----------
    names : sequence of str
    rows : sequence of sequences of str
    note : str
        Below the table; also what stands in for it when there is no row.
    """

    names: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing as PNG, with what it shows in words."""

    png: bytes
    caption: str


@dataclass(frozen=True, slots=True)
class Signature:
    """A line to sign on, for a role."""

    role: str


Block = Heading | Paragraph | Table | Figure | Signature
