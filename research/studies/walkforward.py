"""Choosing settings by past returns alone, window after window, and what that would have made (V2).

Every configuration of a grid is run once over all sessions. A decision never sees later data, so
its returns inside a window are those of a run that ended with the window. In every window the
configuration with the highest net Sharpe ratio in training is locked and earns the test.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from algorithm.settings import Settings, SettingsError
from research.measures.performance import sharpe
from research.studies.splits import Window, combinatorial_purged, walk_forward
from research.studies.study_row import StudyRequest, StudyRow, make_row
from universe.arrays import FloatArray, from_epoch_day, sessions_a_year
from universe.counts import count_text

DEFAULT_GRID: Mapping[str, tuple[str, ...]] = {
    "trend_budget": ("0.3", "0.5", "0.7"),
    "buffer": ("0.05", "0.1", "0.2", "0.3"),
}
"""Mix of the sleeves, and how far a position may be off before it is traded; the defaults are in
the middle of both, and a number of runs that two or four workers share evenly."""

CHOSEN = "walk forward"
AS_SET = "as set"

MOST = 500
"""Most configurations of a grid."""


@dataclass(frozen=True, slots=True)
class Lock:
    """The settings that one window chose.

    Attributes
    ----------
    window : Window
    chosen : int
        Row of the configuration.
    sharpe : float
        Net, in training.
    """

    window: Window
    chosen: int
    sharpe: float


def grid_of(given: Sequence[str]) -> dict[str, list[str]] | None:
    """``NAME=V1,V2`` options as a grid; None where none is given.

    Raises
    ------
    SettingsError
        For one without a name or values, or a name given twice.
    """
    out: dict[str, list[str]] = {}
    for text in given:
        name, _, values = text.partition("=")
        listed = [value.strip() for value in values.split(",")]
        if not name.strip() or not all(listed) or name.strip() in out:
            raise SettingsError(f"grid is {text!r}; it must be NAME=V1,V2,..., each name once")
        out[name.strip()] = listed
    return out or None


def grid_requests(
    settings: Settings, grid: Mapping[str, Sequence[str]] | None = None
) -> list[StudyRequest]:
    """The settings as they are, then every combination of the grid's values.

    Raises
    ------
    SettingsError
        For an unknown setting or value, or a grid of too many configurations.
    """
    grid = DEFAULT_GRID if grid is None else grid
    size = math.prod(len(values) for values in grid.values())
    if not 1 < size <= MOST:
        raise SettingsError(
            f"the grid has {count_text(size, 'configuration')}; it must have 2 to {MOST}"
        )
    chosen = settings.as_strings()
    requests = [StudyRequest(AS_SET, chosen)]
    for values in itertools.product(*grid.values()):
        changes = dict(zip(grid, values, strict=True))
        name = " ".join(f"{key}={value}" for key, value in changes.items())
        requests.append(StudyRequest(name, Settings.parse({**chosen, **changes}).as_strings()))
    return requests


def lock_windows(returns: FloatArray, windows: Sequence[Window], year: float) -> list[Lock]:
    """The best configuration of every training window; the first where several are equal.

    Parameters
    ----------
    returns : float array of shape (n_days, n_configurations)
    windows : sequence of Window
    year : float
        Sessions a year of the calendar.
    """
    return [
        Lock(window, *_best(returns[window.train_first : window.train_end], year))
        for window in windows
    ]


def _best(returns: FloatArray, year: float) -> tuple[int, float]:
    ratios = np.array([sharpe(column, year) for column in returns.T])
    ranked = np.where(np.isfinite(ratios), ratios, -np.inf)
    best = int(np.argmax(ranked))
    return best, float(ratios[best])


def walk(
    rows: Sequence[StudyRow], train: int, test: int, *, expanding: bool = False
) -> tuple[StudyRow, StudyRow, list[Lock]]:
    """Walk forward through configurations that were run on the same sessions.

    Parameters
    ----------
    rows : sequence of StudyRow
        The first is that of the settings as they are; it is not chosen from.
    train, test : int
        Sessions.
    expanding : bool

    Returns
    -------
    chosen, as_set : StudyRow
        On the tested sessions.
    locks : list of Lock
        Their ``chosen`` counts from the second row.

    Raises
    ------
    ValueError
        As ``walk_forward``.
    """
    candidates = rows[1:]
    returns = np.column_stack([row.returns for row in candidates])
    cost = np.column_stack([row.cost for row in candidates])
    windows = walk_forward(len(returns), train, test, horizon=0, expanding=expanding)
    locks = lock_windows(returns, windows, sessions_a_year(candidates[0].day))
    pick = np.concatenate(
        [
            np.full(w.test_end - w.test_first, lock.chosen)
            for w, lock in zip(windows, locks, strict=True)
        ]
    )
    tested = np.arange(train, len(returns))
    base = rows[0]
    day = base.day[train - 1 :]
    made = [
        make_row(StudyRequest(name, base.settings), base.data, day, earned, paid)
        for name, earned, paid in (
            (CHOSEN, returns[tested, pick], cost[tested, pick]),
            (AS_SET, base.returns[train:], base.cost[train:]),
        )
    ]
    return made[0], made[1], locks


def combinatorial_paths(
    returns: FloatArray, year: float, groups: int, held_out: int, embargo: int = 0
) -> FloatArray:
    """Net Sharpe ratio of the choice along every path of combinatorial purged cross-validation.

    Parameters
    ----------
    returns : float array of shape (n_days, n_configurations)
    year : float
        Sessions a year of the calendar.
    groups, held_out, embargo : int

    Returns
    -------
    float array of shape (n_paths,)
    """
    splits = combinatorial_purged(len(returns), groups, held_out, horizon=0, embargo=embargo)
    count = 1 + max(path for split in splits for path in split.paths)
    paths = np.full((count, len(returns)), np.nan)
    for split in splits:
        best, _ = _best(returns[split.train], year)
        for (_, rows), path in zip(split.tests, split.paths, strict=True):
            paths[path, rows] = returns[rows, best]
    return np.array([sharpe(path, year) for path in paths])


def locked_document(rows: Sequence[StudyRow], locks: Sequence[Lock]) -> dict[str, Any]:
    """What was locked when, as ``locked.json`` keeps it, with the hash of the data."""
    base, candidates = rows[0], rows[1:]

    def day(index: int) -> str:
        return from_epoch_day(int(base.day[index])).isoformat()

    return {
        "data": base.data,
        "windows": [
            {
                "train": [day(lock.window.train_first), day(lock.window.train_end - 1)],
                "test": [day(lock.window.test_first), day(lock.window.test_end - 1)],
                "name": candidates[lock.chosen].name,
                "train_sharpe": lock.sharpe if math.isfinite(lock.sharpe) else None,
                "configuration": candidates[lock.chosen].configuration,
                "settings": candidates[lock.chosen].settings,
            }
            for lock in locks
        ],
    }
