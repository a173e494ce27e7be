"""Splits of history into training and test, by the calendar's order or combinatorially (V2)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from alpha.regime.folds import fold_ranges, purged_train
from universe.arrays import IntArray


class SplitError(ValueError):
    """A history that cannot be split so; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Window:
    """One step of a walk forward, half-open ranges of sessions by their index.

    Attributes
    ----------
    train_first, train_end : int
        Sessions that train: the window before the test without those purged and embargoed.
    test_first, test_end : int
    """

    train_first: int
    train_end: int
    test_first: int
    test_end: int


@dataclass(frozen=True, slots=True)
class CombinatorialSplit:
    """One way to hold out some groups of sessions.

    Attributes
    ----------
    train : int array
        Rows that may train, purged and embargoed around every held-out group.
    tests : tuple of (group, rows)
        Held-out groups with their rows.
    paths : tuple of int
        For each held-out group the path through all of history that its forecasts belong to.
    """

    train: IntArray
    tests: tuple[tuple[int, IntArray], ...]
    paths: tuple[int, ...]


def walk_forward(
    sessions: int,
    train: int,
    test: int,
    *,
    horizon: int,
    embargo: int | None = None,
    expanding: bool = False,
) -> list[Window]:
    """Train on [t - train, t), test on [t, t + test), roll by ``test`` (000 section 7).

    The last ``horizon`` training sessions, whose labels reach into the test, are purged, and
    ``embargo`` more before them are left out.

    Parameters
    ----------
    sessions, train, test : int
        Sessions in all, of a training window and of a test; the last test may be shorter.
    horizon : int
        Sessions ahead that a label looks; 0 for what is chosen by past returns alone.
    embargo : int, optional
        The horizon unless given.
    expanding : bool
        Train from the first session on; ``train`` is then the least.

    Raises
    ------
    SplitError
        If a length is not positive, nothing is left to train on, or the history is too short.
    """
    embargo = horizon if embargo is None else embargo
    if min(train, test) < 1 or min(horizon, embargo) < 0:
        raise SplitError(
            f"train {train}, test {test}, horizon {horizon}, embargo {embargo}; the first two must "
            "be at least 1 session, the others at least 0"
        )
    gap = horizon + embargo
    if train <= gap:
        raise SplitError(f"train is {train} sessions; more than the {gap} left out are needed")
    if sessions <= train:
        raise SplitError(f"{sessions} sessions; more than the {train} of training are needed")
    return [
        Window(0 if expanding else t - train, t - gap, t, min(t + test, sessions))
        for t in range(train, sessions, test)
    ]


def combinatorial_purged(
    sessions: int, groups: int, held_out: int, *, horizon: int, embargo: int = 0
) -> list[CombinatorialSplit]:
    """Combinatorial purged cross-validation: every choice of ``held_out`` groups is a test once.

    The forecasts of a group over all splits are numbered in the order of the splits: those with one
    number, a group each, are a path through all of history. There are
    ``held_out / groups * C(groups, held_out)`` paths (Lopez de Prado, 2018, chapter 12).

    Parameters
    ----------
    sessions, groups, held_out : int
    horizon, embargo : int
        As in ``alpha.regime.folds``.

    Raises
    ------
    SplitError
        If no group is held out or none is left, or a split leaves nothing to train on.
    """
    ranges = fold_ranges(sessions, groups)
    if not 1 <= held_out < groups:
        raise SplitError(f"held_out is {held_out}; it must be from 1 to {groups - 1}")
    seen = [0] * groups
    splits = []
    for chosen in combinations(range(groups), held_out):
        train = purged_train(sessions, [ranges[g] for g in chosen], horizon, embargo)
        if not len(train):
            raise SplitError(
                f"holding out groups {chosen} of {groups} leaves no session of {sessions} to train "
                f"on with a horizon of {horizon} and an embargo of {embargo}"
            )
        paths = tuple(seen[g] for g in chosen)
        for g in chosen:
            seen[g] += 1
        tests = tuple((g, np.arange(*ranges[g])) for g in chosen)
        splits.append(CombinatorialSplit(train, tests, paths))
    return splits
