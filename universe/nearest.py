"""What somebody may have meant who wrote a name that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str], likeness: float = 0.6) -> str:
    """The hint ``; did you mean 'ES'?``, empty where no known name is near.

    Upper and lower case count as equal.

    Parameters
    ----------
    name : str
        As it was written.
    known : iterable of str
        Names that exist.
    likeness : float
        Between 0 and 1, how much of a known name must be in it.
    """
    by_fold = {one.casefold(): one for one in known}
    near = difflib.get_close_matches(name.casefold(), by_fold, n=1, cutoff=likeness)
    return f"; did you mean {by_fold[near[0]]!r}?" if near else ""
