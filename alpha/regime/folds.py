"""Folds for labels that look ahead: what training may not see of a test is purged (A8).

Rows are sessions in order; the label of row i is made of rows i + 1 to i + horizon. A training row
whose sessions, i to i + horizon, meet those of a test row is dropped, and so are the ``embargo``
rows after that (Lopez de Prado, Advances in Financial Machine Learning, 2018, chapter 7).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from universe.arrays import IntArray


def purged_train(
    rows: int, tests: Sequence[tuple[int, int]], horizon: int, embargo: int = 0
) -> IntArray:
    """Rows that may train a model that is tested on ``tests``.

    Parameters
    ----------
    rows : int
        Number of sessions.
    tests : sequence of (first, end)
        Half-open ranges of test rows.
    horizon : int
        Sessions ahead that a label looks.
    embargo : int
        Further rows dropped after each test.

    Returns
    -------
    int array, ascending
    """
    allowed = np.ones(rows, dtype=bool)
    for first, end in tests:
        allowed[max(first - horizon, 0) : min(end + horizon + embargo, rows)] = False
    return np.flatnonzero(allowed)


def purged_folds(
    rows: int, folds: int, horizon: int, embargo: int = 0
) -> list[tuple[IntArray, IntArray]]:
    """Contiguous folds of equal length (but for one row), each with the rows that may train for it.

    Parameters
    ----------
    rows, folds, horizon, embargo : int

    Returns
    -------
    list of (train, test) int arrays

    Raises
    ------
    ValueError
        If there are fewer than two folds, or one of them leaves nothing to train on.
    """
    out = []
    for first, end in fold_ranges(rows, folds):
        train = purged_train(rows, [(first, end)], horizon, embargo)
        if not len(train):
            raise ValueError(
                f"{rows} sessions in {folds} folds leave none to train on with a horizon of "
                f"{horizon} and an embargo of {embargo}; fewer folds or more sessions are needed"
            )
        out.append((train, np.arange(first, end)))
    return out


def fold_ranges(rows: int, folds: int) -> list[tuple[int, int]]:
    """Half-open ranges of ``folds`` contiguous folds.

    Raises
    ------
    ValueError
        If there are fewer than two folds or fewer rows than folds.
    """
    if not 2 <= folds <= rows:
        raise ValueError(f"folds is {folds}; it must be from 2 to the {rows} sessions there are")
    edges = [rows * i // folds for i in range(folds + 1)]
    return list(pairwise(edges))
