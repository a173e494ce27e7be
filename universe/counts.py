"""Counts with their nouns, for people."""

from __future__ import annotations


def count_text(count: int, one: str, many: str = "") -> str:
    """A count with its noun, as in 1 session and 2 sessions.

    Parameters
    ----------
    count : int
    one : str
        The noun of one.
    many : str
        Of any other number; by default with an s.
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"
